"""A large database to look at in a browser: 100,000 experiments of three trials, and one of 10,000 trials.

``python tests/support/large_lab.py large.db`` makes it in a new SQLite file; ``--experiments`` and ``--trials`` give
other sizes.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docstore
from docstore import (
    ChoiceParameter,
    Data,
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
    TrialStatus,
)

LARGE = "large"
"""The name of the experiment with many trials."""


def new_experiment(name: str, **options: Any) -> Experiment:
    """Return an experiment without trials: a range of x and y, a choice of flour, and a loss to minimize."""
    space = SearchSpace(
        [
            RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
            RangeParameter("y", ParameterType.FLOAT, 1e-4, 1.0, log_scale=True),
            ChoiceParameter("flour", ParameterType.STRING, ["rye", "spelt", "wheat"], is_ordered=False),
        ]
    )
    return Experiment(space, name, OptimizationConfig(Objective("-loss")), tracking_metrics=[Metric("time")], **options)


def add_trials(experiment: Experiment, count: int, chance: random.Random) -> None:
    """Add so many trials with data; one in fifty failed."""
    for _ in range(count):
        x, y = chance.random(), 10 ** chance.uniform(-4, 0)
        trial = experiment.new_trial(parameters={"x": x, "y": y, "flour": chance.choice(["rye", "spelt", "wheat"])})
        end(experiment, trial, x, y, chance)


def end(experiment: Experiment, trial: Trial, x: float, y: float, chance: random.Random) -> None:
    """Complete *trial* with a loss that is least at x = 0.3 and y = 0.01, or let it fail."""
    trial.mark_running(no_runner_required=True)
    if chance.random() < 0.02:
        trial.mark_as(TrialStatus.FAILED, reason="out of memory")
        return
    trial.mark_completed()
    loss = (x - 0.3) ** 2 + 0.1 * (math.log10(y) + 2) ** 2 + abs(chance.gauss(0, 0.02))
    means = {"loss": loss, "time": 40 + 20 * chance.random()}
    records = [
        {"trial_index": trial.index, "arm_name": trial.arms[0].name, "metric_name": name, "mean": mean, "sem": 0.02}
        for name, mean in means.items()
    ]
    experiment.attach_data(Data.from_records(records))


def experiments(count: int, chance: random.Random) -> Iterator[Experiment]:
    """Yield so many experiments of three trials each."""
    for number in range(count):
        experiment = new_experiment(f"sweep {number:06}", experiment_type="SWEEP", properties={"team": number % 7})
        add_trials(experiment, 3, chance)
        yield experiment


def fill(store: docstore.Store, count: int, trials: int) -> None:
    """Save *count* experiments in *store*, and one with so many *trials*, in steps of a tenth of them."""
    chance = random.Random(17)
    store.save_many(experiments(count, chance), author="ada", message="made by a script", batch=2000)
    large = new_experiment(LARGE, experiment_type="SWEEP", description="a month of trials")
    for step in range(10):
        add_trials(large, trials // 10, chance)
        store.save(large, author="bob", message=f"batch {step + 1}")


def main() -> None:
    """Fill the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--experiments", type=int, default=100_000)
    parser.add_argument("--trials", type=int, default=10_000)
    given = parser.parse_args()
    with closing(docstore.connect(f"sqlite:///{given.file}", synchronous="NORMAL")) as store:
        fill(store, given.experiments, given.trials)


if __name__ == "__main__":
    main()
