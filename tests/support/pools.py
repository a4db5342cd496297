"""Databases on a server that many tests share: each has one of its own, on PostgreSQL a schema.

Making docstore's tables takes longer than most tests. So those of a test that is over are emptied for the next one,
unless it changed more than rows.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateSchema, DropSchema

import docstore
from docstore.sql.tables import VERSION_TABLE, metadata


class Pool:
    """Databases on one server, until ``close``.

    Args:
        engine: an administrator's, in which each statement is its own transaction.
        alone: whether nobody else uses the server.
    """

    limit: ClassVar[str]
    """The statement that sets for how many seconds others' locks are waited for."""

    def __init__(self, engine: sa.Engine, *, alone: bool) -> None:
        self.engine = engine
        self.alone = alone
        self._clean: list[str] = []

    @contextlib.contextmanager
    def empty(self) -> Iterator[sa.URL]:
        """The URL of a database in which nothing is; it is dropped at the end."""
        name = self._create(tables=False)
        try:
            yield self.inside(name)
        finally:
            self._drop(name)

    @contextlib.contextmanager
    def fresh(self) -> Iterator[sa.URL]:
        """The URL of a database in which docstore's tables are, as ``connect`` makes them, and nothing else."""
        name = self._clean.pop() if self._clean else self._create(tables=True)
        before = self.state(name)
        try:
            yield self.inside(name)
        finally:
            if self._emptied(name, before):
                self._clean.append(name)
            else:
                self._drop(name)

    def close(self) -> None:
        """Drop the databases and close the connections."""
        while self._clean:
            self._drop(self._clean.pop())
        self.engine.dispose()

    def _emptied(self, name: str, before: str | None) -> bool:
        """Empty the tables, if all else is as it was *before*; return whether that was done."""
        try:
            if before is None or self.state(name) != before:
                return False
            with self.engine.connect() as connection:
                connection.exec_driver_sql(self.limit.format(1))
                self.empty_tables(connection, name)
        except DBAPIError:
            # A table is gone, or a connection of a failed test's still holds a lock on one.
            return False
        return True

    def _create(self, *, tables: bool) -> str:
        name = f"docstore_test_{secrets.token_hex(8)}"
        with self.own_work():
            with self.engine.connect() as connection:
                connection.execute(CreateSchema(name))
            if tables:
                docstore.connect(self.inside(name)).close()
        return name

    def _drop(self, name: str) -> None:
        """Drop a database, whoever uses it: a failed test's traceback keeps its connection, and that its locks."""
        drop = DropSchema(name, cascade=self.engine.dialect.name == "postgresql")
        with self.own_work(), self.engine.connect() as connection:
            connection.exec_driver_sql(self.limit.format(1))
            try:
                connection.execute(drop)
            except OperationalError:
                self.end_users(connection, name)
                connection.exec_driver_sql(self.limit.format(30))
                connection.execute(drop)

    def own_work(self) -> contextlib.AbstractContextManager[None]:
        """Where the pool makes and drops databases."""
        return contextlib.nullcontext()

    def inside(self, name: str) -> sa.URL:
        """The URL of a database of this server."""
        raise NotImplementedError

    def state(self, name: str) -> str | None:
        """What is another text once anything but the rows of docstore's tables changed; None if that is not known."""
        raise NotImplementedError

    def empty_tables(self, connection: sa.Connection, name: str) -> None:
        """Remove every row, so that nothing tells the tables from new ones, not to the server's planner either."""
        raise NotImplementedError

    def end_users(self, connection: sa.Connection, name: str) -> None:
        """End the connections that keep a database from being dropped."""
        raise NotImplementedError


def _entries(owners: str, **catalogues: str) -> str:
    """The rows of some catalogues that are of *owners*, by the column that says so; to be added to a SELECT's."""
    return " ".join(
        f"UNION ALL SELECT '{catalogue}', {owner}, xmin FROM {catalogue} WHERE {owner} IN (SELECT oid FROM {owners})"
        for catalogue, owner in catalogues.items()
    )


