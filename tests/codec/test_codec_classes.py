"""Classes of any kind are stored by their fields, and come back exactly: dataclasses, attrs, Structs, Pydantic models.

Nothing of docstore stands in them, and their libraries are not imported by docstore.
"""

from __future__ import annotations

import abc
import copy
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import KW_ONLY, InitVar, dataclass, field, make_dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid4

import attr
import attrs
import msgspec
import numpy as np
import pydantic
import pytest
from counting import calls_of
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, PrivateAttr

from docstore.codec import Codec
from docstore.codec.classes import stored_fields
from docstore.codec.classes.class_fields import is_frozen
from docstore.codec.classes.objects import check_readable
from docstore.codec.registry import Entry, Registry
from docstore.documents.canonical import TAG, dumps, loads
from docstore.errors import CodecError, DecodeError, EncodeError, RegistryError, UnknownTagError
from docstore.testing.exact import identity

T = TypeVar("T")

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Level(IntEnum):
    LOW = 1


# --- dataclasses -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Slots:
    a: int
    b: list[Colour] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlots:
    a: tuple[datetime, ...]
    b: int = field(init=False, default=5)


@dataclass(slots=True)
class SlotsOverSlots(Slots):
    a: float
    c: Colour | None = None


@dataclass
class DictOverSlots(Slots):
    d: int = 0


class Behaviour:
    """A plain base, with what is not stored."""

    limit: ClassVar[int] = 7

    def double(self) -> int:
        return self.limit * 2


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


@dataclass
class Square(Shape, Behaviour):
    side: float
    unit: ClassVar[str] = "m"
    _: KW_ONLY
    colour: Colour = Colour.RED
    owner: Any = field(default=None, metadata={"stored": False})

    def area(self) -> float:
        return self.side**2


@dataclass
class Redefines(Square):
    side: int = 3  # type: ignore[assignment]  # narrower than its base's
    colour: str = "none"  # type: ignore[assignment]  # as above


@dataclass
class Box(Generic[T]):
    item: T
    items: list[T] = field(default_factory=list)


@dataclass
class IntBox(Box[int]):
    pass


@dataclass
class Scaled:
    """Has a constructor that takes what it does not keep."""

    a: float
    scale: InitVar[float]
    made: datetime = NOON

    def __post_init__(self, scale: float) -> None:
        self.a *= scale


@dataclass(slots=True)
class ScaledSlots:
    a: float
    scale: InitVar[float]
    owner: Any = field(default=0, metadata={"stored": False})

    def __post_init__(self, scale: float) -> None:
        self.a *= scale


@dataclass
class MayBeScaled:
    a: float
    scale: InitVar[float] = 3.0

    def __post_init__(self, scale: float) -> None:
        self.a *= scale
        self._scale = scale


@dataclass(init=False)
class WithoutInit:
    a: int
    b: int = 2


@dataclass(init=False)
class WithoutInitOverInit(Slots):
    z: int = 2


def without_init(cls: type, **state: Any) -> Any:
    made = cls.__new__(cls)
    for name, value in state.items():
        setattr(made, name, value)
    return made


DATACLASSES = [
    Slots(1, [Colour.RED]),
    FrozenSlots(a=(NOON,)),
    SlotsOverSlots(1.0, [], Colour.BLUE),
    DictOverSlots(1, [Colour.RED], 4),
    Square(1.0, colour=Colour.BLUE),
    Redefines(1, colour="x"),
    Box({1: (NOON,)}, [Colour.RED]),
    Box[int](3),
    IntBox(3, [4]),
    Scaled(2.0, 3.0),
    ScaledSlots(2.0, 3.0),
    MayBeScaled(2.0),
    without_init(WithoutInit, a=1, b=3),
    without_init(WithoutInitOverInit, a=1, b=[], z=3),
]

# --- attrs -----------------------------------------------------------------------------------------------------------


@attrs.define
class Defined:
    x: int
    _y: list[Colour] = attrs.field(factory=list)
    z: Any = attrs.field(default=attrs.Factory(lambda self: [self.x], takes_self=True))
    w: int = attrs.field(init=False, default=3)
    session: Any = attrs.field(default=None, metadata={"stored": False})

    @cached_property
    def worked_out(self) -> int:
        return self.x + 1


@attrs.frozen(kw_only=True)
class FrozenAttrs:
    when: datetime = attrs.field(alias="at")
    ratio: float = attrs.field(converter=float, default=0.0)


@attrs.define(slots=False)
class OverDefined(Defined):
    extra: str = "e"


@attr.s(hash=True, cache_hash=True)
class Old:
    x = attr.ib(type=datetime)
    _private = attr.ib(default=3, validator=attr.validators.instance_of(int))


@attr.s(slots=True)
class OldSlots:
    x = attr.ib(converter=str)


@attrs.define(init=False)
class OwnAttrsInit:
    a: int
    b: int

    def __init__(self, a: int) -> None:
        self.__attrs_init__(a, a + 1)  # type: ignore[attr-defined]  # made by attrs


class AttrsByHand(Defined):
    def __init__(self, x: int, colour: Colour) -> None:
        super().__init__(x)
        self.colour = colour


def changed(value: Any, **state: Any) -> Any:
    """Return *value* after attributes were set as no constructor sets them."""
    for name, item in state.items():
        object.__setattr__(value, name, item)
    return value


ATTRS = [
    Defined(1, [Colour.RED]),
    changed(Defined(1), z="another", w=9),
    FrozenAttrs(at=NOON, ratio=2),
    changed(FrozenAttrs(at=NOON), ratio=1),
    OverDefined(1, y=[Colour.BLUE], extra="f"),
    Old(NOON, private=4),
    changed(OldSlots(3), x=3),
    OwnAttrsInit(1),
    changed(OwnAttrsInit(1), b=7),
    AttrsByHand(1, Colour.RED),
]

# --- msgspec ---------------------------------------------------------------------------------------------------------


class Point(msgspec.Struct):
    x: Any
    y: list[Colour] = []
    z: dict[str, Any] = msgspec.field(default_factory=dict)


class Tight(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="tight", rename="camel"):
    when_made: datetime
    the_level: Level = Level.LOW


class Row(msgspec.Struct, array_like=True, weakref=True, omit_defaults=True):
    a: int
    b: Annotated[str, msgspec.Meta(max_length=5)] = "b"


class Later(Point, kw_only=True):
    needed: int
    _private: int = 3


class WithDict(msgspec.Struct, dict=True):
    a: int

    def __post_init__(self) -> None:
        self.a += 1

    @cached_property
    def worked_out(self) -> int:
        return self.a * 2


