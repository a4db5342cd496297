"""The documentation that docstore keeps: each snippet, nearly to the letter, and what the text around it promises.

Changed are the import root, and what the snippets cannot do without: imports, a missing comma, quotes around a URL, a
name and a search space where they write ``Experiment(...)``, and ``DEFAULT = 0`` for ``DEFAULT: 0``.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
import sqlalchemy as sa

import docstore
from docstore import (
    Arm,
    ComparisonOp,
    Data,
    Experiment,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    Metric,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterType,
    RangeParameter,
    Runner,
    SearchSpace,
)
from docstore.errors import (
    DocstoreError,
    DocumentNotFoundError,
    InvalidValueError,
    RegistryError,
    StoreError,
    UnknownTagError,
)
from docstore.registry.bundle import RegistryBundle
from docstore.sqa_store import db
from docstore.sqa_store.db import create_all_tables, get_engine, init_engine_and_session_factory, session_scope
from docstore.sqa_store.sqa_config import SQAConfig


class MyRunner(Runner):
    def run():
        pass


class MyMetric(Metric):
    pass


class ExperimentType(Enum):
    DEFAULT = 0


class GeneratorRunType(Enum):
    DEFAULT = 0
    STATUS_QUO = 1


@pytest.fixture(autouse=True)
def _no_database():
    """Each test starts as a process does: with no database set."""
    yield
    if db._database is not None:
        db._database.engine.dispose()
        db._database = None


@pytest.fixture
def url(empty_database):
    """The database that the snippets write as DB_URL: each runs on every backend, and makes its tables."""
    return empty_database


@pytest.fixture
def experiment():
    """An experiment with a trial and attached data."""
    made = Experiment(
        name="my_experiment",
        search_space=SearchSpace(
            parameters=[RangeParameter(lower=0, upper=1, name="my_parameter", parameter_type=ParameterType.FLOAT)]
        ),
        tracking_metrics=[Metric(name="m")],
    )
    trial = made.new_trial(parameters={"my_parameter": 0.5})
    trial.mark_running(no_runner_required=True)
    trial.mark_completed()
    made.attach_data(
        Data.from_records([{"trial_index": 0, "arm_name": "0_0", "metric_name": "m", "mean": 0.1, "sem": None}])
    )
    return made


@pytest.fixture
def custom():
    """An experiment with a custom metric and runner."""
    return Experiment(
        name="my_experiment",
        search_space=SearchSpace(
            parameters=[RangeParameter(lower=0, upper=1, name="my_parameter", parameter_type=ParameterType.FLOAT)]
        ),
        runner=MyRunner(),
        tracking_metrics=[MyMetric(name="my_metric")],
    )


def rows(url: str, query: str) -> list[tuple]:
    """Return what a database tool would show."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]
    finally:
        engine.dispose()


def connection_to(url: str) -> Any:
    """Return a connection that the driver makes of the parts of a URL."""
    dialect = sa.make_url(url).get_dialect()()
    arguments, options = dialect.create_connect_args(sa.make_url(url))
    return dialect.import_dbapi().connect(*arguments, **options)


