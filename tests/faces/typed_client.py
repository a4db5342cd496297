"""A program of a user who checks types: what mypy and pyright infer of docstore's calls; ``make check`` runs both.

It is not run. A line with ``type: ignore`` is a mistake that both must find: an ignored error that is none is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

import docstore
from docstore import Arm, BatchTrial, DocumentInfo, Experiment, Found, Store, Trial, TrialStatus


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


def completing(trial: Trial, batch: BatchTrial, measured: dict[str, float]) -> None:
    """Means with and without their standard errors, side by side; of several arms by their names."""
    assert_type(trial.complete({"loss": (0.1, 0.2), "accuracy": 3}), Trial)
    trial.complete(measured)
    batch.complete({"0_0": {"loss": 0.1, "accuracy": (0.9, None)}, "0_1": measured})
    trial.complete({"loss": "0.1"})  # type: ignore[dict-item]


@docstore.document(kind="campaign")
@dataclass
class Campaign:
    """A document of the user's own."""

    name: str
    goal: str


def loading(store: Store) -> None:
    """A class for the kind: what is loaded is of that class. Without a kind it is an experiment."""
    assert_type(store.load("spring"), Experiment)
    assert_type(store.load("spring", kind="experiment", version=3), Experiment)
    assert_type(store.load("spring", kind=Campaign), Campaign)
    assert_type(store.load("spring", kind=Campaign, tag="paper").goal, str)
    assert_type(store.load("spring", kind="campaign"), Any)
    store.load("spring", kind=3)  # type: ignore[call-overload]


def reading_text(text: bytes) -> Campaign:
    """``loads`` gives any object: who knows which says it by an annotation."""
    assert_type(docstore.loads(text), Any)
    campaign: Campaign = docstore.loads(text)
    return campaign


def finding(store: Store) -> None:
    """The rows are columns, and ``load`` gives objects of the class."""
    found: Found[DocumentInfo] = store.find(kind="campaign")
    assert_type(found[0].version, int)
    assert_type(store.find(kind="experiment"), Found[DocumentInfo, Experiment])
    assert_type(next(store.find("experiment").load()), Experiment)
    assert_type(store.find(kind=Campaign), Found[DocumentInfo, Campaign])
    assert_type([campaign.goal for campaign in store.find(Campaign, name_prefix="s").load()], list[str])
    assert_type(store.find(kind=Experiment, type="PILOT").first(), DocumentInfo | None)
    assert_type(store.find(part="trial", status="FAILED")[0].path, str)
    assert_type(store.history("spring", kind=Campaign)[0].number, int)


def misspelled() -> None:
    """A name that docstore lacks is found, though some are imported only when they are used."""
    docstore.conect("sqlite:///lab.db")  # type: ignore[attr-defined]


def resuming(store: Store) -> None:
    """What the function makes is what the caller gets."""
    assert_type(store.load_or_create("spring", lambda: Campaign("spring", "sales"), kind=Campaign), Campaign)
    assert_type(store.names(kind=Campaign), list[str])
    assert_type(store.exists("spring", kind=Campaign), bool)
    assert_type(store.upgrade(Campaign), int)
    store.load_or_create("spring", Campaign("spring", "sales"))  # type: ignore[arg-type]
