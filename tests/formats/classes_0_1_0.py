"""The users' classes of the documents that are kept since 0.1.0: one of each sort that is stored by its fields.

Never edited, like the documents: what a user's program said then still says how its documents are read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import attrs
import msgspec
import pydantic

import docstore
from docstore import Metric, RegistryBundle, Runner, registry


class Course(enum.Enum):
    """A document's type, keys of dicts, and values."""

    SOUP = "s"
    CAKE = "c"
    BREAD = "b"


class Heat(enum.IntEnum):
    """An enum whose members are numbers too."""

    LOW = 1
    HIGH = 3


class Diet(enum.Flag):
    """An enum whose members combine, to values without a name."""

    VEGAN = 1
    HALAL = 2
    NUTS = 4


class Size(NamedTuple):
    """A tuple whose items have names."""

    width: float
    depth: float = 1.0


# --- dataclasses, with parts -----------------------------------------------------------------------------------------


@dataclass
class Step:
    """One item of a list whose items are parts."""

    text: str
    minutes: float = 0.0
    heat: Heat | None = None


@dataclass
class Recipe:
    """A document with a type, a status, parts of a list and parts of a dict."""

    id: str
    category: Course = Course.SOUP
    state: Literal["draft", "done"] = "draft"
    steps: list[Step] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    rest: Any = None
    served_by: Any = field(default=None, metadata={"stored": False})


@dataclass
class Kitchen:
    """A document named by a number, with parts under the integers and the members of an enum."""

    number: int
    shelves: dict[int, list[Size]] = field(default_factory=dict)
    menus: dict[Course, Step] = field(default_factory=dict)


@dataclass
class Larder:
    """A field for each annotation that leaves a tag out, and for some that do not."""

    key: UUID
    opened: datetime
    best_before: date
    price: Decimal
    course: Course
    by_course: dict[Course, int]
    by_shelf: dict[int, str]
    nested: dict[int, dict[Course, list[datetime]]]
    prices: list[Decimal]
    moments: tuple[datetime, ...]
    pair: tuple[int, str]
    labels: set[str]
    days: frozenset[date]
    inner: Step
    items: list[Step]
    size: Size
    diet: Diet
    either: int | str | datetime
    both: list[int | Decimal]
    maybe: datetime | None
    nothing: UUID | None
    literal: Literal["dry", "cold"]
    anything: Any
    plain: dict  # type: ignore[type-arg]  # on purpose: nothing is said of what is in it
    _private: Course | None = None


# --- other libraries -------------------------------------------------------------------------------------------------


@attrs.define
class Oven:
    """An attrs class: slots, a private field, a converter, a default that is made of another field."""

    name: str
    heat: float = attrs.field(converter=float, default=0)
    _serial: UUID | None = None
    racks: list[Size] = attrs.field(factory=list)
    label: str = attrs.field(default=attrs.Factory(lambda self: f"oven {self.name}", takes_self=True))
    checked: datetime | None = attrs.field(default=None, kw_only=True)


class Line(pydantic.BaseModel):
    """A model inside another."""

    dish: Course
    count: int = pydantic.Field(default=1, alias="n")


class Order(pydantic.BaseModel):
    """A Pydantic model, which takes fields that it does not declare."""

    model_config = pydantic.ConfigDict(extra="allow")

    table: str
    lines: list[Line] = []
    due: datetime | None = None
    tip: Decimal = Decimal("0.00")


class Shelf(msgspec.Struct, weakref=True, kw_only=True, rename="camel"):
    """A msgspec Struct."""

    name: str
    cool_until: datetime | None = None
    boxes: dict[int, Size] = msgspec.field(default_factory=dict)
    _hidden: int = 0


# --- classes with functions of their own -----------------------------------------------------------------------------


class Temperature:
    """Written as one number."""

    __slots__ = ("kelvin",)

    def __init__(self, kelvin: float) -> None:
        self.kelvin = kelvin


class Dough(list[str]):
    """More than its attributes: written as a dict by a function."""

    hours: float = 0.0


def _dough(members: dict[str, Any]) -> Dough:
    made = Dough(members["of"])
    made.hours = members["hours"]
    return made