class PostgreSQLPool(Pool):
    """Schemas of one database.

    Of databases made by CREATE DATABASE ... TEMPLATE, one takes 10 ms to make, 7 to drop, and a first connection to it
    7; to empty a schema takes 3.
    """

    limit = "SET lock_timeout = '{}s'"

    _STATE = f"""
        WITH
        here AS (SELECT oid, xmin FROM pg_namespace WHERE nspname = %(schema)s),
        relations AS (SELECT oid, xmin FROM pg_class WHERE relnamespace = (SELECT oid FROM here)),
        entries (catalogue, of, made) AS (
            SELECT 'pg_namespace', oid, xmin FROM here
            UNION ALL SELECT 'pg_class', oid, xmin FROM relations
            {_entries("here", pg_proc="pronamespace", pg_type="typnamespace", pg_default_acl="defaclnamespace")}
            {_entries("relations", pg_attribute="attrelid", pg_attrdef="adrelid", pg_constraint="conrelid")}
            {_entries("relations", pg_description="objoid", pg_index="indexrelid", pg_policy="polrelid")}
            {_entries("relations", pg_rewrite="ev_class", pg_statistic_ext="stxrelid", pg_trigger="tgrelid")}
        )
        SELECT concat_ws(
            ' ',
            (SELECT string_agg(version_num, ',') FROM "{{schema}}".{VERSION_TABLE}),
            (SELECT count(*) FROM pg_class WHERE oid IN (SELECT oid FROM relations) AND reltuples <> -1),
            (
                SELECT md5(string_agg(concat_ws(' ', catalogue, of, made), ',' ORDER BY catalogue, of, made::text))
                FROM entries
            )
        )
    """
    """A catalogue's row that is changed gets another ``xmin``, but for what VACUUM and ANALYZE learn: ``reltuples``."""

    def inside(self, name: str) -> sa.URL:
        """The URL whose connections look into the schema."""
        before = self.engine.url.query.get("options", ())
        options = [*([before] if isinstance(before, str) else before), f"-csearch_path={name}"]
        return self.engine.url.update_query_dict({"options": " ".join(options)})

    def state(self, name: str) -> str:
        """A digest of the catalogues' rows for the schema."""
        with self.engine.connect() as connection:
            return str(connection.exec_driver_sql(self._STATE.format(schema=name), {"schema": name}).scalar_one())

    def empty_tables(self, connection: sa.Connection, name: str) -> None:
        """Truncate those that were ever written to."""
        query = """
            SELECT format('%%I.%%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
            WHERE nspname = %(schema)s AND relkind = 'r' AND relname <> %(kept)s AND pg_relation_size(pg_class.oid) > 0
        """
        written = connection.exec_driver_sql(query, {"schema": name, "kept": VERSION_TABLE}).scalars().all()
        if written:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(written)}")

    def end_users(self, connection: sa.Connection, name: str) -> None:
        """End the sessions that hold a lock on the schema or on what is in it."""
        query = """
            SELECT pg_terminate_backend(pid) FROM (
                SELECT DISTINCT l.pid
                FROM pg_locks l
                JOIN pg_namespace n ON n.nspname = :schema
                LEFT JOIN pg_class c ON c.oid = l.relation
                WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (c.relnamespace = n.oid OR (l.classid = 'pg_namespace'::regclass AND l.objid = n.oid))
                AND l.pid <> pg_backend_pid()
            ) AS holders
        """
        connection.execute(sa.text(query), {"schema": name})


class MariaDBPool(Pool):
    """Databases of one server. What changes more than rows is counted by the server, for all databases together.

    So on a server that others use too nothing is known, and each test has tables of its own.
    """

    limit = "SET lock_wait_timeout = {}"

    def __init__(self, engine: sa.Engine, *, alone: bool) -> None:
        super().__init__(engine, alone=alone)
        self._own = 0
        """How many of those statements were the pool's."""

    def inside(self, name: str) -> sa.URL:
        """The URL of a database."""
        return self.engine.url.set(database=name)

    def state(self, name: str) -> str | None:
        """How many statements changed more than rows, and at which migration the tables are."""
        if not self.alone:
            return None
        with self.engine.connect() as connection:
            at = connection.exec_driver_sql(f"SELECT version_num FROM `{name}`.{VERSION_TABLE}").scalars().all()
        return f"{self._others()} {at}"

    def empty_tables(self, connection: sa.Connection, name: str) -> None:
        """Truncate each: of one whose rows were deleted, the server's statistics need not say that it is empty."""
        for table in metadata.tables:
            connection.exec_driver_sql(f"TRUNCATE `{name}`.{table}")

    def end_users(self, connection: sa.Connection, name: str) -> None:
        """End the connections to the database."""
        query = sa.text("SELECT id FROM information_schema.processlist WHERE db = :schema")
        for user in connection.execute(query, {"schema": name}).scalars().all():
            # It may have ended by itself since; if not, the DROP tells.
            with contextlib.suppress(OperationalError):
                connection.exec_driver_sql(f"KILL {user:d}")

    @contextlib.contextmanager
    def own_work(self) -> Iterator[None]:
        """Count the statements in it as the pool's."""
        before = self._others()
        yield
        self._own += self._others() - before

    def _others(self) -> int:
        """How many statements changed more than rows, besides the pool's; on a server that others use, 0."""
        if not self.alone:
            return 0
        query = """
            SELECT SUM(variable_value) FROM information_schema.global_status
            WHERE variable_name RLIKE '^com_(alter|analyze|create|drop|grant|rename|revoke|install|optimize)'
        """
        with self.engine.connect() as connection:
            return int(connection.exec_driver_sql(query).scalar_one()) - self._own
