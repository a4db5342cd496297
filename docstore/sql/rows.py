"""The SQL that reads and writes the rows of one document. Bodies and changes are canonical text, in and out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import is_plain, join_pointer, text_digest
from docstore.documents.kinds import HEAD
from docstore.errors import RaceLostError
from docstore.sql.dialects import (
    AsText,
    ExactText,
    LongText,
    Whole,
    Write,
    backend_of,
    locks_rows,
    only_row,
    reading_times,
    text_rows,
    unchecked,
)
from docstore.sql.grouping import grouped
from docstore.sql.tables import IS_HEAD, codes, documents, names, of_head, states, tags, versions
from docstore.sql.tagging import seal_head

_MOST_PATHS: Final = 500
"""If more pieces than this are wanted, all are read: SQLite binds at most 32,766 values."""


@dataclass(frozen=True, slots=True)
class HeadRow:
    """A stored document without its body: the columns of its head, and the digest and chain of its newest version."""

    id: str
    kind: str
    name: str
    model: str
    version: int
    updated_at: datetime
    deleted_at: datetime | None
    deleted_by: str | None
    digest: str
    """Of the whole document at ``version``; empty if its row of history is missing."""
    chain: str
    parts_digest: str | None


class PieceRow(NamedTuple):
    """A head or part as stored. A tuple, since one read returns thousands."""

    path: str
    digest: str
    body: str


class VersionedPiece(NamedTuple):
    """A head or part as stored, and the version that last changed it."""

    path: str
    version: int
    digest: str
    body: str


def _of_newest_version(column: sa.Column[str]) -> sa.ColumnElement[str]:
    """Return *column* of the history at the head's version.

    It is empty if that row is missing: such a document is damaged, not absent, and reading it says so. It is a
    subquery, since MariaDB would lock the rows of a join in the history too.
    """
    at_head = (versions.c.id == documents.c.id) & (versions.c.version == documents.c.version)
    return sa.func.coalesce(sa.select(column).where(at_head).scalar_subquery(), "")


_HEAD: Final = sa.select(
    documents.c.id,
    documents.c.kind,
    documents.c.name,
    of_head(documents.c.model),
    documents.c.version,
    of_head(documents.c.updated_at),
    documents.c.deleted_at,
    documents.c.deleted_by,
    _of_newest_version(versions.c.digest),
    _of_newest_version(versions.c.chain),
    documents.c.parts_digest,
).where(IS_HEAD)
# Locks the head row, so that writers of one document take turns.
_LOCKED: Final = _HEAD.with_for_update()

_OF_NAME: Final = (
    (documents.c.project == sa.bindparam("of_project"))
    & (documents.c.kind == sa.bindparam("of_kind"))
    & (documents.c.name == sa.bindparam("of_name"))
)
_LIVE: Final = _OF_NAME & documents.c.deleted_at.is_(None)
_DELETED: Final = _OF_NAME & documents.c.deleted_at.is_not(None)
_OF_ID: Final = documents.c.id == sa.bindparam("of_id")

# MariaDB would read a small table whole, and lock every row that it reads: writers of other documents would wait.
_BY_NAME: Final = "FORCE INDEX (documents_name)"
_HEAD_LIVE: Final = (
    _HEAD.where(_LIVE),
    _LOCKED.where(_LIVE).with_hint(documents, _BY_NAME, "mysql").with_hint(documents, _BY_NAME, "mariadb"),
)
_ID_DELETED: Final = (
    sa.select(documents.c.id).where(IS_HEAD, _DELETED).order_by(documents.c.deleted_at.desc(), documents.c.id).limit(1)
)
_HEAD_OF: Final = _HEAD.where(_OF_ID), _LOCKED.where(_OF_ID)


def _head(connection: Connection, query: tuple[sa.Select[Any], sa.Select[Any]], **values: str) -> HeadRow | None:
    if not all(is_plain(value) for value in values.values()):
        return None
    select, lock = query
    if not locks_rows(connection):
        return _head_row(connection, select, values)
    head = _head_row(connection, lock, values)
    if head is not None and not head.digest:
        # A server that waited for another writer reads the head as it is now, but the history as it was before.
        head = _head_row(connection, select, values)
    return head


def _head_row(connection: Connection, query: sa.Select[Any], values: Mapping[str, str]) -> HeadRow | None:
    with reading_times():
        row = only_row(connection.execute(query, values))
    return HeadRow(*tuple(row)) if row else None


def head_named(connection: Connection, project: str, kind: str, name: str) -> HeadRow | None:
    """Return the live document of this name; in a writer's transaction, lock it until the transaction ends."""
    return _head(connection, _HEAD_LIVE, of_project=project, of_kind=kind, of_name=name)


