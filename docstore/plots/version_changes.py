"""Who changed what over the versions of a document."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from docstore.documents.canonical import split_pointer
from docstore.documents.history import Version
from docstore.errors import InvalidValueError
from docstore.plots import drawing
from docstore.plots.drawing import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANES: Final = 8
_AUTHORS: Final = 6
OTHERS: Final = "others"
WHOLE: Final = "whole document"
FOLDED: Final = "folded by compact()"


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What one version changed in one member of the document: how many places."""

    version: int
    time: datetime
    author: str
    member: str
    changes: int


@dataclass(frozen=True, slots=True)
class VersionChanges:
    """What each version changed, oldest first.

    Attributes:
        members, authors: with the most versions first; what is rare is called ``others``.
    """

    changes: tuple[MemberChange, ...]
    members: tuple[str, ...]
    authors: tuple[str, ...]


def version_changes(versions: Iterable[Version]) -> VersionChanges:
    """Return what each of *versions*, in any order, changed."""
    found = [
        MemberChange(version.number, version.created_at, version.author, member, count)
        for version in sorted(versions, key=lambda version: version.number)
        for member, count in _members(version).items()
    ]
    members = _common((each.member for each in found), _LANES)
    authors = _common((each.author for each in found), _AUTHORS)
    merged: dict[tuple[int, str], MemberChange] = {}
    for each in found:
        member = each.member if each.member in members else OTHERS
        author = each.author if each.author in authors else OTHERS
        before = merged.get((each.version, member))
        count = each.changes + (before.changes if before else 0)
        merged[each.version, member] = MemberChange(each.version, each.time, author, member, count)
    return VersionChanges(tuple(merged.values()), members, authors)


def _members(version: Version) -> Counter[str]:
    """Return how many places *version* changed in each member of the document."""
    if not version.is_kept:
        return Counter([FOLDED])
    tokens = (split_pointer(place) for place in version.places)
    return Counter(each[0] if each else WHOLE for each in tokens)


def _common(values: Iterable[str], most: int) -> tuple[str, ...]:
    ordered = [value for value, _ in Counter(values).most_common()]
    return tuple(ordered) if len(ordered) <= most else (*ordered[: most - 1], OTHERS)


def history(
    versions: Iterable[Version], *, over: Literal["version", "time"] = "version", ax: Axes | None = None
) -> Axes:
    """Draw who changed what in each version of a document, and return the axes.

    There is a row for each member of the document (trials, data, search space and so on), a colour and a marker for
    each author; the more places a version changed there, the larger the marker.

    Args:
        versions: of one document, as ``store.history`` returns them.
        over: the horizontal axis: the number of the version, or the time at which it was saved.
        ax: as for ``objective``.

    Raises:
        InvalidValueError: *versions* are none, or *over* is neither.
        MissingDependencyError: Matplotlib is not installed.
    """
    if over not in ("version", "time"):
        raise InvalidValueError("over", over, "Give 'version' or 'time'.")
    listed = None if isinstance(versions, (str, Version)) else list(versions)
    if listed is None or not all(isinstance(each, Version) for each in listed):
        raise InvalidValueError("versions", versions, "Give those of a document: plots.history(store.history(name)).")
    found = version_changes(listed)
    ax = drawing.axes_for(ax, (7.2, max(2.2, 1.2 + 0.42 * len(found.members))))
    drawing.label(ax, "", "version", "")
    if not found.changes:
        return drawing.say(ax, "no data: no version")
    for place, author in enumerate(found.authors):
        _draw_author(ax, found, place, author, over)
    _draw_rows(ax, found)
    for count in (1, 100):
        ax.scatter([], [], s=_size(count, 1), color=drawing.GREY, label=f"{count} change{'s' * (count > 1)}")
    if over == "time":
        drawing.date_axis(ax, [each.time for each in found.changes])
    else:
        drawing.whole_numbers(ax)
    drawing.legend(ax, inside="lower left")
    return ax


def _draw_rows(ax: Axes, found: VersionChanges) -> None:
    ax.set_yticks(range(len(found.members)), [drawing.plain(each.replace("_", " "), 28) for each in found.members])
    room = 0.4 * (len(found.authors) + 2) if drawing.has_legend_inside(ax) else 0.0  # for the legend
    ax.set_ylim(len(found.members) - 0.4 + room, -0.6)
    ax.grid(axis="y", color=drawing.GREY, linewidth=0.3)
    ax.set_axisbelow(True)


def _draw_author(ax: Axes, found: VersionChanges, place: int, author: str, over: str) -> None:
    mine = [each for each in found.changes if each.author == author]
    rows = {member: row for row, member in enumerate(found.members)}
    x: list[Any] = [each.time if over == "time" else each.version for each in mine]
    y = [rows[each.member] for each in mine]
    total = len(found.changes)
    sizes = [_size(each.changes, total) for each in mine]
    style: Style = {
        "marker": drawing.MARKERS[place],
        "color": drawing.COLOURS[place],
        "label": drawing.plain(author or "unknown", 24),
    }
    drawing.points(ax, x, y, total=total, s=sizes, **style)


def _size(changes: int, total: int) -> float:
    """Return the area of a marker for so many changes."""
    return min(1.0, max(0.4, drawing.size_of(total) / 34.0)) * (22.0 + 30.0 * math.log10(changes))
