"""What differs between databases: column types, engines, transactions and the drivers' errors."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from docstore import dialect, tables
from docstore.dialect import JsonText, UtcTime, engine_from_creator, engine_from_url, make_engine, transaction
from docstore.errors import DatabaseError, InvalidValueError

TABLE = sa.Table(
    "t",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("j", JsonText),
    sa.Column("at", UtcTime),
)


@pytest.fixture
def engine(database):
    engine = make_engine(database)
    TABLE.metadata.create_all(engine)
    yield engine
    engine.dispose()


def kept(engine, **values):
    """What comes back of a row of these values."""
    with transaction(engine, write=True) as connection:
        connection.execute(TABLE.insert(), values)
    with transaction(engine, write=False) as connection:
        return connection.execute(sa.select(*(TABLE.c[name] for name in values))).one()


def count(engine):
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(TABLE)).scalar()


class TestJsonText:
    @pytest.mark.parametrize(
        "text", ["1.50", "1e300", '{"b":1,"a":[ 1 ]}', '"\\u00e9"', "null", "12345678901234567890"]
    )
    def test_comes_back_as_the_text_that_it_was(self, engine, text):
        assert kept(engine, j=text).j == text

    @pytest.mark.parametrize(
        ("to", "column"),
        [(sqlite, "TEXT"), (postgresql, "JSONB"), (mysql, "TEXT")],
        ids=lambda each: getattr(each, "__name__", each),
    )
    def test_is_a_column_of(self, to, column):
        assert JsonText().compile(dialect=to.dialect()) == column

    def test_is_read_as_text_where_the_database_has_a_type_of_its_own(self):
        query = str(sa.select(tables.documents.c.body).compile(dialect=postgresql.dialect()))

        assert "CAST(documents.body AS TEXT)" in query


class TestUtcTime:
    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ],
        ids=str,
    )
    def test_comes_back_as_the_moment_that_it_was_in_utc(self, engine, moment):
        found = kept(engine, at=moment).at

        assert (found, found.tzinfo) == (moment, UTC)

    def test_may_be_none(self, engine):
        assert kept(engine, at=None, j="1").at is None

    def test_is_compared_as_a_moment(self, engine):
        kept(engine, at=datetime(2026, 1, 2, tzinfo=UTC))
        elsewhere = datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=1)))

        with engine.connect() as connection:
            assert connection.execute(sa.select(TABLE.c.id).where(TABLE.c.at == elsewhere)).scalar() == 1

    def test_that_is_none_in_the_database_is_an_error(self, engine):
        with transaction(engine, write=True) as connection:
            connection.exec_driver_sql("INSERT INTO t (at) VALUES ('noon')")

        with (
            pytest.raises(DatabaseError, match=r"the time 'noon' in the database is none"),
            engine.connect() as connection,
        ):
            connection.execute(sa.select(TABLE.c.at)).all()


class TestATransaction:
    def test_is_committed_at_the_end(self, engine):
        with transaction(engine, write=True) as connection:
            connection.execute(TABLE.insert(), {"j": "1"})

        assert count(engine) == 1

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
    def test_is_rolled_back_on_any_error(self, engine, error):
        def write_and_fail():
            with transaction(engine, write=True) as connection:
                connection.execute(TABLE.insert(), {"j": "1"})
                raise error

        with pytest.raises(error):
            write_and_fail()

        assert count(engine) == 0

    def test_that_reads_sees_one_state_throughout(self, engine):
        count = sa.select(sa.func.count()).select_from(TABLE)
        with transaction(engine, write=False) as reader:
            before = reader.execute(count).scalar()
            kept(engine, j="1")

            assert reader.execute(count).scalar() == before == 0

    def test_takes_its_turn_at_once_when_it_writes(self, engine):
        begun = []
        sa.event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, *rest: begun.append(statement))

        with transaction(engine, write=True):
            pass
        with transaction(engine, write=False):
            pass

        assert begun == ["BEGIN IMMEDIATE", "BEGIN DEFERRED"]

    def test_that_lost_a_race_keeps_the_databases_own_error(self, engine):
        with pytest.raises(sa.exc.IntegrityError), transaction(engine, write=True) as connection:
            connection.execute(TABLE.insert(), [{"id": 1}, {"id": 1}])


class TestWhatTheDriverSays:
    """It is translated, with what to do, and stays the cause."""

    def test_of_a_locked_database(self, tmp_path):
        engine = engine_from_url(f"sqlite:///{tmp_path}/lab.db")
        sa.event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA busy_timeout = 0"))
        with transaction(engine, write=True):
            pass
        holder = sqlite3.connect(tmp_path / "lab.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        locked = pytest.raises(DatabaseError, match=r"database is locked. Another process held it for 30 s")
        with locked as caught, transaction(engine, write=True):
            pass

        assert isinstance(caught.value.__cause__, sa.exc.OperationalError)
        holder.close()
        engine.dispose()

    def test_of_a_database_that_may_only_be_read(self, tmp_path):
        sqlite3.connect(tmp_path / "lab.db").execute("CREATE TABLE t (a)").connection.close()
        engine = engine_from_url(f"sqlite:///file:{tmp_path}/lab.db?mode=ro&immutable=1&uri=true")

        readonly = pytest.raises(DatabaseError, match=r"readonly database. Nothing can be saved here")
        with readonly, transaction(engine, write=True) as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        engine.dispose()

    @pytest.mark.parametrize(
        ("says", "remedy"),
        [("database or disk is full", "Free some space"), ("something new", "Nothing was changed.")],
    )
    def test_of_trouble_that_cannot_be_made_here(self, engine, says, remedy):
        @sa.event.listens_for(engine, "do_execute")
        def fail(cursor, statement, parameters, context):
            if statement == "SELECT 1":
                raise sqlite3.OperationalError(says)

        with pytest.raises(DatabaseError, match=rf"{says}. {remedy}"), transaction(engine, write=False) as connection:
            connection.exec_driver_sql("SELECT 1")


class TestInsertMany:
    """Rows are inserted by one statement, with the values that an insert of each would store."""

    ROWS = (
        {"id": 1, "j": "1.50", "at": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))},
        {"id": 2, "j": "null", "at": None},
        {"id": 3, "j": '"☃"', "at": datetime(2026, 1, 2, 2, 0, 0, 1, tzinfo=UTC)},
    )

    def raw(self, engine):
        with engine.connect() as connection:
            return list(map(tuple, connection.exec_driver_sql("SELECT id, j, at FROM t ORDER BY id")))

    def test_stores_what_single_inserts_store(self, engine):
        with transaction(engine, write=True) as connection:
            for row in self.ROWS:
                connection.execute(TABLE.insert(), row)
        singly = self.raw(engine)
        with transaction(engine, write=True) as connection:
            connection.execute(TABLE.delete())

        with transaction(engine, write=True) as connection:
            dialect.insert_many(connection, TABLE, self.ROWS)

        assert self.raw(engine) == singly

    def test_takes_columns_in_any_order(self, engine):
        with transaction(engine, write=True) as connection:
            dialect.insert_many(connection, TABLE, [dict(reversed(row.items())) for row in self.ROWS])

        assert [row[:2] for row in self.raw(engine)] == [(1, "1.50"), (2, "null"), (3, '"☃"')]


class TestAnEngine:
    def test_that_is_given_is_the_one_used(self):
        engine = sa.create_engine("sqlite://")

        assert make_engine(engine) is engine

    def test_of_a_url_with_two_slashes_is_not_made(self):
        with pytest.raises(InvalidValueError, match=r"'sqlite://lab.db' cannot be used. Write three slashes"):
            make_engine("sqlite://lab.db")

    @pytest.mark.parametrize("url", ["", "lab.db", "/tmp/lab.db", "sqlite", 7, b"sqlite://"], ids=repr)
    def test_is_not_made_of_what_is_no_url(self, url):
        with pytest.raises(InvalidValueError, match=r"Write one like sqlite:///lab.db|only one"):
            make_engine(url)

    def test_uses_the_connection_that_told_which_database_it_is(self, tmp_path):
        made = []

        def creator():
            made.append(sqlite3.connect(tmp_path / "lab.db"))
            return made[-1]

        engine = engine_from_creator(creator)
        with engine.connect():
            pass

        assert len(made) == 1
        engine.dispose()

    def test_closes_a_connection_to_a_database_that_it_does_not_know(self, monkeypatch):
        closed = []

        class Connection:
            __module__ = "psycopg2.extensions"

            def close(self):
                closed.append(self)

        with pytest.raises(InvalidValueError, match=r"docstore stores documents in SQLite, PostgreSQL"):
            engine_from_creator(Connection)

        assert len(closed) == 1

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
    def test_of_a_database_in_memory_has_one_connection(self, url):
        engine = engine_from_url(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE t (a)")

        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
        assert engine.pool.size() == 1
        engine.dispose()

    def test_leaves_the_journal_of_a_file_that_is_set_up_already_alone(self, tmp_path):
        first = engine_from_url(f"sqlite:///{tmp_path}/lab.db")
        with transaction(first, write=True):
            second = engine_from_url(f"sqlite:///{tmp_path}/lab.db")

            with second.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            second.dispose()
        first.dispose()