def head_deleted(connection: Connection, project: str, kind: str, name: str) -> HeadRow | None:
    """Return the most recently deleted document of this name; locks as ``head_named``.

    Raises:
        RaceLostError: another writer brought it back, or purged it, just now.
    """
    values = {"of_project": project, "of_kind": kind, "of_name": name}
    if not all(is_plain(value) for value in values.values()):
        return None
    # Found without a lock: two writers that lock all deleted documents of this name, in no order, would deadlock.
    id = connection.execute(_ID_DELETED, values).scalar()
    if id is None:
        return None
    found = head_of(connection, id)
    if found is None or found.deleted_at is None:
        raise RaceLostError(f"{kind} {name!r} was brought back or purged just now.")
    return found


def head_of(connection: Connection, id: str) -> HeadRow | None:
    """Return the document with this id, deleted or not; locks as ``head_named``."""
    return _head(connection, _HEAD_OF, of_id=id)


_HEADS_OF: Final = _HEAD.add_columns(documents.c.project).where(
    documents.c.id.in_(sa.bindparam("of_ids", expanding=True))
)


def heads_of(connection: Connection, ids: Collection[str]) -> list[tuple[HeadRow, str]]:
    """Return the documents with these ids that there are, deleted or not, in no order, each with its project."""
    with reading_times():
        return [(HeadRow(*row[:-1]), row[-1]) for row in connection.execute(_HEADS_OF, {"of_ids": list(ids)})]


_ID_LIVE: Final = sa.select(documents.c.id).where(IS_HEAD, _LIVE)


def id_named(connection: Connection, project: str, kind: str, name: str) -> str | None:
    """Return the id of the live document of this name, without locking it."""
    values = {"of_project": project, "of_kind": kind, "of_name": name}
    if not all(is_plain(value) for value in values.values()):
        return None
    return connection.execute(_ID_LIVE, values).scalar()


def owned(connection: Connection, id: str) -> list[str]:
    """Return the ids of the documents that belong to the one with this id, deleted ones too, in ascending order."""
    query = sa.select(documents.c.id).where(IS_HEAD, documents.c.owner == id).order_by(documents.c.id)
    return list(connection.execute(query).scalars())


def head_ids(connection: Connection, project: str) -> list[tuple[str, str, str]]:
    """Return the id, kind and name of every document of *project*, deleted ones too."""
    c = documents.c
    query = sa.select(c.id, c.kind, c.name).where(IS_HEAD, c.project == project).order_by(c.kind, c.name, c.id)
    return [(row.id, row.kind, row.name) for row in connection.execute(query)]


def ids_without_head(connection: Connection, project: str) -> list[str]:
    """Return the ids that have parts in *project*, or a history or full states in any project, but no head."""
    head = documents.alias("head")
    with_head = sa.select(head.c.id).where(head.c.path == sa.literal_column("''"))
    parts = sa.select(documents.c.id).where(documents.c.project == project, documents.c.id.not_in(with_head))
    known = sa.select(documents.c.id)
    past = (sa.select(table.c.id).where(table.c.id.not_in(known)) for table in (versions, states))
    return sorted(connection.execute(sa.union(parts, *past)).scalars())


# --- names: which live document has which name ------------------------------------------------------------------------


