"""Concurrent edits of one document: both sides merged, and conflicts decided by a policy or a function."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

import docstore
from docstore import ConflictError
from docstore.documents.canonical import ABSENT
from docstore.errors import DecodeError, InvalidValueError
from docstore.model import ParameterConstraint
from docstore.testing.experiments import add_trial, new_experiment, observe


@pytest.fixture
def two_readers(ada, bob):
    """An experiment of two trials, as Ada and as Bob loaded it."""
    ada.save(new_experiment(trials=2, properties={"list": [1, 2]}))
    return ada.load("cakes"), bob.load("cakes")


def stored(store, **options):
    """The text of what a store has."""
    return docstore.dumps(store.load("cakes", **options))


def means(store):
    """The mean of each trial's first observation, by the number of the trial."""
    experiment = store.load("cakes")
    return {index: trial.lookup_data().records[0]["mean"] for index, trial in experiment.trials.items()}


def bake(experiment, x):
    """Add a trial at *x*, which is what is measured, too."""
    trial = experiment.new_trial(parameters={"x": x, "flour": "rye"})
    observe(experiment, trial.index, x)
    return trial


class TestBothMadeATrialOfOneNumber:
    """Bob saves his trial 2 first; Ada's is another one."""

    @pytest.fixture(params=["save", "save_trial"])
    def saved(self, request, ada, bob, two_readers):
        """Ada's experiment and her trial, and Bob's, all saved."""
        mine, theirs = two_readers
        her_trial, his_trial = bake(mine, 0.5), bake(theirs, 0.25)
        her_trial.run_metadata["by"], his_trial.run_metadata["by"] = "ada", "bob"
        for store, experiment, trial in ((bob, theirs, his_trial), (ada, mine, her_trial)):
            store.save(experiment) if request.param == "save" else store.save_trial(experiment, trial)
        return mine, her_trial, his_trial

    def test_both_are_kept_each_with_its_data(self, bob, saved):
        loaded = bob.load("cakes")

        assert [loaded.trials[index].run_metadata["by"] for index in (2, 3)] == ["bob", "ada"]
        assert [loaded.trials[index].lookup_data().records for index in (2, 3)] == [
            [{"trial_index": 2, "arm_name": "2_0", "metric_name": "taste", "mean": 0.25, "sem": 0.25}],
            [{"trial_index": 3, "arm_name": "3_0", "metric_name": "taste", "mean": 0.5, "sem": 0.25}],
        ]

    def test_the_object_in_hand_learns_it(self, ada, bob, saved):
        mine, her_trial, _ = saved

        assert (her_trial.index, her_trial.arm.name, her_trial.experiment is mine) == (3, "3_0", True)
        assert (mine.trials[3] is her_trial, list(mine.trials)) == (True, [0, 1, 2, 3])
        assert mine.trials[2].run_metadata["by"] == "bob"

    def test_the_object_in_hand_can_be_saved_again(self, ada, bob, saved):
        mine, her_trial, _ = saved
        her_trial.run_metadata["again"] = True

        ada.save(mine)

        assert docstore.dumps(mine) == stored(bob)
        assert ada.load("cakes").trials[3].run_metadata == {"by": "ada", "again": True}

    def test_nothing_is_damaged_and_the_first_stays_as_it_was_saved(self, ada, saved):
        assert ada.verify() == []
        assert ada.get("cakes", pointer="/trials/2/run_metadata/by", version=2) == "bob"
        assert [change.path for change in ada.history("cakes")[0].changes] == ["/data/3", "/trials/3"]

    def test_an_interrupted_save_is_not_saved_twice(self, ada, bob, two_readers, monkeypatch):
        """Ctrl-C after the commit, before the object learned of its trial's number."""
        mine, theirs = two_readers
        add_trial(theirs, 0.25)
        bob.save(theirs)
        add_trial(mine, 0.5)
        with monkeypatch.context() as patch:
            patch.setattr("docstore.store.saving.after_commit.renumber", interrupt)
            with pytest.raises(KeyboardInterrupt):
                ada.save(mine)

        ada.save(mine)

        assert means(bob).keys() == {0, 1, 2, 3}
        assert docstore.dumps(mine) == stored(bob)
        assert len(ada.history("cakes")) == 3

    def test_several_stay_in_the_order_in_which_they_were_made(self, ada, bob, two_readers):
        mine, theirs = two_readers
        for number in range(2):
            add_trial(theirs, number / 8)
        bob.save(theirs)
        for number in range(3):
            add_trial(mine, 0.5 + number / 8)

        ada.save(mine)

        assert list(means(bob).values())[2:] == [0.0, 0.125, 0.5, 0.625, 0.75]

    def test_the_policy_error_refuses_it_and_changes_nothing(self, ada, bob, two_readers):
        mine, theirs = two_readers
        add_trial(theirs)
        bob.save(theirs)
        trial = add_trial(mine)
        before = docstore.dumps(mine)

        with pytest.raises(ConflictError):
            ada.save(mine, on_conflict="error")

        assert (docstore.dumps(mine), trial.index) == (before, 2)

    def test_one_arm_name_for_two_parameterizations_is_a_conflict(self, ada, bob, two_readers):
        for store, experiment, x in zip((bob, ada), reversed(two_readers), (0.25, 0.5), strict=True):
            trial = experiment.new_trial()
            trial.add_arm(docstore.Arm({"x": x, "flour": "rye"}, name="best"))
            if store is bob:
                store.save(experiment)

        with pytest.raises(ConflictError) as caught:
            ada.save(two_readers[0])

        assert [place.pointer for place in caught.value.places] == ["/trials/2/generator_run/arms/0"]
        assert list(two_readers[0].trials) == [0, 1, 2]


