"""A trial, its data and the names of its arms belong together: a save of some looks at the others, too."""

from __future__ import annotations

import pytest

import docstore
from docstore import Arm, ConflictError, GeneratorRun
from docstore.documents.canonical import ABSENT
from docstore.errors import OverwriteWarning
from docstore.testing.experiments import add_trial, new_experiment, observe

pytest_plugins = ["ready"]


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


def parameters(x):
    return {"x": x, "flour": "rye"}


def bake(experiment, x, name=None):
    """Add a trial of one arm at *x*, which is what is measured, too."""
    trial = experiment.new_trial(GeneratorRun([Arm(parameters(x), name)]))
    observe(experiment, trial.index, x)
    return trial


def take_away(experiment, index):
    """Take a trial away, with its data."""
    experiment._trials.pop(index)
    experiment._data.pop(index, None)


def stored(store):
    """The text of what a store has."""
    return docstore.dumps(store.load("cakes"))


def parts(store, name="cakes"):
    """What a store has of trials and data: the numbers of each."""
    document = store.get(name)
    return sorted(document["trials"]), sorted(document["data"])


def means(store, index):
    """The means of a trial as they are stored, each with its arm."""
    records = store.get("cakes", pointer="/data")[str(index)]["records"]
    return {record["arm_name"]: record["mean"] for record in records}


def names(experiment):
    """The names of the arms of each trial."""
    return {index: [arm.name for arm in trial.arms] for index, trial in experiment.trials.items()}


def saves(parted):
    """How a trial is saved: alone, or with all of its experiment."""
    return lambda store, experiment, trial, **options: (
        store.save_trial(experiment, trial, **options) if parted else store.save(experiment, **options)
    )


@pytest.fixture(params=["save_trial", "save"])
def save(request):
    return saves(request.param == "save_trial")


@pytest.fixture
def two_readers(ada, bob):
    """An experiment of two trials, of which the second was not measured, as Ada and as Bob loaded it."""
    experiment = new_experiment(trials=1)
    experiment.new_trial(parameters=parameters(0.125))
    ada.save(experiment)
    return ada.load("cakes"), bob.load("cakes")


class TestATrialThatOthersTookAwayAndIMeasured:
    """Bob took trial 1 away. Ada attaches data to it, and changes nothing else of it."""

    @pytest.fixture(params=["taken away", "another in its place", "another, measured"])
    def measured(self, request, ada, bob, two_readers):
        mine, theirs = two_readers
        take_away(theirs, 1)
        if request.param != "taken away":
            theirs.new_trial(parameters=parameters(0.75))
        if request.param == "another, measured":
            observe(theirs, 1, 0.75, metric="crust")
        bob.save(theirs)
        observe(mine, 1, 0.125)
        return mine

    def test_is_a_conflict_at_the_trial(self, ada, save, measured):
        before = docstore.dumps(measured), stored(ada)

        with pytest.raises(ConflictError) as caught:
            save(ada, measured, measured.trials[1])

        assert [place.pointer for place in caught.value.places] == ["/trials/1"]
        assert (docstore.dumps(measured), stored(ada)) == before

    def test_is_one_too_after_another_save_of_mine(self, ada, save, measured):
        """What she saved meanwhile was another trial: of this one she holds what she loaded."""
        measured.trials[0].run_metadata["oven"] = 1
        ada.save_trial(measured, measured.trials[0])

        with pytest.raises(ConflictError) as caught:
            save(ada, measured, measured.trials[1])

        assert [place.pointer for place in caught.value.places] == ["/trials/1"]

    def test_stands_with_its_data_and_no_others_where_it_overwrites(self, ada, measured):
        with pytest.warns(OverwriteWarning):
            ada.save_trial(measured, measured.trials[1], on_conflict="overwrite")

        assert ada.get("cakes", pointer="/trials/1/generator_run/arms/0/parameters/x") == 0.125
        assert means(ada, 1) == {"1_0": 0.125}
        assert stored(ada) == docstore.dumps(measured)

    def test_is_a_conflict_for_a_function_too(self, ada, save, measured):
        with pytest.raises(ConflictError):
            save(ada, measured, measured.trials[1], on_conflict=lambda place: place.mine)