def live_names(connection: Connection, project: str, kind: str) -> list[str]:
    """Return the names of the live documents of *kind*."""
    if not is_plain(kind):
        return []
    query = sa.select(names.c.name).where(names.c.project == project, names.c.kind == kind)
    return list(connection.execute(query).scalars())


def neighbouring_names(connection: Connection, project: str, kind: str, name: str, most: int) -> list[str]:
    """Return at most *most* names of live documents of *kind* before *name*, and as many after it, by code points.

    Those that begin as *name* does are among them, the ones with the longest beginning first.
    """
    if not is_plain(kind):
        return []
    c = names.c
    query = sa.select(c.name).where(c.project == project, c.kind == kind).order_by(c.name).limit(most)
    if not is_plain(name):  # no database compares it
        return list(connection.execute(query).scalars())
    before = query.where(c.name < name).order_by(None).order_by(c.name.desc())
    after = query.where(c.name >= name)
    return [each for side in (before, after) for each in connection.execute(side).scalars()]


def live_documents(connection: Connection, project: str) -> list[tuple[str, str, str]]:
    """Return the kind, name and id of every live document of *project*, in the order of kinds and names."""
    query = sa.select(names.c.kind, names.c.name, names.c.id).where(names.c.project == project)
    return [tuple(row) for row in connection.execute(query.order_by(names.c.kind, names.c.name))]


def places_of_name(connection: Connection, name: str, *, deleted: bool = False) -> list[tuple[str, str]]:
    """Return the project and the kind of each live document of this name, or also of each deleted one."""
    if not is_plain(name):
        return []
    c = documents.c
    query = sa.select(c.project, c.kind).where(IS_HEAD, c.name == name)
    # A statement for each, since live and deleted heads have indexes of their own.
    wanted = [c.deleted_at.is_(None), *([c.deleted_at.is_not(None)] if deleted else [])]
    return [(row.project, row.kind) for each in wanted for row in connection.execute(query.where(each))]


def kinds_in_use(connection: Connection, *, deleted: bool = False) -> set[tuple[str, str]]:
    """Return each project and kind that has live documents; or, if *deleted* is true, live or deleted ones.

    Cost:
        Every name in the database is looked at, in an index; on MariaDB, also every head of a deleted document's kind.
    """
    c = documents.c
    queries = [sa.select(names.c.project, names.c.kind)]
    if deleted:
        queries.append(sa.select(c.project, c.kind).where(IS_HEAD, c.deleted_at.is_not(None)))
    return {(row.project, row.kind) for each in queries for row in connection.execute(each.distinct())}


def insert_names(connection: Connection, project: str, named: Iterable[tuple[str, str, str]]) -> None:
    """Insert the names of documents that are live from now on: kind, name and id of each.

    In the order of the names, so that two writers of many do not wait for each other.

    Raises:
        RaceLostError: another document has one of the names.
    """
    rows = [{"project": project, "kind": kind, "name": name, "id": id} for kind, name, id in sorted(named)]
    if rows:
        backend_of(connection).insert_many(connection, names, rows)


def delete_name(connection: Connection, project: str, head: HeadRow) -> None:
    """Free the name of *head* for another document."""
    c = names.c
    its_own = (c.project == project) & (c.kind == head.kind) & (c.name == head.name) & (c.id == head.id)
    connection.execute(names.delete().where(its_own))


def orphaned_names(connection: Connection, project: str) -> list[sa.Row[Any]]:
    """Return the rows of ``names`` for which there is no live document of *project*: kind, name and id."""
    c, d = names.c, documents.c
    live = sa.select(sa.true()).where(
        IS_HEAD, d.deleted_at.is_(None), d.project == c.project, d.kind == c.kind, d.name == c.name
    )
    query = sa.select(c.kind, c.name, c.id).where(c.project == project, ~sa.exists(live)).order_by(c.kind, c.name)
    return list(connection.execute(query))


# --- the head and parts -----------------------------------------------------------------------------------------------


