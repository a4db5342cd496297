"""Whether what is stored is what was saved: every digest, every version rebuilt, every link of the chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.digests import DigestTree, piece
from docstore.errors import DamagedDocumentError, DecodeError, PatchError
from docstore.history import GENESIS, Version, chained, rebuild
from docstore.kinds import Kind
from docstore.reader import read, version_of
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


def verify_document(connection: Connection, head: HeadRow, kind: Kind) -> Iterator[Damage]:
    """Yield each damage of one document and its history.

    Cost:
        A read of all its rows, and a rebuild of every version, each digested anew where it changed.
    """

    def damage(table: str, where: str, problem: str) -> Damage:
        return Damage(head.kind, head.name, table, where, problem)

    history = []
    for row in rows.version_rows(connection, head.id, newest_first=False):
        try:
            history.append(version_of(head.name, row))
        except DamagedDocumentError as error:
            yield damage("versions", error.where, error.problem)
    numbers = {version.number for version in history}
    for number in sorted(set(range(1, head.version + 1)) - numbers):
        yield damage("versions", f"version {number}", "its row is missing")
    for number in sorted(numbers - set(range(1, head.version + 1))):
        yield damage("versions", f"version {number}", f"the document is at version {head.version} only")
    for version, problem in _broken_links(head, history, connection):
        yield damage("versions", f"version {version.number}", problem)
    try:
        pieces = read(connection, head).pieces
    except DamagedDocumentError as error:
        yield damage("documents", error.where, error.problem)
        return
    for version, problem in _unlike(kind, pieces, [v for v in reversed(history) if v.number <= head.version]):
        yield damage("versions", f"version {version.number}", problem)


def _broken_links(head: HeadRow, history: list[Version], connection: Connection) -> Iterator[tuple[Version, str]]:
    texts = {row.version: row.changes for row in rows.version_rows(connection, head.id)}
    previous = GENESIS
    for version in history:
        if chained(previous, head.id, version, texts[version.number]) != version.chain:
            yield version, "its row, or the chain before it, was changed"
        previous = version.chain


def _unlike(kind: Kind, pieces: dict[str, JSON], newest_first: list[Version]) -> Iterator[tuple[Version, str]]:
    """Yield the versions whose rebuilt state has not the digest that was saved."""
    for later, version in zip(newest_first, newest_first[1:], strict=False):
        try:
            pieces = rebuild(pieces, kind, [later.changes])
            digest = DigestTree({path: piece(path, body).digest for path, body in pieces.items()}).digest()
        except (PatchError, DecodeError) as error:
            yield version, f"it cannot be rebuilt: {error}"
            return
        if digest != version.digest:
            yield version, "what is rebuilt has another digest"
