"""What a document is now: each row of its head and parts, and whether they are the ones that its version has."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, digest, join_pointer, loads, split_pointer
from docstore.documents.digests import DigestTree
from docstore.documents.history import Rollback, Version
from docstore.documents.kinds import HEAD, KINDS, Kind, join, kind_named
from docstore.errors import DecodeError
from docstore.sql.columns import Names, lost_codes, shown_value, tags_in, unlike_head, unlike_part
from docstore.sql.paging import PageSize
from docstore.sql.rows import HeadRow
from docstore.sql.tables import documents
from docstore.verify import statements
from docstore.verify.blame_rows import Trace
from docstore.verify.report import Damage, Subject
from docstore.verify.statements import Unread

# What the columns beside a body say, held against the body and against the history, wherever these are certain.


@dataclass(frozen=True, slots=True)
class Said:
    """What the row of a part says of its past: the version that wrote it last, when that was, and when it was added."""

    version: int
    created_at: datetime
    updated_at: datetime


class Written:
    """When each part was written last, as its row says, held against the history, from the newest version back."""

    def __init__(self, parts: Mapping[str, Said]) -> None:
        """Shapes: parts: by path."""
        self._moments: dict[int, dict[str, datetime]] = {}
        for path, said in parts.items():
            self._moments.setdefault(said.version, {})[path] = said.updated_at
        self._open = {path: said.version for path, said in parts.items()}

    def times(self, version: Version) -> Iterator[tuple[str, str]]:
        """Yield what a part says other than the time of *version*, which it says wrote it."""
        for path, moment in self._moments.get(version.number, {}).items():
            if moment != version.created_at:
                yield path, f"the column updated_at says other than version {version.number}, which it says wrote it"
            if version.folded:  # that it touched this part cannot be told any more
                self._open.pop(path, None)

    def touched(self, version: Version, paths: set[str] | None) -> Iterator[tuple[str, str]]:
        """Yield what a part says other than *version*, which touched the pieces at *paths*, or, if None, any."""
        wrote_all = _begins(version)
        if paths is None and not wrote_all:
            self._open.clear()  # of these, not each was written
            return
        for path in list(self._open) if wrote_all or paths is None else paths & self._open.keys():
            said = self._open.pop(path)
            # What others touched that were folded into it is not told apart.
            if said != version.number and not version.folded:
                yield path, f"the column version says {said}, and version {version.number} wrote it last"
        for path in self._moments.get(version.number, ()) if not version.folded else ():
            if self._open.pop(path, None) is not None:
                yield path, f"the column version says {version.number}, and that version did not write it"

    def lose(self) -> None:
        """Take notice of versions that are missing, or cannot be read: what they wrote is not known."""
        self._open.clear()


class Added:
    """When each part was added, as its row says, held against the history, from the newest version back."""

    def __init__(self, parts: Mapping[str, Said]) -> None:
        """Shapes: parts: by path."""
        self._open = {path: said.created_at for path, said in parts.items()}
        self._at: dict[datetime, list[str]] = {}
        for path, moment in self._open.items():
            self._at.setdefault(moment, []).append(path)

    def by(self, versions: Sequence[Version], paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield what a part says other than the time of one of *versions*, which added the parts at *paths*.

        Shapes:
            versions: one that is kept, then those that were folded into it, newest first
        """
        first = next((index for index, version in enumerate(versions) if _begins(version)), None)
        if first is not None:
            versions, paths = versions[: first + 1], list(self._open)
        moments = {version.created_at for version in versions}
        if len(versions) > 1:  # one of them may have removed a part, and another added it again
            for path in [path for moment in moments for path in self._at.get(moment, ())]:
                self._open.pop(path, None)
        newest, oldest = versions[0].number, versions[-1].number
        which = f"version {newest}" if newest == oldest else f"one of the versions {oldest} to {newest}"
        for path in paths:
            said = self._open.pop(path, None)
            if said is not None and said not in moments:
                yield path, f"the column created_at says {shown_value(said)}, and {which} added it at another time"

    def lose(self) -> None:
        """Take notice of versions that are missing, or cannot be relied on: what they added is not known."""
        self._open.clear()

    def forget(self, paths: Iterable[str]) -> None:
        """Take notice of parts whose rows are damaged otherwise: the history is not held against them."""
        for path in paths:
            self._open.pop(path, None)


def _begins(version: Version) -> bool:
    """Return whether *version* wrote all of its document anew."""
    return version.number == 1 or (version.parent is not None and version.parent.how == "branch")


Decode = Callable[[JSON], object]


@dataclass(slots=True)
class Now:
    """What was read of the rows of a document.

    Attributes:
        created_at: of its head.
        parts: what the rows of its parts say of the versions that wrote each, by path.
        state: the document, to be taken back; None if its rows cannot be put together, or there is none of its version.
        trace: tells what of it is not what was saved; None if all of *state* is.
        tags: what the row of the head says of its tags, by tag; None if it cannot be read.
        lost_codes: the integers that the table ``codes`` has no row of, with what they mean: column, value, name.
    """

    created_at: datetime | None = None
    parts: dict[str, Said] = field(default_factory=dict)
    state: Rollback | None = None
    trace: Trace | None = None
    tags: dict[str, JSON] | None = None
    lost_codes: set[tuple[str, int, str]] = field(default_factory=set)


