"""Two people who set fields of one Pydantic model: it knows afterwards which fields either of them set."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator

import pytest
from memory import in_memory
from pydantic import BaseModel

import docstore
from docstore.errors import ConflictError, OverwriteWarning


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


class Open(BaseModel, extra="allow"):
    name: str


class TestTwoPeopleWhoAddMembersThatAreNoFields:
    def test_both_are_kept(self, store: docstore.Store) -> None:
        docstore.document(kind="open")(Open)
        mine = Open(name="p")
        store.save(mine)
        theirs = store.load("p", kind=Open)
        mine.x, theirs.y = 1, 2  # type: ignore[attr-defined]  # it takes any
        store.save(theirs)

        store.save(mine)

        for each in (mine, store.load("p", kind=Open)):
            assert (each.model_extra, each.model_fields_set) == ({"x": 1, "y": 2}, {"name", "x", "y"})
        assert not store.status(mine)


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


class TestBookkeepingIsNotShown:
    """Which fields were set is stored with a model; a person is told of the fields themselves."""

    @pytest.fixture
    def mine(self, store: docstore.Store, plan: Plan) -> Plan:
        """The plan, of which a field was set; since, another set another field, which is version 2."""
        theirs = loaded(store)
        theirs.rounds = 9
        store.save(theirs)
        plan.rate = 0.5
        return plan

    def test_in_a_version(self, store: docstore.Store, mine: Plan) -> None:
        version = store.history("p", kind=Plan)[0]

        assert [change.path for change in version.changes] == ["/__set/2", "/rounds"]
        assert version.places == ("/rounds",)
        assert "1 change," in repr(version)
        assert "1 change" in str(version)
        assert ">1</td>" in version._repr_html_()

    def test_in_a_version_unless_nothing_else_changed(self, store: docstore.Store, plan: Plan) -> None:
        plan.note = ""

        assert store.save(plan).places == ("/__set/2",)

    def test_in_a_conflict(self, store: docstore.Store, mine: Plan) -> None:
        mine.rounds = 7

        assert [each for each in store.status(mine).words if "conflict" in each] == ["conflict: rounds 9 -> 7"]
        with pytest.raises(ConflictError, match="both changed /rounds") as caught:
            store.save(mine)
        assert [place.pointer for place in caught.value.places] == ["/rounds"]

    def test_in_what_refuses_any_save_since(self, store: docstore.Store, mine: Plan) -> None:
        with pytest.raises(ConflictError) as caught:
            store.save(mine, on_conflict="error")

        assert [place.pointer for place in caught.value.places] == ["/rate", "/rounds"]

    def test_in_the_warning_of_what_was_overwritten(self, store: docstore.Store, mine: Plan) -> None:
        with pytest.warns(OverwriteWarning, match="had at 1 place that") as caught:
            store.save(mine, on_conflict="overwrite")

        assert caught[0].message.places == ("/rounds",)  # type: ignore[union-attr]  # it is the warning
        assert loaded(store).model_fields_set == mine.model_fields_set == {"name", "first", "stages", "rate"}
