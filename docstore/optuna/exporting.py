"""Export an experiment as a study of Optuna, trial by trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from docstore.errors import InvalidValueError
from docstore.model import Experiment
from docstore.optuna.parameters import index_of
from docstore.optuna.studies import Layout, StudyHead, study_head
from docstore.optuna.trials import frozen_trial, observed
from docstore.progress import Progress, Report, reporting

if TYPE_CHECKING:
    from docstore.store.store import Store

MISSING: Final = "docstore:missing"
"""The system attribute of a failed trial that stands for a number that the experiment has no trial of."""


def export_study(
    store: Store,
    name: str,
    target: str | PathLike[str] | BaseStorage,
    *,
    study_name: str | None = None,
    progress: bool | Report = False,
) -> Study:
    """Write an experiment into a storage of Optuna as a new study, and return that.

    A study that was imported, recorded or stored comes back with each attribute of each trial. Of any other experiment,
    the trials have one arm, and the objective is one metric, or several. Trials keep their numbers: where the
    experiment lacks one, a failed trial stands for it, with the system attribute ``docstore:missing``.

    Args:
        target: the URL of a database, which is made if it is missing; the path of a journal file; or a storage object.
        study_name: by default that of the study which was imported, or else the experiment's.
        progress: as for ``Store.verify``: told after each trial.

    Raises:
        InvalidValueError: *target* has a study of this name; or Optuna cannot express the experiment.
        DocumentNotFoundError, DamagedDocumentError: as ``Store.load``.

    Cost:
        A load, and Optuna's own time to add each trial. If it fails, the study is deleted again.
    """
    experiment = store.load(name)
    if not isinstance(experiment, Experiment):
        raise InvalidValueError("name", name, "It is an experiment of Ax's own classes, which Optuna cannot express.")
    head, trials = study_head(experiment), list(_trials(experiment))
    storage = _opened(target)
    new_name = head.name if study_name is None else study_name
    study_id = _create(storage, head, new_name)
    try:
        for key, value in head.user_attrs.items():
            storage.set_study_user_attr(study_id, key, value)
        for key, value in head.system_attrs.items():
            storage.set_study_system_attr(study_id, key, value)
        with reporting(progress, "trials") as tell:
            for done, trial in enumerate(trials, 1):
                _add(storage, study_id, trial)
                tell(Progress(done, len(trials), name))
    except BaseException:
        storage.delete_study(study_id)
        raise
    return optuna.load_study(study_name=new_name, storage=storage)


def _add(storage: BaseStorage, study_id: int, trial: FrozenTrial) -> None:
    """Add *trial* to the study.

    Raises:
        InvalidValueError: Optuna refuses it: a database takes one kind of distribution for each parameter.
    """
    try:
        storage.create_new_trial(study_id, _for(storage, trial))
    except ValueError as error:
        remedy = f"Optuna cannot write it to this target: {error} A journal file takes more than a database."
        raise InvalidValueError(f"trial {trial.number}", trial.params, remedy) from error


def _opened(target: str | PathLike[str] | BaseStorage) -> BaseStorage:
    if isinstance(target, BaseStorage):
        return target
    if isinstance(target, str) and "://" in target:
        return get_storage(RDBStorage(target))
    return JournalStorage(JournalFileBackend(str(target)))


def _create(storage: BaseStorage, head: StudyHead, name: str) -> int:
    try:
        return storage.create_new_study(list(head.directions), name)
    except DuplicatedStudyError as error:
        raise InvalidValueError("study_name", name, "The target has such a study: give study_name=.") from error


def _trials(experiment: Experiment) -> Iterator[FrozenTrial]:
    """Yield a trial for each number from 0 to the last one."""
    layout = Layout.of(experiment)
    for number in range(max(experiment.trials, default=-1) + 1):
        if number in experiment.trials:
            yield frozen_trial(experiment.trials[number], observed(experiment, number), layout, number)
        else:
            yield optuna.trial.create_trial(state=TrialState.FAIL, system_attrs={MISSING: True})


# --- choices that are equal ------------------------------------------------------------------------------------------


def _for(storage: BaseStorage, trial: FrozenTrial) -> FrozenTrial:
    """Return *trial* so that *storage* takes the choice that is meant: it looks for the first one that is equal.

    Storages keep the index of a choice, but for InMemoryStorage, which keeps the value itself.
    """
    chosen = {
        name: distribution
        for name, distribution in trial.distributions.items()
        if isinstance(distribution, CategoricalDistribution)
        and distribution.to_internal_repr(trial.params[name]) != index_of(distribution, trial.params[name])
    }
    if not chosen or isinstance(storage, InMemoryStorage):
        return trial
    meant = {name: _Meant(each.choices[index_of(each, trial.params[name])]) for name, each in chosen.items()}
    trial.params = {**trial.params, **meant}
    return trial


@dataclass(frozen=True, eq=False)
class _Meant:
    """A choice that equals no other one: 1 is not True."""

    choice: Any

    def __eq__(self, other: object) -> bool:
        return self.choice is other

    __hash__ = None  # type: ignore[assignment]  # it is only looked for in a tuple