class Yeast:
    """Kept by the arguments of its constructor."""

    def __init__(self, grams: float, *, fresh: bool = True) -> None:
        self.grams = grams
        self._fresh = fresh


# --- what stands in an experiment ------------------------------------------------------------------------------------


@dataclass
class OvenRunner(Runner):
    """A user's runner."""

    host: str = "localhost"
    since: datetime | None = None


@dataclass(eq=False)
class TasteMetric(Metric):
    """A user's metric."""

    tasters: tuple[str, ...] = ()


class Model:
    """Stands in documents as a class, not as an instance."""


class Forest(Model):
    """A subclass of it."""


class BakingType(enum.Enum):
    """The integers of an experiment's type."""

    BREAD = 10
    CAKE = 20


class SourceType(enum.Enum):
    """The integers of a generator run's type."""

    STATUS_QUO = 0
    MANUAL = 1
    SOBOL = 7


# --- one class in two releases of the user's -------------------------------------------------------------------------


@dataclass
class Condiment:
    """What is a Spice in the user's next release."""

    grams: float


@dataclass
class Spice:
    """What was a Condiment in the user's last release."""

    grams: float


class OldColour(enum.Enum):
    """In the user's last release, RED was called CRIMSON."""

    CRIMSON = 1


class Colour(enum.Enum):
    """The same in the user's next release."""

    RED = 1


@dataclass
class MenuBefore:
    """A menu of schema 2."""

    name: str
    cents: int
    colour: OldColour | None = None
    extras: list[Any] = field(default_factory=list)


@dataclass
class Menu:
    """A menu of schema 3, which a program of schema 2 may read: what is new stands beside what it knows."""

    name: str
    cents: int
    colour: Colour | None = None
    extras: list[Any] = field(default_factory=list)
    price: Decimal = Decimal(0)
    chosen: dict[Course, Spice] = field(default_factory=dict)


# --- registered ------------------------------------------------------------------------------------------------------


def register() -> None:
    """Register every class above, as the user's newest program does."""
    _register_others()
    registry.register(Spice, aliases=["Condiment"])
    registry.register(Colour, aliases={"CRIMSON": "RED"})
    docstore.document(kind="menu", version=3, compatible_from=2, tag="Menu")(Menu)
    registry.upcast("Menu", from_=1)(_with_cents)
    registry.upcast("Menu", from_=2)(_with_price)


def register_before() -> None:
    """Register them as the user's last program did."""
    _register_others()
    registry.register(Condiment)
    registry.register(OldColour, tag="Colour")
    docstore.document(kind="menu", version=2, tag="Menu")(MenuBefore)
    registry.upcast("Menu", from_=1)(_with_cents)


def _register_others() -> None:
    docstore.document(kind="recipe", name="id", type="category", status="state", parts=["/steps/*", "/notes/*"])(Recipe)
    docstore.document(kind="kitchen", name="number", parts=["/shelves/*", "/menus/*"])(Kitchen)
    docstore.document(kind="larder", name="key", type="course")(Larder)
    docstore.document(kind="oven")(Oven)
    docstore.document(kind="order", name="table")(Order)
    docstore.document(kind="shelf", parts=["/boxes/*"])(Shelf)
    registry.register(Temperature, encode=lambda value: value.kelvin, decode=Temperature)
    registry.register(Dough, encode=lambda dough: {"of": [*dough], "hours": dough.hours}, decode=_dough)
    registry.register(Yeast)
    registry.register(OvenRunner)
    registry.register(TasteMetric)


def _with_cents(members: dict[str, Any]) -> dict[str, Any]:
    return {**members, "cents": round(members.pop("euros") * 100)}


def _with_price(members: dict[str, Any]) -> dict[str, Any]:
    return {**members, "price": f"{members['cents'] / 100:.2f}", "chosen": {}}


def bundle() -> RegistryBundle:
    """Return what says how classes are written that stand in a document themselves."""
    return RegistryBundle(
        json_class_encoder_registry={Model: lambda cls: {"name": cls.__name__}},
        json_class_decoder_registry={
            "Type[Model]": lambda members: {"Model": Model, "Forest": Forest}[members["name"]]
        },
    )
