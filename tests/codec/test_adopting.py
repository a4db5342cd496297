"""When a save brings the object in hand up to date, whoever holds a piece of it still holds a piece of it."""

from __future__ import annotations

import copy
import operator
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import attrs
import msgspec
import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_encoders import PARTED

import docstore
from docstore import ConflictError, Metric, Objective, OptimizationConfig, registry
from docstore.codec.live.adopt import adopt
from docstore.codec.live.live_object import LiveObject
from docstore.documents.canonical import ABSENT
from docstore.errors import DecodeError
from docstore.model import Arm, AuxiliaryExperiment, AuxiliaryExperimentPurpose
from docstore.registry.bundle import mapper_of
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment, observe


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


@pytest.fixture
def meet(ada, bob):
    """Gives Ada's object of a document after Bob saved a *change* of it, and she one of her own that merged with it.

    *hold* is called with her object before that, and what it gives is given too.
    """

    def meet(document: Any, change: Callable[[Any], Any], hold: Callable[[Any], Any], mine=set_note) -> tuple[Any, Any]:
        kind = mapper_of().kind_of(document).name
        name = document.name
        ada.save(document)
        hers, his = ada.load(name, kind=kind), bob.load(name, kind=kind)
        held = hold(hers)
        change(his)
        bob.save(his)
        mine(hers)
        ada.save(hers)
        assert docstore.dumps(hers) == docstore.dumps(bob.load(name, kind=kind))
        return hers, held

    return meet


def set_note(document: Any) -> None:
    """Change what nobody else changes."""
    if isinstance(document, docstore.Experiment):
        document.is_test = True
    else:
        document.note = "mine"


def experiment(**options: Any) -> docstore.Experiment:
    options.setdefault("properties", {"oven": {"celsius": 220}, "loaves": [{"n": 1}, {"n": 2}]})
    options.setdefault(
        "optimization_config",
        OptimizationConfig(Objective(metric=Metric("crust", properties={"unit": "mm"}), minimize=False)),
    )
    return new_experiment(trials=2, **options)


PIECES: dict[str, Callable[[Any], Any]] = {
    "properties": lambda e: e.properties,
    "a dict in the properties": lambda e: e.properties["oven"],
    "the search space": lambda e: e.search_space,
    "a parameter": lambda e: e.search_space.parameters["x"],
    "a list of a parameter": lambda e: e.search_space.parameters["flour"].values,
    "a metric": lambda e: e.tracking_metrics[0],
    "the optimization config": lambda e: e.optimization_config,
    "the objective": lambda e: e.optimization_config.objective,
    "a metric of the objective": lambda e: e.optimization_config.objective.metric,
    "the trials": lambda e: e.trials,
    "a trial": lambda e: e.trials[1],
    "metadata of a trial": lambda e: e.trials[1].run_metadata,
    "a generator run": lambda e: e.trials[1].generator_run,
    "an arm": lambda e: e.trials[1].arm,
}


def describe(e: Any) -> None:
    e.description = "a stone oven"


def complete(e: Any) -> None:
    e.trials[1].status_reason = "burnt"


def heat(e: Any) -> None:
    e.properties["oven"]["celsius"] = 250


def widen(e: Any) -> None:
    e.search_space.parameters["x"].upper = 2.0


def measure(e: Any) -> None:
    e.optimization_config.objective.metric.properties["unit"] = "cm"


CHANGES = [describe, complete, heat, widen, measure, add_trial]