class TestATrialThatOthersPutInThePlaceOfOneThatIChanged:
    """Bob took trial 1 away and made another trial 1. Ada notes something about the one that she loaded."""

    def test_is_a_conflict_at_the_trial(self, ada, bob, save, two_readers):
        mine, theirs = two_readers
        take_away(theirs, 1)
        theirs.new_trial(parameters=parameters(0.75))
        bob.save(theirs)
        mine.trials[1].run_metadata["note"] = "warm"

        with pytest.raises(ConflictError) as caught:
            save(ada, mine, mine.trials[1])

        assert [place.pointer for place in caught.value.places] == ["/trials/1"]


class TestATrialOfOneNumberThatOverwrites:
    """Bob made and measured a trial 2, Ada another one that she did not measure."""

    @pytest.fixture
    def overwritten(self, ada, bob, two_readers):
        mine, theirs = two_readers
        bake(theirs, 0.75)
        bob.save(theirs)
        trial = mine.new_trial(parameters=parameters(0.5))
        with pytest.warns(OverwriteWarning):
            ada.save_trial(mine, trial, on_conflict="overwrite")
        return mine

    def test_has_no_data_of_theirs(self, ada, overwritten):
        assert parts(ada) == (["0", "1", "2"], ["0"])
        assert ada.get("cakes", pointer="/trials/2/generator_run/arms/0/parameters/x") == 0.5

    def test_is_what_the_object_holds(self, ada, overwritten):
        assert stored(ada) == docstore.dumps(overwritten)

    def test_leaves_theirs_in_the_history(self, ada, overwritten):
        assert ada.get("cakes", pointer="/data/2/records/0/mean", version=2) == 0.75


class TestOneNameForTwoArmsOfDifferentTrials:
    """Bob saved a trial of an arm ``best``. Ada has one too, of other parameters, in a trial of another number."""

    @pytest.fixture
    def clashing(self, bob, two_readers):
        mine, theirs = two_readers
        bake(theirs, 0.75, "best")
        bob.save(theirs)
        bake(mine, 0.25)
        bake(mine, 0.5, "best")
        return mine

    def test_is_a_conflict(self, ada, save, clashing):
        before = docstore.dumps(clashing), stored(ada)

        with pytest.raises(ConflictError, match=r"arm 'best' .* added by both sides with different") as caught:
            save(ada, clashing, clashing.trials[3])

        (place,) = caught.value.places
        assert (place.mine["parameters"]["x"], place.theirs["parameters"]["x"]) == (0.5, 0.75)
        assert (docstore.dumps(clashing), stored(ada)) == before

    def test_is_told_at_the_place_that_the_object_in_hand_has(self, ada, save, clashing):
        with pytest.raises(ConflictError) as caught:
            save(ada, clashing, clashing.trials[3])

        assert [place.pointer for place in caught.value.places] == ["/trials/3/generator_run/arms/0"]
        assert "/trials/3/generator_run/arms/0" in str(caught.value)

    def test_is_a_conflict_too_after_another_save_of_mine(self, ada, save, clashing):
        clashing.trials[0].run_metadata["oven"] = 1
        ada.save_trial(clashing, clashing.trials[0])

        with pytest.raises(ConflictError, match=r"arm 'best' .* was added by both sides with different parameters"):
            save(ada, clashing, clashing.trials[3])

    def test_is_a_conflict_where_theirs_is_the_status_quo(self, ada, bob, save, two_readers):
        mine, theirs = two_readers
        theirs.status_quo = Arm(parameters(0.75), "best")
        bob.save(theirs)
        trial = bake(mine, 0.5, "best")

        with pytest.raises(ConflictError, match=r"arm 'best' .* was added by both sides with different parameters"):
            save(ada, mine, trial)

    def test_is_told_beside_what_both_changed(self, ada, bob, two_readers):
        mine, theirs = two_readers
        for store, experiment, x in ((bob, theirs, 0.75), (ada, mine, 0.5)):
            bake(experiment, x, "best")
            experiment.description = f"at {x}"
            if store is bob:
                store.save(experiment)

        with pytest.raises(ConflictError, match="both changed /description, and arm 'best'") as caught:
            ada.save(mine)

        assert [place.pointer for place in caught.value.places] == ["/description", "/trials/2/generator_run/arms/0"]

    def test_is_none_where_they_have_the_same_parameters(self, ada, bob, save, two_readers):
        mine, theirs = two_readers
        bake(theirs, 0.75, "best")
        bob.save(theirs)
        bake(mine, 0.25)
        trial = bake(mine, 0.75, "best")

        save(ada, mine, trial)

        assert ada.load("cakes").arms_by_name["best"].parameters["x"] == 0.75


