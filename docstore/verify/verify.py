"""Verify documents: the rows, history and tags of each; then rows without a document, and the database's check."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON
from docstore.errors import UnreadableError, short_repr
from docstore.progress import Report, Tally
from docstore.sql import rows, tagging
from docstore.sql.column_checks import CodeNames
from docstore.sql.dialects import backend_of
from docstore.sql.paging import project_of
from docstore.sql.rows import HeadRow
from docstore.sql.tables import metadata, tags, versions
from docstore.verify import statements
from docstore.verify.damage import Damage, RowKey, Subject
from docstore.verify.full_states import damaged_states
from docstore.verify.history import History
from docstore.verify.rows import CurrentState, Decode, RowCheck
from docstore.verify.statements import Unread

T = TypeVar("T")

_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How documents are verified.

    Attributes:
        decode: makes an object of a document, or raises a DecodeError; None to make none.
        report: is called with the progress.
    """

    decode: Decode | None
    report: Report


def find_damage(
    connection: Connection, project: str, id: str | None, kind: str | None, options: VerifyOptions
) -> Iterator[Damage]:
    """Yield each damage of the document with this *id*, of all documents of *kind*, or of the whole *project*.

    For a whole project, also rows whose document has no head, and the findings of the database's own integrity check,
    which may end the transaction.

    Cost:
        A read of everything; for a whole project also the database's own check. For each version, time in proportion to
        its changes; with *decode*, to the document. Memory for a document, a copy of it, and a page of rows.
    """
    names = yield from _tried(project, "codes", lambda: _names(connection), None)
    ids = [id] if id is not None else []
    if id is None:
        ids = yield from _tried(project, "documents", lambda: statements.ids(connection, project, kind), ids)
    counts = yield from _tried(project, "versions", lambda: statements.counts(connection, project), dict[str, int]())
    done = _Done(sum(counts.get(each, 0) for each in ids), options.report)
    for each in ids:
        yield from _Verification(connection, project, names, options, done).document(each)
        done.document(counts.get(each, 0))
    for column, value, name in sorted(done.missing_codes):
        problem = f"its row is missing: documents have the integer for {name!r}"
        key = RowKey((("column", column), ("value", value)))
        yield Damage(_UNKNOWN, project, "codes", f"{column} {value}", problem, key)
    if id is None and kind is None:
        left = yield from _tried(project, "documents", lambda: list(_orphans(connection, project)), list[Damage]())
        yield from left
        yield from _faults(connection, project)


def _tried(project: str, table: str, read: Callable[[], T], otherwise: T) -> Generator[Damage, None, T]:
    """Return the result of *read*; if *table* is unreadable, yield that and return *otherwise*."""
    try:
        return read()
    except UnreadableError as error:
        yield Damage(_UNKNOWN, project, table, "its rows", str(error))
        return otherwise


def _faults(connection: Connection, project: str) -> Iterator[Damage]:
    """Yield the findings of the database's own integrity check, such as a row that an index lacks."""
    try:
        with statements.reading(connection):
            for fault in backend_of(connection).faults(connection, [table.name for table in metadata.sorted_tables]):
                yield Damage(_UNKNOWN, project, fault.table, fault.where, fault.problem)
    except UnreadableError as error:
        yield Damage(_UNKNOWN, project, "(any)", "the database file", str(error))


def _names(connection: Connection) -> CodeNames | None:
    with statements.reading(connection):
        return {(column, value): name for column, value, name in rows.code_rows(connection)}


class _Done(Tally):
    """Counts the verified versions, and collects the rows that ``codes`` lacks."""

    def __init__(self, total: int, report: Report) -> None:
        super().__init__(total, report)
        self.missing_codes: set[tuple[str, int, str]] = set()


def _readable(subject: Subject, table: str, damages: Iterator[Damage]) -> Iterator[Damage]:
    """Yield *damages*; if the keys of rows of *table* are unreadable, end with that damage."""
    try:
        yield from damages
    except UnreadableError as error:
        yield subject.rows(table, str(error))


