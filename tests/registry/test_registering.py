"""Classes are registered for the process: with what their annotations name, or with functions; or refused at once."""

from __future__ import annotations

import array
import concurrent.futures
import contextvars
import functools
import io
import itertools
import json
import logging
import queue
import random
import re
import socket
import sqlite3
import sys
import textwrap
import threading
import types
import weakref
from abc import ABC, abstractmethod
from collections import ChainMap, Counter, OrderedDict, deque
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
import pandas as pd
import pydantic
import pytest

import docstore
from docstore import registry
from docstore.errors import DecodeError, EncodeError, RegistryError, UnknownTagError, UnresolvedError
from docstore.testing.exact import identity

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForCheckers

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


@pytest.fixture
def cell(monkeypatch):
    """Return what runs a text in one module, again and again, as a notebook does; the module's names are on it."""
    module = types.ModuleType("cells")
    monkeypatch.setitem(sys.modules, "cells", module)

    exec("import docstore, threading\nfrom dataclasses import dataclass, field\nfrom enum import Enum", vars(module))

    def run(text: str) -> types.ModuleType:
        exec(f"from __future__ import annotations\n{textwrap.dedent(text)}", vars(module))
        return module

    return run


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


class TestADocumentWithFunctionsOfItsOwn:
    def test_keeps_them_and_is_a_document(self, store):
        @docstore.document(kind="note", tag="Note")
        @docstore.register(
            tag="Note", encode=lambda note: {"name": note.name, "text": note.words.split()}, decode=lambda m: Note.of(m)
        )
        @dataclass
        class Note:
            name: str
            words: str = ""

            @classmethod
            def of(cls, members):
                return cls(members["name"], " ".join(members["text"]))

        store.save(Note("n", "to be"))

        assert store.get("n", kind="note", pointer="/text") == ["to", "be"]
        assert identity(store.load("n", kind="note")) == identity(Note("n", "to be"))


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

        with pytest.raises(UnresolvedError, match=r"Early\.late is annotated 'Never', which is not there"):
            docstore.connect("sqlite://")

    def test_that_only_type_checkers_see_is_told(self):
        """A Decimal would be written bare, and load as a text once the import is moved."""

        @docstore.register
        @dataclass
        class Price:
            euros: OnlyForCheckers

        with pytest.raises(UnresolvedError, match=r"Price\.euros is annotated 'OnlyForCheckers', which is not"):
            docstore.loads('{"__type": "Price", "euros": "1.0"}')

    def test_is_told_each_time_until_it_is_there(self):
        @docstore.register
        @dataclass
        class Early:
            late: Late | None = None  # noqa: F821  # as it is meant

        with pytest.raises(UnresolvedError, match="Late"):
            docstore.dumps(Early())
        with pytest.raises(UnresolvedError, match="Late"):
            docstore.loads('{"__type": "Early", "late": null}')

        docstore.register(dataclass(type("Late", (), {"__annotations__": {"a": int}})), tag="Late")
        assert identity(back(Early())) == identity(Early())

    def test_of_a_class_inside_is_told_of_the_class_that_names_it(self):
        @dataclass
        class Inner:
            late: Never  # noqa: F821  # on purpose

        @docstore.register
        @dataclass
        class Outer:
            inner: Inner | None = None

        with pytest.raises(UnresolvedError, match=r"Inner\.late"):
            docstore.dumps(Outer())

    def test_does_not_matter_where_a_bundle_has_functions_for_the_class(self):
        @docstore.register
        @dataclass
        class Early:
            late: Never | None = None  # noqa: F821  # on purpose

        bundle = docstore.RegistryBundle(
            json_encoder_registry={Early: lambda early: {}}, json_decoder_registry={"Early": lambda members: Early()}
        )

        assert docstore.loads(docstore.dumps(Early(), bundle), bundle) == Early()

    def test_hinders_nothing_else_meanwhile(self):
        @docstore.register
        @dataclass
        class Early:
            late: Never | None = None  # noqa: F821  # on purpose

        docstore.register(Leaf)

        assert identity(back([Leaf(1.0)])) == identity([Leaf(1.0)])
        assert registry.registered() is registry.registered()

    def test_brings_what_its_class_names_once_that_is_there(self, cell):
        early = cell("""
            @docstore.register
            @dataclass
            class Early:
                late: Late
        """).Early
        late = cell("""
            class Colour(Enum):
                RED = 1

            @dataclass
            class Late:
                colour: Colour
        """).Late

        made = early(late(sys.modules["cells"].Colour.RED))

        assert identity(back([made, made.late.colour])) == identity([made, made.late.colour])

    def test_names_no_class_of_another_module(self):
        """Which of all States is meant, is not to be guessed."""
        state = Enum("State", "A")
        state.__module__ = "elsewhere"
        docstore.register(state)

        @docstore.register
        @dataclass
        class Early:
            state: State  # noqa: F821  # on purpose

        with pytest.raises(UnresolvedError, match="State"):
            docstore.loads('{"__type": "Early", "state": "A"}')

    def test_names_no_class_of_another_function(self):
        def elsewhere() -> None:
            @docstore.register
            @dataclass
            class Late:
                a: int

        @docstore.register
        @dataclass
        class Early:
            late: Late  # noqa: F821  # on purpose

        elsewhere()

        with pytest.raises(UnresolvedError, match="Late"):
            docstore.loads('{"__type": "Early", "late": {"__type": "Late", "a": 1}}')

    def test_names_the_class_of_its_function_that_is_defined_last(self):
        def first() -> type:
            @docstore.register(tag="outer.Late")
            @dataclass
            class Late:
                a: int

            return Late

        first()

        @docstore.register
        @dataclass
        class Early:
            late: Late

        @docstore.register
        @dataclass
        class Late:
            b: int

        assert identity(back(Early(Late(1)))) == identity(Early(Late(1)))

    @pytest.mark.parametrize(
        "use",
        [
            lambda cls: docstore.dumps(cls("c")),
            lambda cls: docstore.loads('{"__type": "Car", "name": "c", "engine": null}'),
            lambda cls: docstore.connect("sqlite://"),
        ],
        ids=["encode", "decode", "connect"],
    )
    def test_that_turns_out_to_be_of_no_data_is_told_each_time(self, cell, use):
        cls = cell("""
            @docstore.document(kind="car")
            @dataclass
            class Car:
                name: str
                engine: Engine | None = None
        """).Car
        cell("Engine = threading.Thread")

        with pytest.raises(RegistryError, match=r"Car\.engine is annotated .*Thread"):
            use(cls)
        with pytest.raises(RegistryError, match=r"Car\.engine is annotated .*Thread"):
            use(cls)
        assert docstore.dumps(1) == b"1"

    def test_may_be_told_of_a_model_of_pydantics(self, cell):
        cls = cell("""
            import pydantic

            @docstore.document(kind="model")
            class Model(pydantic.BaseModel):
                name: str
                late: Late | None = None
        """).Model
        with pytest.raises(UnresolvedError, match="'Late', which is not there"):
            docstore.connect("sqlite://")

        late = cell("class Late(pydantic.BaseModel):\n    a: int").Late

        made = cls(name="m", late=late(a=1))
        assert back(made) == made


