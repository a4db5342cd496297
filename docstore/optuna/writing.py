"""Write trials of a study into its experiment, with the head if they change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, TypedDict, TypeVar

from optuna.trial import FrozenTrial

from docstore.documents.history import Version
from docstore.documents.merge.resolve import OnConflict
from docstore.errors import ConflictError
from docstore.model import Experiment
from docstore.optuna.trials import put_trial
from docstore.sql.dialects import backoff

if TYPE_CHECKING:
    from docstore.store.store import Store

T = TypeVar("T")


def retried(tries: int, work: Callable[[], T]) -> T:
    """Return what *work* returns, tried again after a pause if another process saved in the same place first.

    Raises:
        ConflictError: so it was with each of the *tries*.
    """
    for attempt in range(1, tries):
        try:
            return work()
        except ConflictError:
            backoff(attempt)
    return work()


@dataclass(frozen=True)
class TrialWriter:
    """Saves trials of Optuna in experiments.

    Attributes:
        author: of the versions; None for the store's.
        zone: of the times; None for that of this machine.
        on_conflict: as for ``Store.save_trials``.
    """

    store: Store
    author: str | None = None
    zone: tzinfo | None = None
    on_conflict: OnConflict = "merge"

    def save(
        self, experiment: Experiment, trials: Sequence[FrozenTrial], *, message: str = "", has_new_head: bool = False
    ) -> Version | None:
        """Save *trials* as one version of *experiment*, and return it; None if there is nothing to save.

        Args:
            message: by default it says which trial ended, and how: ``trial 7: COMPLETE``.
            has_new_head: whether the head of *experiment* is to be saved too, whatever the trials change in it.

        Raises:
            ConflictError, EncodeError: as ``Store.save_trials``.
        """
        for each in trials:
            has_new_head |= put_trial(experiment, each, self.zone)
        parts = [experiment.trials[each.number] for each in trials]
        note: Note = {"message": message or message_for(trials), "author": self.author}
        if has_new_head:
            return self.store.save(experiment, parts=parts, on_conflict=self.on_conflict, **note)
        return self.store.save_trials(experiment, parts, on_conflict=self.on_conflict, **note) if parts else None


class Note(TypedDict):
    """What a version says of itself."""

    message: str
    author: str | None


def message_for(trials: Sequence[FrozenTrial]) -> str:
    """Return the message of the version that *trials* make."""
    if not trials:
        return "attributes of the study"
    last = f"trial {trials[-1].number}: {trials[-1].state.name}"
    return last if len(trials) == 1 else f"{last}, and {len(trials) - 1} before it"
