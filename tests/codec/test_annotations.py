"""What annotations say before any value is seen: nothing is lost in silence, and what can never be stored is told."""

from __future__ import annotations

import abc
import array
import collections
import collections.abc
import contextlib
import dataclasses
import enum
import fractions
import gc
import io
import re
import socket
import sys
import threading
import types
import typing
import uuid
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, InitVar, dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Generic, Literal, NamedTuple, NewType, TypeVar

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pydantic
import pytest
import typing_extensions
from case_names import case_name

from docstore.codec.classes.annotations import hints, remember
from docstore.codec.classes.storable import annotation_text, reachable, unstorable
from docstore.errors import RegistryError, UnresolvedError

if TYPE_CHECKING:
    from fractions import Fraction

    from somewhere import Logger  # type: ignore[import-not-found]  # that is the point

T = TypeVar("T")


def holder(annotation: Any) -> type:
    """A class with one field of this annotation."""
    made = dataclasses.make_dataclass("Holder", [("x", annotation)])
    made.__module__ = __name__  # which Python 3.11 does not set
    return made


def nobody(cls: type) -> bool:
    """What knows no class."""
    return False


class Color(enum.Enum):
    RED = 1


@dataclass
class Engine:
    color: Color
    spare: Engine | None = None


# --- hints -----------------------------------------------------------------------------------------------------------


