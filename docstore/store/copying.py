"""Copy documents from one store to another with their whole history: the same ids, digests and chain, verified.

The target gets the tags of the source. Versions that were folded are copied as they are. The target keeps versions that
it can load, though they were folded in the source since; a version that it folded itself is not brought back, nor are
its tags. The chain does not cover changes that replaced others when versions were folded: ``verify`` checks whether
they lead back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os.path import realpath
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from docstore.documents.arguments import LONGEST_NAME, checked_iterable, checked_key, checked_text
from docstore.documents.canonical import loads
from docstore.documents.changeset import changeset_of
from docstore.documents.digests import Digests, pieces_of
from docstore.documents.history import GENESIS, NOT_KEPT, changes_text
from docstore.documents.kinds import HEAD, Kind, PartRule, is_document, kind_named
from docstore.errors import (
    ConnectionLostError,
    DamagedDocumentError,
    DatabaseError,
    DecodeError,
    DivergedError,
    DocumentExistsError,
    InvalidValueError,
    RaceLostError,
)
from docstore.progress import Report, Tally, reporting
from docstore.sql import full_states, paging, rows, tagging
from docstore.sql.dialects import backend_of, schema_of, shown, translated
from docstore.sql.enum_codes import Coded, Name, coded_in
from docstore.sql.paging import Key, PageSize
from docstore.sql.reader import (
    check_digests,
    check_links,
    missing_history,
    read,
    read_version,
    stored_kind,
    version_metadata,
    version_numbered,
)
from docstore.sql.rows import HeadRow
from docstore.sql.tables import states, versions
from docstore.sql.transactions import Transactions
from docstore.sql.writer import check_size
from docstore.store.context import StoreContext
from docstore.store.lifecycle import belonging, names_owner

Row: TypeAlias = dict[str, Any]
"""A row of a table, by column."""

Status: TypeAlias = Literal["copied", "updated", "unchanged"]

_SIZE: Final = PageSize()
"""How much is kept in memory at once."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A document that is now the same in the target as in the source.

    Attributes:
        versions: how many it has.
        status: ``"copied"`` if the target did not have it, ``"updated"`` if it had fewer versions, another state or
            other tags; ``"unchanged"`` if nothing had to be written.
    """

    kind: str
    name: str
    id: str = field(repr=False)
    versions: int
    status: Status


def copy_documents(
    source: Transactions,
    target: StoreContext,
    *,
    names: Iterable[str] | None = None,
    kind: str | None = None,
    progress: bool | Report = False,
) -> list[Copied]:
    """Copy documents of *source* to *target*, each in a transaction of its own, and return what was done for each.

    Args:
        names: of live documents of *kind*, or of experiments, which are copied with what belongs to them, deleted or
            not; None for all documents, deleted ones too.
        kind: without names, that of the documents to copy; None for all kinds.
        progress: True draws a bar; or a function that is told how many versions are copied.

    Raises:
        InvalidValueError: both are on one database, where the ids are taken; or *names* is a single text, or *progress*
            is invalid.
        DocumentNotFoundError: one of *names* is missing. Nothing was copied.
        DocumentExistsError: the name of one is taken in the target by another document.
        DivergedError: one was saved in the target too, and differently.
        DamagedDocumentError: one is not what was saved; nothing of it was copied.
        UnknownCodeError, TooLargeError: the target does not take a type or status of one, or a text.

    Cost:
        What the target lacks of each document is read, written and read back, in pages; the digests of the rest are
        compared. Memory for a page, and for a digest of each part. One transaction reads the source to the end; on
        SQLite, other writers of the target wait while one document is written.
    """
    _check_other(source, target)
    with reporting(progress) as report, source.reading() as reading:
        # All are looked up before any is copied, and all are copied as of one moment.
        heads = _heads(source, reading, names, kind)
        with target.transactions.reading() as there:
            ordered = _leaving_first(there, heads)
        tally = Tally(sum(head.version for head in heads), report)
        copier = _Copier(source, reading, target, tally)
        done = {head.id: copier.copy(head) for head in ordered}
        return [done[head.id] for head in heads]


def planned_copies(
    source: Transactions, target: StoreContext, *, names: Iterable[str] | None = None, kind: str | None = None
) -> list[Copied]:
    """Return what ``copy_documents`` would do for each document; nothing is written.

    Raises:
        InvalidValueError, DocumentNotFoundError, DocumentExistsError, DivergedError: as ``copy_documents``.
        DamagedDocumentError: the digests or the tags of one are not what was saved. Histories and bodies are not read.
    """
    _check_other(source, target)
    with source.reading() as reading, target.transactions.reading() as there, reporting(progress=False) as report:
        heads = _heads(source, reading, names, kind)
        copier, planned = _Copier(source, reading, target, Tally(0, report)), dict[str, Copied]()
        for head in _leaving_first(there, heads):
            planned[head.id] = copier.plan(there, head, planned.keys())
        return [planned[head.id] for head in heads]


def _check_other(source: Transactions, target: StoreContext) -> None:
    """Refuse a target on the database of the source.

    Raises:
        InvalidValueError: it is.
    """
    engine = target.transactions.engine
    if _is_one_database(source.engine, engine):
        remedy = "It is the source's own database, and copies keep their ids: copy to another one."
        raise InvalidValueError("other", shown(engine.url), remedy)


def _heads(source: Transactions, reading: Connection, names: Iterable[str] | None, kind: str | None) -> list[HeadRow]:
    if kind is not None:
        checked_key("kind", kind)
    if names is not None:
        checked_iterable("names", names, "names=['cakes']")
        wanted = dict.fromkeys(checked_text("names", name, LONGEST_NAME) for name in names)
        heads = {head.id: head for head in (source.head(reading, kind or "experiment", name) for name in wanted)}
        owned = [each for head in heads.values() for each in belonging(reading, source.project, head)]
        return [*heads.values(), *_deleted_first(each for each in owned if each.id not in heads)]
    ids = [id for id, its_kind, _ in rows.head_ids(reading, source.project) if kind in (None, its_kind)]
    return _deleted_first(filter(None, (rows.head_of(reading, id) for id in ids)))


def _deleted_first(heads: Iterable[HeadRow]) -> list[HeadRow]:
    return sorted(heads, key=lambda head: head.deleted_at is None)


def _leaving_first(there: Connection, heads: Sequence[HeadRow]) -> list[HeadRow]:
    """Return *heads* in an order in which one that leaves its name in the target is before the one that takes it.

    If some exchanged their names, there is none, and the copy of the first of these is refused.
    """
    by_id = {head.id: head for head in heads}
    holders: dict[tuple[str, str], HeadRow] = {}
    for start in range(0, len(heads), rows.AT_ONCE):
        held = rows.heads_of(there, [head.id for head in heads[start : start + rows.AT_ONCE]])
        holders |= {(each.kind, each.name): by_id[each.id] for each, _ in held if each.deleted_at is None}
    ordered: dict[str, HeadRow] = {}
    for head in heads:
        waiting: dict[str, HeadRow] = {}
        first: HeadRow | None = head
        while first is not None and first.id not in ordered and first.id not in waiting:
            waiting[first.id] = first
            first = None if first.deleted_at is not None else holders.get((first.kind, first.name))
        ordered |= reversed(waiting.items())
    return list(ordered.values())


def _is_one_database(a: Engine, b: Engine) -> bool:
    """Return whether both are on one database, as far as URLs say: those of creators and in-memory ones do not."""
    first, second = a.url.set(password=None), b.url.set(password=None)
    in_one_schema = schema_of(a) == schema_of(b)
    if a.pool is b.pool:
        return in_one_schema
    if not first.database or first.get_backend_name() != second.get_backend_name():
        return False
    if first.get_backend_name() == "sqlite":
        in_memory = first.database == ":memory:" or first.query.get("mode") == "memory"
        return not in_memory and realpath(first.database) == realpath(second.database or "")
    return first == second and in_one_schema


class _Copier:
    """Copies documents, one after another, from one state of the source."""

    def __init__(self, source: Transactions, reading: Connection, target: StoreContext, tally: Tally) -> None:
        self._source = source
        self._reading = reading
        self._target = target.transactions
        self._codes = target.codes
        self._tally = tally

    def copy(self, head: HeadRow) -> Copied:
        """Make the document in the target what it is in the source."""
        self._tally.begin(head.name)
        keys, tags = self._read_source(head)
        status, codes = self._target.writing(
            lambda connection: self._write(connection, head, keys, tags),
            lambda connection, _: _stands(connection, head, keys, tags),
        )
        self._codes.learn(codes)
        self._tally.document(head.version)
        return Copied(head.kind, head.name, head.id, head.version, status)

    def plan(self, connection: Connection, head: HeadRow, leaving: Collection[str]) -> Copied:
        """Return what ``copy`` would do, by a *connection* to the target.

        Args:
            leaving: the ids of documents that are copied before: one that has the name in the target will have left it.
        """
        keys, tags = self._read_source(head)
        there = rows.head_of(connection, head.id)
        self._check_place(connection, head, there, leaving)
        same = _stands(connection, head, keys, tags)
        return Copied(head.kind, head.name, head.id, head.version, "unchanged" if same else _status(there))

    def _read_source(self, head: HeadRow) -> tuple[Mapping[str, Key], list[Row]]:
        """Return the keys and the tags of a document in the source, checked by its digest and its seal."""
        if not head.digest:
            raise missing_history(head, head.version)
        keys = paging.keys(self._reading, head.id)
        check_digests(head, Digests.of({path: key.digest for path, key in keys.items()}))
        tags = _tags(self._reading, head)
        _check_seal(self._reading, head, tags)
        return keys, tags

    def _write(
        self, connection: Connection, head: HeadRow, keys: Mapping[str, Key], tags: Sequence[Row]
    ) -> tuple[Status, dict[Name, int]]:
        there = rows.head_of(connection, head.id)
        self._check_place(connection, head, there)
        held = paging.keys(connection, head.id)
        changed = {path for path in {*keys, *held} if keys.get(path) != held.get(path)}
        if there != head:
            changed.add(HEAD)
        if not changed and not any(_retagging(connection, head, tags)):
            return "unchanged", {}
        self._write_history(connection, head, there)
        self._write_full_states(connection, head, there)
        self._write_name(connection, head, there)
        rows.delete_pieces(connection, head.id, changed & held.keys() - {HEAD})
        paths = [path for path in keys if path in changed]
        codes = self._write_pieces(connection, head, there, paths)
        gone, new = _retagging(connection, head, tags)
        if gone or new:
            tagging.change_tags(connection, head.id, gone=gone, new=new)
        self._read_back(connection, head, there, keys, paths, tags)
        return _status(there), codes

    def _write_history(self, connection: Connection, head: HeadRow, there: HeadRow | None) -> None:
        """Write the versions that the target lacks; those that it has stay, whatever was folded in the source.

        This comes first: the primary key is the lock for which a second copy of this document waits.
        """
        after, chain = _end_of(there)
        led = self._led(connection, head, there)
        for history in self._from_source(_versions(self._reading, head, after, chain)):
            for row in history:
                row |= led.get(row["version"], {})
                check_size(connection, head.name, f"version {row['version']}", row["changes"].encode())
            backend_of(connection).insert_many(connection, versions, history)
            self._tally.reach(history[-1]["version"])

    def _write_full_states(self, connection: Connection, head: HeadRow, there: HeadRow | None) -> None:
        """Write the full states of the versions that the target lacked."""
        after, _ = _end_of(there)
        for page in self._from_source(_full_states(self._reading, head, after)):
            for row in page:
                check_size(connection, head.name, row["path"], row["body"].encode())
            backend_of(connection).insert_many(connection, states, page)

    def _led(self, connection: Connection, head: HeadRow, there: HeadRow | None) -> dict[int, Row]:
        """Return new changes for a version, by its number, if the version that they lead back to was folded since.

        If the source folded the target's newest version, the next one that is kept leads back beyond it there. In the
        target it has to lead back to that newest version.
        """
        if there is None or there.version == head.version:
            return {}
        with self._at_source():
            number = _next_kept(self._reading, head, there.version)
            if number == there.version:
                return {}
            then = read_version(self._reading, head, kind_named(head.kind), number)
        try:
            held = read(connection, there).pieces
        except DamagedDocumentError as error:
            raise _in_target(error) from error
        kind = kind_named(head.kind).of(then.pieces[HEAD])
        target = pieces_of(then.pieces)
        return {number: {"changes": changes_text(changeset_of(kind, held, target).changes)}}

    def _check_place(
        self, connection: Connection, head: HeadRow, there: HeadRow | None, leaving: Collection[str] = ()
    ) -> None:
        """Refuse to write over another document, but for those *leaving*, or over versions that only the target has."""
        if there is not None:
            project = paging.project_of(connection, head.id)
            if project != self._target.project:
                remedy = f"Its project {project!r} has {head.kind} {head.name!r} by this id: copy to another database."
                raise InvalidValueError("other", shown(self._target.engine.url), remedy)
            if not there.chain:
                raise _in_target(missing_history(there, there.version))
            with self._at_source():
                link = paging.link(self._reading, head.id, there.version)
            if link is None or link.chain != there.chain:
                raise DivergedError(head.name, kind=head.kind, source=head.version, target=there.version)
        if head.deleted_at is not None:
            return
        # Not locked, as the document itself is: two copies could wait for each other.
        taken = rows.live_documents_named(connection, self._target.project, head.kind, [head.name]).get(head.name)
        if taken is not None and taken[0] not in {head.id, *leaving}:
            remedy = f"The target has it under another id: delete({head.name!r}, kind={head.kind!r}) it there first."
            raise DocumentExistsError(head.name, kind=head.kind, head=taken[1], remedy=remedy)

    def _write_name(self, connection: Connection, head: HeadRow, there: HeadRow | None) -> None:
        """Let the target know the document by the name that it has in the source, or by none if it is deleted."""
        had, has = (row.name if row and row.deleted_at is None else None for row in (there, head))
        if there is not None and had not in (None, has):
            rows.delete_name(connection, self._target.project, there)
        if has is not None and had != has:
            rows.insert_names(connection, self._target.project, [(head.kind, has, head.id)])
        if there is not None and there.name != head.name:
            # What is copied after its owner is written with its owner again. What is not copied names another one.
            owned = [rows.head_of(connection, id) for id in rows.owned(connection, head.id)]
            others = [each.id for each in owned if each is not None and not names_owner(connection, each, head.name)]
            rows.set_owner(connection, others, None)

    def _write_pieces(
        self, connection: Connection, head: HeadRow, there: HeadRow | None, paths: Iterable[str]
    ) -> dict[Name, int]:
        with self._at_source():
            kind = stored_kind(self._reading, head)
        codes: dict[Name, int] = {}
        for page in self._from_source(_pieces(self._reading, head, paths)):
            coded = [_coded(kind.rule(row["path"]) or kind, row["body"]) for row in page]
            codes |= self._codes.resolve(connection, {name for each in coded for name in each.names})
            for row, each in zip(page, coded, strict=True):
                check_size(connection, head.name, row["path"], row["body"].encode())
                row |= {
                    "project": self._target.project,
                    "type": each.type and codes[each.type],
                    "status": each.status and codes[each.status],
                    **each.arm._asdict(),
                }
            # A head that exists is updated, not inserted again: other writers may be waiting for its row.
            kept = [row for row in page if there and row["path"] == HEAD]
            rows.insert_pieces(connection, [row for row in page if not (there and row["path"] == HEAD)])
            rows.update_pieces(connection, kept)
        if there and (there.deleted_at, there.deleted_by) != (head.deleted_at, head.deleted_by):
            rows.mark_deleted(connection, head.id, head.deleted_at, head.deleted_by)
        return codes

    def _read_back(
        self,
        connection: Connection,
        head: HeadRow,
        there: HeadRow | None,
        keys: Mapping[str, Key],
        paths: Iterable[str],
        tags: Sequence[Row],
    ) -> None:
        """Read back what was written, and check it before it is committed."""
        try:
            if not _stands(connection, head, keys, tags):
                raise _damaged(head, "its rows", "they are not the ones written")
            for _ in _versions(connection, head, *_end_of(there)):
                pass
            for _ in _full_states(connection, head, _end_of(there)[0]):
                pass
            for _ in _pieces(connection, head, paths):
                pass
        except DamagedDocumentError as error:
            raise _in_target(error) from error

    def _from_source(self, pages: Iterator[list[Row]]) -> Iterator[list[Row]]:
        with self._at_source():
            yield from pages

    @contextmanager
    def _at_source(self) -> Iterator[None]:
        """Raise the source's errors as errors that are not retried: the target's transaction would retry for them."""
        try:
            with translated(self._source.engine):
                yield
        except (ConnectionLostError, RaceLostError) as error:
            raise DatabaseError(str(error)) from error


def _status(there: HeadRow | None) -> Status:
    """Return what is said of a document that is written, and that the target had as *there*."""
    return "updated" if there else "copied"


def _stands(connection: Connection, head: HeadRow, keys: Mapping[str, Key], tags: Sequence[Row]) -> bool:
    """Return whether the document in the database has this *head*, these *keys* and *tags*."""
    return (
        rows.head_of(connection, head.id) == head
        and paging.keys(connection, head.id) == keys
        and not any(_retagging(connection, head, tags))
    )


def _end_of(there: HeadRow | None) -> tuple[int, str]:
    """Return the number and the chain of the newest version that the target has; of none, those before version 1."""
    return (there.version, there.chain) if there else (0, GENESIS)


def _next_kept(connection: Connection, head: HeadRow, number: int) -> int:
    """Return version *number*, or the first one after it that was not folded."""
    while number < head.version and not version_numbered(connection, head, number).is_kept:
        number += 1
    return number


def _tags(connection: Connection, head: HeadRow) -> list[Row]:
    """Return the rows of a document's tags."""
    return [row._asdict() for row in tagging.tag_rows(connection, head.id)]


