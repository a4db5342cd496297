"""Experiments that share parameters with a search space, found in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from types import SimpleNamespace

import pytest
from counting import statements_of

import docstore
from docstore import (
    ChoiceParameter,
    Experiment,
    FixedParameter,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Similar,
    registry,
)
from docstore.errors import InvalidValueError, UnknownCodeError
from docstore.testing.experiments import new_experiment


def space(*names, integer=()):
    """A search space of ranges from 0 to 1, those of *integer* of integers."""
    return SearchSpace(
        [
            RangeParameter(name, ParameterType.INT if name in integer else ParameterType.FLOAT, 0, 1)
            for name in (*names, *integer)
        ]
    )


def saved(store, name, *names, integer=(), **options):
    """Save an experiment of these parameters, and return it."""
    experiment = Experiment(space(*names, integer=integer), name, **options)
    store.save(experiment)
    return experiment


def names_of(found):
    return [each.name for each in found]


class TestTheOrder:
    def test_is_by_overlap_and_then_the_newest_first(self, store):
        for name, parameters in {"one": "a", "old": "ab", "all": "abcd", "new": "cd", "none": "xyz"}.items():
            saved(store, name, *parameters)

        assert names_of(store.similar(space(*"abcd"))) == ["all", "new", "old", "one"]

    def test_counts_a_later_save_as_new(self, store):
        old = saved(store, "old", "a")
        saved(store, "new", "a")
        old.description = "changed"
        store.save(old)

        assert names_of(store.similar(space("a"))) == ["old", "new"]


class TestWhatIsAsked:
    def test_may_be_an_experiment_of_another_library(self, store):
        saved(store, "old", "a", integer="b")
        saved(store, "new", "a")
        parameters = {name: SimpleNamespace(parameter_type=ParameterType.FLOAT) for name in "ab"}
        like = SimpleNamespace(name="new", search_space=SimpleNamespace(parameters=parameters))

        (found,) = store.similar(like)

        assert (found.name, found.parameters) == ("old", ("a",))


class TestWhatIsTold:
    def test_is_the_name_the_shared_parameters_the_overlap_and_the_time(self, store):
        saved(store, "cakes", "z", "b", "a")

        (found,) = store.similar(space("a", "b", "c"))

        updated_at = store.find("experiment", name="cakes")[0].updated_at
        assert found == Similar("cakes", ("a", "b"), 2 / 3, updated_at)
        assert found.updated_at.tzinfo is UTC
        name, parameters, overlap, _ = found
        assert (name, parameters, overlap) == ("cakes", ("a", "b"), 2 / 3)

    def test_leaves_out_parameters_of_another_type(self, store):
        saved(store, "cakes", "a", integer="b")

        (found,) = store.similar(space("a", "b"))

        assert found.parameters == ("a",)

    def test_takes_ranges_choices_and_fixed_ones_of_one_type_for_the_same(self, store):
        kinds = [
            RangeParameter("a", ParameterType.FLOAT, 5.0, 6.0),
            ChoiceParameter("b", ParameterType.FLOAT, [1.0, 2.0]),
            FixedParameter("c", ParameterType.FLOAT, 3.0),
        ]
        store.save(Experiment(SearchSpace(kinds), "cakes"))

        (found,) = store.similar(space("a", "b", "c"))

        assert (found.parameters, found.overlap) == (("a", "b", "c"), 1.0)

    @pytest.mark.parametrize("name", ["'; DROP TABLE documents; --", "a%", "a_", 'quote"', "back\\slash", "ü", "a b"])
    def test_takes_each_name_as_it_is(self, store, name):
        saved(store, "cakes", name)
        saved(store, "other", "ab", "A", "u")

        (found,) = store.similar(space(name, "else"))

        assert (found.name, found.parameters) == ("cakes", (name,))

    def test_does_not_find_names_that_differ_in_case_or_blanks(self, store):
        saved(store, "cakes", "Rate", "rate ", "räte")

        assert store.similar(space("rate")) == []


class TestWhatIsLookedFor:
    @pytest.fixture
    def store(self, store):
        saved(store, "one", "a")
        saved(store, "two", "a", "b")
        saved(store, "three", "a", "b", "c")
        return store

    def test_may_be_an_experiment_which_is_not_found_itself(self, store):
        assert names_of(store.similar(store.load("two"))) == ["three", "one"]

    def test_may_be_an_experiment_that_was_never_saved(self, store):
        assert names_of(store.similar(Experiment(space("a", "b", "c"), "new"))) == ["three", "two", "one"]

    @pytest.mark.parametrize(
        ("overlap", "names"),
        [
            (0, ["three", "two", "one"]),
            (1 / 3, ["three", "two", "one"]),
            (0.34, ["three", "two"]),
            (2 / 3, ["three", "two"]),
            (0.67, ["three"]),
            (1, ["three"]),
            (1.0, ["three"]),
        ],
    )
    def test_shares_as_much_as_is_asked_for(self, store, overlap, names):
        assert names_of(store.similar(space("a", "b", "c"), overlap=overlap)) == names

    def test_are_as_many_as_asked_for(self, store):
        assert names_of(store.similar(space("a", "b", "c"), n=2)) == ["three", "two"]

    def test_are_those_saved_since(self, store):
        moment = store.find("experiment", name="two")[0].updated_at

        assert names_of(store.similar(space("a"), since=moment)) == ["three", "two"]
        assert names_of(store.similar(space("a"), since=moment + timedelta(days=1))) == []

    def test_is_not_deleted_nor_of_another_project(self, store, database, connect):
        store.delete("two")
        saved(connect(database, project="other"), "elsewhere", "a", "b", "c")

        assert names_of(store.similar(space("a"))) == ["three", "one"]


class TestTypes:
    class Kinds(Enum):
        BAKING = 1
        FRYING = 2

    @pytest.fixture
    def store(self, database, connect):
        store = connect(database, experiment_type_enum=self.Kinds)
        saved(store, "cakes", "a", experiment_type="BAKING")
        saved(store, "chips", "a", experiment_type="FRYING")
        saved(store, "water", "a")
        return store

    @pytest.mark.parametrize(
        ("types", "names"),
        [
            (Kinds.BAKING, ["cakes"]),
            ("FRYING", ["chips"]),
            (1, ["cakes"]),
            ([Kinds.BAKING, "FRYING"], ["chips", "cakes"]),
            (None, ["water", "chips", "cakes"]),
        ],
        ids=str,
    )
    def test_are_those_asked_for(self, store, types, names):
        assert names_of(store.similar(space("a"), types=types)) == names

    def test_that_there_are_not_are_told(self, store):
        with pytest.raises(UnknownCodeError, match="BAKING, FRYING"):
            store.similar(space("a"), types="BOILING")


class TestWhatItCosts:
    def test_is_two_statements_however_many_there_are(self, store):
        store.save_many(Experiment(space("a", "b"), f"n{index}") for index in range(3))
        of_three = statements_of(store.engine, store.similar, space("a"))
        store.save_many(Experiment(space("a", "b"), f"m{index}") for index in range(30))

        of_many = statements_of(store.engine, store.similar, space("a"))

        assert len(of_three) == len(of_many) == 2

    def test_is_no_object_of_an_experiment(self, store, database, connect):
        with registry.scope():
            Taste = docstore.register(type("Taste", (docstore.Metric,), {"__module__": __name__}))
            store.save(Experiment(space("a"), "cakes", tracking_metrics=[Taste("taste")]))

        assert names_of(connect(database).similar(space("a"))) == ["cakes"]


class TestBadInput:
    @pytest.mark.parametrize("like", [None, "cakes", 1, [], {}, SearchSpace([])], ids=repr)
    def test_is_no_search_space(self, store, like):
        with pytest.raises(InvalidValueError, match="similar"):
            store.similar(like)

    @pytest.mark.parametrize("overlap", [-0.1, 1.1, float("nan"), True, "1", None])
    def test_is_no_share(self, store, overlap):
        with pytest.raises(InvalidValueError, match="from 0 to 1"):
            store.similar(space("a"), overlap=overlap)

    @pytest.mark.parametrize("n", [0, -1, True, 2.0, "2", None, 10_001])
    def test_is_no_number(self, store, n):
        with pytest.raises(InvalidValueError, match="from 1 to 10,000"):
            store.similar(space("a"), n=n)

    @pytest.mark.parametrize("since", [datetime(2026, 1, 1), "2026-01-01", 1])
    def test_is_a_time_without_a_zone(self, store, since):
        with pytest.raises(InvalidValueError, match="since"):
            store.similar(space("a"), since=since)

    def test_is_a_name_that_no_database_has(self, store):
        saved(store, "cakes", "a")
        store.save(new_experiment("other"))

        assert store.similar(space("\x00")) == []
        assert names_of(store.similar(space("\x00", "a"))) == ["cakes"]
