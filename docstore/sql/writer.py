"""The writer: a document or its changes as rows, in a given transaction: pieces, head, and one row of history."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, dumps
from docstore.documents.changeset import Changeset, changeset_of
from docstore.documents.digests import Digests, Piece, piece
from docstore.documents.document import Document
from docstore.documents.history import GENESIS, Parent, Version, chained, changes_text, lineage, next_moment
from docstore.documents.kinds import HEAD, Kind, is_document, kind_named, position_of
from docstore.documents.patch import Change
from docstore.errors import DocumentExistsError, InvalidValueError, TooLargeError
from docstore.sql import full_states, rows
from docstore.sql.dialects import backend_of
from docstore.sql.enum_codes import EnumCodes, Name, coded_in
from docstore.sql.reader import State, parents_of, read, version_numbered
from docstore.sql.rows import HeadRow, live_documents_named

_LARGE: Final = 64 << 10
"""Bytes of a text that every database accepts, whatever its limits."""


@dataclass(frozen=True, slots=True)
class Note:
    """The author and the message of a version, and the version of another document that it merges, if any."""

    author: str
    message: str
    parent: Parent | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A version that was written, and the integers of enum names to cache once it is committed.

    Attributes:
        is_new: whether it was written by this call; otherwise nothing differed from it.
        digests: the digests of all its pieces, if it is the first version of a document.
    """

    id: str
    version: Version
    codes: Mapping[Name, int]
    is_new: bool = True
    digests: Digests | None = None


class CodedPiece(NamedTuple):
    """What the row of a piece has for itself: its text, but not its JSON, and what its columns say of the JSON."""

    path: str
    kind: str
    text: bytes
    digest: str
    type: Name | None
    status: Name | None
    arm: str | None
    signature: str | None