class TestAFunctionThatDecidesOnATrial:
    """One took trial 0 away with its data; the other changed the trial, and left its data as they were."""

    @pytest.fixture
    def keeping(self, ada, bob, two_readers):
        """Ada keeps it, Bob took it away."""
        mine, theirs = two_readers
        take_away(theirs, 0)
        bob.save(theirs)
        mine.trials[0].run_metadata["note"] = "warm"
        return mine

    @pytest.fixture
    def removing(self, ada, bob, two_readers):
        """Bob keeps it, Ada took it away."""
        mine, theirs = two_readers
        theirs.trials[0].run_metadata["note"] = "warm"
        bob.save(theirs)
        take_away(mine, 0)
        return mine

    def test_keeps_its_data_with_it_if_mine_stands(self, ada, save, keeping):
        save(ada, keeping, keeping.trials[0], on_conflict=lambda place: place.mine)

        assert parts(ada) == (["0", "1"], ["0"])
        assert stored(ada) == docstore.dumps(keeping)

    def test_takes_its_data_away_with_it_if_theirs_stands(self, ada, save, keeping):
        save(ada, keeping, keeping.trials[0], on_conflict=lambda place: place.theirs)

        assert parts(ada) == (["1"], [])
        assert stored(ada) == docstore.dumps(keeping)

    def test_keeps_the_data_of_theirs_if_that_stands(self, ada, removing):
        ada.save(removing, on_conflict=lambda place: place.theirs)

        assert parts(ada) == (["0", "1"], ["0"])
        assert stored(ada) == docstore.dumps(removing)

    def test_takes_the_data_of_theirs_away_if_mine_stands(self, ada, removing):
        ada.save(removing, on_conflict=lambda place: place.mine)

        assert parts(ada) == (["1"], [])
        assert stored(ada) == docstore.dumps(removing)

    def test_takes_the_data_away_if_it_leaves_neither(self, ada, save, keeping):
        save(ada, keeping, keeping.trials[0], on_conflict=lambda place: ABSENT)

        assert parts(ada) == (["1"], [])
        assert stored(ada) == docstore.dumps(keeping)

    def test_leaves_the_data_alone_that_one_side_took_away_by_themselves(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.trials[0].run_metadata["note"] = "cold"
        bob.save(theirs)
        mine.trials[0].run_metadata["note"] = "warm"
        del mine._data[0]

        ada.save(mine, on_conflict=lambda place: place.mine)

        assert parts(ada) == (["0", "1"], [])

    def test_is_merged_as_branches_are(self, ada, two_readers):
        ada.branch("cakes", "rolls")
        rolls, cakes = ada.load("rolls"), ada.load("cakes")
        take_away(rolls, 0)
        ada.save(rolls)
        cakes.trials[0].run_metadata["note"] = "warm"
        ada.save(cakes)

        ada.merge("rolls", into="cakes", on_conflict=lambda place: place.theirs)

        assert parts(ada) == (["0", "1"], ["0"])


class TestASaveOfATrialWhoseDataOthersChanged:
    """Ada changes trial 0 and saves it; Bob has saved more of its data."""

    def test_brings_the_data_in_hand_up_to_date(self, ada, bob, two_readers):
        mine, theirs = two_readers
        observe(theirs, 0, 0.5, metric="crust")
        bob.save(theirs)
        mine.trials[0].run_metadata["note"] = "warm"

        ada.save_trial(mine, mine.trials[0])

        assert [record["metric_name"] for record in mine.trials[0].lookup_data().records] == ["taste", "crust"]
        assert stored(ada) == docstore.dumps(mine)


class TestATrialWhoseNewNumberAnotherOfTheirsHasNamedAnArmAfter:
    def test_names_its_own_otherwise(self, ada, bob, save, two_readers):
        mine, theirs = two_readers
        theirs.new_batch_trial(GeneratorRun([Arm(parameters(0.75)), Arm(parameters(0.875), "3_0")]))
        bob.save(theirs)
        trial = bake(mine, 0.5)

        save(ada, mine, trial)

        assert (trial.index, trial.arm.name) == (3, "3_1")
        assert means(ada, 3) == {"3_1": 0.5}


class TestASaveOfATrialThatWasInterruptedBeforeTheObjectLearnedItsNumber:
    def test_is_not_saved_twice(self, ada, bob, two_readers, monkeypatch):
        mine, theirs = two_readers
        add_trial(theirs, 0.25)
        bob.save(theirs)
        trial = bake(mine, 0.5)
        with monkeypatch.context() as patch:
            patch.setattr("docstore.store.saving.after_commit.renumber", interrupt)
            with pytest.raises(KeyboardInterrupt):
                ada.save_trial(mine, trial)

        ada.save_trial(mine, trial)

        assert (trial.index, parts(ada)) == (3, (["0", "1", "2", "3"], ["0", "2", "3"]))
        assert len(ada.history("cakes")) == 3


def interrupt(*arguments):
    raise KeyboardInterrupt


class TestBothAddAGeneratorRunToOneBatchTrial:
    """Both new arms are named after the trial: ``0_1``."""

    @pytest.fixture
    def two_batches(self, ada, bob):
        experiment = new_experiment()
        experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.125))]))
        ada.save(experiment)
        return ada.load("cakes"), bob.load("cakes")

    def add(self, experiment, x, name=None):
        """Add a run of one arm at *x*, which is what is measured, too."""
        trial = experiment.trials[0]
        trial.add_generator_run(GeneratorRun([Arm(parameters(x), name)]))
        record = {"trial_index": 0, "arm_name": trial.arms[-1].name, "metric_name": "taste", "mean": x, "sem": 0.25}
        experiment.attach_data(docstore.Data.from_records([record]))
        return trial

    def test_both_are_kept_and_the_later_arm_has_the_next_name(self, ada, bob, save, two_batches):
        mine, theirs = two_batches
        save(bob, theirs, self.add(theirs, 0.75))
        trial = self.add(mine, 0.5)

        save(ada, mine, trial)

        arms = {arm.name: arm.parameters["x"] for arm in ada.load("cakes").trials[0].arms}
        assert arms == {"0_0": 0.125, "0_1": 0.75, "0_2": 0.5}
        assert means(ada, 0) == {"0_1": 0.75, "0_2": 0.5}

    def test_the_object_in_hand_learns_it(self, ada, bob, save, two_batches):
        mine, theirs = two_batches
        save(bob, theirs, self.add(theirs, 0.75))
        trial = self.add(mine, 0.5)

        save(ada, mine, trial)

        assert mine.trials[0] is trial
        assert {arm.name for arm in trial.arms} == {"0_0", "0_1", "0_2"}
        assert mine.arms_by_name["0_2"].parameters["x"] == 0.5
        assert docstore.dumps(mine) == stored(ada)

    def test_all_of_mine_that_clash_have_one_each(self, ada, bob, two_batches):
        mine, theirs = two_batches
        self.add(theirs, 0.75)
        self.add(theirs, 0.875)
        bob.save(theirs)
        for x in (0.25, 0.375, 0.5):
            self.add(mine, x)

        ada.save(mine)

        assert means(ada, 0) == {"0_1": 0.75, "0_2": 0.875, "0_3": 0.5, "0_4": 0.25, "0_5": 0.375}
        assert {arm.name: arm.parameters["x"] for arm in mine.trials[0].arms if arm.name != "0_0"} == means(ada, 0)

    def test_an_arm_of_the_same_parameters_is_the_same_arm(self, ada, bob, two_batches):
        mine, theirs = two_batches
        self.add(theirs, 0.75)
        self.add(theirs, 0.5)
        bob.save(theirs)
        mine.trials[0].add_generator_run(GeneratorRun([Arm(parameters(0.5))]))

        ada.save(mine)

        assert [arm.name for arm in mine.trials[0].arms].count("0_2") == 1
        assert mine.arms_by_name["0_2"].parameters["x"] == 0.5

    def test_a_name_that_a_user_chose_is_a_conflict(self, ada, bob, save, two_batches):
        mine, theirs = two_batches
        save(bob, theirs, self.add(theirs, 0.75, "best"))
        trial = self.add(mine, 0.5, "best")

        with pytest.raises(ConflictError) as caught:
            save(ada, mine, trial)

        assert "/trials/0/generator_runs" in [place.pointer for place in caught.value.places]

    def test_so_it_is_for_branches_and_known_by_the_next_merge(self, ada, two_batches):
        mine, _ = two_batches
        ada.branch("cakes", "rolls")
        rolls = ada.load("rolls")
        self.add(mine, 0.75)
        ada.save(mine)
        self.add(rolls, 0.5)
        ada.save(rolls)

        ada.merge("rolls", into="cakes")
        rolls.trials[0].mark_arm_abandoned("0_1", "burnt")
        ada.save(rolls)
        ada.merge("rolls", into="cakes")

        assert means(ada, 0) == {"0_1": 0.75, "0_2": 0.5}
        assert ada.load("cakes").trials[0].abandoned_arm_names == {"0_2"}


