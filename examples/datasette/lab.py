"""Make the database that docs/how-to/sql.md asks: a bakery's experiments, the same at every run.

Run it: ``python examples/datasette/lab.py lab.db``, or with the URL of an empty database in place of the file. Only the
times of the saves are those of the run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import docstore
from docstore import (
    Arm,
    ChoiceParameter,
    Data,
    Experiment,
    ExperimentStatus,
    GeneratorRun,
    Metric,
    MultiObjectiveOptimizationConfig,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
    TrialStatus,
)

MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
FLOAT, INT, STRING, BOOL = ParameterType.FLOAT, ParameterType.INT, ParameterType.STRING, ParameterType.BOOL


@dataclass(frozen=True)
class Run:
    """What becomes of one trial.

    Attributes:
        means: what was measured, the mean of each metric.
        minutes: how long it ran.
        chosen_as: the name of its generator run's type.
    """

    parameters: Mapping[str, Any]
    means: Mapping[str, float] = field(default_factory=dict)
    status: TrialStatus = TrialStatus.COMPLETED
    minutes: int = 45
    chosen_as: str = "SOBOL"
    reason: str | None = None


def fill(store: docstore.Store) -> None:
    """Save five experiments, and a test of the oven, in an empty *store*."""
    bread(store)
    rye_bread(store)
    espresso(store)
    yoghurt(store)
    plans(store)


# --- the experiments -------------------------------------------------------------------------------------------------


def bread(store: docstore.Store) -> None:
    """Save an experiment that is done: the best crust. Bob measured; Ada looks through what he wrote, and publishes."""
    oven = [RangeParameter("celsius", FLOAT, 180.0, 250.0), RangeParameter("minutes", INT, 20, 60)]
    experiment = new_experiment("bread", "BAKING", oven, "crust", description="the best crust in a stone oven")
    experiment.properties |= {"team": "ovens", "budget": 12}
    store.save(experiment, message="an empty oven", author="ada")
    first = [
        Run({"celsius": 200.0, "minutes": 40}, {"crust": 0.58, "energy": 1.6}),
        Run({"celsius": 230.0, "minutes": 30}, {"crust": 0.71, "energy": 1.75}, minutes=35),
        Run({"celsius": 250.0, "minutes": 50}, status=TrialStatus.FAILED, minutes=50, reason="burnt"),
        Run({"celsius": 185.0, "minutes": 55}, {"crust": 0.49, "energy": 1.5}, minutes=60),
    ]
    run(experiment, first)
    store.save(experiment, message="four loaves at random", author="bob")
    run(
        experiment,
        [
            Run({"celsius": 235.0, "minutes": 35}, {"crust": 0.83, "energy": 1.9}, minutes=40, chosen_as="BOTORCH"),
            Run({"celsius": 240.0, "minutes": 32}, {"crust": 0.8, "energy": 2.0}, minutes=37, chosen_as="BOTORCH"),
            Run({"celsius": 232.5, "minutes": 38}, {"crust": 0.86, "energy": 1.85}, minutes=43, chosen_as="BOTORCH"),
        ],
    )
    experiment.status = ExperimentStatus.COMPLETED
    store.save(experiment, message="three near the best", author="bob")
    store.tag("bread", "published", author="ada")


def rye_bread(store: docstore.Store) -> None:
    """Save an experiment that runs: its last trial but one is in the oven."""
    parameters = [
        RangeParameter("celsius", FLOAT, 180.0, 250.0),
        ChoiceParameter("flour", STRING, ["rye", "spelt", "wheat"], is_ordered=False),
        ChoiceParameter("steam", BOOL, [False, True], is_ordered=False),
    ]
    experiment = new_experiment("rye bread", "BAKING", parameters, "crust")
    # A text, as somebody typed it: 20 and "20" are two, and only one of them is a number.
    experiment.properties |= {"team": "ovens", "budget": "20"}
    store.save(experiment, message="with steam?", author="bob")
    run(
        experiment,
        [
            Run({"celsius": 220.0, "flour": "rye", "steam": True}, {"crust": 0.55}),
            Run({"celsius": 225.0, "flour": "spelt", "steam": False}, {"crust": 0.62}),
            Run({"celsius": 215.0, "flour": "rye", "steam": True}, status=TrialStatus.FAILED, reason="power cut"),
            Run({"celsius": 230.0, "flour": "spelt", "steam": True}, status=TrialStatus.RUNNING, chosen_as="BOTORCH"),
            Run({"celsius": 228.0, "flour": "wheat", "steam": True}, status=TrialStatus.CANDIDATE, chosen_as="BOTORCH"),
        ],
    )
    store.save(experiment, message="five loaves", author="bob")


def espresso(store: docstore.Store) -> None:
    """Save an experiment that minimizes, with trials that were given up."""
    machine = [RangeParameter("bar", FLOAT, 6.0, 10.0), RangeParameter("grams", FLOAT, 14.0, 21.0)]
    experiment = new_experiment("espresso", "BREWING", machine, "bitterness", minimize=True)
    experiment.properties |= {"team": "bar", "budget": 8.5}
    run(
        experiment,
        [
            Run({"bar": 9.0, "grams": 18.0}, {"bitterness": 3.25}, minutes=1),
            Run({"bar": 8.0, "grams": 18.0}, {"bitterness": 2.5}, minutes=1),
            Run({"bar": 10.0, "grams": 21.0}, {"bitterness": 4.5}, TrialStatus.EARLY_STOPPED, 1, reason="it drips"),
            Run({"bar": 6.0, "grams": 14.0}, status=TrialStatus.ABANDONED, reason="water, nearly"),
            Run({"bar": 7.5, "grams": 17.0}, {"bitterness": 1.75}, minutes=2, chosen_as="BOTORCH"),
        ],
    )
    experiment.status = ExperimentStatus.COMPLETED
    store.save(experiment, message="a long morning", author="ada")


def yoghurt(store: docstore.Store) -> None:
    """Save an experiment with two objectives, and one trial of three jars."""
    parameters = [RangeParameter("hours", FLOAT, 4.0, 12.0)]
    experiment = new_experiment("yoghurt", "FERMENTING", parameters, "texture, -sourness")
    experiment.properties |= {"team": "dairy", "budget": 30}
    arms = [Arm({"hours": hours}) for hours in (5.0, 7.5, 10.0)]
    batch = experiment.new_batch_trial(GeneratorRun(arms, weights=[1.0, 1.0, 2.0], type="MANUAL", time_created=MONDAY))
    batch.time_created = MONDAY
    batch.mark_running(started_time=MONDAY).mark_completed(time_completed=MONDAY + timedelta(hours=10))
    for arm, texture, sourness in zip(batch.arms, (0.25, 0.5, 0.75), (1.5, 2.0, 3.5), strict=True):
        observe(experiment, 0, arm.name, {"texture": texture, "sourness": sourness})
    experiment.status = ExperimentStatus.OPTIMIZATION
    store.save(experiment, message="three jars", author="ada")


def plans(store: docstore.Store) -> None:
    """Save an experiment without trials, and one that is a test."""
    water = [RangeParameter("hours", FLOAT, 8.0, 24.0)]
    draft = new_experiment("cold brew", "BREWING", water, "bitterness", minimize=True)
    draft.status = ExperimentStatus.DRAFT
    store.save(draft, message="for the summer", author="ada")
    heat = [RangeParameter("celsius", FLOAT, 180.0, 250.0)]
    store.save(new_experiment("oven test", "BAKING", heat, "crust", is_test=True), author="bob")


# --- how they are made -----------------------------------------------------------------------------------------------


def new_experiment(
    name: str, kind: str, parameters: list[Any], objective: str, *, minimize: bool = False, **options: Any
) -> Experiment:
    """Return an experiment without trials, of the type *kind*, whose *objective* is a metric or an expression."""
    goal = Objective(f"-{objective}" if minimize else objective)
    config = (MultiObjectiveOptimizationConfig if goal.is_multi_objective else OptimizationConfig)(goal)
    space = SearchSpace(parameters)
    energy = [Metric("energy", lower_is_better=True)]
    experiment = Experiment(space, name, config, tracking_metrics=energy, experiment_type=kind, **options)
    experiment.status, experiment.time_created = ExperimentStatus.OPTIMIZATION, MONDAY
    return experiment


def run(experiment: Experiment, runs: list[Run]) -> None:
    """Add a trial for each of *runs*, an hour after the one before, with what became of it."""
    for each in runs:
        start = MONDAY + timedelta(hours=experiment.num_trials)
        generator_run = GeneratorRun([Arm(each.parameters)], type=each.chosen_as, time_created=start)
        trial = experiment.new_trial(generator_run)
        trial.time_created = start
        end(trial, each, start)
        observe(experiment, trial.index, trial.arms[0].name, each.means)


def end(trial: Trial, run: Run, start: datetime) -> None:
    """Take *trial* to the status that it has in *run*."""
    if run.status is TrialStatus.CANDIDATE:
        return
    trial.mark_running(started_time=start)
    if run.status is not TrialStatus.RUNNING:
        reason: dict[str, Any] = {"reason": run.reason} if run.reason else {}
        trial.mark_as(run.status, **reason)
        trial.time_completed = start + timedelta(minutes=run.minutes)


def observe(experiment: Experiment, index: int, arm: str, means: Mapping[str, float]) -> None:
    """Attach what was measured of one arm, each with a standard error of 0.05."""
    records = [
        {"trial_index": index, "arm_name": arm, "metric_name": metric, "mean": mean, "sem": 0.05}
        for metric, mean in means.items()
    ]
    if records:
        experiment.attach_data(Data.from_records(records))


def main() -> None:
    """Fill the database that the command line names."""
    [database] = sys.argv[1:] or ["lab.db"]
    url = database if "://" in database else f"sqlite:///{database}"
    with closing(docstore.connect(url)) as store:
        fill(store)


if __name__ == "__main__":
    main()
