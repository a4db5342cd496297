"""Classes are registered for the process: with what their annotations name, or with functions; or refused at once."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum, auto
from fractions import Fraction
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID

import attrs
import msgspec
import numpy as np
import pydantic
import pytest

import docstore
from docstore import registry
from docstore.errors import DecodeError, EncodeError, RegistryError, UnknownTagError
from docstore.testing.exact import identity

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForCheckers

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


def back(value: Any) -> Any:
    """Return *value* as it is after a text of it was read."""
    return docstore.loads(docstore.dumps(value))


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Level(IntEnum):
    LOW = auto()
    HIGH = auto()


class Right(Flag):
    READ = auto()
    WRITE = auto()


class Pair(NamedTuple):
    left: int
    right: Colour


@dataclass
class Leaf:
    size: float
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Frozen:
    when: datetime
    others: tuple[Leaf, ...] = ()


@attrs.define
class Attrs:
    leaf: Leaf
    _hidden: int = 0


class Model(pydantic.BaseModel):
    attrs: dict[str, int] = {}
    level: Level = Level.LOW


class Struct(msgspec.Struct, weakref=True):
    model: Any
    pair: Pair


@dataclass
class Box(Generic[T]):
    inside: T


@dataclass
class Everything:
    """A field of each sort."""

    name: str
    optional: Optional[int] = None  # noqa: UP045  # as older code writes it
    union: Union[int, str, datetime] = 1  # noqa: UP007  # as older code writes it
    literal: Literal["a", "b"] = "a"
    enum: Colour = Colour.RED
    level: Level = Level.LOW
    rights: Right = Right.READ
    nested: Leaf = field(default_factory=lambda: Leaf(1.0))
    leaves: list[Leaf] = field(default_factory=list)
    by_number: dict[int, Leaf] = field(default_factory=dict)
    by_colour: dict[Colour, list[Colour]] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    mixed: tuple[int, str, Colour] = (1, "a", Colour.RED)
    days: set[date] = field(default_factory=set)
    numbers: frozenset[Decimal] = frozenset()
    frozen: Frozen | None = None
    attrs: Attrs | None = None
    model: Model | None = None
    struct: Struct | None = None
    box: Box[Leaf] | None = None
    again: Everything | None = None
    array: np.ndarray | None = None
    anything: Any = None
    some: Sequence[int] = ()
    delta: timedelta = timedelta(0)
    path: PurePosixPath | None = None
    id: UUID | None = None
    order: OrderedDict[str, int] = field(default_factory=OrderedDict)
    scale: InitVar[float] = 1.0

    def __post_init__(self, scale: float) -> None:
        self.union = self.union if scale == 1.0 else "scaled"


def everything() -> Everything:
    leaf = Leaf(-0.0, Colour.BLUE)
    return Everything(
        "e",
        2**70,
        datetime(2026, 11, 25, 1, 2, 3, 4),
        "b",
        Colour.BLUE,
        Level.HIGH,
        Right.READ | Right.WRITE,
        leaf,
        [leaf, Leaf(1)],
        {1: leaf, -5: Leaf(2.0)},
        {Colour.RED: [Colour.BLUE]},
        (Pair(1, Colour.BLUE),),
        (2, "b", Colour.BLUE),
        {date(2026, 1, 1), date(2026, 1, 2)},
        frozenset({Decimal("1.10"), Decimal("NaN")}),
        Frozen(datetime(2026, 1, 1), (leaf,)),
        Attrs(leaf, 7),
        Model(attrs={"a": 1}),
        Struct(Model(level=Level.HIGH), Pair(0, Colour.RED)),
        Box(leaf),
        Everything("inner", union="s"),
        None,
        {"any": [leaf, (1, 1.0, True)], 3: None},
        [1, 2],
        timedelta(days=-1, microseconds=1),
        PurePosixPath("/a/b"),
        UUID(int=5),
        OrderedDict(b=1, a=2),
    )


class TestAClassOfAllSorts:
    """Registered by one line; what its annotations name is registered with it."""

    @pytest.fixture
    def registered(self):
        docstore.document(kind="everything")(Everything)

    def test_comes_back_exactly(self, registered):
        assert identity(back(everything())) == identity(everything())

    def test_comes_back_exactly_from_every_database(self, store, registered):
        store.save(everything())

        assert identity(store.load("e", kind="everything")) == identity(everything())

    def test_is_proved_with_each_field_changed(self, registered):
        registry.prove(Everything, everything())

    @pytest.mark.parametrize("cls", [Leaf, Frozen, Attrs, Model, Box, Everything], ids=lambda cls: cls.__name__)
    def test_brings_the_classes_it_names(self, registered, cls):
        assert registry.registered().of_class(cls).tag == cls.__name__

    def test_brings_those_inside_any_of_them(self, registered):
        assert [registry.registered().of_class(cls).tag for cls in (Pair, Struct, Level)] == ["Pair", "Struct", "Level"]

    def test_holds_an_array(self, registered):
        made = everything()
        made.array = np.array([[1.5, -0.0]], dtype=">f4")

        array = back(made).array

        assert (array.dtype, array.tobytes()) == (made.array.dtype, made.array.tobytes())


class TestAClassWithFunctionsOfItsOwn:
    def test_may_be_written_as_one_value(self):
        docstore.register(Fraction, tag="fraction", encode=str, decode=Fraction)

        assert identity(str(back([Fraction(1, 3)])[0])) == identity("1/3")
        assert json.loads(docstore.dumps(Fraction(1, 3))) == {"__type": "fraction", "__value": "1/3"}

    @pytest.mark.parametrize("value", [None, [1, (2,)], {1: 2}, {"__value": 1}, 1.0, ("a", Fraction(1, 2))], ids=repr)
    def test_is_written_as_whatever_stands_for_it(self, value):
        class Wrapped:
            def __init__(self, inside: Any) -> None:
                self.inside = inside

        docstore.register(Fraction, tag="fraction", encode=str, decode=Fraction)
        docstore.register(Wrapped, tag="Wrapped", encode=lambda wrapped: wrapped.inside, decode=Wrapped)

        assert identity(back(Wrapped(value)).inside) == identity(value)

    def test_is_written_as_members(self):
        docstore.register(
            Fraction,
            tag="fraction",
            encode=lambda value: {"over": value.numerator, "under": value.denominator},
            decode=lambda members: Fraction(members["over"], members["under"]),
        )

        assert json.loads(docstore.dumps(Fraction(1, 3))) == {"__type": "fraction", "over": 1, "under": 3}
        assert back(Fraction(1, 3)) == Fraction(1, 3)

    def test_takes_the_place_of_its_fields(self):
        docstore.register(Leaf, tag="leaf", encode=lambda leaf: leaf.size, decode=Leaf)

        assert identity(back({"a": Leaf(2.0)})) == identity({"a": Leaf(2.0)})

    @pytest.mark.parametrize("functions", [{"encode": str}, {"decode": Fraction}])
    def test_has_both_or_none(self, functions):
        with pytest.raises(RegistryError, match="encode and decode both"):
            docstore.register(Fraction, **functions)

    def test_that_fail_is_told_with_the_place(self):
        docstore.register(Fraction, tag="fraction", encode=str, decode=Fraction)

        with pytest.raises(DecodeError, match="fraction") as caught:
            docstore.loads('{"a": [{"__type": "fraction", "__value": "one third"}]}')

        assert caught.value.pointer == "/a/0"

    @pytest.mark.parametrize("key", ["__schema", "__compatible_from", "__format", "__document"])
    def test_cannot_give_a_member_the_name_of_one_of_docstores_own(self, key):
        docstore.register(Fraction, tag="fraction", encode=lambda value: {key: 1}, decode=Fraction)

        with pytest.raises(EncodeError, match=key):
            docstore.dumps(Fraction(1))

    def test_may_be_registered_by_a_decorator(self):
        @docstore.register
        @dataclass
        class Twig:
            length: int

        @docstore.register(tag="Branch")
        @dataclass
        class Bough:
            twigs: list[Twig]

        assert identity(back(Bough([Twig(1)]))) == identity(Bough([Twig(1)]))


class Shape(ABC):
    @abstractmethod
    def area(self) -> float: ...


class Engine:
    """Of nobody knows what."""


class TestAFieldThatCannotBeStored:
    @pytest.mark.parametrize(
        "annotation",
        [
            Callable[[int], int],
            type,
            type[Leaf],
            Iterator[int],
            IO[str],
            threading.Thread,
            memoryview,
            Engine,
            list[Engine],
            dict[str, Engine | None],
            Engine | int,
            tuple[int, Callable[[], None]],
        ],
        ids=repr,
    )
    def test_is_refused_when_the_class_is_registered(self, annotation):
        @dataclass
        class Car:
            name: str
            part: annotation

        with pytest.raises(RegistryError, match=r"Car\.part is annotated"):
            docstore.register(Car)

    def test_is_refused_with_all_others_like_it(self):
        @dataclass
        class Car:
            name: str
            engine: Engine
            start: Callable[[], None]

        with pytest.raises(RegistryError) as caught:
            docstore.document(kind="car")(Car)

        assert "Car.engine" in str(caught.value)
        assert "Car.start" in str(caught.value)

    def test_inside_a_class_that_is_named_is_refused_too(self):
        @dataclass
        class Wheel:
            engine: Engine

        @dataclass
        class Car:
            wheels: list[Wheel]

        with pytest.raises(RegistryError, match=r"Wheel\.engine"):
            docstore.register(Car)

    def test_leaves_nothing_registered(self):
        @dataclass
        class Car:
            leaf: Leaf
            engine: Engine

        with pytest.raises(RegistryError):
            docstore.register(Car)

        with pytest.raises(UnknownTagError):
            docstore.loads('{"__type": "Leaf", "size": 1.0, "colour": "RED"}')

    def test_can_be_left_out(self):
        @docstore.register
        @dataclass
        class Car:
            name: str
            engine: Engine | None = field(default=None, metadata={"stored": False})

        assert back(Car("a", Engine())).engine is None

    def test_can_be_stored_once_its_class_is_registered(self):
        docstore.register(Engine, encode=lambda engine: {}, decode=lambda members: Engine())

        @docstore.register
        @dataclass
        class Car:
            engine: Engine

        assert type(back(Car(Engine())).engine) is Engine

    def test_is_none_if_it_stands_for_classes_to_come(self):
        @docstore.register
        @dataclass
        class Drawing:
            shapes: list[Shape]

        @docstore.register
        @dataclass
        class Square(Shape):
            side: float

            def area(self) -> float:
                return self.side**2

        assert identity(back(Drawing([Square(2.0)]))) == identity(Drawing([Square(2.0)]))


class TestAnAnnotationThatIsAText:
    def test_may_name_what_is_defined_later(self):
        @docstore.register
        @dataclass
        class Early:
            late: Late | None

        @docstore.register
        @dataclass
        class Late:
            when: datetime

        made = Early(Late(datetime(2026, 1, 1)))

        assert identity(back(made)) == identity(made)

    def test_that_never_comes_is_told_at_the_start(self):
        @docstore.register
        @dataclass
        class Early:
            late: Never  # noqa: F821  # on purpose

        with pytest.raises(RegistryError, match=r"Early\.late is annotated 'Never', which is not there"):
            docstore.connect("sqlite://")

    def test_that_only_type_checkers_see_is_told(self):
        """A Decimal would be written bare, and load as a text once the import is moved."""

        @docstore.register
        @dataclass
        class Price:
            euros: OnlyForCheckers

        with pytest.raises(RegistryError, match=r"Price\.euros is annotated 'OnlyForCheckers', which is not"):
            docstore.loads("1")

    def test_is_told_each_time_until_it_is_there(self):
        @docstore.register
        @dataclass
        class Early:
            late: Late | None = None  # noqa: F821  # as it is meant

        with pytest.raises(RegistryError, match="Late"):
            docstore.dumps(1)
        with pytest.raises(RegistryError, match="Late"):
            docstore.dumps(1)

        docstore.register(dataclass(type("Late", (), {"__annotations__": {"a": int}})), tag="Late")
        assert docstore.dumps(1) == b"1"


class TestTwoClasses:
    def test_of_one_tag_are_refused(self):
        docstore.register(Leaf)

        @dataclass
        class Other:
            a: int

        with pytest.raises(RegistryError, match=r"tag 'Leaf'.*another tag"):
            docstore.register(Other, tag="Leaf")

    def test_of_one_name_are_refused_also_where_an_annotation_names_one(self):
        docstore.register(Leaf)
        other = make_dataclass("Leaf", ["n"])
        other.__module__ = "elsewhere"

        @dataclass
        class Tree:
            leaf: other

        with pytest.raises(RegistryError, match=r"tag 'Leaf'"):
            docstore.register(Tree)

    def test_of_one_name_live_together_under_two_tags(self):
        outer = globals()["Leaf"]

        @docstore.register(tag="inner.Leaf")
        @dataclass
        class Leaf:
            n: int

        docstore.register(outer)

        assert identity(back([outer(1.0), Leaf(1)])) == identity([outer(1.0), Leaf(1)])

    def test_one_below_the_other_is_refused_without_an_entry_of_its_own(self):
        @dataclass
        class Special(Leaf):
            more: int = 0

        docstore.register(Leaf)

        with pytest.raises(EncodeError, match=r"subclass of Leaf .*docstore\.register\(Special\)"):
            docstore.dumps([Special(1.0)])

    def test_one_below_a_document_is_a_document_of_its_kind(self, store):
        @docstore.document(kind="note", tag="BaseNote")
        @dataclass
        class Note:
            name: str

        @docstore.register
        @dataclass
        class LongNote(Note):
            text: str = ""

        store.save(LongNote("n", "..."))

        assert identity(store.load("n", kind="note")) == identity(LongNote("n", "..."))


class TestWhatIsNoClass:
    @pytest.mark.parametrize("thing", [1, "Leaf", Leaf(1.0), lambda: None, list[int]])
    def test_is_refused(self, thing):
        with pytest.raises(RegistryError, match="is no class"):
            docstore.register(thing)


class TestWhatIsRegisteredInAScope:
    def test_is_forgotten_at_its_end(self):
        with registry.scope():
            docstore.register(Leaf)
            assert identity(back(Leaf(1.0))) == identity(Leaf(1.0))

        with pytest.raises(EncodeError, match="no registry knows"):
            docstore.dumps(Leaf(1.0))

    def test_is_seen_by_other_threads(self):
        found = []
        docstore.register(Leaf)

        thread = threading.Thread(target=lambda: found.append(back(Leaf(1.0))))
        thread.start()
        thread.join()

        assert identity(found) == identity([Leaf(1.0)])

    def test_is_in_a_bundle_too(self):
        docstore.register(Leaf, tag="leaf")
        bundle = docstore.RegistryBundle(classes=[Leaf])

        assert json.loads(docstore.dumps(Leaf(1.0), bundle))["__type"] == "leaf"

    def test_gives_way_to_a_bundle(self):
        docstore.register(Leaf)
        bundle = docstore.RegistryBundle(
            json_encoder_registry={Leaf: lambda leaf: {"mine": leaf.size}},
            json_decoder_registry={"Leaf": lambda members: Leaf(members["mine"])},
        )

        assert json.loads(docstore.dumps(Leaf(1.0), bundle)) == {"__type": "Leaf", "mine": 1.0}
        assert identity(docstore.loads(docstore.dumps(Leaf(1.0), bundle), bundle)) == identity(Leaf(1.0))