@dataclass(frozen=True, slots=True)
class New:
    """A new document and its id, as its rows have it: the JSON of many at once would fill the memory.

    Attributes:
        owner: the name of the document that it belongs to.
        names: all names of enums in its pieces.
    """

    id: str
    kind: Kind
    name: str
    model: str
    owner: str | None
    digests: Digests
    pieces: Sequence[CodedPiece]
    names: frozenset[Name]

    @classmethod
    def of(cls, id: str, document: Document) -> New:
        """Return *document* as its rows have it."""
        kind, digests = document.kind, Digests.of({path: each.digest for path, each in document.pieces.items()})
        pieces, names = _coded(kind, document.pieces)
        owner = kind.owner_in(document.pieces[HEAD].body)
        return cls(id, kind, document.name, document.model, owner, digests, pieces, names)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What all rows of one version have in common: the document's id, the version's number, its time, and so on.

    Attributes:
        name, owner: the document's name, and the id of the document that it belongs to; only the head has them.
        parts_digest: of all its parts; only the head has it.
    """

    id: str
    number: int
    moment: datetime
    name: str
    model: str
    owner: str | None
    parts_digest: str | None


@dataclass(frozen=True, slots=True)
class SavedMany:
    """The first version of each document that was written, and the integers to cache once all are committed."""

    versions: Sequence[Version]
    codes: Mapping[Name, int]


class Writer:
    """Writes documents of one project: create, branch, replace or overwrite one, or write its next version."""

    def __init__(self, project: str, codes: EnumCodes) -> None:
        self._project = project
        self._codes = codes

    def create(self, connection: Connection, id: str, document: Document, note: Note, remedy: str = "") -> Saved:
        """Insert *document* as version 1, under the new *id*.

        Args:
            remedy: the remedy in the error if the name is taken; by default, to load that document.

        Raises:
            DocumentExistsError: the name is taken.
            RaceLostError: another writer is taking it now.
        """
        new = New.of(id, document)
        self._refuse_taken(connection, [new], remedy)
        return self._insert(connection, new, note)

    def create_many(self, connection: Connection, new: Sequence[New], note: Note) -> SavedMany:
        """Insert each of *new*, at most ``AT_ONCE`` with different names, as ``create`` does one after another.

        Raises:
            DocumentExistsError: the name of one is taken.
            RaceLostError: another writer is taking one now.

        Cost:
            One statement for each kind, one more for each kind with owners, three for the rows (more if the database
            takes them in batches), and two for each document with a type or status that is new to the database.
        """
        self._refuse_taken(connection, new)
        return self._insert_many(connection, new, note)

    def _refuse_taken(self, connection: Connection, new: Sequence[New], remedy: str = "") -> None:
        names: dict[str, list[str]] = {}
        for each in new:
            names.setdefault(each.kind.name, []).append(each.name)
        for kind, wanted in names.items():
            taken = live_documents_named(connection, self._project, kind, wanted)
            for name in wanted if taken else ():
                if name in taken:
                    raise DocumentExistsError(name, kind=kind, head=taken[name][1], remedy=remedy)

    def _owners_of(self, connection: Connection, new: Sequence[New]) -> list[str | None]:
        """Return the id of each document's owner, which is stored or comes earlier in *new*; or None."""
        owned = [(each.kind.owner_kind or "", each.owner or "") for each in new]
        ids: dict[tuple[str, str], str] = {}
        for kind in {kind for kind, name in owned if name}:
            wanted = {name for other, name in owned if name and other == kind}
            stored = live_documents_named(connection, self._project, kind, wanted)
            ids.update({(kind, name): id for name, (id, _) in stored.items()})
        found: list[str | None] = []
        for each, owner in zip(new, owned, strict=True):
            found.append(ids.get(owner))
            ids[each.kind.name, each.name] = each.id
        return found

    def _insert(self, connection: Connection, new: New, note: Note) -> Saved:
        saved = self._insert_many(connection, [new], note)
        return Saved(new.id, saved.versions[0], saved.codes, digests=new.digests)

    def _insert_many(self, connection: Connection, new: Sequence[New], note: Note) -> SavedMany:
        if new and len(note.message) >= _LARGE:
            check_size(connection, new[0].name, HEAD, f"{_ADDED}{note.message}".encode())
        owners = self._owners_of(connection, new)
        pieces: list[tuple[_Stamp, Sequence[CodedPiece]]] = []
        history: list[tuple[str, Version]] = []
        codes: dict[Name, int] = {}
        for each, owner in zip(new, owners, strict=True):
            moment = next_moment(None)
            # One after another, so that new names get the same integers as if each were saved alone.
            codes |= self._codes.resolve(connection, each.names - codes.keys())
            stamp = _Stamp(each.id, 1, moment, each.name, each.model, owner, each.digests.parts_digest)
            pieces.append((stamp, each.pieces))
            version = Version(1, moment, note.author, note.message, _WHOLE, each.digests.digest(), "")
            history.append((each.id, dataclasses.replace(version, chain=chained(GENESIS, each.id, version, _ADDED))))
        rows.insert_names(connection, self._project, [(each.kind.name, each.name, each.id) for each in new])
        rows.insert_pieces(
            connection, (row for stamp, coded in pieces for row in self._rows(connection, stamp, coded, codes))
        )
        rows.insert_versions(connection, [_version_row(id, version, _ADDED) for id, version in history])
        return SavedMany([version for _, version in history], codes)

    def branch(
        self,
        connection: Connection,
        id: str,
        source: HeadRow,
        state: State,
        document: Document,
        note: Note,
    ) -> Saved:
        """Insert *document* under the new *id*, whose history up to the version of *state* was copied before.

        Shapes:
            state: the state of *source* from which it branches; *document* differs from it in its head only
        """
        begun, then = (version_numbered(connection, source, number) for number in (1, state.version))
        number, moment = then.number + 1, next_moment(then.created_at)
        head = {HEAD: document.pieces[HEAD]}
        changeset = changeset_of(document.kind, {HEAD: state.pieces[HEAD]}, head)
        digests = state.digests.with_changed(changeset.digests)
        written, codes = self._coded_rows(connection, (id, number, moment), document, document.pieces, digests)
        rows.insert_names(connection, self._project, [_named(id, document)])
        rows.insert_pieces(
            connection, (row | {"created_at": begun.created_at} if row["path"] == HEAD else row for row in written)
        )
        # The parent names the document in which that version was saved, which may be an ancestor of *source*.
        saved_in = lineage(parents_of(connection, source), source.id)(then.number)
        parent = Parent("branch", saved_in, then.number)
        version = Version(number, moment, note.author, note.message, changeset.changes, digests.digest(), "", parent)
        version, row = _chained(connection, id, document.name, then.chain, version)
        rows.insert_versions(connection, [row])
        return Saved(id, version, codes)

    def overwrite(self, connection: Connection, id: str, document: Document, note: Note) -> Saved:
        """Write *document* as the next version of the one with its name; without one, as version 1 of *id*."""
        head = rows.head_named(connection, self._project, document.kind.name, document.name)
        # If another writer created it meanwhile, the INSERT fails and the retry finds it.
        if head is None:
            return self._insert(connection, New.of(id, document), note)
        return self.replace(connection, head, document, note)

    def replace(self, connection: Connection, head: HeadRow, document: Document, note: Note) -> Saved:
        """Write *document*, with all its pieces, as the next version of the one at *head*, if they differ.

        Raises:
            InvalidValueError: *document* is a JSON value, and the stored one was made from an object.
        """
        now = read(connection, head)
        if is_document(now.pieces[HEAD]) and not is_document(document.pieces[HEAD].body):
            raise InvalidValueError(
                "kind",
                head.kind,
                f"{head.name!r} is a document that was made of an object: use save(), or another kind.",
            )
        changeset = changeset_of(document.kind, now.pieces, document.pieces)
        if not changeset.changes:
            return Saved(head.id, version_numbered(connection, head, head.version), {}, is_new=False)
        return self.write(connection, head, document, changeset, now.digests, note)

    def replace_head(
        self, connection: Connection, head: HeadRow, now: State, name: str, body: JSON, note: Note
    ) -> Saved:
        """Write the next version of the document at *head*, with *body* as its head and *name* as its name.

        A version is written even if the body is unchanged: a value that was put does not contain its name.

        Shapes:
            now: the current state

        Raises:
            RaceLostError: another writer has made this version.
        """
        kind = kind_named(head.kind).of(body)
        target = {HEAD: piece(HEAD, body)}
        changes = changeset_of(kind, {HEAD: now.pieces[HEAD]}, target).changes
        document = Document(kind, name, head.model, target)
        return self.write(connection, head, document, Changeset(target, frozenset(), changes), now.digests, note)

    def write(
        self,
        connection: Connection,
        head: HeadRow,
        document: Document,
        changeset: Changeset,
        digests: Digests,
        note: Note,
    ) -> Saved:
        """Write *changeset* as the next version of the document at *head*; *digests* are those of the current one.

        Shapes:
            document: its kind, name and model count, not its pieces

        Raises:
            RaceLostError: another writer has written this version, or taken the new name.
        """
        number, moment = head.version + 1, next_moment(head.updated_at)
        after = digests.with_changed(changeset.digests)
        found, codes = self._coded_rows(connection, (head.id, number, moment), document, changeset.written, after)
        written = list(found)
        new = [row for row in written if digests.get(row["path"]) is None]
        changed = [row for row in written if digests.get(row["path"]) is not None]
        version = Version(number, moment, note.author, note.message, changeset.changes, after.digest(), "", note.parent)
        version, row = _chained(connection, head.id, head.name, head.chain, version)
        parts, removed = after.parts_digest, changeset.removed
        rows.write_version(connection, row, new=new, changed=changed, removed=removed, parts_digest=parts)
        if HEAD in changeset.written:
            self._rename(connection, head, document)
        full_states.make_if_due(connection, head.id, number, digests)
        return Saved(head.id, version, codes)

    def _rename(self, connection: Connection, head: HeadRow, document: Document) -> None:
        if document.name != head.name and head.deleted_at is None:
            rows.delete_name(connection, self._project, head)
            rows.insert_names(connection, self._project, [_named(head.id, document)])

    def _coded_rows(
        self,
        connection: Connection,
        version: tuple[str, int, datetime],
        document: Document,
        pieces: Mapping[str, Piece],
        digests: Digests,
    ) -> tuple[Iterator[dict[str, Any]], dict[Name, int]]:
        """Return the rows of *pieces*, and the integers of the enum names in them.

        Args:
            version: the document's id, and the number and the time of the version.
            digests: those of the whole document at that version.
        """
        coded, names = _coded(document.kind, pieces)
        codes = self._codes.resolve(connection, names)
        owner = self._owner(connection, document.kind, pieces[HEAD].body) if HEAD in pieces else None
        stamp = _Stamp(*version, document.name, document.model, owner, digests.parts_digest)
        return self._rows(connection, stamp, coded, codes), codes

    def _rows(
        self, connection: Connection, stamp: _Stamp, pieces: Sequence[CodedPiece], codes: Mapping[Name, int]
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of *pieces*; *codes* are the integers of their types and statuses."""
        for path, kind, text, digest, type, status, arm, signature in pieces:
            check_size(connection, stamp.name, path, text)
            is_head = path == HEAD
            yield {
                "id": stamp.id,
                "path": path,
                "project": self._project,
                "kind": kind,
                "name": stamp.name if is_head else None,
                "owner": stamp.owner if is_head else None,
                "position": position_of(path),
                "type": type and codes[type],
                "status": status and codes[status],
                "arm": arm,
                "signature": signature,
                "model": stamp.model if is_head else None,
                "version": stamp.number,
                "added": None if is_head else stamp.number,
                "created_at": stamp.moment if is_head else None,
                "updated_at": stamp.moment if is_head else None,
                "digest": digest,
                "parts_digest": stamp.parts_digest if is_head else None,
                "body": text.decode(),
            }

    def _owner(self, connection: Connection, kind: Kind, head: JSON) -> str | None:
        name = kind.owner_in(head)
        return rows.id_named(connection, self._project, kind.owner_kind or "", name) if name else None


_WHOLE: Final = (Change("add", HEAD),)
_ADDED: Final = changes_text(_WHOLE)
"""The changes of every first version, and their text."""


def _coded(kind: Kind, pieces: Mapping[str, Piece]) -> tuple[list[CodedPiece], frozenset[Name]]:
    """Return each of *pieces* as its row has it, and all names of enums in them."""
    found: list[CodedPiece] = []
    names: set[Name] = set()
    for path, each in pieces.items():
        rule = kind.rule(path) or kind
        coded = coded_in(rule, each.body)
        names.update(coded.names)
        found.append(CodedPiece(path, rule.name, each.text, each.digest, coded.type, coded.status, *coded.arm))
    return found, frozenset(names)


def _named(id: str, document: Document) -> tuple[str, str, str]:
    return document.kind.name, document.name, id


def _chained(
    connection: Connection, id: str, name: str, previous: str, version: Version
) -> tuple[Version, dict[str, Any]]:
    """Return *version* with its chain, which follows the chain *previous*, and its row, after a check of the size."""
    changes = changes_text(version.changes)
    if len(changes) + len(version.message) >= _LARGE:
        # The row of history is one statement: on MariaDB, one packet.
        text = f"{changes}{version.message}".encode()
        check_size(connection, name, _place_of(version.changes), text, len(version.changes))
    version = dataclasses.replace(version, chain=chained(previous, id, version, changes))
    return version, _version_row(id, version, changes)


def _version_row(id: str, version: Version, changes: str) -> dict[str, Any]:
    return {
        "id": id,
        "version": version.number,
        "created_at": version.created_at,
        "author": version.author,
        "message": version.message,
        "changes": changes,
        "digest": version.digest,
        "chain": version.chain,
        "parent": dumps(version.parent.to_json()).decode() if version.parent else None,
    }


def check_size(connection: Connection, name: str, pointer: str, text: bytes, places: int = 1) -> None:
    """Refuse a *text* that is too large for the database, before the database does.

    Args:
        pointer: the place of the text; if it has the old values of several *places*, that of the largest.

    Raises:
        TooLargeError: it is larger than one value may be.

    Cost:
        None below 64 KiB; above, on a server, one statement that asks for its limit.
    """
    if len(text) < _LARGE:
        return
    size, limit = backend_of(connection).largest_text(connection, text)
    if size > limit:
        raise TooLargeError(name, pointer=pointer, size=size, limit=limit, places=places)


def _place_of(changes: Sequence[Change]) -> str:
    """Return the place with the largest old value in *changes*."""
    return max(changes, key=lambda change: len(changes_text((change,)))).path if changes else HEAD
