"""How many trials had each status, over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import experiment_data
from docstore.search.experiments.data import ExperimentData
from docstore.search.experiments.read import at, moment_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES: Final = {
    "COMPLETED": (drawing.BLUE, ""),
    "EARLY_STOPPED": (drawing.SKY, "//"),
    "RUNNING": (drawing.GREEN, "\\\\"),
    "STAGED": (drawing.PURPLE, "||"),
    "CANDIDATE": ("#DDDDDD", ""),
    "FAILED": (drawing.VERMILLION, "xx"),
    "ABANDONED": (drawing.ORANGE, "--"),
    "STALE": (drawing.GREY, "++"),
}
"""The colour and the hatching of each status, from the lowest area to the highest."""


@dataclass(frozen=True, slots=True)
class StatusesOverTime:
    """How many trials had each status from each time on.

    Attributes:
        times: in UTC, or without a zone if one was saved without.
        counts: by status, one for each time.
        untimed: the trials without any time, which are left out.
    """

    name: str
    times: tuple[datetime, ...]
    counts: dict[str, tuple[int, ...]]
    untimed: int


def statuses_over_time(data: ExperimentData) -> StatusesOverTime:
    """Return how many trials had each status, from what each trial says of its times."""
    changes: list[tuple[datetime, str, int]] = []
    untimed = 0
    for body in data.stored.trials.values():
        before = ""
        entered = list(_entered(body, data))
        untimed += not entered
        for time, status in entered:
            changes += [(time, before, -1), (time, status, 1)] if before else [(time, status, 1)]
            before = status
    naive = any(time.tzinfo is None for time, _, _ in changes)
    changes = [(time.replace(tzinfo=None) if naive else time, status, by) for time, status, by in changes]
    changes.sort(key=lambda each: each[0])
    present: dict[str, int] = dict.fromkeys(status for _, status, _ in changes)  # type: ignore[assignment]  # set next
    present = dict.fromkeys(present, 0)
    counts: dict[datetime, dict[str, int]] = {}
    for time, status, by in changes:
        present[status] += by
        counts[time] = dict(present)
    order = [*(each for each in _STYLES if each in present), *(each for each in present if each not in _STYLES)]
    columns = {status: tuple(each[status] for each in counts.values()) for status in order}
    return StatusesOverTime(data.name, tuple(counts), columns, untimed)


def _entered(trial: Any, data: ExperimentData) -> Iterator[tuple[datetime, str]]:
    """Yield when the trial entered each of its statuses, in order; one that has no time came with the one before."""
    fields = (("time_created", "CANDIDATE"), ("time_staged", "STAGED"), ("time_run_started", "RUNNING"))
    last, status = str(at(trial, "status")), ""
    time: datetime | None = None
    for field, entered in (*fields, ("time_completed", last)):
        found = moment_of(at(trial, field), data.decode)
        if found is None or (entered == "STAGED" and last == "CANDIDATE"):
            continue
        found = found if found.tzinfo is None else found.astimezone(UTC)
        is_later = time is None or (found.tzinfo is None) != (time.tzinfo is None) or found >= time
        time, status = found if is_later or time is None else time, entered
        yield time, status
    if time is not None and status != last:
        yield time, last


def statuses(experiment: Any, *, ax: Axes | None = None) -> Axes:
    """Draw how many trials had each status over time, and return the axes.

    The times are those that each trial has: when it was created, staged, started and ended.

    Args:
        experiment, ax: as for ``objective``.

    Raises:
        InvalidValueError: *experiment* is none.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    found = statuses_over_time(data)
    ax = drawing.axes_for(ax)
    drawing.label(ax, found.name, "time", "trials")
    if not found.times:
        return drawing.say(ax, "no data: no trial has a time")
    times = _with_a_last_stretch(found.times)
    below = [0] * len(times)
    for status, counts in found.counts.items():
        above = [low + count for low, count in zip(below, (*counts, counts[-1]), strict=True)]
        colour, hatch = _STYLES.get(status, ("0.4", "++"))
        name = f"{status.lower().replace('_', ' ')} ({counts[-1]:,})"
        area: Style = {
            "facecolor": colour,
            "hatch": hatch,
            "edgecolor": ax.get_facecolor(),
            "linewidth": 0.0,
            "label": name,
        }
        ax.fill_between(times, below, above, step="post", rasterized=len(below) > drawing.MANY, **area)
        below = above
    drawing.date_axis(ax, found.times)
    drawing.whole_numbers(ax, "y")
    ax.set_ylim(bottom=0)
    untimed = f"\n{found.untimed:,} trials have no time" if found.untimed else ""
    drawing.legend(ax, f"status (at the end){untimed}", inside="upper left", reverse=True)
    return ax


def _with_a_last_stretch(times: Sequence[datetime]) -> list[datetime]:
    """Return *times* and one after the last, so that the last counts are seen."""
    return [*times, times[-1] + max((times[-1] - times[0]) / 30, timedelta(milliseconds=1))]