def body_problem(digest: str, body: str) -> str | None:
    """Return the problem of a row whose *body*, of the head or a part, has another digest; None if it has *digest*."""
    return None if text_digest(body) == digest else "its body is not what was saved: the digest is another"


def piece_columns(table: sa.Table) -> tuple[sa.ColumnElement[Any], ...]:
    """Return the columns of ``PieceRow``, for a query whose rows ``text_rows`` reads."""
    return tuple(map(unchecked, (table.c.path, table.c.digest, table.c.body)))


_PIECES: Final = sa.select(*piece_columns(documents)).where(_OF_ID)
_PIECES_AT: Final = _PIECES.where(documents.c.path.in_(sa.bindparam("at_paths", expanding=True)))


def pieces(connection: Connection, id: str, paths: Collection[str] | None = None) -> list[PieceRow]:
    """Return the head and parts of a document, or only those at *paths*, in no order."""
    return pieces_by_path(connection, (_PIECES, _PIECES_AT), {"of_id": id}, paths)


def pieces_by_path(
    connection: Connection,
    queries: tuple[sa.Select[Any], sa.Select[Any]],
    values: Mapping[str, Any],
    paths: Collection[str] | None,
) -> list[PieceRow]:
    """Return the rows of a query, or only those at *paths*, in no order.

    Args:
        queries: of all rows, and of the rows at ``at_paths``.
    """
    if paths is not None and not paths:
        return []
    if paths is not None and len(paths) <= _MOST_PATHS:
        return _piece_rows(connection, queries[1], {**values, "at_paths": list(paths)})
    rows = _piece_rows(connection, queries[0], values)
    return rows if paths is None else [row for row in rows if row.path in paths]


def _piece_rows(connection: Connection, query: sa.Select[Any], values: Mapping[str, Any]) -> list[PieceRow]:
    return [PieceRow(*row) for row in text_rows(connection.execute(query, values))]


def in_field(field: str) -> sa.ColumnElement[bool]:
    """Return the condition that a row is of a part in *field*: a range, as SQLite's LIKE ignores case."""
    start = join_pointer((field,))
    return (documents.c.path > f"{start}/") & (documents.c.path < f"{start}0")  # "0" comes after "/"


def pieces_in(connection: Connection, id: str, fields: Iterable[str]) -> list[PieceRow]:
    """Return the head of a document and its parts in *fields*, in no order."""
    query = _PIECES.where(sa.or_(IS_HEAD, *map(in_field, fields)))
    return _piece_rows(connection, query, {"of_id": id})


_VERSIONED: Final = sa.select(documents.c.path, documents.c.version, documents.c.digest, documents.c.body).where(_OF_ID)
_VERSIONED_AT: Final = _VERSIONED.where(documents.c.path.in_(sa.bindparam("at_paths", expanding=True)))


def versioned_pieces(connection: Connection, id: str, field: str, paths: Collection[str]) -> list[VersionedPiece]:
    """Return the parts at *paths*, all in *field*, in no order."""
    if len(paths) <= _MOST_PATHS:
        found = connection.execute(_VERSIONED_AT, {"of_id": id, "at_paths": list(paths)})
        return [VersionedPiece._make(row) for row in found]
    rows = connection.execute(_VERSIONED.where(in_field(field)), {"of_id": id})
    return [piece for row in rows if (piece := VersionedPiece._make(row)).path in paths]


_KEYS: Final = sa.select(documents.c.path, documents.c.version, documents.c.digest).where(_OF_ID, ~IS_HEAD)
_KEYS_AT: Final = _KEYS.where(documents.c.path.in_(sa.bindparam("at_paths", expanding=True)))


def part_digests(connection: Connection, id: str, paths: Collection[str] | None) -> dict[str, tuple[int, str]]:
    """Return the version and the digest of each part at *paths*, or of each, by path; no body is read."""
    if paths is None or len(paths) > _MOST_PATHS:
        found = connection.execute(_KEYS, {"of_id": id})
    else:
        found = connection.execute(_KEYS_AT, {"of_id": id, "at_paths": list(paths)})
    return {path: (version, digest) for path, version, digest in found}