class TestAnAnnotation:
    @pytest.mark.parametrize(
        ("annotation", "expected"),
        [
            ("int", int),
            ("'int'", int),
            (int, int),
            (None, type(None)),
            ("Engine | None", Engine | None),
            (typing.Optional["Engine"], typing.Optional[Engine]),  # noqa: UP045  # as it is written
            (list["Engine"], list[Engine]),
            ("dict[str, list[Engine]]", dict[str, list[Engine]]),
            (Annotated[list["Engine"], "of a car"], list[Engine]),
            ("list[Annotated[int, 3]]", list[int]),
            ("Final[int]", int),
            (Final["Engine"], Engine),
            ("Final", Any),
            ("InitVar[list[int]]", list[int]),
            (InitVar["Engine"], Engine),
            ("typing.Required[int]", int),
            ("T", T),
            (Any, Any),
        ],
    )
    def test_is_resolved_and_stripped_of_what_says_nothing_of_the_value(self, annotation, expected):
        cls = type("Holder", (), {"__annotations__": {"x": annotation}, "__module__": __name__})

        assert hints(cls) == {"x": expected}

    @pytest.mark.parametrize(
        "annotation",
        [ClassVar, ClassVar[int], ClassVar["Logger"], "ClassVar", "ClassVar[Nowhere]", "typing.ClassVar[Nowhere]"],
    )
    def test_of_a_class_variable_is_left_out_and_need_not_be_there(self, annotation):
        cls = type("Holder", (), {"__annotations__": {"x": annotation, "y": int}, "__module__": __name__})

        assert hints(cls) == {"y": int}

    def test_of_a_base_is_looked_up_where_the_base_is(self, tmp_path, monkeypatch):
        (tmp_path / "base_of_annotations.py").write_text(
            "from __future__ import annotations\n"
            "from decimal import Decimal as datetime\n"
            "class Base:\n    when: datetime\n    same: int\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        base = __import__("base_of_annotations").Base

        class Derived(base):
            also: datetime
            same: str

        assert hints(Derived) == {"when": Decimal, "same": str, "also": datetime}

    def test_may_name_its_own_class_inside_a_function(self):
        class Node:
            next: Node | None
            others: list[Node]

        assert hints(Node) == {"next": Node | None, "others": list[Node]}

    def test_inside_a_function_does_not_mean_another_class_of_that_name(self):
        def build() -> type:
            @dataclass
            class Engine:
                spare: Engine | None = None

            return Engine

        local = build()

        assert hints(local)["spare"] == local | None

    def test_may_name_a_class_inside_its_class(self):
        class Car:
            class Wheel:
                pass

            wheels: list[Wheel]

        assert hints(Car) == {"wheels": list[Car.Wheel]}

    def test_does_not_mean_the_default_of_its_own_name(self):
        """``fractions: fractions | None = None`` would else be annotated None."""

        class Car:
            somewhere: somewhere | None = None

        with pytest.raises(UnresolvedError, match="'somewhere' is not there"):
            hints(Car)

    if sys.version_info >= (3, 12):

        def test_of_a_type_parameter_is_the_parameter(self):
            """In a text of its own, as Python 3.11 cannot read it."""
            names: dict[str, Any] = {"__name__": __name__}
            exec("from __future__ import annotations\nclass Box[V]:\n    item: list[V]\n", names)

            assert hints(names["Box"])["item"].__args__ == names["Box"].__type_params__

    def test_of_a_function_is_looked_up_where_the_function_is(self):
        assert hints(Engine.__init__, only=["spare"]) == {"spare": Engine | None}

    def test_of_a_function_that_another_module_wraps_is_looked_up_where_the_function_is(self):
        @contextlib.contextmanager
        def painted(engine: Engine) -> Iterator[Color]:
            yield engine.color

        assert hints(painted) == {"engine": Engine, "return": Iterator[Color]}

    def test_of_a_function_may_name_its_class(self):
        class Node:
            def __init__(self, next: Node | None = None) -> None:
                self.next = next

        assert hints(Node.__init__, owner=Node)["next"] == Node | None

    @pytest.mark.parametrize("thing", [object, int, object.__init__, int.__init__, len])
    def test_is_not_there_where_nothing_is_annotated(self, thing):
        assert hints(thing) == {}

    def test_is_no_hint_if_it_only_marks_what_follows(self):
        @dataclass
        class Car:
            _: KW_ONLY
            wheels: int = 4

        assert hints(Car, only=["wheels"]) == {"wheels": int}


class TestAnAnnotationThatIsNotThere:
    def test_is_told_with_its_class_its_field_and_the_remedy(self):
        class Recipe:
            share: Fraction

        Recipe.__qualname__ = "Recipe"
        with pytest.raises(RegistryError) as caught:
            hints(Recipe)

        assert str(caught.value) == (
            "Recipe.share is annotated 'Fraction', which is not there at run time. Import it outside "
            "`if TYPE_CHECKING:`, or define it before the class is used."
        )

    def test_is_told_with_the_name_that_is_missing_in_it(self):
        class Recipe:
            shares: dict[str, Fraction]

        with pytest.raises(UnresolvedError, match=r"annotated 'dict\[str, Fraction\]', and 'Fraction' is not there"):
            hints(Recipe)

    def test_is_told_inside_a_function_where_to_put_it(self):
        class Recipe:
            share: Fraction

        with pytest.raises(UnresolvedError, match=r"<locals>\.Recipe\.share is .* at the top of the module"):
            hints(Recipe)

    def test_is_told_of_an_argument(self):
        def bake(share: Fraction) -> None: ...

        with pytest.raises(UnresolvedError, match="bake has the argument 'share', which is annotated 'Fraction'"):
            hints(bake)

    def test_is_no_matter_where_it_is_not_asked_for(self):
        class Recipe:
            name: str
            log: Logger

        assert hints(Recipe, only={"name"}) == {"name": str}

    def test_is_found_in_a_namespace(self):
        class Recipe:
            share: Fraction

        assert hints(Recipe, namespace={"Fraction": fractions.Fraction}) == {"share": fractions.Fraction}

    def test_is_found_in_what_is_remembered_also_of_a_base_and_for_a_function(self):
        class Recipe:
            share: Fraction

            def __init__(self, share: Fraction) -> None: ...

        class Cake(Recipe):
            pass

        remember(Recipe, {"Fraction": fractions.Fraction})

        assert hints(Cake) == {"share": fractions.Fraction}
        assert hints(Recipe.__init__, owner=Recipe)["share"] is fractions.Fraction

    def test_is_not_remembered_longer_than_its_class(self):
        class Recipe:
            pass

        remember(Recipe, {"Fraction": fractions.Fraction})
        gone = weakref.ref(Recipe)

        del Recipe
        gc.collect()

        assert gone() is None

    @pytest.mark.parametrize("text", ["int.nothing", "int or", "3 + ''", "'the weight'"])
    def test_is_another_error_if_it_is_no_type(self, text):
        cls = type("Recipe", (), {"__annotations__": {"weight": text}, "__module__": __name__})

        with pytest.raises(RegistryError, match=r"Recipe\.weight is annotated .* Annotate it with a type\.") as caught:
            hints(cls)

        assert not isinstance(caught.value, UnresolvedError)


# --- what is reachable -----------------------------------------------------------------------------------------------


class Part(NamedTuple):
    engine: Engine


class Movie(typing.TypedDict):
    lead: Part
    rest: typing.NotRequired[list[Movie]]


@attrs.define
class Attrs:
    part: Part


class Model(pydantic.BaseModel):
    attrs: Attrs

    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)


class Struct(msgspec.Struct):
    model: Model


@dataclass
class Box(Generic[T]):
    item: T


@dataclass
class Unknowing:
    engine: Engine = dataclasses.field(metadata={"stored": False})
    count: int = 3


class Plain:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine


class Derived(Plain):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def run(self) -> None: ...


@dataclass
class AbstractData(Abstract):
    engine: Engine


class Runs(typing.Protocol):
    def run(self) -> None: ...


class Member(enum.Enum):
    """A base of enums, without a member of its own."""


Wrapped = NewType("Wrapped", Engine)
Tree = typing_extensions.TypeAliasType("Tree", "dict[str, Tree] | Engine")  # type: ignore[misc]  # it names itself
Lost = typing_extensions.TypeAliasType("Lost", "list[Fraction]")


class TestTheClassesThatHaveToBeRegistered:
    @pytest.mark.parametrize(
        "annotation",
        [
            Engine,
            "Engine",
            Engine | None,
            typing.Optional[Engine],  # noqa: UP045  # as it is written
            int | str | Engine,
            Engine | Any,
            list[Engine],
            dict[str, list[tuple[int, Engine]]],
            dict[int, set[Engine]],
            tuple[Engine, ...],
            collections.abc.Sequence[Engine],
            typing.Mapping[str, Engine],
            Annotated[Engine | None, "of a car"],
            Wrapped,
            list[Wrapped],
            Tree,
            list[Tree],
        ],
    )
    def test_are_found_at_any_depth_and_theirs_in_turn(self, annotation):
        assert reachable(holder(annotation)) == [Engine, Color]

    @pytest.mark.parametrize(
        ("annotation", "expected"),
        [
            (Part, [Part, Engine, Color]),
            (Movie, [Part, Engine, Color]),
            (Struct, [Struct, Model, Attrs, Part, Engine, Color]),
            (Box[Engine], [Box, Engine, Color]),
            (Literal[Color.RED, 3, None], [Color]),
            (dict[Color, int], [Color]),
            (tuple[Part, Color], [Part, Color, Engine]),
        ],
    )
    def test_are_of_every_kind_that_is_made_of_fields(self, annotation, expected):
        assert reachable(holder(annotation)) == expected

    @pytest.mark.parametrize(
        "annotation",
        [
            *(int, str, None, list, dict, Any, object, T, datetime, Decimal, Path, list[Any], bytes),
            *(np.ndarray, npt.NDArray[np.float64], pd.DataFrame, np.float64),
            *(Abstract, AbstractData, Runs, Plain, Member, enum.Enum, pydantic.BaseModel, msgspec.Struct),
            *(Callable[[Engine], None], type[Engine], Literal["a", 3]),
        ],
    )
    def test_are_none_where_no_registration_is_needed(self, annotation):
        assert reachable(holder(annotation)) == []

    def test_do_not_have_the_class_itself_however_it_is_named(self):
        assert reachable(Engine) == [Color]

    def test_do_not_have_what_is_not_stored(self):
        assert reachable(Unknowing) == []

    def test_do_not_have_what_is_known_nor_what_that_names(self):
        assert reachable(holder(Part), known=lambda cls: cls is Engine) == [Part]

    def test_are_those_of_a_class_that_keeps_its_arguments_too(self):
        assert reachable(Plain) == [Engine, Color]

    def test_may_be_of_one_function(self):
        @dataclass
        class Wheel:
            size: int

        @dataclass
        class Axle:
            wheels: list[Wheel]

        @dataclass
        class Car:
            axle: Axle

        remember(Car, locals())

        assert reachable(Car) == [Axle, Wheel]

    def test_are_not_found_where_an_alias_names_what_is_not_there(self):
        with pytest.raises(UnresolvedError, match="Fraction"):
            reachable(holder(list[Lost]))


