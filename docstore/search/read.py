"""The bodies of found documents and parts: read many at once, checked as by ``load``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import (
    ABSENT,
    JSON,
    MaybeJSON,
    join_pointer,
    split_pointer,
    value_at_pointer,
)
from docstore.documents.kinds import HEAD, KINDS, join
from docstore.errors import DamagedDocumentError, DecodeError
from docstore.search.info import DocumentInfo, PartInfo
from docstore.sql.dialects import text_rows, unchecked
from docstore.sql.reader import State, checked_body, state_of
from docstore.sql.rows import HeadRow, PieceRow, heads_of, piece_columns
from docstore.sql.tables import documents


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document's rows, not parsed yet."""

    head: HeadRow
    project: str
    rows: Sequence[PieceRow]

    @property
    def size(self) -> int:
        """The number of characters of its JSON."""
        return sum([len(row.body) for row in self.rows])

    def state(self) -> State:
        """Return the document's state, which is parsed and checked at each call.

        Raises:
            DamagedDocumentError: the document is not what was saved.
        """
        return state_of(self.head, self.rows)


def read_documents(connection: Connection, ids: Sequence[str]) -> dict[str, StoredDocument]:
    """Return the rows of the documents with these ids, by id; without those that do not exist.

    Cost:
        Two statements.
    """
    heads = heads_of(connection, ids)
    rows = _pieces(connection, ids, None)
    return {head.id: StoredDocument(head, project, rows[head.id]) for head, project in heads}


def _pieces(connection: Connection, ids: Iterable[str], paths: Collection[str] | None) -> dict[str, list[PieceRow]]:
    """Return the rows of the documents with these ids by id; only those at *paths*, if given."""
    c = documents.c
    found: dict[str, list[PieceRow]] = {id: [] for id in ids}
    query = sa.select(unchecked(c.id), *piece_columns(documents)).where(c.id.in_(list(found)))
    rows = text_rows(connection.execute(query if paths is None else query.where(c.path.in_(list(paths)))))
    for id, path, digest, body in rows:
        found[id].append(PieceRow(path, digest, body))
    return found


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON of a part, and how many characters its text has."""

    value: JSON
    size: int


def check_codes(info: DocumentInfo | PartInfo, body: JSON) -> None:
    """Refuse a row whose columns for type and status contradict its body; rows of users' kinds are not checked.

    Raises:
        DamagedDocumentError: a column contradicts the body.
    """
    kind, path = (info.document_kind, info.path) if isinstance(info, PartInfo) else (info.kind, HEAD)
    rule = KINDS[kind].rule(path) or KINDS[kind] if kind in KINDS else None
    if rule is None:
        return
    for column, code, shown in (("type", rule.type, info.type), ("status", rule.status, info.status)):
        name = code.name_in(body) if code else None
        if code and shown != name:
            problem = f"the column {column} says {shown!r}, and the body {name!r}"
            raise DamagedDocumentError(info.name, where=path or "its head", problem=problem)


def read_bodies(connection: Connection, found: Sequence[PartInfo]) -> list[Body]:
    """Return the body of each of the parts *found*.

    Raises:
        DamagedDocumentError: a body is not what was saved, or a column contradicts it.

    Cost:
        One statement.
    """
    rows = _pieces(connection, {part.id for part in found}, {part.path for part in found})
    by_place = {(id, row.path): row for id, several in rows.items() for row in several}
    bodies = []
    for part in found:
        row = by_place[part.id, part.path]
        body = checked_body(part.name, row)
        check_codes(part, body)
        bodies.append(Body(body, len(row.body)))
    return bodies


def read_pieces_at(
    connection: Connection, names: Mapping[str, str], pointers: Iterable[str]
) -> dict[str, dict[str, JSON]]:
    """Return for each document its head and the parts that *pointers* lead into, by path.

    Args:
        names: of the documents, by id.

    Raises:
        DamagedDocumentError: a row is not what was saved.

    Cost:
        One statement.
    """
    paths = {HEAD, *(join_pointer(tokens[:2]) for tokens in map(split_pointer, pointers) if len(tokens) > 1)}
    rows = _pieces(connection, names, paths)
    return {id: {row.path: checked_body(names[id], row) for row in several} for id, several in rows.items()}


def place_in(pieces: Mapping[str, JSON], pointer: str) -> MaybeJSON:
    """Return the value at *pointer* of a document, from *pieces* of it, or ABSENT."""
    tokens = split_pointer(pointer)
    part = join_pointer(tokens[:2])
    if len(tokens) > 1 and part in pieces:
        return at_pointer(pieces[part], join_pointer(tokens[2:]))
    return at_pointer(join(pieces) if len(tokens) < 2 else pieces.get(HEAD), pointer)


def at_pointer(body: JSON, pointer: str) -> MaybeJSON:
    """Return the value at *pointer* in *body*, or ABSENT."""
    try:
        return value_at_pointer(body, pointer)
    except DecodeError:
        return ABSENT
