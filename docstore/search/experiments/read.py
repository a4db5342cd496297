"""Read one stored experiment without its classes: the JSON of its head, its trials and its data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, TAG
from docstore.documents.kinds import EXPERIMENT, HEAD, PartRule
from docstore.errors import DamagedDocumentError
from docstore.sql.column_checks import CodeNames, wrong_codes
from docstore.sql.partial import read_fields
from docstore.sql.reader import read, read_version
from docstore.sql.rows import HeadRow, code_rows, in_field
from docstore.sql.tables import documents
from docstore.sql.transactions import Transactions
from docstore.sql.version_names import chosen_version

Decode: TypeAlias = Callable[[JSON], Any]


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """The JSON of an experiment as it is stored now, or was at one version.

    Attributes:
        trials, data: the parts by the index of their trial, in order; empty if they were not read.
    """

    id: str
    name: str
    head: JSON
    trials: Mapping[int, JSON]
    data: Mapping[int, JSON]


def read_experiment(
    transactions: Transactions,
    name: str,
    *fields: str,
    number: int | None = None,
    at: datetime | None = None,
    tag: str | None = None,
) -> StoredExperiment:
    """Return the experiment *name*, verified by the digest of its version as by ``load``.

    Args:
        fields: the fields whose parts are read: ``trials`` or ``data``; without any, all.
        number, at, tag: which version, as for ``load``, which is read whole then; without any, the newest.

    Raises:
        InvalidValueError: *name* is not a str; or as ``load``, of the version.
        DocumentNotFoundError: there is no experiment of that name.
        VersionNotFoundError: there is no such version.
        DamagedDocumentError: what is stored is not what was saved.

    Cost:
        Two SELECTs; with *fields* three, which read only the digests of other parts. An older version: as ``load``.
    """
    with transactions.reading() as connection:
        head = transactions.head(connection, EXPERIMENT.name, name)
        return experiment_of(head, _pieces(connection, head, fields, chosen_version(connection, head, number, at, tag)))


def _pieces(connection: Connection, head: HeadRow, fields: Collection[str], number: int | None) -> Mapping[str, JSON]:
    if number is not None and number != head.version:
        return read_version(connection, head, EXPERIMENT, number).pieces
    return read_fields(connection, head, fields) if fields else read(connection, head).pieces


def experiment_of(head: HeadRow, pieces: Mapping[str, JSON]) -> StoredExperiment:
    """Return the experiment that has these pieces by path: the head and all parts, or those of some fields."""
    trials, data = (_parts(pieces, rule) for rule in EXPERIMENT.parts)
    return StoredExperiment(head.id, head.name, pieces[HEAD], trials, data)


def _parts(pieces: Mapping[str, JSON], rule: PartRule) -> dict[int, JSON]:
    """Return the parts of *rule* by index."""
    start = rule.path("")
    return by_index({path.removeprefix(start): body for path, body in pieces.items() if path.startswith(start)})


# --- the columns of trials -------------------------------------------------------------------------------------------


class TrialColumns(NamedTuple):
    """The columns of a trial's row: the integers of its status and type, the versions that changed and added it."""

    path: str
    status: int | None
    type: int | None
    version: int
    added: int | None


@dataclass(frozen=True, slots=True)
class StoredTrials:
    """An experiment with its trials, and the columns of each trial, by its index.

    Attributes:
        names: of types and statuses, by (column, integer) as in the table ``codes``.
    """

    experiment: StoredExperiment
    columns: Mapping[int, TrialColumns]
    names: CodeNames


def read_trials(transactions: Transactions, name: str) -> StoredTrials:
    """Return the experiment *name* with its trials and their columns.

    No digest covers the columns and the table ``codes``: they are compared with the bodies, and the versions with each
    other. Only ``verify`` compares them with the history.

    Raises:
        InvalidValueError, DocumentNotFoundError: as ``read_experiment``.
        DamagedDocumentError: what is stored is not what was saved, or a column contradicts a body or another column.

    Cost:
        Five SELECTs, which read only the digests of the data.
    """
    with transactions.reading() as connection:
        head = transactions.head(connection, EXPERIMENT.name, name)
        experiment = experiment_of(head, read_fields(connection, head, (_TRIAL.field,)))
        rows = [TrialColumns(*row) for row in connection.execute(_COLUMNS, {"of_id": head.id})]
        names = {(column, value): code for column, value, code in code_rows(connection)}
    columns = by_index({row.path.removeprefix(_TRIAL.path("")): row for row in rows})
    for index, body in experiment.trials.items():
        _check_columns(head, columns[index], body, names)
    return StoredTrials(experiment, columns, names)


_TRIAL: Final = EXPERIMENT.parts[0]
_C: Final = documents.c
_COLUMNS: Final = sa.select(_C.path, _C.status, _C.type, _C.version, _C.added).where(
    _C.id == sa.bindparam("of_id"), in_field(_TRIAL.field)
)


def _check_columns(head: HeadRow, row: TrialColumns, body: JSON, names: CodeNames) -> None:
    problem = next(wrong_codes(_TRIAL, row, body, names), None)
    if problem is None and not 1 <= row.version <= head.version:
        problem = f"the column version says {row.version}, and the document is at version {head.version}"
    if problem is None and (row.added is None or row.added > row.version):
        problem = f"the column version says {row.version}, and the column added {row.added}"
    if problem is not None:
        raise DamagedDocumentError(head.name, where=row.path, problem=problem)


# --- the JSON of an experiment ---------------------------------------------------------------------------------------


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
            if isinstance(arm, dict) and isinstance(name := arm.get("name"), str):
                yield name, arm.get("parameters")


def decoded(value: JSON, decode: Decode) -> Any:
    """Return the decoded *value*; an object without tags and containers, as most are, is itself the value."""
    if isinstance(value, dict) and TAG not in value and _CONTAINERS.isdisjoint(map(type, value.values())):
        return value
    return decode(value)


_CONTAINERS: Final = frozenset({dict, list})


def records_of(stored: StoredExperiment, decode: Decode) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each observation with the index of its trial, by trial, in the order of attachment."""
    for index, body in stored.data.items():
        for record in items(body, "records"):
            value = decoded(record, decode)
            if isinstance(value, dict):
                yield index, value


def by_index(parts: Any) -> dict[int, Any]:
    """Return the parts of a field by their indices, in order, from a dict by key; none if it is not a dict."""
    found = parts if isinstance(parts, dict) else {}
    return {int(key): found[key] for key in sorted(filter(str.isdecimal, found), key=int)}


def moment_of(value: JSON, decode: Decode) -> datetime | None:
    """Return the time that a member of a trial is; None if it is none."""
    moment = decode(value) if isinstance(value, dict) else value
    try:
        moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return None
    return moment if isinstance(moment, datetime) else None


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds between two times; None if one is missing, or only one has a zone."""
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return None
    return (end - start).total_seconds()


def parameter_types(head: JSON) -> dict[str, str]:
    """Return the type of each parameter (``FLOAT``) by name, in the order of the search space."""
    parameters = items(head, "search_space", "parameters")
    return {str(at(each, "name")): str(at(each, "parameter_type")) for each in parameters}


def in_order(parameters: Any, names: Mapping[str, object]) -> dict[str, Any]:
    """Return the *parameters* of an arm in the order of *names*, those of the search space; others come last."""
    found = parameters if isinstance(parameters, dict) else {}
    return {name: found[name] for name in [*(n for n in names if n in found), *(n for n in found if n not in names)]}
