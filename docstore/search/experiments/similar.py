"""Find experiments that share parameters with a search space, by the view ``search_space``; none is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import is_plain
from docstore.documents.display import Row, shown_time
from docstore.errors import InvalidValueError, short_repr
from docstore.sql.dialects import ExactText, reading_times

AT_MOST: Final = 10_000
"""Parameters of a search space. SQLite binds 32,766 values at most."""


class Similar(NamedTuple):
    """An experiment that shares parameters with a search space.

    Attributes:
        parameters: the names of the shared parameters, in the order of the search space.
        overlap: their fraction of the parameters of the search space, more than 0 and at most 1.
    """

    name: str
    parameters: tuple[str, ...]
    overlap: float
    updated_at: datetime

    def __repr__(self) -> str:
        shared = f"{short_repr(self.parameters)}, overlap {self.overlap:.3g}"
        return f"Similar({short_repr(self.name)}, {shared}, {shown_time(self.updated_at)})"

    def _row(self) -> Row:
        shared = {"overlap": self.overlap, "parameters": short_repr(self.parameters)}
        return {"name": self.name, **shared, "updated": shown_time(self.updated_at)}


@dataclass(frozen=True, slots=True)
class TargetParameters:
    """The parameters to share.

    Attributes:
        types: the name of each parameter's type, by the parameter's name.
        least: how many must be shared.
        besides: the name of an experiment to leave out.
    """

    types: Mapping[str, str]
    least: int
    besides: str | None


def target_parameters(like: object, overlap: object) -> TargetParameters:
    """Validate the arguments of ``similar`` and return the parameters to share.

    *like* is read by its attributes, as search spaces and experiments of several libraries have the same.

    Raises:
        InvalidValueError: *like* is neither a search space nor an experiment, or has no parameters or too many; or
            *overlap* is not between 0 and 1.
    """
    space = getattr(like, "search_space", like)
    parameters, name = getattr(space, "parameters", None), None if space is like else getattr(like, "name", None)
    types = _types(parameters) if isinstance(parameters, Mapping) else None
    if types is None:
        raise InvalidValueError("similar", like, "Give a SearchSpace, or an Experiment, as load(name) returns one.")
    if isinstance(overlap, bool) or not isinstance(overlap, (int, float)) or not 0 <= overlap <= 1:
        raise InvalidValueError("overlap", overlap, "Give the fraction of parameters, from 0 to 1.")
    if not 1 <= len(types) <= AT_MOST:
        raise InvalidValueError("similar", like, f"It has {len(types)} parameters: from 1 to {AT_MOST:,} are compared.")
    return TargetParameters(types, _least(overlap, len(types)), name)


def _types(parameters: Mapping[str, object]) -> dict[str, str] | None:
    """Return the name of each parameter's type; None if they are no parameters of a search space."""
    types = {name: getattr(getattr(each, "parameter_type", None), "name", None) for name, each in parameters.items()}
    known = {name: type for name, type in types.items() if isinstance(type, str)}
    return known if len(known) == len(types) else None


def _least(overlap: float, total: int) -> int:
    """Return the smallest count of 1 or more for which ``count / total >= overlap``, computed as ``Similar`` does."""
    guess = max(1, math.floor(overlap * total) - 1)
    return next(count for count in range(guess, total + 1) if count / total >= overlap)


_SPACES: Final = sa.Table(
    "search_space",
    sa.MetaData(),
    sa.Column("id", ExactText(32)),
    sa.Column("parameter_name", ExactText(255)),
    sa.Column("parameter_type", ExactText(64)),
)


def find_similar(
    connection: Connection, experiments: sa.Select[Any], target: TargetParameters, n: int
) -> list[Similar]:
    """Return the *n* of *experiments* that share the most parameters, the newest first among equals.

    Shapes:
        experiments: has the columns ``id``, ``name`` and ``updated_at``

    Cost:
        Two SELECTs. The database reads the search space in the head of each of *experiments*.
    """
    found, c = experiments.order_by(None).subquery("found"), _SPACES.c
    is_shared = _is_shared(target.types)
    if is_shared is None:
        return []
    shared = sa.func.count(c.parameter_name.distinct())
    query = (
        sa.select(found.c.id, found.c.name, found.c.updated_at, shared)
        .join(_SPACES, c.id == found.c.id)
        .where(is_shared)
        .group_by(found.c.id, found.c.name, found.c.updated_at)
        .having(shared >= target.least)
        .order_by(shared.desc(), found.c.updated_at.desc(), found.c.name)
        .limit(n)
    )
    if target.besides is not None and is_plain(target.besides):
        query = query.where(found.c.name != target.besides)
    with reading_times():
        rows = connection.execute(query).all()
    names = _names(connection, [row.id for row in rows], is_shared) if rows else {}
    order = list(target.types)
    return [
        Similar(row.name, tuple(name for name in order if name in names[row.id]), shares / len(order), row.updated_at)
        for row in rows
        for shares in [row[3]]
    ]


def _names(connection: Connection, ids: Sequence[str], is_shared: sa.ColumnElement[bool]) -> dict[str, set[str]]:
    """Return the names of the shared parameters of each experiment."""
    c = _SPACES.c
    names: dict[str, set[str]] = {}
    for id, name in connection.execute(sa.select(c.id, c.parameter_name).where(c.id.in_(ids), is_shared)):
        names.setdefault(id, set()).add(name)
    return names


def _is_shared(types: Mapping[str, str]) -> sa.ColumnElement[bool] | None:
    """Return the condition that a parameter is one of *types*; None if no database can have such names."""
    by_type: dict[str, list[str]] = {}
    for name, type in types.items():
        if is_plain(name):
            by_type.setdefault(type, []).append(name)
    c = _SPACES.c
    conditions = [(c.parameter_type == type) & c.parameter_name.in_(names) for type, names in by_type.items()]
    return sa.or_(*conditions) if conditions else None
