"""The list of documents: type, status, owner, best value, and what changed last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from docstore.documents.history import Version
from docstore.errors import DocstoreError
from docstore.model.statuses import ExperimentStatus
from docstore.search.experiments.best import best_arms, goal_of
from docstore.search.experiments.data import ExperimentData
from docstore.search.experiments.read import Decode, StoredExperiment, at, experiment_of
from docstore.search.info import DocumentInfo
from docstore.search.read import StoredDocument, read_documents
from docstore.web.formats import Table
from docstore.web.pages.changes import ChangeRow, change_row
from docstore.web.pages.measured import front_of, objectives_in
from docstore.web.source import EXPERIMENT, Source

_PAGE: Final = 50
"""Documents of a page."""

_TRIALS: Final = 5_000
"""Trials of all experiments of a page together that are read for their best values."""

Best: TypeAlias = tuple[float | None, str, str]
"""The best value, the note and the remark of a row; see ``ListRow``."""

_NOTHING: Final[Best] = (None, "", "")
_NOT_READ: Final[Best] = (None, "not read", "There are too many trials for a list: open it.")
_INFEASIBLE: Final = ("not feasible", "No arm fulfils all constraints.")

ORDERS: Final = {"": "-updated_at", "name": "name", "-name": "-name", "created": "-created_at"}
"""What a list may be sorted by, and the columns of a search."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A document in the list.

    Attributes:
        best: the value of the best arm, as ``Store.best`` says; None if there is none, or it was not looked for.
        note: a word about it, or in its place: ``7 on the front``, ``no objective``.
        remark: the same as a sentence.
        trials: how many there are; None for other kinds than experiments.
    """

    info: DocumentInfo
    trials: int | None
    best: float | None
    note: str
    remark: str
    change: ChangeRow | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list.

    Attributes:
        filters: those that were asked for, for the links to other pages.
        statuses: those that experiments may have, to choose from; none for other kinds.
        seen: up to when changes are on this page.
        cursor: where the next page begins; None on the last.
    """

    kind: str
    kinds: list[str]
    rows: list[ListRow]
    cursor: str | None
    filters: dict[str, str]
    statuses: tuple[str, ...]
    newest: ChangeRow | None
    seen: str

    @property
    def table(self) -> Table:
        """The rows as a table."""
        columns = (
            "name",
            "type",
            "status",
            "owner",
            "trials",
            "best_value",
            "best_note",
            "version",
            "updated_at",
            "author",
            "change",
        )
        return Table(
            columns,
            [
                (
                    *(row.info.name, row.info.type, row.info.status, row.info.owner, row.trials, row.best),
                    *(row.note, row.info.version, row.info.updated_at),
                    *((row.change.author, row.change.sentence) if row.change else ("", "")),
                )
                for row in self.rows
            ],
        )


def listing(source: Source, kind: str, filters: dict[str, str], after: str | None) -> Listing:
    """Return a page of the documents of *kind*, those that changed last first.

    Args:
        filters: ``type``, ``status``, ``owner``, ``prefix`` of the name, ``sort`` of ``ORDERS``; all of them texts.
        after: the cursor of the page before.

    Cost:
        Five SELECTs; of experiments that are not in the cache, all of the first ones are read that have 5,000 trials
        together. Nothing counts all documents.
    """
    found = source.store.find(
        kind,
        type=filters.get("type"),
        status=filters.get("status"),
        owner=filters.get("owner"),
        name_prefix=filters.get("prefix"),
        order_by=ORDERS.get(filters.get("sort", ""), "-updated_at"),
    )
    page = found.page(_PAGE, after=after)
    infos = list(page)
    versions = source.newest_versions(source.unknown_by_columns(infos, "change"))
    counts = source.trial_counts(source.unknown_by_columns(infos, "count")) if kind == EXPERIMENT else {}
    trials = {info.id: source.by_columns(info, "count", partial(_count, counts, info)) for info in infos}
    best = _best_values(source, infos, trials) if kind == EXPERIMENT else {}
    rows = [
        ListRow(
            info,
            trials[info.id] if kind == EXPERIMENT else None,
            *best.get(info.id, _NOTHING),
            _change(source, info, versions.get(info.id)),
        )
        for info in infos
    ]
    statuses = tuple(each.name for each in ExperimentStatus) if kind == EXPERIMENT else ()
    return Listing(kind, source.kinds(), rows, page.cursor, filters, statuses, newest_of_all(source), source.seen())


def newest_of_all(source: Source) -> ChangeRow | None:
    """Return the newest change of any document."""
    found = source.newest()
    return _change(source, found[0]) if found else None


def _count(counts: Mapping[str, int], info: DocumentInfo) -> int:
    return counts.get(info.id, 0)


def _best_values(source: Source, infos: Sequence[DocumentInfo], trials: Mapping[str, int]) -> dict[str, Best]:
    """Return by id what the column of the best value says of each experiment that has trials."""
    unknown, left = [], _TRIALS
    for info in source.unknown_by_columns([info for info in infos if trials[info.id]], "best"):
        if trials[info.id] <= left:
            left -= trials[info.id]
            unknown.append(info)
    with source.transactions.reading() as connection:
        read = read_documents(connection, [info.id for info in unknown]) if unknown else {}
    for info in unknown:
        if info.id in read:
            source.by_columns(info, "best", partial(_best_value, source, read[info.id]))
    found = {info.id: source.known_by_columns(info, "best") for info in infos if trials[info.id]}
    return {id: each or _NOT_READ for id, each in found.items()}


def _best_value(source: Source, stored: StoredDocument) -> Best:
    try:
        experiment = experiment_of(stored.head, stored.state().pieces)
        if experiment.data and (objectives := len(objectives_in(experiment.head))) > 1:
            return _best_of_several(experiment, objectives, source.decode)
        if at(experiment.head, "optimization_config", "objective") is None:
            return None, "no objective", "It has no objective."
        best = best_arms(experiment, goal_of(experiment, source.decode), source.decode, 1)
    except DocstoreError as error:
        return None, "see there", str(error)
    if not best:
        return _NOTHING
    return best[0].value, *(("", "") if best[0].is_feasible else _INFEASIBLE)


def _best_of_several(experiment: StoredExperiment, objectives: int, decode: Decode) -> Best:
    front = front_of(ExperimentData(experiment, decode))
    if front is None:
        return None, f"{objectives} objectives", "No arm is the best of all by several objectives."
    if not front.front:
        return None, *(_INFEASIBLE if front.infeasible else _NOTHING[1:])
    return (
        None,
        f"{len(front.front):,} on the front",
        "Arms that no other one beats in one objective without being worse in the other.",
    )


def _change(source: Source, info: DocumentInfo, newest: Version | None = None) -> ChangeRow | None:
    """Return the newest change of a document in words; None if it is gone, or cannot be read: its own page says why.

    Args:
        newest: its newest version, if it was read.
    """

    def make() -> ChangeRow | None:
        try:
            version = newest or source.newest_version(info.name, info.kind)
            return change_row(source, info.name, info.kind, version)
        except DocstoreError:
            return None

    return source.by_columns(info, "change", make)