# --- what cannot be stored -------------------------------------------------------------------------------------------


class Tags(list):  # type: ignore[type-arg]  # of anything
    pass


class Day(date):
    pass


class Row(typing.TypedDict):
    run: Callable[[], None]


STORABLE = [
    *(int, float, str, bool, None, bytes, bytearray, complex, object, Any, T, list, dict, tuple, set, frozenset),
    *(list[int], dict[str, list[Engine]], tuple[int, ...], tuple[int, str], frozenset[Color], OrderedDict[str, int]),
    *(int | None, int | str, Engine | Any, Callable[..., int] | Any, Literal["a", 1, None, b"", Color.RED]),
    *(datetime, date, timedelta, Decimal, uuid.UUID, Path, PurePath, range, slice, re.Pattern, re.Pattern[str]),
    *(Engine, Color, Part, Attrs, Model, Struct, Movie, Box[int], Wrapped, Annotated[int, "metres"]),
    *(Abstract, AbstractData, Runs, Member, enum.Enum, pydantic.BaseModel, msgspec.Struct, Box[Callable[..., int]]),
    *(collections.abc.Sequence, collections.abc.Mapping[str, int], typing.Iterable[int], typing.Hashable),
    *(typing.SupportsFloat, typing.LiteralString, collections.abc.Set[int], 5),
    *(np.ndarray, npt.NDArray[np.float64], np.float64, np.generic, np.floating, np.integer, np.str_),
    *(pd.DataFrame, pd.Series, pd.Index, pd.MultiIndex, pd.Timestamp, pd.Timedelta, pd.Categorical),
    *(pd.api.extensions.ExtensionArray, type(pd.NaT), type(pd.NA)),
]

FUNCTION = "a function is no data. Leave the field out"
RUNNING = "belongs to the program that runs, and cannot be stored. Leave the field out"
ITERATOR = "an iterator is used up when it is read. Keep a list or a tuple; or leave the field out"
REGISTER = r"docstore does not know what {0} is made of\. Register it: docstore\.register\({0}, \.\.\.\); or leave"
MORE = (
    r"a {0} is more than its attributes, and would lose the rest\. Register it with functions of your own: "
    r"docstore\.register\({0}, encode"
)

UNSTORABLE = [
    *((each, FUNCTION) for each in (Callable, typing.Callable, Callable[[int], None], type(len), type(lambda: 0))),
    *((each, "a class is no data") for each in (type, type[Engine], typing.Type[Engine], abc.ABCMeta)),  # noqa: UP006
    (types.ModuleType, "a module is no data. Keep its name; or"),
    *((each, ITERATOR) for each in (typing.Iterator[int], typing.Generator, typing.AsyncIterator, types.GeneratorType)),
    (type(iter([])), ITERATOR),
    *((each, "awaited belongs to the program") for each in (typing.Awaitable[int], types.CoroutineType)),
    *((each, "an open file .* Keep its Path") for each in (typing.IO[str], typing.TextIO, typing.BinaryIO)),
    *((each, RUNNING) for each in (io.StringIO, io.IOBase, type(threading.Lock()), threading.Thread, threading.Event)),
    *((each, RUNNING) for each in (socket.socket, weakref.ref, weakref.WeakKeyDictionary)),
    *((each, "data|belongs") for each in (threading.Lock, threading.RLock)),  # functions in some Pythons
    (memoryview, "memoryview cannot be stored. Keep bytes; or"),
    (collections.Counter[str], "Keep a dict; or"),
    (collections.deque[int], "deque cannot be stored. Keep a list; or"),
    (array.array, "array cannot be stored. Keep a list, or a NumPy array; or"),
    (Plain, REGISTER.format("Plain")),
    *((each, MORE.format(each.__name__)) for each in (fractions.Fraction, tzinfo, Tags, Day, ValueError)),
    (ArithmeticError, "and an ArithmeticError is more than its attributes"),
    (np.dtype, "numpy.dtype cannot be written exactly. Leave"),
    (np.ma.MaskedArray, "MaskedArray cannot be written exactly. Write its .data and its .mask, or .*; or leave"),
    (pd.Period, "Period cannot be written exactly. Leave"),
]