class TestJson:
    """Section "JSON": a lightweight, transportable file."""

    def test_an_experiment_with_its_data_is_saved_to_the_specified_file_and_loaded_again(
        self, experiment, tmp_path, monkeypatch
    ):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        monkeypatch.chdir(tmp_path)
        filepath = "experiments/experiment.json"
        save_experiment(experiment, filepath)
        loaded = load_experiment(filepath)

        assert docstore.dumps(loaded) == docstore.dumps(experiment)
        assert loaded.data.records == experiment.data.records
        assert (tmp_path / filepath).read_bytes() == docstore.dumps(experiment)

    def test_to_update_it_is_saved_to_the_same_file(self, experiment, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        filepath = tmp_path / "experiment.json"
        save_experiment(experiment, filepath)
        experiment.new_trial(parameters={"my_parameter": 0.7})
        save_experiment(experiment, filepath)

        assert list(load_experiment(filepath).trials) == [0, 1]

    def test_a_registry_bundle_saves_and_loads_a_custom_metric_and_runner(self, tmp_path, monkeypatch):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        monkeypatch.chdir(tmp_path)
        experiment = Experiment(
            search_space=SearchSpace(parameters=[]),
            runner=MyRunner(),
            tracking_metrics=[MyMetric(name="my_metric")],
        )
        bundle = RegistryBundle(
            runner_clss={MyRunner: None},
            metric_clss={MyMetric: None},
        )
        filepath = "experiments/experiment.json"
        save_experiment(experiment=experiment, filepath=filepath, encoder_registry=bundle.encoder_registry)
        loaded_experiment = load_experiment(filepath=filepath, decoder_registry=bundle.decoder_registry)

        assert type(loaded_experiment.runner) is MyRunner
        assert type(loaded_experiment.metrics["my_metric"]) is MyMetric
        assert docstore.dumps(loaded_experiment, bundle) == docstore.dumps(experiment, bundle)

    def test_without_it_the_error_names_the_class_and_what_to_write(self, tmp_path):
        from docstore.json_store.save import save_experiment

        experiment = Experiment(search_space=SearchSpace(parameters=[]), runner=MyRunner())

        with pytest.raises(DocstoreError, match=r"runner_clss=\{MyRunner: None\}"):
            save_experiment(experiment, tmp_path / "experiment.json")

        assert list(tmp_path.iterdir()) == []

    def test_without_it_a_file_that_needs_it_is_not_guessed_at(self, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle(runner_clss={MyRunner: None})
        experiment = Experiment(search_space=SearchSpace(parameters=[]), runner=MyRunner())
        save_experiment(experiment, tmp_path / "e.json", encoder_registry=bundle.encoder_registry)

        with pytest.raises(UnknownTagError) as caught:
            load_experiment(tmp_path / "e.json")

        assert (caught.value.tag, caught.value.pointer) == ("MyRunner", "/runner")

    def test_the_bundle_itself_may_be_given_in_place_of_its_registries(self, custom, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle(metric_clss={MyMetric: None}, runner_clss={MyRunner: None})
        save_experiment(custom, tmp_path / "e.json", bundle=bundle)
        loaded = load_experiment(tmp_path / "e.json", bundle=bundle)

        assert docstore.dumps(loaded, bundle) == docstore.dumps(custom, bundle)

    def test_a_bundle_and_more_registries_are_used_together(self, custom, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        metrics, runners = RegistryBundle({MyMetric: None}), RegistryBundle(runner_clss={MyRunner: None})
        save_experiment(custom, tmp_path / "e.json", runners.encoder_registry, bundle=metrics)
        loaded = load_experiment(tmp_path / "e.json", runners.decoder_registry, bundle=metrics)

        assert type(loaded.runner) is MyRunner
        assert type(loaded.metrics["my_metric"]) is MyMetric

    def test_bundles_of_several_authors_are_put_together(self, custom, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle.from_registry_bundles(
            RegistryBundle(metric_clss={MyMetric: 7}, runner_clss={}),
            RegistryBundle(metric_clss={}, runner_clss={MyRunner: None}),
        )
        save_experiment(custom, tmp_path / "e.json", encoder_registry=bundle.encoder_registry)
        loaded = load_experiment(tmp_path / "e.json", decoder_registry=bundle.decoder_registry)

        assert docstore.dumps(loaded, bundle) == docstore.dumps(custom, bundle)
        assert bundle.metric_registry == {MyMetric: 7}

    def test_a_field_that_holds_a_class_is_saved_and_loaded_by_the_class_registries(self, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle(
            metric_clss={MyMetric: None},
            runner_clss={},
            json_class_encoder_registry={Metric: lambda cls: {"__type": "Type[Metric]", "class": cls.__name__}},
            json_class_decoder_registry={"Type[Metric]": lambda members: {"MyMetric": MyMetric}[members["class"]]},
        )
        experiment = Experiment(search_space=SearchSpace(parameters=[]), properties={"metric_class": MyMetric})
        save_experiment(experiment, tmp_path / "e.json", bundle.encoder_registry, bundle.class_encoder_registry)
        loaded = load_experiment(tmp_path / "e.json", bundle.decoder_registry, bundle.class_decoder_registry)

        assert loaded.properties == {"metric_class": MyMetric}


class TestSql:
    """Section "SQL": a database, initialised by a URL or a creator."""

    def test_the_experiment_with_its_data_is_saved_to_the_tables_and_loaded_by_name(self, experiment, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        engine = get_engine()
        create_all_tables(engine)
        save_experiment(experiment)
        experiment_name = "my_experiment"
        loaded = load_experiment(experiment_name)

        assert docstore.dumps(loaded) == docstore.dumps(experiment)
        assert rows(url, "SELECT experiment, trial_index, metric_name, mean FROM observations") == [
            ("my_experiment", 0, "m", 0.1)
        ]

    def test_a_creator_function_takes_the_place_of_a_url(self, experiment, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        def creator():
            return connection_to(url)

        init_engine_and_session_factory(creator=creator)
        save_experiment(experiment)

        assert docstore.dumps(load_experiment("my_experiment")) == docstore.dumps(experiment)
        assert rows(url, "SELECT name FROM experiments") == [("my_experiment",)]

    def test_to_update_it_is_saved_again_and_only_what_changed_is_written(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        experiment.new_trial(parameters={"my_parameter": 0.7})
        save_experiment(experiment)

        assert rows(url, "SELECT path FROM documents WHERE version = 2 ORDER BY path") == [("",), ("/trials/1",)]
        assert rows(url, "SELECT version FROM versions ORDER BY version") == [(1,), (2,)]

    def test_a_loaded_experiment_is_updated_too(self, experiment, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        loaded = load_experiment("my_experiment")
        loaded.new_trial(parameters={"my_parameter": 0.7})
        save_experiment(loaded)

        assert list(load_experiment("my_experiment").trials) == [0, 1]

    def test_a_single_trial_is_updated_and_nothing_else_is_written(self, experiment, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment, save_or_update_trial

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        experiment.description = "not yet"
        experiment.trials[0].run_metadata["oven"] = 3
        save_or_update_trial(experiment, experiment.trials[0])

        loaded = load_experiment("my_experiment")
        assert (loaded.trials[0].run_metadata, loaded.description) == ({"oven": 3}, None)

    def test_several_trials_are_updated_together(self, experiment, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment, save_or_update_trials

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        experiment.trials[0].run_metadata["oven"] = 3
        trial = experiment.new_trial(parameters={"my_parameter": 0.7})
        version = save_or_update_trials(experiment, [experiment.trials[0], trial])

        assert version.number == 2
        assert docstore.dumps(load_experiment("my_experiment")) == docstore.dumps(experiment)

    def test_a_generation_strategy_is_saved_beside_its_experiment(self, experiment, url):
        from docstore.sqa_store.load import load_generation_strategy_by_experiment_name
        from docstore.sqa_store.save import save_experiment, save_generation_strategy

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        strategy = GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="my_experiment")
        save_generation_strategy(strategy)

        found = load_generation_strategy_by_experiment_name("my_experiment")
        assert docstore.dumps(found) == docstore.dumps(strategy)
        owned = "SELECT d.name FROM documents d JOIN documents e ON d.owner = e.id WHERE e.name = 'my_experiment'"
        assert rows(url, owned) == [("my_experiment",)]

    def test_a_strategy_is_deleted_by_the_name_of_its_experiment(self, experiment, url):
        from docstore.sqa_store.delete import delete_generation_strategy
        from docstore.sqa_store.load import load_generation_strategy_by_experiment_name
        from docstore.sqa_store.save import save_experiment, save_generation_strategy

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        save_generation_strategy(GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="my_experiment"))

        delete_generation_strategy("my_experiment")

        with pytest.raises(DocumentNotFoundError):
            load_generation_strategy_by_experiment_name("my_experiment")

    def test_analysis_cards_are_saved_for_an_experiment_and_loaded_by_its_name(self, experiment, url):
        from docstore.sqa_store.load import load_analysis_cards_by_experiment_name
        from docstore.sqa_store.save import save_analysis_card, save_experiment

        init_engine_and_session_factory(url=url)
        cards = [docstore.AnalysisCard("effects", title) for title in ("first", "second")]
        with pytest.raises(DocumentNotFoundError, match="before its analysis cards"):
            save_analysis_card(cards[0], experiment)
        save_experiment(experiment)

        for card in (*cards, cards[0]):
            save_analysis_card(card, experiment)

        found = load_analysis_cards_by_experiment_name("my_experiment")
        assert [docstore.dumps(card) for card in found] == [docstore.dumps(card) for card in cards]

    def test_a_registry_bundle_and_a_config_save_and_load_a_custom_metric_and_runner(self, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        experiment = Experiment(
            name="my_experiment",
            search_space=SearchSpace(
                parameters=[RangeParameter(lower=0, upper=1, name="my_parameter", parameter_type=ParameterType.FLOAT)]
            ),
            runner=MyRunner(),
            tracking_metrics=[MyMetric(name="my_metric")],
        )
        bundle = RegistryBundle(
            metric_clss={MyMetric: None},
            runner_clss={MyRunner: None},
        )
        sqa_config = SQAConfig(
            json_encoder_registry=bundle.encoder_registry,
            json_decoder_registry=bundle.decoder_registry,
            metric_registry=bundle.metric_registry,
            runner_registry=bundle.runner_registry,
        )
        save_experiment(experiment, config=sqa_config)
        loaded_experiment = load_experiment(experiment_name="my_experiment", config=sqa_config)

        assert type(loaded_experiment.runner) is MyRunner
        assert type(loaded_experiment.metrics["my_metric"]) is MyMetric
        assert docstore.dumps(loaded_experiment, bundle) == docstore.dumps(experiment, bundle)

    def test_a_bundle_gives_the_config_itself(self, custom, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        bundle = RegistryBundle(metric_clss={MyMetric: None}, runner_clss={MyRunner: None})
        save_experiment(custom, config=bundle.sqa_config)
        loaded_experiment = load_experiment(experiment_name="my_experiment", config=bundle.sqa_config)

        assert docstore.dumps(loaded_experiment, bundle) == docstore.dumps(custom, bundle)

    def test_a_config_has_a_bundles_six_registries_and_the_two_enums(self, custom, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        bundle = RegistryBundle(
            metric_clss={MyMetric: None},
            runner_clss={MyRunner: None},
            json_class_encoder_registry={Metric: lambda cls: {"class": cls.__name__}},
            json_class_decoder_registry={"Type[Metric]": lambda members: {"MyMetric": MyMetric}[members["class"]]},
        )
        sqa_config = SQAConfig(
            json_encoder_registry=bundle.encoder_registry,
            json_class_encoder_registry=bundle.class_encoder_registry,
            json_decoder_registry=bundle.decoder_registry,
            json_class_decoder_registry=bundle.class_decoder_registry,
            metric_registry=bundle.metric_registry,
            runner_registry=bundle.runner_registry,
            experiment_type_enum=ExperimentType,
            generator_run_type_enum=GeneratorRunType,
        )
        custom.experiment_type = "DEFAULT"
        custom.properties["metric_class"] = MyMetric
        save_experiment(custom, config=sqa_config)
        loaded_experiment = load_experiment(experiment_name="my_experiment", config=sqa_config)

        assert docstore.dumps(loaded_experiment, bundle) == docstore.dumps(custom, bundle)
        assert loaded_experiment.properties["metric_class"] is MyMetric
        assert rows(url, "SELECT type, type_name FROM experiments") == [(0, "DEFAULT")]

    def test_an_experiment_type_is_stored_as_its_integer_and_found_by_it(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        experiment.experiment_type = "DEFAULT"
        config = SQAConfig(experiment_type_enum=ExperimentType)
        save_experiment(experiment, config=config)

        assert rows(url, "SELECT name FROM documents WHERE kind = 'experiment' AND type = 0") == [("my_experiment",)]
        assert rows(url, "SELECT type, type_name FROM experiments") == [(0, "DEFAULT")]

    def test_a_generator_run_type_is_stored_as_its_integer_and_found_by_it(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        run = GeneratorRun(arms=[Arm(parameters={"my_parameter": 0.2})], type="STATUS_QUO")
        experiment.new_trial(generator_run=run)
        config = SQAConfig(generator_run_type_enum=GeneratorRunType)
        save_experiment(experiment, config=config)

        assert rows(url, "SELECT position FROM documents WHERE kind = 'trial' AND type = 1") == [(1,)]
        assert rows(url, "SELECT trial_index, type_name FROM generator_runs WHERE type = 1") == [(1, "STATUS_QUO")]

    def test_an_experiment_is_deleted(self, experiment, url):
        from docstore.sqa_store.delete import delete_experiment
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        delete_experiment("my_experiment")

        with pytest.raises(DocumentNotFoundError, match="undelete"):
            load_experiment("my_experiment")
        assert rows(url, "SELECT name FROM experiments") == []

    def test_the_tables_are_made_once_and_again_without_harm(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        create_all_tables(get_engine())
        save_experiment(experiment)
        create_all_tables(get_engine())

        assert rows(url, "SELECT name FROM experiments") == [("my_experiment",)]


class TestAxsOtherCalls:
    """They take the light model's objects, as those of the snippets do."""

    @pytest.fixture(autouse=True)
    def _saved(self, experiment):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url="sqlite://")
        save_experiment(experiment)

    def test_a_runner_an_outcome_constraint_a_status_and_properties_are_saved_with_the_head(self, experiment):
        from docstore.sqa_store import save
        from docstore.sqa_store.load import load_experiment

        goal = OptimizationConfig(Objective(metric=Metric("m"), minimize=True))
        constraint = OutcomeConstraint(metric=Metric("m"), op=ComparisonOp.LEQ, bound=1.0, relative=False)
        with pytest.raises(InvalidValueError, match="optimization_config first"):
            save.update_outcome_constraint_on_experiment(experiment, constraint, None, None)
        goal.outcome_constraints = [constraint]
        experiment.optimization_config = goal
        save.update_outcome_constraint_on_experiment(experiment, constraint, None, None)
        save.update_runner_on_experiment(experiment, Runner(), RegistryBundle().encoder, RegistryBundle().decoder)
        experiment.properties["team"] = "vision"
        save.update_properties_on_experiment(experiment)
        experiment.status = docstore.ExperimentStatus.OPTIMIZATION
        version = save.update_experiment_status(experiment)

        assert version.number == 5
        assert docstore.dumps(load_experiment("my_experiment")) == docstore.dumps(experiment)

    def test_a_trials_status_properties_and_data_are_saved_with_the_trial(self, experiment):
        from docstore.sqa_store import save
        from docstore.sqa_store.load import load_experiment

        trial = experiment.new_trial(parameters={"my_parameter": 0.7})
        trial.mark_running(no_runner_required=True)
        save.update_trial_status(trial)
        trial.properties["oven"] = 3
        save.update_properties_on_trial(trial)
        record = {"trial_index": 1, "arm_name": "1_0", "metric_name": "m", "mean": 0.2, "sem": None}
        experiment.attach_data(Data.from_records([record]))
        version = save.save_or_update_data_for_trials(experiment, [trial], None, None)

        assert version.places == ("/data/1",)
        assert docstore.dumps(load_experiment("my_experiment")) == docstore.dumps(experiment)

    def test_a_strategy_is_found_by_the_integer_that_its_save_returned(self):
        from docstore.sqa_store import load, save

        strategy = GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="my_experiment")
        number = save.save_generation_strategy(strategy)
        run = GeneratorRun([Arm({"my_parameter": 0.1})])
        strategy.add_generator_run(run)

        assert save.update_generation_strategy(strategy, [run]).places == ("/generator_runs/0",)
        assert docstore.dumps(load.load_generation_strategy_by_id(number)) == docstore.dumps(strategy)
        for wrong in (number + 1, -1, 2**80):
            with pytest.raises(DocumentNotFoundError, match="has the number"):
                load.load_generation_strategy_by_id(wrong)

    def test_nothing_that_a_load_leaves_out_is_lost_when_it_is_saved_again(self, custom):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        custom.name = "custom"
        bundle = RegistryBundle(metric_clss={MyMetric: None}, runner_clss={MyRunner: None})
        save_experiment(custom, bundle.sqa_config)
        loaded = load_experiment("custom", None, True, 10, True, False)
        loaded.description = "changed"
        save_experiment(loaded)

        custom.description = "changed"
        found = load_experiment("custom", bundle.sqa_config)
        assert docstore.dumps(found, bundle) == docstore.dumps(custom, bundle)

    def test_experiments_to_learn_from_have_data_and_share_parameters(self, experiment):
        from docstore.sqa_store.load import TransferLearningMetadata, identify_transferable_experiments
        from docstore.sqa_store.save import save_experiment

        experiment.experiment_type = "tuning"
        save_experiment(experiment)
        save_experiment(Experiment(SearchSpace(experiment.search_space.parameters.values()), "empty"))
        find = identify_transferable_experiments

        found = find(experiment.search_space, ["tuning"], overlap_threshold=1.0)

        assert found == {"my_experiment": TransferLearningMetadata(["my_parameter"])}
        assert find(experiment.search_space, ["tuning"], experiment_name="my_experiment") == {}
        assert find(experiment.search_space, ["tuning"], max_num_exps=0) == {}

    def test_candidates_are_found_for_an_experiment_of_their_type(self, experiment):
        from docstore.sqa_store.load import load_candidate_source_auxiliary_experiments
        from docstore.sqa_store.save import save_experiment

        experiment.experiment_type = "tuning"
        save_experiment(experiment)
        target = Experiment(SearchSpace(experiment.search_space.parameters.values()), "new", experiment_type="tuning")
        purpose = docstore.AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT

        found = load_candidate_source_auxiliary_experiments(target, purpose)

        assert {name: each.overlap_parameters for name, each in found.items()} == {"my_experiment": ["my_parameter"]}

    def test_an_object_becomes_json_and_comes_back(self, custom):
        from docstore.json_store.decoder import object_from_json
        from docstore.json_store.encoder import object_to_json

        bundle = RegistryBundle(metric_clss={MyMetric: None}, runner_clss={MyRunner: None})
        stored = object_to_json(custom, bundle.encoder_registry)

        assert stored["name"] == "my_experiment"
        assert docstore.dumps(object_from_json(stored, bundle.decoder_registry), bundle) == docstore.dumps(
            custom, bundle
        )


class TestWhatTheSnippetsGetWrong:
    """Their mistakes, as a user makes them: each is told, with what to write."""

    def test_an_enum_written_with_colons_has_no_members(self):
        class ExperimentType(Enum):
            DEFAULT: 0

        with pytest.raises(InvalidValueError, match=r"class ExperimentType\(Enum\): DEFAULT = 0"):
            SQAConfig(experiment_type_enum=ExperimentType)

    @pytest.mark.parametrize("argument", ["encoder_registry", "class_encoder_registry"])
    def test_a_whole_bundle_in_place_of_a_registry_is_told_when_a_file_is_saved(self, experiment, tmp_path, argument):
        from docstore.json_store.save import save_experiment

        with pytest.raises(
            InvalidValueError, match=rf"{argument}=bundle\.{argument}\. A bundle itself goes to bundle="
        ):
            save_experiment(experiment, tmp_path / "e.json", **{argument: RegistryBundle()})

        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("argument", ["decoder_registry", "class_decoder_registry"])
    def test_a_whole_bundle_in_place_of_a_registry_is_told_when_a_file_is_loaded(self, experiment, tmp_path, argument):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        save_experiment(experiment, tmp_path / "e.json")

        with pytest.raises(
            InvalidValueError, match=rf"{argument}=bundle\.{argument}\. A bundle itself goes to bundle="
        ):
            load_experiment(tmp_path / "e.json", **{argument: RegistryBundle()})

    def test_the_wrong_one_of_a_bundles_registries_is_told_with_the_right_one(self, experiment, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle(metric_clss={MyMetric: None})

        with pytest.raises(InvalidValueError, match="A registry by tag goes to decoder_registry"):
            save_experiment(experiment, tmp_path / "e.json", encoder_registry=bundle.decoder_registry)
        with pytest.raises(InvalidValueError, match="A registry by class goes to encoder_registry"):
            load_experiment(tmp_path / "e.json", decoder_registry=bundle.encoder_registry)

    def test_a_registry_in_place_of_a_bundle_is_told_with_the_argument_that_takes_it(self, experiment, tmp_path):
        from docstore.json_store.load import load_experiment
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle(metric_clss={MyMetric: None})

        with pytest.raises(InvalidValueError, match="encoder_registry="):
            save_experiment(experiment, tmp_path / "e.json", bundle=bundle.encoder_registry)
        with pytest.raises(InvalidValueError, match="decoder_registry="):
            load_experiment(tmp_path / "e.json", bundle=bundle.decoder_registry)

    def test_a_bundle_and_a_registry_that_say_different_things_are_refused(self, experiment, tmp_path):
        from docstore.json_store.save import save_experiment

        bundle = RegistryBundle(json_encoder_registry={MyMetric: vars})

        with pytest.raises(RegistryError, match="MyMetric has two encoders"):
            save_experiment(experiment, tmp_path / "e.json", {MyMetric: lambda metric: {}}, bundle=bundle)

    @pytest.mark.parametrize(
        ("config", "remedy"),
        [(RegistryBundle(), r"config=bundle\.sqa_config"), ({}, r"config=SQAConfig\(\.\.\.\)")],
        ids=["bundle", "dict"],
    )
    def test_something_else_in_place_of_a_config_is_told_with_what_to_pass(self, experiment, url, config, remedy):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)

        with pytest.raises(InvalidValueError, match=remedy):
            save_experiment(experiment, config=config)

    def test_an_argument_that_there_is_not_is_pythons_own_error(self):
        with pytest.raises(TypeError, match="metric_classes"):
            RegistryBundle(metric_classes={MyMetric: None})

    def test_a_type_that_the_enum_lacks_is_told_with_the_line_to_add(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        experiment.experiment_type = "EXPLORATION"

        with pytest.raises(StoreError, match="EXPLORATION = 1"):
            save_experiment(experiment, config=SQAConfig(experiment_type_enum=ExperimentType))

        assert rows(url, "SELECT count(*) FROM documents") == [(0,)]

    def test_an_experiment_without_a_name_cannot_go_to_a_database(self, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)

        with pytest.raises(DocstoreError, match="needs a name"):
            save_experiment(Experiment(search_space=SearchSpace(parameters=[])))


class TestTheDatabaseOfTheProcess:
    """The seed's functions share one database, which is set once."""

    def test_without_one_the_error_says_which_call_sets_it(self, experiment):
        from docstore.sqa_store.save import save_experiment

        with pytest.raises(StoreError, match="init_engine_and_session_factory"):
            save_experiment(experiment)

    def test_setting_the_same_again_is_nothing(self, url):
        init_engine_and_session_factory(url=url)
        engine = get_engine()

        init_engine_and_session_factory(url=url)

        assert get_engine() is engine

    def test_setting_another_is_an_error_and_not_silence(self, url):
        init_engine_and_session_factory(url=url)

        with pytest.raises(StoreError, match="force_init"):
            init_engine_and_session_factory(url="sqlite://")

    def test_force_init_leaves_it_for_another(self, url):
        init_engine_and_session_factory(url=url)

        init_engine_and_session_factory(url="sqlite://", force_init=True)

        assert get_engine().url.database is None

    def test_a_session_reads_the_tables(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)

        with session_scope() as session:
            assert session.execute(sa.text("SELECT name FROM experiments")).all() == [("my_experiment",)]

    @pytest.fixture
    def notes(self, url):
        """A table of the user's own beside docstore's."""
        init_engine_and_session_factory(url=url)
        notes = sa.Table("notes", sa.MetaData(), sa.Column("text", sa.String(10)))
        notes.create(get_engine())
        return notes

    def test_a_session_keeps_what_it_wrote(self, url, notes):
        with session_scope() as session:
            session.execute(notes.insert(), {"text": "kept"})

        assert rows(url, "SELECT text FROM notes") == [("kept",)]

    def test_a_session_with_an_error_keeps_nothing(self, url, notes):
        def write_and_fail():
            with session_scope() as session:
                session.execute(notes.insert(), {"text": "lost"})
                raise RuntimeError

        with pytest.raises(RuntimeError):
            write_and_fail()

        assert rows(url, "SELECT text FROM notes") == []

    def test_a_sessions_wrong_sql_is_told_without_the_password(self, url):
        init_engine_and_session_factory(url=url)

        with pytest.raises(StoreError) as caught, session_scope() as session:
            session.execute(sa.text("SELECT name FROM experiments"))

        assert isinstance(caught.value.__cause__, sa.exc.DBAPIError)
        password = sa.make_url(url).password
        assert not password or password not in str(caught.value)

    def test_another_process_finds_what_was_saved(self, experiment, url):
        from docstore.sqa_store.load import load_experiment
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        init_engine_and_session_factory(creator=lambda: connection_to(url), force_init=True)

        assert docstore.dumps(load_experiment("my_experiment")) == docstore.dumps(experiment)

    def test_two_configs_share_what_an_experiment_came_from(self, experiment, url):
        from docstore.sqa_store.save import save_experiment

        init_engine_and_session_factory(url=url)
        save_experiment(experiment)
        experiment.description = "changed"

        version = save_experiment(experiment, config=SQAConfig(experiment_type_enum=ExperimentType))

        assert version.number == 2
