"""Whether what is stored is what was saved: every digest, every version rebuilt, every link of the chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.dialect import translated
from docstore.digests import DigestTree, piece
from docstore.errors import DamagedDocumentError, DecodeError, PatchError, StoreError, UnreadableError, abridged
from docstore.history import GENESIS, Version, chained, changes_text, lineage, rebuild
from docstore.kinds import HEAD, Kind, is_document, kind_named
from docstore.reader import read, version_numbered
from docstore.rows import HeadRow
from docstore.values import JSON

_MANY: Final = 1_000
"""Of more missing versions in a row, not each is told: the column that says how many there are may say any number."""


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
    yield from _reported(connection, "unknown", project, _verify_all(connection, project))


def _reported(connection: Connection, kind: str, name: str, damages: Iterator[Damage]) -> Iterator[Damage]:
    """Yield *damages* and, as the last, a row that cannot even be read."""
    try:
        with translated(connection.engine):
            yield from damages
    except UnreadableError as error:
        yield Damage(kind, name, "documents", "its rows", str(error))


def _verify_all(connection: Connection, project: str) -> Iterator[Damage]:
    for id, kind, name in rows.head_ids(connection, project):
        try:
            head = rows.head_of(connection, id)
        except UnreadableError as error:
            yield Damage(kind, name, "documents", "its head", str(error))
            continue
        if head is None:  # it was listed in the same transaction
            yield Damage(kind, name, "documents", "its head", f"its id {abridged(id)} is none that docstore gives")
        else:
            yield from _reported(connection, kind, name, _verify_document(connection, head, kind_named(kind)))
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
    for where in _gaps(found, head.version):
        yield damage(
            "versions", where, "its row is missing" if where.startswith("version ") else "their rows are missing"
        )
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


def _gaps(numbers: Iterable[int], last: int) -> Iterator[str]:
    """Yield which versions from 1 to *last* are not among *numbers*, which rise; of a thousand in a row, the ends."""
    expected = 1
    for number in (*numbers, last + 1):
        missing = range(expected, min(number, last + 1))
        if len(missing) <= _MANY:
            yield from (f"version {each}" for each in missing)
        else:
            yield f"versions {missing[0]} to {missing[-1]}"
        expected = max(expected, number + 1)


def _version(connection: Connection, head: HeadRow, number: int) -> Version | StoreError:
    try:
        return version_numbered(connection, head, number)
    except StoreError as error:
        return error


def _broken_links(head: HeadRow, history: list[Version]) -> Iterator[Version]:
    previous = GENESIS
    saved_in = lineage({version.number: version.parent for version in history if version.parent}, head.id)
    for version in history:
        if chained(previous, saved_in(version.number), version, changes_text(version.changes)) != version.chain:
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
    except UnreadableError as error:
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
