"""Which phases an experiment goes through."""

from __future__ import annotations

from enum import Enum


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