def _retagging(connection: Connection, head: HeadRow, tags: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """Return which tags of a document are to be deleted and inserted to make them *tags*; none of a folded version."""
    held = _tags(connection, head)
    gone = [row["tag"] for row in held if row not in tags]
    new = [row for row in tags if row not in held]
    found = {row["version"]: rows.version_row(connection, head.id, row["version"]) for row in new}
    folded = {number for number, row in found.items() if row is not None and row.changes == NOT_KEPT}
    return gone, [row for row in new if row["version"] not in folded]


# --- rows read and checked -------------------------------------------------------------------------------------------


def _versions(connection: Connection, head: HeadRow, after: int, chain: str) -> Iterator[list[Row]]:
    """Yield the rows of history after version *after*, whose chain is *chain*.

    Raises:
        DamagedDocumentError: a row is missing, or does not follow on the one before it.
    """
    for page in paging.version_pages(connection, head.id, _SIZE, after=after):
        for number, row in enumerate(page, after + 1):
            if row.version != number:
                raise missing_history(head, number)
        found = [version_metadata(head.name, row) for row in page]
        check_links(connection, head, zip(found, page, [chain, *(row.chain for row in page[:-1])], strict=True))
        yield [row._asdict() for row in page]
        after, chain = page[-1].version, page[-1].chain
    if after > head.version:
        raise _damaged(head, f"version {after}", f"the document is at version {head.version} only")


def _full_states(connection: Connection, head: HeadRow, after: int) -> Iterator[list[Row]]:
    """Yield the rows of the full states of versions after version *after*.

    Raises:
        DamagedDocumentError: one is not what was saved.
    """
    for number in full_states.numbers(connection, head.id):
        if number <= after:
            continue
        where = f"the full state of version {number}"
        digests = full_states.digests(connection, head.id, number)
        link = paging.link(connection, head.id, number)
        if link is None or Digests.of(digests).digest() != link.digest:
            raise _damaged(head, where, "its rows are not the ones that version has")
        if link.is_folded:
            raise _damaged(head, where, "that version was folded; delete its rows")
        for page in paging.state_pages(connection, head.id, number, digests, _SIZE):
            for row in page:
                if problem := rows.body_problem(row.digest, row.body):
                    raise _damaged(head, f"{row.path or 'its head'} in {where}", problem)
            yield [row._asdict() for row in page]


def _pieces(connection: Connection, head: HeadRow, paths: Iterable[str]) -> Iterator[list[Row]]:
    """Yield the rows of the head and parts at *paths*.

    Raises:
        DamagedDocumentError: a body is not what was saved, or the head's columns are other than its body and history.
    """
    for page in paging.piece_pages(connection, head.id, paths, _SIZE):
        for row in page:
            if problem := rows.body_problem(row.digest, row.body):
                raise _damaged(head, row.path or "its head", problem)
            if row.path == HEAD:
                _check_columns(connection, head, row)
        yield [row._asdict() for row in page]


def _check_columns(connection: Connection, head: HeadRow, row: sa.Row[Any]) -> None:
    """Refuse a head whose columns say something else than its body and its history."""
    first, last = (paging.link(connection, head.id, number) for number in (1, head.version))
    if (first and first.created_at, last and last.created_at) != (row.created_at, row.updated_at):
        problem = "created_at or updated_at is not the time of the first or the current version"
        raise _damaged(head, "its head", problem)
    body = loads(row.body)
    kind = kind_named(head.kind).of(body)
    if is_document(body) and head.name not in kind.names_in(body):
        problem = f"the column name says {head.name!r}, and the body {kind.name_in(body)!r}"
        raise _damaged(head, "its head", problem)


def _check_seal(connection: Connection, head: HeadRow, tags: Sequence[Row]) -> None:
    """Refuse a deletion that docstore did not write, and *tags* that are not those that the head says."""
    text, seal = tagging.sealed(connection, head.id)
    try:
        told = tagging.tags_in(text)
    except DecodeError as error:
        raise _damaged(head, "its head", str(error)) from error
    if seal != tagging.seal_of(head.id, head.deleted_at, head.deleted_by, told):
        raise _damaged(head, "its head", "docstore did not write its columns deleted_at, deleted_by and tags")
    found = {row["tag"]: tagging.tag_as_json(row["version"], row["created_at"], row["author"]) for row in tags}
    for tag in sorted(told.keys() | found.keys()):
        if told.get(tag) != found.get(tag):
            raise _damaged(head, f"tag {tag!r}", "its row is not what the head says of this tag")


def _damaged(head: HeadRow, where: str, problem: str) -> DamagedDocumentError:
    return DamagedDocumentError(head.name, where=where, problem=problem)


def _in_target(error: DamagedDocumentError) -> DamagedDocumentError:
    problem = f"as the target has it, {error.problem}; nothing of it was changed there"
    return DamagedDocumentError(error.name, where=error.where, problem=problem)


def _coded(rule: Kind | PartRule, text: str) -> Coded:
    """Return what the columns say of a body: the integers of types and statuses are each database's own."""
    return coded_in(rule, loads(text) if rule.type or rule.status else None)