def _by_position(query: sa.Select[Any]) -> sa.Select[Any]:
    """Return *query* with the index of positions, which has what it asks for; MariaDB would read every body."""
    hint = "FORCE INDEX (documents_position)"
    return query.with_hint(documents, hint, "mysql").with_hint(documents, hint, "mariadb")


_PATHS: Final = _by_position(sa.select(documents.c.path).where(_OF_ID, ~IS_HEAD))


def part_paths(connection: Connection, id: str) -> set[str]:
    """Return the path of each part; an index has them all."""
    return set(connection.execute(_PATHS, {"of_id": id}).scalars())


_LARGEST: Final = _by_position(
    sa.select(documents.c.position)
    .where(_OF_ID, documents.c.position.is_not(None))
    .order_by(documents.c.position.desc())
    .limit(sa.literal_column("1", sa.Integer))
)


def largest_position(connection: Connection, id: str) -> int:
    """Return the largest number of a part, or -1; an index has it."""
    largest: int | None = connection.execute(_LARGEST, {"of_id": id}).scalar()
    return -1 if largest is None else largest


def positions_beside(connection: Connection, id: str, field: str, position: int) -> tuple[int | None, int | None]:
    """Return the numbers of the parts in *field* that come before and after *position*; None where there is none."""
    c = documents.c

    def nearest(side: sa.ColumnElement[bool], order: sa.ColumnElement[Any]) -> int | None:
        query = sa.select(c.position).where(_OF_ID, in_field(field), side).order_by(order).limit(1)
        return connection.execute(_by_position(query), {"of_id": id}).scalar()

    return nearest(c.position < position, c.position.desc()), nearest(c.position > position, c.position.asc())


_DIGESTS: Final = sa.select(unchecked(documents.c.path), unchecked(documents.c.digest)).where(_OF_ID)


def digests_of(connection: Connection, id: str) -> dict[str, str]:
    """Return the digest of the head and of each part, by path, in no order."""
    return dict(map(tuple, text_rows(connection.execute(_DIGESTS, {"of_id": id}))))


_BATCH: Final = (4096, 16 << 20)
"""The most pieces, and characters of their text, that are inserted at once: as many are kept in memory as rows."""


def insert_pieces(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert heads and parts: one statement for each batch, which are made one after another."""
    for batch in grouped(rows, lambda row: len(row["body"]), *_BATCH):
        backend_of(connection).insert_many(connection, documents, batch)
        del batch  # before the next one is made


_UPDATED: Final = (
    *("name", "owner", "type", "status", "arm", "signature", "model"),
    *("version", "updated_at", "digest", "parts_digest", "body"),
)
_UPDATE: Final = (
    documents.update()
    .where(documents.c.id == sa.bindparam("at_id"), documents.c.path == sa.bindparam("at_path"))
    .values({column: sa.bindparam(column) for column in _UPDATED})
)


def update_pieces(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write heads and parts over those of the same id and path: one statement, however many."""
    if rows:
        backend_of(connection).execute_many(connection, _UPDATE, _replacing(rows))


def _replacing(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"at_id": row["id"], "at_path": row["path"], **{c: row[c] for c in _UPDATED}} for row in rows]


_TOUCH: Final = (
    documents.update()
    .where(documents.c.id == sa.bindparam("at_id"), IS_HEAD)
    .values({column: sa.bindparam(column) for column in ("version", "updated_at", "parts_digest")})
)
"""Updates the version, the time and the digest of the parts of a head whose body is unchanged."""


_DELETE: Final = documents.delete().where(
    documents.c.id == sa.bindparam("at_id"), documents.c.path == sa.bindparam("at_path")
)


def delete_pieces(connection: Connection, id: str, paths: Iterable[str]) -> None:
    """Delete the parts at *paths*: one statement, however many."""
    values = [{"at_id": id, "at_path": path} for path in paths]
    if values:
        connection.execute(_DELETE, values)


_INSERT_PIECES: Final = documents.insert()
_INSERT_VERSION: Final = versions.insert()


