"""A class whose objects would lose something is found out before there is a document, and told what and where."""

from __future__ import annotations

import dataclasses
import functools
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, NewType
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import msgspec
import numpy as np
import pandas as pd
import pydantic
import pytest
from samples import CLASSES, sample
from typing_extensions import TypeAliasType

from docstore import model
from docstore.codec import Codec
from docstore.codec.registry import Decoder, Encoder, Entry, Registry
from docstore.errors import RegistryError
from docstore.registry.model_classes import model_registry
from docstore.registry.proof import prove
from docstore.registry.proof.exact import identity
from docstore.registry.proof.variation import others


def codec(*classes: type, encode: Encoder | None = None, decode: Decoder | None = None) -> Codec:
    """A codec of these classes, the first with functions of its own if there are any."""
    first, *more = classes
    return Codec(Registry([Entry(first, first.__name__, encode, decode), *(Entry(cls, cls.__name__) for cls in more)]))


def told(*classes: type, sample: Any = None, encode: Encoder | None = None, decode: Decoder | None = None) -> str:
    """What is said of the first class."""
    with pytest.raises(RegistryError) as caught:
        prove(codec(*classes, encode=encode, decode=decode), classes[0], sample)
    return str(caught.value)


# --- classes that lose nothing ---------------------------------------------------------------------------------------


class Roast(Enum):
    LIGHT = "light"
    DARK = "dark"


class Single(Enum):
    ONLY = 1


class Extras(Flag):
    MILK = 1
    SUGAR = 2


class Size(NamedTuple):
    width: int = 1
    height: float = 0.5


@dataclass
class Bean:
    """A nested object; it has no field without a default."""

    farm: str = "La Palma"


@dataclass
class Everything:
    """A field of each type that has other values of its own."""

    nothing: None = None
    maybe: str | None = None
    maybe_when: datetime | None = None
    bean: Bean | None = None
    true: bool = True
    number: int = 2**63
    real: float = 0.1
    infinite: float = float("inf")
    complex: complex = 1 - 0.5j
    text: str = "\x00 \ud800"
    raw: bytes = b""
    more_raw: bytearray = field(default_factory=bytearray)
    roast: Roast = Roast.LIGHT
    single: Single = Single.ONLY
    extras: Extras = Extras.MILK | Extras.SUGAR
    when: datetime = datetime(2024, 2, 29, tzinfo=ZoneInfo("Europe/Paris"))
    last: datetime = datetime.max
    day: date = date.max
    clock: time = time(1, 2, tzinfo=UTC)
    span: timedelta = timedelta.max
    price: Decimal = Decimal("1.50")
    unlimited: Decimal = Decimal("Infinity")
    id: UUID = field(default_factory=lambda: UUID(int=5))
    turns: range = range(3)
    part: slice = field(default_factory=lambda: slice(1, None))
    grammar: re.Pattern[str] = re.compile("a")
    path: Path = Path("a")
    pure: PurePosixPath = field(default_factory=lambda: PurePosixPath("a"))
    names: list[str] = field(default_factory=list)
    pair: tuple[int, str] = (1, "a")
    several: tuple[int, ...] = ()
    seen: set[int] = field(default_factory=set)
    frozen: frozenset[str] = frozenset("a")
    by_number: dict[int, Bean] = field(default_factory=dict)
    by_roast: dict[Roast, float] = field(default_factory=lambda: {Roast.DARK: 0.5})
    ordered: OrderedDict[str, int] = field(default_factory=lambda: OrderedDict(b=1, a=2))
    size: Size = field(default_factory=Size)
    mode: Literal["fast", "slow"] = "fast"
    fixed: Literal["v1"] = "v1"
    anything: Any = None
    array: np.ndarray = field(default_factory=lambda: np.zeros((2, 3), ">f4", order="F"))
    empty: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    scalar: np.float32 = field(default_factory=lambda: np.float32(0.5))
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    series: pd.Series = field(default_factory=lambda: pd.Series(["a", None], name="s"))
    moment: pd.Timestamp = field(default_factory=lambda: pd.Timestamp("2024-02-29", tz="UTC"))
    labels: pd.Index = field(default_factory=lambda: pd.Index(["a", "b"]))


@dataclass(frozen=True, slots=True)
class Frozen:
    name: str = ""
    sizes: tuple[float, ...] = (0.5,)


