"""Experiments to draw: their values are given, or computed without chance, so that a test can say what must be seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from docstore import (
    ChoiceParameter,
    Data,
    Experiment,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
)
from docstore.model.trial import Results

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FLOURS = ["rye", "wheat", "spelt"]


def search_space() -> SearchSpace:
    return SearchSpace(
        [
            RangeParameter("sugar", ParameterType.FLOAT, 1e-3, 1.0, log_scale=True),
            RangeParameter("minutes", ParameterType.INT, 20, 60),
            ChoiceParameter("flour", ParameterType.STRING, FLOURS, is_ordered=False, sort_values=False),
        ]
    )


def breads(
    *results: Results | None,
    objective: str = "-loss",
    constraints: Sequence[str] = (),
    name: str = "bread",
    unit: str = "",
) -> Experiment:
    """Return an experiment with a trial for each of *results*, each an hour after the last; None is one that failed."""
    loss = Metric("loss", properties={"unit": unit} if unit else {})
    bounds = [OutcomeConstraint(each) for each in constraints]
    parts = [Objective(part.strip()) for part in objective.split(",")]
    config = (
        OptimizationConfig(parts[0], outcome_constraints=bounds)
        if len(parts) == 1
        else MultiObjectiveOptimizationConfig(MultiObjective(parts), outcome_constraints=bounds)
    )
    experiment = Experiment(search_space(), name, optimization_config=config, tracking_metrics=[loss])
    for place, each in enumerate(results):
        trial = new_trial(experiment, place)
        if each is None:
            trial.mark_failed()
            trial.time_completed = START + timedelta(hours=place + 1)
        else:
            trial.complete(each, time_completed=START + timedelta(hours=place + 1))
    return experiment


def new_trial(experiment: Experiment, place: int) -> Trial:
    """Add a trial that started *place* hours after the first, with parameters of its own."""
    parameters = {
        "sugar": 10 ** (-3 * ((place * 0.618034) % 1.0)),
        "minutes": 20 + (place * 17) % 41,
        "flour": FLOURS[place % 3],
    }
    trial = experiment.new_trial(parameters=parameters)
    trial.time_created = START + timedelta(hours=place)
    return trial.mark_running(started_time=trial.time_created)


def losses(*values: float) -> list[Mapping[str, float]]:
    """Return the results of trials with these losses."""
    return [{"loss": value} for value in values]


def many_breads(trials: int, **options: str) -> Experiment:
    """Return an experiment of so many trials, whose loss depends on the sugar alone."""
    experiment = breads(**options)  # type: ignore[arg-type]  # the results are added here
    for place in range(trials):
        trial = new_trial(experiment, place)
        loss = (math.log10(trial.arm.parameters["sugar"]) + 1.0) ** 2
        trial.complete({"loss": (loss, 0.1), "taste": math.sin(place)}, time_completed=trial.time_created)
    return experiment


def stepped(curves: Sequence[Sequence[float]], metric: str = "loss") -> Experiment:
    """Return an experiment with a trial for each of *curves*, observed at the steps 0, 1, 2 and so on."""
    experiment = breads()
    for place, values in enumerate(curves):
        trial = new_trial(experiment, place)
        known = {"trial_index": place, "arm_name": trial.arm.name, "metric_name": metric}
        experiment.attach_data(Data([{**known, "mean": value, "step": step} for step, value in enumerate(values)]))
        trial.mark_completed(time_completed=START + timedelta(hours=place + 1))
    return experiment
