"""The bare drivers on the rows that docstore writes: no store on that database can be much quicker.

A ``Mirror`` reads what docstore has written into one database, and lets the bare driver write the same rows into
another one, whose tables the same migrations made. So the floor has the columns, indexes and bytes that docstore has
now. Its values come as Python objects, bodies as JSON values: making texts of them is part of the floor.
"""

from __future__ import annotations

import io
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

import orjson
import psycopg2
import psycopg2.extras
import pymysql
import sqlalchemy as sa

from docstore import TrialStatus
from docstore.sql.dialects import JsonText
from docstore.sql.tables import metadata

Key: TypeAlias = tuple[Any, ...]
Values: TypeAlias = tuple[Any, ...]

MANY = 50
"""The fewest rows that are written to PostgreSQL by COPY."""


@dataclass(frozen=True)
class Insert:
    """New rows of one table; *of_json* are the columns whose values are still JSON values."""

    table: str
    columns: Sequence[str]
    of_json: frozenset[int]
    rows: list[Values]

    def texts(self) -> list[Values]:
        """Return the rows with texts in place of JSON values, in the bytes that docstore writes."""
        return [tuple(text(value) if i in self.of_json else value for i, value in enumerate(row)) for row in self.rows]


@dataclass(frozen=True)
class Update:
    """The columns of one row that changed, and its key."""

    table: str
    changed: dict[str, Any]
    of_json: frozenset[str]
    key: dict[str, Any]

    def texts(self) -> list[Any]:
        """Return the new values and then those of the key."""
        changed = [text(value) if name in self.of_json else value for name, value in self.changed.items()]
        return [*changed, *self.key.values()]


@dataclass(frozen=True)
class Written:
    """All that one call of docstore wrote."""

    inserts: list[Insert]
    updates: list[Update]


def text(value: Any) -> str | None:
    """Return the text of a JSON value; None is NULL, as docstore stores no JSON null there."""
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


# --- drivers ---------------------------------------------------------------------------------------------------------


class Driver(ABC):
    """A bare driver's connection, with the durability that docstore has by default."""

    mark: ClassVar[str] = "%s"
    quote: ClassVar[str] = '"'
    as_text: ClassVar[str] = "{}"

    def __init__(self, url: str) -> None:
        self.db: Any = self.connect(sa.make_url(url))

    @abstractmethod
    def connect(self, url: sa.URL) -> Any:
        """Return the connection."""

    def select(self, query: str, values: Sequence[Any] = ()) -> list[Values]:
        """Return the rows of *query*, whose values stand where there is a ``?``."""
        cursor = self.db.cursor()
        cursor.execute(query.replace("?", self.mark), tuple(values))
        found = list(cursor.fetchall())
        self.db.commit()
        return found

    def name(self, column: str) -> str:
        return f"{self.quote}{column}{self.quote}"

    def write(self, written: Written) -> None:
        """Write rows in one transaction: those of a table at once, as well as this driver can."""
        cursor = self.db.cursor()
        self.begin(cursor)
        for insert in written.inserts:
            self.insert(cursor, insert)
        for update in written.updates:
            changed = ", ".join(f"{self.name(each)} = {self.mark}" for each in update.changed)
            key = " AND ".join(f"{self.name(each)} = {self.mark}" for each in update.key)
            cursor.execute(f"UPDATE {update.table} SET {changed} WHERE {key}", update.texts())
        self.db.commit()

    def begin(self, cursor: Any) -> None:  # noqa: B027  # most drivers do so by themselves
        """Begin a transaction, where the driver does not do so by itself."""

    def insert(self, cursor: Any, insert: Insert) -> None:
        names = ", ".join(map(self.name, insert.columns))
        marks = ", ".join([self.mark] * len(insert.columns))
        cursor.executemany(f"INSERT INTO {insert.table} ({names}) VALUES ({marks})", insert.texts())

    def close(self) -> None:
        self.db.close()


class SQLite(Driver):
    """``sqlite3`` and its ``executemany``: WAL, as the file says, and ``synchronous = FULL``."""

    mark = "?"

    def connect(self, url: sa.URL) -> Any:
        db = sqlite3.connect(url.database or "", isolation_level=None)
        for setting in ("synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000"):
            db.execute(f"PRAGMA {setting}")
        return db

    def begin(self, cursor: Any) -> None:
        cursor.execute("BEGIN IMMEDIATE")