def write_version(
    connection: Connection,
    version: Mapping[str, Any],
    *,
    new: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
    removed: Iterable[str],
    parts_digest: str | None,
) -> None:
    """Write a row of history and the pieces that the version changed, and its number into the head's row.

    Shapes:
        new, changed: rows of heads and parts
        removed: paths of parts
        parts_digest: the one after these writes

    Raises:
        RaceLostError: another writer has made this version.
    """
    id, is_head_changed = version["id"], any(row["path"] == HEAD for row in changed)
    touched = {"version": version["version"], "updated_at": version["created_at"], "parts_digest": parts_digest}
    writes = [
        Write(_INSERT_VERSION, [version]),
        Write(_INSERT_PIECES, new),
        Write(_UPDATE, _replacing(changed)),
        Write(_DELETE, [{"at_id": id, "at_path": path} for path in removed]),
        Write(_TOUCH, [] if is_head_changed else [{"at_id": id, **touched}]),
    ]
    backend_of(connection).write(connection, [each for each in writes if each.rows])


def mark_deleted(connection: Connection, id: str, moment: datetime | None, author: str | None) -> None:
    """Mark a document as deleted, by *author* at *moment*; or, with None, as live."""
    values = {"deleted_at": moment, "deleted_by": author}
    connection.execute(documents.update().where(documents.c.id == id, IS_HEAD).values(values))
    seal_head(connection, id)


def set_owner(connection: Connection, ids: Collection[str], owner: str | None) -> None:
    """Write the id of the *owner* of documents into their heads; None if they belong to none that is stored."""
    if ids:
        connection.execute(documents.update().where(documents.c.id.in_(ids), IS_HEAD).values(owner=owner))


def deleted_at(connection: Connection, id: str) -> datetime | None:
    """Return when the document was deleted, or None if it was not."""
    return connection.execute(sa.select(documents.c.deleted_at).where(documents.c.id == id, IS_HEAD)).scalar()


def purge(connection: Connection, id: str) -> None:
    """Delete every row of a document, of its history, of its full states and of its tags."""
    for table in (documents, tags, versions, states):
        connection.execute(table.delete().where(table.c.id == id))


# --- history ---------------------------------------------------------------------------------------------------------


