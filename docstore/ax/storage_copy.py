"""A copy of a database of Ax: a SQLite file with the tables of the Ax that is installed, for Ax's own loaders.

Ax's loaders select every column that they know, find an experiment by its name, and refuse metrics and runners that are
not registered. In the copy, a column that an older Ax did not have is there and empty, each experiment has a name of
its own, and unknown metrics are plain ones. The source is read by one transaction that cannot write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa
from ax.core.metric import Metric
from ax.storage.sqa_store.db import Base
from ax.storage.sqa_store.sqa_classes import SQAExperiment, SQAMetric, SQARunner, SQATrial
from ax.storage.sqa_store.sqa_config import SQAConfig
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from docstore.errors import DatabaseError
from docstore.sql.dialects.engines import make_engine
from docstore.sql.dialects.transactions import transaction
from docstore.sql.dialects.urls import check_database_file, shown

_BATCH: Final = 1000
"""Rows that are read, and written, at a time."""

_EXPERIMENTS: Final = SQAExperiment.__table__
_METRICS: Final = SQAMetric.__table__
_RUNNERS: Final = SQARunner.__table__
_TRIALS: Final = SQATrial.__table__


@dataclass(frozen=True, slots=True)
class StorageCopy:
    """A copy that is ready to be read.

    Attributes:
        url: of the copy; valid inside the ``with`` block.
        names: of the experiments, in the order in which they were first saved.
        renamed: the name in the source of each experiment that has another one in the copy.
        left_out: what was left out of each experiment, in words.
    """

    url: sa.URL
    names: Sequence[str]
    renamed: dict[str, str]
    left_out: dict[str, list[str]]


@contextmanager
def copied(url: Any, config: SQAConfig) -> Iterator[StorageCopy]:
    """Give a copy of the database at *url*, and remove it at the end.

    Args:
        config: has the metrics and runners that are known.

    Raises:
        MissingFileError: there is no such file.
        DatabaseError: it cannot be read, or is no database of Ax.
    """
    with TemporaryDirectory(prefix="docstore-ax-") as folder:
        source_engine = make_engine(url, read_only=True)
        if not isinstance(url, Engine):
            check_database_file(source_engine.url)
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(Path(folder) / "copy.db")))
        try:
            with transaction(source_engine, write=False) as source, engine.begin() as target:
                _copy(source, target)
                renamed = _name_apart(target)
                left_out: dict[str, list[str]] = {}
                for name, what in (*_make_plain(target, config), *_drop_runners(target, config)):
                    left_out.setdefault(name, []).append(what)
                names = list(target.scalars(sa.select(_EXPERIMENTS.c.name).order_by(_EXPERIMENTS.c.id)))
            yield StorageCopy(engine.url, names, renamed, left_out)
        finally:
            engine.dispose()
            if not isinstance(url, Engine):
                source_engine.dispose()


def _copy(source: Connection, target: Connection) -> None:
    """Copy all rows of Ax's tables; a column or a table that the source lacks is empty."""
    inspector = sa.inspect(source)
    present = set(inspector.get_table_names())
    if _EXPERIMENTS.name not in present:
        remedy = f"It has no table {_EXPERIMENTS.name!r}, which Ax's storage makes: check the URL."
        raise DatabaseError(f"{shown(source.engine.url)} is no database of Ax. {remedy}")
    for table in Base.metadata.sorted_tables:
        _make_table(target, table)
        if table.name in present:
            there = {column["name"] for column in inspector.get_columns(table.name)}
            _copy_rows(source, target, table, [column for column in table.columns if column.name in there])
            _fill(target, table, [column for column in table.columns if column.name not in there])


def _make_table(target: Connection, table: sa.Table) -> None:
    made = table.to_metadata(sa.MetaData(), referred_schema_fn=lambda *_: None)
    for constraint in list(made.foreign_key_constraints):
        made.constraints.remove(constraint)
    for column in made.columns:
        column.nullable = not column.primary_key
    target.execute(sa.schema.CreateTable(made, include_foreign_key_constraints=[]))


