"""A user's functions for one of docstore's own classes are used wherever it stands, in files and databases alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from own_encoders import BUNDLES, PARTED, WHOLE, experiment_in_parts, experiment_of_a_state, in_a_state

import docstore
from docstore import (
    Arm,
    Data,
    Experiment,
    GeneratorRun,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    RegistryBundle,
    Runner,
    SearchSpace,
    Trial,
)
from docstore.errors import DecodeError, EncodeError, InvalidValueError
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.sqa_store import db
from docstore.sqa_store import load as sqa_load
from docstore.sqa_store import save as sqa_save
from docstore.testing.exact import identity


@pytest.fixture
def experiment() -> Experiment:
    """An experiment that has one of each."""
    space = SearchSpace([RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0)])
    config = OptimizationConfig(Objective(metric=Metric("m"), minimize=True))
    made = Experiment(space, "custom", config, [Metric("other")], runner=Runner(), status_quo=Arm({"x": 0.5}, "sq"))
    made.new_trial(parameters={"x": 0.25}).mark_running(no_runner_required=True).mark_completed()
    made.new_batch_trial(GeneratorRun([Arm({"x": 0.75}), Arm({"x": 1.0})]))
    made.attach_data(Data([{"trial_index": 0, "arm_name": "0_0", "metric_name": "m", "mean": 0.1}]))
    return made


@pytest.fixture
def _sqa_store(database: str) -> Iterator[None]:
    db.init_engine_and_session_factory(url=database, force_init=True)
    yield
    db.get_engine().dispose()
    db._database = None


def tagged(value: Any, tag: str) -> list[dict[str, Any]]:
    """Return every object with that tag in JSON, however deep."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    itself = [value] if isinstance(value, dict) and value.get("__type") == tag else []
    return itself + [found for item in below for found in tagged(item, tag)]


@pytest.mark.parametrize("name", BUNDLES)
class TestFunctionsForOneOfDocstoresClasses:
    def test_write_each_object_of_it_and_no_other(self, experiment, name):
        theirs = json.loads(docstore.dumps(experiment, BUNDLES[name]))

        found = tagged(theirs, name)
        assert found
        assert all("state" in each for each in found)
        assert not any("state" in each for other in BUNDLES if other != name for each in tagged(theirs, other))

    def test_read_what_they_wrote_in_a_file(self, experiment, tmp_path, name):
        bundle = BUNDLES[name]

        save_experiment(experiment, tmp_path / "e.json", bundle.encoder_registry)
        loaded = load_experiment(tmp_path / "e.json", bundle.decoder_registry)

        assert (tmp_path / "e.json").read_bytes() == docstore.dumps(experiment, bundle)
        assert identity(loaded) == identity(experiment)
        assert all(trial.experiment is loaded for trial in loaded.trials.values())

    def test_read_what_they_wrote_in_a_database_which_has_the_text_and_digest_of_the_file(
        self, experiment, database, name
    ):
        bundle = BUNDLES[name]
        store = docstore.connect(database, bundle=bundle)

        version = store.save(experiment)
        loaded = store.load("custom")

        assert identity(loaded) == identity(experiment)
        assert docstore.dumps(loaded, bundle) == docstore.dumps(experiment, bundle)
        assert version.digest == docstore.digest(experiment, bundle)
        assert store.verify() == []

    def test_are_used_when_it_is_saved_again(self, experiment, database, name):
        store = docstore.connect(database, bundle=BUNDLES[name])
        store.save(experiment)
        experiment.trials[0].run_metadata["oven"] = 3
        experiment.description = "changed"

        version = store.save(experiment)

        assert (version.number, version.digest) == (2, docstore.digest(experiment, BUNDLES[name]))
        assert identity(store.load("custom")) == identity(experiment)
        assert store.verify() == []

    def test_are_used_for_the_older_version_too(self, experiment, database, name):
        store = docstore.connect(database, bundle=BUNDLES[name])
        before = identity(experiment)
        store.save(experiment)
        experiment.new_trial(parameters={"x": 0.125})
        store.save(experiment)

        assert identity(store.load("custom", version=1)) == before

    def test_are_used_for_what_two_people_saved(self, experiment, database, name):
        store = docstore.connect(database, bundle=BUNDLES[name])
        store.save(experiment)
        mine, yours = store.load("custom"), store.load("custom")
        yours.new_trial(parameters={"x": 0.125})
        store.save(yours)
        mine.description = "a stone oven"

        store.save(mine)

        assert (mine.description, sorted(mine.trials)) == ("a stone oven", [0, 1, 2])
        assert all(trial.experiment is mine for trial in mine.trials.values())
        assert identity(store.load("custom")) == identity(mine)

    @pytest.mark.usefixtures("_sqa_store")
    def test_are_used_by_the_seeds_functions_with_the_config_of_the_bundle(self, experiment, name):
        config = BUNDLES[name].sqa_config

        sqa_save.save_experiment(experiment, config=config)

        assert identity(sqa_load.load_experiment("custom", config=config)) == identity(experiment)

    def test_leave_the_views_readable_for_people(self, experiment, database, name):
        store = docstore.connect(database, bundle=BUNDLES[name])
        store.save(experiment)

        with store.engine.connect() as connection:
            views = ["experiments", "trials", "generator_runs", "observations", "document_json"]
            found = {view: connection.execute(sa.text(f"SELECT * FROM {view}")).all() for view in views}

        assert found["experiments"]
        assert found["document_json"]