class TestAnExperimentOfWhichAnotherChangedSomething:
    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
    def test_a_piece_that_i_hold_is_still_the_one_in_it(self, meet, change):
        hers, held = meet(experiment(), change, lambda e: {name: piece(e) for name, piece in PIECES.items()})

        assert [name for name, piece in PIECES.items() if piece(hers) is not held[name]] == []

    def test_what_i_change_in_a_piece_that_i_hold_is_saved(self, meet, ada, bob):
        hers, (properties, x) = meet(experiment(), describe, lambda e: (e.properties, e.search_space.parameters["x"]))
        properties["found"] = 1
        x.upper = 9.0

        version = ada.save(hers)

        assert version.places == ("/properties/found", "/search_space/parameters/0/upper")
        assert bob.load("cakes").properties["found"] == 1

    def test_a_piece_that_i_hold_shows_what_the_other_did(self, meet):
        def change(e):
            heat(e)
            widen(e)
            measure(e)

        def hold(e):
            return (
                e.properties["oven"],
                e.search_space.parameters["x"],
                e.optimization_config.objective.metric.properties,
            )

        _, (oven, x, unit) = meet(experiment(), change, hold)

        assert (oven, x.upper, unit) == ({"celsius": 250}, 2.0, {"unit": "cm"})

    def test_the_objective_is_worked_out_anew(self, meet):
        def turn(e):
            e.optimization_config = OptimizationConfig(Objective("-crust"))

        _, objective = meet(
            experiment(optimization_config=OptimizationConfig(Objective("crust"))), turn, PIECES["the objective"]
        )

        assert (objective.expression, objective.minimize) == ("-crust", True)

    def test_the_items_of_a_keyed_list_are_known_by_their_keys(self, meet):
        def change(e):
            sugar = Metric("sugar")
            e._tracking_metrics = [sugar, *e._tracking_metrics]
            e.tracking_metrics[1].lower_is_better = True

        hers, taste = meet(experiment(), change, PIECES["a metric"])

        assert [metric.name for metric in hers.tracking_metrics] == ["sugar", "taste"]
        assert hers.tracking_metrics[1] is taste
        assert taste.lower_is_better is True

    def test_a_parameter_that_is_gone_does_not_become_another(self, meet):
        def rename(e):
            x = e.search_space.parameters["x"]
            x.name = "z"

        plain = new_experiment(properties={})

        hers, x = meet(plain, rename, PIECES["a parameter"])

        assert (x.name, hers.search_space.parameters["z"] is x) == ("x", False)

    def test_observations_that_i_hold_are_still_there(self, meet):
        def hold(e):
            return e._data[1], e._data[1].records, e._data[1].records[0]

        hers, (data, records, record) = meet(experiment(), lambda e: observe(e, 1, 0.5, "crust"), hold)

        assert hers._data[1] is data
        assert data.records is records
        assert any(each is record for each in records)
        assert len(records) == 2

    def test_the_trials_that_i_hold_get_the_new_one(self, meet):
        _, trials = meet(experiment(), add_trial, PIECES["the trials"])

        assert list(trials) == [0, 1, 2]

    def test_a_trial_that_the_other_took_away_is_taken_from_the_trials_that_i_hold(self, meet):
        def remove(e):
            del e.trials[1], e._data[1]

        _, trials = meet(experiment(), remove, PIECES["the trials"])

        assert list(trials) == [0]

    def test_of_an_experiment_to_learn_from_the_trials_belong_to_it(self, meet):
        first = experiment()
        first.add_auxiliary_experiment(
            AuxiliaryExperimentPurpose.PE_EXPERIMENT, AuxiliaryExperiment(new_experiment("first", trials=1))
        )

        def auxiliary(e):
            [[found]] = e.auxiliary_experiments_by_purpose.values()
            return found.experiment

        def change(e):
            auxiliary(e).properties["a"] = 1
            heat(e)

        hers, oven = meet(first, change, PIECES["a dict in the properties"])

        assert auxiliary(hers).trials[0].experiment is auxiliary(hers)
        assert oven == {"celsius": 250}


class TestATrialThatGetsAnotherNumber:
    """Both made trial 2; Bob saved first, so that Ada's is trial 3."""

    @pytest.fixture
    def renumbered(self, meet):
        def mine(e):
            held.append((trial := add_trial(e), trial.arm, trial.generator_run, e.trials))

        held: list[Any] = []
        hers, _ = meet(
            experiment(), lambda e: e.new_trial(parameters={"x": 0.75, "flour": "rye"}), lambda e: None, mine
        )
        return hers, *held[0]

    def test_the_trial_that_i_hold_has_the_new_one(self, renumbered):
        hers, trial, *_ = renumbered

        assert (trial.index, hers.trials[3] is trial) == (3, True)

    def test_the_arm_that_i_hold_has_its_new_name(self, renumbered):
        _, trial, arm, run, _ = renumbered

        assert arm.name == "3_0"
        assert trial.generator_run is run
        assert trial.arm is arm

    def test_the_trials_that_i_hold_have_both(self, renumbered):
        hers, *_, trials = renumbered

        assert list(trials) == [0, 1, 2, 3]
        assert hers.trials is trials

    def test_data_can_be_attached_by_the_name_of_the_arm_that_i_hold(self, renumbered):
        hers, trial, arm, *_ = renumbered

        hers.attach_data(
            docstore.Data([{"trial_index": trial.index, "arm_name": arm.name, "metric_name": "m", "mean": 1}])
        )

        assert hers.lookup_data([3]).records[-1]["arm_name"] == "3_0"


