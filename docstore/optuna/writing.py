"""Write trials of a study into its experiment, with the head if they change it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial

from docstore.documents.history import Version
from docstore.documents.merge.resolve import OnConflict
from docstore.model import Experiment
from docstore.optuna.trials import put_trial

if TYPE_CHECKING:
    from docstore.store.store import Store


def save_trials(
    store: Store,
    experiment: Experiment,
    trials: Sequence[FrozenTrial],
    *,
    message: str = "",
    author: str | None = None,
    zone: tzinfo | None = None,
    has_new_head: bool = False,
    on_conflict: OnConflict = "merge",
) -> Version | None:
    """Save *trials* as one version of *experiment*, and return it; None if there is nothing to save.

    Args:
        message: by default it says which trial ended, and how: ``trial 7: COMPLETE``.
        has_new_head: whether the head of *experiment* is to be saved too, whatever the trials change in it.

    Raises:
        ConflictError, EncodeError: as ``Store.save_trials``.
    """
    for each in trials:
        has_new_head |= put_trial(experiment, each, zone)
    parts = [experiment.trials[each.number] for each in trials]
    said = message or message_for(trials)
    if has_new_head:
        return store.save(experiment, parts=parts, message=said, author=author, on_conflict=on_conflict)
    return store.save_trials(experiment, parts, message=said, author=author, on_conflict=on_conflict) if parts else None


def message_for(trials: Sequence[FrozenTrial]) -> str:
    """Return the message of the version that *trials* make."""
    if not trials:
        return "attributes of the study"
    last = f"trial {trials[-1].number}: {trials[-1].state.name}"
    return last if len(trials) == 1 else f"{last}, and {len(trials) - 1} before it"
