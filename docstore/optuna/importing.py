"""Import studies of Optuna: of its databases, its journal files, or any of its storages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial

from docstore.errors import DatabaseError, MissingFileError
from docstore.model import Experiment
from docstore.optuna.studies import (
    Layout,
    StudyHead,
    add_intermediate_metric,
    add_parameters,
    document_name,
    new_experiment,
    study_head,
)
from docstore.optuna.trials import put_encoded
from docstore.progress import Progress, Report, reporting
from docstore.sql.dialects.urls import parse, redacted, without_password
from docstore.store.importing import Importer, ImportReport, check_database, checked_zone, chosen

if TYPE_CHECKING:
    from docstore.store.store import Store

MESSAGE: Final = "imported from Optuna"
"""The message of the versions that ``import_studies`` saves, by which it knows them again."""

_REMEDY: Final = "It is not this study as it was imported before. Give prefix="


def import_studies(
    store: Store,
    source: str | PathLike[str] | BaseStorage,
    *,
    names: Iterable[str] | None = None,
    prefix: str = "",
    zone: tzinfo | str | None = None,
    author: str | None = None,
    progress: bool | Report = False,
) -> ImportReport:
    """Save studies of Optuna in *store*, each as an experiment of the light model, and report what became of each.

    Called again, after an interruption or while the study goes on, it saves what is new as one further version, merged
    with what was saved in the store meanwhile; if nothing is new, there is none. A study that fails is reported, and
    the next one follows. ``export_study`` gives back an equal study.

    Args:
        source: the URL of a database of Optuna, the path of a journal file, or a storage object of Optuna.
        names: of the studies; None for all.
        prefix: what the names of the experiments begin with, for studies that have one name in two sources.
        zone: the time zone of the times in the source, ``"Europe/Vienna"``: Optuna stores naive local time of the
            machine that ran a trial. By default the zone of this machine.
        author: of the versions.
        progress: as for ``Store.verify``: told after each study.

    Raises:
        MissingFileError: there is no such file.
        DatabaseError: the source, or the store, cannot be read; or the source is no database of Optuna.
        InvalidValueError: there is no study of one of *names*, or no such zone.

    Cost:
        A read of each study by Optuna, an encoding of all its trials, and a read of the experiment if there is one.
    """
    clock = checked_zone(zone)
    opened = open_source(source)
    try:
        studies = chosen(names, {study.study_name: study for study in opened.get_all_studies()}, "studies")
        importer = Importer(store, MESSAGE, _REMEDY, author)
        with reporting(progress, "studies") as tell:
            for number, study in enumerate(studies, 1):
                name = document_name(study.study_name, prefix)
                importer.add(name, study.study_name, _Reader(opened, study, name, clock).read)
                tell(Progress(number, len(studies), name))
        return importer.report
    finally:
        if opened is not source and isinstance(opened, RDBStorage):
            opened.remove_session()
            opened.engine.dispose()


def open_source(source: str | PathLike[str] | BaseStorage) -> BaseStorage:
    """Return the storage at a URL or the path of a journal, which has to exist; a storage object as it is.

    Raises:
        MissingFileError: there is no such file.
        InvalidValueError: it is no URL of a database.
        DatabaseError: it cannot be read, or is no database of Optuna.
    """
    if isinstance(source, BaseStorage):
        return source
    if not isinstance(source, str) or "://" not in source:
        if not Path(source).is_file():
            raise MissingFileError(str(source), "there is no such journal file. A URL has '://', as in sqlite:///a.db")
        try:
            return JournalStorage(JournalFileBackend(str(source)))
        except Exception as error:  # what a line gives that is no JSON, or none of Optuna's: half a dozen classes
            raise DatabaseError(f"{source}: it is no journal of Optuna, or it is damaged: {error!r}") from error
    url = parse(source)
    try:
        check_database(url, "version_info")
        return RDBStorage(source, skip_table_creation=True)
    except MissingFileError:
        raise
    except Exception as error:  # of SQLAlchemy, of its drivers, and Optuna's RuntimeError for another schema
        said = without_password(str(error), url)
        # The driver's own error may quote the password.
        raise DatabaseError(f"{redacted(url)}: Optuna cannot read it: {said}") from None


# --- one study -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reader:
    """Reads one study; *zone* is that of the times in the source, None for that of this machine."""

    storage: BaseStorage
    study: FrozenStudy
    name: str
    zone: tzinfo | None

    def read(self, before: Experiment | None) -> Experiment | None:
        """Return the experiment *name* of the study; None if *before* is not an earlier state of it."""
        study = self.study
        trials = self.storage.get_all_trials(study._study_id, deepcopy=False)
        head = StudyHead(study.study_name, study.directions, study.user_attrs, study.system_attrs)
        time_created = datetime.now(UTC) if before is None else before.time_created
        now = _experiment(head, trials, self.name, time_created, self.zone)
        if before is None:
            return now
        if not _goes_on(before, now):
            return None
        layout = Layout.of(now)
        for number, arm_name in _kept_names(before, now).items():
            put_encoded(now, trials[number], layout, self.zone, arm_name)
        return now


def _experiment(
    head: StudyHead, trials: Sequence[FrozenTrial], name: str, time_created: datetime, zone: tzinfo | None
) -> Experiment:
    """Return the experiment of a study; what it is depends only on the study, and on when it was first imported."""
    experiment = new_experiment(head, name, time_created)
    for frozen in trials:
        add_parameters(experiment, frozen.distributions)
        if frozen.intermediate_values:
            add_intermediate_metric(experiment)
    layout = Layout.of(experiment)
    for frozen in trials:
        put_encoded(experiment, frozen, layout, zone)
    return experiment


def _goes_on(before: Experiment, now: Experiment) -> bool:
    """Return whether *now* is a later state of the same study: a trial that had ended is as it was then."""
    if study_head(before).name != study_head(now).name:
        return False  # a prefix, or a name that was cut, made one name of two
    for index, trial in before.trials.items():
        if trial.status.is_terminal and (index not in now.trials or _when(now.trials[index]) != _when(trial)):
            return False
    return True


def _when(trial: Any) -> tuple[Any, ...]:
    """Return the status and the times of a trial, as clocks showed them: they hold whatever the zone is said to be."""
    times = (trial.time_run_started, trial.time_completed)
    return trial.status, *(None if time is None else time.replace(tzinfo=None) for time in times)


def _kept_names(before: Experiment, now: Experiment) -> dict[int, str]:
    """Return the names that arms of *now* keep from *before*, by trial: in a merge an arm got the name of an equal one.

    It does not keep the name if one of the two has other parameters now.
    """
    arms = {index: trial.arm for index, trial in now.trials.items()}
    named = {arm.name: arm for arm in arms.values()}
    former = {index: trial.arm for index, trial in before.trials.items() if index in arms}
    return {
        index: arm.name
        for index, arm in former.items()
        if arm.name != arms[index].name and arm.signature == arms[index].signature == named.get(arm.name, arm).signature
    }