@dataclass
class Plain:
    n: int
    inner: Any = None


@dataclass(slots=True)
class Slotted:
    n: int
    inner: Any = None


@attrs.define
class Attributes:
    n: int
    inner: Any = None


class Packed(msgspec.Struct):
    n: int
    inner: Any = None


class Checked(pydantic.BaseModel):
    n: int
    inner: Any = None


class ByHand:
    def __init__(self, n: int, inner: Any = None) -> None:
        self._n, self.inner = n, inner

    @property
    def n(self) -> int:
        return self._n


@dataclass(frozen=True)
class Frozen:
    n: int
    inner: Any = None


@dataclass(unsafe_hash=True)
class Hashed:
    n: int
    inner: Any = None


class Opaque:
    """Written by a function."""

    def __init__(self, n: int, inner: Any = None) -> None:
        self.n, self.inner = n, inner


class Indexed:
    """Finds its items by what is made of them when it is made."""

    def __init__(self, items: list[Plain]) -> None:
        self.items = items
        self._by_number = {item.n: item for item in items}


@dataclass
class Child:
    n: int

    def __post_init__(self) -> None:
        self._parent: Any = None


@dataclass
class Parent:
    name: str
    children: list[Child]

    def __post_init__(self) -> None:
        for child in self.children:
            child._parent = self


@dataclass
class Box:
    name: str
    note: str = ""
    item: Any = None
    other: Any = None
    parts: dict[str, Any] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)


CLASSES = (Plain, Slotted, Attributes, Packed, Checked, ByHand)


@pytest.fixture(autouse=True)
def _registered(_forgotten):
    docstore.document(kind="box", name="name", parts=["/parts/*", "/rows/*"], keyed={"/other/*": "n"})(Box)
    for cls in (*CLASSES, Frozen, Hashed, Indexed, Child, Parent):
        docstore.register(cls)
    docstore.register(
        Opaque, tag="opaque", encode=lambda o: {"n": o.n, "i": o.inner}, decode=lambda m: Opaque(m["n"], m["i"])
    )
    docstore.register(Fraction, tag="fraction", encode=str, decode=Fraction)


def item(box: Box) -> Any:
    return box.item


class TestAnObjectOfAUsersClassThatTheOtherChanged:
    @pytest.fixture(params=CLASSES, ids=lambda cls: cls.__name__)
    def cls(self, request):
        return request.param

    def change(self, box):
        box.item = type(box.item)(n=2, inner={**box.item.inner, "b": [2]})

    def test_is_the_one_that_i_hold(self, meet, cls):
        hers, held = meet(Box("b", item=cls(n=1, inner={"a": [1], "b": []})), self.change, item)

        assert hers.item is held
        assert held.n == 2

    def test_has_what_it_holds_too(self, meet, cls):
        def inner(box):
            return box.item.inner, box.item.inner["a"], box.item.inner["b"]

        hers, held = meet(Box("b", item=cls(n=1, inner={"a": [1], "b": []})), self.change, inner)

        assert all(map(operator.is_, inner(hers), held))
        assert held == ({"a": [1], "b": [2]}, [1], [2])

    @pytest.mark.parametrize("place", ["parts", "rows"])
    def test_is_the_one_that_i_hold_as_a_part(self, meet, cls, place):
        made = [cls(n=1, inner={"a": [1], "b": []}), cls(n=7)]
        key = "k" if place == "parts" else 0
        box = Box("b", parts=dict(zip("kl", made, strict=True))) if place == "parts" else Box("b", rows=made)

        def change(box):
            getattr(box, place)[key].inner["b"].append(2)

        def hold(box):
            found = getattr(box, place)
            return found, found[key], found[key].inner["b"]

        hers, held = meet(box, change, hold)

        assert all(map(operator.is_, hold(hers), held))
        assert held[2] == [2]

    def test_that_is_of_another_class_now_is_another(self, meet, cls):
        def change(box):
            box.item = Frozen(1)

        hers, held = meet(Box("b", item=cls(n=1, inner=2)), change, item)

        assert (type(held), held.n, held.inner) == (cls, 1, 2)
        assert hers.item == Frozen(1)

    def test_keeps_nothing_that_was_worked_out_of_what_it_was(self, meet):
        def change(box):
            box.item.inner = 2

        def hold(box):
            box.item._cached = "of 1"
            return box.item

        _, held = meet(Box("b", item=ByHand(1, 1)), change, hold)

        assert vars(held) == {"_n": 1, "inner": 2}

    def test_that_did_not_change_keeps_what_was_worked_out(self, meet):
        def change(box):
            box.other = 2

        def hold(box):
            box.item._cached = "of 1"

        hers, _ = meet(Box("b", item=ByHand(1, 1)), change, hold)

        assert hers.item._cached == "of 1"


