"""What differs between two versions of a document, or between two documents, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from docstore.documents.diff.lines import Line
from docstore.documents.history import Version
from docstore.errors import VersionNotFoundError
from docstore.web.formats import Stamp, Table
from docstore.web.pages.changes import ChangeRow, change_row, version_named
from docstore.web.source import Source

PAGE: Final = 500
"""Lines of a page."""


@dataclass(frozen=True, slots=True)
class DiffPage:
    """What differs between two states; only what differs is there.

    Attributes:
        other: the name of the second document; that of the first, if both are versions of one.
        old, new: the two versions.
        lines: of this page: what, and its value in the old and the new state; *total* of all pages.
        head, newest: of the first document; at an address whose answer never changes, of the new version.
    """

    kind: str
    name: str
    other: str
    head: int
    old: ChangeRow
    new: ChangeRow
    lines: Sequence[Line]
    start: int
    total: int
    newest: ChangeRow
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The lines as a table."""
        return Table(
            ("subject", "what", "was", "now"), [(each.subject, each.what, each.was, each.now) for each in self.lines]
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """Which two states to compare.

    Attributes:
        a, b: versions, by their numbers or tags; "" for the version before the newest, and for the newest.
        other: the name of the document of which *b* is a version; "" for the same one.
        seal: the beginnings of the chains of both, as the page links itself: then the versions are these forever.
    """

    a: str = ""
    b: str = ""
    other: str = ""
    seal: str = ""


def diff_page(source: Source, name: str, kind: str, pair: Pair, start: int = 0) -> DiffPage:
    """Return what differs between two versions of a document, or of two documents, from the line *start* on.

    Raises:
        VersionNotFoundError: there is no such version or tag; or its chain is another one than the seal has.

    Cost:
        Both states are read; kept in the cache by their digests.
    """
    other = pair.other or name
    ours = source.newest_version(name, kind)
    new = version_named(source, other, kind, pair.b) if pair.b else source.newest_version(other, kind)
    before = ours.number if pair.other else max(1, new.number - 1)
    old = version_named(source, name, kind, pair.a or str(before))
    is_fixed = pair.seal == seal_of(old, new)
    if pair.seal and not is_fixed:
        raise VersionNotFoundError(
            name, wanted=f"{pair.a} to {pair.b} with the seal {pair.seal}", head=ours.number, kind=kind
        )

    def make() -> tuple[Line, ...]:
        return source.store.diff(name, old.number, new.number, kind=kind, other=pair.other).lines

    lines = source.by_digest(new, f"since {old.digest}", make, lambda made: 4 * len(made) + 1)
    was, now = change_row(source, name, kind, old), change_row(source, other, kind, new)
    newest, head = (now, new.number) if is_fixed else (change_row(source, name, kind, ours), ours.number)
    made_of = (old.chain, new.chain) if is_fixed else (was, now, newest, head)
    return DiffPage(
        kind,
        name,
        other,
        head,
        was,
        now,
        lines[start : start + PAGE],
        start,
        len(lines),
        newest,
        Stamp(repr((made_of, start)), is_fixed),
    )


def seal_of(old: Version | ChangeRow, new: Version | ChangeRow) -> str:
    """Return the beginnings of two chains, which a link to their difference has."""
    return f"{old.chain[:12]}-{new.chain[:12]}"
