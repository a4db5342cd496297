"""Metrics and runners whose classes are not registered, in an experiment that is loaded by ``unknown="keep"``."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass

import pytest
from fuzzing import fuzz

import docstore
from docstore import (
    Experiment,
    Metric,
    MultiTypeExperiment,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    RegistryBundle,
    Runner,
    ScalarizedObjective,
    UnknownMetric,
    UnknownObject,
    UnknownRunner,
    registry,
)
from docstore.codec import Codec
from docstore.codec.registry import Entry, Registry
from docstore.errors import InvalidValueError, UnknownTagError
from docstore.model import ComparisonOp
from docstore.testing.experiments import add_trial, new_experiment, search_space
from docstore.testing.strategies import experiments


@dataclass(eq=False, repr=False)
class Loss(Metric):
    unit: str = "nats"


@dataclass(eq=False)
class Cluster(Runner):
    queue: str


BUNDLE = RegistryBundle(metric_clss={Loss: None}, runner_clss={Cluster: None})


def experiment(name="cakes") -> Experiment:
    loss = Loss("loss", lower_is_better=True, properties={"seen": (1, 2), "best": 0.5})
    config = OptimizationConfig(
        Objective(metric=loss), [OutcomeConstraint(metric=Loss("cost"), op=ComparisonOp.LEQ, bound=3.0)]
    )
    made = new_experiment(name, optimization_config=config, tracking_metrics=[Loss("crumb")], runner=Cluster("night"))
    add_trial(made, 1.0)
    return made


TEXT = docstore.dumps(experiment(), BUNDLE)


@pytest.fixture
def kept() -> Experiment:
    return docstore.loads(TEXT, unknown="keep")


@pytest.fixture
def metric(kept) -> UnknownMetric:
    return kept.optimization_config.objective.metric


class TestAnUnknownMetric:
    def test_has_what_every_metric_has(self, metric):
        assert isinstance(metric, Metric)
        assert (metric.name, metric.lower_is_better, metric.signature) == ("loss", True, "loss")
        assert metric.properties == {"seen": (1, 2), "best": 0.5}

    def test_is_written_as_it_was(self, kept):
        assert docstore.dumps(kept) == TEXT

    def test_has_the_members_of_its_class_as_they_were_saved(self, metric):
        assert metric.unit == "nats"
        with pytest.raises(AttributeError, match="Loss, which is not registered, was saved without 'factor'"):
            metric.factor  # noqa: B018  # reading it is the point

    def test_says_which_class_it_stands_for(self, metric):
        assert (repr(metric), metric.tag) == ("UnknownMetric('loss', tag='Loss')", "Loss")

    def test_equals_one_that_was_saved_alike(self, kept, metric):
        again = docstore.loads(TEXT, unknown="keep")

        assert metric == again.optimization_config.objective.metric
        assert metric != kept.tracking_metrics[0]
        assert metric != Metric("loss", lower_is_better=True)

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
    def test_can_be_copied(self, metric, copied):
        made = copied(metric)

        assert (type(made), made.name, made.properties) == (UnknownMetric, "loss", metric.properties)
        assert made == metric

    def test_works_in_an_objective_a_constraint_and_an_experiment(self, kept, metric):
        cost = kept.optimization_config.outcome_constraints[0].metric
        config = OptimizationConfig(
            ScalarizedObjective([metric], minimize=True), [OutcomeConstraint(metric=cost, op=ComparisonOp.GEQ, bound=1)]
        )

        made = Experiment(
            search_space(), "rolls", optimization_config=config, tracking_metrics=[*kept.tracking_metrics]
        )

        assert made.metrics == {"loss": metric, "cost": cost, "crumb": kept.tracking_metrics[0]}
        assert docstore.loads(docstore.dumps(made), BUNDLE).optimization_config.objective.metrics[0].unit == "nats"

    def test_is_also_one_of_a_newer_schema_than_its_class_has_here(self):
        text = TEXT.replace(b'"__type":"Loss"', b'"__schema":2,"__type":"Loss"')

        newer = docstore.loads(text, BUNDLE, unknown="keep")

        assert [type(each) for each in newer.metrics.values()] == [UnknownMetric] * 3
        assert docstore.dumps(newer, BUNDLE) == text

    def test_gives_an_objective_its_direction(self, metric):
        assert Objective(metric=metric).minimize
        with pytest.raises(InvalidValueError, match="lower_is_better=True"):
            Objective(metric=metric, minimize=False)

    def test_cannot_fetch(self, kept, metric):
        with pytest.raises(
            InvalidValueError, match=r"UnknownMetric\('loss'.*'fetch_trial_data'.*Register the class 'Loss'"
        ):
            metric.fetch_trial_data(kept.trials[0])

    def test_cannot_be_changed_as_the_change_would_not_be_saved(self, metric):
        with pytest.raises(InvalidValueError, match=r"lower_is_better of UnknownMetric\('loss'.*'Loss'"):
            metric.lower_is_better = False
        with pytest.raises(InvalidValueError, match="read only"):
            del metric.name
        with pytest.raises(TypeError):
            metric.properties["best"] = 0.25


class TestAnUnknownRunner:
    def test_is_a_runner(self, kept):
        assert isinstance(kept.runner, Runner)
        assert (repr(kept.runner), kept.runner.queue) == ("UnknownRunner(tag='Cluster')", "night")
        assert copy.deepcopy(kept.runner) == pickle.loads(pickle.dumps(kept.runner)) == kept.runner

    def test_works_in_an_experiment(self, kept):
        made = MultiTypeExperiment("rolls", search_space(), "oven", default_runner=kept.runner)

        again = docstore.loads(docstore.dumps(made), unknown="keep")

        assert made.runner_for_trial_type("oven") == again.runner_for_trial_type("oven") == kept.runner
        assert type(again.runner_for_trial_type("oven")) is UnknownRunner

    def test_cannot_run(self, kept):
        trial = kept.new_trial(parameters={"x": 0.5, "flour": "rye"})

        with pytest.raises(InvalidValueError, match=r"UnknownRunner.*'run'.*Register the class 'Cluster'"):
            trial.run()

    def test_cannot_be_changed(self, kept):
        with pytest.raises(InvalidValueError, match="queue of UnknownRunner"):
            kept.runner.queue = "day"


class TestWhatStaysAnUnknownObject:
    """It has no place where a metric or a runner must be, or not what every one has."""

    def test_is_a_metric_in_a_dict_of_anything(self):
        made = experiment()
        made.properties["former"] = Loss("loss")

        kept = docstore.loads(docstore.dumps(made, BUNDLE), unknown="keep")

        assert type(kept.properties["former"]) is UnknownObject

    @pytest.mark.parametrize("other", [b'"name":7', b'"title":"loss"', b'"name":"loss","properties":[7]'])
    def test_is_a_metric_that_a_users_function_wrote_otherwise(self, other):
        constraint = OutcomeConstraint(metric=Loss("loss"), op=ComparisonOp.LEQ, bound=3.0)
        text = docstore.dumps(constraint, BUNDLE).replace(b'"name":"loss","properties":{}', other)

        kept = docstore.loads(text, unknown="keep")

        assert type(kept.metrics[0]) is UnknownObject
        assert docstore.loads(docstore.dumps(kept), unknown="keep") == kept


class Probe:
    """A class of another library, and what reads it: its adapter says what stands for an unregistered subclass."""

    def __init__(self, depth: int) -> None:
        self._depth = depth


class UnknownProbe(UnknownObject, Probe):
    def __init__(self, tag, json, members):
        super().__init__(tag, json)
        vars(self).update(members)


@dataclass
class Borehole:
    name: str
    probes: list[Probe]


class TestAClassOfAnotherLibrary:
    @pytest.fixture
    def codec(self):
        return Codec(
            Registry([Entry(Borehole, "Borehole"), Entry(Probe, "Probe", stand_in=UnknownProbe)]), unknown="keep"
        )

    def test_has_a_stand_in_of_its_own(self, codec):
        fine, rough = {"__type": "FineProbe", "depth": 2, "mesh": 0.5}, {"__type": "Probe", "depth": 3}
        json = {"__type": "Borehole", "name": "b", "probes": [fine, rough]}

        decoded = codec.decode(json)

        assert [(type(probe), probe._depth) for probe in decoded.probes] == [(UnknownProbe, 2), (Probe, 3)]
        assert codec.encode(decoded) == json


@pytest.mark.fuzz
def test_any_experiment_of_unknown_metrics_has_its_bytes_and_so_have_its_copies():
    """Whatever the metrics hold."""

    def law(experiment: Experiment) -> None:
        text = docstore.dumps(experiment).replace(b'"__type":"Metric"', b'"__type":"Lost"')

        kept = docstore.loads(text, unknown="keep")

        assert all(isinstance(metric, Metric) for metric in kept.metrics.values())
        copies = (kept, copy.deepcopy(kept), pickle.loads(pickle.dumps(kept)))
        assert [docstore.dumps(each) for each in copies] == [text] * 3

    fuzz(law, experiments(), in_ci=5)


class TestADocumentOfUnknownMetricsAndRunners:
    @pytest.fixture
    def store(self, store, connect, database):
        connect(database, bundle=BUNDLE).save(experiment())
        return store

    def test_is_refused_with_the_place(self, store):
        with pytest.raises(UnknownTagError) as caught:
            store.load("cakes")

        assert {(each.pointer, each.tag) for each in caught.value.errors} == {
            ("/runner", "Cluster"),
            ("/tracking_metrics/0", "Loss"),
            ("/optimization_config/objective/metrics/0", "Loss"),
            ("/optimization_config/outcome_constraints/0/metrics/0", "Loss"),
        }
        assert "unknown='keep'" in str(caught.value.errors[0])

    def test_has_the_same_bytes_and_no_new_version(self, store):
        kept = store.load("cakes", unknown="keep")

        assert store.save(kept).number == 1
        assert store.save(pickle.loads(pickle.dumps(kept))).number == 1

    def test_goes_on(self, store, connect, database):
        kept = store.load("cakes", unknown="keep")
        add_trial(kept, 2.0)

        version = store.save(kept)

        assert {place.split("/")[1] for place in version.places} == {"trials", "data"}
        loaded = connect(database, bundle=BUNDLE).load("cakes")
        assert (type(loaded.runner), loaded.runner.queue) == (Cluster, "night")
        assert [type(each) for each in loaded.metrics.values()] == [Loss, Loss, Loss]

    def test_takes_on_what_others_changed_in_them(self, store, connect, database):
        kept = store.load("cakes", unknown="keep")
        theirs = connect(database, bundle=BUNDLE)
        loaded = theirs.load("cakes")
        loaded.tracking_metrics[0].unit = "bits"
        theirs.save(loaded)
        add_trial(kept, 2.0)

        store.save(kept)

        assert (type(kept.tracking_metrics[0]), kept.tracking_metrics[0].unit) == (UnknownMetric, "bits")
        assert store.diff("cakes", 2, 3).words[0].startswith("trial 1: added")

    def test_is_of_the_real_classes_once_they_are_registered(self, store):
        kept = store.load("cakes", unknown="keep")
        with registry.scope():
            docstore.register(Loss)
            docstore.register(Cluster)

            loaded = store.load("cakes", unknown="keep")

            assert [type(each) for each in loaded.metrics.values()] == [Loss, Loss, Loss]
            assert store.save(kept).number == 1
