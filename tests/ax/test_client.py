"""Ax's Client, AxClient and Orchestrator with ``storage=``: what each step saves, and how a new process goes on."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from ax.analysis.summary import Summary
from ax.api.protocols.metric import IMetric
from ax.api.protocols.runner import IRunner
from ax.core.trial_status import TrialStatus
from ax.early_stopping.strategies import PercentileEarlyStoppingStrategy
from ax.exceptions.core import TrialMutationError
from ax.orchestration.orchestrator import OrchestratorOptions
from ax.service.utils.instantiation import ObjectiveProperties
from ax.storage.sqa_store.with_db_settings_base import WithDBSettingsBase
from clients import NAME, SPACE, loss, new_client, points, run, trials_of
from counting import encoded_by, statements_of
from exactly import differences

import docstore
from docstore import registry
from docstore.ax import AxClient, Client, Orchestrator
from docstore.ax.client import SavesSteps
from docstore.ax.core import METRIC
from docstore.errors import (
    ConflictError,
    DocumentExistsError,
    DocumentNotFoundError,
    EncodeError,
    FileFormatError,
    InvalidValueError,
    MissingFileError,
    StoreClosedError,
)


@pytest.fixture
def client(store) -> Client:
    return new_client(store)


def loaded(store: docstore.Store) -> Client:
    """Return the client that another process would have."""
    return Client.load(NAME, storage=store, random_seed=1)


def check_stored(store: docstore.Store, client: Client) -> None:
    """Check that the store has exactly what the client has."""
    other = loaded(store)
    assert differences(client._experiment, other._experiment) == []
    assert differences(client._generation_strategy, other._generation_strategy) == []


def paths(version: docstore.Version) -> set[str]:
    return {change.path for change in version.changes}


class TestEachStepIsSaved:
    def test_what_is_configured_together_is_one_version(self, store, client):
        assert [len(store.history(NAME, kind=kind)) for kind in ("experiment", "generation_strategy")] == [1, 1]
        assert client._experiment.optimization_config is not None
        check_stored(store, client)

    def test_new_trials_are_saved_with_their_runs(self, store, client):
        client.get_next_trials(2)

        assert paths(store.history(NAME)[0]) == {"/trials/0", "/trials/1"}
        assert {"/generator_runs/0", "/generator_runs/1"} < paths(store.history(NAME, kind="generation_strategy")[0])
        check_stored(store, client)

    def test_a_trial_is_completed_with_its_data_at_once(self, store, client):
        [index] = client.get_next_trials(1)

        client.complete_trial(index, {"loss": 1.0, "seconds": 2.0})  # a metric that is new

        version = store.history(NAME)[0]
        assert version.number == 3
        assert {"/data/0", "/trials/0/status", "/tracking_metrics/1"} <= paths(version)
        check_stored(store, client)

    @pytest.mark.parametrize(
        "step",
        [
            lambda client: client.attach_data(0, {"loss": 1.0}, progression=3),
            lambda client: client.attach_trial({"x": 0.5, "y": 0.5}),
            lambda client: client.attach_baseline({"x": 0.5, "y": 0.5}),
            lambda client: client.mark_trial_failed(0),
            lambda client: client.mark_trial_abandoned(0),
            lambda client: client.configure_tracking_metrics(["seconds"]),
            lambda client: client.configure_optimization("-loss", outcome_constraints=["seconds <= 3"]),
            lambda client: client.set_early_stopping_strategy(PercentileEarlyStoppingStrategy(min_curves=3)),
            lambda client: client.configure_generation_strategy(method="random_search", initialization_random_seed=5),
        ],
        ids=range(9),
    )
    def test_so_is_every_other_step(self, store, client, step):
        client.get_next_trials(1)

        step(client)

        check_stored(store, client)

    def test_so_is_what_a_call_did_before_it_raised(self, store, client):
        client.get_next_trials(1)
        client.mark_trial_failed(0)

        with pytest.raises(TrialMutationError):
            client.complete_trial(0, {"loss": 1.0})

        check_stored(store, client)

    def test_nothing_is_saved_of_a_block_that_raises(self, store, client):
        def interrupted() -> None:
            with client.saved_together():
                client.attach_trial({"x": 0.5, "y": 0.5})
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()

        assert trials_of(loaded(store)) == {}

    def test_analysis_cards_are_cards_of_the_experiment(self, store, client):
        client.get_next_trials(1)

        cards = client.compute_analyses([Summary(), Summary()], display=False)

        found = store.find(kind="analysis_card", owner=NAME).load()
        assert [card.name for card in found] == [card.name for card in cards] == ["Summary", "Summary"]

    def test_the_early_stopping_strategy_comes_back(self, store, client):
        client.set_early_stopping_strategy(PercentileEarlyStoppingStrategy(min_curves=3))

        assert loaded(store)._early_stopping_strategy.min_curves == 3

    def test_every_method_of_ax_that_saves_is_overridden(self):
        """A method that a later Ax adds would write to Ax's own database."""
        calls_others = {
            "__init__",
            "_get_default_db_settings",
            "db_settings",
            "_save_or_update_trial_in_db_if_possible",
        }
        names = {name for name, each in vars(WithDBSettingsBase).items() if callable(each) or type(each) is property}

        assert names - calls_others <= vars(SavesSteps).keys()

    def test_data_of_a_new_metric_are_saved_with_one_trial(self, store, client):
        run(client, 2)
        [index] = client.get_next_trials(1)

        encoded = encoded_by(lambda: client.attach_data(index, {"loss": 1.0, "seconds": 2.0}))

        assert encoded == ["", "/data/2", "/trials/2"]
        check_stored(store, client)

    def test_a_step_encodes_and_sends_the_same_however_many_trials_there_are(self, store, client):
        def step() -> None:
            [index] = client.get_next_trials(1)
            client.complete_trial(index, {"loss": 1.0})

        def cost() -> tuple[int, list[str]]:
            encoded: list[str] = []
            sent = statements_of(store.engine, lambda: encoded.extend(encoded_by(step)))
            return len(encoded), sent

        run(client, 5)
        few = cost()
        run(client, 20)

        assert cost() == few