class TestAnArmThatOthersAddedInAnotherTrial:
    """Bob added an arm to the batch; Ada tries the same parameters in a trial of its own, which she names after it."""

    def test_has_one_name_in_both(self, ada, bob, save):
        experiment = new_experiment()
        experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.125))]))
        ada.save(experiment)
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        theirs.trials[0].add_generator_run(GeneratorRun([Arm(parameters(0.5))]))
        bob.save(theirs)
        trial = bake(mine, 0.5)

        save(ada, mine, trial)

        assert (trial.index, trial.arm.name) == (1, "0_1")
        assert means(ada, 1) == {"0_1": 0.5}
        assert [arm.name for arm in ada.load("cakes").trials[0].arms] == ["0_0", "0_1"]


class TestSiblingsThatAreMergedBothWays:
    def test_name_arms_by_the_first_name_that_is_free(self, ada):
        """What a trial is called in the source alone takes no name in the target."""
        ada.save(new_experiment(trials=1))
        for name, x in (("rolls", 0.25), ("buns", 0.5)):
            ada.branch("cakes", name)
            branch = ada.load(name)
            bake(branch, x)
            ada.save(branch)

        ada.merge("rolls", into="buns")
        ada.merge("buns", into="rolls")

        names = {name: [trial.arm.name for trial in ada.load(name).trials.values()] for name in ("rolls", "buns")}
        assert names == {"rolls": ["0_0", "1_0", "2_0"], "buns": ["0_0", "1_0", "2_0"]}