class TestADictThatTheOtherChanged:
    def test_has_what_both_have_in_its_own_order(self, meet):
        def change(box):
            box.item["a"]["n"] = 2
            box.item["d"] = 4
            del box.item["b"]

        def hold(box):
            box.item = {key: box.item[key] for key in "cba"}
            return box.item, box.item["a"]

        hers, (held, a) = meet(Box("b", item={"a": {"n": 1}, "b": 2, "c": 3}), change, hold)

        assert hers.item is held
        assert list(held.items()) == [("c", 3), ("a", {"n": 2}), ("d", 4)]
        assert held["a"] is a

    def test_has_the_others_order_if_it_has_one(self, meet):
        def change(box):
            box.item.move_to_end("a")
            box.item["b"].append(2)

        hers, (held, b) = meet(Box("b", item=OrderedDict(a=1, b=[1])), change, lambda box: (box.item, box.item["b"]))

        assert hers.item is held
        assert list(held.items()) == [("b", [1, 2]), ("a", 1)]
        assert held["b"] is b

    def test_keeps_keys_that_are_not_numbers_apart(self, meet):
        def change(box):
            box.item["a"] = 1

        nan = float("nan")

        hers, held = meet(Box("b", item={nan: 1, float("nan"): 2, 0: 0}), change, item)

        assert hers.item is held
        assert sorted(held.values()) == [0, 1, 1, 2]

    def test_tells_keys_apart_that_are_equal(self, meet):
        def change(box):
            box.item = {1.0: [1], (1,): [2, 2]}

        hers, (held, tuple_) = meet(Box("b", item={1: [1], (1,): [2]}), change, lambda box: (box.item, box.item[(1,)]))

        assert hers.item is held
        assert [(type(key), value) for key, value in held.items()] == [(tuple, [2, 2]), (float, [1])]
        assert held[(1,)] is tuple_


class TestAListThatTheOtherChanged:
    def lists(self, box):
        return box.item, *box.item

    def test_of_its_length_has_its_items_by_index(self, meet):
        def change(box):
            box.item[1]["n"] = 5

        hers, held = meet(Box("b", item=[{"n": 1}, {"n": 2}]), change, self.lists)

        assert all(map(operator.is_, self.lists(hers), held))
        assert held[2] == {"n": 5}

    @pytest.mark.parametrize(
        ("after", "kept"),
        [
            ([3, 1, 2], [None, 0, 1]),
            ([2], [1]),
            ([2, 1], [1, 0]),
            ([1, 9, 2], [0, None, 1]),
            ([2, 2], [0, 1]),
            ([1, 1, 2], [0, None, 1]),
            ([], []),
        ],
    )
    def test_has_the_items_that_are_the_same_wherever_they_stand(self, meet, after, kept):
        def change(box):
            box.item = [{"n": n} for n in after]

        hers, (held, *items) = meet(Box("b", item=[{"n": 1}, {"n": 2}]), change, self.lists)

        assert hers.item is held
        assert [next((at for at, each in enumerate(items) if each is one), None) for one in held] == kept

    def test_has_the_items_of_one_key_if_it_is_keyed(self, meet):
        def change(box):
            box.other["k"] = [{"n": 3}, {"n": 2, "m": 1}]

        hers, held = meet(
            Box("b", other={"k": [{"n": 1}, {"n": 2}]}), change, lambda box: [box.other["k"], *box.other["k"]]
        )

        assert hers.other["k"] is held[0]
        assert (held[0][0] is held[1], held[0][1] is held[2]) == (False, True)
        assert held[1:] == [{"n": 1}, {"n": 2, "m": 1}]