class TestANewProcessGoesOn:
    def test_where_the_other_one_stopped(self, store, client):
        run(client, 3)
        client.get_next_trials(1)

        other = loaded(store)

        assert {index: trial.status for index, trial in trials_of(other).items()} == {
            0: TrialStatus.COMPLETED,
            1: TrialStatus.COMPLETED,
            2: TrialStatus.COMPLETED,
            3: TrialStatus.RUNNING,
        }
        assert other._generation_strategy.experiment is other._experiment

    def test_and_generates_what_the_other_one_would_have(self, store, client, another_store):
        run(client, 3)

        run(loaded(store), 6)

        whole = new_client(another_store)
        run(whole, 6)
        assert points(loaded(store)) == points(whole)

    def test_with_another_strategy_if_it_is_given_one(self, store, client):
        run(client, 2)
        other = loaded(store)

        other.configure_generation_strategy(method="random_search", initialization_random_seed=5)
        run(other, 3)

        check_stored(store, other)
        assert len(other._generation_strategy._generator_runs) == 1


class TestTwoClientsOnOneExperiment:
    @pytest.fixture
    def other(self, store, client) -> Client:
        """A client that knows as much as the first one."""
        run(client, 2)
        return loaded(store)

    def test_the_trials_of_both_are_kept_under_numbers_of_their_own(self, store, client, other):
        first = client.get_next_trials(2)
        second = other.get_next_trials(2)
        third = client.get_next_trials(1)

        assert [*first, *second, *third] == [2, 3, 4, 5, 6]
        assert {**first, **second, **third} == {
            i: each.arm.parameters for i, each in trials_of(client).items() if i > 1
        }
        check_stored(store, client)

    @pytest.fixture
    def _the_first_is_quicker(self, client, other, monkeypatch):
        """Just after the other one looked, and before it generates, the first one adds two trials."""

        def load_if_behind() -> None:
            monkeypatch.undo()
            client.get_next_trials(2)

        monkeypatch.setattr(other, "_load_if_behind", load_if_behind)

    @pytest.mark.usefixtures("_the_first_is_quicker")
    def test_trials_are_generated_anew_if_others_are_added_meanwhile(self, store, client, other):
        found = other.get_next_trials(1)

        assert [*found] == [4]
        other.complete_trial(4, {"loss": loss(found[4])})
        assert len({tuple(point.values()) for point in points(loaded(store))}) == 5
        check_stored(store, other)

    @pytest.mark.usefixtures("_the_first_is_quicker")
    def test_beside_something_that_is_not_saved_they_get_new_numbers(self, store, other):
        other._experiment.description = "mine"

        found = other.get_next_trials(1)

        assert [*found] == [4]
        assert trials_of(loaded(store))[4].arm.parameters == found[4]
        assert trials_of(other)[2].status.is_running
        assert other._experiment.description == "mine"

    def test_a_strategy_that_another_one_chose_meanwhile_is_taken(self, store, monkeypatch):
        first = Client(storage=store)
        first.configure_experiment(SPACE, name="free")
        first.configure_optimization("-loss")
        second = Client.load("free", storage=store)
        monkeypatch.setattr(second, "_load_if_behind", lambda: monkeypatch.undo() or first.get_next_trials(1))

        assert [*second.get_next_trials(1)] == [1]
        assert len(store.load("free", kind="generation_strategy")._generator_runs) == 2

    def test_a_client_goes_on_after_the_experiment_was_renamed(self, store, client):
        run(client, 2)
        store.rename(NAME, "renamed")
        other = Client.load("renamed", storage=store, random_seed=1)
        first = other.get_next_trials(1)

        second = client.get_next_trials(1)

        assert [*first, *second] == [2, 3]
        assert points(Client.load("renamed", storage=store))[2:] == [first[2], second[3]]
        assert first[2] != second[3]

    def test_a_trial_that_both_complete_is_a_conflict(self, client, other):
        client.get_next_trials(1)
        other.get_next_trials(1)
        client.complete_trial(2, {"loss": 1.0})

        with pytest.raises(ConflictError, match=re.escape("/data/2")):
            other.complete_trial(2, {"loss": 2.0})