class TestAnArmWithANewNameThatTheObjectUsesElsewhere:
    """Ada saves the trial alone that brought in the arm. What else of hers uses it is not saved yet."""

    @pytest.fixture(params=["trial", "batch"])
    def saved(self, request, ada, bob):
        """Her experiment, and what her arm ``1_0`` or ``0_1`` is called now."""
        experiment = new_experiment()
        experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.125))]))
        ada.save(experiment)
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        for each, x in ((theirs, 0.75), (mine, 0.5)):
            if request.param == "trial":
                bake(each, x)
            else:
                each.trials[0].add_generator_run(GeneratorRun([Arm(parameters(x))]))
        bob.save(theirs)
        trial = mine.trials[1 if request.param == "trial" else 0]
        mine.status_quo = trial.arms[-1]
        again = mine.new_trial()
        again.add_arm(trial.arms[-1])
        observe(mine, again.index, 0.5)
        ada.save_trial(mine, trial)
        return mine, again, {"trial": "3_0", "batch": "0_2"}[request.param]

    def test_has_it_there_too(self, saved):
        mine, again, name = saved

        assert (again.arms[0].name, mine.status_quo.name) == (name, name)
        assert [record["arm_name"] for record in again.lookup_data().records] == [name]

    def test_has_it_there_too_once_all_is_saved(self, ada, saved):
        mine, _, name = saved

        ada.save(mine)

        loaded = ada.load("cakes")
        arms = {(arm.name, arm.parameters["x"]) for trial in loaded.trials.values() for arm in trial.arms}
        assert len(arms) == len({known for known, _ in arms}) == 3
        assert (loaded.status_quo.name, loaded.status_quo.parameters["x"]) == (name, 0.5)
        assert docstore.dumps(mine) == stored(ada)