class PostgreSQL(Driver):
    """``psycopg2``: COPY for many rows, ``execute_values`` for few."""

    as_text = "CAST({} AS TEXT)"

    def connect(self, url: sa.URL) -> Any:
        return psycopg2.connect(
            host=url.host,
            port=url.port,
            user=url.username,
            password=url.password,
            dbname=url.database,
            options=url.query.get("options"),
        )

    def insert(self, cursor: Any, insert: Insert) -> None:
        names = ", ".join(map(self.name, insert.columns))
        if len(insert.rows) < MANY:
            query = f"INSERT INTO {insert.table} ({names}) VALUES %s"
            psycopg2.extras.execute_values(cursor, query, insert.texts(), page_size=MANY)
            return
        lines = ["\t".join(map(_copied, row)) for row in insert.texts()]
        cursor.copy_expert(f"COPY {insert.table} ({names}) FROM STDIN", io.StringIO("\n".join(lines)))


_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _copied(value: Any) -> str:
    """Return *value* as the text format of COPY has it."""
    return r"\N" if value is None else value.translate(_ESCAPES) if isinstance(value, str) else str(value)


class MariaDB(Driver):
    """``PyMySQL`` and its ``executemany``, which makes statements of many rows."""

    quote = "`"

    def connect(self, url: sa.URL) -> Any:
        return pymysql.connect(
            host=url.host,
            port=url.port or 3306,
            user=url.username,
            password=str(url.password),
            database=url.database,
            charset="utf8mb4",
        )


DRIVERS: dict[str, type[Driver]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "mariadb": MariaDB}


# --- the same rows in another database -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A table of docstore's, its columns, which of them are the key, and which are JSON."""

    name: str
    columns: Sequence[str]
    key: Sequence[int]
    of_json: frozenset[int]


TABLES = [
    Table(
        table.name,
        [column.name for column in table.columns],
        [i for i, column in enumerate(table.columns) if column.primary_key],
        frozenset(i for i, column in enumerate(table.columns) if isinstance(column.type, JsonText)),
    )
    for table in metadata.sorted_tables
]


class Mirror:
    """Two databases with the same rows: docstore writes into the first, the bare driver into the second."""

    def __init__(self, backend: str, first: str, second: str) -> None:
        self.first, self.second = DRIVERS[backend](first), DRIVERS[backend](second)
        self._rows: dict[str, dict[Key, Values]] = {
            table.name: dict(self._keyed(table, self.rows(self.first, table))) for table in TABLES
        }
        self._versions = dict(self._heads())

    def next(self, number: int = 0) -> Callable[[], None]:
        """Return what writes the rows that docstore wrote since the last call; see ``harness.Prepare``."""
        written = self.written()
        return lambda: self.second.write(written)

    def written(self) -> Written:
        """Return the rows that docstore wrote since the last call."""
        heads = dict(self._heads())
        changed = [id for id, version in heads.items() if self._versions.get(id) != version]
        inserts, updates = [], []
        for table in TABLES:
            new = []
            for key, row in self._keyed(table, self._candidates(table, changed)):
                old = self._rows[table.name].get(key)
                if old is None:
                    new.append(self._with_json(table, row))
                elif old != row:
                    updates.append(self._update(table, key, old, row))
                self._rows[table.name][key] = row
            if new:
                inserts.append(Insert(table.name, table.columns, table.of_json, new))
        self._versions = heads
        return Written(inserts, updates)

    def differences(self) -> list[tuple[str, Values]]:
        """Return the rows that only one of the databases has."""
        found = []
        for table in TABLES:
            first, second = (set(self.rows(driver, table)) for driver in (self.first, self.second))
            found += [(table.name, row) for row in first ^ second]
        return found

    def rows(self, driver: Driver, table: Table, where: str = "", values: Sequence[Any] = ()) -> list[Values]:
        """Return rows of a table, JSON as text."""
        names = [
            (driver.as_text if i in table.of_json else "{}").format(driver.name(column))
            for i, column in enumerate(table.columns)
        ]
        return driver.select(f"SELECT {', '.join(names)} FROM {table.name} {where}", values)

    def _heads(self) -> list[Values]:
        return self.first.select("SELECT id, version FROM documents WHERE path = ''")

    def _candidates(self, table: Table, changed: list[str]) -> list[Values]:
        """Return all rows that were written since, and some others: only few if the table has versions."""
        if "id" not in table.columns or len(changed) > 10:
            return self.rows(self.first, table)
        if "version" not in table.columns:
            return [row for id in changed for row in self.rows(self.first, table, "WHERE id = ?", [id])]
        since = "WHERE id = ? AND version > ?"
        return [row for id in changed for row in self.rows(self.first, table, since, [id, self._versions.get(id, 0)])]

    def _keyed(self, table: Table, rows: list[Values]) -> list[tuple[Key, Values]]:
        return [(tuple(row[i] for i in table.key), row) for row in rows]

    def _with_json(self, table: Table, row: Values) -> Values:
        return tuple(_value(value) if i in table.of_json else value for i, value in enumerate(row))

    def _update(self, table: Table, key: Key, old: Values, new: Values) -> Update:
        changed = {
            table.columns[i]: _value(after) if i in table.of_json else after
            for i, (before, after) in enumerate(zip(old, new, strict=True))
            if before != after
        }
        of_json = frozenset(table.columns[i] for i in table.of_json)
        return Update(
            table.name, changed, of_json, {table.columns[i]: part for i, part in zip(table.key, key, strict=True)}
        )

    def close(self) -> None:
        self.first.close()
        self.second.close()


