"""The history of a document: its versions, newest first, with tags and branches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from docstore.web.formats import Stamp, Table
from docstore.web.pages.changes import ChangeRow, change_row, newest_change
from docstore.web.source import Source

PAGE: Final = 100
"""Versions of a page."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of the versions of a document, newest first.

    Attributes:
        head: the number of the newest version.
        before: the number before which the next page begins; None on the last.
        tags: the version that each tag names.
        branches: the documents that were branched from this one, each with the version it began from; None if nobody
            asked for them.
    """

    kind: str
    name: str
    head: int
    versions: list[ChangeRow]
    before: int | None
    tags: dict[str, int]
    branches: dict[str, int] | None
    newest: ChangeRow
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The versions as a table."""
        columns = ("version", "created_at", "author", "message", "places", "changes", "tags", "origin", "digest")
        return Table(
            columns,
            [
                (
                    *(each.number, each.created_at, each.author, each.message, each.places, each.sentence),
                    *(" ".join(each.tags), each.origin, each.digest),
                )
                for each in self.versions
            ],
        )


def history_page(
    source: Source, name: str, kind: str, before: int | None = None, *, with_branches: bool = False
) -> HistoryPage:
    """Return the versions of a document before the version *before*, or the newest.

    Raises:
        DocumentNotFoundError: there is none; has the near names.

    Cost:
        Two or three SELECTs, of as many versions as the page has; the document itself is not read. For the branches,
        as ``Store.branches``: every version in the database is looked at.
    """
    timeline = source.store.history(name, kind=kind)
    head = len(timeline)
    start = 0 if before is None else max(0, head - before + 1)
    found = timeline[start : start + PAGE]
    tags = source.store.tags(name, kind=kind)
    branches = source.store.branches(name, kind=kind) if with_branches else None
    rows = [change_row(source, name, kind, version, tags) for version in found]
    newest = newest_change(source, name, kind, timeline[0])
    return HistoryPage(
        kind,
        name,
        head,
        rows,
        found[-1].number if found and found[-1].number > 1 else None,
        tags,
        branches,
        newest,
        Stamp(repr((newest, rows, before, sorted(tags.items()), branches))),
    )
