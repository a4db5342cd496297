"""The diff of two states of a document: patches there and back for programs, lines and tables for people."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from itertools import combinations
from typing import Any

import jsonpatch
import pytest
from hostile import HOSTILE, examples, places, soup, spoilt, tagged
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from stored_forms import OPTIONAL, every_member, no_nulls

import docstore
from docstore.documents.canonical import dumps, join_pointer, loads, same_json
from docstore.documents.diff.diff import Diff, difference, of_documents
from docstore.documents.diff.format import read_both, read_in_full
from docstore.documents.diff.lines import Line
from docstore.documents.kinds import EXPERIMENT, kind_declared, kind_named
from docstore.documents.optional_members import value_at
from docstore.documents.patch import apply
from docstore.model import (
    Arm,
    ChoiceParameter,
    ComparisonOp,
    Data,
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    SearchSpace,
)

NOTE = kind_named("note")
RECIPE = kind_declared("recipe", name_field="name", status="state", parts=["/steps/*"])

KEYS = st.sampled_from(["", "~", "/", "~1", "a/b", "0", "01", "-", "__type", "steps", "trials", "data"]) | st.text(
    max_size=3
)
SCALARS = st.sampled_from([None, True, 1, 1.0, 0.0, -0.0, "1", "null", "nan", "a b", "\u2028"]) | st.integers(-9, 9)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
RECIPES = st.fixed_dictionaries(
    {"name": st.just("pea")}, optional={"steps": st.lists(VALUES, max_size=4) | VALUES, "x": VALUES}
)
EXPERIMENTS = spoilt(st.sampled_from(examples()))

NOTES_PAIR = st.tuples(st.just(NOTE), VALUES, VALUES)
RECIPES_PAIR = st.tuples(st.just(RECIPE), RECIPES, RECIPES)
EXPERIMENTS_PAIR = st.tuples(st.just(EXPERIMENT), EXPERIMENTS, EXPERIMENTS | VALUES)
# Read from text, as documents are: no dict stands in two places.
PAIRS = (NOTES_PAIR | RECIPES_PAIR | EXPERIMENTS_PAIR).map(lambda pair: (pair[0], *(loads(dumps(v)) for v in pair[1:])))


@cache
def bread() -> bytes:
    """An experiment with some of everything: trials 0 and 7 have one arm, trial 8 has two."""
    accuracy, size = Metric("accuracy", lower_is_better=False), Metric("size")
    bound = OutcomeConstraint(metric=size, op=ComparisonOp.LEQ, bound=3.0, relative=False)
    experiment = Experiment(
        SearchSpace(
            [
                RangeParameter("x", ParameterType.INT, 0, 1),
                ChoiceParameter("flour", ParameterType.STRING, ["rye", "spelt"]),
                RangeParameter("n", ParameterType.INT, 0, 99),
            ],
            [ParameterConstraint(constraint_dict={"x": 1.0}, bound=0.5)],
        ),
        "bread",
        OptimizationConfig(Objective(metric=accuracy), [bound]),
        [Metric("taste"), Metric("crumb")],
        status_quo=Arm({"x": 0, "flour": "spelt", "n": 0}, "today"),
        properties={"team": "a", "seeds": [1, 2, 3]},
    )
    for n in range(8):
        experiment.new_trial(parameters={"x": 0, "flour": "rye", "n": n}).mark_running(no_runner_required=True)
    experiment.new_batch_trial().add_arms_and_weights(
        [Arm({"x": 0, "flour": "rye", "n": 8}), Arm({"x": 0, "flour": "rye", "n": 9})], [1.0, 3.0]
    ).mark_arm_abandoned("8_1", "burnt")
    experiment.attach_data(Data.from_records([*curve(7), *observations(7, "7_0"), *observations(8, "8_0", "8_1")]))
    document: Any = loads(docstore.dumps(experiment))
    document["trials"] = {key: document["trials"][key] for key in "078"}
    return dumps(document)


def observations(trial: int, *arms: str) -> list[dict[str, Any]]:
    return [
        {"trial_index": trial, "arm_name": arm, "metric_name": "accuracy", "mean": 0.31, "sem": 0.02} for arm in arms
    ]


def curve(trial: int, steps: int = 3) -> list[dict[str, Any]]:
    return [
        {"trial_index": trial, "arm_name": f"{trial}_0", "metric_name": "loss", "mean": 1.5, "sem": None, "step": step}
        for step in range(steps)
    ]


def put(path: str, value: Any) -> dict[str, Any]:
    """The edit that puts *value* in the place of what stands at *path*."""
    return {"op": "replace", "path": path, "value": value}


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def drop(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}


def told(*edits: dict[str, Any]) -> tuple[str, ...]:
    """What is said of the bread with these edits of the JSON in which every member is written."""
    old = every_member(loads(bread()))
    return of_documents(EXPERIMENT, *map(no_nulls, (old, apply(old, edits))), OPTIONAL).words


def at(path: str) -> Any:
    """A copy of what the bread has at *path*."""
    return copy.deepcopy(value_at(loads(bread()), path, OPTIONAL))


# --- for programs ----------------------------------------------------------------------------------------------------


class TestADifferenceOfAnyTwoDocuments:
    """Notes, documents with parts, and experiments in which anything stands anywhere."""

    @given(PAIRS)
    def test_its_patch_leads_to_the_newer_in_any_library(self, pair):
        kind, old, new = pair

        diff = of_documents(kind, old, new)

        assert dumps(jsonpatch.apply_patch(old, list(diff.patch))) == dumps(apply(old, diff.patch)) == dumps(new)

    @given(PAIRS)
    def test_its_undo_leads_back_to_the_older_in_any_library(self, pair):
        kind, old, new = pair

        diff = of_documents(kind, old, new)

        assert dumps(jsonpatch.apply_patch(new, list(diff.undo))) == dumps(apply(new, diff.undo)) == dumps(old)

    @given(PAIRS)
    def test_it_is_true_and_told_if_anything_differs_and_only_then(self, pair):
        kind, old, new = pair

        diff = of_documents(kind, old, new)

        assert bool(diff) == bool(diff.words) == (not same_json(old, new))

    @given(PAIRS)
    def test_it_leaves_both_as_they_are(self, pair):
        kind, old, new = pair
        before = dumps(old), dumps(new)

        str(of_documents(kind, old, new))

        assert (dumps(old), dumps(new)) == before

    @given(PAIRS)
    def test_each_thing_that_is_told_is_one_line_and_none_says_that_a_value_became_itself(self, pair):
        lines = of_documents(*pair).lines

        assert [str(line) for line in lines if len(str(line).splitlines()) != 1] == []
        assert [str(line) for line in lines if line.was == line.now] == []

    @pytest.mark.parametrize("other", HOSTILE, ids=repr)
    @pytest.mark.parametrize(
        "place", ["/search_space", "/trials", "/trials/7", "/data/7", "/optimization_config", "/runner"]
    )
    def test_a_member_of_an_experiment_that_is_no_such_thing_is_told_all_the_same(self, place, other):
        assert bool(told(put(place, other))) == (not same_json(other, at(place)))


class TestADifferenceInHand:
    def test_is_told_by_str(self):
        diff = of_documents(NOTE, {"a": 1, "b": 1}, {"a": 2, "b": 2})

        assert str(diff) == diff.describe() == "a: 1 -> 2\nb: 1 -> 2"

    def test_of_nothing_says_so_and_is_false(self):
        diff = of_documents(NOTE, [1], [1])

        assert (str(diff), bool(diff), diff.patch, diff.undo, diff.lines) == ("no difference", False, (), (), ())

    def test_crosses_processes(self):
        diff = of_documents(NOTE, {"a": None}, {})

        assert pickle.loads(pickle.dumps(diff)) == diff

    def test_can_be_given_more_fields(self):
        diff = of_documents(NOTE, 1, 2)

        status = Status(diff.changes, diff.patch, diff.undo, diff.lines, stored=3)

        assert (pickle.loads(pickle.dumps(status)), str(status), bool(status)) == (status, "the root: 1 -> 2", True)

    @pytest.mark.parametrize("items", [{"0": {"a": 1}, "1": 1}, [1, [2]]], ids=repr)
    def test_puts_nothing_into_a_value_that_it_has_put_itself(self, items):
        """Some libraries do not copy values: applied once, the patch would be another."""
        none, some = {"name": "pea", "steps": None}, {"name": "pea", "steps": items}

        assert of_documents(RECIPE, none, some).patch == (put("/steps", items),)
        assert of_documents(RECIPE, some, none).undo == (put("/steps", items),)


@dataclass(frozen=True, slots=True)
class Status(Diff):
    """A difference that knows one thing more."""

    stored: int


# --- in words --------------------------------------------------------------------------------------------------------

X, RECORDS, RUN = "/search_space/parameters/0", "/data/7/records", "/trials/7/generator_run"
TIME = "2026-11-25T03:58:53+00:00"
NAN = tagged("float", value="nan")
Y = {**at(X), "name": "y", "parameter_type": "FLOAT", "lower": 0.001, "upper": 1.0, "log_scale": True}
SALT = {**at(X), "__type": "FixedParameter", "name": "salt", "value": 2}
SIZE = "/optimization_config/outcome_constraints/0"
LOSS = {**at(RECORDS + "/3"), "metric_name": "loss", "mean": 2.5, "sem": None}

TRIALS = [
    ([put(RECORDS + "/3/mean", 0.33)], ["trial 7: mean of accuracy 0.31 -> 0.33"]),
    ([put(RECORDS + "/3/mean", NAN)], ["trial 7: mean of accuracy 0.31 -> nan"]),
    ([put(RECORDS + "/3/sem", None)], ["trial 7: sem of accuracy 0.02 -> null"]),
    ([put(RECORDS + "/2/mean", 1.25)], ["trial 7: mean of loss at step 2 1.5 -> 1.25"]),
    ([put("/data/8/records/1/mean", 0.5)], ["trial 8: mean of accuracy on arm 8_1 0.31 -> 0.5"]),
    ([drop(RECORDS + "/3")], ["trial 7: accuracy 0.31 (sem 0.02) removed"]),
    ([add(RECORDS + "/0", LOSS)], ["trial 7: loss 2.5 added"]),
    ([add(RECORDS + "/-", each) for each in curve(7, 9)[3:]], ["trial 7: loss at 6 steps (3 to 8) added"]),
    ([put(RECORDS, [at(RECORDS)[3], *at(RECORDS)[:3]])], [
        "trial 7: order of observations loss at step 0, loss at step 1, loss at step 2, accuracy -> "
        "accuracy, loss at step 0, loss at step 1, loss at step 2"
    ]),
    ([put("/trials/7/status", "COMPLETED")], ["trial 7: status RUNNING -> COMPLETED"]),
    ([put("/trials/7/time_completed", TIME)], [f"trial 7: time_completed null -> {TIME}"]),
    ([put("/trials/7/status_reason", "out of flour")], ['trial 7: status_reason null -> "out of flour"']),
    ([add("/trials/7/run_metadata/oven", {"rack": 3})], ["trial 7: run_metadata/oven {rack: 3} added"]),
    ([drop("/trials/7")], ["trial 7: removed, RUNNING, arm 7_0 (x 0, flour rye, n 7)"]),
    ([drop("/trials/8")], ["trial 8: removed, CANDIDATE, 2 arms: 8_0, 8_1"]),
    ([add("/trials/10", at("/trials/7"))], ["trial 10: added, RUNNING, arm 7_0 (x 0, flour rye, n 7)"]),
    ([drop("/data/8")], [
        "trial 8: accuracy on arm 8_0 0.31 (sem 0.02) removed",
        "trial 8: accuracy on arm 8_1 0.31 (sem 0.02) removed",
    ]),
    ([add("/data/0", {"__type": "Data", "records": observations(0, "0_0")})], [
        "trial 0: accuracy 0.31 (sem 0.02) added"
    ]),
    ([add("/data/0", {"__type": "Data", "records": []})], ["trial 0: data added"]),
    ([add("/data/0", {"__type": "Data", "records": observations(3, "0_0")})], [
        "trial 0: accuracy 0.31 (sem 0.02, trial_index 3) added"
    ]),
    ([put(RUN + "/arms/0/parameters/x", 1)], ["trial 7: x of arm 7_0 0 -> 1"]),
    ([put(RUN + "/arms/0/name", "other")], [
        "trial 7: arm 7_0 (x 0, flour rye, n 7) removed",
        "trial 7: arm other (x 0, flour rye, n 7) added",
        "trial 7: weight of arm 7_0 1.0 removed",
        "trial 7: weight of arm other 1.0 added",
    ]),
    ([put(RUN + "/weights/0", 2.0)], ["trial 7: weight of arm 7_0 1.0 -> 2.0"]),
    ([put(RUN + "/gen_metadata", {"acqf": "EI"})], ["trial 7: generator_run/gen_metadata null -> {acqf: EI}"]),
    ([put(RUN, None)], ["trial 7: arm 7_0 (x 0, flour rye, n 7) removed"]),
    ([add("/trials/8/generator_runs/-", {**at(RUN), "weights": []})], ["trial 8: arm 7_0 (x 0, flour rye, n 7) added"]),
    ([put("/trials/8/abandoned_arms_metadata/0/reason", "raw")], [
        "trial 8: reason of abandoned arm 8_1 burnt -> raw"
    ]),
]  # fmt: skip

EDITS = [
    put(X + "/upper", 2),
    put("/properties/team", "b"),
    put(RECORDS + "/3/mean", 0.33),
    put(RECORDS + "/3/sem", 0.03),
    drop(RECORDS + "/2"),
    put("/trials/7/status", "COMPLETED"),
    add("/trials/7/run_metadata/oven", 3),
    drop("/data/8"),
    add("/trials/10", at("/trials/7")),
]

HEADS = [
    ([put(X + "/upper", 2)], ["parameter x: upper 1 -> 2"]),
    ([put(X + "/lower", -1), put(X + "/log_scale", True)], [
        "parameter x: log_scale false -> true",
        "parameter x: lower 0 -> -1",
    ]),
    ([add("/search_space/parameters/0", Y)], ["parameter y: added, FLOAT from 0.001 to 1.0, log scale"]),
    ([add("/search_space/parameters/-", SALT)], ["parameter salt: added, INT from 0 to 1"]),
    ([add("/search_space/parameters/-", {**Y, "step_size": 0.5})], [
        "parameter y: added, FLOAT from 0.001 to 1.0, log scale (step_size 0.5)"
    ]),
    ([drop("/search_space/parameters/1")], ["parameter flour: removed, STRING of rye, spelt"]),
    ([put(X + "/name", "z")], ["parameter x: removed, INT from 0 to 1", "parameter z: added, INT from 0 to 1"]),
    ([add("/search_space/parameters/1/values/0", "oat")], ["parameter flour: value oat added"]),
    ([put("/search_space/parameters/1/values", ["spelt", "rye"])], [
        "parameter flour: order of values rye, spelt -> spelt, rye"
    ]),
    ([put("/search_space/parameters", at("/search_space/parameters")[::-1])], [
        "order of parameters: x, flour, n -> n, flour, x"
    ]),
    ([put(X, {**at("/search_space/parameters/1"), "name": "x"})], [
        "parameter x: INT from 0 to 1 -> STRING of rye, spelt",
        "parameter x: class RangeParameter -> ChoiceParameter",
        "parameter x: log_scale false -> null",
        "parameter x: parameter_type INT -> STRING",
    ]),
    ([put("/search_space/parameter_constraints/0/bound", 0.75)], ["parameter constraint: x <= 0.5 -> x <= 0.75"]),
    ([add("/search_space/parameter_constraints/-", {"constraint_dict": {"x": 2.0, "y": -1.0}, "bound": 3.0})], [
        "parameter constraint: added, 2.0*x - y <= 3.0"
    ]),
    ([put("/optimization_config/objective/expression", "-accuracy")], [
        "objective: maximize accuracy -> minimize accuracy"
    ]),
    ([put("/optimization_config/objective/expression", "2*a + b, -c")], [
        "objective: maximize accuracy -> maximize 2*a + b and minimize c"
    ]),
    ([put("/optimization_config/objective/expression", "-2*a + b")], [
        "objective: maximize accuracy -> maximize -2*a + b"
    ]),
    ([put("/optimization_config/objective/metrics/0/lower_is_better", True)], [
        "objective: lower_is_better of metric accuracy false -> true"
    ]),
    ([put("/optimization_config", None)], [
        "objective: removed, maximize accuracy",
        "outcome constraint: removed, size <= 3.0",
    ]),
    ([put(SIZE + "/bound", 4.0)], ["outcome constraint: size <= 3.0 -> size <= 4.0"]),
    ([put(SIZE + "/bound", 4.0), put(SIZE + "/metrics/0/lower_is_better", True)], [
        "outcome constraint: size <= 3.0 -> size <= 4.0",
        "outcome constraint: metrics/0/lower_is_better of size null -> true",
    ]),
    ([put(SIZE + "/relative", True), put(SIZE + "/op", "GEQ")], [
        "outcome constraint: removed, size <= 3.0",
        "outcome constraint: added, size >= 3.0 % (relative)",
    ]),
    ([drop(SIZE)], ["outcome constraint: removed, size <= 3.0"]),
    ([put("/tracking_metrics/0/lower_is_better", True)], ["metric taste: lower_is_better null -> true"]),
    ([drop("/tracking_metrics/1")], ["metric crumb: removed"]),
    ([add("/tracking_metrics/0", {"__type": "Oven", "name": "heat", "lower_is_better": False})], [
        "metric heat: added, Oven, higher is better"
    ]),
    ([put("/tracking_metrics/0/__type", "MapMetric")], ["metric taste: class Metric -> MapMetric"]),
    ([put("/runner", {"__type": "Oven", "host": "b"})], ["runner: added, Oven(host b)"]),
    ([put("/status_quo/parameters/x", 1)], ["status quo: x 0 -> 1"]),
    ([put("/status_quo/name", "now")], ["status quo: name today -> now"]),
    ([put("/status_quo", None)], ["status quo: removed, arm today (x 0, flour spelt, n 0)"]),
    ([put("/properties/team", "b")], ["properties/team: a -> b"]),
    ([drop("/properties/seeds/1")], ["properties/seeds/1: removed 2"]),
    ([put("/status", "RUNNING")], ["status: DRAFT -> RUNNING"]),
    ([put("/experiment_type", "CAKE")], ["experiment_type: null -> CAKE"]),
    ([put("/description", "now\nwith salt")], [r'description: null -> "now\nwith salt"']),
]  # fmt: skip


class TestAnExperimentIsToldInItsOwnTerms:
    @pytest.mark.parametrize(("edits", "words"), TRIALS)
    def test_of_a_trial_and_its_data(self, edits, words):
        assert list(told(*edits)) == words

    @pytest.mark.parametrize(("edits", "words"), HEADS)
    def test_of_what_is_searched_and_sought(self, edits, words):
        assert list(told(*edits)) == words

    def test_the_search_space_comes_first_then_trials_by_number_each_with_its_data(self):
        words = told(
            drop("/data/8"),
            put("/properties/team", "b"),
            put(RECORDS + "/3/mean", 0.33),
            put(X + "/upper", 2),
            put("/trials/7/status", "COMPLETED"),
            add("/trials/10", at("/trials/7")),
        )

        assert [word.split(":")[0] for word in words] == [
            *("parameter x", "properties/team", "trial 7", "trial 7", "trial 8", "trial 8", "trial 10"),
        ]

    @pytest.mark.parametrize(
        "edits",
        list(combinations(EDITS, 2)),
    )
    def test_what_is_told_of_one_change_does_not_depend_on_others(self, edits):
        apart = {word for edit in edits for word in told(edit)}

        assert set(told(*edits)) == apart

    @pytest.mark.parametrize(
        "pointer", [join_pointer(way) for way in places(loads(bread())) if way and way[0] != "__format"]
    )
    def test_whatever_stands_anywhere_is_told_by_its_value(self, pointer):
        words = told(put(pointer, "Other"))

        assert any("Other" in word for word in words)

    def test_a_trial_that_is_the_same_may_be_left_out_of_one_state(self):
        old = EXPERIMENT.split(loads(bread()))
        new = EXPERIMENT.split(apply(loads(bread()), [put("/data/8/records/1/mean", 0.5)]))
        del old["/trials/8"]

        told = difference(EXPERIMENT, old, new, {"/data/8"}).words

        assert told == ("trial 8: mean of accuracy on arm 8_1 0.31 -> 0.5",)

    def test_a_null_in_the_place_of_an_arm_is_named_by_its_place(self):
        """A program that writes no nulls leaves it out."""
        old = apply(loads(bread()), [put("/status_quo", None)])

        assert of_documents(EXPERIMENT, old, apply(old, [drop("/status_quo")])).words == ("status_quo: removed null",)

    def test_a_head_that_is_no_object_any_more_is_told_as_a_whole(self):
        assert of_documents(EXPERIMENT, loads(bread()), 3).words[0].startswith("the root: Experiment(")

    def test_an_objective_that_is_new_is_told_by_its_goal(self):
        old = apply(loads(bread()), [put("/optimization_config", None)])

        words = of_documents(EXPERIMENT, old, loads(bread())).words

        assert words == ("objective: added, maximize accuracy", "outcome constraint: added, size <= 3.0")

    @pytest.mark.parametrize(
        ("members", "text"),
        [
            ({"parameter_type": "INT", "value": 2}, "INT fixed at 2"),
            ({"parameter_type": "INT", "expression_str": "2 * x"}, "INT derived from 2 * x"),
            ({}, "Parameter"),
        ],
    )
    def test_a_parameter_of_another_class_is_told_by_what_it_has(self, members, text):
        parameter = {"__type": "Parameter", "name": "salt", **members}

        assert told(add("/search_space/parameters/-", parameter)) == (f"parameter salt: added, {text}",)

    @pytest.mark.parametrize("parameters", [None, {}])
    def test_an_arm_without_parameters_is_told_by_its_name(self, parameters):
        trial = apply(at("/trials/7"), [{"op": "add", "path": "/generator_run/arms/0/parameters", "value": parameters}])

        assert told(add("/trials/10", trial)) == ("trial 10: added, RUNNING, arm 7_0",)

    @pytest.mark.parametrize(
        "value",
        [
            {"__type": "dict", "items": [[1]]},
            {"__type": "timedelta", "days": "1", "seconds": 0, "microseconds": 0},
            {"__type": "timedelta", "days": 10**12, "seconds": 0, "microseconds": 0},
        ],
    )
    def test_a_tagged_value_that_is_malformed_is_told_as_an_object(self, value):
        assert read_in_full(value).startswith(f"{value['__type']}(")

    def test_items_with_one_key_are_told_apart_by_their_order(self):
        twice = [at(RECORDS + "/3")] * 2
        old = apply(loads(bread()), [put(RECORDS, twice)])

        new = apply(old, [put(RECORDS + "/0/mean", 0.5)])

        assert of_documents(EXPERIMENT, old, new).words == ("trial 7: mean of accuracy 0.31 -> 0.5",)

    def test_items_that_changed_and_moved_are_told_as_both(self):
        x, flour, n = at("/search_space/parameters")

        words = told(put("/search_space/parameters", [flour, {**x, "upper": 2}, n]))

        assert words == ("parameter x: upper 1 -> 2", "order of parameters: x, flour, n -> flour, x, n")

    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("train/loss", "metric train/loss: added"),
            ("a b", 'metric "a b": added'),
            ("x: 1 -> 2", 'metric "x: 1 -> 2": added'),
            ("", 'metric "": added'),
            ("a\x1b[31m\n", r'metric "a\u001b[31m\n": added'),
            ("n" * 99, f'metric "{"n" * 59}…: added'),
        ],
    )
    def test_a_name_that_could_be_taken_for_more_is_in_quotes(self, name, word):
        assert told(add("/tracking_metrics/-", {**at("/tracking_metrics/0"), "name": name})) == (word,)


class TestAnyOtherDocumentIsToldByItsPlaces:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a/b: 1 -> 2"]),
            ({}, {"a/b": None}, ["a~1b: added null"]),
            ({"a": [1, 2, 3]}, {"a": [1, 3]}, ["a/1: removed 2"]),
            ({"": 1}, {"": 2}, ["/: 1 -> 2"]),
            (1, [1], ["the root: 1 -> [1]"]),
        ],
    )
    def test_a_note(self, old, new, words):
        assert list(of_documents(NOTE, old, new).words) == words

    def test_a_part_has_a_name_of_its_own(self):
        old = {"name": "pea", "steps": {"soak": {"text": "wash"}, "cook": {}, "a b": 1}}
        new = {"name": "pea", "steps": {"soak": {"text": "rinse"}, "eat": {"state": "done"}, "a b": 2}}

        assert of_documents(RECIPE, old, new).words == (
            'recipe.steps "a b": 1 -> 2',
            "recipe.steps cook: removed",
            "recipe.steps eat: added",
            "recipe.steps soak: text wash -> rinse",
        )

    def test_a_part_that_has_a_status_is_told_with_it(self):
        assert told(drop("/trials/7"))[0].startswith("trial 7: removed, RUNNING")


class TestTheBookkeepingOfAnObjectIsLeftOut:
    """Which fields were set, and the number of its schema: these are in the patch, and in no line."""

    @staticmethod
    def words(old: Any, new: Any) -> list[str]:
        return list(of_documents(NOTE, old, new).words)

    def test_of_an_object_that_changed(self) -> None:
        old = {"__type": "C", "__set": [], "budget": 1, "inner": None}
        new = {"__type": "C", "__set": ["budget"], "__schema": 2, "budget": 5, "inner": {"__type": "I", "__set": []}}

        assert self.words(old, new) == ["budget: 1 -> 5", "inner: null -> I()"]

    def test_of_items_of_a_list(self) -> None:
        old = [{"__type": "I", "__set": ["x"], "x": 1}, {"__type": "I", "x": 2}]
        new = [{"__type": "I", "__set": [], "x": 1}, {"__type": "I", "__schema": 2, "x": 3}]

        assert self.words(old, new) == ["1/x: 2 -> 3"]

    def test_unless_nothing_else_differs(self) -> None:
        old = {"__type": "C", "__set": [], "budget": 1}

        assert self.words(old, {**old, "__set": ["budget"]}) == ["fields that were set/0: added budget"]
        assert self.words(old, {**old, "__schema": 2}) == ["schema number: added 2"]

    def test_the_class_of_an_object_is_named_as_one(self) -> None:
        assert self.words({"a": {"__type": "P", "v": 1}}, {"a": {"__type": "Q", "v": 1}}) == ["class of a: P -> Q"]

    def test_a_class_of_ax_is_named_as_docstores_unless_one_took_the_place_of_the_other(self) -> None:
        arm, metric = ({"a": {"__type": tag, "v": 1}} for tag in ("ax.Arm", "ax.Metric"))

        assert self.words(arm, metric) == ["class of a: Arm -> Metric"]
        assert self.words(arm, {"a": 1}) == ["a: Arm(v 1) -> 1"]
        assert self.words({"a": {"__type": "Arm", "v": 1}}, arm) == ["class of a: Arm -> ax.Arm"]

    def test_a_dict_of_the_user_is_shown_as_it_is(self) -> None:
        assert self.words({"__set": 1, "a": 1}, {"__set": 2, "a": 2}) == ["__set: 1 -> 2", "a: 1 -> 2"]


class TestAValueReadsAsAPersonWouldWriteIt:
    @pytest.mark.parametrize(
        ("was", "now", "texts"),
        [
            (1, True, ("1", "true")),
            (1, 1.0, ("1", "1.0")),
            (0.0, -0.0, ("0.0", "-0.0")),
            (0.1, 0.30000000000000004, ("0.1", "0.30000000000000004")),
            (1, "1", ("1", '"1"')),
            (None, "null", ("null", '"null"')),
            (NAN, "nan", ("nan", '"nan"')),
            (tagged("float", value="-0.0"), tagged("float", value="1e+16"), ("-0.0", "1e+16")),
            (tagged("int", value="36893488147419103232"), 2**63 - 1, ("36893488147419103232", "9223372036854775807")),
            (TIME, "2026-13-99 or so", (TIME, '"2026-13-99 or so"')),
            (tagged("datetime", value=TIME, zone="Europe/Paris"), [], (f"{TIME} Europe/Paris", "[]")),
            (tagged("timedelta", days=1, seconds=90, microseconds=0), {}, ("1 day, 0:01:30", "{}")),
            (tagged("tuple", items=[1, "a b"]), tagged("set", items=["a"]), ('(1, "a b")', "{a}")),
            (tagged("dict", items=[[1, "one"]]), {"a": 1}, ("{1: one}", "{a: 1}")),
            (tagged("Color", name="RED"), tagged("tuple", items=3), ("Color(name RED)", "tuple(items 3)")),
            (
                tagged("date", value="2026-01-01"),
                "2026-01-01",
                ('{"__type":"date","value":"2026-01-01"}', '"2026-01-01"'),
            ),
            ("a\nb", "a\u2028b", (r'"a\nb"', r'"a\u2028b"')),
            ([1] * 99, [1] * 98 + [2], (f"… {'1, ' * 19}1]", f"… {'1, ' * 19}2]")),
        ],
        ids=repr,
    )
    def test_as(self, was, now, texts):
        assert read_both(was, now) == texts

    @given(soup(), soup())
    def test_two_values_that_differ_never_read_the_same(self, was, now):
        texts = read_both(was, now)

        assert (texts[0] == texts[1]) == same_json(was, now)


# --- in tables -------------------------------------------------------------------------------------------------------

HOSTILE_TEXT = "<script>alert('x')</script> [red]no[/red] :bomb: & \"q\" \x1b[31m\n\u202e"
ATTACKED = Diff((), (), (), (Line(*[HOSTILE_TEXT] * 4), Line("", "<b>", None, ""), Line("trial 7", "data", None, "")))


class Page(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


class TestShownInANotebook:
    def test_it_is_a_table_of_subject_what_was_and_now(self):
        old = loads(bread())
        diff = of_documents(EXPERIMENT, old, apply(old, [put(RECORDS + "/3/mean", 0.33), drop(RECORDS + "/2/step")]))

        page = Page(diff._repr_html_())

        assert page.texts == [
            *("subject", "what", "was", "now"),
            *("trial 7", "loss at step 2", "1.5"),
            *("loss", "1.5", "mean of accuracy", "0.31", "0.33"),
        ]

    def test_no_text_is_taken_for_html(self):
        page = Page(ATTACKED._repr_html_())

        assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td", "del", "ins"}
        assert page.texts[4:] == [HOSTILE_TEXT] * 4 + ["<b>", "added", "trial 7", "data", "added"]

    def test_it_needs_nothing_from_elsewhere(self):
        page = Page(ATTACKED._repr_html_())

        assert {name for name, _ in page.attributes} == {"style"}
        assert not any("url" in (value or "") for _, value in page.attributes)

    def test_of_very_many_rows_it_shows_some_and_says_so(self):
        diff = of_documents(NOTE, {}, dict.fromkeys(map(str, range(2_000)), 1))

        page = Page(diff._repr_html_())

        assert page.tags.count("tr") == 501
        assert page.texts[-1] == "and 1500 more: describe() has them all"

    def test_of_no_difference_it_says_so(self):
        assert of_documents(NOTE, 1, 1)._repr_html_() == "<p>no difference</p>"


class TestShownByRich:
    @staticmethod
    def shown(diff: Diff, *, colours: bool = False) -> str:
        console = Console(
            width=80,
            file=io.StringIO(),
            force_terminal=colours,
            color_system="standard" if colours else None,
            legacy_windows=False,
        )
        console.print(diff)
        return console.file.getvalue()

    def test_it_is_a_table_of_subject_what_was_and_now(self):
        old = loads(bread())
        diff = of_documents(EXPERIMENT, old, apply(old, [put(RECORDS + "/3/mean", 0.33), put("/status", "RUNNING")]))

        rows = [line.split() for line in self.shown(diff).splitlines()]

        assert rows == [
            ["subject", "what", "was", "now"],
            ["status", "DRAFT", "RUNNING"],
            ["trial", "7", "mean", "of", "accuracy", "0.31", "0.33"],
        ]

    def test_what_was_is_red_and_what_is_now_is_green(self):
        text = self.shown(of_documents(NOTE, {"a": 1}, {"a": 2}), colours=True)

        assert "\x1b[31m1" in text
        assert "\x1b[32m2" in text

    def test_no_text_is_taken_for_markup(self):
        text = self.shown(Diff((), (), (), (Line("[red]a[/red]", ":bomb:", "[/]", "[link=x]b"),)))

        assert text.splitlines()[1].split() == ["[red]a[/red]", ":bomb:", "[/]", "[link=x]b"]

    def test_no_value_breaks_the_table(self):
        long = Diff((), (), (), (Line("trial 7", "a" * 300, "Q" * 300, None), Line("trial 8", "", None, "Z" * 300)))

        text = self.shown(long)

        assert max(map(len, text.splitlines())) <= 80
        assert [text.count(char) for char in "QZ"] == [300, 300]

    def test_of_no_difference_it_says_so(self):
        assert self.shown(of_documents(NOTE, 1, 1)) == "no difference\n"

    @pytest.mark.parametrize("package", ["rich", "deepdiff"])
    def test_a_change_of_an_experiment_needs_no(self, package):
        code = (
            "import sys; from docstore.documents.diff.diff import of_documents; "
            "from docstore.documents.kinds import EXPERIMENT; "
            "diff = of_documents(EXPERIMENT, {'trials': {'7': {'status': 'A'}}}, {'trials': {'7': {'status': 'B'}}}); "
            f"assert str(diff) == 'trial 7: status A -> B', diff; sys.exit({package!r} in sys.modules)"
        )

        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
