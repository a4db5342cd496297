"""An experiment as one page to keep: all that its pages show, at one version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Final

from docstore.documents.diff.lines import Line
from docstore.documents.history import Version
from docstore.progress import Progress, Report
from docstore.sql.version_names import When
from docstore.web.formats import Table
from docstore.web.pages.changes import ChangeRow, change_row, newest_change
from docstore.web.pages.experiment import ExperimentPage, experiment_page
from docstore.web.pages.measured import TrialTable, ranked, trial_table
from docstore.web.pages.objective import Objective, best_trials, objective
from docstore.web.source import EXPERIMENT, Source

VERSIONS: Final = 1_000
"""Versions that a report lists, and between which it can say what differs."""

_TOLD: Final = 100
"""Versions whose differences are there without JavaScript too."""

_LINES: Final = 500
"""Differences of one version that a report has."""

_LINES_OF_ALL: Final = 10_000
"""Differences of all versions together that a report has; those of the newest versions come first."""

_LINES_TOLD: Final = 20
"""Differences of one version that are there without JavaScript."""

_TRIALS: Final = 500
"""Trials in the table, if they have few columns."""

_CELLS: Final = 6_000
"""Cells of that table: more columns make it shorter."""

_COLUMNS: Final = 60
"""Columns of that table."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a version changed: the version *since* is the one before it of which a state is kept.

    Attributes:
        lines: the first differences; *more* counts the others.
    """

    number: int
    since: int
    lines: Sequence[Line]
    more: int


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """A version in the list, with its first differences; *more* counts the others. Older ones have none there."""

    change: ChangeRow
    lines: Sequence[Line]
    more: int


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report about an experiment at one version.

    Attributes:
        newest: that version in words, with the new values where it changed few places.
        trials: the columns that vary; of many trials, the best and the last; *of_trials* is how many there are.
        left_out: how many columns are left out, of very many.
        same: what is the same in all trials.
        versions: newest first, at most 1,000 of *of_versions*.
        steps: what each of them changed, oldest first.
        document: the JSON of the experiment, indented.
    """

    experiment: ExperimentPage
    newest: ChangeRow
    objective: Objective
    trials: Table
    of_trials: int
    left_out: int
    same: Mapping[str, object]
    versions: list[ReportVersion]
    of_versions: int
    steps: list[Step]
    document: bytes
    made_at: datetime


def report_page(source: Source, name: str, when: When | None, told: Report) -> ReportPage:
    """Return the report about an experiment; all of it is about one version, by default the one that is the newest now.

    Args:
        when: the number of the version, a tag, or a time at which it was current.
        told: is called with the progress, for each version whose changes were read.

    Raises:
        DocumentNotFoundError: there is none; has the near names.
        VersionNotFoundError: there is no such version, or it was folded.

    Cost:
        The experiment is read three times, and the changes of 1,000 versions up to this one, and of those after it.
    """
    version = source.store.version(name, when)
    wanted = str(version.number)
    experiment = experiment_page(source, name, wanted)
    table = trial_table(source, name, version)
    versions = _versions(source, name, version)
    steps = _steps(source, name, versions, told)
    return ReportPage(
        experiment,
        newest_change(source, name, EXPERIMENT, version),
        objective(source, name, wanted),
        table.table(_chosen(source, name, version, table), _COLUMNS),
        len(table.trials),
        max(0, len(table.cells) - _COLUMNS),
        table.same,
        _listed(source, name, versions[:VERSIONS], experiment.tags, steps),
        version.number,
        steps[::-1],
        source.store.get_json(name, version=version.number, indent=True),
        datetime.now(UTC),
    )


def _chosen(source: Source, name: str, version: Version, table: TrialTable) -> list[int]:
    """Return the trials that are shown: all, or of many the best and the last."""
    most = min(_TRIALS, max(20, _CELLS // len(table.cells)))
    if len(table.trials) <= most:
        return table.trials
    best = best_trials(ranked(source, name, version))
    last = set(table.trials[-(most // 2) :])
    return sorted({*last, *islice((trial for trial in best if trial not in last), most - len(last))})


def _versions(source: Source, name: str, newest: Version) -> list[Version]:
    """Return the versions up to *newest* that are listed, newest first, and the one before them."""
    timeline = source.store.history(name)
    newer = len(timeline) - newest.number
    return [*islice(iter(timeline), newer, newer + VERSIONS + 1)]


def _steps(source: Source, name: str, versions: Sequence[Version], told: Report) -> list[Step]:
    """Return what the *versions* changed, newest first; of the oldest of them, which is not listed, nothing."""
    kept = [version.number for version in versions if version.is_kept]
    since = dict(pairwise(kept))
    steps: list[Step] = []
    left = _LINES_OF_ALL
    for version, diff in source.store.diffs(name):
        if version.number < kept[-1] or len(steps) == len(since):
            break
        if version.number in since:
            lines = diff.lines[: min(_LINES, left)]
            steps.append(Step(version.number, since[version.number], lines, len(diff.lines) - len(lines)))
            left -= len(lines)
            told(Progress(len(steps), len(since), name))
    return steps


def _listed(
    source: Source, name: str, versions: Sequence[Version], tags: Mapping[str, int], steps: Sequence[Step]
) -> list[ReportVersion]:
    told = {step.number: step for step in steps[:_TOLD]}
    found = []
    for version in versions:
        step = told.get(version.number)
        lines = step.lines[:_LINES_TOLD] if step else ()
        more = len(step.lines) - len(lines) + step.more if step else 0
        found.append(ReportVersion(change_row(source, name, EXPERIMENT, version, tags), lines, more))
    return found
