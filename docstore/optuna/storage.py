"""A storage of Optuna in a store: each study is an experiment, each finished trial one version of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import RLock
from typing import Any, Final
from uuid import uuid4

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.storages._base import DEFAULT_STUDY_NAME_PREFIX
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import Connection

from docstore import migrations
from docstore.documents.kinds import EXPERIMENT
from docstore.errors import DocumentExistsError, InvalidValueError, StoreError
from docstore.json_store.functions import dumps
from docstore.model import Experiment
from docstore.optuna.cache import StudyCache, split_id, trial_id_of
from docstore.optuna.studies import (
    KEY,
    StudyHead,
    document_name,
    new_experiment,
    set_system_attr,
    set_user_attr,
    study_head,
)
from docstore.optuna.trials import as_text, of_text
from docstore.optuna.writing import TrialWriter, retried
from docstore.search.conditions import q
from docstore.sql import optuna_tables
from docstore.sql.dialects import shown
from docstore.sql.optuna_tables import RunningRow
from docstore.sql.rows import id_named
from docstore.sql.transactions import Transactions
from docstore.store.connect import connect
from docstore.store.store import Store

UpdateFinishedTrialError: type[RuntimeError] = getattr(optuna.exceptions, "UpdateFinishedTrialError", RuntimeError)
"""What Optuna expects if a trial has ended; earlier releases of Optuna 4 have no error of their own for it."""

_TRIES: Final = 50
"""How often a save is tried in whose place another process saved first; one of them always succeeds."""


@dataclass
class _Study:
    """A study that this storage has looked at.

    Attributes:
        base: the experiment, as it was loaded lazily or saved, to save trials into it.
        base_version: its version, if that is known.
        mine: the running trials of this storage by number, with the time at which each was last written.
        ended: the numbers of those whose rows are still to be deleted.
        distributions: the first one of each parameter that this storage has set.
        others: the running trials of others by number, with the text that each was read from.
    """

    cache: StudyCache
    base: Experiment | None = None
    base_version: int | None = None
    mine: dict[int, tuple[FrozenTrial, float]] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)
    others: dict[int, tuple[str, FrozenTrial]] = field(default_factory=dict)


class Storage(BaseStorage, BaseHeartbeat):
    """A storage for ``optuna.create_study(storage=Storage(store))``, on any database of docstore.

    A study is an experiment of the name, as ``import_studies`` and ``record`` make it, and each trial that finishes is
    one version. What a running trial sets and reports stays in the memory of its process, and is written to a table
    beside the documents, ``optuna_running``, so that samplers and pruners of other processes see it: when the trial
    begins, and then not more often than every *visible_every* seconds. A process that is killed loses what its running
    trials have set since, and nothing else.

    Threads may share a storage, and each process has its own. A pickled one opens the database again. It holds the URL:
    a store whose URL has a password is refused, unless the storage was made with that URL.

    Args:
        store: a store, or a URL for ``docstore.connect``.
        author: of the versions; by default the store's.
        visible_every: a change of a running trial is written if the last one was written so many seconds ago, or more;
            with 0, each is.
        heartbeat_interval, grace_period, heartbeat_stale_trial_callback: as for Optuna's ``RDBStorage``: every so many
            seconds a running trial says that it is alive; after the grace period without that (by default, twice the
            interval), ``optimize`` in any process makes it fail, and calls the callback.
    """

    def __init__(
        self,
        store: Store | str,
        *,
        author: str | None = None,
        visible_every: float = 1.0,
        heartbeat_interval: int | None = None,
        grace_period: int | None = None,
        heartbeat_stale_trial_callback: Callable[[optuna.Study, FrozenTrial], None] | None = None,
    ) -> None:
        for thing, seconds in (("heartbeat_interval", heartbeat_interval), ("grace_period", grace_period)):
            if seconds is not None and seconds <= 0:
                raise InvalidValueError(thing, seconds, "Give a whole number of seconds above 0, or None.")
        self._url = store if isinstance(store, str) else None
        self._author, self._visible_every = author, visible_every
        self._heartbeat_interval, self._grace_period = heartbeat_interval, grace_period
        self._stale_trial_callback = heartbeat_stale_trial_callback
        self._open(connect(store) if isinstance(store, str) else store)

    def _open(self, store: Store) -> None:
        self._store, self._transactions = store, Transactions(store.engine, store.project)
        self._owner, self._lock = uuid4().hex, RLock()
        self._studies: dict[int, _Study] = {}
        migrations.ensure_for_optuna(store.engine)

    def __getstate__(self) -> dict[str, Any]:
        store, url = self._store, self._url
        if url is None:
            if store.engine.url.password is not None:
                call = f"Storage({shown(store.engine.url)!r})"
                raise StoreError(
                    f"a pickle would hold the password of the store's database. Make it by its URL: {call}"
                )
            url = store.engine.url.render_as_string()
        settings = {key: value for key, value in vars(self).items() if key not in _OPENED}
        return {**settings, "_url": url, "_project": store.project, "_store_author": store.author}

    def __setstate__(self, state: dict[str, Any]) -> None:
        project, author = state.pop("_project"), state.pop("_store_author")
        vars(self).update(state)
        self._open(connect(state["_url"], project=project, author=author))

    # --- studies -----------------------------------------------------------------------------------------------------

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Save the experiment of a new study, and return the study's number."""
        name = f"{DEFAULT_STUDY_NAME_PREFIX}{uuid4()}" if study_name is None else study_name
        experiment = new_experiment(StudyHead(name, directions), document_name(name), datetime.now().astimezone())
        try:
            self._store.save(experiment, message="a new study", author=self._author)
        except DocumentExistsError as error:
            raise DuplicatedStudyError(f"Another study with name '{name}' already exists.") from error
        return self.get_study_id_from_name(name)

    def delete_study(self, study_id: int) -> None:
        """Delete the experiment, so that ``Store.undelete`` brings it back."""
        with self._lock:
            study = self._study(study_id)
            self._read_head(study)
            self._store.delete(study.cache.name)
            self._write(lambda connection: optuna_tables.delete_all(connection, study_id))
            del self._studies[study_id]

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set a property of the experiment; a version of its own."""
        self._change_study(study_id, lambda experiment: set_user_attr(experiment, key, value))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's own; a version of its own."""
        self._change_study(study_id, lambda experiment: set_system_attr(experiment, key, value))

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the number of a study, which its experiment gets when it is first asked for."""
        with self._transactions.reading() as connection:
            document = id_named(connection, self._store.project, EXPERIMENT.name, document_name(study_name))
            if document is None:
                raise KeyError(f"No such study {study_name}.")
            found = optuna_tables.study_of(connection, document)
        return found or self._write(lambda connection: optuna_tables.add_study(connection, document))

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of the experiment, but for a study without a name."""
        return self._frozen(self._study(study_id)).study_name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return the directions of the objectives."""
        return self._frozen(self._study(study_id)).directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the properties of the experiment."""
        return self._frozen(self._study(study_id)).user_attrs

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the attributes that Optuna has set."""
        return self._frozen(self._study(study_id)).system_attrs

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return each experiment that was made from a study of Optuna."""
        found = self._store.find(kind=EXPERIMENT.name, where=q(f"/properties/{KEY}").exists())
        ids = [self.get_study_id_from_name(name) for name in found.names()]
        return [self._frozen(self._study(study_id)) for study_id in sorted(ids)]

    def _study(self, study_id: int) -> _Study:
        with self._lock:
            if study_id not in self._studies:
                with self._transactions.reading() as connection:
                    document = optuna_tables.document_of(connection, study_id)
                if document is None:
                    raise KeyError(f"No study with study_id={study_id} exists.")
                study = self._studies[study_id] = _Study(StudyCache(study_id, document))
                self._save_left_over(study)
            return self._studies[study_id]

    def _save_left_over(self, study: _Study) -> None:
        """Save what a process that was killed had added as finished, or to wait, but not saved."""
        study_id = study.cache.study_id
        with self._transactions.reading() as connection:
            rows = optuna_tables.rows_of(connection, study_id)
        for row in rows:
            trial = of_text(row.state, row.number, trial_id_of(study_id, row.number))
            if trial.state is not TrialState.RUNNING:
                with suppress(UpdateFinishedTrialError):
                    self._save(study, trial, row.owner)

    def _read_head(self, study: _Study) -> None:
        with self._transactions.reading() as connection:
            study.cache.read_head(connection)

    def _frozen(self, study: _Study) -> FrozenStudy:
        with self._lock:
            self._read_head(study)
            head = study_head(study.cache.head)
            name = head.name if document_name(head.name) == study.cache.name else study.cache.name
            attrs = dict(head.user_attrs), dict(head.system_attrs)
            return FrozenStudy(name, None, *attrs, study.cache.study_id, directions=head.directions)

    def _change_study(self, study_id: int, change: Callable[[Experiment], bool]) -> None:
        """Save what *change* does to the experiment; of two who set one attribute at once, the later one wins."""
        with self._lock:
            study = self._study(study_id)

            def save() -> None:
                self._read_head(study)
                experiment = self._store.load(study.cache.name, lazy=True)
                study.base = None
                if change(experiment):
                    self._store.save(experiment, parts=[], message="attributes of the study", author=self._author)

            retried(_TRIES, save)

    # --- trials ------------------------------------------------------------------------------------------------------

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Take the next number of the study for a trial, and return the trial's id.

        A trial that runs gets a row; one that waits, or has ended, is a version of the experiment.
        """
        trial = _new_trial() if template_trial is None else copy.deepcopy(template_trial)
        text = as_text(trial)
        with self._lock:
            study = self._study(study_id)
            self._read_head(study)

            def begin(connection: Connection) -> int:
                number = optuna_tables.next_number(connection, study_id, study.cache.document)
                optuna_tables.insert(connection, RunningRow(study_id, number, self._owner, text))
                optuna_tables.delete(connection, study_id, study.ended, self._owner)
                return number

            number = self._transactions.writing(begin, lambda connection, done: self._owns(connection, study_id, done))
            study.ended.clear()
            trial._trial_id, trial.number = trial_id_of(study_id, number), number
            if trial.state is TrialState.RUNNING:
                study.mine[number] = trial, time.monotonic()
                self._note_distributions(study, trial)
            else:
                self._save(study, trial)
            return trial._trial_id

    def _owns(self, connection: Connection, study_id: int, number: int) -> bool:
        return any(row.owner == self._owner for row in optuna_tables.rows_of(connection, study_id, [number]))

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Set a parameter of a trial that has not ended."""
        with self._lock:
            study, trial = self._unfinished(trial_id)
            known = study.distributions.get(param_name) or study.cache.distributions.get(param_name)
            if known is not None:
                check_distribution_compatibility(known, distribution)
            trial.params = {**trial.params, param_name: distribution.to_external_repr(param_value_internal)}
            trial.distributions = {**trial.distributions, param_name: distribution}
            self._keep(study, trial)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Set the state of a trial; one that finishes is saved as a version of the experiment."""
        with self._lock:
            study, trial = self._unfinished(trial_id)
            was, trial.state = trial.state, state
            if values is not None:
                trial.values = values
            if state is TrialState.RUNNING:
                return was is TrialState.WAITING and self._take(study, trial)
            if state.is_finished():
                trial.datetime_complete = datetime.now()
            self._save(study, trial)
            return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Report a value of a trial that has not ended."""
        with self._lock:
            study, trial = self._unfinished(trial_id)
            trial.intermediate_values = {**trial.intermediate_values, step: intermediate_value}
            self._keep(study, trial)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of a trial that has not ended; EncodeError if it cannot be stored."""
        dumps(value)
        with self._lock:
            study, trial = self._unfinished(trial_id)
            trial.user_attrs = {**trial.user_attrs, key: value}
            self._keep(study, trial)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's own of a trial that has not ended."""
        dumps(value)
        with self._lock:
            study, trial = self._unfinished(trial_id)
            trial.system_attrs = {**trial.system_attrs, key: value}
            self._keep(study, trial)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial; one of this storage that runs comes from memory."""
        study_id, number = split_id(trial_id)
        with self._lock:
            try:
                study = self._study(study_id)
                if number in study.mine:
                    return study.mine[number][0]
                stored = study.cache.trials.get(number)
                if stored is None or not stored.state.is_finished():
                    stored = self._trials(study).get(number)
            except KeyError:
                stored = None
        if stored is None:
            raise KeyError(f"No trial with trial_id {trial_id} exists.")
        return stored

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a study by number: those of the experiment, and those that run."""
        with self._lock:
            found = self._trials(self._study(study_id))
            trials = [found[number] for number in sorted(found) if states is None or found[number].state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def remove_session(self) -> None:
        """Write what is only in memory, and delete the rows of trials that have ended; ``optimize`` calls it."""
        with self._lock:
            for study in self._studies.values():
                if study.mine or study.ended:
                    self._write(partial(self._tidy_up, study))
                    study.ended.clear()

    def _tidy_up(self, study: _Study, connection: Connection) -> None:
        optuna_tables.delete(connection, study.cache.study_id, study.ended, self._owner)
        for number, (trial, _) in study.mine.items():
            optuna_tables.update(connection, RunningRow(study.cache.study_id, number, self._owner, as_text(trial)))

    # --- running trials ----------------------------------------------------------------------------------------------

    def _trials(self, study: _Study) -> dict[int, FrozenTrial]:
        """Return all trials by number, as of now."""
        cache = study.cache
        with self._transactions.reading() as connection:
            cache.read(connection)
            rows = optuna_tables.rows_of(connection, cache.study_id)
        for number in [number for number in study.mine if _has_finished(cache, number)]:
            del study.mine[number]  # another process ended it
        others = {row.number: row for row in rows if row.number not in study.mine}
        study.others = {
            number: self._other(study, row) for number, row in others.items() if not _has_finished(cache, number)
        }
        mine = {number: trial for number, (trial, _) in study.mine.items()}
        return cache.trials | {number: trial for number, (_, trial) in study.others.items()} | mine

    def _other(self, study: _Study, row: RunningRow) -> tuple[str, FrozenTrial]:
        known = study.others.get(row.number)
        if known is not None and known[0] == row.state:
            return known
        return row.state, of_text(row.state, row.number, trial_id_of(row.study_id, row.number))

    def _unfinished(self, trial_id: int) -> tuple[_Study, FrozenTrial]:
        """Return a trial that has not ended, as a copy whose attributes can be set, with its study."""
        trial = self.get_trial(trial_id)
        if trial.state.is_finished():
            raise UpdateFinishedTrialError(f"Trial#{trial.number} has already finished and can not be updated.")
        return self._study(split_id(trial_id)[0]), copy.copy(trial)

    def _keep(self, study: _Study, trial: FrozenTrial) -> None:
        """Keep a trial that was changed: in memory if it runs here, else where it is stored."""
        self._note_distributions(study, trial)
        number = trial.number
        if number in study.mine:
            written = study.mine[number][1]
            is_due = time.monotonic() - written >= self._visible_every
            study.mine[number] = trial, time.monotonic() if is_due else written
            if not is_due:
                return
        if trial.state is TrialState.WAITING:
            self._save(study, trial)
            return
        row = RunningRow(study.cache.study_id, number, self._owner, as_text(trial))
        self._write(lambda connection: optuna_tables.update(connection, row))

    def _take(self, study: _Study, trial: FrozenTrial) -> bool:
        """Let a waiting trial run here; return False if another process took it."""
        trial.datetime_start = datetime.now()
        row = RunningRow(study.cache.study_id, trial.number, self._owner, as_text(trial))

        def take(connection: Connection) -> bool:
            study.cache.read(connection)  # this locks the experiment: nobody ends the trial from here on
            there = optuna_tables.rows_of(connection, row.study_id, [row.number])
            is_taken = any(of_text(each.state, 0, 0).state is not TrialState.WAITING for each in there)
            if is_taken or _has_finished(study.cache, row.number):
                return False
            for each in there:
                optuna_tables.delete(connection, row.study_id, [row.number], each.owner)
            optuna_tables.insert(connection, row)
            return True

        is_taken = self._transactions.writing(
            take, lambda connection, _: self._owns(connection, row.study_id, row.number)
        )
        if is_taken:
            study.mine[trial.number] = trial, time.monotonic()
        return is_taken

    def _save(self, study: _Study, trial: FrozenTrial, owner: str = "") -> None:
        """Save a trial that has ended, or waits, as a version of the experiment, unless it has ended there.

        Args:
            owner: of its row, if that is not this storage.

        Raises:
            UpdateFinishedTrialError: it has ended, and another process has saved it.
        """
        writer = TrialWriter(self._store, self._author, on_conflict="error")

        def save() -> None:
            experiment = self._current_experiment(study)
            if _has_finished(study.cache, trial.number):
                study.mine.pop(trial.number, None)
                raise UpdateFinishedTrialError(f"Trial#{trial.number} has already finished and can not be updated.")
            study.base = None
            saved = writer.save(experiment, [trial])
            study.base, study.base_version = experiment, None if saved is None else saved.number

        retried(_TRIES, save)
        study.mine.pop(trial.number, None)
        if trial.state.is_finished():
            study.ended.add(trial.number)
        else:
            # A trial that waits has no row, so that whoever takes it inserts one.
            row = [trial.number], owner or self._owner
            self._write(lambda connection: optuna_tables.delete(connection, study.cache.study_id, *row))

    def _current_experiment(self, study: _Study) -> Experiment:
        """Return the experiment to save into, loaded before the cache is read: a later save of others is a conflict."""
        with self._transactions.reading() as connection:
            study.cache.read(connection)
        if study.base is not None and study.base_version == study.cache.version:
            return study.base
        experiment = self._store.load(study.cache.name, lazy=True)
        with self._transactions.reading() as connection:
            study.cache.read(connection)
        return experiment

    def _note_distributions(self, study: _Study, trial: FrozenTrial) -> None:
        for name, distribution in trial.distributions.items():
            study.distributions.setdefault(name, distribution)

    def _write(self, work: Callable[[Connection], Any]) -> Any:
        """Do *work* in a transaction; done twice, it has the same effect."""
        return self._transactions.writing(work, lambda *_: False)

    # --- heartbeats --------------------------------------------------------------------------------------------------

    def record_heartbeat(self, trial_id: int) -> None:
        """Note that the process of a running trial is alive."""
        self._write(lambda connection: optuna_tables.hear_of(connection, *split_id(trial_id)))

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        if self._heartbeat_interval is None:
            return []
        grace = self._grace_period or 2 * self._heartbeat_interval
        with self._lock, self._transactions.reading() as connection:
            cache = self._study(study_id).cache
            cache.read(connection)
            numbers = optuna_tables.unheard_of(connection, study_id, grace)
        return [trial_id_of(study_id, number) for number in numbers if not _has_finished(cache, number)]

    def get_heartbeat_interval(self) -> int | None:
        """Return the seconds between two heartbeats, or None."""
        return self._heartbeat_interval

    def get_heartbeat_stale_trial_callback(self) -> Callable[[optuna.Study, FrozenTrial], None] | None:
        """Return the function that is called with a trial that was made to fail, or None."""
        return self._stale_trial_callback

    def get_failed_trial_callback(self) -> Callable[[optuna.Study, FrozenTrial], None] | None:
        """Return the same; Optuna before 4.9 asks so."""
        return self._stale_trial_callback


_OPENED: Final = {"_store", "_transactions", "_owner", "_lock", "_studies"}
"""The attributes that ``Storage._open`` sets."""


def _new_trial() -> FrozenTrial:
    return FrozenTrial(
        number=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=datetime.now(),
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
        trial_id=-1,
    )


def _has_finished(cache: StudyCache, number: int) -> bool:
    return number in cache.trials and cache.trials[number].state.is_finished()
