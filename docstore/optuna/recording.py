"""Record the trials of a study as they finish: a callback for ``study.optimize``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from threading import Lock
from typing import TYPE_CHECKING, Final

from optuna.study import Study
from optuna.trial import FrozenTrial

from docstore.errors import DocumentExistsError
from docstore.model import Experiment, TrialStatus
from docstore.optuna.studies import StudyHead, document_name, is_study, new_experiment, set_attributes
from docstore.optuna.trials import began, put_trial
from docstore.optuna.writing import TrialWriter, message_for, retried
from docstore.store.importing import checked_zone

if TYPE_CHECKING:
    from docstore.store.store import Store

_TRIES: Final = 10
"""How often a save is tried whose place another process changed meanwhile."""


def record(
    store: Store,
    name: str | None = None,
    *,
    message: str = "",
    author: str | None = None,
    zone: tzinfo | str | None = None,
) -> Callable[[Study, FrozenTrial], None]:
    """Return a callback that saves each trial as it finishes: ``study.optimize(f, callbacks=[record(store)])``.

    Each trial is one version of the experiment, which is made with the first one. Trials that finished earlier, in an
    interrupted run or before there was a callback, are saved with the first one that finishes now. Threads
    (``n_jobs=``) take turns; of several processes on one study, each has a store and a callback of its own.

    Args:
        name: of the experiment; by default that of the study.
        message: of each version; by default it says which trial finished, and how: ``trial 7: COMPLETE``.
        author: of each version.
        zone: of the times; by default that of this machine.

    Raises (from the callback, which ends ``study.optimize``; a later call saves what was not saved):
        DocumentExistsError: the experiment of this name is of another study, or of none.
        EncodeError: an attribute of the study or the trial cannot be written.
        DatabaseError: the database refused, or cannot be reached.

    Cost:
        That of ``Store.save_trial``, and a read of the study's attributes, however many trials there are. The first
        call reads the numbers of all trials, there and here.
    """
    return _Recorder(TrialWriter(store, author, checked_zone(zone)), name, message).record


class _Recorder:
    """Saves trials of one study or of several, each in an experiment that it keeps in memory without its trials."""

    def __init__(self, writer: TrialWriter, name: str | None, message: str) -> None:
        self._writer, self._store, self._name, self._message = writer, writer.store, name, message
        self._lock = Lock()
        self._experiments: dict[str, Experiment] = {}

    def record(self, study: Study, trial: FrozenTrial) -> None:
        """Save *trial*, which has finished, and those before it that are not saved yet."""
        name = document_name(study.study_name) if self._name is None else self._name
        with self._lock:
            retried(_TRIES, lambda: self._save_once(study, trial, name))

    def _save_once(self, study: Study, trial: FrozenTrial, name: str) -> None:
        is_there = name in self._experiments or self._store.exists(name)
        try:
            self._save(study, trial, name, is_there)
        except DocumentExistsError:
            if is_there:
                raise
            self._save(study, trial, name, True)  # another process made it meanwhile

    def _save(self, study: Study, trial: FrozenTrial, name: str, is_there: bool) -> None:
        # Whatever fails, the experiment is read again the next time, and what it lacks is saved then.
        experiment = self._experiments.pop(name, None)
        head = _head(study)
        if experiment is not None:
            self._save_in(experiment, head, [trial])
        elif is_there:
            experiment = self._store.load(name, lazy=True)
            self._check_is_of(experiment, study)
            saved = self._ended_in(experiment)
            self._save_in(experiment, head, [each for each in _ended(study, trial) if each.number not in saved])
        else:
            experiment = new_experiment(head, name, datetime.now(UTC))
            trials = _ended(study, trial)
            for each in trials:
                put_trial(experiment, each, self._writer.zone)
            message = self._message or message_for(trials)
            self._store.save(experiment, message=message, author=self._writer.author)
        self._experiments[name] = experiment

    def _save_in(self, experiment: Experiment, head: StudyHead, trials: list[FrozenTrial]) -> None:
        has_new_head = set_attributes(experiment, head)
        self._writer.save(experiment, trials, message=self._message, has_new_head=has_new_head)

    def _ended_in(self, experiment: Experiment) -> set[int]:
        """Return the numbers of the trials that have ended in *experiment*: an import may have found them running."""
        found = self._store.find(
            "experiment", part="trial", name=experiment.name, status=[TrialStatus.CANDIDATE, TrialStatus.RUNNING]
        )
        return set(experiment.trials) - {each.index for each in found}

    def _check_is_of(self, experiment: Experiment, study: Study) -> None:
        """Check that *experiment* is of *study*: the last trial that both have began at one time.

        Raises:
            DocumentExistsError: it is not.
        """
        stored = set(experiment.trials)
        last = next((each for each in reversed(study.get_trials(deepcopy=False)) if each.number in stored), None)
        if is_study(experiment) and (last is None or began(experiment.trials[last.number]) == last.datetime_start):
            return
        remedy = "It is of another study, or of none. Give record(store, name) another name."
        head = self._store.history(experiment.name or "")[0].number
        raise DocumentExistsError(experiment.name or "", kind="experiment", head=head, remedy=remedy)


def _head(study: Study) -> StudyHead:
    system_attrs = study._storage.get_study_system_attrs(study._study_id)
    return StudyHead(study.study_name, study.directions, study.user_attrs, system_attrs)


def _ended(study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
    """Return the trials of *study* that have ended, up to *trial* and with it: a later one is recorded by itself."""
    earlier = study.get_trials(deepcopy=False)[: trial.number]
    return [*(each for each in earlier if each.state.is_finished()), trial]
