"""What imports of other libraries share: the choice of experiments, and saving so that two imports are as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from docstore.documents import canonical
from docstore.documents.merge.three_way import merge
from docstore.errors import (
    Conflict,
    ConflictError,
    DatabaseError,
    DocstoreError,
    DocumentExistsError,
    InvalidValueError,
    MissingFileError,
)
from docstore.json_store.functions import dumps, loads
from docstore.model import Experiment
from docstore.registry.bundle import mapper_of
from docstore.verify.report import ImportReport

if TYPE_CHECKING:
    from docstore.store.store import Store

Each = TypeVar("Each")
D = TypeVar("D")


def chosen(names: Iterable[str] | None, available: Mapping[str, Each], what: str) -> list[Each]:
    """Return those of *available* that have one of *names*, in their order; all of them for None.

    Args:
        what: is available, for the error: ``"studies"``.

    Raises:
        InvalidValueError: there is none of one of *names*.
    """
    if names is None:
        return list(available.values())
    wanted = [names] if isinstance(names, str) else list(names)
    if missing := [name for name in wanted if name not in available]:
        has = ", ".join(map(repr, available)) or f"no {what}"
        raise InvalidValueError("names", missing[0], f"The source has {has}.")
    return [available[name] for name in wanted]


def check_database(url: sa.URL, table: str) -> None:
    """Check that there is a database with *table*: the library that owns it would make both.

    Raises:
        MissingFileError: there is no such file.
        ValueError: it has no such table.
        sqlalchemy.exc.SQLAlchemyError: it cannot be read.
    """
    check_database_file(url)
    engine = sa.create_engine(url)
    try:
        if not sa.inspect(engine).has_table(table):
            raise ValueError(f"it has no table {table!r}")
    finally:
        engine.dispose()


def check_database_file(url: sa.URL) -> None:
    """Check that there is the file of a SQLite database from which is imported.

    Raises:
        MissingFileError: there is none.
    """
    path = (url.get_backend_name() == "sqlite" and url.database) or ""
    if path and not path.startswith("file:") and not Path(path).is_file():
        raise MissingFileError(path, "there is no such database file")


def checked_zone(zone: tzinfo | str | None) -> tzinfo | None:
    """Return the time zone *zone*, by its name if it is a text.

    Raises:
        InvalidValueError: there is no such zone.
    """
    if zone is None or isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError) as error:
        raise InvalidValueError("zone", zone, "Give the name of a time zone, such as 'Europe/Vienna'.") from error


@dataclass(frozen=True)
class Importer:
    """Saves experiments of one source one by one, and reports what became of each.

    Attributes:
        message: of the versions that are saved, by which a later import knows them again.
        remedy: ends the error of a name that something else has: what that is not, and how it gets another name.
        report: what became of those that were saved so far.
    """

    store: Store
    message: str
    remedy: str
    author: str | None = None
    report: ImportReport = field(default_factory=ImportReport)

    def add(self, name: str, former: str, read: Callable[[Experiment | None], Experiment | None]) -> bool:
        """Save what *read* returns as the experiment *name*, and return whether there was something new.

        What was changed in the store since the last import is merged with it. A failure is in the report.

        Args:
            former: the name in the source.
            read: takes the experiment as it was imported last, or None, and returns it as it is in the source now;
                None if the source has another one under this name.

        Raises:
            DatabaseError: the source, or the store, cannot be read or written.
        """
        is_new = self.enter(name, lambda: self.save(name, read))
        if name != former and name not in self.report.failed:
            self.report.renamed[name] = former
        return is_new

    def enter(self, name: str, save: Callable[[], bool]) -> bool:
        """Return what *save* returns, whether there was something new, and enter it in the report; or its failure.

        Raises:
            DatabaseError: as *save*.
        """
        try:
            is_new = save()
        except DatabaseError:
            raise
        except DocstoreError as error:
            self.report.failed[name] = str(error)
            return False
        (self.report.imported if is_new else self.report.unchanged).append(name)
        return is_new

    def save(self, name: str, read: Callable[[D | None], D | None], *, kind: str = "experiment") -> bool:
        """Save what *read* returns as the document *name*, as ``add``, without a report.

        Raises:
            DocumentExistsError: the store has another document of the name, which was not imported.
            ConflictError: the source and the store changed the same place.
        """
        if not self.store.exists(name, kind=kind):
            self.store.save(read(None), message=self.message, author=self.author)
            return True
        versions = self.store.history(name, kind=kind)
        newest = versions[0].number
        imports = [version.number for version in reversed(versions) if version.message == self.message]
        other = DocumentExistsError(
            name, kind=kind, head=newest, remedy=f"{self.remedy}, or import into another project of the store."
        )
        if not imports:
            raise other
        stored: D = self.store.load(name, kind=kind, version=imports[-1])
        before = self._as_imported(name, kind, imports, stored)
        now = read(before)
        if now is None:
            raise other
        mine, conflicts = (now, ()) if before is stored else _merged(before, now, stored)
        if conflicts:
            raise ConflictError(name, kind=kind, yours=imports[-1], head=newest, places=conflicts)
        saved = self.store.save(mine, message=self.message, author=self.author, based_on=imports[-1])
        return saved.number > newest

    def _as_imported(self, name: str, kind: str, imports: Sequence[int], stored: D) -> D:
        """Return what the source had at the last of *imports*: *stored* without what was changed here before it.

        Cost:
            Two loads for each import since the first change here.
        """
        source: D | None = None
        for earlier, number in pairwise(imports):
            if source is None and number > earlier + 1:
                source = self.store.load(name, kind=kind, version=earlier)
            if source is not None:
                beside, after = (self.store.load(name, kind=kind, version=each) for each in (number - 1, number))
                source, _ = _merged(beside, source, after)
        return stored if source is None else source


def _merged(base: D, mine: D, theirs: D) -> tuple[D, tuple[Conflict, ...]]:
    """Return *base* with the changes of both, and the conflicts, where it has *mine*."""
    three = [canonical.loads(dumps(each)) for each in (base, mine, theirs)]
    merged, conflicts = merge(*three, keys=mapper_of().kind_of(theirs).of(three[2]).merge_keys)
    return loads(canonical.dumps(merged)), conflicts