@attrs.frozen
class AttrsFrozen:
    name: str = ""
    _hidden: int = 3


class Struct(msgspec.Struct, frozen=True):
    name: str = ""
    sizes: tuple[float, ...] = (0.5,)


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="allow")

    name: str = ""
    count: int = pydantic.Field(3, ge=0, lt=5)


class Validated:
    """A class that takes few values, and keeps them behind properties and under other names."""

    def __init__(self, mode: str = "fast", share: float = 0.5, limit: int = 10) -> None:
        if mode not in ("fast", "slow") or not 0 <= share <= 0.5:
            raise ValueError(mode, share)
        self._mode, self.share, self._data = mode, share, {"limit": limit}

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def limit(self) -> int:
        return self._data["limit"]


class Empty:
    pass


class TestAClassWrittenByItsFields:
    @pytest.mark.parametrize("cls", [Everything, Frozen, AttrsFrozen, Struct, Model, Validated, Empty, Size, Bean])
    def test_is_proved_by_one_made_of_its_defaults(self, cls):
        prove(codec(cls, *{Bean, Roast, Single, Extras, Size} - {cls}), cls)

    @pytest.mark.parametrize("cls", [Roast, Single, Extras])
    def test_is_proved_by_the_members_of_an_enum(self, cls):
        prove(codec(cls), cls)

    @pytest.mark.parametrize("cls", CLASSES)
    def test_is_proved_if_it_is_of_the_model(self, cls):
        prove(Codec(model_registry()), cls, sample(cls))

    @pytest.mark.parametrize("cls", [model.Data, model.Runner, *model.ENUMS])
    def test_is_proved_if_it_is_of_the_model_without_a_sample(self, cls):
        prove(Codec(model_registry()), cls)

    def test_leaves_the_sample_as_it_was(self):
        whole = Everything()
        before = identity(whole)

        prove(codec(Everything, Bean, Roast, Single, Extras, Size), Everything, whole)

        assert identity(whole) == before

    def test_needs_a_sample_if_its_constructor_needs_arguments(self):
        @dataclass
        class Recipe:
            name: str

        assert "no TestAClassWrittenByItsFields" in told(Recipe)
        assert "Give one: prove(Recipe, ...)." in told(Recipe)
        prove(codec(Recipe), Recipe, Recipe("mocha"))

    def test_takes_no_sample_of_another_class(self):
        assert "the sample of Bean is a Frozen" in told(Bean, sample=Frozen())

    def test_has_to_be_registered(self):
        with pytest.raises(
            RegistryError, match=r"Bean cannot be stored.* no registry knows\. .* docstore\.register\(Bean\)"
        ):
            prove(codec(Frozen), Bean)

    def test_is_told_what_cannot_be_written_in_the_sample(self):
        with pytest.raises(RegistryError, match=r"Bean: Bean\(farm=.*\) cannot be written: at /farm: .*lock"):
            prove(codec(Bean), Bean, Bean(threading.Lock()))  # type: ignore[arg-type]  # that is the point

    def test_is_told_what_the_class_itself_changes_when_it_is_loaded(self):
        @dataclass
        class Forgetful:
            name: str = "mocha"
            price: float = 0.5

            def __docstore_restored__(self) -> None:
                self.price = 0.5

        message = told(Forgetful)

        assert "price: 0.5000000000000001 comes back as 0.5." in message
        assert "Have the class keep what its constructor is given" in message
        assert "name: " not in message


# --- functions of one's own that lose something ----------------------------------------------------------------------


@dataclass
class Order:
    """What the functions below write."""

    name: str = "mocha"
    price: float = 0.1 + 0.2
    pair: tuple[int, int] = (0, 0)
    width: int = 0
    height: int = 0
    when: datetime | None = None
    roast: Roast = Roast.LIGHT
    tags: list[str] = field(default_factory=list)


def fields_of(order: Any) -> dict[str, Any]:
    return {each.name: getattr(order, each.name) for each in dataclasses.fields(order)}


