"""Databases on a server that many tests share: each has one of its own, on PostgreSQL a schema.

Making docstore's tables takes longer than most tests. So those of a test that is over are emptied for the next one,
unless it changed more than rows.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.schema import CreateSchema, DropSchema

import docstore
from docstore.sql.tables import VERSION_TABLE, metadata

SMALL: Final = 8 * 8192
"""Bytes of a table on PostgreSQL, with what is stored beside its rows, of which one deletes the rows."""


class Pool:
    """Databases on one server, until ``close``.

    Args:
        engine: an administrator's, in which each statement is its own transaction.
        alone: whether nobody else uses the server.
    """

    limits: ClassVar[tuple[str, str]]
    """The statements that set a short and a long time for which others' locks are waited for."""

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
            return before is not None and self.emptied(name, before)
        except DBAPIError:
            # A table is gone, or a connection of a failed test's still holds a lock on one.
            return False

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
        short, long = self.limits
        with self.own_work(), self.engine.connect() as connection:
            connection.exec_driver_sql(short)
            try:
                connection.execute(drop)
            except OperationalError:
                self.end_users(connection, name)
                connection.exec_driver_sql(long)
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

    def emptied(self, name: str, before: str) -> bool:
        """Remove every row, if the state is what it was *before*; return whether it was.

        Nothing tells the tables from new ones then, not to the server's planner either.
        """
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
    7; to empty a schema takes 2.
    """

    limits = ("SET lock_timeout = '100ms'", "SET lock_timeout = '30s'")

    _FUNCTIONS = f"""
        -- The plan of a query over so many catalogues takes longer to make than to run: it is made once.
        CREATE FUNCTION {{own}}.state(schema text) RETURNS text LANGUAGE plpgsql
        SET plan_cache_mode = force_generic_plan AS $$
        DECLARE
            migrations text;
        BEGIN
            EXECUTE format('SELECT string_agg(version_num, '','') FROM %I.{VERSION_TABLE}', schema) INTO migrations;
            RETURN (
                WITH
                here AS (SELECT oid, xmin FROM pg_namespace WHERE nspname = schema),
                relations AS (
                    SELECT oid, xmin, reltuples FROM pg_class WHERE relnamespace = (SELECT oid FROM here)
                ),
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
                    migrations,
                    (SELECT count(*) FROM relations WHERE reltuples <> -1),
                    (
                        SELECT md5(string_agg(entry, ',' ORDER BY entry))
                        FROM (SELECT concat_ws(' ', catalogue, of, made) AS entry FROM entries) AS entries
                    )
                )
            );
        END $$;

        CREATE FUNCTION {{own}}.emptied(schema text, before text) RETURNS text LANGUAGE plpgsql AS $$
        DECLARE
            written record;
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            IF {{own}}.state(schema) <> before THEN
                RETURN NULL;
            END IF;
            FOR written IN
                SELECT format('%I.%I', schema, relname) AS name, pg_table_size(pg_class.oid) AS size FROM pg_class
                WHERE relnamespace = schema::regnamespace AND relkind = 'r' AND relname <> '{VERSION_TABLE}'
                AND pg_relation_size(pg_class.oid) > 0
                -- The rows that others refer to come last.
                ORDER BY EXISTS (SELECT FROM pg_constraint WHERE confrelid = pg_class.oid)
            LOOP
                -- Until a table has ten pages the planner takes it for one of ten, if nothing else is known of it.
                IF written.size < {SMALL} THEN
                    EXECUTE 'LOCK TABLE ' || written.name;
                    EXECUTE 'DELETE FROM ' || written.name;
                ELSE
                    EXECUTE 'TRUNCATE ' || written.name || ' CASCADE';
                END IF;
            END LOOP;
            RETURN {{own}}.state(schema);
        END $$;
    """
    """A catalogue's row that is changed gets another ``xmin``, but for what VACUUM and ANALYZE learn: ``reltuples``."""

    def __init__(self, engine: sa.Engine, *, alone: bool) -> None:
        super().__init__(engine, alone=alone)
        self._states: dict[str, str] = {}
        """Of the clean ones."""

        self._functions: str | None = None
        """The schema that they are in, once they are made."""

    def close(self) -> None:
        """Drop the databases and the functions, and close the connections."""
        if self._functions is not None:
            self._drop(self._functions)
        super().close()

    def inside(self, name: str) -> sa.URL:
        """The URL whose connections look into the schema."""
        before = self.engine.url.query.get("options", ())
        options = [*([before] if isinstance(before, str) else before), f"-csearch_path={name}"]
        return self.engine.url.update_query_dict({"options": " ".join(options)})

    def state(self, name: str) -> str:
        """A digest of the catalogues' rows for the schema."""
        return self._states.pop(name, None) or str(self._ask("state(%(schema)s)", schema=name))

    def emptied(self, name: str, before: str) -> bool:
        """Delete the rows of what has few; truncate the others that were ever written to."""
        after = self._ask("emptied(%(schema)s, %(before)s)", schema=name, before=before)
        if after is not None:
            self._states[name] = after
        return after is not None

    def _ask(self, call: str, **parameters: str) -> Any:
        if self._functions is None:
            self._functions = self._create(tables=False)
            with self.engine.connect().execution_options(no_parameters=True) as connection:
                connection.exec_driver_sql(self._FUNCTIONS.format(own=self._functions))
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(f"SELECT {self._functions}.{call}", parameters).scalar_one()

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

    limits = ("SET lock_wait_timeout = 0", "SET lock_wait_timeout = 30")

    def __init__(self, engine: sa.Engine, *, alone: bool) -> None:
        super().__init__(engine, alone=alone)
        self._own = 0
        """How many of those statements were the pool's."""
        self._others = 0
        """How many were not, when that was last looked at."""
        self._seen: dict[str, tuple[str, set[str]]] = {}
        """At which migration each database's tables are, and how many rows of each were ever changed."""

    def inside(self, name: str) -> sa.URL:
        """The URL of a database."""
        return self.engine.url.set(database=name)

    def state(self, name: str) -> str | None:
        """How many statements changed more than rows, and at which migration the tables are."""
        if not self.alone:
            return None
        if name not in self._seen:
            self._seen[name] = self._look(name)
        return f"{self._others} {self._seen[name][0]}"

    def emptied(self, name: str, before: str) -> bool:
        """Truncate what was written: where rows were deleted, the server's statistics need not say that none are left.

        The server tells, of each table, how many rows were ever changed: also those of what was rolled back.
        """
        migration, rows = self._look(name)
        if f"{self._others} {migration}" != before:
            return False
        written = {each.partition(" ")[0] for each in rows - self._seen[name][1]}
        # With the check, a table that another's foreign key names is never truncated.
        truncate = "SET STATEMENT lock_wait_timeout = 1, foreign_key_checks = 0 FOR TRUNCATE"
        with self.engine.connect() as connection:
            for table in written.intersection(metadata.tables):
                connection.exec_driver_sql(f"{truncate} `{name}`.{table}")
        self._seen[name] = migration, rows
        return True

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
        self._look()
        before = self._others
        yield
        self._look()
        self._own, self._others = self._own + self._others - before, before

    def _look(self, name: str | None = None) -> tuple[str, set[str]]:
        """Ask how many statements were others'; and of a database, what is noted in ``_seen``."""
        if not self.alone:
            return "", set()
        query = """
            SELECT SUM(variable_value) FROM information_schema.global_status
            WHERE variable_name RLIKE '^com_(alter|analyze|create|drop|grant|rename|revoke|install|optimize)'
        """
        of_database = f"""
            (SELECT GROUP_CONCAT(version_num) FROM `{name}`.{VERSION_TABLE}),
            (
                SELECT GROUP_CONCAT(table_name, ' ', rows_changed) FROM information_schema.table_statistics
                WHERE table_schema = '{name}'
            )
        """
        with self.engine.connect() as connection:
            count, *rest = connection.exec_driver_sql(f"SELECT ({query}), {of_database if name else 'NULL'}").one()
        self._others = int(count) - self._own
        migration, rows = rest if name else ("", "")
        return str(migration), set((rows or "").split(","))