INSIDE = [
    *(list[Plain], dict[str, Plain], dict[Plain, int], tuple[int, Plain], Plain | None, int | Plain),
    *(Annotated[Plain, 3], collections.abc.Sequence[Plain], NewType("Only", Plain), set[Plain]),
]


class TestAFieldThatCanBeStored:
    @pytest.mark.parametrize("annotation", STORABLE, ids=annotation_text)
    def test_is_not_told(self, annotation):
        assert unstorable(holder(annotation), nobody) == []

    def test_is_one_of_a_class_that_is_known(self):
        assert unstorable(holder(Plain), lambda cls: cls is Plain) == []

    def test_is_one_of_a_class_of_which_a_subclass_is_known(self):
        assert unstorable(holder(Plain), lambda cls: cls is Derived) == []

    def test_is_one_of_classes_where_classes_are_known(self):
        assert unstorable(holder(type[Engine]), lambda cls: cls is type) == []

    def test_is_one_of_a_type_alias_that_names_itself(self):
        assert unstorable(holder(Tree), nobody) == []


class TestAFieldThatCanNeverBeStored:
    @pytest.mark.parametrize(("annotation", "problem"), UNSTORABLE, ids=case_name)
    def test_is_told_with_why_and_what_to_do(self, annotation, problem):
        [sentence] = unstorable(holder(annotation), nobody)

        assert sentence.startswith("Holder.x is annotated ")
        assert re.search(problem, sentence)
        assert sentence.endswith("eave the field out: field(metadata={'stored': False}).")

    @pytest.mark.parametrize("annotation", INSIDE, ids=annotation_text)
    def test_is_told_at_any_depth(self, annotation):
        [sentence] = unstorable(holder(annotation), nobody)

        assert sentence.startswith("Holder.x is annotated ")
        assert "docstore does not know what Plain is made of." in sentence

    def test_is_told_of_a_dict_whose_fields_are_named(self):
        [sentence] = unstorable(holder(Row), nobody)

        assert "a function is no data" in sentence

    def test_is_told_for_each_field_that_is_stored(self):
        @dataclass
        class Car:
            lock: threading.Thread
            name: str
            hook: Callable[[], None]
            unstored: Callable[[], None] = dataclasses.field(metadata={"stored": False})

        first, second = unstorable(Car, nobody)

        assert "Car.lock is annotated threading.Thread, and" in first
        assert "Car.hook is annotated collections.abc.Callable[[], None], and" in second

    def test_is_told_to_be_made_private_in_a_model(self):
        class Car(pydantic.BaseModel):
            hook: Callable[[], None]

        [sentence] = unstorable(Car, nobody)

        assert sentence.endswith("a function is no data. Make it a private attribute: PrivateAttr(...).")

    @pytest.mark.parametrize(
        ("cls", "remedy"),
        [
            (attrs.make_class("Car", {"hook": attrs.field(type=Callable)}), "Leave the field out: field(metadata"),
            (msgspec.defstruct("Car", [("hook", Callable)]), "Keep it out of the class."),
            (NamedTuple("Car", [("hook", Callable)]), "Keep it out of the class."),
        ],
    )
    def test_is_told_for_every_kind_of_class(self, cls, remedy):
        [sentence] = unstorable(cls, nobody)

        assert sentence.startswith("Car.hook is annotated ")
        assert remedy in sentence

    def test_is_told_of_the_arguments_of_another_class(self):
        class Car:
            def __init__(self, engine: Plain) -> None:
                self.engine = engine

        [sentence] = unstorable(Car, nobody)

        assert "Car.engine is annotated " in sentence
        assert sentence.endswith("or keep it out of the class.")


class TestAnAnnotationInAMessage:
    @pytest.mark.parametrize(
        ("annotation", "text"),
        [(int, "int"), (datetime, "datetime.datetime"), (typing.Optional[int], "Optional[int]"), (5, "5")],  # noqa: UP045
    )
    def test_is_annotation_text_as_one_writes_it(self, annotation, text):
        assert annotation_text(annotation) == text