def insert_versions(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of history: one statement, however many.

    Raises:
        RaceLostError: another writer has made one of these versions.
    """
    if rows:
        backend_of(connection).insert_many(connection, versions, rows)


def version_rows(
    connection: Connection, id: str, *, after: int = 0, before: int | None = None, limit: int | None = None
) -> list[sa.Row[Any]]:
    """Return the rows of history of versions after *after* and before *before*, newest first; *limit* of them."""
    c = versions.c
    query = sa.select(versions).where(c.id == id, c.version > after).order_by(c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(c.version < before)
    with reading_times():
        return list(connection.execute(query))


_NEWEST_TWO: Final = (
    sa.select(versions)
    .where(
        documents.c.id.in_(sa.bindparam("of_ids", expanding=True)),
        IS_HEAD,
        versions.c.id == documents.c.id,
        versions.c.version >= documents.c.version - 1,
    )
    .order_by(versions.c.id, versions.c.version.desc())
)


def newest_version_rows(connection: Connection, ids: Collection[str]) -> list[sa.Row[Any]]:
    """Return the rows of history of the newest version of each document, and of the one before it, newest first."""
    with reading_times():
        return list(connection.execute(_NEWEST_TWO, {"of_ids": list(ids)}))


def count_parts(connection: Connection, ids: Collection[str], field: str) -> dict[str, int]:
    """Return how many parts each document has in *field*, by its id; one without any is left out."""
    c = documents.c
    query = sa.select(c.id, sa.func.count()).where(c.id.in_(list(ids)), in_field(field)).group_by(c.id)
    return {row.id: row[1] for row in connection.execute(query)}


# The first version, from the wanted one on, that has a full state; if there is none, the current version.
_BASE: Final = sa.select(sa.func.coalesce(sa.func.min(states.c.version), sa.bindparam("current"))).where(
    states.c.id == sa.bindparam("of_id"), states.c.version.between(sa.bindparam("wanted"), sa.bindparam("current"))
)
_PAST: Final = (
    sa.select(
        versions.c.version,
        versions.c.digest,
        # It is parsed, and no digest is taken of it, so it need not be canonical where the database reformats it.
        sa.type_coerce(AsText(versions.c.changes), LongText()).label("changes"),
    )
    .where(
        versions.c.id == sa.bindparam("of_id"),
        versions.c.version.between(sa.bindparam("wanted"), _BASE.scalar_subquery()),
    )
    .order_by(versions.c.version.desc())
)


def past_rows(connection: Connection, id: str, number: int, current: int) -> list[sa.Row[Any]]:
    """Return the versions back to *number* from the next one that has a full state, or else from the current one.

    Shapes:
        the number, the digest and the text of the changes of each, newest first
    """
    return list(connection.execute(_PAST, {"of_id": id, "wanted": number, "current": current}))


def versions_touching(
    connection: Connection, id: str, before: int, limit: int, texts: Sequence[str]
) -> list[sa.Row[Any]]:
    """Return rows of history before version *before*, newest first, whose changes contain one of *texts*.

    Rows whose changes ``compact`` replaced are always among them; with no *texts*, all rows are. Each has the chain of
    the version before it, as ``previous``.

    Cost:
        The database searches the changes; those of other versions are not transferred.
    """
    c = versions.c
    query = _with_previous(id).where(c.version < before)
    if texts:
        found = (AsText(c.changes).contains(text, autoescape=True) for text in texts)
        query = query.where(sa.or_(c.folded.is_not(None), *found))
    with reading_times():
        return list(connection.execute(query.order_by(c.version.desc()).limit(limit)))


def version_rows_numbered(connection: Connection, id: str, numbers: Collection[int]) -> list[sa.Row[Any]]:
    """Return the rows of history of versions with these numbers; each has the chain of the one before it, too."""
    with reading_times():
        return list(connection.execute(_with_previous(id).where(versions.c.version.in_(numbers))))


def _with_previous(id: str) -> sa.Select[Any]:
    """Return the query of the rows of history of a document, with the chain of the version before, as ``previous``."""
    c, older = versions.c, versions.alias("older").c
    chain = (
        sa.select(sa.type_coerce(older.chain, ExactText(64)))
        .where(older.id == c.id, older.version == c.version - 1)
        .scalar_subquery()
    )
    return sa.select(versions, chain.label("previous")).where(c.id == id)


def count_versions(connection: Connection, id: str, low: int, high: int) -> int:
    """Return how many of the versions from *low* to *high* have a row."""
    query = sa.select(sa.func.count()).where(versions.c.id == id, versions.c.version.between(low, high))
    return connection.execute(query).scalar_one()


def copy_versions(connection: Connection, id: str, new_id: str, *, upto: int) -> None:
    """Copy the rows of history of a document, up to a version, to the document *new_id*."""
    c = versions.c
    columns = [sa.literal(new_id) if column is c.id else column for column in c]
    query = sa.select(*columns).where(c.id == id, c.version <= upto)
    connection.execute(versions.insert().from_select([column.name for column in c], query))


def rows_with_parent(connection: Connection, id: str) -> list[sa.Row[Any]]:
    """Return the rows of versions that came from another document, by a branch or a merge; oldest first."""
    query = sa.select(versions).where(versions.c.id == id, versions.c.parent.is_not(None)).order_by(versions.c.version)
    with reading_times():
        return list(connection.execute(query))


def ids_with_parent(connection: Connection, id: str) -> list[str]:
    """Return the ids of the documents with a version that came from the document *id*, by a branch or a merge.

    Cost:
        Every row of history is looked at.
    """
    is_named = AsText(versions.c.parent).contains(id, autoescape=True)
    query = sa.select(versions.c.id).distinct().where(versions.c.parent.is_not(None), is_named)
    return list(connection.execute(query).scalars())


def version_row(connection: Connection, id: str, number: int) -> sa.Row[Any] | None:
    """Return the row of history of one version."""
    query = sa.select(versions).where(versions.c.id == id, versions.c.version == number)
    with reading_times():
        return only_row(connection.execute(query))


def chain_of(connection: Connection, id: str, number: int) -> str | None:
    """Return the chain of one version, or None where there is no such version."""
    query = sa.select(versions.c.chain).where(versions.c.id == id, versions.c.version == number)
    return connection.execute(query).scalar()


def version_at(connection: Connection, id: str, moment: datetime) -> int | None:
    """Return the version that was current at *moment*, or None if *moment* is before the first."""
    newest = sa.type_coerce(sa.func.max(versions.c.version), Whole())  # NULL if there is none
    query = sa.select(newest).where(versions.c.id == id, versions.c.created_at <= moment)
    return connection.execute(query).scalar()


def code_rows(connection: Connection) -> list[tuple[str, int, str]]:
    """Return the names that integers stand for: column, integer, name."""
    return [(row.column, row.value, row.name) for row in connection.execute(sa.select(codes))]


def insert_codes(connection: Connection, rows: Iterable[tuple[str, int, str]]) -> None:
    """Insert names of integers: column, integer, name."""
    values = [{"column": column, "value": value, "name": name} for column, value, name in rows]
    if values:
        connection.execute(codes.insert(), values)


def parent_texts(connection: Connection) -> list[tuple[str, str]]:
    """Return the parents of all versions in the database, as stored text, each with the id of the document.

    Cost:
        Every row of history is read.
    """
    query = sa.select(versions.c.id, versions.c.parent).where(versions.c.parent.is_not(None))
    return [(row.id, row.parent) for row in connection.execute(query)]


_FOLD: Final = (
    versions.update()
    .where(versions.c.id == sa.bindparam("at_id"), versions.c.version == sa.bindparam("at_version"))
    .values(changes=sa.bindparam("changes"), folded=sa.bindparam("folded"))
)


def compact_versions(connection: Connection, id: str, found: Iterable[tuple[int, str, str]]) -> None:
    """Replace the changes of some versions: number, new changes, and the digest of the changes that were saved."""
    values = [
        {"at_id": id, "at_version": number, "changes": changes, "folded": folded} for number, changes, folded in found
    ]
    if values:
        backend_of(connection).execute_many(connection, _FOLD, values)


# --- many documents in one statement ----------------------------------------------------------------------------------

AT_ONCE: Final = 10_000
"""How many documents one statement may name: SQLite binds at most 32,766 values."""

_LIVING: Final = sa.select(documents.c.name, documents.c.id, documents.c.version).where(
    IS_HEAD,
    documents.c.project == sa.bindparam("of_project"),
    documents.c.kind == sa.bindparam("of_kind"),
    documents.c.name.in_(sa.bindparam("of_names", expanding=True)),
    documents.c.deleted_at.is_(None),
)


def live_documents_named(
    connection: Connection, project: str, kind: str, names: Iterable[str]
) -> dict[str, tuple[str, int]]:
    """Return the id and the version of each live document with one of *names*, at most ``AT_ONCE``, by name.

    They are not locked.
    """
    plain = [name for name in names if is_plain(name)]
    if not plain:
        return {}
    values = {"of_project": project, "of_kind": kind, "of_names": plain}
    return {row.name: (row.id, row.version) for row in connection.execute(_LIVING, values)}


_VERSIONS: Final = sa.select(documents.c.id, documents.c.version).where(
    IS_HEAD, documents.c.id.in_(sa.bindparam("of_ids", expanding=True)), documents.c.deleted_at.is_(None)
)


def live_versions(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Return the version of each live document with one of *ids*, at most ``AT_ONCE``, by id."""
    if not ids:
        return {}
    return {row.id: row.version for row in connection.execute(_VERSIONS, {"of_ids": list(ids)})}