def _copy_rows(source: Connection, target: Connection, table: sa.Table, columns: list[sa.Column[Any]]) -> None:
    """Copy the values as they are stored: without Ax's types, which would decode them."""
    plain = sa.table(table.name, *(sa.column(column.name) for column in columns))
    rows = source.execution_options(yield_per=_BATCH).execute(sa.select(plain)).mappings()
    for batch in rows.partitions(_BATCH):
        target.execute(sa.insert(plain), [dict(row) for row in batch])


def _fill(target: Connection, table: sa.Table, missing: list[sa.Column[Any]]) -> None:
    """Give columns that the source lacks, and that Ax needs, what they stand for: a default, or a metric's name."""
    for column in missing:
        default = column.default
        if column is _METRICS.c.signature:
            target.execute(sa.update(table).values(signature=table.c.name))
        elif not column.nullable and isinstance(default, ScalarElementColumnDefault):
            target.execute(sa.update(table).values({column.name: default.arg}))


def _name_apart(target: Connection) -> dict[str, str]:
    """Rename experiments so that each name is there once: the oldest keeps it. Return the old names by the new ones."""
    columns = _EXPERIMENTS.c
    rows = target.execute(sa.select(columns.id, columns.name).order_by(columns.id)).all()
    taken: set[str] = {name for _, name in rows}
    seen: set[str] = set()
    renamed: dict[str, str] = {}
    for row_id, name in rows:
        if name in seen:
            number = 2
            while (new := f"{name} ({number})") in taken:
                number += 1
            target.execute(sa.update(_EXPERIMENTS).where(columns.id == row_id).values(name=new))
            taken.add(new)
            renamed[new] = name
        seen.add(name)
    return renamed


def _make_plain(target: Connection, config: SQAConfig) -> list[tuple[str, str]]:
    """Make metrics of unknown classes plain ones, whose ``properties`` have what was stored of them.

    Return the name of the experiment, and what it lost, for each metric of an experiment.
    """
    metric, parent = _METRICS.c, _METRICS.alias("parent")
    of_parent = parent.c.id == sa.func.coalesce(metric.scalarized_objective_id, metric.scalarized_outcome_constraint_id)
    experiment_id = sa.func.coalesce(metric.experiment_id, parent.c.experiment_id)
    rows = target.execute(
        sa.select(metric.id, metric.name, metric.metric_type, metric.properties, _EXPERIMENTS.c.name)
        .select_from(_METRICS)
        .outerjoin(parent, of_parent)
        .outerjoin(_EXPERIMENTS, _EXPERIMENTS.c.id == experiment_id)
        .where(metric.metric_type.not_in(config.reverse_metric_registry))
        .order_by(metric.id)
    ).all()
    for row_id, _, number, properties, _ in rows:
        # As text: a tag in it may be unknown, too.
        kept = {"properties": {"ax_metric_type": number, "ax_properties": json.dumps(properties)}}
        values = {"metric_type": config.metric_registry[Metric], "properties": kept}
        target.execute(sa.update(_METRICS).where(metric.id == row_id).values(values))
    return [
        (experiment, f"the class of metric {name!r}, of the unknown type {number}: it is a plain Metric")
        for _, name, number, _, experiment in rows
        if experiment is not None
    ]


def _drop_runners(target: Connection, config: SQAConfig) -> list[tuple[str, str]]:
    """Remove the runners of unknown classes; return the name of the experiment, and what it lost, for each."""
    runner = _RUNNERS.c
    experiment_id = sa.func.coalesce(runner.experiment_id, _TRIALS.c.experiment_id)
    is_unknown = runner.runner_type.not_in(config.reverse_runner_registry)
    rows = target.execute(
        sa.select(_EXPERIMENTS.c.name, _TRIALS.c["index"], runner.runner_type)
        .select_from(_RUNNERS)
        .outerjoin(_TRIALS, _TRIALS.c.id == runner.trial_id)
        .join(_EXPERIMENTS, _EXPERIMENTS.c.id == experiment_id)
        .where(is_unknown)
        .order_by(runner.id)
    ).all()
    target.execute(sa.delete(_RUNNERS).where(is_unknown))
    return [
        (experiment, f"the runner{'' if index is None else f' of trial {index}'}, of the unknown type {number}")
        for experiment, index, number in rows
    ]
