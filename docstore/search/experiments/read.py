"""Read one stored experiment without its classes: the JSON of its head, its trials and its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from docstore.documents.canonical import JSON
from docstore.documents.kinds import EXPERIMENT, HEAD, PartRule, position_of
from docstore.errors import DamagedDocumentError
from docstore.sql.column_checks import wrong_part_columns
from docstore.sql.dialects import UtcTime, reading_times
from docstore.sql.enum_codes import coded_in
from docstore.sql.reader import state_of
from docstore.sql.rows import HeadRow, PieceRow, code_rows
from docstore.sql.tables import documents, versions
from docstore.sql.transactions import Transactions

Decode: TypeAlias = Callable[[JSON], Any]


@dataclass(frozen=True, slots=True)
class Part:
    """The row of a trial, or of a trial's data; ``version`` is the version that changed it last."""

    index: int
    status: int | None
    type: int | None
    version: int
    body: JSON


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """An experiment as it is stored now; parts by their index.

    Attributes:
        names: of types and statuses, by (column, integer) as in the table ``codes``.
    """

    id: str
    name: str
    head: JSON
    trials: Mapping[int, Part]
    data: Mapping[int, Part]
    names: Mapping[tuple[str, int], str]


def read_experiment(transactions: Transactions, name: str) -> StoredExperiment:
    """Return the experiment *name*, verified by the digest of its version as by ``load``.

    No digest covers the columns of the parts and the table ``codes``: they are compared with the bodies, and the time
    of each part with the time of its version.

    Raises:
        InvalidValueError: *name* is not a str.
        DocumentNotFoundError: there is no experiment of that name.
        DamagedDocumentError: what is stored is not what was saved, or a column contradicts a body or the history.

    Cost:
        Three SELECTs; all trials and data are read.
    """
    with transactions.reading() as connection:
        head = transactions.head(connection, EXPERIMENT.name, name)
        with reading_times():
            found = list(connection.execute(_ROWS, {"of_id": head.id}))
        names = {(column, value): code for column, value, code in code_rows(connection)}
    state = state_of(head, (PieceRow(row.path, row.digest, row.body) for row in found))
    for row in found:
        if row.path != HEAD:
            _check_columns(head, transactions.project, row, state.pieces[row.path], names)
    written_in = {row.path: row.version for row in found}
    trials, data = (_parts(state.pieces, rule, written_in, names) for rule in EXPERIMENT.parts)
    return StoredExperiment(head.id, head.name, state.pieces[HEAD], trials, data, names)


_C: Final = documents.c
_IN: Final = (versions.c.id == _C.id) & (versions.c.version == _C.version)
_ROWS: Final = (
    # NULL if the row of the version is missing, which history() reports.
    sa.select(documents, sa.type_coerce(versions.c.created_at, UtcTime()).label("saved_at"))
    .outerjoin(versions, _IN)
    .where(_C.id == sa.bindparam("of_id"))
)


def _check_columns(
    head: HeadRow, project: str, row: sa.Row[Any], body: JSON, names: Mapping[tuple[str, int], str]
) -> None:
    problem = next(wrong_part_columns(EXPERIMENT, head, project, row, body, names), None)
    if problem is None and row.saved_at not in (None, row.updated_at):
        problem = f"the column version says {row.version}, and that version was saved at another time"
    if problem is not None:
        raise DamagedDocumentError(head.name, where=row.path, problem=problem)


def _parts(
    pieces: Mapping[str, JSON], rule: PartRule, written_in: Mapping[str, int], names: Mapping[tuple[str, int], str]
) -> dict[int, Part]:
    """Return the parts of *rule* by index; status and type are the integers of the names in their bodies."""
    values = {(column, name): value for (column, value), name in names.items()}
    found = {}
    for path, body in pieces.items():
        index = position_of(path)
        if index is not None and rule is EXPERIMENT.rule(path):
            coded = coded_in(rule, body)
            status, type = (None if each is None else values.get(each) for each in (coded.status, coded.type))
            found[index] = Part(index, status, type, written_in[path], body)
    return dict(sorted(found.items()))


def at(body: JSON, *keys: str) -> JSON:
    """Return ``body[key][key]...``, or None where a key is missing."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def items(body: JSON, *keys: str) -> list[JSON]:
    """Return the list at *keys*, or an empty one where there is none."""
    found = at(body, *keys)
    return found if isinstance(found, list) else []


def arms_of(trial: JSON) -> Iterator[tuple[str, JSON]]:
    """Yield the name and the parameters of each arm of a trial, in order."""
    run = at(trial, "generator_run")
    for each in [run] if isinstance(run, dict) else items(trial, "generator_runs"):
        for arm in items(each, "arms"):
            name = at(arm, "name")
            if isinstance(name, str):
                yield name, at(arm, "parameters")


def records_of(stored: StoredExperiment, decode: Decode) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each observation with the index of its trial, by trial, in the order of attachment."""
    for index, part in stored.data.items():
        for record in items(part.body, "records"):
            decoded = decode(record)
            if isinstance(decoded, dict):
                yield index, decoded


def parameter_types(head: JSON) -> dict[str, str]:
    """Return the type of each parameter (``FLOAT``) by name, in the order of the search space."""
    parameters = items(head, "search_space", "parameters")
    return {str(at(each, "name")): str(at(each, "parameter_type")) for each in parameters}


def in_order(parameters: Any, names: Mapping[str, object]) -> dict[str, Any]:
    """Return the *parameters* of an arm in the order of *names*, those of the search space; others come last."""
    found = parameters if isinstance(parameters, dict) else {}
    return {name: found[name] for name in [*(n for n in names if n in found), *(n for n in found if n not in names)]}