@pytest.mark.parametrize("name", sorted(BUNDLES.keys() - {"Experiment"}))
class TestOneTrialOfAnExperimentWithFunctions:
    def test_is_saved_by_itself(self, experiment, database, name):
        bundle = BUNDLES[name]
        store = docstore.connect(database, bundle=bundle)
        store.save(experiment)
        experiment.trials[0].run_metadata["oven"] = 3

        version = store.save_trial(experiment, experiment.trials[0])

        assert {place.split("/")[1] for place in version.places} == {"trials"}
        assert version.digest == docstore.digest(experiment, bundle)
        assert identity(store.load("custom")) == identity(experiment)


class TestFunctionsForAnExperimentItself:
    """What its parts are, they say: docstore knows only what they wrote."""

    @pytest.fixture
    def parted(self, experiment, database):
        store = docstore.connect(database, bundle=PARTED)
        store.save(experiment)
        return store

    def test_keep_trials_and_data_in_rows_of_their_own_where_they_write_them_as_docstore_does(self, parted):
        paths = sa.text("SELECT path FROM documents ORDER BY path")

        with parted.engine.connect() as connection:
            assert connection.execute(paths).scalars().all() == ["", "/data/0", "/trials/0", "/trials/1"]

    def test_then_save_one_trial_by_itself(self, experiment, parted):
        experiment.trials[0].run_metadata["oven"] = 3
        experiment.description = "not yet"

        version = parted.save_trial(experiment, experiment.trials[0])

        assert version.places == ("/trials/0/run_metadata/oven",)
        loaded = parted.load("custom")
        assert (loaded.trials[0].run_metadata, loaded.description) == ({"oven": 3}, None)

    def test_that_write_trials_elsewhere_leave_none_to_save_by_itself(self, experiment, database):
        store = docstore.connect(database, bundle=WHOLE)
        store.save(experiment)
        experiment.trials[0].run_metadata["oven"] = 3

        with pytest.raises(InvalidValueError, match=r"/trials/0.*Use save\(\)"):
            store.save_trial(experiment, experiment.trials[0])

        assert [version.number for version in store.history("custom")] == [1]

    @pytest.mark.parametrize("bundle", [WHOLE, PARTED], ids=["whole", "parted"])
    def test_bring_both_peoples_changes_to_the_object_in_hand(self, experiment, database, bundle):
        store = docstore.connect(database, bundle=bundle)
        store.save(experiment)
        mine, yours = store.load("custom"), store.load("custom")
        yours.new_trial(parameters={"x": 0.125})
        store.save(yours)
        mine.description = "a stone oven"
        store.save(mine)
        mine.description = "a gas oven"

        store.save(mine)

        assert sorted(store.load("custom").trials) == [0, 1, 2]

    @pytest.mark.parametrize("bundle", [WHOLE, PARTED], ids=["whole", "parted"])
    def test_leave_a_trial_in_hand_the_one_that_is_saved(self, experiment, database, bundle):
        store = docstore.connect(database, bundle=bundle)
        store.save(experiment)
        mine, yours = store.load("custom"), store.load("custom")
        trial = mine.trials[0]
        yours.trials[0].run_metadata["oven"] = 3
        store.save(yours)
        mine.description = "a stone oven"

        store.save(mine)

        assert mine.trials[0] is trial
        assert trial.run_metadata == {"oven": 3}

    def test_that_cannot_read_both_peoples_changes_together_are_told_before_anything_is_written(
        self, experiment, database
    ):
        def two_trials_at_most(members: dict[str, Any]) -> Experiment:
            if len(members["trials"]) > 2:
                raise ValueError("more than two trials")
            return experiment_of_a_state(members)

        theirs = docstore.connect(database, bundle=PARTED)
        mine = docstore.connect(
            database,
            bundle=RegistryBundle(
                json_encoder_registry={Experiment: experiment_in_parts},
                json_decoder_registry={"Experiment": two_trials_at_most},
            ),
        )
        mine.save(experiment)
        other = theirs.load("custom")
        other.new_trial(parameters={"x": 0.125})
        theirs.save(other)
        experiment.description = "a stone oven"

        with pytest.raises(DecodeError, match="more than two trials"):
            mine.save(experiment)

        assert [version.number for version in mine.history("custom")] == [2, 1]
        assert sorted(experiment.trials) == [0, 1]

    def test_without_its_name_are_refused_by_a_database(self, experiment, database):
        store = docstore.connect(database, bundle=RegistryBundle(json_encoder_registry={Experiment: in_a_state}))

        with pytest.raises(EncodeError, match="'name': 'custom'") as caught:
            store.save(experiment)

        assert caught.value.pointer == "/name"
        assert store.find() == []


