"""The statuses of trials (with their allowed changes) and of experiments, and the purposes of auxiliary experiments."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum

from docstore.errors import InvalidTransitionError


class TrialStatus(Enum):
    """The status of a trial, with Ax's integers.

    A status can be followed by these::

        CANDIDATE -> STAGED -> RUNNING -> COMPLETED, FAILED or EARLY_STOPPED
        CANDIDATE -> RUNNING            (nothing to wait for)
        CANDIDATE -> STALE              (it was never run, and no longer should be)
        CANDIDATE, STAGED or RUNNING -> ABANDONED
    """

    CANDIDATE = 0
    STAGED = 1
    FAILED = 2
    COMPLETED = 3
    RUNNING = 4
    ABANDONED = 5
    DISPATCHED = 6  # Ax no longer gives it, but old experiments hold it.
    EARLY_STOPPED = 7
    STALE = 8

    @property
    def is_terminal(self) -> bool:
        """Whether no other status can follow."""
        return not _CAN_BECOME[self]

    @property
    def is_deployed(self) -> bool:
        """Whether the trial is under way."""
        return self in (TrialStatus.STAGED, TrialStatus.RUNNING)

    @property
    def expecting_data(self) -> bool:
        """Whether there are data, or will be."""
        return self in (TrialStatus.RUNNING, TrialStatus.COMPLETED, TrialStatus.EARLY_STOPPED)

    @property
    def is_candidate(self) -> bool:
        """Whether the trial has not begun."""
        return self is TrialStatus.CANDIDATE

    @property
    def is_running(self) -> bool:
        """Whether the trial runs."""
        return self is TrialStatus.RUNNING

    @property
    def is_completed(self) -> bool:
        """Whether the trial has ended successfully."""
        return self is TrialStatus.COMPLETED

    @property
    def is_failed(self) -> bool:
        """Whether the trial has failed, and may be tried again."""
        return self is TrialStatus.FAILED

    @property
    def is_abandoned(self) -> bool:
        """Whether the trial was given up for good."""
        return self is TrialStatus.ABANDONED

    @property
    def is_early_stopped(self) -> bool:
        """Whether the trial was stopped early, as it was not promising."""
        return self is TrialStatus.EARLY_STOPPED

    @property
    def is_stale(self) -> bool:
        """Whether the trial never ran and no longer will."""
        return self is TrialStatus.STALE


_CAN_BECOME: Mapping[TrialStatus, tuple[TrialStatus, ...]] = {
    TrialStatus.CANDIDATE: (TrialStatus.STAGED, TrialStatus.RUNNING, TrialStatus.ABANDONED, TrialStatus.STALE),
    TrialStatus.STAGED: (TrialStatus.RUNNING, TrialStatus.ABANDONED),
    TrialStatus.DISPATCHED: (TrialStatus.RUNNING, TrialStatus.ABANDONED),
    TrialStatus.RUNNING: (
        TrialStatus.COMPLETED,
        TrialStatus.FAILED,
        TrialStatus.EARLY_STOPPED,
        TrialStatus.ABANDONED,
    ),
    TrialStatus.COMPLETED: (),
    TrialStatus.FAILED: (),
    TrialStatus.ABANDONED: (),
    TrialStatus.EARLY_STOPPED: (),
    TrialStatus.STALE: (),
}


def check_transition(thing: str, present: TrialStatus, wanted: TrialStatus) -> None:
    """Check that a trial's status may change from *present* to *wanted*."""
    possible = _CAN_BECOME[present]
    if wanted not in possible:
        raise InvalidTransitionError(
            thing, present=present.name, wanted=wanted.name, possible=[status.name for status in possible]
        )


class ExperimentStatus(Enum):
    """The phase of an experiment, with Ax's integers; it doesn't depend on the statuses of its trials."""

    DRAFT = 0
    INITIALIZATION = 1
    OPTIMIZATION = 2
    COMPLETED = 4

    @property
    def is_active(self) -> bool:
        """Whether trials are being run."""
        return self in (ExperimentStatus.INITIALIZATION, ExperimentStatus.OPTIMIZATION)


class AuxiliaryExperimentPurpose(StrEnum):
    """What an auxiliary experiment is used for, with Ax's values."""

    BO_EXPERIMENT = "bo_experiment"
    PE_EXPERIMENT = "pe_experiment"
    TRANSFERABLE_EXPERIMENT = "transferable_experiment"
