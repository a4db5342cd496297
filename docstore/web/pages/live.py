"""What changed since a page was made."""

from __future__ import annotations

from dataclasses import dataclass

from docstore.search.info import DocumentInfo
from docstore.web.formats import read_number
from docstore.web.pages.changes import ChangeRow, newest_change
from docstore.web.source import Source


@dataclass(frozen=True, slots=True)
class News:
    """A change that was made after a page; *also* counts other documents that changed."""

    change: ChangeRow
    also: int


def news(source: Source, kind: str, name: str, seen: str) -> News | None:
    """Return what changed since; None for nothing.

    Args:
        name: of the document that the page shows, with the number of the version *seen*; "" for a page about all
            documents, with the time of the newest change that was *seen*.

    Cost:
        Nothing but what ``Source.newest`` takes, which all browsers share; and if there is news, that version.
    """
    found = source.newest()
    if name:
        since = read_number(seen) or 0
        later = [each for each in found if (each.kind, each.name) == (kind, name) and each.version > since]
    else:
        later = [each for each in found if each.updated_at.isoformat(timespec="microseconds") > seen]
    if not later:
        return None
    return News(_change(source, later[0]), len(later) - 1)


def _change(source: Source, info: DocumentInfo) -> ChangeRow:
    return source.by_columns(
        info,
        "newest change",
        lambda: newest_change(source, info.name, info.kind, source.newest_version(info.name, info.kind)),
    )
