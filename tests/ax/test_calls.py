"""Ax's calls in ``docstore.sqa_store`` and ``docstore.json_store``: they have its parameters, and take its objects."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any, Final

import pandas as pd
import pytest
from ax.analysis.markdown.markdown_analysis import MarkdownAnalysisCard
from ax.core.analysis_card import AnalysisCard
from ax.core.arm import Arm
from ax.core.auxiliary import AuxiliaryExperimentPurpose, TransferLearningMetadata
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.experiment_status import ExperimentStatus
from ax.core.generator_run import GeneratorRun
from ax.core.outcome_constraint import OutcomeConstraint
from ax.core.trial_status import TrialStatus
from ax.runners.synthetic import SyntheticRunner
from ax.storage.registry_bundle import RegistryBundle
from ax.storage.sqa_store.encoder import Encoder
from ax.utils.testing import core_stubs, modeling_stubs
from exactly import differences

from docstore.errors import DocumentNotFoundError, EncodeError, InvalidValueError, NameChangedError
from docstore.json_store.load import load_experiment as load_file
from docstore.json_store.save import save_experiment as save_file
from docstore.sqa_store import db, delete, load, save

# --- their parameters ------------------------------------------------------------------------------------------------

CALLS: Final = {
    "json_store.decoder": ("object_from_json",),
    "json_store.encoder": ("object_to_json",),
    "json_store.load": ("load_experiment",),
    "json_store.save": ("save_experiment",),
    "registry_bundle": ("RegistryBundle",),
    "sqa_store.db": ("create_all_tables", "get_engine", "init_engine_and_session_factory", "session_scope"),
    "sqa_store.delete": ("delete_experiment", "delete_generation_strategy"),
    "sqa_store.load": (
        "identify_transferable_experiments",
        "load_analysis_cards_by_experiment_name",
        "load_candidate_source_auxiliary_experiments",
        "load_experiment",
        "load_generation_strategy_by_experiment_name",
        "load_generation_strategy_by_id",
    ),
    "sqa_store.save": (
        "save_analysis_card",
        "save_experiment",
        "save_generation_strategy",
        "save_or_update_data_for_trials",
        "save_or_update_trial",
        "save_or_update_trials",
        "update_experiment_status",
        "update_generation_strategy",
        "update_outcome_constraint_on_experiment",
        "update_properties_on_experiment",
        "update_properties_on_trial",
        "update_runner_on_experiment",
        "update_trial_status",
    ),
    "sqa_store.sqa_config": ("SQAConfig",),
}
"""By module, under ``ax.storage`` as under ``docstore``, the calls that are compared."""

NO_REGISTRY: Final = "Ax's default holds Ax's own classes, which docstore knows by itself"
ADDED: Final = "docstore's own, by keyword only"

DIFFERENCES: Final = {
    ("json_store.decoder", "object_from_json"): dict.fromkeys(
        ("decoder_registry", "class_decoder_registry"), NO_REGISTRY
    ),
    ("json_store.encoder", "object_to_json"): dict.fromkeys(
        ("encoder_registry", "class_encoder_registry"), NO_REGISTRY
    ),
    ("json_store.load", "load_experiment"): {
        **dict.fromkeys(("decoder_registry", "class_decoder_registry"), NO_REGISTRY),
        **dict.fromkeys(("bundle", "unknown"), ADDED),
    },
    ("json_store.save", "save_experiment"): {
        **dict.fromkeys(("encoder_registry", "class_encoder_registry"), NO_REGISTRY),
        **dict.fromkeys(("bundle", "indent"), ADDED),
    },
    ("registry_bundle", "RegistryBundle"): {
        **dict.fromkeys(("metric_clss", "runner_clss"), "a bundle may have no metrics or no runners"),
        **dict.fromkeys(
            (
                "json_encoder_registry",
                "json_class_encoder_registry",
                "json_decoder_registry",
                "json_class_decoder_registry",
            ),
            NO_REGISTRY,
        ),
        "classes": ADDED,
    },
    ("sqa_store.db", "init_engine_and_session_factory"): {
        "kwargs": "Ax passes them to SQLAlchemy; docstore sets the options of its engines itself"
    },
    ("sqa_store.load", "load_experiment"): {"unknown": ADDED},
    ("sqa_store.save", "save_experiment"): dict.fromkeys(
        ("encoder_cls", "decoder_cls"), "docstore has no such classes; Ax's own may be given"
    ),
    ("sqa_store.sqa_config", "SQAConfig"): {
        "generator_run_type_enum": "docstore gives each new type the next free integer",
        "auxiliary_experiment_purpose_enum": "docstore stores purposes by their names",
    },
}
"""What is not as in Ax, by call and parameter, and why."""


def parameters(root: str, module: str, call: str) -> dict[str, tuple[int, Any, Any]]:
    """Return the place, the kind and the default of each parameter."""
    found = inspect.signature(getattr(import_module(f"{root}.{module}"), call)).parameters.values()
    return {each.name: (place, each.kind, shown(each.default)) for place, each in enumerate(found)}


def shown(default: Any) -> Any:
    return "a factory" if repr(default) == "<factory>" else default


@pytest.mark.parametrize(("module", "call"), [(module, call) for module, calls in CALLS.items() for call in calls])
def test_a_call_has_axs_parameters(module, call):
    ours, theirs = parameters("docstore", module, call), parameters("ax.storage", module, call)

    different = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}

    assert different == DIFFERENCES.get((module, call), {}).keys()


@pytest.mark.parametrize(("module", "call"), DIFFERENCES)
def test_what_docstore_adds_is_given_by_keyword(module, call):
    ours, theirs = parameters("docstore", module, call), parameters("ax.storage", module, call)

    assert {ours[name][1] for name in ours.keys() - theirs.keys()} <= {inspect.Parameter.KEYWORD_ONLY}


# --- Ax's objects ----------------------------------------------------------------------------------------------------


@pytest.fixture
def _database_of_the_process(database):
    db.init_engine_and_session_factory(url=database)
    yield
    db._database.engine.dispose()
    db._database = None


@pytest.fixture
def experiment(_database_of_the_process) -> Experiment:
    """An experiment that is saved, with a trial that has data."""
    made = Experiment(
        name="branin",
        search_space=core_stubs.get_branin_search_space(),
        optimization_config=core_stubs.get_branin_optimization_config(),
        tracking_metrics=[core_stubs.get_branin_metric(name="branin")],
        runner=core_stubs.get_synthetic_runner(),
        experiment_type="tuning",
    )
    add_trial(made, 1.0)
    save.save_experiment(made)
    return made


def add_trial(experiment: Experiment, x: float) -> Any:
    trial = experiment.new_trial(GeneratorRun([Arm({"x1": x, "x2": 0.5})]))
    trial.run()
    row = {"trial_index": trial.index, "arm_name": trial.arm.name, "metric_name": "branin"}
    experiment.attach_data(Data(df=pd.DataFrame([{**row, "metric_signature": "branin", "mean": x, "sem": 0.1}])))
    return trial


def is_stored(experiment: Experiment) -> bool:
    return differences(experiment, load.load_experiment("branin")) == []


class TestAnExperiment:
    def test_is_saved_whole(self, experiment):
        add_trial(experiment, 2.0)

        save.save_experiment(experiment)

        assert is_stored(experiment)

    def test_is_saved_to_a_file(self, experiment, tmp_path):
        save_file(experiment, f"{tmp_path}/branin.json")

        assert differences(experiment, load_file(f"{tmp_path}/branin.json")) == []

    def test_is_saved_with_the_classes_of_ax(self, experiment):
        experiment.description = "new"

        save.save_experiment(experiment, encoder_cls=Encoder)

        assert is_stored(experiment)

    def test_is_not_saved_with_an_encoder_of_the_users_own(self, experiment):
        with pytest.raises(InvalidValueError, match="encoder_cls"):
            save.save_experiment(experiment, encoder_cls=type("Mine", (Encoder,), {}))

    @pytest.mark.parametrize("coder", [None, RegistryBundle({}, {}).encoder], ids=["none", "of a bundle"])
    def test_gets_a_runner(self, experiment, coder):
        save.update_runner_on_experiment(experiment, SyntheticRunner("new"), coder, coder)

        assert experiment.runner.dummy_metadata == "new"
        assert is_stored(experiment)

    @pytest.mark.usefixtures("_database_of_the_process")
    def test_keeps_its_runner_if_that_of_a_trial_type_is_updated(self):
        experiment = core_stubs.get_multi_type_experiment()
        experiment.name = "branin"
        save.save_experiment(experiment)
        own, other = experiment.runner, experiment._trial_type_to_runner["type2"]
        other.dummy_metadata = "new"

        save.update_runner_on_experiment(experiment, other, None, None)

        assert experiment.runner is own
        assert is_stored(experiment)

    def test_gets_an_outcome_constraint(self, experiment):
        constraint = OutcomeConstraint("cost <= 1.0", metric_name_to_signature={"cost": "cost"})
        with pytest.raises(InvalidValueError, match="optimization_config first"):
            save.update_outcome_constraint_on_experiment(experiment, constraint, None, None)
        experiment.add_tracking_metric(core_stubs.get_branin_metric(name="cost"))
        experiment.optimization_config.outcome_constraints = [constraint]

        save.update_outcome_constraint_on_experiment(experiment, constraint, None, None)

        assert is_stored(experiment)

    def test_gets_properties_and_a_status(self, experiment):
        experiment._properties["team"] = "vision"
        save.update_properties_on_experiment(experiment)
        experiment.status = ExperimentStatus.OPTIMIZATION
        version = save.update_experiment_status(experiment)

        assert version.number == 3
        assert is_stored(experiment)

    def test_is_loaded_whole_whatever_is_left_out(self, experiment):
        loaded = load.load_experiment("branin", None, True, 1, True, False)

        assert differences(experiment, loaded) == []

    def test_is_deleted(self, experiment):
        delete.delete_experiment("branin")

        with pytest.raises(DocumentNotFoundError):
            load.load_experiment("branin")


class TestTrials:
    @pytest.mark.parametrize(
        "call",
        [
            lambda experiment, trial: save.save_or_update_trial(experiment, trial),
            lambda experiment, trial: save.save_or_update_trials(experiment, [trial], None, 1, True),
            lambda experiment, trial: save.save_or_update_data_for_trials(experiment, [trial], None, None),
        ],
        ids=["one", "several", "their data"],
    )
    def test_are_saved_with_their_data(self, experiment, call):
        call(experiment, add_trial(experiment, 2.0))

        assert is_stored(experiment)

    def test_get_properties_and_a_status(self, experiment):
        trial = experiment.trials[0]
        trial._properties["oven"] = 3
        save.update_properties_on_trial(trial)
        trial.mark_completed()
        save.update_trial_status(trial)

        assert load.load_experiment("branin").trials[0].status is TrialStatus.COMPLETED
        assert is_stored(experiment)


class TestAGenerationStrategy:
    @pytest.fixture
    def strategy(self, experiment) -> Any:
        made = modeling_stubs.get_generation_strategy()
        made.experiment = experiment
        return made

    def test_is_found_by_the_integer_that_its_save_returned(self, strategy, experiment):
        number = save.save_generation_strategy(strategy)

        found = load.load_generation_strategy_by_id(number, experiment=experiment)

        assert type(number) is int
        assert differences(strategy, found) == []
        with pytest.raises(DocumentNotFoundError, match="no generation_strategy has the number"):
            load.load_generation_strategy_by_id(number + 1)

    def test_has_its_experiment_when_it_is_loaded(self, strategy, experiment):
        number = save.save_generation_strategy(strategy)

        found = load.load_generation_strategy_by_experiment_name("branin")

        assert differences(experiment, found.experiment) == []
        assert save.save_generation_strategy(found) == number

    def test_gets_generator_runs(self, strategy, experiment):
        save.save_generation_strategy(strategy)
        run = core_stubs.get_generator_run()
        strategy._generator_runs.append(run)

        save.update_generation_strategy(strategy, [run])

        found = load.load_generation_strategy_by_experiment_name("branin", experiment=experiment)
        assert differences(strategy, found) == []

    def test_that_is_saved_before_it_has_an_experiment_is_named_after_it_later(self, experiment):
        strategy = modeling_stubs.get_generation_strategy()
        number = save.save_generation_strategy(strategy)
        strategy.experiment = experiment

        assert save.save_generation_strategy(strategy) == number
        assert differences(strategy, load.load_generation_strategy_by_id(number, experiment=experiment)) == []

    def test_that_was_renamed_and_then_not_saved_is_whole(self, experiment):
        """The name is changed by a transaction of its own, before the save."""
        strategy = modeling_stubs.get_generation_strategy()
        number = save.save_generation_strategy(strategy)
        strategy.experiment = experiment
        run = core_stubs.get_generator_run()
        run._gen_metadata = {"unheard": object()}
        strategy._generator_runs.append(run)
        with pytest.raises(EncodeError):
            save.save_generation_strategy(strategy)

        found = load.load_generation_strategy_by_experiment_name("branin")
        run._gen_metadata = {}

        assert found._generator_runs == []
        assert save.save_generation_strategy(strategy) == number
        assert differences(strategy, load.load_generation_strategy_by_id(number, experiment=experiment)) == []

    def test_does_not_take_the_document_of_another_that_has_its_former_name_by_now(self, experiment):
        mine, another = modeling_stubs.get_generation_strategy(), modeling_stubs.get_generation_strategy()
        number = save.save_generation_strategy(mine)
        db.store_of().rename(mine._name, "moved", kind="generation_strategy")
        other_number = save.save_generation_strategy(another)
        mine.experiment = experiment

        with pytest.raises(NameChangedError):
            save.save_generation_strategy(mine)

        assert number != other_number
        assert load.load_generation_strategy_by_id(other_number)._experiment is None

    def test_is_deleted_by_the_name_of_its_experiment(self, strategy):
        save.save_generation_strategy(strategy)

        delete.delete_generation_strategy("branin")

        with pytest.raises(DocumentNotFoundError):
            load.load_generation_strategy_by_experiment_name("branin")


class TestAnalysisCards:
    def test_of_one_name_are_all_loaded_by_the_experiments_name(self, experiment):
        heading = {"name": "effects", "subtitle": "", "df": pd.DataFrame({"a": [1]}), "blob": "text"}
        cards = [AnalysisCard(title="first", **heading), MarkdownAnalysisCard(title="second", **heading)]
        for card in (*cards, cards[0]):
            save.save_analysis_card(card, experiment)

        found = load.load_analysis_cards_by_experiment_name("branin")

        assert [(type(card), card.title) for card in found] == [(type(card), card.title) for card in cards]

    def test_of_an_experiment_that_was_never_saved_are_refused(self, experiment):
        other = core_stubs.get_branin_experiment()
        other.name = "other"
        card = AnalysisCard(name="effects", title="", subtitle="", df=pd.DataFrame(), blob="")

        with pytest.raises(DocumentNotFoundError, match="before its analysis cards"):
            save.save_analysis_card(card, other)


class TestExperimentsToLearnFrom:
    def test_are_those_with_data_that_share_parameters(self, experiment):
        space = core_stubs.get_branin_search_space()

        found = load.identify_transferable_experiments(space, ["tuning"], overlap_threshold=1.0)

        assert found == {"branin": TransferLearningMetadata(overlap_parameters=["x1", "x2"])}
        assert load.identify_transferable_experiments(space, ["other"]) == {}
        assert load.identify_transferable_experiments(space, ["tuning"], experiment_name="branin") == {}

    def test_are_candidates_for_an_experiment_of_one_type(self, experiment):
        target = core_stubs.get_branin_experiment()
        target.name, purpose = "new", AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT
        with pytest.raises(InvalidValueError, match="experiment_type"):
            load.load_candidate_source_auxiliary_experiments(target, purpose)
        target.experiment_type = "tuning"

        found = load.load_candidate_source_auxiliary_experiments(target, purpose)

        assert found == {"branin": TransferLearningMetadata(overlap_parameters=["x1", "x2"])}
        with pytest.raises(InvalidValueError, match="TRANSFERABLE_EXPERIMENT"):
            load.load_candidate_source_auxiliary_experiments(target, AuxiliaryExperimentPurpose.PE_EXPERIMENT)
