"""Whether what is stored is what was saved: every digest, every version rebuilt, every link of the chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.digests import DigestTree, piece
from docstore.errors import DamagedDocumentError, DatabaseError, DecodeError, PatchError, StoreError
from docstore.history import GENESIS, Version, chained, changes_text, rebuild
from docstore.kinds import HEAD, Kind, is_document, kind_named
from docstore.reader import read, version_numbered
from docstore.rows import HeadRow
from docstore.values import JSON


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was saved: of which document, in which table, where in it, and what."""

    kind: str
    name: str
    table: str
    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}: table {self.table}, {self.where}: {self.problem}"


def verify_project(connection: Connection, project: str) -> Iterator[Damage]:
    """Yield each damage of each document of *project*, and what is left of documents whose head is gone.

    Cost:
        A read of everything, and a rebuild of every version, each digested anew.
    """
    for id, kind, name in rows.head_ids(connection, project):
        try:
            head = rows.head_of(connection, id)
        except DatabaseError as error:
            yield Damage(kind, name, "documents", "its head", str(error))
        else:
            assert head is not None  # it was listed in the same transaction
            yield from _verify_document(connection, head, kind_named(kind))
    for id in rows.headless(connection, project):
        # Without a head it has no name, and no search finds it.
        yield Damage("unknown", id, "documents", "its head", "its row is missing, and its parts or history are there")


def _verify_document(connection: Connection, head: HeadRow, kind: Kind) -> Iterator[Damage]:
    def damage(table: str, where: str, problem: str) -> Damage:
        return Damage(head.kind, head.name, table, where, problem)

    found = {number: _version(connection, head, number) for number in rows.version_numbers(connection, head.id)}
    for number, version in found.items():
        if isinstance(version, StoreError):
            yield damage("versions", f"version {number}", str(getattr(version, "problem", version)))
    for first, last in _gaps(found, head.version):
        where = f"version {first}" if first == last else f"versions {first} to {last}"
        yield damage("versions", where, "its row is missing" if first == last else "their rows are missing")
    for number in found:
        if not 1 <= number <= head.version:
            yield damage("versions", f"version {number}", f"the document is at version {head.version} only")
    history = [version for version in found.values() if isinstance(version, Version)]
    for version in _broken_links(head, history):
        yield damage("versions", f"version {version.number}", "its row, or the chain before it, was changed")
    try:
        pieces = read(connection, head).pieces
    except DamagedDocumentError as error:
        yield damage("documents", error.where, error.problem)
        return
    kind = kind.of(pieces[HEAD])
    for where, problem in _unlike_columns(connection, head, kind, pieces, history):
        yield damage("documents", where, problem)
    for version, problem in _unlike(kind, pieces, [v for v in reversed(history) if v.number <= head.version]):
        yield damage("versions", f"version {version.number}", problem)


def _gaps(numbers: Iterable[int], last: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of numbers from 1 to *last* that is not among *numbers*, which rise."""
    expected = 1
    for number in (*numbers, last + 1):
        if expected < number <= last + 1:
            yield expected, number - 1
        expected = max(expected, number + 1)


def _version(connection: Connection, head: HeadRow, number: int) -> Version | StoreError:
    try:
        return version_numbered(connection, head, number)
    except StoreError as error:
        return error


def _broken_links(head: HeadRow, history: list[Version]) -> Iterator[Version]:
    previous = GENESIS
    for version in history:
        if chained(previous, head.id, version, changes_text(version.changes)) != version.chain:
            yield version
        previous = version.chain


def _unlike(kind: Kind, pieces: dict[str, JSON], newest_first: list[Version]) -> Iterator[tuple[Version, str]]:
    """Yield the versions whose rebuilt state has not the digest that was saved."""
    for later, version in pairwise(newest_first):
        try:
            pieces = rebuild(pieces, kind, [later.changes])
            digest = DigestTree({path: piece(path, body).digest for path, body in pieces.items()}).digest()
        except (PatchError, DecodeError) as error:
            yield version, f"it cannot be rebuilt: {error}"
            return
        if digest != version.digest:
            yield version, "what is rebuilt has another digest"


def _unlike_columns(
    connection: Connection, head: HeadRow, kind: Kind, pieces: dict[str, JSON], history: list[Version]
) -> Iterator[tuple[str, str]]:
    """Yield the rows whose columns, by which documents are found, say other than their bodies and the history."""
    try:
        found = rows.column_rows(connection, head.id)
    except DatabaseError as error:
        yield "its rows", str(error)
        return
    names = {(column, value): name for column, value, name in rows.code_rows(connection)}
    saved = {version.number: version.created_at for version in history}
    for row in found:
        where, rule = row.path or "its head", kind.rule(row.path) or kind
        for column, code, value in (("type", rule.type, row.type), ("status", rule.status, row.status)):
            said, name = (names.get((code.column, value)), code.name_in(pieces[row.path])) if code else (value, None)
            if said != name:
                yield where, f"the column {column} says {said!r}, and the body {name!r}"
        if row.path == HEAD and is_document(pieces[HEAD]) and head.name != kind.name_in(pieces[HEAD]):
            yield where, f"the column name says {head.name!r}, and the body {kind.name_in(pieces[HEAD])!r}"
        if row.path == HEAD and (row.created_at, row.updated_at) != (
            saved.get(1, row.created_at),
            saved.get(head.version, row.updated_at),
        ):
            yield where, "created_at or updated_at is not the time of the first or the current version"