class _Verification:
    """Verifies one document after the other."""

    def __init__(
        self, connection: Connection, project: str, names: CodeNames | None, options: VerifyOptions, done: _Done
    ) -> None:
        self._connection, self._project, self._names, self._done = connection, project, names, done
        self._decode = options.decode

    def document(self, id: str) -> Iterator[Damage]:
        """Yield each damage of the document with this id."""
        try:
            with statements.reading(self._connection):
                head = rows.head_of(self._connection, id)
        except UnreadableError as error:
            yield self._subject(id).head(str(error))
            return
        if head is None:  # though it was listed in the same transaction
            yield self._subject(id).head(f"its id {short_repr(id)} was not made by docstore")
            return
        subject = Subject(head.kind, head.name, id)
        self._done.begin(head.name)
        yield from _readable(subject, "names", self._named(subject, head))
        now = yield from self._pieces(subject, head)
        self._done.missing_codes |= now.missing_codes
        tagged: dict[str, int] = {}
        yield from _readable(subject, "tags", self._tags(subject, now.tags, tagged))
        yield from _readable(subject, "states", damaged_states(self._connection, subject))
        parents = statements.parents(self._connection, id)
        history = History(head, parents, now, self._decode, frozenset(tagged.values()))
        yield from _readable(subject, "versions", self._history(id, history))
        yield from history.unexplained()
        for tag, number in tagged.items():
            if not history.kept.get(number):
                problem = "which was folded" if number in history.kept else "which has no row"
                yield subject.tag(tag, f"it names version {number}, {problem}")

    def _subject(self, id: str) -> Subject:
        """Return the subject of a document whose head cannot be read."""
        try:
            kind, name = statements.called(self._connection, id) or (_UNKNOWN, id)
        except UnreadableError:
            kind, name = _UNKNOWN, id
        return Subject(kind, name, id)

    def _pieces(self, subject: Subject, head: HeadRow) -> Generator[Damage, None, CurrentState]:
        try:
            return (yield from RowCheck(self._connection, self._project, head, self._names).check(self._decode))
        except UnreadableError as error:
            yield subject.rows("documents", str(error))
            return CurrentState()

    def _named(self, subject: Subject, head: HeadRow) -> Iterator[Damage]:
        """Yield the damage of the row by which the name of a live document is its own."""
        if head.deleted_at is not None:
            return
        id = statements.id_in_names(self._connection, self._project, head)
        if id is None:
            yield subject.named(self._project, "its row is missing: another document could take the name")
        elif id != head.id:
            yield subject.named(self._project, f"its row has the id {short_repr(id)}, and the document {head.id!r}")

    def _tags(self, subject: Subject, sealed: dict[str, JSON] | None, found: dict[str, int]) -> Iterator[Damage]:
        """Yield each tag whose row differs from the copy in the head; *found* gets the versions of the others."""
        missing = dict(sealed or {})
        for page in statements.pages(self._connection, tags.c.tag, subject.id):
            for row in page:
                if isinstance(row, Unread):
                    missing.pop(str(row.key), None)
                    yield subject.tag(str(row.key), row.problem)
                    continue
                said = missing.pop(row.tag, None)
                if sealed is None or said == tagging.tag_as_json(row.version, row.created_at, row.author):
                    found[row.tag] = row.version
                elif said is None:
                    yield subject.tag(row.tag, "there is a row, and docstore gave no such tag")
                else:
                    yield subject.tag(row.tag, f"its row was changed: the head says {_tag_shown(said)}")
        for tag, said in missing.items():
            yield subject.tag(tag, f"its row is missing: the head says {_tag_shown(said)}")

    def _history(self, id: str, history: History) -> Iterator[Damage]:
        for page in statements.pages(self._connection, versions.c.version, id, falling=True):
            for number, row in enumerate(page, start=1):
                yield from history.check(row)
                if self._decode or number == len(page):  # decoding is slow: report each version; otherwise each page
                    self._done.versions(1 if self._decode else number)
        yield from history.end()


def _tag_shown(said: JSON) -> str:
    """Return a tag as stored in a head, in words."""
    match said:
        case [int(version), str(moment), str(author)]:
            return f"version {version}, given at {moment} by {author!r}"
    return short_repr(said)


def _orphans(connection: Connection, project: str) -> Iterator[Damage]:
    """Yield orphaned rows, which have no head: they have no name, and no search finds them."""
    with statements.reading(connection):
        ids = rows.ids_without_head(connection, project)
        orphaned = rows.orphaned_names(connection, project)
    called = {row.id: (row.kind, row.name) for row in orphaned}
    for id in ids:
        kind, name = called.get(id, (_UNKNOWN, id))
        yield Subject(kind, name, id).head("its row is missing, and its parts or history are there")
    for row in orphaned:
        # A document whose head is missing was reported under this name.
        if row.id not in ids or called[row.id] != (row.kind, row.name):
            subject = Subject(row.kind, row.name, row.id)
            yield subject.named(project, "there is a row, and no such document: none can take the name")
    for id in statements.ids_with_foreign_head(connection, project):
        with statements.reading(connection):
            other = project_of(connection, id)
        yield Subject(_UNKNOWN, id, id).head(f"its row is of the project {other!r}, and parts of it are of {project!r}")
    for row in statements.orphaned_tags(connection):
        yield Subject(_UNKNOWN, row.id, row.id).tag(row.tag, "there is no document of this id")