class Loss(Metric):
    pass


class DeepLoss(Loss):
    pass


class Cluster(Runner):
    pass


class MyArm(Arm):
    pass


class MyData(Data):
    pass


class MyTrial(Trial):
    pass


class MySpace(SearchSpace):
    pass


class MyExperiment(Experiment):
    pass


@dataclass
class Point:
    x: float = 0.0


@dataclass
class SpacePoint(Point):
    y: float = 0.0


class DeepPoint(SpacePoint):
    pass


def with_trial(trial: type[Trial], arm: type[Arm] = Arm) -> Experiment:
    made = Experiment(SearchSpace([RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0)]), "custom")
    made._trials[0] = trial(made, 0)
    made._trials[0].generator_run = GeneratorRun([arm({"x": 0.5}, "0_0")])
    return made


def with_data() -> Experiment:
    made = with_trial(Trial)
    made._data[0] = MyData([{"trial_index": 0, "arm_name": "0_0", "metric_name": "m", "mean": 0.1}])
    return made


def holding(**arguments: Any) -> Experiment:
    return Experiment(arguments.pop("space", SearchSpace([])), "custom", **arguments)


METRIC, RUNNER, CLASSES = "metric_clss={%s: None}", "runner_clss={%s: None}", "classes=[%s]"
REGISTERED = RegistryBundle({Loss: None}, classes=[Point])

SUBCLASSES = [
    (lambda: holding(tracking_metrics=[Loss("m")]), None, "/tracking_metrics/0", METRIC % "Loss"),
    (lambda: holding(tracking_metrics=[DeepLoss("m")]), REGISTERED, "/tracking_metrics/0", METRIC % "DeepLoss"),
    (lambda: holding(runner=Cluster()), None, "/runner", RUNNER % "Cluster"),
    (lambda: with_trial(Trial, MyArm), None, "/trials/0/generator_run/arms/0", CLASSES % "MyArm"),
    (lambda: with_trial(MyTrial), None, "/trials/0", CLASSES % "MyTrial"),
    (with_data, None, "/data/0", CLASSES % "MyData"),
    (lambda: holding(space=MySpace([])), None, "/search_space", CLASSES % "MySpace"),
    (lambda: MyExperiment(SearchSpace([]), "custom"), None, "", CLASSES % "MyExperiment"),
    (lambda: holding(properties={"a": [SpacePoint()]}), REGISTERED, "/properties/a/0", CLASSES % "SpacePoint"),
    (lambda: holding(properties={"a": {1: DeepPoint()}}), REGISTERED, "/properties/a/1", CLASSES % "DeepPoint"),
]


@pytest.mark.parametrize(("make", "bundle", "pointer", "remedy"), SUBCLASSES, ids=[case[-1] for case in SUBCLASSES])
class TestASubclassOfARegisteredClass:
    """It may hold more than its base, so it is not written as that: it needs an entry of its own."""

    def test_is_refused_by_a_file_with_the_line_to_add(self, make, bundle, pointer, remedy, tmp_path):
        with pytest.raises(EncodeError) as caught:
            save_experiment(make(), tmp_path / "e.json", bundle=bundle)

        assert caught.value.pointer == pointer
        assert f"RegistryBundle({remedy})" in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_is_refused_by_a_database_with_the_line_to_add(self, make, bundle, pointer, remedy, database):
        store = docstore.connect(database, bundle=bundle)

        with pytest.raises(EncodeError) as caught:
            store.save(make())

        assert caught.value.pointer == pointer
        assert f"RegistryBundle({remedy})" in str(caught.value)
        assert store.find() == []


# A trial's constructor needs its experiment, which a trial does not keep: its subclass needs functions of its own.
MADE_BY_CONSTRUCTOR = [case for case in SUBCLASSES if "MyTrial" not in case[-1]]


@pytest.mark.parametrize(
    ("make", "bundle", "pointer", "remedy"), MADE_BY_CONSTRUCTOR, ids=[case[-1] for case in MADE_BY_CONSTRUCTOR]
)
def test_a_subclass_is_saved_with_the_line_that_its_refusal_shows(make, bundle, pointer, remedy, database):
    experiment, line = make(), eval(f"RegistryBundle({remedy})", globals())
    store = docstore.connect(database, bundle=RegistryBundle.from_registry_bundles(*filter(None, [bundle]), line))

    store.save(experiment)

    assert identity(store.load("custom")) == identity(experiment)