def interrupt(*arguments):
    raise KeyboardInterrupt


class TestBothObserveOneTrial:
    def test_two_metrics_are_both_kept(self, ada, bob, two_readers):
        mine, theirs = two_readers
        observe(theirs, 1, 0.5, metric="crust")
        bob.save(theirs)
        observe(mine, 1, 0.25, metric="smell")

        ada.save(mine)

        found = {record["metric_name"]: record["mean"] for record in ada.load("cakes").trials[1].lookup_data().records}
        assert (found.keys(), found["crust"], found["smell"]) == ({"taste", "crust", "smell"}, 0.5, 0.25)

    def test_one_metric_is_a_conflict_that_names_the_observation(self, ada, bob, two_readers):
        mine, theirs = two_readers
        observe(theirs, 1, 0.5)
        bob.save(theirs)
        observe(mine, 1, 0.25)

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        [place] = caught.value.places
        assert (place.pointer, place.mine, place.theirs) == ("/data/1/records/0/mean", 0.25, 0.5)


class TestAFunctionDecides:
    """Both changed the description and the list; Bob saved first."""

    @pytest.fixture
    def both(self, bob, two_readers):
        mine, theirs = two_readers
        theirs.description, theirs.properties["list"] = "gas", [1, 2, 3]
        theirs.trials[0].run_metadata["by"] = "bob"
        bob.save(theirs)
        mine.description, mine.properties["list"] = "wood", [1, 2, 4]
        mine.trials[1].run_metadata["by"] = "ada"
        return mine

    def test_it_is_asked_at_each_place_with_all_three_values(self, ada, both):
        asked = []

        ada.save(both, on_conflict=lambda place: asked.append(place) or place.mine)

        assert [(place.pointer, place.base, place.mine, place.theirs) for place in asked] == [
            ("/description", None, "wood", "gas"),
            ("/properties/list", [1, 2], [1, 2, 4], [1, 2, 3]),
        ]

    @pytest.mark.parametrize(
        ("decide", "description", "items"),
        [
            (lambda place: place.mine, "wood", [1, 2, 4]),
            (lambda place: place.theirs, "gas", [1, 2, 3]),
            (lambda place: place.base, None, [1, 2]),
            (lambda place: [9] if place.pointer == "/properties/list" else "both", "both", [9]),
        ],
        ids=["mine", "theirs", "base", "another"],
    )
    def test_what_it_gives_stands_and_all_else_is_merged(self, ada, bob, both, decide, description, items):
        ada.save(both, on_conflict=decide)

        loaded = bob.load("cakes")
        assert (loaded.description, loaded.properties["list"]) == (description, items)
        assert [trial.run_metadata["by"] for trial in loaded.trials.values()] == ["bob", "ada"]
        assert docstore.dumps(both) == stored(bob)

    def test_absent_leaves_nothing_there(self, ada, both):
        ada.save(both, on_conflict=lambda place: place.mine if place.pointer == "/description" else ABSENT)

        assert ada.load("cakes").properties == {}

    def test_what_it_does_not_decide_is_a_conflict(self, ada, both):
        before = docstore.dumps(both)

        with pytest.raises(ConflictError) as caught:
            ada.save(both, on_conflict=lambda place: "x" if place.pointer == "/description" else NotImplemented)

        assert [place.pointer for place in caught.value.places] == ["/properties/list"]
        assert docstore.dumps(both) == before

    @pytest.mark.parametrize("decided", [{1, 2}, float("nan"), object(), 2**70, "\ud800"])
    def test_what_is_no_json_is_refused_and_nothing_is_changed(self, ada, both, decided):
        before = docstore.dumps(both), stored(ada)

        with pytest.raises(InvalidValueError, match="what on_conflict gave for /description"):
            ada.save(both, on_conflict=lambda place: decided)

        assert (docstore.dumps(both), stored(ada)) == before

    @pytest.mark.parametrize("saved", ["alone", "beside another change"])
    def test_a_list_that_it_changes_in_place_is_what_it_returns(self, ada, bob, two_readers, saved):
        mine, theirs = two_readers
        theirs.properties["list"] = [1, 2, 3]
        bob.save(theirs)
        mine.properties["list"] = [9]
        if saved != "alone":
            mine.properties["more"] = True
        before = [stored(ada, version=number) for number in (1, 2)]

        def union(place):
            place.theirs.extend(place.mine)
            return place.theirs

        version = ada.save(mine, on_conflict=union)

        assert version.number == 3
        assert ada.load("cakes").properties["list"] == mine.properties["list"] == [1, 2, 3, 9]
        assert [stored(ada, version=number) for number in (1, 2)] == before
        assert ada.verify() == []

    def test_what_it_raises_changes_nothing(self, ada, both):
        before = docstore.dumps(both), stored(ada)

        with pytest.raises(ZeroDivisionError):
            ada.save(both, on_conflict=lambda place: 1 / 0)

        assert (docstore.dumps(both), stored(ada)) == before

    def test_it_is_not_asked_where_nobody_disagrees(self, ada, two_readers):
        two_readers[0].description = "wood"

        version = ada.save(two_readers[0], on_conflict=lambda place: 1 / 0)

        assert version.number == 2

    def test_it_decides_of_a_deletion_too(self, ada, bob, two_readers):
        mine, theirs = two_readers
        del theirs._trials[1], theirs._data[1]
        bob.save(theirs)
        mine.trials[1].run_metadata["by"] = "ada"

        ada.save(mine, on_conflict=lambda place: place.theirs)

        assert list(ada.load("cakes").trials) == list(mine.trials) == [0]


