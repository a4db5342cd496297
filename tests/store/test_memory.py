"""The memory that an experiment takes at most while it is saved or loaded: three times its objects, they included.

tracemalloc counts it, the same on every run. It counts the whole buffer that orjson reserves to parse a text, twelve
times the text, of which a part is used: so no long text is loaded here. It does not count SQLite's own memory.
``make bench LARGE=1`` measures both, as the system counts them.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

import docstore
from docstore import (
    Data,
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Store,
)

T = TypeVar("T")

TRIALS, STEPS = 6_000, 50_000
PARAMETERS = [f"x{number}" for number in range(6)]

# What Python allocates does not depend on the database.
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], scope="module")


def made(trials: int) -> Experiment:
    space = SearchSpace([RangeParameter(each, ParameterType.FLOAT, 0.0, 1.0) for each in PARAMETERS])
    experiment = Experiment(space, "wide", OptimizationConfig(Objective(metric=Metric("loss"), minimize=True)))
    for _ in range(trials):
        add_trial(experiment)
    return experiment


def add_trial(experiment: Experiment) -> None:
    index = len(experiment.trials)
    parameters = {name: (index * 6 + place) / 2**20 for place, name in enumerate(PARAMETERS)}
    trial = experiment.new_trial(parameters=parameters)
    trial.run_metadata = {"job": f"job-{index}", "attempt": 1, "host": "node-7"}
    trial.complete({"loss": (index / 3, 0.1)})


def observe(experiment: Experiment, steps: range) -> None:
    """Attach an observation of trial 0 for each step."""
    record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss", "sem": 0.1}
    experiment.attach_data(Data([{**record, "mean": step / 7, "step": float(step)} for step in steps]))


class Peaks:
    """The most memory that each of several steps takes, as a multiple of that of the objects."""

    def __init__(self) -> None:
        self._objects = 0
        self._most: dict[str, int] = {}

    def __enter__(self) -> Peaks:
        gc.collect()
        tracemalloc.start()
        return self

    def __exit__(self, *error: object) -> None:
        tracemalloc.stop()

    def make(self, step: str, make: Callable[[], T]) -> T:
        """Return the objects that a step makes: those that the others are measured by."""
        objects = self.take(step, make)
        gc.collect()
        self._objects = tracemalloc.get_traced_memory()[0]
        return objects

    def take(self, step: str, work: Callable[[], T]) -> T:
        """Return what a step returns."""
        gc.collect()
        tracemalloc.reset_peak()
        result = work()
        self._most[step] = tracemalloc.get_traced_memory()[1]
        return result

    def __getitem__(self, step: str) -> float:
        return self._most[step] / self._objects


def with_observations(count: int) -> Experiment:
    experiment = made(trials=1)
    observe(experiment, range(count))
    return experiment


def last_trial(experiment: Experiment) -> Any:
    return experiment.trials[len(experiment.trials) - 1]


@pytest.fixture(scope="module")
def store(backends, backend, tmp_path_factory) -> Iterator[Store]:
    """A store that has made its first calls: they import modules, and compile statements."""
    with backends.fresh(backend, tmp_path_factory.mktemp("memory") / "lab.db") as url, docstore.connect(url) as store:
        experiment = made(trials=2)
        store.save(experiment)
        for loaded in (store.load("wide"), store.load("wide", lazy=True)):
            add_trial(loaded)
            store.save(loaded)
            store.save_trial(loaded, loaded.trials[0])
        store.purge("wide")
        yield store


@pytest.fixture(scope="class")
def wide(store: Store) -> Peaks:
    """The steps of an experiment of many trials."""
    store.save(made(TRIALS))
    with Peaks() as peaks:
        peaks.take("load lazily", lambda: len(store.load("wide", lazy=True).trials))
        experiment = peaks.make("load", lambda: store.load("wide"))
        add_trial(experiment)
        peaks.take("save again", lambda: store.save(experiment))
        add_trial(experiment)
        peaks.take("save one trial", lambda: store.save_trial(experiment, last_trial(experiment)))
        store.purge("wide")
        peaks.take("save", lambda: store.save(experiment, as_new=True))
    store.purge("wide")
    return peaks


@pytest.fixture(scope="class")
def long(store: Store) -> Peaks:
    """The steps of an experiment of one trial with many observations."""
    with Peaks() as peaks:
        experiment = peaks.make("make", lambda: with_observations(STEPS))
        peaks.take("save", lambda: store.save(experiment))
        peaks.take("add one", lambda: observe(experiment, range(STEPS, STEPS + 1)))
        peaks.take("save again", lambda: store.save(experiment))
        observe(experiment, range(STEPS + 1, STEPS + 2))
        peaks.take("save one trial", lambda: store.save_trial(experiment, last_trial(experiment)))
    store.purge("wide")
    return peaks


class TestAnExperimentOfManyTrials:
    @pytest.mark.parametrize("step", ["save", "load", "save again", "save one trial"])
    def test_takes_three_times_its_objects_at_most(self, wide, step):
        assert wide[step] < 3

    def test_takes_less_than_its_objects_if_it_is_loaded_lazily(self, wide):
        assert wide["load lazily"] < 1


class TestATrialWithManyObservations:
    @pytest.mark.parametrize("step", ["save", "save again", "save one trial"])
    def test_takes_three_times_its_objects_at_most(self, long, step):
        assert long[step] < 3

    def test_is_not_copied_for_one_more(self, long):
        assert long["add one"] < 2