class TestErrors:
    def test_load_on_an_instance_says_so(self, store, client):
        with pytest.raises(InvalidValueError, match=re.escape("Call it on the class: Client.load(")):
            client.load(NAME, storage=store)

    def test_an_experiment_that_is_not_there(self, store):
        with pytest.raises(DocumentNotFoundError, match="bowl"):
            loaded(store)

    def test_a_name_that_is_taken_and_then_another_one(self, store, client):
        second = Client(storage=store)
        with pytest.raises(DocumentExistsError, match=re.escape("Client.load('bowl', storage=store) goes on with it")):
            second.configure_experiment([], name=NAME)

        second.configure_experiment([], name="free")

        assert store.names() == ["bowl", "free"]

    def test_an_experiment_without_a_name(self, store):
        with pytest.raises(EncodeError, match="needs a name"):
            Client(storage=store).configure_experiment([])

    def test_a_store_that_was_closed(self, store, client):
        store.close()

        with pytest.raises(StoreClosedError):
            client.get_next_trials(1)

    def test_a_url_is_no_store(self):
        with pytest.raises(InvalidValueError, match=re.escape("docstore.connect(url)")):
            Client(storage="sqlite://")

    def test_ax_s_own_load_asks_for_the_store(self, client):
        with pytest.raises(InvalidValueError, match=re.escape("Client.load(experiment_name, storage=store)")):
            Client.load_from_database(NAME)

    def test_an_experiment_of_docstore_s_own(self, store):
        store.save(docstore.Experiment(docstore.SearchSpace([]), NAME))

        with pytest.raises(InvalidValueError, match=re.escape("store.load()")):
            loaded(store)