class TestWhatCannotBeChangedInPlace:
    """It stays as it was for who holds it, and something else stands in its place."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ((1, 2), (1, 3)),
            ({1, 2}, {1, 3}),
            (frozenset({1}), frozenset({2})),
            (bytearray(b"a"), bytearray(b"b")),
            (np.array([1.0, 2.0]), np.array([1.0, 3.0])),
            (Fraction(1, 2), Fraction(1, 3)),
            (Frozen(1, []), Frozen(2, [])),
            (Hashed(1), Hashed(2)),
            (Opaque(1), Opaque(2)),
            ([1], {"a": 1}),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_such_as(self, meet, before, after):
        def change(box):
            box.item["changed"] = after

        def hold(box):
            return [box.item, box.item["same"], box.item["changed"]]

        hers, held = meet(Box("b", item={"same": before, "changed": before}), change, hold)

        assert [one is other for one, other in zip(hold(hers), held, strict=True)] == [True, True, False]
        assert identity(held[2]) == identity(before)
        assert identity(hers.item["changed"]) == identity(after)

    def test_what_is_nested_as_deep_as_can_be(self, meet):
        def deep(bottom):
            for _ in range(240):
                bottom = [bottom]
            return bottom

        def change(box):
            box.item = deep(2)

        hers, _ = meet(Box("b", item=deep(1)), change, item)

        assert identity(hers.item) == identity(deep(2))

    def test_what_stands_in_two_places_of_which_one_changed(self, meet):
        shared = {"n": [1]}

        def change(box):
            box.other["n"].append(2)

        def hold(box):
            box.item = box.other = shared
            return shared

        hers, _ = meet(Box("b", item={"n": [1]}, other={"n": [1]}), change, hold)

        assert hers.item is shared
        assert (shared, hers.other) == ({"n": [1]}, {"n": [1, 2]})

    def test_what_stands_in_the_head_and_in_a_part(self, meet):
        shared = {"n": 1}

        def change(box):
            box.parts["k"]["n"] = 2

        def hold(box):
            box.item = box.parts["k"] = shared

        hers, _ = meet(Box("b", item={"n": 1}, parts={"k": {"n": 1}}), change, hold)

        assert (hers.item, hers.parts["k"]) == ({"n": 1}, {"n": 2})

    def test_what_is_the_key_of_a_set(self, meet):
        arm = Arm({"x": 0.5}, "0_0")

        def change(box):
            box.item = Arm({"x": 0.5}, "1_0")

        def hold(box):
            box.item = arm
            box.other = {arm}

        hers, _ = meet(Box("b", item=arm, other={copy.copy(arm)}), change, hold)

        assert (hers.item.name, hers.other) == ("1_0", {Arm({"x": 0.5}, "0_0")})

    def test_an_object_whose_constructor_made_an_index_of_its_items(self, meet):
        def change(box):
            box.item.items[0].inner = "new"

        hers, held = meet(Box("b", item=Indexed([Plain(1), Plain(2)])), change, item)

        assert hers.item is not held
        assert all(hers.item._by_number[each.n] is each for each in hers.item.items)

    def test_an_object_whose_children_know_it(self, meet):
        def change(box):
            box.item["family"].children[0].n = 2

        hers, held = meet(
            Box("b", item={"family": Parent("p", [Child(1)]), "own": []}),
            change,
            lambda box: (box.item, box.item["own"]),
        )

        assert (hers.item, hers.item["own"]) == held
        assert hers.item is held[0]
        assert hers.item["own"] is held[1]
        assert hers.item["family"].children[0]._parent is hers.item["family"]

    def test_that_is_a_part_takes_on_the_new_state_as_a_whole(self, meet):
        def change(box):
            box.parts["k"].items[0].inner = "new"

        def hold(box):
            return box.parts["k"]

        hers, held = meet(Box("b", parts={"k": Indexed([Plain(1)])}), change, hold)

        assert hers.parts["k"] is held
        assert held._by_number[1] is held.items[0]
        assert held.items[0].inner == "new"


class TestAnExperimentThatFunctionsOfAUsersOwnWrite:
    @pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES.keys())
    def test_a_piece_that_i_hold_is_still_the_one_in_it(self, piece):
        documents = mapper_of(PARTED)
        mine = experiment()
        theirs = documents.decode(documents.encode(mine))
        held = piece(mine)
        for change in CHANGES:
            change(theirs)

        pieces = documents.document(theirs).pieces
        adopt(LiveObject(documents, mine), {path: each.body for path, each in pieces.items()})

        assert piece(mine) is held
        assert documents.encode(mine) == documents.encode(theirs)
        assert all(trial.experiment is mine for trial in mine.trials.values())


class TestAnErrorChangesNothing:
    def test_of_a_conflict(self, ada, bob):
        ada.save(experiment())
        hers, his = ada.load("cakes"), bob.load("cakes")
        heat(his)
        his.description = "gas"
        bob.save(his)
        hers.description = "electric"
        before, properties = identity(hers), hers.properties

        with pytest.raises(ConflictError):
            ada.save(hers)

        assert identity(hers) == before
        assert hers.properties is properties

    def test_of_a_piece_that_cannot_be_read(self):
        documents = mapper_of()
        mine, theirs = experiment(), experiment()
        heat(theirs)
        complete(theirs)
        pieces = {path: piece.body for path, piece in documents.document(theirs).pieces.items()}
        before = identity(mine)

        with pytest.raises(DecodeError):
            adopt(LiveObject(documents, mine), {**pieces, "/trials/1": {"__type": "Trial"}})

        assert identity(mine) == before


KEYS = st.sampled_from("abc")
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, -0.0, 1.0, float("nan")]), st.just((1, [2]))
)


def nested(inner):
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
        st.dictionaries(st.sampled_from([1, 1.0, "a", None]), inner, max_size=3),
        st.lists(st.tuples(KEYS, inner), max_size=3).map(OrderedDict),
        *(st.builds(cls, n=st.integers(0, 2), inner=inner) for cls in (*CLASSES, Frozen, Opaque)),
    )


VALUES = st.recursive(LEAVES, nested, max_leaves=12)


@st.composite
def two_boxes(draw):
    """Two boxes that have much in common, in each of which one value may stand in several places."""
    known = draw(st.lists(VALUES, min_size=1, max_size=3))
    places = st.one_of(VALUES, st.sampled_from(known), st.builds(lambda a, b: [a, b], VALUES, st.sampled_from(known)))
    parts = st.dictionaries(KEYS, places, max_size=2)
    box = st.builds(Box, st.just("b"), st.just(""), places, places, parts, st.lists(places, max_size=2))
    return draw(box), draw(box)


class TestTheObjectInHandIsWhatIsStored:
    @given(two_boxes())
    def test_whatever_both_hold(self, boxes):
        mine, theirs = boxes
        documents = mapper_of()
        had, wanted = ({path: p.body for path, p in documents.document(box).pieces.items()} for box in (mine, theirs))
        gone = dict.fromkeys(had.keys() - wanted.keys(), ABSENT)
        text = docstore.dumps(theirs)  # now, as the two may share values

        adopt(LiveObject(documents, mine), {**wanted, **gone})

        assert docstore.dumps(mine) == text
        assert identity(mine) == identity(docstore.loads(text))

    @given(two_boxes())
    def test_nothing_is_replaced_if_nothing_changed(self, boxes):
        box, _ = boxes
        documents = mapper_of()
        pieces = {path: piece.body for path, piece in documents.document(box).pieces.items()}
        held = [box.item, box.other, box.parts, box.rows, *box.parts.values(), *box.rows]

        adopt(LiveObject(documents, box), pieces)

        assert all(map(operator.is_, [box.item, box.other, box.parts, box.rows, *box.parts.values(), *box.rows], held))