class TestADocumentThatNamesWhatIsDefinedLater:
    """As with ``from __future__ import annotations``."""

    TREE = """
        @docstore.document(kind="tree", parts=["/kids/*"], status="state")
        @dataclass
        class Tree:
            name: str
            root: Node | None = None
            kids: list[Node] = field(default_factory=list)
            state: State | None = None
    """
    NODE = """
        @dataclass
        class Node:
            v: int
            n: Node | None = None

        class State(Enum):
            A = 1
    """

    def test_comes_back_exactly(self, cell, store):
        cell(self.TREE)
        cells = cell(self.NODE)
        tree = cells.Tree("t", cells.Node(1, cells.Node(2)), [cells.Node(3)], cells.State.A)

        store.save(tree)

        assert identity(store.load("t", kind="tree")) == identity(tree)
        assert [found.name for found in store.find(kind="tree", status=cells.State.A)] == ["t"]

    def test_is_told_that_a_field_is_not_there_at_once(self, cell):
        with pytest.raises(RegistryError, match="no stored field 'mood' for status="):
            cell(self.TREE.replace('"state"', '"mood"'))

    @pytest.mark.parametrize(
        ("option", "complaint"),
        [
            ('name="root"', r"Tree\.root .* name= it should be str"),
            ('type="root"', r"Tree\.root .* type= it should be an Enum"),
            ('parts=["/root/*"]', r"Tree\.root .* parts= it should be dict"),
        ],
    )
    def test_is_told_that_a_field_does_not_fit_once_that_is_known(self, cell, option, complaint):
        cell(self.TREE.replace('parts=["/kids/*"], status="state"', option))
        cell(self.NODE)

        with pytest.raises(RegistryError, match=complaint):
            docstore.loads('{"__type": "Tree"}')
        with pytest.raises(RegistryError, match=complaint):
            docstore.connect("sqlite://")

    def test_is_told_so_too_when_it_is_registered_twice(self, cell):
        cells = cell(self.TREE.replace('parts=["/kids/*"], status="state"', 'type="root"'))
        docstore.register(cells.Tree)
        cell(self.NODE)

        with pytest.raises(RegistryError, match=r"Tree\.root .* type= it should be an Enum"):
            docstore.connect("sqlite://")

    def test_is_refused_at_once_where_all_is_there(self, cell):
        cell(self.NODE)

        with pytest.raises(RegistryError, match=r"Tree\.lock is annotated"):
            cell(self.TREE.rstrip() + "\n            lock: threading.Thread | None = None\n")

    def test_may_be_a_class_that_declares_no_fields(self, cell, store):
        cls = cell("""
            @docstore.document(kind="plain")
            class Plain:
                def __init__(self, name: str, late: Late | None = None) -> None:
                    self._name = name
                    self.late = late
        """).Plain
        late = cell("@dataclass\nclass Late:\n    a: int").Late

        store.save(cls("p", late(1)))

        assert store.load("p", kind="plain")._name == "p"
        assert store.load("p", kind="plain").late == late(1)


