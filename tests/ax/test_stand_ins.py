"""Metrics and runners of Ax whose classes are not registered, read by ``unknown="keep"``."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from ax.core.arm import Arm
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.core.metric import Metric
from ax.core.runner import Runner
from ax.utils.testing import core_stubs
from exactly import differences

import docstore
from docstore.errors import InvalidValueError, UnknownTagError


class Latency(Metric):
    def __init__(self, name: str, percentile: float = 0.99) -> None:
        super().__init__(name, lower_is_better=True, properties={"unit": "ms"})
        self.percentile = percentile


class Lab(Runner):
    def __init__(self, host: str) -> None:
        self.host = host

    def run(self, trial: Any) -> dict[str, Any]:
        return {}


BUNDLE = docstore.RegistryBundle({Latency: None}, {Lab: None})


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(
        name="branin",
        search_space=core_stubs.get_branin_search_space(),
        tracking_metrics=[Latency("latency", 0.5)],
        runner=Lab("local"),
    )


@pytest.fixture
def text(experiment) -> bytes:
    return docstore.dumps(experiment, BUNDLE)


@pytest.fixture
def kept(text) -> Any:
    """The experiment as one reads it who does not have its classes."""
    return docstore.loads(text, unknown="keep")


def test_without_the_option_they_are_refused(text):
    with pytest.raises(UnknownTagError, match="Lab"):
        docstore.loads(text)


def test_they_are_written_back_unchanged(text, kept):
    assert docstore.dumps(kept) == text
    assert docstore.dumps(pickle.loads(pickle.dumps(kept))) == text


def test_a_metric_has_what_every_metric_has_but_cannot_fetch(kept):
    metric = kept.metrics["latency"]

    assert isinstance(metric, Metric)
    assert (metric.name, metric.lower_is_better, dict(metric.properties)) == ("latency", True, {"unit": "ms"})
    with pytest.raises(InvalidValueError, match="Only its class"):
        metric.fetch_trial_data(None)
    with pytest.raises(InvalidValueError, match="read only"):
        metric.lower_is_better = False


def test_a_runner_cannot_run(kept):
    assert isinstance(kept.runner, Runner)
    with pytest.raises(InvalidValueError, match="Only its class"):
        kept.runner.run(None)


def test_what_is_cloned_has_them_too(kept):
    clone = kept.clone_with(name="branin")

    assert docstore.dumps(clone.runner) == docstore.dumps(kept.runner)
    assert docstore.dumps(clone.metrics["latency"]) == docstore.dumps(kept.metrics["latency"])
    assert clone.metrics["latency"] is not kept.metrics["latency"]


def test_what_is_saved_without_the_classes_is_read_with_them(experiment):
    store = docstore.connect("sqlite://", bundle=BUNDLE)
    store.save(experiment)
    other = docstore.Store(store.engine)
    loaded = other.load("branin", unknown="keep")
    loaded.new_trial(GeneratorRun([Arm({"x1": 1.0, "x2": 0.5})]))

    other.save(loaded)

    found = store.load("branin")
    assert len(found.trials) == 1
    assert differences(experiment.metrics, found.metrics) == []
    assert differences(experiment.runner, found.runner) == []