def _value(json: str | None) -> Any:
    return None if json is None else orjson.loads(json)


# --- reading ---------------------------------------------------------------------------------------------------------


class Loader:
    """Reads bodies into dataclasses, as one would write it by hand for the classes of ``workload``.

    Args:
        bodies: the bodies of one document, by path: the dataclasses have their members as fields.
    """

    def __init__(self, driver: Driver, bodies: dict[str, Any]) -> None:
        self._driver = driver
        trial, data = bodies["/trials/0"], bodies["/data/0"]
        self._trial, self._data = record_class("Trial", trial), record_class("Data", data)
        self._run = record_class("GeneratorRun", trial["generator_run"])
        self._arm = record_class("Arm", trial["generator_run"]["arms"][0])

    def load(self, name: str) -> list[object]:
        """Return an object for each row of the experiment *name*."""
        return [self._object(path, body) for path, body in parsed(self._driver, name)]

    def load_many(self, first: str, last: str) -> list[object]:
        """Return an object for each row of the experiments from *first* to *last*, by name."""
        among = "id IN (SELECT id FROM names WHERE name BETWEEN ? AND ?)"
        found = self._driver.select(_SELECT.format(self._driver.as_text.format("body"), among), [first, last])
        return [self._object(path, orjson.loads(body)) for path, body in found]

    def _object(self, path: str, body: Any) -> object:
        if path.startswith("/data/"):
            return self._data(**body)
        if not path.startswith("/trials/"):
            return body
        run = body["generator_run"]
        run["arms"] = [self._arm(**arm) for arm in run["arms"]]
        run["time_created"] = datetime.fromisoformat(run["time_created"])
        for key in ("time_created", "time_run_started", "time_completed"):
            body[key] = datetime.fromisoformat(body[key])
        body["generator_run"], body["status"] = self._run(**run), TrialStatus[body["status"]]
        return self._trial(**body)


def record_class(name: str, sample: dict[str, Any]) -> Any:
    """Return a plain dataclass with the keys of *sample* as its fields."""
    return make_dataclass(name, [(key, object) for key in sample])


_SELECT = "SELECT path, {} FROM documents WHERE {}"
_OF_NAME = "id = (SELECT id FROM names WHERE name = ?)"


def parsed(driver: Driver, name: str) -> list[tuple[str, Any]]:
    """Return the path and the body, as a JSON value, of each row of the document *name*."""
    found = driver.select(_SELECT.format(driver.as_text.format("body"), _OF_NAME), [name])
    return [(path, orjson.loads(body)) for path, body in found]


def one_body(driver: Driver, name: str, path: str) -> Any:
    """Return the body, as a JSON value, of one row of the document *name*."""
    query = _SELECT.format(driver.as_text.format("body"), f"{_OF_NAME} AND path = ?")
    [(_, body)] = driver.select(query, [name, path])
    return orjson.loads(body)