class TestAnArmWhoseNameIsThatOfAnotherWhichTheObjectGotByASaveOfATrial:
    def test_gets_a_new_one_with_its_trial_though_others_changed_the_trial_of_that_one(self, ada, bob):
        ada.save(new_experiment())
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        bake(theirs, 0.5), bake(theirs, 0.5)
        bob.save(theirs)
        bake(mine, 0.25)
        ada.save_trial(mine, bake(mine, 0.125))
        theirs.trials[1].run_metadata["oven"] = 2
        bob.save(theirs)

        ada.save(mine)

        assert names(bob.load("cakes")) == names(mine) == {0: ["0_0"], 1: ["0_0"], 2: ["2_0"], 3: ["3_0"]}
        assert means(bob, 3) == {"3_0": 0.25}


class TestAnArmWhoseNameTheObjectAlsoHasForAnother:
    """Ada saved one of two trials, whose arm got the name that Bob gave it; her other trial has an arm of that name."""

    @pytest.fixture
    def mine(self, ada, bob):
        ada.save(new_experiment())
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        bake(mine, 0.25)
        bake(theirs, 0.5)
        bob.save(theirs)
        ada.save_trial(mine, bake(mine, 0.5))
        assert names(mine) == {0: ["0_0"], 1: ["0_0"]}
        return mine

    @pytest.fixture(params=["its trial is changed", "its data are changed", "another trial has it too"])
    def apart(self, request, mine):
        """The trial of hers, not saved yet, that has the arm of Bob's."""
        trial = mine.trials[1]
        if request.param == "its trial is changed":
            trial.run_metadata["oven"] = 2
        elif request.param == "its data are changed":
            observe(mine, 1, 0.5, metric="crust")
        else:
            trial = bake(mine, 0.5)
        return trial

    def test_is_not_stored_under_one_name_with_it(self, ada, bob, mine, apart):
        before, had = stored(bob), docstore.dumps(mine)

        with pytest.raises(ConflictError, match="added by both sides with different parameters") as caught:
            ada.save(mine)

        assert [place.pointer for place in caught.value.places] == ["/trials/0/generator_run/arms/0"]
        assert (stored(bob), docstore.dumps(mine)) == (before, had)

    def test_can_be_saved_as_the_error_says(self, ada, mine):
        mine.trials[1].run_metadata["oven"] = 2

        with pytest.raises(ConflictError, match=r"arm '0_0' .* save that trial alone first, by save_trial\(\)"):
            ada.save(mine)

    def test_gets_another_once_the_trial_of_the_other_is_saved_alone(self, ada, mine, apart):
        ada.save_trial(mine, apart)

        ada.save(mine)

        arms = {(arm.name, arm.parameters["x"]) for trial in mine.trials.values() for arm in trial.arms}
        moved = max(mine.trials)
        assert arms == {("0_0", 0.5), (f"{moved}_0", 0.25)}
        assert means(ada, moved) == {f"{moved}_0": 0.25}
        assert docstore.dumps(mine) == stored(ada)