class TestThreadsThatSaveWhileAClassIsRegistered:
    @pytest.fixture(autouse=True)
    def _interleaved(self):
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(before)

    @pytest.mark.parametrize("round", range(20))
    def test_each_see_it(self, round):
        @docstore.register
        @dataclass
        class Early:
            late: Late | None = None

        @docstore.register
        @dataclass
        class Late:
            a: int

        start, errors = threading.Barrier(8), []

        def save() -> None:
            start.wait()
            try:
                back(Early(Late(1)))
            except Exception as error:
                errors.append(repr(error))

        threads = [threading.Thread(target=save) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []


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


class TestAClassThatIsRegisteredTwice:
    def test_stays_a_document(self, store):
        @docstore.document(kind="note", status="state")
        @dataclass
        class Note:
            name: str
            state: str = "new"

        docstore.register(Note, aliases=["Memo"])
        store.save(Note("n"))

        assert [found.name for found in store.find(kind="note", status="new")] == ["n"]

    @pytest.mark.parametrize("tag", ["food", "Leaf", None])
    def test_first_because_an_annotation_names_it_may_get_another_tag(self, tag):
        @docstore.register
        @dataclass
        class Tree:
            leaf: Leaf

        docstore.register(Leaf, tag=tag)

        assert json.loads(docstore.dumps(Leaf(1.0)))["__type"] == (tag or "Leaf")
        assert identity(back(Tree(Leaf(1.0)))) == identity(Tree(Leaf(1.0)))

    def test_under_two_tags_is_told_what_to_do(self):
        docstore.register(Leaf, tag="food")

        with pytest.raises(RegistryError, match=r"Leaf .* under 'food' already.*tag='food'.*aliases=\['Leaf'\]"):
            docstore.register(Leaf)

    def test_as_a_document_may_have_other_parts(self):
        cls = make_dataclass("Plan", [("name", str), ("steps", list[int])], namespace={"__module__": __name__})
        docstore.document(kind="plan")(cls)

        docstore.document(kind="plan", parts=["/steps/*"])(cls)

        assert json.loads(docstore.dumps(cls("p", [])))["__document"]["parts"] == ["/steps/*"]


class TestAClassThatIsDefinedAgain:
    """As when a notebook's cell is run again."""

    PARTS = "@dataclass\nclass Part:\n    a: int\nclass Colour(Enum):\n    RED = 1\n"
    WHOLE = """
        @docstore.document(kind="whole", parts=[PARTS])
        @dataclass
        class Whole:
            name: str
            parts: list[Part] = field(default_factory=list)
            colour: Colour = Colour.RED
    """

    def test_beside_one_of_another_tag_leaves_that_alone(self, store):
        """A function that makes classes makes several of one name."""

        def make(kind: str) -> type:
            @docstore.document(kind=kind, tag=kind)
            @dataclass
            class Doc:
                name: str

            return Doc

        first, second = make("first"), make("second")
        store.save(first("a"))
        store.save(second("a"))

        assert identity(store.load("a", kind="first")) == identity(first("a"))
        assert identity(store.load("a", kind="second")) == identity(second("a"))

    def test_under_another_tag_that_reads_the_former_takes_its_place(self):
        def make(**options: Any) -> type:
            @docstore.register(**options)
            @dataclass
            class Doc:
                name: str

            return Doc

        make()
        again = make(tag="New", aliases=["Doc"])

        assert identity(docstore.loads('{"__type": "Doc", "name": "a"}')) == identity(again("a"))

    def test_with_other_parts_takes_its_subclasses_along(self, cell):
        cell(self.PARTS)
        cell(self.WHOLE.replace("PARTS", ""))
        special = cell("@docstore.register\n@dataclass\nclass Special(Whole):\n    more: int = 0").Special

        cell(self.WHOLE.replace("PARTS", '"/parts/*"'))

        with pytest.raises(
            EncodeError, match=r"Whole, from which it inherits, was defined again: define Special again"
        ):
            docstore.dumps(special("s"))
        cell("@docstore.register\n@dataclass\nclass Special(Whole):\n    more: int = 0")
        made = sys.modules["cells"].Special("s")
        assert identity(back(made)) == identity(made)

    @pytest.mark.parametrize("inside", [lambda cells: cells.Part(1), lambda cells: cells.Colour.RED])
    def test_inside_another_says_that_the_other_has_to_be_defined_again(self, cell, inside):
        cell(self.PARTS)
        cell(self.WHOLE.replace("PARTS", ""))
        cells = cell(self.PARTS)

        with pytest.raises(EncodeError, match=r"run again what registers it .*, and make the object anew"):
            docstore.dumps(cells.Whole("w", [inside(cells)]))

        cell(self.WHOLE.replace("PARTS", ""))
        made = cells.Whole("w", [inside(cells)])
        assert identity(back(made)) == identity(made)

    def test_makes_objects_of_the_former_old(self, cell):
        cell(self.PARTS)
        old = cell(self.WHOLE.replace("PARTS", "")).Whole("w")
        cell(self.WHOLE.replace("PARTS", ""))

        with pytest.raises(EncodeError, match="since this object was made: make the object anew"):
            docstore.dumps(old)


class Plain:
    """It keeps its name to itself."""

    def __init__(self, name: str) -> None:
        self._name = name


class TestADocumentThatKeepsItsNameBehindAnUnderscore:
    def test_is_saved_and_found_by_it(self, store):
        docstore.document(kind="plain")(Plain)

        store.save(Plain("p"))

        assert vars(store.load("p", kind="plain")) == {"_name": "p"}

    def test_is_told_when_it_has_none(self, store):
        docstore.document(kind="plain")(Plain)
        made = Plain("p")
        del made._name

        with pytest.raises(EncodeError, match="name"):
            store.save(made)


class TestAnObjectThatIsKeptUnread:
    def test_is_saved_once_its_class_is_registered_and_it_is_loaded_again(self, store):
        kept = docstore.loads('{"__type": "Note", "name": "n"}', unknown="keep")

        with pytest.raises(EncodeError, match=r"kept unread.*'Note'.*Register the class.*load it again"):
            store.save(kept)


class TestAClassThatCouldNotBeMadeAgain:
    def test_is_refused_when_it_is_registered(self):
        @dataclass
        class Made:
            size: float

            def __init__(self, text: str) -> None:
                self.size = float(text)

        with pytest.raises(RegistryError, match=r"Made\.__init__ needs 'text', which no field of the class keeps"):
            docstore.register(Made)

    def test_is_refused_where_an_annotation_names_it(self):
        @dataclass
        class Made:
            size: float

            def __init__(self, text: str) -> None:
                self.size = float(text)

        @dataclass
        class Holder:
            made: Made

        with pytest.raises(RegistryError, match=r"Made\.__init__ needs 'text'"):
            docstore.register(Holder)

    def test_may_have_functions_that_make_it(self):
        @dataclass
        class Made:
            size: float

            def __init__(self, text: str) -> None:
                self.size = float(text)

        docstore.register(Made, encode=lambda made: str(made.size), decode=Made)

        assert back(Made("1.5")).size == 1.5


def _used_up():
    yield


class Worker(threading.Thread):
    """A user's own, which is still a thread."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n


class Text(str):
    pass


class Failure(Exception):
    pass


@dataclass
class Stack(deque):  # type: ignore[type-arg]  # on purpose
    """Says fields, and is more than these."""

    n: int = 0


RUNNING = [
    *(threading.Lock(), threading.RLock(), threading.Event(), threading.Thread(), threading.local(), Worker(1)),
    *(_used_up(), iter([]), map(len, []), itertools.count(), lambda: 0, len, [].append, int.__add__, threading),
    *(io.StringIO(), io.BytesIO(), socket.socket(), weakref.ref(Worker), weakref.WeakSet()),
    *(queue.Queue(), logging.getLogger("docstore"), concurrent.futures.Future(), contextvars.ContextVar("variable")),
    sqlite3.connect(":memory:"),
]
MORE = [functools.partial(len), random.Random(1), Text("a"), Failure("a"), Fraction(1, 2), Stack()]
INSTEAD = {
    "a dict": [types.SimpleNamespace(a=1), Counter(), ChainMap(), types.MappingProxyType({})],
    "a list": [deque([1]), array.array("i"), {}.keys()],
    "bytes": [memoryview(b"")],
}


def names(value: Any) -> str:
    return type(value).__name__


class TestAnObjectThatCannotBeMadeOfItsFields:
    @pytest.mark.parametrize("value", RUNNING, ids=names)
    def test_of_the_program_that_runs_is_refused_when_its_class_is_registered(self, value):
        with pytest.raises(RegistryError, match=rf"register\({names(value)}\): .*(no data|the program|used up|Keep)"):
            docstore.register(type(value))

    @pytest.mark.parametrize("value", RUNNING, ids=names)
    def test_of_the_program_that_runs_is_refused_with_advice_that_is_right_for_it(self, value):
        with pytest.raises(EncodeError, match="cannot be written exactly") as caught:
            docstore.dumps({"in": [value]})

        assert caught.value.pointer == "/in/0"
        assert re.search("Take it out|Keep a|Keep its name", str(caught.value))
        assert "register(" not in str(caught.value)

    def test_of_a_library_is_told_once_what_to_do(self):
        np = pytest.importorskip("numpy")

        with pytest.raises(EncodeError) as unwritten:
            docstore.dumps(np.random.default_rng(1))
        with pytest.raises(RegistryError) as unregistered:
            docstore.register(np.matrix)

        assert str(unwritten.value).count("cannot be written exactly") == 1
        assert str(unregistered.value).endswith("Write np.asarray(array).")

    @pytest.mark.parametrize("value", MORE, ids=names)
    def test_may_have_functions_that_make_it(self, value):
        advice = rf"docstore\.register\({names(value)}, encode=\.\.\., decode=\.\.\.\)"
        with pytest.raises(RegistryError, match=advice):
            docstore.register(type(value))
        with pytest.raises(EncodeError, match=advice):
            docstore.dumps([value])

        docstore.register(type(value), encode=lambda made: {"a": 1}, decode=lambda members: value)

        assert docstore.loads(docstore.dumps([value])) == [value]

    @pytest.mark.parametrize(
        ("instead", "value"), [(name, value) for name, values in INSTEAD.items() for value in values], ids=names
    )
    def test_may_have_something_in_its_place(self, instead, value):
        with pytest.raises(RegistryError, match=f"Keep {instead}"):
            docstore.register(type(value))
        with pytest.raises(EncodeError, match=f"at /0: .*Keep {instead}"):
            docstore.dumps([value])

    @pytest.mark.parametrize(
        "cls", [int, str, list, dict, type(None), set, datetime, np.ndarray, np.float64, pd.Series]
    )
    def test_may_need_no_registration(self, cls):
        with pytest.raises(RegistryError, match="needs no registration"):
            docstore.register(cls)
        with pytest.raises(RegistryError, match="needs no registration"):
            docstore.register(cls, tag="another")

    @pytest.mark.parametrize("cls", [type, types.FunctionType, types.ModuleType, type(threading.Lock())])
    def test_is_refused_in_a_bundle(self, cls):
        with pytest.raises(RegistryError, match=r"no data|the program"):
            docstore.RegistryBundle(classes=[cls])

    def test_leaves_nothing_registered(self):
        before = registry.registered()

        with pytest.raises(RegistryError):
            docstore.register(Worker)

        assert registry.registered() is before

    def test_without_a_constructor_has_no_attributes_that_one_could_make_again(self):
        class Bag:
            pass

        docstore.register(Bag)
        bag = Bag()
        bag._held = 3

        assert type(back(Bag())) is Bag
        with pytest.raises(EncodeError, match=r"'_held'.*would be lost"):
            docstore.dumps(bag)


class TestWhatIsSaidOfAClass:
    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"kind": 5}, "kind=5 should be a text"),
            ({"kind": None}, "kind=None should be a text"),
            ({"name": None}, "name=None should be a text"),
            ({"type": 5}, "type=5 should be a text"),
            ({"status": ["state"]}, r"status=\['state'\] should be a text"),
            ({"parts": 5}, "parts=5: give several"),
            ({"parts": [5]}, "parts=5 should be a text"),
            ({"tag": 5}, "5 is no tag"),
            ({"tag": ""}, "'' is no tag"),
            ({"tag": "a\0b"}, "is no tag"),
            ({"tag": "a\ud800"}, "is no tag"),
            ({"tag": "x" * 256}, "of 1 to 255 characters"),
            ({"aliases": 5}, "aliases=5: give several"),
            ({"aliases": [5]}, "aliases: 5 is no tag"),
            ({"aliases": {"Old": 5}}, "it is no Enum"),
            ({"aliases": {5: "Note"}}, "aliases: 5 is no tag"),
        ],
        ids=str,
    )
    def test_is_refused_if_it_is_no_text(self, options, complaint):
        @dataclass
        class Note:
            name: str
            state: str = ""

        with pytest.raises(RegistryError, match=complaint):
            docstore.document(**{"kind": "note", **options})(Note)

    def test_of_an_enum_is_no_schema(self):
        with pytest.raises(RegistryError, match=r"an enum has no schema.*aliases"):
            docstore.register(Colour, version=2)

    def test_of_an_enum_with_functions_of_its_own_may_be_a_schema(self):
        docstore.register(Colour, version=2, encode=lambda colour: colour.value, decode=Colour)
        registry.upcast("Colour", from_=1)(lambda members: {"__value": members["__value"][0].lower()})

        assert docstore.loads('{"__type": "Colour", "__value": "Red"}') is Colour.RED
        assert back(Colour.BLUE) is Colour.BLUE

    @pytest.mark.parametrize("functions", [{"encode": 1, "decode": str}, {"encode": str, "decode": 1}])
    def test_is_refused_if_it_is_no_function(self, functions):
        with pytest.raises(RegistryError, match="encode and decode both"):
            docstore.register(Fraction, **functions)


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
