"""Small experiments to save, and edits of them: a search space of two parameters, one metric, a trial at a time."""

from __future__ import annotations

import math
from typing import Any

from docstore.model import (
    ChoiceParameter,
    Data,
    Experiment,
    Metric,
    MultiTypeExperiment,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
)


def search_space() -> SearchSpace:
    """Return a new search space: a range ``x`` from 0 to 1, and a choice of ``flour``."""
    return SearchSpace(
        [
            RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
            ChoiceParameter("flour", ParameterType.STRING, ["rye", "spelt"]),
        ]
    )


def new_experiment(name: str | None = "cakes", *, trials: int = 0, **options: Any) -> Experiment:
    """Return an experiment with so many completed trials, each with data; *options* are what ``Experiment`` takes."""
    options.setdefault("tracking_metrics", [Metric("taste")])
    experiment = Experiment(search_space(), name, **options)
    for _ in range(trials):
        add_trial(experiment)
    return experiment


def new_multi_type_experiment(name: str = "cakes", **options: Any) -> MultiTypeExperiment:
    """Return an experiment whose trials are an oven's or a simulator's, with one of the simulator's."""
    experiment = MultiTypeExperiment(name, search_space(), "oven", **options)
    experiment.add_trial_type("simulator", None)
    experiment.new_trial(trial_type="simulator", parameters={"x": 0.5, "flour": "rye"})
    return experiment


def add_trial(experiment: Experiment, mean: float = math.nan) -> Trial:
    """Add a completed trial with data, its parameters unlike all others', and return it."""
    x = experiment.num_trials / 2**20
    trial = experiment.new_trial(parameters={"x": x, "flour": "rye"}, trial_type=experiment.default_trial_type)
    trial.mark_running(no_runner_required=True).mark_completed()
    observe(experiment, trial.index, mean)
    return trial


def observe(experiment: Experiment, index: int, mean: float, metric: str = "taste") -> None:
    """Attach one observation of a trial, over an earlier one of that metric."""
    arm = experiment.trials[index].arms[0].name
    record = {"trial_index": index, "arm_name": arm, "metric_name": metric, "mean": mean, "sem": 0.25}
    experiment.attach_data(Data.from_records([record]))