def without(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda given: {key: value for key, value in dict(given).items() if key not in names}


def changing(**changes: Callable[[Any], Any]) -> Encoder:
    return lambda order: {key: changes.get(key, lambda value: value)(value) for key, value in fields_of(order).items()}


def swapped(members: dict[str, Any]) -> Any:
    return Order(**{**members, "width": members["height"], "height": members["width"]})


def made(members: dict[str, Any]) -> Order:
    return Order(**members)


LOSSES: dict[str, tuple[Encoder, Decoder, list[str]]] = {
    "drops a field": (lambda order: without("width")(fields_of(order)), made, ["width: 1 makes no difference"]),
    "drops two": (
        lambda order: without("width", "tags")(fields_of(order)),
        made,
        ["width: 1 makes no difference", "tags: ['a text'] makes no difference"],
    ),
    "rounds a float": (
        changing(price=lambda price: round(price, 6)),
        made,
        ["price: 0.30000000000000004 comes back as 0.3"],
    ),
    "makes a list of a tuple": (changing(pair=list), made, ["pair: (0, 0) comes back as [0, 0]"]),
    "makes text of a number": (changing(width=str), made, ["width: 0 comes back as '0'"]),
    "cuts a date": (
        changing(when=lambda when: when and when.date().isoformat()),
        lambda m: made({**m, "when": m["when"] and datetime.fromisoformat(m["when"])}),
        ["when: datetime.datetime(2024, 2, 29, 23, 59, 59, 1) comes back as datetime.datetime(2024, 2, 29, 0, 0)"],
    ),
    "forgets the order": (
        changing(tags=sorted, pair=lambda pair: tuple(sorted(pair))),
        made,
        ["pair: (1, 0) comes back as (0, 1)"],
    ),
    "swaps two fields": (fields_of, swapped, ["width: 1 comes back as 0", "height: 1 comes back as 0"]),
    "ignores a member": (fields_of, lambda m: made(without("name")(m)), ["name: 'mochax' comes back as 'mocha'"]),
    "ignores another than the default": (
        fields_of,
        lambda m: made({**m, "roast": Roast.LIGHT}),
        ["roast: <Roast.DARK: 'dark'> comes back as <Roast.LIGHT: 'light'>"],
    ),
    "changes another field too": (
        fields_of,
        lambda m: made({**m, "height": 1 if m["name"] == "mochax" else m["height"]}),
        ["with another name, height: 0 comes back as 1"],
    ),
    "makes another class": (fields_of, lambda m: Bean(), ["Order: Order(name='mocha'", "comes back as Bean("]),
    "writes one value only": (
        changing(roast=lambda roast: {Roast.LIGHT: 1}[roast]),
        lambda m: made({**m, "roast": Roast.LIGHT}),
        ["roast: no other value can be written", "Give a sample in which it has one."],
    ),
}


class TestFunctionsThatLoseSomething:
    @pytest.mark.parametrize(("encode", "decode", "sentences"), LOSSES.values(), ids=LOSSES)
    def test_are_told_each_field_with_what_went_in_and_what_came_out(self, encode, decode, sentences):
        message = told(Order, Roast, Bean, encode=encode, decode=decode)

        assert [sentence for sentence in sentences if sentence not in message] == []
        assert message.startswith("Order would not be stored without loss. ")

    @pytest.mark.parametrize(("encode", "decode", "sentences"), LOSSES.values(), ids=LOSSES)
    def test_are_told_of_no_field_that_is_kept(self, encode, decode, sentences):
        message = told(Order, Roast, Bean, encode=encode, decode=decode)

        kept = [name for name in fields_of(Order()) if f"{name}: " not in " ".join(sentences)]
        assert [name for name in kept if f" {name}: " in message] == []

    def test_are_told_the_remedy(self):
        message = told(Order, Roast, encode=lambda order: without("width")(fields_of(order)), decode=made)

        assert "Have encode give all of them, and decode take them as they are; or register Order without" in message

    def test_are_told_each_member_of_an_enum(self):
        message = told(Roast, encode=lambda roast: {}, decode=lambda members: None)

        assert "Roast: <Roast.LIGHT: 'light'> comes back as None. Roast: <Roast.DARK: 'dark'> comes back as" in message

    def test_are_told_what_a_model_holds_beside_its_fields(self):
        message = told(
            Model,
            sample=Model(name="mocha", count=3, origin="Peru"),
            encode=lambda model: {"name": model.name, "count": model.count},
            decode=lambda members: Model(**members),
        )

        assert "__pydantic_extra__: {'origin': 'Peru'} comes back as {}." in message

    def test_are_told_what_cannot_be_read_again(self):
        message = told(Order, Roast, encode=fields_of, decode=lambda members: Order(*members, *members))

        assert "Order: Order(name='mocha'" in message
        assert "cannot be read again" in message

    def test_pass_if_they_lose_nothing(self):
        prove(codec(Order, Roast, encode=fields_of, decode=made), Order)


# --- what is no loss -------------------------------------------------------------------------------------------------


class Stack:
    """A class that says nothing of what it keeps."""

    def __init__(self) -> None:
        self._items: list[int] = []


class Table:
    """A class that works something out of what it is given, in private and in public."""

    def __init__(self, rows: list[int] | None = None) -> None:
        self.rows = [1, 2] if rows is None else rows
        self._index = {row: position for position, row in enumerate(self.rows)}
        self._lock = threading.Lock()

    @functools.cached_property
    def total(self) -> int:
        return sum(self.rows)


class Area:
    def __init__(self, width: int = 2) -> None:
        self.width = width
        self.area = width * width


class Shout:
    """A class that makes something else of what it is given."""

    def __init__(self, text: str = "A") -> None:
        self.text = text.upper()


class Tags(list):  # type: ignore[type-arg]  # of anything
    """More than its attributes."""

    def __init__(self, items: tuple[str, ...] = (), owner: str = "me") -> None:
        super().__init__(items)
        self.owner = owner


class Name(str):
    """More than its attributes, and not to be changed."""


class TestAnAttributeThatNoFieldDeclares:
    def test_is_lost_if_the_functions_leave_it_out(self):
        message = told(Stack, encode=lambda stack: {}, decode=lambda members: Stack())

        assert "_items: ['a text'] makes no difference to the text." in message

    def test_is_lost_where_the_sample_shows_it(self):
        stack = Stack()
        stack._items = [1]

        message = told(Stack, sample=stack, encode=lambda stack: {}, decode=lambda members: Stack())

        assert "_items: [1] comes back as []." in message

    def test_is_kept_if_the_functions_write_it(self):
        def read(members: dict[str, Any]) -> Stack:
            stack = Stack()
            stack._items = members["items"]
            return stack

        prove(codec(Stack, encode=lambda stack: {"items": stack._items}, decode=read), Stack)

    def test_may_be_worked_out_in_private(self):
        functions = {"encode": lambda table: {"rows": table.rows}, "decode": lambda members: Table(**members)}

        prove(codec(Table, **functions), Table)

    def test_is_not_worked_out_in_public(self):
        message = told(Area, encode=lambda area: {"width": area.width}, decode=lambda members: Area(**members))

        assert "area: 5 makes no difference to the text." in message
        assert "can be a property" in message

    def test_is_no_loss_where_it_is_cached(self):
        table = Table()
        assert table.total == 3

        prove(codec(Table, encode=lambda t: {"rows": t.rows}, decode=lambda members: Table(**members)), Table, table)


class TestAnObjectThatLacksAnAttribute:
    def test_is_stored_without_it(self):
        @dataclass
        class Partial:
            size: int = 1
            _spare: int = 2

        sample = Partial(3, 4)
        functions = {
            "encode": lambda value: {"size": value.size},
            "decode": lambda members: Partial(members["size"], 2),
        }

        assert "_spare: 4 comes back as 2" in told(Partial, sample=sample, **functions)

    def test_that_comes_back_without_one_is_told(self):
        class Bare:
            def __init__(self, *sizes: int) -> None:
                if sizes:
                    self.size = sizes[0]

        functions = {"encode": lambda value: {"size": value.size}, "decode": lambda members: Bare()}

        assert "size: 3 comes back as nothing" in told(Bare, sample=Bare(3), **functions)


class TestAClassThatTakesFewValues:
    def test_passes_if_its_constructor_changes_what_it_is_given(self):
        functions = {"encode": lambda shout: {"text": shout.text}, "decode": lambda members: Shout(**members)}

        prove(codec(Shout, **functions), Shout)

    def test_passes_if_it_refuses_all_others(self):
        functions = {
            "encode": lambda v: {"mode": v.mode, "share": v.share, "limit": v.limit},
            "decode": lambda members: Validated(**members),
        }

        prove(codec(Validated, **functions), Validated)

    def test_is_tried_with_the_default_where_the_sample_has_another(self):
        message = told(
            Validated,
            sample=Validated("slow"),
            encode=lambda v: {"mode": "slow", "share": v.share, "limit": v.limit},
            decode=lambda members: Validated(**members),
        )

        assert "mode: 'fast' makes no difference to the text." in message

    def test_is_tried_by_its_constructor_where_nothing_but_that_can_set_it(self):
        message = told(
            Validated,
            encode=lambda v: {"mode": v.mode, "share": v.share},
            decode=lambda members: Validated(**members),
        )

        assert "limit: 11 makes no difference to the text." in message


class TestAClassThatIsMoreThanItsAttributes:
    def test_is_proved_with_functions_that_write_all_of_it(self):
        functions = {
            "encode": lambda tags: {"items": list(tags), "owner": tags.owner},
            "decode": lambda members: Tags(tuple(members["items"]), members["owner"]),
        }

        prove(codec(Tags, **functions), Tags)

    def test_is_told_if_they_forget_what_it_holds(self):
        message = told(
            Tags, encode=lambda tags: {"owner": tags.owner}, decode=lambda members: Tags(owner=members["owner"])
        )

        assert "what it holds: ['a text'] makes no difference to the text." in message

    def test_is_told_if_they_forget_its_attributes(self):
        message = told(Tags, encode=lambda tags: {"items": [*tags]}, decode=lambda members: Tags((*members["items"],)))

        assert "owner: 'mex' makes no difference to the text." in message

    def test_is_told_if_they_cut_its_text(self):
        message = told(
            Name, encode=lambda name: {"text": name[:3]}, decode=lambda m: Name(m["text"]), sample=Name("abc")
        )

        assert "what it holds: 'abcx' makes no difference to the text." in message


class TestAnotherValue:
    """What an attribute is tried with."""

    @pytest.mark.parametrize("each", dataclasses.fields(Everything), ids=lambda each: each.name)
    def test_there_is_for_every_type_that_has_two(self, each):
        value = getattr(Everything(), each.name)
        annotation = Everything.__dataclass_fields__[each.name].type

        found = others(value, eval(annotation))

        assert (len(found) == 0) == (each.name in ("nothing", "single", "fixed"))
        assert identity(value) not in [identity(other) for other in found]

    @pytest.mark.parametrize(
        "value", [0, 0.0, "", b"", True, Roast.DARK, (1,), [1], {1}, {"a": 1}, Bean(), np.zeros(3), Size()]
    )
    def test_is_of_the_same_type(self, value):
        assert [type(other) for other in others(value)] == [type(value)] * len(others(value))

    def test_is_one_that_the_annotation_allows(self):
        assert others(None, datetime | None) == [
            datetime(2024, 2, 29, 23, 59, 59, 1),
            datetime(2024, 2, 29, 23, 59, 59, 1, UTC),
        ]
        assert others("fast", Literal["fast", "slow"]) == ["slow"]
        assert others([], list[Literal["fast"]]) == [["fast"]]

    def test_is_in_another_order_where_that_counts(self):
        given = OrderedDict(a=1, b=1)

        assert identity(OrderedDict(b=1, a=1)) in [identity(other) for other in others(given)]

    @pytest.mark.parametrize("cls", [Name, Tags])
    def test_leaves_alone_what_gives_itself_as_its_copy(self, cls):
        single = type("Single", (cls,), {"__copy__": lambda self: self})()
        single.owner = "me"
        before = identity(single)

        tried = others(single)

        assert [other for other in tried if other is single] == []
        assert identity(single) == before

    @pytest.mark.parametrize(
        "annotation", [Annotated[Roast, "how dark"], NewType("Kind", Roast), TypeAliasType("Alias", Roast)]
    )
    def test_is_one_that_an_annotation_by_another_name_allows(self, annotation):
        assert set(others(None, annotation)) == {Roast.LIGHT, Roast.DARK}

    @pytest.mark.parametrize("values", [["x"], ["x", "y"]])
    def test_is_an_array_of_pandas_with_other_items(self, values):
        array = pd.Categorical(values)

        assert [type(other) for other in others(array)] == [pd.Categorical]

    def test_is_none_where_the_annotation_allows_it(self):
        assert None in others(3, int | None)
        assert None not in others(3, int)


def test_importing_docstore_does_not_import_what_proves():
    code = "import sys, docstore; print([name for name in sys.modules if name.startswith('docstore.registry.proof')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