class TestOneTakesATrialAwayAndTheOtherMeasuresIt:
    """Its data would stay, of no trial; and the next trial would get them."""

    @pytest.fixture(params=["taken away first", "measured first"])
    def savers(self, request, ada, bob, two_readers):
        """Saves what each made of an experiment with a trial that was not measured yet."""
        mine, _ = two_readers
        mine.new_trial(parameters={"x": 0.5, "flour": "rye"})
        ada.save(mine)
        without, measured = ada.load("cakes"), bob.load("cakes")
        observe(measured, 2, 0.5)
        order = [(ada, without), (bob, measured)]
        return without, order if request.param == "taken away first" else order[::-1]

    def save(self, order):
        for store, experiment in order:
            store.save(experiment)

    def test_is_a_conflict(self, ada, savers):
        without, order = savers
        del without.trials[2]

        with pytest.raises(ConflictError) as caught:
            self.save(order)

        (place,) = caught.value.places
        assert place.pointer == "/trials/2"
        assert (place.base["index"], {place.mine is ABSENT, place.theirs is ABSENT}) == (2, {True, False})
        assert len(ada.history("cakes")) == 3

    def test_is_one_too_where_another_trial_took_its_number(self, ada, savers):
        without, order = savers
        del without.trials[2]
        without.new_trial(parameters={"x": 0.75, "flour": "rye"})

        with pytest.raises(ConflictError) as caught:
            self.save(order)

        assert [place.pointer for place in caught.value.places] == ["/trials/2"]

    def test_is_none_where_the_trial_only_changed(self, ada, savers):
        kept, order = savers
        kept.trials[2].run_metadata["note"] = "warm"

        self.save(order)

        assert ada.load("cakes").trials[2].run_metadata == {"note": "warm"}
        assert means(ada)[2] == 0.5

    def test_is_a_conflict_of_branches_too(self, ada, savers):
        without, _ = savers
        ada.branch("cakes", "rolls")
        rolls = ada.load("rolls")
        del rolls.trials[2]
        ada.save(rolls)
        observe(without, 2, 0.5)
        ada.save(without)

        with pytest.raises(ConflictError) as caught:
            ada.merge("rolls", into="cakes")

        assert [place.pointer for place in caught.value.places] == ["/trials/2"]


