"""Two people who set fields of one Pydantic model: it knows afterwards which fields either of them set."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

import pytest
from memory import in_memory
from pydantic import BaseModel

import docstore


class Stage(BaseModel):
    rate: float = 0.1
    rounds: int = 3
    note: str = ""


class Plan(BaseModel):
    name: str
    rate: float = 0.1
    rounds: int = 3
    note: str = ""
    first: Stage = Stage()
    stages: dict[str, Stage] = {}


@pytest.fixture
def store(forgotten: None) -> Iterator[docstore.Store]:
    """An empty store in memory; the class of a plan, whose stages are parts."""
    docstore.document(kind="plan", parts=["/stages/*"])(Plan)
    with in_memory() as store:
        yield store


@pytest.fixture
def plan(store: docstore.Store) -> Plan:
    """A plan of two fields that were set, with one stage of which none was; saved."""
    plan = Plan(name="p", first=Stage(), stages={"k": Stage()})
    store.save(plan)
    return plan


def loaded(store: docstore.Store, version: int | None = None) -> Plan:
    return store.load("p", kind=Plan, version=version)


def the_plan(plan: Plan) -> BaseModel:
    return plan


def what_is_in_it(plan: Plan) -> BaseModel:
    return plan.first


def a_part(plan: Plan) -> BaseModel:
    return plan.stages["k"]


Place = Callable[[Plan], BaseModel]


@pytest.mark.parametrize("place", [the_plan, what_is_in_it, a_part])
class TestTwoPeopleWhoSetDifferentFields:
    def test_both_are_set(self, store: docstore.Store, plan: Plan, place: Place) -> None:
        mine, theirs = plan, loaded(store)
        before = set(place(plan).model_fields_set)
        place(mine).rate = 0.5
        place(theirs).rounds = 9
        store.save(theirs)

        store.save(mine)

        for each in (place(mine), place(loaded(store))):
            assert (each.rate, each.rounds, each.note) == (0.5, 9, "")  # type: ignore[attr-defined]  # both have them
            assert each.model_fields_set == {*before, "rate", "rounds"}
        assert not store.status(mine)
        assert place(loaded(store, 1)).model_fields_set == before
        assert place(loaded(store, 2)).model_fields_set == {*before, "rounds"}

    def test_nobody_is_asked(self, store: docstore.Store, plan: Plan, place: Place) -> None:
        mine, theirs = plan, loaded(store)
        before = set(place(plan).model_fields_set)
        place(mine).rate, place(mine).note = 0.5, "mine"
        place(theirs).rounds, place(theirs).note = 9, "theirs"
        store.save(theirs)
        asked = []

        def take_theirs(conflict: docstore.Conflict) -> object:
            asked.append(conflict.pointer.rpartition("/")[2])
            return conflict.theirs

        store.save(mine, on_conflict=take_theirs)

        assert asked == ["note"]
        for each in (place(mine), place(loaded(store))):
            assert each.model_fields_set == {*before, "rate", "rounds", "note"}


class TestCopiesOfOneModel:
    def test_of_which_each_sets_a_field(self, store: docstore.Store, plan: Plan) -> None:
        copies = [plan.model_copy(), plan.model_copy(deep=True), pickle.loads(pickle.dumps(plan))]
        copies[0].rate, copies[1].rounds, copies[2].note = 0.5, 9, "n"

        for each in copies:
            store.save(each)

        assert loaded(store).model_fields_set == {*Plan.model_fields}
        assert copies[2].model_fields_set == {*Plan.model_fields}
        assert not store.status(copies[2])


class TestAFieldOfPartsThatAnotherSet:
    def test_is_set_in_the_object_that_is_saved(self, store: docstore.Store) -> None:
        mine = Plan(name="p")
        store.save(mine)
        theirs = loaded(store)
        theirs.stages = {"k": Stage()}
        store.save(theirs)
        mine.rate = 0.5

        store.save(mine)

        assert mine.model_fields_set == loaded(store).model_fields_set == {"name", "rate", "stages"}
        assert not store.status(mine)
