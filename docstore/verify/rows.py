"""Check the current state of a document: each row by its digest and columns, all together by the version's digest."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, join_pointer, loads, split_pointer
from docstore.documents.digests import Digests
from docstore.documents.history import Rollback
from docstore.documents.kinds import HEAD, KINDS, Kind, join, kind_named
from docstore.errors import DecodeError, MissingDependencyError
from docstore.sql.column_checks import CodeNames
from docstore.sql.rows import HeadRow, body_problem
from docstore.sql.tables import documents
from docstore.sql.tagging import tags_in
from docstore.verify import statements
from docstore.verify.blame_rows import RowBlame
from docstore.verify.columns import missing_codes, wrong_head_columns, wrong_part_columns
from docstore.verify.damage import Damage, Subject
from docstore.verify.statements import Unread


@dataclass(frozen=True, slots=True)
class PartColumns:
    """The columns of a part that the history can confirm: the version that wrote it last, and the one that added it."""

    version: int
    added: int | None

    @property
    def is_possible(self) -> bool:
        """Whether it was added before or when it was written last; without that, the row is reported already."""
        return self.added is not None and 1 <= self.added <= self.version


Decode = Callable[[JSON], object]


@dataclass(slots=True)
class CurrentState:
    """What was read from the rows of a document.

    Attributes:
        created_at: of its head.
        parts: the columns of its parts, by path.
        state: the document, to be rolled back; None if its rows cannot be joined, or its version has no row.
        blame: finds the damaged rows of *state*; None if all of it is what was saved.
        tags: the tags by the row of the head; None if it cannot be read.
        lost_codes: the integers that the table ``codes`` lacks, with their names: column, value, name.
    """

    created_at: datetime | None = None
    parts: dict[str, PartColumns] = field(default_factory=dict)
    state: Rollback | None = None
    blame: RowBlame | None = None
    tags: dict[str, JSON] | None = None
    missing_codes: set[tuple[str, int, str]] = field(default_factory=set)


class RowCheck:
    """Checks the rows of one document."""

    def __init__(self, connection: Connection, project: str, head: HeadRow, names: CodeNames | None) -> None:
        self._connection, self._project, self._head = connection, project, head
        self._names = names
        self._subject = Subject(head.kind, head.name, head.id)
        self._named = kind_named(head.kind)
        self._kind: Kind | None = self._named if self._named.name in KINDS else None
        self._pieces: dict[str, JSON] = {}
        self._digests: dict[str, str] = {}
        self._now = CurrentState()

    def check(self, decode: Decode | None) -> Generator[Damage, None, CurrentState]:
        """Yield each damage, and return what was read."""
        lost: set[str] = set()
        for page in statements.pages(self._connection, documents.c.path, self._head.id):
            for row in page:
                found = list(self._unread(row) if isinstance(row, Unread) else self._body(row))
                yield from found
                if found:
                    lost.add(str(row.key) if isinstance(row, Unread) else row.path)
                elif not isinstance(row, Unread):
                    yield from self._columns(row)
        if not self._head.digest:  # the row of its version is missing, which the history reports
            return self._now
        if not lost:
            yield from self._without_surplus()
        digests = Digests.of({path: known for path, known in self._digests.items() if path not in lost})
        if not lost and digests.digest() == self._head.digest:
            yield from self._whole(digests, decode)
        else:
            self._start_blame(digests, frozenset(lost))
        return self._now

    def _without_surplus(self) -> Iterator[Damage]:
        """Yield and leave out an extra part: one without which the others match the digest of the version."""
        digests, right = Digests.of(self._digests), self._head.digest
        if digests.digest() == right:
            return
        path = next((each for each in self._now.parts if digests.with_changed({each: None}).digest() == right), None)
        if path is not None:
            yield self._subject.piece(path, "there is a row, and the document has no such part")
            del self._pieces[path], self._digests[path], self._now.parts[path]

    def _start_blame(self, digests: Digests, lost: frozenset[str]) -> None:
        if HEAD in lost or HEAD not in self._pieces:
            if self._named.name not in KINDS:  # only its head says which of its places are parts
                return
            self._pieces[HEAD] = {rule.field: {} for rule in self._named.parts}
        pieces = {path: body for path, body in self._pieces.items() if path == HEAD or path not in lost}
        self._now.state = Rollback(self._named, pieces, digests)
        self._now.blame = RowBlame(self._subject, self._now.state, lost, frozenset(self._digests) | lost)

    def _unread(self, row: Unread) -> Iterator[Damage]:
        yield self._subject.piece(str(row.key), row.problem)

    def _body(self, row: sa.Row[Any]) -> Iterator[Damage]:
        """Yield the damage of a body, and remember the row."""
        if row.path == HEAD:
            self._now.created_at = row.created_at
        else:
            self._now.parts[row.path] = PartColumns(row.version, row.added)
        self._digests[row.path] = row.digest
        try:
            body = loads(row.body)
        except DecodeError as error:
            yield self._subject.piece(row.path, str(error))
            return
        if problem := body_problem(row.digest, row.body):
            yield self._subject.piece(row.path, problem)
            return
        self._pieces[row.path] = body
        if row.path == HEAD:
            try:
                self._kind = self._named.of(body)
            except DecodeError as error:
                yield self._subject.piece(HEAD, str(error), error.pointer)

    def _columns(self, row: sa.Row[Any]) -> Iterator[Damage]:
        """Yield the columns that contradict the body; documents are found and read by them."""
        if self._kind is None:  # its head, which says what its parts are, cannot be read
            return
        body = self._pieces[row.path]
        self._now.missing_codes.update(missing_codes(self._kind.rule(row.path) or self._kind, row, body, self._names))
        if row.path == HEAD:
            with suppress(DecodeError):  # reported as damage of the seal
                self._now.tags = tags_in(row.tags)
            problems = wrong_head_columns(self._kind, self._head, row, body, self._names, self._called)
        else:
            problems = wrong_part_columns(self._kind, self._head, self._project, row, body, self._names)
        for problem in problems:
            yield self._subject.piece(row.path, problem)

    def _called(self, id: str) -> tuple[str, str] | None:
        return statements.called(self._connection, id)

    def _whole(self, digests: Digests, decode: Decode | None) -> Iterator[Damage]:
        if digests.parts_digest != self._head.parts_digest:
            yield self._subject.piece(HEAD, "the column parts_digest is not the number and the sum of the parts")
        try:
            document = join(self._pieces)
        except DecodeError as error:
            yield self._subject.piece(self._at(error.pointer), str(error), error.pointer)
            return
        self._now.state = Rollback(self._named, self._pieces, digests)
        if decode is not None and (refused := undecoded(decode, lambda: document)):
            problem, pointer = refused
            yield self._subject.piece(self._at(pointer), problem, pointer)

    def _at(self, pointer: str) -> str:
        """Return the path of the piece that *pointer* leads into."""
        path = join_pointer(split_pointer(pointer)[:2])
        return path if path in self._pieces else HEAD


def undecoded(decode: Decode, document: Callable[[], JSON]) -> tuple[str, str] | None:
    """Return the problem and the pointer if *document* does not decode, else None."""
    try:
        decode(document())
    except DecodeError as error:
        first, *others = error.errors
        more = f" (and {len(others)} more)" if others else ""
        return f"it does not decode: {first}{more}", first.pointer
    except MissingDependencyError as error:
        return f"it does not decode here: {error}", HEAD
    return None
