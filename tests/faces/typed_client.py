"""A program of a user who checks types: what mypy and pyright infer of docstore's calls; ``make check`` runs both.

It is not run. A line with ``type: ignore`` is a mistake that both must find: an ignored error that is none is one.
"""

from __future__ import annotations

from typing import Any, assert_type

from docstore import Arm, BatchTrial, Experiment, Trial, TrialStatus


def train(trial: Trial) -> float:
    """Measure a trial, as a user's own function does."""
    return float(str(trial.arm.parameters["rate"]))


def trials_of_an_experiment(experiment: Experiment) -> None:
    """The arm of a trial is there for who knows that the trial has one; a mistaken name is still found."""
    assert_type(experiment.trials[0], Trial | Any)
    assert_type(experiment.trials[0].arm, Arm | Any)
    print(experiment.trials[0].arm.parameters["rate"], experiment.trials[0].index)
    print(experiment.trials[0].arm.parmeters)  # type: ignore[union-attr]
    for trial in experiment.trials_by_status[TrialStatus.RUNNING]:
        train(trial)
        if isinstance(trial, BatchTrial):
            assert_type(trial.arm_weights, dict[Arm, float])
    settings = {"rate": 0.5}
    assert_type(experiment.new_trial(parameters=settings).mark_running(), Trial)