class Pieces:
    """Looks at the rows of one document."""

    def __init__(
        self, connection: Connection, project: str, head: HeadRow, names: Names | None, size: PageSize
    ) -> None:
        self._connection, self._project, self._head = connection, project, head
        self._names, self._size = names, size
        self._subject = Subject(head.kind, head.name, head.id)
        self._named = kind_named(head.kind)
        self._kind: Kind | None = self._named if self._named.name in KINDS else None
        self._pieces: dict[str, JSON] = {}
        self._digests: dict[str, str] = {}
        self._now = Now()

    def look(self, decode: Decode | None) -> Generator[Damage, None, Now]:
        """Yield each damage, and return what was read."""
        lost: set[str] = set()
        for page in statements.pages(self._connection, documents, documents.c.path, self._head.id, self._size):
            for row in page:
                found = list(self._unread(row) if isinstance(row, Unread) else self._body(row))
                yield from found
                if found:
                    lost.add(str(row.key) if isinstance(row, Unread) else row.path)
                elif not isinstance(row, Unread):
                    yield from self._columns(row)
        if not self._head.digest:  # of a document without its row of history, that is told
            return self._now
        if not lost:
            yield from self._without_surplus()
        tree = DigestTree({path: known for path, known in self._digests.items() if path not in lost})
        if not lost and tree.digest() == self._head.digest:
            yield from self._whole(tree, decode)
        else:
            self._trace(tree, frozenset(lost))
        return self._now

    def _without_surplus(self) -> Iterator[Damage]:
        """Leave out the part without which the others are what was saved, if there is such a one, and yield that."""
        tree = DigestTree(self._digests)
        if tree.digest() == self._head.digest:
            return
        path = next((each for each in self._now.parts if tree.digest({each: None}) == self._head.digest), None)
        if path is not None:
            yield self._subject.piece(path, "there is a row, and the document has no such part")
            del self._pieces[path], self._digests[path], self._now.parts[path]

    def _trace(self, tree: DigestTree, lost: frozenset[str]) -> None:
        if HEAD in lost or HEAD not in self._pieces:
            if self._named.name not in KINDS:  # what is a part of it stands in its head
                return
            self._pieces[HEAD] = {rule.field: {} for rule in self._named.parts}
        pieces = {path: body for path, body in self._pieces.items() if path == HEAD or path not in lost}
        self._now.state = Rollback(self._named, pieces, tree)
        self._now.trace = Trace(self._subject, self._now.state, lost, frozenset(self._digests) | lost)

    def _unread(self, row: Unread) -> Iterator[Damage]:
        yield self._subject.piece(str(row.key), row.problem)

    def _body(self, row: sa.Row[Any]) -> Iterator[Damage]:
        """Yield the damage of a body that is not what was saved."""
        if row.path == HEAD:
            self._now.created_at = row.created_at
        else:
            self._now.parts[row.path] = Said(row.version, row.created_at, row.updated_at)
        self._digests[row.path] = row.digest
        try:
            body = loads(row.body)
        except DecodeError as error:
            yield self._subject.piece(row.path, str(error))
            return
        if digest(row.body.encode()) != row.digest:
            yield self._subject.piece(row.path, "its body is not what was saved: the digest is another")
            return
        self._pieces[row.path] = body
        if row.path == HEAD:
            try:
                self._kind = self._named.of(body)
            except DecodeError as error:
                yield self._subject.piece(HEAD, str(error), error.pointer)

    def _columns(self, row: sa.Row[Any]) -> Iterator[Damage]:
        """Yield the columns, by which documents are found and read, that say other than the body."""
        if self._kind is None:  # what is a part of it stands in its head, which cannot be read
            return
        body = self._pieces[row.path]
        self._now.lost_codes.update(lost_codes(self._kind.rule(row.path) or self._kind, row, body, self._names))
        if row.path == HEAD:
            with suppress(DecodeError):  # that is told as the damage of its seal
                self._now.tags = tags_in(row)
            problems = unlike_head(self._kind, self._head, row, body, self._names, self._called)
        else:
            problems = unlike_part(self._kind, self._head, self._project, row, body, self._names)
        for problem in problems:
            yield self._subject.piece(row.path, problem)

    def _called(self, id: str) -> tuple[str, str] | None:
        return statements.called(self._connection, id)

    def _whole(self, tree: DigestTree, decode: Decode | None) -> Iterator[Damage]:
        try:
            document = join(self._pieces)
        except DecodeError as error:
            yield self._subject.piece(self._at(error.pointer), str(error), error.pointer)
            return
        self._now.state = Rollback(self._named, self._pieces, tree)
        if decode is not None and (refused := undecoded(decode, lambda: document)):
            problem, pointer = refused
            yield self._subject.piece(self._at(pointer), problem, pointer)

    def _at(self, pointer: str) -> str:
        """Return the path of the piece that *pointer* leads into."""
        path = join_pointer(split_pointer(pointer)[:2])
        return path if path in self._pieces else HEAD


def undecoded(decode: Decode, document: Callable[[], JSON]) -> tuple[str, str] | None:
    """Return why what *document* gives does not decode, and where, or None where it does."""
    try:
        decode(document())
    except DecodeError as error:
        first, *others = error.errors
        more = f" (and {len(others)} more)" if others else ""
        return f"it does not decode: {first}{more}", first.pointer
    return None
