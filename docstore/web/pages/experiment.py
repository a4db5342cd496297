"""An experiment: what changed last, its goal, and its search space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from docstore.documents.canonical import JSON, TAG
from docstore.documents.diff.format import read_one
from docstore.documents.history import Version
from docstore.documents.kinds import BOOKKEEPING, KINDS
from docstore.search.experiments.summary import ParameterRow, constraints_text, goal_text, parameter_rows
from docstore.search.info import DocumentInfo
from docstore.web.formats import Stamp, Table
from docstore.web.pages.changes import ChangeRow, change_row, shown_version
from docstore.web.pages.measured import ranked
from docstore.web.pages.note import Note, note_in
from docstore.web.source import EXPERIMENT, Source

RECENT: Final = 5
"""Versions that the page of an experiment shows."""

_SHOWN_OF_EACH: Final = 200
"""Parameters, constraints and properties that are shown."""


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    """An experiment at a version, without its trials; ``Objective`` is about these.

    Attributes:
        info: its columns, as they were at that version.
        head: the number of the newest version.
        recent: that version, and the ones before it.
        running: how many trials run in an Optuna storage, at the newest version.
        goal: ``minimize loss``; "" if there is none.
        constraints: outcome constraints, and constraints of parameters, in words.
        parameters: of the search space, the first 200 of *of_parameters*.
        note: its description.
        facts: of the experiment, by their names: its properties, and what else its head has.
    """

    info: DocumentInfo
    head: int
    newest: ChangeRow
    recent: list[ChangeRow]
    tags: dict[str, int]
    trials: int
    running: int
    goal: str
    constraints: list[str]
    parameters: list[ParameterRow]
    of_parameters: int
    note: Note
    facts: dict[str, str]
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The search space as a table."""
        columns = ("parameter", "values", "type", "form", "note")
        return Table(columns, [(each.name, each.values, each.type, each.form, each.note) for each in self.parameters])


def experiment_page(source: Source, name: str, wanted: str = "") -> ExperimentPage:
    """Return the page of an experiment, at the version that a number or a tag names, by default the newest.

    Raises:
        DocumentNotFoundError: there is none; has the near names.
        VersionNotFoundError: there is no such version.

    Cost:
        The head is read, and no trial: the same for any number of them. Of an older version, all trials are.
    """
    running = source.store.running_trials(name)  # first: one that ends meanwhile is in the version then
    info = source.info(name)
    shown = shown_version(source, name, EXPERIMENT, wanted)
    old = shown.number_if_old
    tags = source.store.tags(name)
    head = source.head(name, version=old)
    parameters = parameter_rows(head)
    recent = shown.timeline[shown.newer : shown.newer + RECENT]
    rows = [change_row(source, name, EXPERIMENT, version, tags) for version in recent]
    return ExperimentPage(
        _info_at(info, shown.version, head) if old else info,
        shown.head,
        shown.newest,
        rows,
        tags,
        _count_at(source, name, shown.version) if old else _count(source, info),
        0 if old else len(running),
        goal_text(head),
        constraints_text(head)[:_SHOWN_OF_EACH],
        parameters[:_SHOWN_OF_EACH],
        len(parameters),
        note_in(source, head),
        dict(_facts(head)),
        Stamp(repr((shown.newest, rows, sorted(tags.items()), 0 if old else len(running)))),
    )


def _info_at(info: DocumentInfo, shown: Version, head: Mapping[str, JSON]) -> DocumentInfo:
    """Return the columns of an experiment as they were at the version *shown*, whose head is *head*."""
    kind, body = KINDS[EXPERIMENT], dict(head)
    assert kind.type
    assert kind.status
    type, status = kind.type.name_in(body), kind.status.name_in(body)
    return info._replace(type=type, status=status, version=shown.number, updated_at=shown.created_at)


def _count(source: Source, info: DocumentInfo) -> int:
    """Return how many trials an experiment has."""
    return source.by_columns(info, "count", lambda: source.store.find(EXPERIMENT, part="trial", name=info.name).count())


def _count_at(source: Source, name: str, shown: Version) -> int:
    return ranked(source, name, shown).trials


# --- what else the head has ------------------------------------------------------------------------------------------


_SHOWN: Final = frozenset(
    {
        *("name", "description", "status", "experiment_type"),
        *("search_space", "optimization_config", "trials", "data", "properties"),
    }
)


def _facts(head: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """Yield what else the head has, by its pointer without the first slash: properties, metrics."""
    for key, value in sorted(head.items()):
        if key not in _SHOWN and key != TAG and key not in BOOKKEEPING and value not in (None, [], {}, False):
            yield key, read_one(value)
    properties = head.get("properties")
    if isinstance(properties, dict):
        for key, value in sorted(properties.items())[:_SHOWN_OF_EACH]:
            yield f"properties/{key}", read_one(value)