class TestDataThatWouldBeAnotherArms:
    """Both added an arm ``best`` to one batch trial, each at another place, and measured it. A function decides."""

    @pytest.fixture
    def batch(self, ada):
        experiment = new_experiment()
        experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.125))]))
        ada.save(experiment)

    def add(self, mine, theirs):
        for each, x, metric in ((theirs, 0.75, "crust"), (mine, 0.5, "taste")):
            each.trials[0].add_generator_run(GeneratorRun([Arm(parameters(x), "best")]))
            record = {"trial_index": 0, "arm_name": "best", "metric_name": metric, "mean": x, "sem": 0.25}
            each.attach_data(docstore.Data.from_records([record]))
        return mine, theirs

    @pytest.fixture
    def two_batches(self, batch, ada, bob):
        return self.add(ada.load("cakes"), bob.load("cakes"))

    @pytest.fixture(params=["mine", "theirs"])
    def decide(self, request):
        """Takes one side's arms; of the data nobody is asked, as each side has another metric."""
        return lambda place: getattr(place, request.param)

    def test_are_refused_by_a_save_and_named(self, ada, bob, save, two_batches, decide):
        mine, theirs = two_batches
        bob.save(theirs)
        before = docstore.dumps(mine), stored(ada)

        with pytest.raises(ConflictError, match=r'/trials/0: trial 0 would have "(crust|taste)" of an arm') as caught:
            save(ada, mine, mine.trials[0], on_conflict=decide)

        assert [place.pointer for place in caught.value.places] == ["/trials/0"]
        assert (docstore.dumps(mine), stored(ada)) == before

    def test_are_refused_by_a_merge_of_branches(self, ada, batch, decide):
        ada.branch("cakes", "rolls")
        for experiment in self.add(ada.load("rolls"), ada.load("cakes")):
            ada.save(experiment)
        before = stored(ada)

        with pytest.raises(ConflictError, match="the merged document is invalid at /trials/0"):
            ada.merge("rolls", into="cakes", on_conflict=decide)

        assert stored(ada) == before

    def test_may_go_with_their_arm(self, ada, bob, save, two_batches):
        mine, theirs = two_batches
        bob.save(theirs)
        del mine._data[0]

        save(ada, mine, mine.trials[0], on_conflict=lambda place: place.theirs)

        assert means(ada, 0) == {"best": 0.75}
        assert docstore.dumps(mine) == stored(ada)


class TestATrialThatIsTakenAwayByADecision:
    """Bob measured trial 0 anew; Ada took it away with its data. A function decides on the data alone."""

    @pytest.fixture
    def removing(self, ada, bob, two_readers):
        mine, theirs = two_readers
        observe(theirs, 0, 0.5)
        bob.save(theirs)
        take_away(mine, 0)
        return mine

    def test_is_one_conflict(self, ada, removing):
        with pytest.raises(ConflictError) as caught:
            ada.save(removing)

        assert [place.pointer for place in caught.value.places] == ["/data/0"]
        assert [place.pointer for place in ada.status(removing).conflicts] == ["/data/0"]

    def test_goes_with_its_data(self, ada, removing):
        ada.save(removing, on_conflict=lambda place: place.mine)

        assert parts(ada) == (["1"], [])
        assert stored(ada) == docstore.dumps(removing)

    def test_leaves_no_data_behind(self, ada, removing):
        before = docstore.dumps(removing), stored(ada)

        with pytest.raises(ConflictError, match=r'trial 0 would have "taste" of arm .*, which is missing'):
            ada.save(removing, on_conflict=lambda place: place.theirs)

        assert (docstore.dumps(removing), stored(ada)) == before


class TestAnArmThatOthersMadeTheStatusQuo:
    """Bob makes an arm of trial 0 the status quo, while Ada measures it in trial 0."""

    def test_keeps_the_data_of_both(self, ada, bob, save):
        experiment = new_experiment()
        bake(experiment, 0.5)
        ada.save(experiment)
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        theirs.status_quo = theirs.trials[0].arms[0].clone()
        bob.save(theirs)

        record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "crust", "mean": 0.25, "sem": 0.25}
        mine.attach_data(docstore.Data.from_records([record]))
        save(ada, mine, mine.trials[0])

        found = ada.load("cakes")
        assert found.status_quo.name == "0_0"
        assert found.data.metric_names == {"crust", "taste"}
