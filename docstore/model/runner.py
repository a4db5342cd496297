"""A runner of trials: its settings belong to the experiment; subclass Runner to run something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docstore.errors import InvalidValueError

if TYPE_CHECKING:
    from docstore.model.trial import BaseTrial


# The generated == would not see what a subclass sets in an __init__ of its own.
@dataclass(eq=False)
class Runner:
    """Runs trials. A subclass overrides ``run``, and needs no decorator."""

    @property
    def staging_required(self) -> bool:
        """Whether a trial waits, staged, after ``run``."""
        return False

    def run(self, trial: BaseTrial) -> dict[str, Any]:
        """Run *trial*, and return its ``run_metadata``."""
        raise self._cannot("run")

    def run_multiple(self, trials: Iterable[BaseTrial]) -> dict[int, dict[str, Any]]:
        """Run each of *trials*, and return the metadata by trial index."""
        return {trial.index: self.run(trial) for trial in trials}

    def stop(self, trial: BaseTrial, reason: str | None = None) -> dict[str, Any]:
        """Stop *trial*, and return its ``stop_metadata``."""
        raise self._cannot("stop")

    def poll_trial_status(self, trials: Iterable[BaseTrial]) -> dict[Any, set[int]]:
        """Return the indices of *trials* by status."""
        raise self._cannot("poll_trial_status")

    def _cannot(self, method: str) -> InvalidValueError:
        return InvalidValueError("runner", type(self).__name__, f"It cannot {method}: override {method} in a subclass.")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented
