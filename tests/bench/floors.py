"""The bare drivers on the rows that docstore writes: what no store on that database can do better than by much."""

from __future__ import annotations

import dataclasses
import sqlite3
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
import psycopg2
import psycopg2.extras
import pymysql
import sqlalchemy as sa

from docstore import TrialStatus

JSON: TypeAlias = Any
Row: TypeAlias = tuple[Any, ...]

COLUMNS = (
    "id, path, project, kind, name, owner, position, type, status, model, version, created_at, updated_at, deleted_at, "
    "digest, body"
)
INDEXES = """
    CREATE UNIQUE INDEX documents_name ON documents (name, kind, project{live});
    CREATE INDEX documents_type ON documents (kind, type);
    CREATE INDEX documents_status ON documents (kind, status);
    CREATE INDEX documents_owner ON documents (owner);
"""


class Floor(ABC):
    """A bare driver, in one transaction a save, with the same durability."""

    def __init__(self, sample: dict[str, JSON]) -> None:
        trial, data = sample["/trials/1"], sample["/data/1"]
        self.trial, self.data = record_class("Trial", trial), record_class("Data", data)
        self.run = record_class("GeneratorRun", trial["generator_run"])
        self.arm = record_class("Arm", trial["generator_run"]["arms"][0])

    @abstractmethod
    def write(self, rows: list[Row], version: Row) -> None:
        """Write *rows* of documents, over those that are there, and a row of history."""

    @abstractmethod
    def rows(self, id: str) -> list[tuple[str, str]]:
        """Return the path and the body, as text, of each row of a document."""

    def save(self, id: str, pieces: dict[str, JSON], version: int) -> None:
        """Write *pieces*, already JSON values, and a row of history."""
        now, digest = datetime.now(UTC).replace(tzinfo=None), "0" * 64
        times = (now.isoformat(),) * 2 if isinstance(self, SQLite) else (now, now)
        shared = (1, 1, 1, "docstore", version, *times, None, digest)
        rows = [
            (id, path, "default", "trial", None if path else id, None, *shared, orjson.dumps(body).decode())
            for path, body in pieces.items()
        ]
        self.write(rows, (id, version, times[0], "me", "", "[]", digest, digest))

    def load(self, id: str) -> list[object]:
        """Read the rows back into dataclasses, as one would write it by hand for these classes."""
        return [self.read(path, orjson.loads(body)) for path, body in self.rows(id)]

    def read(self, path: str, body: JSON) -> object:
        """Return the object of one row."""
        if path.startswith("/data/"):
            return self.data(**body)
        if not path:
            return body
        run = body["generator_run"]
        run["arms"] = [self.arm(**arm) for arm in run["arms"]]
        run["time_created"] = datetime.fromisoformat(run["time_created"])
        for key in ("time_created", "time_run_started", "time_completed"):
            body[key] = datetime.fromisoformat(body[key])
        body["generator_run"], body["status"] = self.run(**run), TrialStatus[body["status"]]
        return self.trial(**body)


class SQLite(Floor):
    """``sqlite3``, WAL, ``synchronous = FULL``."""

    def __init__(self, url: str, sample: dict[str, JSON]) -> None:
        super().__init__(sample)
        self.db = sqlite3.connect(sa.make_url(url).database or "", isolation_level=None)
        self.db.executescript(f"""
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE documents ({COLUMNS}, PRIMARY KEY (id, path));
            CREATE TABLE versions (id, version, created_at, author, message, changes, digest, chain,
                                   PRIMARY KEY (id, version));
        """)
        for index in INDEXES.format(live="").replace("project);", "project) WHERE path = '';").split(";"):
            self.db.execute(index)

    def write(self, rows: list[Row], version: Row) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(f"INSERT OR REPLACE INTO documents VALUES ({', '.join('?' * 16)})", rows)
        self.db.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", version)
        self.db.execute("COMMIT")

    def rows(self, id: str) -> list[tuple[str, str]]:
        return self.db.execute("SELECT path, body FROM documents WHERE id = ?", (id,)).fetchall()


TYPED = """
    CREATE TABLE documents (
        id VARCHAR(32), path VARCHAR(255), project VARCHAR(100), kind VARCHAR(64), name VARCHAR(255), owner VARCHAR(32),
        position INTEGER, type INTEGER, status INTEGER, model VARCHAR(32), version INTEGER, created_at {time},
        updated_at {time}, deleted_at {time}, digest VARCHAR(64), body {json}, PRIMARY KEY (id, path));
    CREATE TABLE versions (
        id VARCHAR(32), version INTEGER, created_at {time}, author VARCHAR(255), message TEXT, changes {json},
        digest VARCHAR(64), chain VARCHAR(64), PRIMARY KEY (id, version))
"""


class PostgreSQL(Floor):
    """``psycopg2`` and its ``execute_values``, JSONB."""

    def __init__(self, url: str, sample: dict[str, JSON]) -> None:
        super().__init__(sample)
        parts = sa.make_url(url)
        self.db = psycopg2.connect(
            host=parts.host,
            port=parts.port,
            user=parts.username,
            password=parts.password,
            dbname=parts.database,
            options=parts.query.get("options"),
        )
        indexes = INDEXES.format(live="").replace("project);", "project) WHERE path = '';")
        with self.db, self.db.cursor() as cursor:
            cursor.execute(TYPED.format(time="TIMESTAMPTZ", json="JSONB") + ";" + indexes)

    def write(self, rows: list[Row], version: Row) -> None:
        over = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS.split(", ")[2:])
        insert = f"INSERT INTO documents VALUES %s ON CONFLICT (id, path) DO UPDATE SET {over}"
        with self.db, self.db.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, insert, rows, page_size=1000)
            cursor.execute(f"INSERT INTO versions VALUES ({', '.join(['%s'] * 8)})", version)

    def rows(self, id: str) -> list[tuple[str, str]]:
        with self.db, self.db.cursor() as cursor:
            cursor.execute("SELECT path, body::text FROM documents WHERE id = %s", (id,))
            return list(cursor.fetchall())


class MariaDB(Floor):
    """``PyMySQL`` and its ``executemany``, LONGTEXT."""

    def __init__(self, url: str, sample: dict[str, JSON]) -> None:
        super().__init__(sample)
        parts = sa.make_url(url)
        self.db = pymysql.connect(
            host=parts.host,
            port=parts.port or 3306,
            user=parts.username,
            password=str(parts.password),
            database=parts.database,
            charset="utf8mb4",
        )
        live = "ALTER TABLE documents ADD live SMALLINT AS (CASE WHEN path = '' THEN 1 END)"
        statements = [
            *TYPED.format(time="DATETIME(6)", json="LONGTEXT").split(";"),
            live,
            *INDEXES.format(live=", live").split(";"),
        ]
        with self.db.cursor() as cursor:
            for statement in filter(str.strip, statements):
                cursor.execute(statement)

    def write(self, rows: list[Row], version: Row) -> None:
        replace = f"REPLACE INTO documents ({COLUMNS}) VALUES ({', '.join(['%s'] * 16)})"
        with self.db.cursor() as cursor:
            cursor.executemany(replace, rows)
            cursor.execute(f"INSERT INTO versions VALUES ({', '.join(['%s'] * 8)})", version)
        self.db.commit()

    def rows(self, id: str) -> list[tuple[str, str]]:
        with self.db.cursor() as cursor:
            cursor.execute("SELECT path, body FROM documents WHERE id = %s", (id,))
            found = list(cursor.fetchall())
        self.db.commit()
        return found


FLOORS = {"sqlite": SQLite, "postgresql": PostgreSQL, "mariadb": MariaDB}


def record_class(name: str, sample: JSON) -> type:
    """Return a plain dataclass with the keys of *sample* as its fields."""
    return dataclasses.make_dataclass(name, [(key, object) for key in sample])
