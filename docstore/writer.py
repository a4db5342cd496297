"""The one place that writes documents: in the transaction it is given, the pieces, the head and one row of history."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.coding import Codes, Name
from docstore.digests import DigestTree, Piece
from docstore.documents import Document
from docstore.errors import DocumentExistsError
from docstore.history import GENESIS, Version, chained, changes_text, next_moment
from docstore.kinds import HEAD, Code, Kind, position_of
from docstore.patch import Change
from docstore.reader import read, version_numbered
from docstore.revision import Revision, revise
from docstore.rows import HeadRow
from docstore.values import JSON


@dataclass(frozen=True, slots=True)
class Note:
    """What a person says of a save."""

    author: str
    message: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written: the version, and the integers to remember once it is committed."""

    id: str
    version: Version
    codes: Mapping[Name, int]


class Writer:
    """Writes to the documents of one project."""

    def __init__(self, project: str, codes: Codes) -> None:
        self._project = project
        self._codes = codes

    def create(self, connection: Connection, document: Document, note: Note) -> Saved:
        """Insert *document* as version 1.

        Raises:
            DocumentExistsError: the name is taken.
            IntegrityError: another writer is taking it now.
        """
        taken = rows.head_named(connection, self._project, document.kind.name, document.name)
        if taken is not None:
            raise DocumentExistsError(document.name, kind=document.kind.name, head=taken.version)
        id = uuid.uuid4().hex
        moment = next_moment(None)
        found = self._integers(connection, document.kind, document.pieces)
        rows.insert_pieces(
            connection,
            [
                self._row(connection, id, document, path, 1, moment, found) | {"created_at": moment, "deleted_at": None}
                for path in document.pieces
            ],
        )
        digest = DigestTree({path: piece.digest for path, piece in document.pieces.items()}).digest()
        version = Version(1, moment, note.author, note.message, (Change("add", HEAD),), digest, "")
        return Saved(id, self._append(connection, id, GENESIS, version), found)

    def overwrite(self, connection: Connection, document: Document, note: Note) -> Saved:
        """Make *document* the newest version of the one that has its name, or the first."""
        head = rows.head_named(connection, self._project, document.kind.name, document.name)
        return self.replace(connection, head, document, note) if head else self.create(connection, document, note)

    def replace(self, connection: Connection, head: HeadRow, document: Document, note: Note) -> Saved:
        """Make *document*, with all its pieces, the next version of the one at *head*, unless it is as that is."""
        now = read(connection, head)
        revision = revise(document.kind, now.pieces, document.pieces)
        if not revision.changes:
            return Saved(head.id, version_numbered(connection, head, head.version), {})
        return self.write(connection, head, document, revision, now.digests, note)

    def write(
        self,
        connection: Connection,
        head: HeadRow,
        document: Document,
        revision: Revision,
        digests: DigestTree,
        note: Note,
    ) -> Saved:
        """Write *revision* as the next version of the document at *head*; *digests* are those of the current one.

        Shapes:
            document: says kind, name and model; of its pieces only those of the revision are looked at

        Raises:
            IntegrityError: another writer has made this version.
        """
        number, moment = head.version + 1, next_moment(head.updated_at)
        found = self._integers(connection, document.kind, revision.written)
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for path in revision.written:
            row = self._row(connection, head.id, document, path, number, moment, found)
            if digests.get(path) is None:
                new.append(row | {"created_at": moment, "deleted_at": None})
            else:
                changed.append(row)
        version = Version(
            number, moment, note.author, note.message, revision.changes, digests.digest(revision.digests), ""
        )
        version = self._append(connection, head.id, head.chain, version)
        rows.insert_pieces(connection, new)
        rows.update_pieces(connection, changed)
        rows.delete_pieces(connection, head.id, revision.removed)
        if HEAD not in revision.written:
            rows.touch_head(connection, head.id, version=number, updated_at=moment)
        return Saved(head.id, version, found)

    def _append(self, connection: Connection, id: str, previous: str, version: Version) -> Version:
        changes = changes_text(version.changes)
        version = dataclasses.replace(version, chain=chained(previous, id, version, changes))
        rows.insert_version(
            connection,
            id=id,
            version=version.number,
            created_at=version.created_at,
            author=version.author,
            message=version.message,
            changes=changes,
            digest=version.digest,
            chain=version.chain,
        )
        return version

    def _integers(self, connection: Connection, kind: Kind, pieces: Mapping[str, Piece]) -> dict[Name, int]:
        names = {
            (code.column, name)
            for path, piece in pieces.items()
            for code in _codes_of(kind, path)
            if (name := code.name_in(piece.body)) is not None
        }
        return self._codes.resolve(connection, names)

    def _row(
        self,
        connection: Connection,
        id: str,
        document: Document,
        path: str,
        number: int,
        moment: datetime,
        integers: Mapping[Name, int],
    ) -> dict[str, Any]:
        kind, piece = document.kind, document.pieces[path]
        rule = kind.rule(path) if path != HEAD else kind
        assert rule is not None  # kind.split makes parts by its rules only
        return {
            "id": id,
            "path": path,
            "project": self._project,
            "kind": rule.name,
            "name": document.name if path == HEAD else None,
            "owner": self._owner(connection, kind, piece.body) if path == HEAD else None,
            "position": None if path == HEAD else position_of(path),
            "type": _integer(rule.type, piece.body, integers),
            "status": _integer(rule.status, piece.body, integers),
            "model": document.model,
            "version": number,
            "updated_at": moment,
            "digest": piece.digest,
            "body": piece.text.decode(),
        }

    def _owner(self, connection: Connection, kind: Kind, head: JSON) -> str | None:
        name = kind.owner_in(head)
        owner = rows.head_named(connection, self._project, kind.owner_kind or "", name) if name else None
        return owner.id if owner else None


def _codes_of(kind: Kind, path: str) -> Iterable[Code]:
    rule = kind.rule(path) if path != HEAD else kind
    return filter(None, (rule.type, rule.status)) if rule else ()


def _integer(code: Code | None, body: JSON, integers: Mapping[Name, int]) -> int | None:
    name = code.name_in(body) if code else None
    return None if code is None or name is None else integers[code.column, name]