class TestDataWithoutATrial:
    """Ada made a trial, saved it with its data, and took the trial away."""

    @pytest.fixture
    def left(self, ada, two_readers):
        mine, theirs = two_readers
        bake(mine, 0.5)
        ada.save(mine)
        del mine.trials[2]
        ada.save(mine)
        return mine, theirs

    def test_are_of_no_trial_that_another_makes_meanwhile(self, bob, left):
        _, theirs = left
        trial = bake(theirs, 0.25)

        bob.save(theirs)

        loaded = bob.load("cakes")
        assert (trial.index, list(loaded.trials)) == (3, [0, 1, 3])
        assert [record["mean"] for record in loaded.trials[3].lookup_data().records] == [0.25]

    def test_are_of_no_trial_that_is_made_next(self, left):
        mine, _ = left

        assert bake(mine, 0.25).index == 3


class TestAMergeThatMakesNoSense:
    def test_of_a_bound_above_the_other_is_a_conflict(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.search_space.parameters["x"].update_range(lower=0.75)
        bob.save(theirs)
        mine.search_space.parameters["x"].update_range(upper=0.5)
        before = docstore.dumps(mine), stored(bob)

        with pytest.raises(ConflictError, match=r"merged document is invalid: upper bound of .*'x'"):
            ada.save(mine)

        assert (docstore.dumps(mine), stored(bob)) == before

    def test_is_told_with_all_places_that_either_changed_in_what_does_not_fit(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.search_space.parameters["x"].update_range(lower=0.75)
        theirs.trials[0].run_metadata["by"] = "bob"
        bob.save(theirs)
        mine.search_space.parameters["x"].update_range(upper=0.5)
        mine.trials[0].run_metadata["oven"] = 1

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        assert [(place.pointer, place.base, place.mine, place.theirs) for place in caught.value.places] == [
            ("/search_space/parameters/0/lower", 0.0, 0.0, 0.75),
            ("/search_space/parameters/0/upper", 1.0, 0.5, 1.0),
        ]

    def test_of_branches_is_told_with_them_too(self, ada, two_readers):
        ada.branch("cakes", "rolls")
        for name, bound in (("cakes", {"lower": 0.75}), ("rolls", {"upper": 0.5})):
            branch = ada.load(name)
            branch.search_space.parameters["x"].update_range(**bound)
            ada.save(branch)

        with pytest.raises(ConflictError) as caught:
            ada.merge("rolls", into="cakes")

        assert [place.pointer for place in caught.value.places] == [
            "/search_space/parameters/0/lower",
            "/search_space/parameters/0/upper",
        ]

    def test_of_a_constraint_on_what_the_other_removed_is_a_conflict(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.search_space._parameters.pop(0)
        bob.save(theirs)
        mine.search_space.add_parameter_constraints([ParameterConstraint("x <= 0.5")])

        with pytest.raises(ConflictError, match="merged document is invalid"):
            ada.save(mine)

    def test_of_a_users_class_that_refuses_it_is_a_conflict(self, ada, bob):
        with docstore.registry.scope():

            @docstore.document(kind="budget")
            @dataclass
            class Budget:
                name: str
                flour: int = 1
                butter: int = 1
                notes: dict[str, str] = field(default_factory=dict)

                def __post_init__(self):
                    if self.flour + self.butter > 10:
                        raise ValueError("too dear")

            ada.save(Budget("b"))
            mine, theirs = ada.load("b", kind="budget"), bob.load("b", kind="budget")
            theirs.flour = 8
            bob.save(theirs)
            mine.butter = 8

            with pytest.raises(ConflictError, match="too dear") as caught:
                ada.save(mine)

            assert isinstance(caught.value.__cause__, DecodeError)
            assert [(place.pointer, place.mine, place.theirs) for place in caught.value.places] == [
                ("/butter", 8, 1),
                ("/flour", 1, 8),
            ]
            assert (mine.flour, mine.butter, bob.get("b", kind="budget", pointer="/butter")) == (1, 8, 1)

    def test_of_what_made_none_before_is_none_the_less(self, ada, bob, two_readers):
        """An experiment stored before bounds were checked can still be worked on by two."""
        mine, _ = two_readers
        mine.search_space.parameters["x"].upper = -1.0
        ada.save(mine)
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        theirs.description = "gas"
        bob.save(theirs)
        mine.properties["a"] = 1

        assert ada.save(mine).number == 4
