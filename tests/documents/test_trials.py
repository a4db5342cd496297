"""Trials that two writers made under one number: which get new numbers, and what changes with a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from own_encoders import BUNDLES, PARTED

from docstore.codec.live.adopt import adopt, check_adoptable
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.renumber import renumber
from docstore.codec.mapper import Mapper
from docstore.documents.canonical import ABSENT, JSON, dumps, loads, same_json
from docstore.documents.kinds import EXPERIMENT, HEAD, join
from docstore.documents.merge import trials as renumbering
from docstore.documents.merge.trial_conflicts import arm_conflicts
from docstore.documents.merge.trials import (
    Renumbering,
    TakenNumbers,
    collisions,
    new_arm_names,
    new_numbers,
    renumbered,
)
from docstore.errors import Conflict
from docstore.model import Arm, BatchTrial, Data, Experiment, GeneratorRun
from docstore.registry.bundle import mapper_of
from docstore.testing.experiments import add_trial, new_experiment, observe
from docstore.testing.strategies import json_documents

Pieces = dict[str, JSON]


def pieces_of(experiment: Experiment, documents: Mapper | None = None) -> Pieces:
    return EXPERIMENT.split((documents or mapper_of()).encode(experiment))


def twin_of(experiment: Experiment) -> Experiment:
    """Return the experiment as another person loads it."""
    documents = mapper_of()
    twin: Experiment = documents.decode(documents.encode(experiment))
    return twin


def changed(pieces: Mapping[str, JSON], since: Mapping[str, JSON]) -> Pieces:
    return {path: body for path, body in pieces.items() if path not in since or not same_json(body, since[path])}


def parameters(eighths: int) -> dict[str, Any]:
    return {"x": eighths / 8, "flour": "rye"}


class Writers:
    """An experiment that two people have loaded, what each made of it, and what comes of both.

    The trials of ``base`` have parameters that no other trial in these tests has.
    """

    def __init__(self, base: Experiment) -> None:
        self.base, self.mine, self.theirs = base, twin_of(base), twin_of(base)

    @property
    def sides(self) -> tuple[Pieces, Pieces, Pieces]:
        """The pieces of the base, and what each side changed."""
        base = pieces_of(self.base)
        return base, changed(pieces_of(self.mine), base), changed(pieces_of(self.theirs), base)

    def settled(self) -> tuple[dict[int, int], dict[str, str], Pieces]:
        """Return the new numbers and names, and what mine changed, under them."""
        base, mine, theirs = self.sides
        numbers = new_numbers(base.keys(), mine, theirs)
        names = new_arm_names(base, mine, theirs, numbers)
        return numbers, names, renumbered(mine, numbers, names)

    def together(self) -> Experiment:
        """Return the experiment with what both made; where both changed a piece, mine."""
        base, _, theirs = self.sides
        both: Experiment = mapper_of().decode(join({**base, **theirs, **self.settled()[2]}))
        return both


@pytest.fixture
def writers() -> Writers:
    """Both loaded an experiment of twelve trials, of which the last is 11."""
    return Writers(new_experiment(trials=12))


@pytest.fixture
def twelve(writers) -> Writers:
    """Both then made trial 12, of an arm each, with data."""
    for experiment, eighths in ((writers.mine, 1), (writers.theirs, 2)):
        experiment.new_trial(parameters=parameters(eighths))
        observe(experiment, 12, eighths / 2)
    return writers


class TestWhichTrialsCollide:
    """Both sides came from one version, and each added trials."""

    def test_two_trials_under_one_number_do(self, twelve):
        assert collisions(*twelve.sides) == [12]

    def test_a_trial_that_one_side_added_does_not(self, writers):
        add_trial(writers.mine)

        assert collisions(*writers.sides) == []

    def test_one_trial_that_both_have_does_not(self, writers):
        add_trial(writers.mine)
        writers.theirs = twin_of(writers.mine)
        observe(writers.theirs, 12, 0.5)

        assert collisions(*writers.sides) == []

    def test_a_trial_that_was_there_before_does_not_though_both_changed_it(self, writers):
        for experiment, value in ((writers.mine, 1), (writers.theirs, 2)):
            experiment.trials[11].run_metadata["oven"] = value

        assert collisions(*writers.sides) == []

    def test_data_alone_do_not(self, writers):
        base, _, _ = writers.sides

        assert collisions(base.keys(), {"/data/12": {"records": []}}, {"/trials/12": 1, "/data/12": 2}) == []

    def test_texts_that_equal_in_python_alone_do(self):
        assert collisions(set(), {"/trials/0": {"a": 1}}, {"/trials/0": {"a": True}}) == [0]

    @pytest.mark.parametrize("key", ["012", "-1", "1.0", "x", "\u0663", "9" * 5000, "a~1b"])
    def test_a_key_that_is_no_number_does_not(self, key):
        assert collisions(set(), {f"/trials/{key}": 1}, {f"/trials/{key}": 2}) == []


class TestWhereCollidingTrialsGo:
    """Base has 0 to 11; each side made some of 12, 13, ..."""

    def numbers(self, mine, theirs, **more):
        base = {f"/trials/{number}": None for number in range(12)}
        sides = (
            {f"/trials/{number}": {"index": number, "generator_run": None, "by": by} for number in numbers}
            for by, numbers in (("me", mine), ("them", theirs))
        )
        return new_numbers(base.keys(), *sides, taken=TakenNumbers(**more))

    def test_nowhere_if_none_collides(self):
        assert self.numbers([13], [12]) == {}

    def test_to_the_next_number(self):
        assert self.numbers([12], [12]) == {12: 13}

    def test_above_all_that_the_others_made(self):
        assert self.numbers([12], [12, 13]) == {12: 14}

    def test_together_with_those_made_later_so_that_their_order_stays(self):
        assert self.numbers([12, 13, 14], [12]) == {12: 13, 13: 14, 14: 15}

    def test_those_made_before_the_first_collision_stay(self):
        assert self.numbers([12, 13], [13]) == {13: 14}

    def test_a_later_one_that_is_in_nobodys_way_stays(self):
        assert self.numbers([12, 20], [12]) == {12: 13}

    def test_past_numbers_that_are_stored_elsewhere(self):
        assert self.numbers([12], [12], is_stored={13}.__contains__) == {12: 14}

    def test_past_numbers_that_the_object_holds_and_does_not_save(self):
        assert self.numbers([12], [12], held=[13, 14]) == {12: 15}

    def test_past_numbers_under_which_there_are_data_alone(self):
        base = {f"/trials/{number}" for number in range(12)}
        mine, theirs = ({"/trials/12": {"index": 12, "generator_run": None, "by": by}} for by in "ab")

        assert new_numbers(base, mine, {**theirs, "/data/13": None}) == {12: 14}

    def test_no_number_of_the_base_that_the_others_deleted_is_used_again(self):
        base = {f"/trials/{number}" for number in range(14)} - {"/trials/12"}
        mine, theirs = ({"/trials/12": {"index": 12, "generator_run": None, "by": by}} for by in "ab")

        assert new_numbers(base, mine, theirs) == {12: 14}

    @given(st.sets(st.integers(8, 20)), st.sets(st.integers(8, 20)), st.sets(st.integers(8, 24)))
    def test_order_stays_and_nothing_is_put_over_another(self, mine, theirs, held):
        held -= mine
        numbers = self.numbers(mine, theirs, held=held)

        after = [numbers.get(number, number) for number in sorted(mine - set(range(12)))]
        assert after == sorted(set(after))
        assert not set(after) & (theirs - set(range(12)))
        assert not set(numbers.values()) & {*range(12), *held}


class TestASaveThatWasInterruptedBeforeTheObjectLearnedItsNumbers:
    """What it wrote is stored: trial 12 of mine as 13. The object still calls it 12, and is saved again."""

    @pytest.fixture
    def again(self, twelve):
        add_trial(twelve.mine)
        twelve.theirs = twelve.together()
        return twelve

    def test_the_trials_are_known_and_go_to_where_they_are(self, again):
        assert again.settled()[0] == {12: 13, 13: 14}

    def test_nothing_is_written_twice(self, again):
        _, _, theirs = again.sides
        _, _, mine = again.settled()

        assert [path for path, body in mine.items() if not same_json(body, theirs.get(path, ABSENT))] == []

    def test_but_not_over_another_trial_of_the_object_that_is_not_saved_now(self, again):
        base, mine, theirs = again.sides
        del mine["/trials/13"], mine["/data/13"]

        assert new_numbers(base.keys(), mine, theirs, taken=TakenNumbers(held=[13])) == {12: 15}

    def test_and_one_that_is_stored_is_known_as_one(self):
        twice = {f"/trials/{number}": {"index": number, "generator_run": None} for number in (12, 13)}
        theirs = {"/trials/12": {"index": 12, "generator_run": None, "by": "them"}, "/trials/14": twice["/trials/12"]}

        assert new_numbers(set(), twice, theirs) == {12: 14, 13: 15}


class TestWhatIsNotWrittenAsTheModelWritesIt:
    """It may have its number anywhere, so that the two trials stay in conflict."""

    @pytest.mark.parametrize("name", ["Trial", "Arm", "GeneratorRun", "Data"])
    def test_a_class_with_functions_of_a_users_own(self, twelve, name):
        documents = mapper_of(BUNDLES[name])
        base, *sides = (pieces_of(each, documents) for each in (twelve.base, twelve.mine, twelve.theirs))
        mine, theirs = (changed(side, base) for side in sides)

        assert new_numbers(base.keys(), mine, theirs) == {}

    @pytest.mark.parametrize("trial", [None, 1, [], {}, {"index": 12}, {"index": 12.0, "generator_run": None}])
    def test_a_trial_of_another_shape(self, trial):
        assert new_numbers(set(), {"/trials/12": trial}, {"/trials/12": {"a": 1}}) == {}

    @pytest.mark.parametrize("data", [[], {}, {"records": [1]}, {"records": [{"trial_index": 3, "arm_name": "a"}]}])
    def test_data_of_another_shape(self, data):
        mine = {"/trials/12": {"index": 12, "generator_run": None}, "/data/12": data}

        assert new_numbers(set(), mine, {"/trials/12": {}}) == {}

    @given(json_documents(), json_documents(), json_documents())
    def test_no_shape_is_an_error(self, one, other, third):
        sides = [
            {path: loads(dumps(mapper_of().codec.encode(value))) for path in (HEAD, "/trials/0", "/data/0")}
            for value in (one, other, third)
        ]
        base, mine, theirs = sides

        collisions(set(), mine, theirs)
        assert new_numbers(set(), mine, theirs) == {}
        names = new_arm_names(base, mine, theirs, {0: 1})
        assert dumps(renumbered(mine, {}, names)) == dumps(mine)
        arm_conflicts(base, mine, theirs)


class TestArmsOfAMovedTrial:
    """Trial 12 of mine becomes 13, as theirs has a trial 12 of another arm, ``12_0``."""

    def test_are_named_after_it_again(self, twelve):
        assert twelve.settled()[1] == {"12_0": "13_0"}

    def test_and_so_are_those_of_later_trials_all_at_once(self, twelve):
        twelve.mine.new_trial(parameters=parameters(3))

        assert twelve.settled()[1] == {"12_0": "13_0", "13_0": "14_0"}

    def test_that_others_of_mine_use_have_the_new_name_there_too(self, twelve):
        twelve.mine.new_trial(parameters=parameters(1))
        twelve.mine.new_batch_trial(GeneratorRun([Arm(parameters(3)), Arm(parameters(1))]))

        both = twelve.together()

        assert [arm.name for arm in both.trials[14].arms] == ["13_0"]
        assert [arm.name for arm in both.trials[15].arms] == ["15_0", "13_0"]

    def test_keep_a_name_that_a_user_chose(self, twelve):
        twelve.mine.new_batch_trial(GeneratorRun([Arm(parameters(4), "best"), Arm(parameters(5), "12_best")]))

        assert twelve.settled()[1] == {"12_0": "13_0"}

    def test_keep_the_name_of_a_trial_that_was_there_before(self, writers):
        writers.theirs.new_trial(parameters=parameters(1))
        writers.mine.new_trial().add_arm(writers.mine.trials[3].arm)

        assert writers.settled()[:2] == ({12: 13}, {})

    def test_keep_a_name_that_base_has_for_a_user_chose_it_there(self):
        base = new_experiment(trials=11)
        base.new_trial().add_arm(Arm(parameters(1), "12_0"))
        writers = Writers(base)
        writers.theirs.new_trial(parameters=parameters(2))
        writers.mine.new_trial(parameters=parameters(1))

        assert writers.settled()[:2] == ({12: 13}, {})

    def test_keep_a_name_under_which_theirs_has_the_same_parameters(self, writers):
        for experiment in (writers.mine, writers.theirs):
            experiment.new_trial(parameters=parameters(1))

        assert writers.settled()[:2] == ({12: 13}, {})

    def test_get_the_name_under_which_theirs_has_their_parameters(self, writers):
        writers.mine.new_trial(parameters=parameters(1))
        writers.theirs.new_batch_trial(GeneratorRun([Arm(parameters(2)), Arm(parameters(1), "best")]))

        assert writers.settled()[:2] == ({12: 13}, {"12_0": "best"})

    def test_of_other_types_of_numbers_are_others(self, writers):
        writers.mine.new_trial(parameters={"x": 1.0, "flour": "rye"})
        writers.theirs.new_trial(parameters={"x": 1.0, "flour": "rye"})
        writers.theirs.trials[12].arm._parameters = {"x": 1, "flour": "rye"}

        assert writers.settled()[1] == {"12_0": "13_0"}

    def test_get_the_next_name_if_one_is_taken(self, twelve):
        twelve.theirs.new_batch_trial(GeneratorRun([Arm(parameters(4), "14_0"), Arm(parameters(5), "14_1")]))

        assert twelve.settled()[:2] == ({12: 14}, {"12_0": "14_2"})

    def test_get_the_next_name_if_base_has_one(self):
        base = new_experiment(trials=11)
        base.new_trial().add_arm(Arm(parameters(3), "13_0"))
        writers = Writers(base)
        writers.theirs.new_trial(parameters=parameters(2))
        writers.mine.new_trial(parameters=parameters(1))

        assert writers.settled()[:2] == ({12: 13}, {"12_0": "13_1"})

    def test_get_a_name_each(self, writers):
        writers.mine.new_batch_trial(GeneratorRun([Arm(parameters(1)), Arm(parameters(2))]))
        writers.theirs.new_trial().add_arm(Arm(parameters(3), "13_0"))

        assert writers.settled()[1] == {"12_0": "13_1", "12_1": "13_2"}

    def test_have_their_new_name_wherever_a_trial_and_its_data_name_them(self, writers):
        writers.theirs.new_trial(parameters=parameters(1))
        best = (Arm(parameters(2), "12_0"), ({"taste": 1.0}, None))
        batch = writers.mine.new_batch_trial(GeneratorRun([Arm(parameters(2)), Arm(parameters(3))]))
        batch.generator_runs[0].best_arm_predictions = best
        batch.mark_arm_abandoned("12_1", "burnt")
        observe(writers.mine, 12, 0.5)

        both = writers.together()

        moved = both.trials[13]
        assert isinstance(moved, BatchTrial)
        assert [arm.name for arm in moved.arms] == ["13_0", "13_1"]
        assert moved.generator_runs[0].best_arm_predictions[0].name == "13_0"
        assert moved.abandoned_arm_names == {"13_1"}
        assert both.lookup_data([13]).records[0]["arm_name"] == "13_0"

    def test_have_their_new_name_as_the_status_quo(self, twelve):
        twelve.mine.status_quo = Arm(parameters(1))
        record = {"trial_index": 3, "arm_name": "12_0", "metric_name": "taste", "mean": 0.5}
        twelve.mine.attach_data(Data([record]))

        both = twelve.together()

        assert both.status_quo.name == "13_0"
        assert both.lookup_data([3]).records[-1]["arm_name"] == "13_0"

    def test_leave_the_arms_of_an_auxiliary_experiment_alone(self, twelve):
        other = mapper_of().encode(twelve.mine)

        head = renumbered({HEAD: {"auxiliary_experiments_by_purpose": other}}, {12: 13}, {"12_0": "13_0"})[HEAD]

        assert dumps(head["auxiliary_experiments_by_purpose"]) == dumps(other)

    def test_leave_what_a_user_noted_alone(self, twelve):
        twelve.mine.trials[12].run_metadata.update(index=12, arm="12_0", name="12_0")

        assert twelve.together().trials[13].run_metadata == {"index": 12, "arm": "12_0", "name": "12_0"}


class TestTwoArmsOfOneName:
    """A name that both sides gave to an arm of their own is nothing that a number could tell apart."""

    @pytest.fixture
    def best(self, writers):
        writers.mine.new_trial().add_arm(Arm(parameters(1), "best"))
        writers.theirs.new_trial().add_arm(Arm(parameters(2), "best"))
        return writers

    def clashes(self, writers):
        base, _, theirs = writers.sides
        return arm_conflicts(base, writers.settled()[2], theirs)

    def test_are_told_with_the_place_and_both(self, best):
        mine, theirs = ({"__type": "Arm", "name": "best", "parameters": parameters(eighths)} for eighths in (1, 2))

        assert self.clashes(best) == (Conflict("/trials/13/generator_run/arms/0", ABSENT, mine, theirs),)

    def test_are_told_once(self, best):
        best.mine.new_trial().add_arm(best.mine.trials[12].arm)

        assert [each.pointer for each in self.clashes(best)] == ["/trials/13/generator_run/arms/0"]

    def test_are_one_if_their_parameters_are_the_same(self, writers):
        for experiment in (writers.mine, writers.theirs):
            experiment.new_trial().add_arm(Arm(parameters(1), "best"))

        assert self.clashes(writers) == ()

    def test_may_be_a_status_quo_and_an_arm(self, writers):
        writers.mine.status_quo = Arm(parameters(1), "best")
        writers.theirs.new_trial().add_arm(Arm(parameters(2), "best"))

        assert [each.pointer for each in self.clashes(writers)] == ["/status_quo"]

    def test_are_no_news_if_base_had_them(self):
        base = new_experiment(trials=12)
        base.trials[3].arm._name = base.trials[4].arm._name = "best"
        writers = Writers(base)
        writers.mine.trials[3].run_metadata["oven"] = 1
        writers.theirs.trials[4].run_metadata["oven"] = 2

        assert self.clashes(writers) == ()

    @pytest.mark.parametrize(("old", "new"), [("mine", "theirs"), ("theirs", "mine")])
    def test_are_no_news_if_one_side_alone_brought_an_arm(self, old, new):
        base = new_experiment(trials=12)
        base.trials[3].arm._name = "best"
        writers = Writers(base)
        getattr(writers, old).trials[3].run_metadata["oven"] = 1
        add_trial(getattr(writers, new)).arm._name = "best"

        assert self.clashes(writers) == ()

    def test_in_one_piece_are_left_to_the_merge_of_that_piece(self):
        base = new_experiment(trials=1)
        base.new_batch_trial()
        writers = Writers(base)
        writers.mine.trials[1].add_arm(Arm(parameters(1)))
        writers.theirs.trials[1].add_arm(Arm(parameters(2)))

        assert self.clashes(writers) == ()

    def test_do_not_come_of_names_that_were_given_after_trials(self, twelve):
        assert self.clashes(twelve) == ()


# --- laws ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deed:
    """A trial that somebody makes: of several arms or one, by their parameters; and what becomes of it.

    Attributes:
        name: what its first arm is called, if it is new and the name is free; None to name it after the trial.
    """

    is_batch: bool
    arms: tuple[int, ...]
    name: str | None
    is_observed: bool
    is_abandoned: bool

    def do(self, experiment: Experiment) -> None:
        known = {arm.signature: arm for arm in experiment.arms_by_name.values()}
        first, *others = (Arm(parameters(eighths)) for eighths in self.arms)
        if self.name is not None and first.signature not in known and self.name not in experiment.arms_by_name:
            first.name = self.name
        arms = [known.get(arm.signature, arm) for arm in (first, *others)]
        trial: Any
        if self.is_batch:
            trial = experiment.new_batch_trial(GeneratorRun(arms))
            trial.generator_runs[0].best_arm_predictions = (trial.arms[-1].clone(), None)
        else:
            trial = experiment.new_trial().add_arm(arms[0])
        if self.is_observed:
            observe(experiment, trial.index, 0.5)
        if self.is_abandoned and self.is_batch:
            trial.mark_arm_abandoned(trial.arms[-1].name)


DEEDS = st.lists(
    st.builds(
        Deed,
        is_batch=st.booleans(),
        arms=st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True).map(tuple),
        name=st.none() | st.sampled_from(["best", "2_0", "3_0", "3_1", "4_0"]),
        is_observed=st.booleans(),
        is_abandoned=st.booleans(),
    ),
    max_size=4,
)


@st.composite
def two_writers(draw: st.DrawFn) -> Writers:
    """Draw what two people made of an experiment of two trials. Some of their arms have the same parameters."""
    base = new_experiment(trials=1)
    base.new_batch_trial(GeneratorRun([Arm(parameters(1)), Arm(parameters(2), "2_1")]))
    writers = Writers(base)
    for experiment in (writers.mine, writers.theirs):
        for deed in draw(DEEDS):
            deed.do(experiment)
    if draw(st.booleans()) and writers.mine.num_trials > 2:
        writers.mine.status_quo = writers.mine.trials[2].arms[0].clone()
    return writers


def texts_in(value: JSON) -> set[str]:
    """Return every text in JSON that is no key."""
    if isinstance(value, (dict, list)):
        return set().union(*map(texts_in, value.values() if isinstance(value, dict) else value))
    return {value} if isinstance(value, str) else set()


def numbers_of_trials_in(path: str, body: Any) -> set[int]:
    return {body["index"]} if path.startswith("/trials") else {record["trial_index"] for record in body["records"]}


class TestWhateverTwoWritersMade:
    """Each added trials to one experiment; some use arms of others, or those of the other writer by chance."""

    @given(two_writers())
    def test_the_experiment_of_both_is_consistent(self, writers):
        base, _, theirs = writers.sides
        assume(not arm_conflicts(base, writers.settled()[2], theirs))

        both = writers.together()

        assert [trial.index for trial in both.trials.values()] == list(both.trials)
        for index, data in both._data.items():
            assert data.trial_indices == {index}
            both._check_observed(index, {record["arm_name"] for record in data.records})
        arms = {(arm.name, arm.signature) for trial in both.trials.values() for arm in trial.arms}
        assert len(arms) == len({name for name, _ in arms})

    @given(two_writers())
    def test_every_trial_and_every_observation_of_both_is_there(self, writers):
        both = writers.together()

        made = [each.num_trials - writers.base.num_trials for each in (writers.mine, writers.theirs)]
        assert both.num_trials == writers.base.num_trials + sum(made)
        assert len(both.data) == len(writers.mine.data) + len(writers.theirs.data) - len(writers.base.data)

    @given(two_writers())
    def test_no_old_number_or_name_is_left(self, writers):
        numbers, names, mine = writers.settled()

        old = names.keys() - set(names.values())
        assert [path for path, body in mine.items() if texts_in(body) & old] == []
        trials = [(path, body) for path, body in mine.items() if path != HEAD]
        assert [
            path for path, body in trials if numbers_of_trials_in(path, body) != renumbering.numbers_in([path])
        ] == []
        assert renumbering.numbers_in(mine).isdisjoint(numbers.keys() - set(numbers.values()))

    @given(two_writers())
    def test_the_order_of_mine_stays(self, writers):
        numbers, _, _ = writers.settled()

        created = [(numbers.get(i, i), trial.time_created) for i, trial in writers.mine.trials.items()]
        assert created == sorted(created)

    @given(two_writers())
    def test_what_is_not_concerned_is_the_same_object(self, writers):
        base, mine, theirs = writers.sides
        before = dumps(list(mine.values()))
        numbers = new_numbers(base.keys(), mine, theirs)
        names = new_arm_names(base, mine, theirs, numbers)
        given_ = dict(mine)

        after = renumbered(mine, numbers, names)

        others = {path for path, body in mine.items() if not texts_in(body) & names.keys()} - {
            rule.path(number) for rule in EXPERIMENT.parts for number in numbers
        }
        assert all(after[path] is mine[path] for path in others)
        assert (mine, dumps(list(mine.values()))) == (given_, before)

    @given(two_writers(), st.randoms(use_true_random=False))
    def test_new_numbers_and_back_give_the_same_bytes(self, writers, random):
        pieces = pieces_of(writers.mine)
        old = list(writers.mine.trials)
        numbers = dict(zip(old, random.sample(old, len(old)), strict=True))
        names = new_arm_names({}, pieces, {}, numbers)
        back = [{new: old for old, new in forth.items()} for forth in (numbers, names)]

        there = renumbered(pieces, numbers, names)

        assert dumps(renumbered(there, *back)) == dumps(pieces)


class TestTheObjectInHandLearnsIt:
    """Trial 12 of an experiment in hand became 14, and another's trial 12 came in."""

    @pytest.fixture(params=[None, PARTED], ids=["by fields", "by functions of a user's own"])
    def documents(self, request):
        return mapper_of(request.param)

    @pytest.fixture
    def held(self, twelve):
        """What a user has variables for."""
        return twelve.mine.trials[12], twelve.mine.trials[12].arm, twelve.mine.trials[3]

    @pytest.fixture
    def learned(self, twelve, held, documents):
        add_trial(twelve.theirs)
        self.learn(documents, twelve)
        return twelve.mine

    def learn(self, documents, writers):
        base, mine, theirs = (pieces_of(each, documents) for each in (writers.base, writers.mine, writers.theirs))
        mine, theirs = changed(mine, base), changed(theirs, base)
        numbers = new_numbers(base.keys(), mine, theirs)
        moved = renumbered(mine, numbers, new_arm_names(base, mine, theirs, numbers))
        pieces = {**dict.fromkeys(mine, ABSENT), **theirs, **moved}
        check_adoptable(LiveObject(documents, writers.mine), pieces, merged=False)
        renumber(LiveObject(documents, writers.mine), Renumbering(numbers))
        adopt(LiveObject(documents, writers.mine), pieces)

    def test_it_is_what_both_made(self, learned):
        assert [learned.trials[i].arm.name for i in (12, 13, 14)] == ["12_0", "13_0", "14_0"]
        assert [learned.lookup_data([i]).records[0]["arm_name"] for i in (12, 13, 14)] == ["12_0", "13_0", "14_0"]

    def test_a_trial_that_is_held_has_its_new_number(self, held, learned):
        trial, *_ = held

        assert learned.trials[14] is trial
        assert (trial.index, trial.arm.name, trial.experiment) == (14, "14_0", learned)
        assert trial.lookup_data().records[0]["mean"] == 0.5

    def test_trials_that_did_not_move_are_the_same(self, held, learned):
        assert learned.trials[3] is held[2]

    def test_an_arm_that_is_held_has_its_new_name(self, held, learned):
        trial, arm, _ = held

        assert arm.name == "14_0"
        assert trial.arm is arm

    def test_trials_and_data_stand_in_order(self, learned):
        assert list(learned.trials) == list(learned._data) == list(range(15))

    def test_the_next_trial_is_numbered_and_named_after_all(self, learned):
        assert learned.new_trial(parameters=parameters(5)).arm.name == "15_0"
        assert learned.new_trial(parameters=parameters(1)).arm.name == "14_0"

    def test_several_trials_move_at_once(self, documents, twelve):
        second = add_trial(twelve.mine)
        first = twelve.mine.trials[12]

        self.learn(documents, twelve)

        assert (twelve.mine.trials[13], twelve.mine.trials[14]) == (first, second)
        assert (first.index, second.index) == (13, 14)

    def test_data_do_not_stay_behind(self, documents, twelve):
        del twelve.theirs._data[12]

        self.learn(documents, twelve)

        assert list(twelve.mine._data)[11:] == [11, 13]

    def test_a_trial_that_is_not_saved_now_names_the_arm_anew_too(self, documents, twelve):
        unsaved = twelve.mine.new_trial(parameters=parameters(1))
        base, mine, theirs = (pieces_of(each, documents) for each in (twelve.base, twelve.mine, twelve.theirs))
        mine, theirs = changed(mine, base), changed(theirs, base)
        saved = {path: body for path, body in mine.items() if path != "/trials/13"}
        numbers = new_numbers(base.keys(), saved, theirs, taken=TakenNumbers(held=[13]))
        names = new_arm_names(base, mine, theirs, numbers)

        renumber(LiveObject(documents, twelve.mine), Renumbering(numbers))
        adopt(LiveObject(documents, twelve.mine), {**theirs, **renumbered(mine, numbers, names)})

        assert (numbers, twelve.mine.trials[13]) == ({12: 14}, unsaved)
        assert (unsaved.index, unsaved.arm.name) == (13, "14_0")

    def test_a_check_beforehand_changes_nothing(self, documents, twelve):
        before = dumps(documents.encode(twelve.mine))

        check_adoptable(LiveObject(documents, twelve.mine), pieces_of(twelve.theirs, documents), merged=False)

        assert dumps(documents.encode(twelve.mine)) == before

    def test_without_numbers_nothing_moves(self, documents, twelve):
        trials = twelve.mine._trials

        renumber(LiveObject(documents, twelve.mine), Renumbering())

        assert twelve.mine._trials is trials
