"""The experiment that is saved and loaded: trials of 6 parameters, each with a metric and metadata."""

from __future__ import annotations

from docstore import (
    Arm,
    Data,
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
)

PARAMETERS = tuple(f"x{i}" for i in range(6))
METRIC = "accuracy"


def experiment(trials: int, name: str = "bench") -> Experiment:
    """Return an experiment of so many completed trials."""
    space = SearchSpace([RangeParameter(each, ParameterType.FLOAT, 0.0, 1.0) for each in PARAMETERS])
    made = Experiment(
        name=name,
        search_space=space,
        optimization_config=OptimizationConfig(Objective(metric=Metric(METRIC), minimize=False)),
    )
    for _ in range(trials):
        add_trial(made)
    return made


def add_trial(made: Experiment) -> Trial:
    """Return a new completed trial of *made*, with data."""
    trial = made.new_trial()
    index = trial.index  # not the number of trials, for which an experiment that was loaded lazily reads the keys
    trial.add_arm(Arm(parameters(index)))
    trial.mark_running(no_runner_required=True)
    trial.run_metadata = metadata(index)
    trial.mark_completed()
    record = {"trial_index": index, "arm_name": f"{index}_0", "metric_name": METRIC, "mean": mean(index), "sem": 0.1}
    made.attach_data(Data.from_records([record]))
    return trial


def parameters(index: int) -> dict[str, float]:
    """Return the parameters of the trial of this index, unlike those of all others."""
    return {name: (index * 6 + i) / 1e6 for i, name in enumerate(PARAMETERS)}


def metadata(index: int) -> dict[str, str | int]:
    """Return the metadata of the trial of this index."""
    return {"job": f"job-{index}", "attempt": 1, "host": "node-7"}


def mean(index: int) -> float:
    """Return what was measured in the trial of this index."""
    return index / 3