def test_trials_that_are_running_are_those_without_a_result(client):
    found = client.get_next_trials(2)
    client.complete_trial(0, {"loss": 1.0})

    assert client.running_trials() == {1: found[1]}


def test_a_snapshot_of_ax_is_loaded_and_saved(store, client, another_store, tmp_path):
    run(client, 2)
    client.save_to_json_file(str(tmp_path / "snapshot.json"))
    made = Client.load_from_json_file(str(tmp_path / "snapshot.json"), storage=another_store)

    run(made, 3)

    check_stored(another_store, made)
    with pytest.raises(DocumentExistsError, match=re.escape("Client.load('bowl', storage=store)")):
        Client.load_from_json_file(str(tmp_path / "snapshot.json"), storage=another_store)


def test_a_snapshot_that_is_missing_or_not_of_ax_is_refused(store, tmp_path):
    (tmp_path / "empty.json").write_text("{}")

    with pytest.raises(MissingFileError):
        Client.load_from_json_file(str(tmp_path / "none.json"), storage=store)
    with pytest.raises(FileFormatError):
        Client.load_from_json_file(str(tmp_path / "empty.json"), storage=store)


def test_the_clients_are_imported_when_they_are_first_asked_for():
    program = """
import sys
import docstore.ax
before = "ax.service.ax_client" in sys.modules  # Ax itself imports its Client, and not its AxClient
docstore.ax.Client
print(before, "ax.service.ax_client" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=250)

    assert done.stdout.split() == ["False", "True"], done.stderr


# --- Ax's other two --------------------------------------------------------------------------------------------------


class Bowl(IMetric):
    def fetch(self, trial_index, trial_metadata):
        return 0, (loss(trial_metadata), 0.0)


class Bake(IRunner):
    def run_trial(self, trial_index, parameterization):
        return dict(parameterization)

    def poll_trial(self, trial_index, trial_metadata):
        return TrialStatus.COMPLETED


@pytest.fixture
def _users_classes(monkeypatch):
    monkeypatch.setattr(Orchestrator, "_sleep_if_too_early_to_poll", lambda _: None)  # a second for each trial
    with registry.scope():
        docstore.register(Bowl, fields=[*METRIC])
        docstore.register(Bake, fields=[])
        yield


@pytest.mark.usefixtures("_users_classes")
class TestTrialsThatAnOrchestratorRuns:
    def test_run_trials_saves_each(self, store, client):
        client.configure_metrics([Bowl(name="loss")])
        client.configure_runner(Bake())

        client.run_trials(3, initial_seconds_between_polls=0)

        other = loaded(store)
        assert {trial.status for trial in trials_of(other).values()} == {TrialStatus.COMPLETED}
        assert [row.mean for row in other._experiment.data._data_rows] == [loss(each) for each in points(client)]
        assert len(store.history(NAME)) > 6  # made, started and completed, three times
        check_stored(store, client)

    def test_the_client_goes_on_with_the_same_objects(self, store, client):
        experiment = client._experiment
        client.configure_metrics([Bowl(name="loss")])
        client.configure_runner(Bake())
        client.run_trials(1, initial_seconds_between_polls=0)

        client.get_next_trials(1)

        assert client._experiment is experiment
        check_stored(store, client)

    def test_a_stored_experiment_goes_on(self, store, client):
        client.configure_metrics([Bowl(name="loss")])
        client.configure_runner(Bake())
        options = OrchestratorOptions(init_seconds_between_polls=0)

        made = Orchestrator.from_stored_experiment(NAME, options, storage=store)
        made.run_n_trials(2)

        assert len(trials_of(loaded(store))) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestAxClient:
    @pytest.fixture
    def ax_client(self, store) -> AxClient:
        made = AxClient(storage=store, random_seed=3, verbose_logging=False)
        parameters = [{"name": name, "type": "range", "bounds": [-1.0, 1.0]} for name in "xy"]
        made.create_experiment(parameters, name=NAME, objectives={"loss": ObjectiveProperties(minimize=True)})
        return made

    def test_each_step_is_saved_and_another_process_goes_on(self, store, ax_client):
        parameters, index = ax_client.get_next_trial()
        ax_client.complete_trial(index, {"loss": (loss(parameters), 0.0)})
        _, failed = ax_client.get_next_trial()
        ax_client.log_trial_failure(failed)

        other = AxClient.load(NAME, storage=store, random_seed=3)
        other.get_next_trial()

        assert [each.status.name for each in other.experiment.trials.values()] == ["COMPLETED", "FAILED", "RUNNING"]
        stored = AxClient.load(NAME, storage=store)
        assert differences(other.experiment, stored.experiment) == []
        assert differences(other.generation_strategy, stored.generation_strategy) == []

    def test_the_strategy_is_saved_with_the_new_experiment(self, store, ax_client):
        assert [len(store.history(NAME, kind=kind)) for kind in ("experiment", "generation_strategy")] == [1, 1]
        assert differences(AxClient.load(NAME, storage=store).generation_strategy, ax_client.generation_strategy) == []

    def test_a_trial_that_failed_is_saved_alone(self, store, ax_client):
        for _ in range(2):
            parameters, index = ax_client.get_next_trial()
            ax_client.complete_trial(index, {"loss": (loss(parameters), 0.0)})
        _, failed = ax_client.get_next_trial()

        encoded = encoded_by(lambda: ax_client.log_trial_failure(failed, {"why": "burnt"}))

        assert encoded == ["", "/trials/2"]
        assert differences(AxClient.load(NAME, storage=store).experiment, ax_client.experiment) == []

    def test_a_trial_that_was_abandoned_is_saved(self, store, ax_client):
        _, index = ax_client.get_next_trial()

        ax_client.abandon_trial(index, "the oven is broken")

        assert AxClient.load(NAME, storage=store).experiment.trials[0].status_reason == "the oven is broken"

    def test_what_ax_changes_without_a_save_is_saved(self, store, ax_client):
        ax_client.set_status_quo({"x": 0.5, "y": 0.5})
        ax_client.add_tracking_metrics(["noise", "heat"])
        ax_client.remove_tracking_metric("heat")

        stored = AxClient.load(NAME, storage=store).experiment
        assert "heat" not in stored.metrics
        assert differences(ax_client.experiment, stored) == []

    def test_a_name_that_is_taken_and_then_another_one(self, store, ax_client):
        second = AxClient(storage=store, verbose_logging=False)
        with pytest.raises(DocumentExistsError, match=re.escape("AxClient.load('bowl', storage=store)")):
            second.create_experiment([], name=NAME)

        second.create_experiment([], name="free")

        assert store.names() == ["bowl", "free"]

    def test_a_snapshot_of_ax_is_loaded_and_saved(self, ax_client, another_store, tmp_path):
        ax_client.get_next_trial()
        ax_client.save_to_json_file(str(tmp_path / "snapshot.json"))

        made = AxClient.load_from_json_file(str(tmp_path / "snapshot.json"), storage=another_store)

        stored = AxClient.load(NAME, storage=another_store)
        assert differences(made.experiment, stored.experiment) == []
        assert differences(made.generation_strategy, stored.generation_strategy) == []
        assert len(stored.generation_strategy._generator_runs) == 1

    def test_load_on_an_instance_says_so(self, store, ax_client):
        with pytest.raises(InvalidValueError, match=re.escape("AxClient.load(")):
            ax_client.load(NAME, storage=store)
