"""Ax's experiments, strategies and cards in a database: saved, loaded, merged, and updated in place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from ax.core.analysis_card import AnalysisCard, AnalysisCardBase
from ax.core.arm import Arm
from ax.core.auxiliary import AuxiliaryExperimentPurpose
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.utils.testing import core_stubs, modeling_stubs
from ax.utils.testing.core_stubs import CustomTestMetric, CustomTestRunner
from ax_samples import samples
from exactly import differences

import docstore
from docstore import registry
from docstore.ax.analysis import belong_to
from docstore.ax.core import METRIC
from docstore.codec.live.live_object import LiveObject
from docstore.errors import ConflictError

DOCUMENTS = {
    name: made
    for name, make in samples().items()
    if isinstance(made := make(), (Experiment, GenerationStrategy, AnalysisCardBase))
}


@pytest.fixture(scope="module", autouse=True)
def _users_classes():
    """Register the metric and the runner of Ax's tests, which stand for a user's."""
    with registry.scope():
        docstore.register(CustomTestMetric, fields=[*METRIC, "test_attribute"])
        docstore.register(CustomTestRunner, fields=["test_attribute"])
        yield


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_of_ax_comes_back_exactly(store, made):
    if isinstance(made, Experiment) and made._name is None:
        made.name = "unnamed"
    store.save(made)
    [info] = store.find()

    loaded = store.load(info.name, kind=info.kind)

    assert info.model == "ax"
    assert differences(made, loaded) == []
    assert differences(loaded, made) == []
    assert list(store.verify()) == []


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_head_alone_is_what_the_whole_document_has(made):
    mapper = docstore.connect("sqlite://")._context.mapper()
    if isinstance(made, Experiment) and made._name is None:
        made.name = "unnamed"

    assert LiveObject(mapper, made).head() == mapper.document(made).pieces[""]


# --- two writers -----------------------------------------------------------------------------------------------------


def new_experiment() -> Experiment:
    """Return an experiment with two trials that ran, each with data."""
    experiment = Experiment(
        name="branin",
        search_space=core_stubs.get_branin_search_space(),
        optimization_config=core_stubs.get_branin_optimization_config(),
        tracking_metrics=[core_stubs.get_branin_metric(name="branin")],
        runner=core_stubs.get_synthetic_runner(),
    )
    for x in (1.0, 2.0):
        add_trial(experiment, x)
    return experiment


def add_trial(experiment: Experiment, x: float) -> Any:
    """Add a trial that ran, and its data."""
    trial = experiment.new_trial(GeneratorRun([Arm({"x1": x, "x2": 0.5})]))
    trial.run()
    attach(experiment, trial.index, x * 10)
    return trial


def attach(experiment: Experiment, index: int, mean: float, metric: str = "branin") -> None:
    """Attach one row of data."""
    row = {"trial_index": index, "arm_name": experiment.trials[index].arm.name, "metric_name": metric}
    record = {**row, "metric_signature": metric, "mean": mean, "sem": 0.1}
    experiment.attach_data(Data(df=pd.DataFrame([record])))


Pair = tuple[docstore.Store, Experiment, Experiment]


@pytest.fixture
def two_readers(store) -> Callable[[], Pair]:
    """Two people who both loaded version 1: the store, mine and theirs."""

    def load() -> Pair:
        store.save(new_experiment())
        return store, store.load("branin"), store.load("branin")

    return load


def means(experiment: Experiment) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for row in experiment.data._data_rows:
        found.setdefault(row.trial_index, []).append(row.mean)
    return found


class TestTwoPeopleEditOneExperiment:
    """Both loaded version 1. They save, then I."""

    def test_a_trial_that_they_changed_stays_the_same_object(self, two_readers):
        store, mine, theirs = two_readers()
        trial = mine.trials[0]
        theirs.trials[0].mark_completed()
        store.save(theirs)
        mine.description = "mine"

        store.save(mine)

        assert mine.trials[0] is trial
        assert (trial.status, trial.experiment is mine) == (TrialStatus.COMPLETED, True)
        assert mine.trial_indices_by_status[TrialStatus.COMPLETED] == {0}
        assert mine.trial_indices_by_status[TrialStatus.RUNNING] == {1}

    def test_a_trial_that_they_changed_keeps_what_is_not_stored(self, two_readers):
        store, mine, theirs = two_readers()
        mine.trials[0].db_id = 7
        theirs.trials[0].mark_completed()
        store.save(theirs)
        mine.description = "mine"

        store.save(mine)

        assert (mine.trials[0].status, mine.trials[0].db_id) == (TrialStatus.COMPLETED, 7)

    def test_a_trial_that_they_added_is_in_all_of_its_indexes(self, two_readers):
        store, mine, theirs = two_readers()
        add_trial(theirs, 3.0)
        store.save(theirs)
        mine.description = "mine"

        store.save(mine)

        assert mine.trials[2].experiment is mine
        assert mine.arms_by_name["2_0"] is mine.trials[2].arm
        assert mine.arms_by_signature[mine.trials[2].arm.signature] is mine.trials[2].arm
        assert means(mine) == {0: [10.0], 1: [20.0], 2: [30.0]}

    def test_a_trial_of_one_number_that_both_added_is_renumbered(self, two_readers):
        store, mine, theirs = two_readers()
        add_trial(theirs, 3.0)
        store.save(theirs)
        trial = add_trial(mine, 4.0)

        store.save(mine)

        assert mine.trials[3] is trial
        assert (trial.index, trial.arm.name) == (3, "3_0")
        assert means(mine) == {0: [10.0], 1: [20.0], 2: [30.0], 3: [40.0]}
        assert {row.arm_name for row in mine.data._data_rows if row.trial_index == 3} == {"3_0"}
        assert differences(store.load("branin"), mine) == []

    def test_data_that_both_attached_are_both_kept(self, two_readers):
        store, mine, theirs = two_readers()
        attach(theirs, 0, 11.0, metric="other")
        store.save(theirs)
        attach(mine, 1, 21.0, metric="other")

        store.save(mine)

        assert means(mine) == {0: [10.0, 11.0], 1: [20.0, 21.0]}
        assert differences(store.load("branin"), mine) == []

    def test_a_metric_that_they_added_is_there_beside_mine(self, two_readers):
        store, mine, theirs = two_readers()
        kept = mine.metrics["branin"]
        theirs.add_tracking_metric(core_stubs.get_branin_metric(name="theirs"))
        store.save(theirs)
        mine.add_tracking_metric(core_stubs.get_branin_metric(name="mine"))

        store.save(mine)

        assert {"theirs", "mine"} < set(mine.metrics)
        assert mine.metrics["branin"] is kept

    def test_one_place_that_both_changed_is_a_conflict(self, two_readers):
        store, mine, theirs = two_readers()
        theirs.trials[0]._run_metadata["seconds"] = 1
        store.save(theirs)
        mine.trials[0]._run_metadata["seconds"] = 2

        with pytest.raises(ConflictError, match="/trials/0/run_metadata"):
            store.save(mine)


class TestASaveOfOneTrial:
    def test_writes_that_trial_and_its_data(self, store):
        experiment = new_experiment()
        store.save(experiment)
        trial = add_trial(experiment, 3.0)
        experiment.description = "not saved"

        version = store.save_trial(experiment, trial)

        assert {change.path for change in version.changes} == {"/trials/2", "/data/2"}
        assert store.load("branin").description is None


class TestRowsOfSeveralTrials:
    """Ax keeps them in the order in which they came."""

    def test_come_back_in_their_order(self):
        experiment = new_experiment()
        for index, metric in ((1, "b"), (0, "b"), (1, "c"), (0, "c"), (0, "d"), (1, "d")):
            attach(experiment, index, 0.5, metric)

        loaded = docstore.loads(docstore.dumps(experiment))

        rows = [[(row.trial_index, row.metric_name) for row in each.data._data_rows] for each in (experiment, loaded)]
        assert rows[0] == rows[1]
        assert rows[0][2:4] == [(1, "b"), (0, "b")]

    def test_that_are_saved_trial_by_trial_come_back_in_their_order(self, store):
        experiment = new_experiment()
        store.save(experiment)
        for index, metric in ((1, "b"), (0, "b"), (1, "c")):
            attach(experiment, index, 0.5, metric)
            store.save_trial(experiment, experiment.trials[index])

        assert differences(experiment, store.load("branin")) == []


class TestWhatStandsInTwoPlaces:
    def test_the_runner_is_that_of_the_default_trial_type(self):
        loaded = docstore.loads(docstore.dumps(core_stubs.get_multi_type_experiment()))

        assert loaded._trial_type_to_runner[loaded._default_trial_type] is loaded._runner

    def test_an_auxiliary_experiment_that_is_removed_is_still_an_initial_one(self):
        experiment, purpose = new_experiment(), AuxiliaryExperimentPurpose.PE_EXPERIMENT
        kept, removed = core_stubs.get_auxiliary_experiment(), core_stubs.get_auxiliary_experiment()
        experiment._initial_auxiliary_experiments_by_purpose = {purpose: [removed, kept]}
        experiment.auxiliary_experiments_by_purpose = {purpose: [kept]}

        loaded = docstore.loads(docstore.dumps(experiment))

        assert differences(experiment, loaded) == []
        initial = loaded._initial_auxiliary_experiments_by_purpose[purpose]
        assert initial[1] is loaded.auxiliary_experiments_by_purpose[purpose][0]

    def test_an_auxiliary_experiment_is_one_object_in_both_places(self):
        experiment, auxiliary = new_experiment(), core_stubs.get_auxiliary_experiment()
        purpose = AuxiliaryExperimentPurpose.PE_EXPERIMENT
        for each in (experiment._initial_auxiliary_experiments_by_purpose, experiment.auxiliary_experiments_by_purpose):
            each[purpose] = [auxiliary]

        loaded = docstore.loads(docstore.dumps(experiment))

        both = loaded._initial_auxiliary_experiments_by_purpose, loaded.auxiliary_experiments_by_purpose
        assert both[0][purpose][0] is both[1][purpose][0]

    def test_the_arms_in_the_indexes_are_those_of_the_trials(self):
        loaded = docstore.loads(docstore.dumps(core_stubs.get_experiment_with_batch_and_single_trial()))

        arms = [loaded.status_quo, *(arm for trial in loaded.trials.values() for arm in trial.arms)]
        assert {id(arm) for arm in loaded.arms_by_name.values()} <= set(map(id, arms))

    @pytest.mark.parametrize("parts", [None, []], ids=["saved whole", "saved by its head"])
    def test_an_arm_that_no_trial_has_any_more_is_kept_by_its_name(self, store, parts):
        experiment = core_stubs.get_branin_experiment(with_trial=True)
        experiment.name = f"without an arm {parts}"
        store.save(experiment)
        former = experiment.trials[0].arm
        experiment.trials[0]._generator_run = GeneratorRun([Arm({"x1": 0.75, "x2": 0.5}, name="another")])

        store.save(experiment) if parts is None else store.save(experiment, parts=parts)

        loaded = store.load(experiment.name)
        assert loaded.arms_by_name[former.name].parameters == former.parameters


def test_an_expression_is_not_parsed_again(monkeypatch):
    """SymPy takes milliseconds for each."""
    text = docstore.dumps(core_stubs.get_multi_objective_optimization_config())
    monkeypatch.setattr("ax.core.objective.parse_objective_expression", None)
    monkeypatch.setattr("ax.core.outcome_constraint._parse_constraint_expression", None)

    assert docstore.loads(text).objective.metric_names == ["m1", "m3"]


def test_a_copy_is_saved_as_a_document_of_its_own(store):
    experiment = new_experiment()
    store.save(experiment)
    other = copy.deepcopy(experiment)
    other._name = "other"

    store.save(other, as_new=True)

    assert store.load("other").name == "other"
    assert store.load("branin").name == "branin"


class TestAStrategyOfAnExperiment:
    """It is named after its experiment, as all that Ax's client makes have one name."""

    @pytest.fixture
    def strategy(self) -> GenerationStrategy:
        strategy = modeling_stubs.get_generation_strategy(with_experiment=True)
        strategy._experiment._name = "branin"
        strategy._generator_runs = [core_stubs.get_generator_run() for _ in range(2)]
        return strategy

    def test_has_the_name_of_the_experiment(self, store, strategy):
        store.save(strategy)

        assert store.names(kind="generation_strategy") == ["branin"]

    def test_costs_one_row_for_one_more_run(self, store, strategy):
        store.save(strategy)
        strategy._generator_runs.append(core_stubs.get_generator_run2())

        version = store.save(strategy)

        assert [change.path for change in version.changes] == ["/generator_runs/2"]

    def test_stays_its_own_after_a_load(self, store, strategy):
        store.save(strategy)
        loaded = store.load("branin", kind="generation_strategy")
        loaded._generator_runs.append(core_stubs.get_generator_run2())

        store.save(loaded)

        assert len(store.load("branin", kind="generation_strategy")._generator_runs) == 3

    def test_keeps_more_runs_of_another_writer_than_it_has_seen(self, store, strategy):
        store.save(strategy)
        theirs = store.load("branin", kind="generation_strategy")
        theirs._generator_runs += [core_stubs.get_generator_run() for _ in range(3)]
        store.save(theirs)
        mine = [core_stubs.get_generator_run2() for _ in range(2)]
        strategy._generator_runs += mine

        store.save(strategy, parts=mine)  # theirs are not here yet
        store.save(strategy)

        assert strategy._generator_runs[5:] == mine
        assert differences(store.load("branin", kind="generation_strategy"), strategy) == []

    def test_keeps_the_runs_that_two_writers_added(self, store, strategy):
        store.save(strategy)
        theirs = store.load("branin", kind="generation_strategy")
        theirs._generator_runs.append(core_stubs.get_generator_run())
        store.save(theirs)
        mine = core_stubs.get_generator_run2()
        strategy._generator_runs.append(mine)

        store.save(strategy)

        assert len(strategy._generator_runs) == 4
        assert differences(store.load("branin", kind="generation_strategy"), strategy) == []


class TestCardsOfAnExperiment:
    def test_may_have_one_name(self, store):
        store.save(new_experiment())
        cards = [AnalysisCard("Sweep", "", "", pd.DataFrame(), blob) for blob in "ab"]
        for card in cards:
            belong_to(card, "branin")
            store.save(card)

        found = [store.load(name, kind="analysis_card") for name in store.names(kind="analysis_card")]

        assert sorted(card.blob for card in found) == ["a", "b"]
        [experiment] = store.find(kind="experiment")
        assert [info.owner for info in store.find(kind="analysis_card")] == [experiment.id, experiment.id]

    def test_are_saved_again_under_their_names(self, store):
        card = AnalysisCard("Sweep", "", "", pd.DataFrame(), "a")
        belong_to(card, "branin")
        store.save(card)
        [name] = store.names(kind="analysis_card")
        loaded = store.load(name, kind="analysis_card")
        loaded.title = "changed"

        assert store.save(loaded).number == 2
