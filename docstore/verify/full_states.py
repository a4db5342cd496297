"""Check the full states of a document: each row by its digest, all rows of a version by the version's digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import digest
from docstore.documents.digests import Digests
from docstore.documents.history import Version
from docstore.errors import UnreadableError
from docstore.verify import statements
from docstore.verify.damage import Damage, Subject
from docstore.verify.statements import Unread

_REMEDY = "Nothing is lost: delete its rows, and older versions are rebuilt from a newer state"


@dataclass(slots=True)
class _Found:
    """The digests of the rows of one full state, by path, and the damages of single rows."""

    digests: dict[str, str] = field(default_factory=dict)
    damages: list[Damage] = field(default_factory=list)


class FullStates:
    """Checks the full states of one document, while its history is read from the newest version back."""

    def __init__(self, connection: Connection, subject: Subject) -> None:
        self._connection, self._subject = connection, subject
        self._unread: list[list[int]] = []
        self._found: dict[int, _Found] = {}

    def begin(self) -> Iterator[Damage]:
        """Read which versions have full states; yield the damage if these rows are unreadable."""
        try:
            self._unread = statements.state_groups(self._connection, self._subject.id)[::-1]
        except UnreadableError as error:
            yield self._subject.rows("states", str(error))

    def of(self, version: Version, rebuilt: Digests | None) -> Iterator[Damage]:
        """Yield the damage of the full state of *version*, if it has one.

        Args:
            rebuilt: the digests of the rebuilt version, which show which rows are damaged; None if there are none.
        """
        while self._unread and self._unread[-1][0] >= version.number:
            yield from self._read(self._unread.pop())
        found = self._found.pop(version.number, None)
        if found is None:
            return
        if not version.is_kept:
            yield self._damage(version.number, f"that version was folded. {_REMEDY}")
            return
        yield from found.damages
        digests = Digests.of(found.digests)
        if found.damages or digests.digest() == version.digest:
            return
        unlike = sorted(digests.unequal(rebuilt)) if rebuilt is not None and rebuilt.digest() == version.digest else []
        for path in unlike:
            has = "it is not what that version has" if path in found.digests else "its row is missing"
            yield self._subject.state(version.number, path, f"{has}. {_REMEDY}")
        if not unlike:
            yield self._damage(version.number, f"its rows are not the ones that version has. {_REMEDY}")

    def end(self) -> Iterator[Damage]:
        """Yield the damage of full states of versions that have no readable row."""
        while self._unread:
            yield from self._read(self._unread.pop())
        for number in self._found:
            yield self._damage(number, f"there is no such version, or its row is unreadable. {_REMEDY}")

    def _read(self, numbers: list[int]) -> Iterator[Damage]:
        """Read and check each row of the full states of versions *numbers*."""
        try:
            for number, row in statements.state_rows(self._connection, self._subject.id, numbers):
                found = self._found.setdefault(number, _Found())
                path = str(row.key) if isinstance(row, Unread) else row.path
                if problem := _problem(row):
                    found.damages.append(self._subject.state(number, path, f"{problem}. {_REMEDY}"))
                elif not isinstance(row, Unread):
                    found.digests[path] = row.digest
        except UnreadableError as error:
            yield self._subject.rows("states", str(error))

    def _damage(self, number: int, problem: str) -> Damage:
        return self._subject.rows("states", problem, f"the full state of version {number}")


def _problem(row: sa.Row[Any] | Unread) -> str | None:
    if isinstance(row, Unread):
        return row.problem
    is_as_saved = digest(row.body.encode()) == row.digest
    return None if is_as_saved else "its body is not what was saved: the digest is another"
