"""What imports of other libraries share: saving so that two imports are as one, and ImportReport, what they return."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from docstore.documents import canonical
from docstore.documents.arguments import LONGEST_NAME
from docstore.documents.canonical import ABSENT
from docstore.documents.digests import bodies_of
from docstore.documents.history import Version
from docstore.documents.kinds import EXPERIMENT
from docstore.documents.merge.three_way import merge
from docstore.documents.merge.trials import TRIALS, collisions
from docstore.errors import (
    Conflict,
    ConflictError,
    DatabaseError,
    DocstoreError,
    DocumentExistsError,
    InvalidValueError,
    VersionNotFoundError,
)
from docstore.json_store.functions import dumps, loads
from docstore.model import Experiment
from docstore.registry.bundle import mapper_of
from docstore.sql.dialects.urls import check_database_file
from docstore.sql.reader import read_pieces

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


def name_here(name: str) -> str:
    """Return *name* as a document can have it: one that is too long is cut, and ends in a digest of the whole."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]} {digest}"


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


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of each experiment that was to be imported, by the names that they have in the store.

    Attributes:
        imported: saved now: new, or with what was added to the source since the last import.
        unchanged: imported before, and as they were then.
        failed: why each of the others was not saved.
        renamed: the name in the source, of each that has another name here.
        left_out: what was left out of those that were saved, in words.
    """

    imported: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.imported)} imported, {len(self.unchanged)} unchanged, {len(self.failed)} failed"]
        lines += [f"{name!r} is called {former!r} in the source" for name, former in self.renamed.items()]
        lines += [f"{name!r} is without {what}" for name, each in self.left_out.items() for what in each]
        lines += [f"{name!r} failed: {reason}" for name, reason in self.failed.items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Importer:
    """Saves experiments of one source one by one, and reports what became of each.

    Attributes:
        message: of the versions that are saved, by which a later import knows them again.
        remedy: ends the error of a name that something else has: what that is not, and how it gets another name.
        report: what became of those that were saved so far.
        keeps_numbers: whether a trial is known again by its number, which it has to have in the store, too.
    """

    store: Store
    message: str
    remedy: str
    author: str | None = None
    report: ImportReport = field(default_factory=ImportReport)
    keeps_numbers: bool = True

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
            DocumentExistsError: the store has another document of the name, which was not imported; or an import that
                this one needs was folded by ``compact``.
            ConflictError: the source and the store changed the same place, or added two trials with one number.
        """
        if not self.store.exists(name, kind=kind):
            self.store.save(read(None), message=self.message, author=self.author)
            return True
        versions = self.store.history(name, kind=kind)
        newest = versions[0].number
        imports = [version.number for version in reversed(versions) if version.message == self.message]
        try:
            saved = self._save_again(name, kind, imports, read) if imports else None
        except VersionNotFoundError as error:
            remedy = (
                f"compact() folded its version {error.wanted}. The import needs it, to tell what is new in the source "
                f"from what was changed here. Import it under another name, or into another project of the store; "
                f"versions with a tag are not folded."
            )
            raise DocumentExistsError(name, kind=kind, head=newest, remedy=remedy) from error
        except ConflictError as error:
            raise _import_conflict(error, imports[-1]) from error
        if saved is None:
            remedy = f"{self.remedy}, or import into another project of the store."
            raise DocumentExistsError(name, kind=kind, head=newest, remedy=remedy)
        return saved.number > newest

    def _save_again(
        self, name: str, kind: str, imports: Sequence[int], read: Callable[[D | None], D | None]
    ) -> Version | None:
        """Save what is new since *imports*; return None if *read* does.

        Raises:
            VersionNotFoundError: one of them was folded.
            ConflictError: as ``save``.
        """
        stored: D = self.store.load(name, kind=kind, version=imports[-1])
        before = self._as_imported(name, kind, imports, stored)
        now = read(before)
        if now is None:
            return None
        mine, conflicts = (now, ()) if before is stored else self._merged(before, now, stored)
        if not conflicts and self.keeps_numbers and kind == EXPERIMENT.name:
            conflicts = self._taken(name, stored, mine)
        if conflicts:
            head = self.store.version(name, kind=kind).number
            raise ConflictError(name, kind=kind, yours=imports[-1], head=head, places=conflicts)
        return self.store.save(mine, message=self.message, author=self.author, based_on=imports[-1])

    def _taken(self, name: str, stored: Any, mine: Any) -> list[Conflict]:
        """Return the trials that are new in *mine* and whose numbers other trials in the store have."""
        context = self.store._context
        new = {TRIALS.path(str(index)) for index in mine.trials.keys() - stored.trials.keys()}
        with context.transactions.reading() as connection:
            theirs, _ = read_pieces(connection, context.transactions.head(connection, EXPERIMENT.name, name), new)
        if not theirs:
            return []
        pieces = bodies_of(context.mapper().document(mine).pieces)
        base = {TRIALS.path(str(index)) for index in stored.trials}
        taken = map(TRIALS.path, map(str, collisions(base, pieces, theirs)))
        return [Conflict(path, ABSENT, pieces[path], theirs[path]) for path in taken]

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
                source, _ = self._merged(beside, source, after)
        return stored if source is None else source

    def _merged(self, base: D, mine: D, theirs: D) -> tuple[D, Sequence[Conflict]]:
        """Return *base* with the changes of both, and the conflicts, where it has *mine*."""
        bundle = self.store._context.bundle
        three = [canonical.loads(dumps(each, bundle)) for each in (base, mine, theirs)]
        merged, conflicts = merge(*three, keys=mapper_of(bundle).kind_of(theirs).of(three[2]).merge_keys)
        return loads(canonical.dumps(merged), bundle), conflicts


def _import_conflict(error: ConflictError, imported: int) -> ConflictError:
    """Return the error of a save as that of an import, which has another remedy."""
    name, kind, places = error.name, error.kind, error.places
    pointers = ", ".join(place.pointer or "all of it" for place in places)
    remedy = (
        f"since version {imported}, which was imported last, the source and the store both changed {pointers}. Save it "
        f"with what the source has there, and import again. A trial of your own whose number the source has given to "
        f"another one can be kept in a branch(); remove it here."
    )
    return ConflictError(name, kind=kind, yours=imported, head=error.head, places=places, remedy=remedy)