class Loose(msgspec.Struct, dict=True):
    a: int


STRUCTS = [
    Point((1, 2), [Colour.RED], {"a": NOON}),
    Tight(when_made=NOON),
    Row(1),
    Later(1, needed=4, _private=5),
    WithDict(1),
]

# --- Pydantic --------------------------------------------------------------------------------------------------------


class Model(BaseModel):
    x: int
    colours: list[Colour] = []
    when: datetime | None = None
    key: UUID = Field(default_factory=uuid4)


class Aliased(BaseModel):
    model_config = ConfigDict(frozen=True)
    a: int = Field(alias="A")
    b: int = Field(validation_alias=AliasChoices("B", "bee"))
    c: int = Field(validation_alias=AliasPath("list", 0), serialization_alias="see")


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True, alias_generator=str.upper, extra="forbid", strict=True)
    name: tuple[int, ...]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int = 0


class Fussy(BaseModel):
    """Has extras of one type."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]


class Private(BaseModel):
    x: int
    _calls: int = PrivateAttr(default=0)
    _log: list[int] = PrivateAttr(default_factory=list)

    def model_post_init(self, context: Any) -> None:
        self._log.append(self.x)

    @pydantic.computed_field
    def double(self) -> int:
        return self.x * 2

    @pydantic.computed_field
    @cached_property
    def triple(self) -> int:
        return self.x * 3


class Changing(BaseModel):
    """A validation that is no inverse of reading, a default that is not valid, and a default made of another value."""

    model_config = ConfigDict(revalidate_instances="always", validate_assignment=True)
    name: str
    inner: Model | None = None
    unset: int = None  # type: ignore[assignment]  # on purpose: defaults are not validated
    copied: str = Field(default_factory=lambda data: data["name"])

    @pydantic.field_validator("name")
    @classmethod
    def shout(cls, name: str) -> str:
        return f"{name}!"


class Numbers(pydantic.RootModel[list[int]]):
    pass


class MaybeNumbers(pydantic.RootModel[list[int]]):
    root: list[int] = []


class Crate(BaseModel, Generic[T]):
    item: T


class InitOfItsOwn(BaseModel):
    x: int = Field(alias="ex")
    _token: str = "none"

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
        self._token = f"token of {self.x}"


class InitOfOther(BaseModel):
    x: int

    def __init__(self, text: str) -> None:
        super().__init__(x=int(text))


class Anywhere(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    slots: Slots
    point: Point
    any: Any


@pydantic.dataclasses.dataclass
class Checked:
    x: int = Field(alias="X")
    ys: list[Colour] = Field(default_factory=list)
    unset: int = None  # type: ignore[assignment]  # as above
    late: int = field(init=False, default=4)


@pydantic.dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTight:
    when: datetime
    owner: Any = field(default=None, metadata={"stored": False})


@pydantic.dataclasses.dataclass
class CheckedScaled:
    a: float
    scale: InitVar[float]

    def __post_init__(self, scale: float) -> None:
        self.a *= scale


class OverChecked(Checked):
    pass


MODELS = [
    Model(x=1, colours=[Colour.RED], when=NOON),
    Model(x=1),
    changed(Model(x=1), x=2),
    Model.model_construct(x=1, colours=[], _fields_set={"x", "no field"}),
    Model.model_construct(_fields_set=set(), x=5),
    Aliased(A=1, B=2, list=[3]),
    ByName(NAME=(1, 2)),
    Open(),
    Open(x=1, y=(1, 2), **{"an extra": NOON}),
    Open(y=Model(x=1)),
    Fussy(y=1),
    Private(x=1),
    Changing(name="n", inner=Model(x=1)),
    Changing(name="n", unset=5),
    Numbers([1, 2]),
    MaybeNumbers(),
    MaybeNumbers([1]),
    Crate[int](item=1),
    Crate(item={1: NOON}),
    InitOfItsOwn(ex=3),
    InitOfOther("3"),
    Anywhere(slots=Slots(1), point=Point(1), any=Square(1.0)),
    Checked(X=1, ys=[Colour.RED]),
    changed(Checked(X=1), late=7),
    CheckedTight(when=NOON),
    CheckedScaled(2.0, 3.0),
    OverChecked(X=2),
]

# --- other classes ---------------------------------------------------------------------------------------------------


class SlotsByHand:
    __slots__ = ("__mangled", "_items", "_length", "name")

    def __init__(self, name: str, items: list[int]) -> None:
        self.name = name.upper()
        self._items = tuple(items)
        self._length = len(items)
        self.__mangled = 1


class Pair(NamedTuple):
    left: int
    right: Colour | None = None


OTHERS = [SlotsByHand("n", [1]), changed(SlotsByHand("n", [1]), name="n", _items=[2]), Pair(1, Colour.RED), Level.LOW]

VALUES = [*DATACLASSES, *ATTRS, *STRUCTS, *MODELS, *OTHERS]
CLASSES = list(dict.fromkeys([*map(type, VALUES), Colour]))
CODEC = Codec(Registry(Entry(cls, cls.__name__) for cls in CLASSES))


def ids(values: list[Any]) -> list[str]:
    return [f"{type(value).__name__}-{number}" for number, value in enumerate(values)]


def codec_of(*classes: type, **options: Any) -> Codec:
    return Codec(Registry(Entry(cls, cls.__name__, **options) for cls in classes))


def round_trip(value: Any, codec: Codec = CODEC) -> Any:
    return codec.decode(loads(dumps(codec.encode(value))))


class TestAnObjectOfAnyClass:
    @pytest.mark.parametrize("value", VALUES, ids=ids(VALUES))
    def test_comes_back_exactly(self, value):
        assert identity(round_trip(value)) == identity(value)

    @pytest.mark.parametrize("value", VALUES, ids=ids(VALUES))
    def test_comes_back_exactly_from_a_container(self, value):
        assert identity(round_trip({"a": [(value,)]})) == identity({"a": [(value,)]})

    @pytest.mark.parametrize("value", VALUES, ids=ids(VALUES))
    def test_is_not_changed_by_being_written(self, value):
        before = identity(value)

        CODEC.encode(value)

        assert identity(value) == before

    @pytest.mark.parametrize("value", VALUES, ids=ids(VALUES))
    def test_has_the_same_text_once_it_came_back(self, value):
        assert dumps(CODEC.encode(round_trip(value))) == dumps(CODEC.encode(value))

    @pytest.mark.parametrize("library", ["attr", "msgspec", "pydantic", "pydantic_core"])
    def test_needs_no_library_of_other_kinds(self, library):
        code = (
            "import sys, dataclasses\n"
            "from docstore.codec import Codec\n"
            "from docstore.codec.registry import Entry, Registry\n"
            "point = dataclasses.make_dataclass('P', ['x'])\n"
            "codec = Codec(Registry([Entry(point, 'P')]))\n"
            "codec.decode(codec.encode(point(1)))\n"
            f"print({library!r} in sys.modules)"
        )

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert done.stdout.strip() == "False"


class TestTheJsonOfAnObject:
    @pytest.mark.parametrize(
        ("value", "json"),
        [
            (Defined(1), {"x": 1, "y": [], "z": [1], "w": 3}),
            (FrozenAttrs(at=NOON), {"when": "2024-01-01T12:00:00+00:00", "ratio": 0.0}),
            (Old(NOON), {"x": "2024-01-01T12:00:00+00:00", "private": 3}),
            (Tight(when_made=NOON), {"when_made": "2024-01-01T12:00:00+00:00", "the_level": "LOW"}),
            (Row(1), {"a": 1, "b": "b"}),
            (Later(1, needed=2), {"x": 1, "y": [], "z": {}, "needed": 2, "private": 3}),
            (Aliased(A=1, B=2, list=[3]), {"a": 1, "b": 2, "c": 3}),
            (ByName(NAME=()), {"name": []}),
            (Open(), {"x": 0, "__set": []}),
            (Open(x=1), {"x": 1}),
            (Open(x=1, y=2), {"x": 1, "__extra": {"y": 2}}),
            (Open(y=2), {"x": 0, "__extra": {"y": 2}, "__set": ["y"]}),
            (Private(x=1), {"x": 1}),
            (Numbers([1]), {"root": [1]}),
            (Checked(X=1), {"x": 1, "ys": [], "unset": None, "late": 4}),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_has_its_fields_by_their_python_names(self, value, json):
        assert loads(dumps(CODEC.encode(value))) == {TAG: type(value).__name__, **json}

    @pytest.mark.parametrize("base", [BaseModel, object])
    def test_is_guided_by_an_annotation_that_only_pydantic_can_resolve(self, base):
        class Size(Enum):
            LARGE = 1

        class Cup(base):  # type: ignore[misc]  # a parameter
            size: Size

        made = Cup if base is BaseModel else pydantic.dataclasses.dataclass(Cup)
        codec = codec_of(made, Size)

        assert codec.encode(made(size=Size.LARGE)) == {TAG: "Cup", "size": "LARGE"}
        assert round_trip(made(size=Size.LARGE), codec) == made(size=Size.LARGE)


class TestWhatIsNotStored:
    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (Square(1.0, owner=object()), "owner"),
            (Defined(1, session=object()), "session"),
            (CheckedTight(when=NOON, owner=object()), "owner"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_left_as_the_constructor_leaves_it(self, value, name):
        assert getattr(round_trip(value), name) is None

    def test_is_made_by_the_constructor_if_it_can_be_called(self):
        assert round_trip(MayBeScaled(1.0))._scale == 3.0

    def test_is_its_default_where_no_constructor_is_called(self):
        assert round_trip(changed(ScaledSlots(1.0, 1.0), owner=object())).owner == 0

    @pytest.mark.parametrize("make", [lambda: Defined(1), lambda: WithDict(1)], ids=["attrs", "Struct"])
    def test_may_be_a_cached_property(self, make):
        value = make()
        value.worked_out  # noqa: B018  # it is cached from now on

        assert identity(round_trip(value)) == identity(make())

    def test_may_be_a_hash(self):
        value = Old(NOON)
        hash(value)

        assert identity(round_trip(value)) == identity(value)

    def test_may_be_a_private_attribute_of_a_model_which_makes_it_again(self):
        value = Private(x=3)
        value._calls = 9
        value.triple  # noqa: B018  # as above

        loaded = round_trip(value)

        assert (loaded._calls, loaded._log, loaded.triple) == (0, [3], 9)
        assert identity(loaded) == identity(value)

    def test_is_made_by_an_init_of_the_model_itself(self):
        assert round_trip(InitOfItsOwn(ex=3))._token == "token of 3"


@dataclass
class Grows:
    """Puts something into each container that it is given."""

    log: list[Any] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    options: dict[str, Any] = field(default_factory=dict)
    pair: tuple[list[int], ...] = ()

    def __post_init__(self) -> None:
        self.log.append("created")
        self.tags.add("new")
        self.options.setdefault("rate", 0.1)
        for each in self.pair:
            each.clear()


class GrowsByHand:
    def __init__(self, log: list[Any], inner: Any = None) -> None:
        self._log = log
        self.inner = inner
        self._index = {"log": log}
        log.insert(0, "created")
        if inner is not None:
            inner.log.append("held")
            inner.tags = {"other"}
            inner._owner = self


@attrs.define
class GrowsByAttrs:
    log: list[Any] = attrs.field(validator=lambda self, attribute, value: value.append("seen"))
    more: list[Any] = attrs.field(factory=list, converter=lambda value: value.extend([1]) or value)

    def __attrs_post_init__(self) -> None:
        self.log.append("created")


class GrowsAsStruct(msgspec.Struct):
    log: list[Any] = []

    def __post_init__(self) -> None:
        self.log.append("created")


class GrowsAsModel(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    log: Any
    inner: Any = None

    def model_post_init(self, context: Any) -> None:
        self.log.append("created")
        if self.inner is not None:
            self.inner.log.append("held")


@dataclass
class SetsByProperty:
    log: list[Any]

    def __setattr__(self, name: str, value: Any) -> None:
        value.append("set")
        super().__setattr__(name, value)


def emptied(value: Any) -> Any:
    """Return *value* after everything was taken out of its containers."""
    for container in vars(value).values() if hasattr(value, "__dict__") else [value.log]:
        if hasattr(container, "clear"):
            container.clear()
    return value


GROWING = codec_of(Grows, GrowsByHand, GrowsByAttrs, GrowsAsStruct, GrowsAsModel, SetsByProperty)


class TestAConstructorThatChangesWhatItIsGiven:
    @pytest.mark.parametrize(
        "value",
        [
            Grows(["a"], {"b"}, {"c": 1}),
            emptied(Grows(["a"], {"b"}, {"c": 1})),
            changed(Grows(), pair=([1], [2, [3]])),
            changed(Grows(), options=OrderedDict(z=1, a=bytearray(b"ab"))),
            emptied(GrowsByHand(["a"])),
            changed(GrowsByHand([]), inner=emptied(Grows())),
            changed(GrowsByHand([]), inner=changed(Grows(), log=[GrowsByAttrs([])])),
            changed(GrowsByHand([]), _log=[emptied(GrowsByHand([[]])), (frozenset({1}),)]),
            GrowsByAttrs(["a"]),
            emptied(GrowsAsStruct(["a"])),
            GrowsAsModel(log=["a"]),
            emptied(GrowsAsModel(log=["a"])),
            changed(GrowsAsModel(log=[]), inner=emptied(GrowsAsModel(log=[]))),
            emptied(SetsByProperty(["a"])),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_makes_what_was_saved(self, value):
        text = dumps(GROWING.encode(value))

        assert dumps(GROWING.encode(GROWING.decode(loads(text)))) == text

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_makes_the_array_that_was_saved(self, order):
        @dataclass
        class Scaled:
            weights: Any

            def __post_init__(self) -> None:
                self._kept = self.weights
                self.weights *= 2.0

        codec = codec_of(Scaled)
        value = changed(Scaled(np.zeros((2, 2))), weights=np.array([[1.5, -0.0], [np.nan, 4.0]], order=order))
        del value._kept

        loaded = codec.decode(loads(dumps(codec.encode(value))))

        assert loaded.weights.tobytes() == value.weights.tobytes()
        assert loaded._kept is loaded.weights

    def test_is_looked_after_in_time_that_grows_as_the_document_does(self):
        """Each object is looked into by the constructor that it is given to, and by no other above."""

        @dataclass
        class Node:
            child: Any = None

            def __post_init__(self) -> None:
                pass

        codec, calls = codec_of(Node), []
        for depth in (10, 100):
            value: Any = [[0]] * 1000
            for _ in range(depth):
                value = {TAG: "Node", "child": value}
            calls.append(calls_of(codec.decode, value))

        assert calls[1] < 2 * calls[0]

    def test_keeps_what_it_made_of_the_same_containers(self):
        loaded = round_trip(emptied(GrowsByHand([])), GROWING)

        assert loaded._index["log"] is loaded._log

    def test_keeps_what_it_gave_to_the_objects_that_it_holds(self):
        loaded = GROWING.decode(
            {TAG: "GrowsByHand", "log": [], "inner": {TAG: "Grows", "log": [], "tags": [], "options": {}, "pair": []}}
        )

        assert loaded.inner._owner is loaded
        assert loaded.inner == changed(Grows(), log=[], tags=set(), options={})

    def test_need_not_be_able_to_tell_what_an_object_in_it_holds(self):
        class Opaque:
            def __init__(self, *items: int) -> None:
                self.log = list(items)
                self.tags: set[str] = set()

        entry = Entry(
            Opaque, "Opaque", encode=lambda value: {"log": value.log}, decode=lambda members: Opaque(*members["log"])
        )
        codec = Codec(Registry([entry, Entry(GrowsByHand, "GrowsByHand")]))

        loaded = codec.decode({TAG: "GrowsByHand", "log": [], "inner": {TAG: "Opaque", "log": [1]}})

        assert (loaded.inner.log, loaded.inner.tags) == ([1], set())


@dataclass
class Undone:
    """Has a method and fields with the names that an engineer might give to hooks."""

    log: list[str] = field(default_factory=list)
    _check_merged: bool = True

    def _restored(self) -> None:
        self.log.append("restored")


@dataclass
class UndoneRebuilt(Undone):
    extra: InitVar[int] = field(kw_only=True)


class UndoneByHand:
    def __init__(self, log: list[str], _restored: bool) -> None:
        self.log = log
        self._restored = _restored


@attrs.define
class UndoneByAttrs:
    _restored: bool
    _docstore_carried: str = "by hand"


class UndoneAsStruct(msgspec.Struct):
    _restored: Any = True


class UndoneAsModel(BaseModel):
    restored: bool = True
    _restored: bool = PrivateAttr(default=True)


class TestAUsersMethodOrFieldThatIsNamedLikeAHook:
    """What docstore calls has names of docstore's own."""

    @pytest.mark.parametrize(
        "value",
        [
            Undone(["saved"]),
            UndoneRebuilt(["saved"], extra=3),
            UndoneByHand([], True),
            UndoneByAttrs(True),
            UndoneAsStruct("yes"),
            UndoneAsModel(),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_neither_called_nor_lost(self, value):
        codec = codec_of(type(value))

        assert identity(round_trip(value, codec)) == identity(value)


class Bounded(BaseModel):
    low: int = Field(default=0, ge=0)
    high: int = Field(ge=0)
    unset: int = None  # type: ignore[assignment]  # as above

    @pydantic.model_validator(mode="after")
    def in_order(self) -> Any:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


@pydantic.dataclasses.dataclass
class BoundedDataclass:
    low: int = Field(ge=0)
    log: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log.append("made")


@attrs.define(on_setattr=attrs.setters.NO_OP)
class BoundedAttrs:
    _low: int = attrs.field(validator=attrs.validators.ge(0))
    high: int = attrs.field(default=1, validator=attrs.validators.instance_of(int))
    late: int = attrs.field(init=False, default=1, validator=attrs.validators.ge(0))
    log: list[Any] = attrs.field(factory=list, validator=lambda self, attribute, value: value.append("seen"))


@attrs.define(on_setattr=attrs.setters.NO_OP)
class Converted:
    number: int = attrs.field(converter=int, validator=attrs.validators.instance_of(int))
    more: Any = attrs.field(
        default=0,
        converter=attrs.Converter(lambda value, self, field: int(value), takes_self=True, takes_field=True),  # type: ignore[misc]  # one for its test
        validator=attrs.validators.instance_of(int),
    )


class OverBounded(BoundedAttrs):
    pass


@attrs.define(init=False)
class BoundedByHand:
    low: int = attrs.field(validator=attrs.validators.ge(0), on_setattr=attrs.setters.NO_OP)

    def __init__(self, low: int) -> None:
        self.low = low


@dataclass
class Refusing:
    low: int

    def __post_init__(self) -> None:
        if self.low < 0:
            raise ValueError("below 0")


class Elsewhere(BaseModel):
    x: int

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def another(cls, value: Any, handler: Any) -> Any:
        made = handler(value)
        return made if made.x else "nothing"


class Raising(BaseModel):
    model_config = ConfigDict(defer_build=True)
    xs: Any

    @pydantic.field_validator("xs")
    @classmethod
    def first(cls, xs: Any) -> Any:
        xs.append(xs[0])
        return xs


BOUNDED = codec_of(
    *(Bounded, BoundedDataclass, BoundedAttrs, Converted, OverBounded, BoundedByHand, Refusing, Numbers, Open, Fussy),
    *(Elsewhere, Raising),
)


class TestAnObjectThatItsOwnValidationRefuses:
    """It could be written, and never be read."""

    @pytest.mark.parametrize(
        ("value", "pointers"),
        [
            (changed(Bounded(high=3), low=-1), ["/low"]),
            (Bounded.model_construct(low=-1, high=-2), ["/low", "/high"]),
            (changed(Bounded(high=3), low=5), [""]),
            (changed(Numbers([1]), root=["x"]), ["/root"]),
            (changed(Fussy(y=1), __pydantic_extra__={"y": "x"}), ["/__extra/y"]),
            (changed(BoundedDataclass(1), low=-1), ["/low"]),
            (changed(BoundedAttrs(1), _low=-1), ["/low"]),
            (changed(BoundedAttrs(1), _low=-1, high="x"), ["/low", "/high"]),
            (changed(OverBounded(1), high=None), ["/high"]),
            (changed(Converted(1), number="x"), ["/number"]),
            (changed(Elsewhere(x=1), x=0), [""]),
            (changed(Raising(xs=[1]), xs=[]), [""]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_refused_before_it_is_written(self, value, pointers):
        with pytest.raises(
            EncodeError, match=rf"{type(value).__qualname__}\(...\) w.* when it is loaded.*Set what"
        ) as caught:
            BOUNDED.encode({"in": [value]})

        assert [error.pointer for error in caught.value.errors] == [f"/in/0{pointer}" for pointer in pointers]

    @pytest.mark.parametrize(
        "value",
        [
            Bounded(high=3),
            changed(Bounded(high=3), unset=None),
            BoundedDataclass(1),
            changed(BoundedDataclass(1), log=[]),
            BoundedAttrs(1),
            changed(BoundedAttrs(1), late=-1, log=[]),
            changed(Converted(1), number="5", more="6"),
            BoundedByHand(-1),
            Elsewhere(x=1),
            changed(Raising(xs=[1]), xs=[1]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_none_that_can_be_read(self, value):
        before = identity(value)

        assert identity(round_trip(value, BOUNDED)) == before
        assert identity(value) == before

    def test_is_refused_by_no_validator_that_is_switched_off(self):
        value = changed(BoundedAttrs(1), high="x")

        with attrs.validators.disabled():
            assert identity(round_trip(value, BOUNDED)) == identity(value)

    def test_is_not_told_from_others_where_a_function_of_its_own_reads_it(self):
        def bounded(members: dict[str, Any]) -> Bounded:
            return Bounded.model_construct(set(members.pop("__set")), **members)

        entry = Entry(Bounded, "Bounded", decode=bounded)

        assert Codec(Registry([entry])).encode(Bounded.model_construct(low=-1, high=1))["low"] == -1

    def test_is_told_by_the_constructor_of_a_dataclass(self):
        with pytest.raises(EncodeError, match=r"at /in: Refusing could be written but not loaded: .*below 0") as caught:
            BOUNDED.encode({"in": changed(Refusing(1), low=-1)})

        assert caught.value.pointer == "/in"


class TestAModel:
    @pytest.mark.parametrize(
        "value", [value for value in MODELS if isinstance(value, BaseModel)], ids=lambda value: type(value).__name__
    )
    def test_keeps_which_of_its_fields_were_set(self, value):
        assert round_trip(value).model_fields_set == value.model_fields_set

    def test_keeps_its_extras(self):
        assert round_trip(Open(y=(1,))).model_extra == {"y": (1,)}

    def test_can_be_changed_once_it_is_loaded(self):
        loaded = round_trip(Model(x=1))
        loaded.when = NOON

        assert loaded.model_fields_set == {"x", "when"}

    @pytest.mark.parametrize(
        ("json", "problem"),
        [
            ({TAG: "Model", "x": "many"}, r"at /x: Model.* valid integer.*'many'"),
            ({TAG: "Model", "x": 1, "y": 2}, "'y', which Model lacks"),
            ({TAG: "Model", "x": 1, "__extra": {"y": 2}}, "takes no such extra members"),
            ({TAG: "Open", "__extra": 3}, "at /__extra: Open takes no such extra members: 3"),
            ({TAG: "Open", "__extra": {}}, "takes no such extra members"),
            ({TAG: "Open", "__set": "x"}, "at /__set: .* a list .*, and is 'x'"),
            ({TAG: "Open", "__set": [1]}, "should be a list"),
            ({TAG: "Open", "__set": None}, "should be a list"),
            ({TAG: "Model"}, "Model needs it, and it is missing"),
            ({TAG: "Numbers", "root": ["a"]}, r"at /root: Numbers.*\(0\)"),
            ({TAG: "Checked", "x": "a"}, "at /x: Checked"),
            ({TAG: "InitOfItsOwn", "x": "a"}, "at /x: InitOfItsOwn"),
            ({TAG: "Fussy", "__extra": {"y": "a"}}, r"at /__extra/y: Fussy"),
        ],
    )
    def test_of_json_that_its_validation_refuses_is_an_error(self, json, problem):
        with pytest.raises(DecodeError, match=problem):
            CODEC.decode(json)

    def test_has_all_complaints_of_its_validation_in_one_error(self):
        with pytest.raises(DecodeError) as caught:
            CODEC.decode([{TAG: "Model", "x": "a", "colours": [1], "when": 1.5, "key": 7}])

        assert [error.pointer for error in caught.value.errors] == ["/0/x", "/0/colours", "/0/key"]
        assert isinstance(caught.value.__cause__, pydantic.ValidationError)

    def test_does_not_show_the_input_if_it_says_so(self):
        class Secret(BaseModel):
            model_config = ConfigDict(hide_input_in_errors=True)
            pin: int

        with pytest.raises(DecodeError) as caught:
            codec_of(Secret).decode({TAG: "Secret", "pin": "swordfish"})

        assert "swordfish" not in str(caught.value)

    def test_that_was_stored_before_a_field_was_added_has_its_default_and_has_it_unset(self):
        loaded = CODEC.decode({TAG: "Changing", "name": "n"})

        assert (loaded.copied, loaded.model_fields_set) == ("n!", {"name"})

    def test_with_private_attributes_that_nothing_makes_again_is_refused(self):
        class Opaque(BaseModel):
            x: int
            _token: str = "none"

            def __init__(self, text: str) -> None:
                super().__init__(x=int(text))

        with pytest.raises(EncodeError, match=r"'_token'.*would be lost"):
            codec_of(Opaque).encode(Opaque("3"))


class TestAFieldThatAClassGotLater:
    @pytest.mark.parametrize(
        ("json", "expected"),
        [
            ({TAG: "Slots", "a": 1}, Slots(1)),
            ({TAG: "Scaled", "a": 1.0}, Scaled(1.0, 1.0)),
            ({TAG: "Defined", "x": 4}, Defined(4)),
            ({TAG: "Point", "x": 4}, Point(4)),
            ({TAG: "Later", "x": 4, "needed": 1}, Later(4, needed=1)),
            ({TAG: "MaybeNumbers"}, MaybeNumbers()),
            ({TAG: "Checked", "x": 4}, Checked(X=4)),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_has_its_default_in_an_older_document(self, json, expected):
        assert identity(CODEC.decode(json)) == identity(expected)

    @pytest.mark.parametrize("tag", ["Slots", "Defined", "Point", "Model", "Checked"])
    def test_is_named_if_it_has_none(self, tag):
        with pytest.raises(DecodeError, match=f"at /[xa]: {tag} needs it, and .* a default, .* an upcast"):
            CODEC.decode({TAG: tag})

    def test_is_named_where_the_class_has_it_no_more(self):
        with pytest.raises(DecodeError, match=r"Slots has the member 'c', which .* add the field, .* an upcast"):
            CODEC.decode({TAG: "Slots", "a": 1, "c": 1})


class Text(str):
    pass


class Made:
    def __new__(cls, *args: Any) -> Made:
        return super().__new__(cls)


@attrs.define
class TwoKeys:
    x: int
    _x: int = attrs.field(alias="other")


@attrs.define
class NeedsUnstored:
    session: Any = attrs.field(metadata={"stored": False})


class TestWhatWouldBeLost:
    @pytest.mark.parametrize("value", [Text("a"), Made()], ids=["str", "__new__"])
    def test_is_what_an_object_is_beside_its_attributes(self, value):
        with pytest.raises(EncodeError, match="more than its attributes"):
            codec_of(type(value)).encode(value)

    @pytest.mark.parametrize(
        "value",
        [Square(1.0), Scaled(1.0, 1.0), OverDefined(1), Old(NOON), WithDict(1), OverChecked(X=1)],
        ids=lambda value: type(value).__name__,
    )
    def test_is_an_attribute_that_no_field_declares(self, value):
        value = copy.copy(value)
        value.another = 1

        with pytest.raises(EncodeError, match=r"'another'.*would be lost"):
            CODEC.encode(value)

    def test_is_a_private_attribute_where_no_constructor_makes_it_again(self):
        value = Scaled(1.0, 1.0)
        value._another = 1

        with pytest.raises(EncodeError, match=r"'_another'.*would be lost"):
            CODEC.encode(value)

    @pytest.mark.parametrize(("cls", "problem"), [(TwoKeys, "share the key 'x'"), (NeedsUnstored, "needs 'session'")])
    def test_is_known_before_anything_is_written(self, cls, problem):
        with pytest.raises(RegistryError, match=problem):
            codec_of(cls).encode(cls.__new__(cls))

    def test_is_a_field_that_was_never_set(self):
        with pytest.raises(EncodeError, match="WithoutInit keeps no attribute 'a'"):
            CODEC.encode(without_init(WithoutInit))


# --- an object in place ----------------------------------------------------------------------------------------------


def twin(value: Any, **state: Any) -> Any:
    made = copy.deepcopy(value)
    for name, item in state.items():
        stored_fields.assign(made, name, item)
    return made


OBJECTS = [
    (Square(1.0), "side", 2.0),
    (Slots(1), "a", 2),
    (FrozenSlots(a=()), "a", (NOON,)),
    (DictOverSlots(1, [], 3), "a", 2),
    (Defined(1), "_y", [Colour.BLUE]),
    (FrozenAttrs(at=NOON), "ratio", 2.0),
    (Point(1), "x", [2]),
    (Tight(when_made=NOON), "when_made", None),
    (Loose(1), "a", 5),
    (Model(x=1), "x", 2),
    (Aliased(A=1, B=2, list=[3]), "a", 2),
    (Open(y=1), "y", 2),
    (Numbers([1]), "root", [2]),
    (CheckedTight(when=NOON), "when", None),
    (SlotsByHand("n", [1]), "_length", 5),
]


@pytest.mark.parametrize(("value", "name", "item"), OBJECTS, ids=[type(value).__name__ for value, *_ in OBJECTS])
class TestAnObjectInPlace:
    def test_has_an_attribute_set_whatever_its_class_says(self, value, name, item):
        made = copy.deepcopy(value)

        stored_fields.assign(made, name, item)

        assert getattr(made, name) is item

    def test_takes_on_the_state_of_another(self, value, name, item):
        target, source = copy.deepcopy(value), twin(value, **{name: item})

        stored_fields.replace_attributes(target, source)

        assert identity(target) == identity(source) != identity(value)

    def test_keeps_what_it_is_told_to_keep(self, value, name, item):
        target, source = copy.deepcopy(value), twin(value, **{name: item})

        stored_fields.replace_attributes(target, source, keep={name})

        assert identity(target) == identity(value)

    def test_can_take_on(self, value, name, item):
        assert stored_fields.consists_of_attributes(value)


class TestTakingOn:
    def test_drops_what_the_other_does_not_have(self):
        target, source = Square(1.0), Square(2.0)
        target.another = 1  # type: ignore[attr-defined]  # on purpose

        stored_fields.replace_attributes(target, source)

        assert vars(target) == vars(source)

    def test_drops_a_slot_that_the_other_does_not_have(self):
        target, source = SlotsByHand("n", [1]), SlotsByHand("n", [1])
        del source._length

        stored_fields.replace_attributes(target, source)

        assert not hasattr(target, "_length")

    def test_finds_the_private_attribute_of_an_argument(self):
        target = SlotsByHand("n", [1])

        stored_fields.assign(target, "items", 7)
        stored_fields.replace_attributes(target, SlotsByHand("m", [2]), keep={"items"})

        assert (target.name, target._items) == ("M", 7)

    def test_of_a_model_brings_the_set_of_the_fields_that_were_set(self):
        target, source = Model(x=1), Model(x=2, colours=[])

        stored_fields.replace_attributes(target, source, keep={"colours"})

        assert target.model_fields_set == {"x"}

    def test_of_a_model_leaves_out_the_extras_that_it_is_to_keep(self):
        target, source = Open(x=1, z=1), Open(x=2, y=2, z=2)

        stored_fields.replace_attributes(target, source, keep={"y", "z"})

        assert (target.x, target.model_extra) == (2, {"z": 1})

    def test_of_an_extra_of_a_model_keeps_it_an_extra(self):
        value = Open()

        stored_fields.assign(value, "y", 1)

        assert (value.model_extra, vars(value)) == ({"y": 1}, {"x": 0})

    def test_of_a_field_of_a_model_sets_it(self):
        value = Open()

        stored_fields.assign(value, "x", 0)

        assert value.model_fields_set == {"x"}

    @pytest.mark.parametrize("value", [1, "a", [1], {}, Colour.RED, Level.LOW, Pair(1), Text("a"), NOON], ids=repr)
    def test_is_not_for_what_is_more_than_its_attributes(self, value):
        assert not stored_fields.consists_of_attributes(value)


# --- all that is wrong -----------------------------------------------------------------------------------------------


class Stranger:
    pass


def problem_of(act: Callable[[], Any]) -> CodecError:
    with pytest.raises(CodecError) as caught:
        act()
    return caught.value


def pointers(error: CodecError) -> list[str]:
    return [single.pointer for single in error.errors]


@dataclass
class Shelf:
    boxes: list[Box[Any]]
    by_number: dict[int, Any]
    colours: dict[Colour, list[Colour]] = field(default_factory=dict)


SHELF = (["/boxes/0", "/boxes/1", "/by_number/1", "/by_number/3"],)


class TestAnObjectWithSeveralWrongFields:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (Square(Stranger(), colour=Stranger()), ["/colour", "/side"]),
            ([Box(Stranger(), [1, Stranger()])], ["/0/item", "/0/items/1"]),
            (Box(Box(Stranger(), Stranger()), Stranger()), ["/item/item", "/item/items", "/items"]),
            (Defined(Stranger(), Stranger(), 1), ["/x", "/y"]),
            (Point(Stranger(), z={"a/b": Stranger()}), ["/x", "/z/a~1b"]),
            (Open.model_construct(x=Stranger(), y=Stranger()), ["/x", "/__extra/y"]),
            ([Stranger(), 1, [Stranger()], {"a": Stranger(), "b": 1, "c": Stranger()}], ["/0", "/2/0", "/3/a", "/3/c"]),
            ({"a": Stranger(), 1: Stranger()}, ["/a", "/1"]),
            (Shelf([Stranger(), Stranger()], {1: Stranger(), 2: [], 3: Stranger()}), *SHELF),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_refused_with_all_of_them(self, value, expected):
        error = problem_of(lambda: codec_of(*CLASSES, Shelf).encode(value))

        assert (type(error), pointers(error)) == (EncodeError, expected)

    def test_is_refused_with_the_attributes_that_would_be_lost_too(self):
        value = changed(Square(Stranger()), one=1, two=2)

        assert [error.problem[:32] for error in problem_of(lambda: CODEC.encode(value)).errors[1:]] == [
            "this Square has the attribute 'o",
            "this Square has the attribute 't",
        ]

    def test_is_refused_with_all_fields_that_were_never_set(self):
        error = problem_of(lambda: CODEC.encode(without_init(WithoutInitOverInit, z=Stranger())))

        assert [single.problem.partition(", ")[0] for single in error.errors[:2]] == [
            "WithoutInitOverInit keeps no attribute 'a'",
            "WithoutInitOverInit keeps no attribute 'b'",
        ]
        assert error.errors[2].pointer == "/z"

    def test_has_a_line_in_the_message_for_each(self):
        error = problem_of(lambda: CODEC.encode([Box(Stranger(), Stranger())]))

        assert [line[:17] for line in str(error).splitlines()] == [
            "at /0: 2 things a",
            "- at /0/item: tes",
            "- at /0/items: th",
        ]

    def test_has_one_line_for_each_whatever_a_class_complains(self):
        class Wordy:
            def __init__(self, x: int) -> None:
                if x < 0:
                    raise ValueError("one line\nand another")
                self.x = x

        error = problem_of(lambda: codec_of(Wordy).decode([{TAG: "Wordy", "x": -1}, {TAG: "Wordy", "x": -2}]))

        assert [line[:20] for line in str(error).splitlines()[1:]] == ["- at /0: TestAnObjec", "- at /1: the same as"]

    def test_has_no_more_than_twenty_in_the_message(self):
        wide = pydantic.create_model("Wide", **{f"f{number:02}": (Any, None) for number in range(30)})
        value = wide(**{f"f{number:02}": Stranger() for number in range(30)})

        lines = str(problem_of(lambda: codec_of(wide).encode(value))).splitlines()

        assert (len(lines), lines[-1]) == (22, "and 10 more")

    def test_has_one_error_as_if_nothing_were_collected_if_one_is_wrong(self):
        error = problem_of(lambda: CODEC.encode([Box(Stranger())]))

        assert error.errors == (error,)
        assert str(error).startswith("at /0/item: ")

    def test_that_contains_itself_is_refused_at_once(self):
        box = Box(None, [])
        box.item = box.items = box  # type: ignore[assignment]  # on purpose

        error = problem_of(lambda: CODEC.encode(box))

        assert "contains itself" in str(error)
        assert len(error.errors) == 1

    def test_that_contains_itself_beside_another_error_is_refused_in_little_time(self):
        box = Box(Stranger())
        box.items = [box, box]  # type: ignore[list-item]  # on purpose

        assert "contains itself" in str(problem_of(lambda: CODEC.encode(box)).errors[-1])


class TestJsonWithSeveralWrongMembers:
    def test_is_refused_with_all_of_them(self):
        json = [{TAG: "Square", "colour": "GREEN", "owner": 1, "side": {TAG: "Nothing"}, "area": 2}]

        error = problem_of(lambda: CODEC.decode(json))

        assert type(error) is DecodeError
        assert pointers(error) == ["/0/side", "/0/colour", "/0", "/0"]
        assert [part for part in ("Nothing", "it has RED, BLUE", "'area'", "'owner'") if part not in str(error)] == []

    def test_is_refused_with_all_of_them_in_lists_and_dicts(self):
        json = {
            "a": [{TAG: "Slots"}, {TAG: "Slots", "a": 1}, {TAG: "Slots"}],
            "b": {TAG: "Shelf", "boxes": [{TAG: "Box"}] * 2, "by_number": {"1": {TAG: "Slots"}, "2": {TAG: "Slots"}}},
            "c": {TAG: "Shelf", "boxes": [], "by_number": {}, "colours": {"RED": ["PINK", "GREY"], "BLUE": ["PINK"]}},
        }

        assert pointers(problem_of(lambda: codec_of(Slots, Box, Shelf).decode(json))) == [
            *["/a/0/a", "/a/2/a"],
            *["/b/boxes/0/item", "/b/boxes/1/item", "/b/by_number/1/a", "/b/by_number/2/a"],
            *["/c/colours/RED/0", "/c/colours/RED/1", "/c/colours/BLUE/0"],
        ]

    def test_is_refused_with_what_is_missing(self):
        error = problem_of(lambda: CODEC.decode({TAG: "Later", "y": ["PINK"], "private": {TAG: "Nothing"}}))

        assert pointers(error) == ["/x", "/y/0", "/needed", "/private"]

    def test_is_of_an_unknown_tag_if_all_are(self):
        error = problem_of(lambda: CODEC.decode({TAG: "Box", "item": {TAG: "One"}, "items": {TAG: "Two"}}))

        assert (type(error), error.tag, pointers(error)) == (UnknownTagError, "One", ["/item", "/items"])

    def test_is_refused_with_the_cause_of_a_single_error(self):
        error = problem_of(lambda: CODEC.decode([{TAG: "SlotsByHand", "name": 1, "items": []}]))

        assert isinstance(error.__cause__, AttributeError)

    def test_nested_deeply_is_looked_through_once(self):
        calls: list[int] = []
        json: Any = {TAG: "Nothing"}
        for _ in range(60):
            json = {TAG: "Box", "item": json, "items": {TAG: "counted"}}
        entry = Entry(Stranger, "counted", encode=vars, decode=lambda members: calls.append(1))

        problem_of(lambda: Codec(Registry([Entry(Box, "Box"), entry])).decode(json))

        assert len(calls) == 60

    def test_that_is_wrong_in_very_many_places_is_refused_with_enough_of_them(self):
        wide = pydantic.create_model("Wide", **{f"f{number}": (int, ...) for number in range(3000)})

        assert len(problem_of(lambda: codec_of(wide).decode({TAG: "Wide"})).errors) == 1000


class TestAFieldOfWhatCannotBeHashed:
    @pytest.mark.parametrize(
        ("annotation", "name"),
        [
            (set[list[int]], "list"),
            (frozenset[dict], "dict"),
            (dict[list[int], int], "list"),
            (dict[str, list[set[set[int]]]] | None, "set"),
            (tuple[int, set[bytearray]], "bytearray"),
        ],
        ids=str,
    )
    def test_is_told_where_its_class_is_checked(self, annotation, name):
        cls = make_dataclass("Unhashed", [("a", int), ("b", annotation)])

        with pytest.raises(RegistryError, match=rf"Unhashed\.b cannot be .*: a {name} can be no item of a set"):
            check_readable(Entry(cls, "Unhashed"))

    @pytest.mark.parametrize(
        "annotation",
        [
            *(set[tuple[list[int], ...]], dict[str, list[int]], set[Slots], set[Any], set, dict, list[set[frozenset]]),
            *(set[list[int]] | int, set[list[int] | int]),
        ],
        ids=str,
    )
    def test_is_none_that_may_be(self, annotation):
        check_readable(Entry(make_dataclass("Hashed", [("a", annotation)]), "Hashed"))

    def test_is_no_matter_where_the_class_has_functions_of_its_own(self):
        cls = make_dataclass("Unhashed", [("a", set[list[int]])])

        check_readable(Entry(cls, "Unhashed", encode=vars, decode=lambda members: cls(**members)))


FROZEN = [
    *(FrozenSlots, FrozenAttrs, Tight, Aliased, CheckedTight, Pair),
    make_dataclass("Frozen", ["a"], frozen=True),
    attr.make_class("FrozenOld", ["a"], frozen=True),
]


def validated(validator: Any) -> type:
    return attrs.define(type("Validated", (), {"a": attrs.field(validator=validator)}))


OF_ATTRS = attrs.validators


class TestWhetherCodeOfAClassRunsWhenItIsMade:
    """If not, its constructor is called and nothing beside."""

    @pytest.mark.parametrize(
        "cls",
        [
            *(Slots, FrozenSlots, SlotsOverSlots, Defined, Old, Point, Tight, Model, Aliased, CheckedTight),
            validated(OF_ATTRS.instance_of(int)),
            validated([OF_ATTRS.ge(0), OF_ATTRS.optional(OF_ATTRS.in_([1, 2]))]),
            validated(OF_ATTRS.deep_iterable(OF_ATTRS.matches_re("a+"), OF_ATTRS.max_len(3))),
        ],
    )
    def test_it_does_not(self, cls):
        assert not stored_fields.runs_own_code(cls)

    @pytest.mark.parametrize(
        "cls",
        [
            *(Grows, GrowsByHand, GrowsByAttrs, GrowsAsStruct, GrowsAsModel, SetsByProperty, Changing, InitOfItsOwn),
            *(FrozenAttrs, OldSlots),
            validated(lambda self, attribute, value: None),
            validated([OF_ATTRS.ge(0), OF_ATTRS.optional(lambda self, attribute, value: None)]),
            validated(OF_ATTRS.deep_mapping(OF_ATTRS.ge(0), OF_ATTRS.or_(lambda self, attribute, value: None))),
        ],
    )
    def test_it_does(self, cls):
        assert stored_fields.runs_own_code(cls)


class TestWhetherAClassIsFrozen:
    @pytest.mark.parametrize("cls", [*FROZEN, *(type("Under", (cls,), {}) for cls in FROZEN[:2])])
    def test_it_is_if_it_is_declared_so_or_is_a_tuple(self, cls):
        assert is_frozen(cls)

    @pytest.mark.parametrize(
        "cls", [Slots, Defined, OldSlots, Point, Model, Checked, SlotsByHand, SetsByProperty, Colour]
    )
    def test_it_is_not_otherwise(self, cls):
        assert not is_frozen(cls)


class TestAnErrorOfSeveral:
    @pytest.fixture
    def error(self):
        return problem_of(lambda: CODEC.decode([{TAG: "Later", "y": ["PINK"]}]))

    @pytest.mark.parametrize(
        "duplicate",
        [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy],
        ids=["pickle", "copy", "deepcopy"],
    )
    def test_keeps_them_in_a_pickle_and_a_copy(self, error, duplicate):
        made = duplicate(error)

        assert (type(made), str(made), pointers(made)) == (DecodeError, str(error), pointers(error))
        assert str(made) != str(made.errors[0])

    def test_points_to_what_holds_them_all(self, error):
        assert error.pointer == "/0"
