"""What differs between databases: column types, engines, transactions and the drivers' errors."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import psycopg2
import pymysql
import pytest
import sqlalchemy as sa
from backends import REMOTES
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.dialects.mysql import mariadb

import docstore
from docstore.errors import ConnectionLostError, DatabaseError, InvalidValueError, RaceLostError, StoreError
from docstore.sql import tables
from docstore.sql.dialects import (
    ExactText,
    JsonText,
    LongText,
    UtcTime,
    backend_of,
    make_engine,
    transaction,
)
from docstore.sql.dialects.engines import engine_from_creator, engine_from_url
from docstore.sql.dialects.mariadb import MariaDB
from docstore.sql.dialects.postgresql import PostgreSQL
from docstore.testing.experiments import new_experiment

METADATA = sa.MetaData()
TABLE = sa.Table(
    "t",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("j", JsonText),
    sa.Column("at", UtcTime),
)
TEXTS = sa.Table("texts", METADATA, sa.Column("name", ExactText(20), primary_key=True), sa.Column("long", LongText))

on_each_server = pytest.mark.parametrize("backend", list(REMOTES))


@pytest.fixture
def database(empty_database):
    """The tables are of the tests."""
    return empty_database


@pytest.fixture
def engine(database):
    engine = make_engine(database)
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


def with_option(url, name, value):
    """The URL with one more option, or one that has more in it."""
    url = sa.make_url(url)
    return url.update_query_dict({name: f"{url.query.get(name, '')} {value}".strip()})


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
        "text",
        [
            "null",
            '"é☃🍰\\"\\\\\\n\\u0001 ?%s:x"',
            "-9223372036854775808",
            "0.1",
            "1.0",
            "5e-324",
            "1e-7",
            "9999999999999998.0",
            '{"":[],"a":[1,true,{"b":null}],"aa":{},"b":"1.50"}',
        ],
    )
    def test_comes_back_as_the_text_that_it_was(self, engine, text):
        assert kept(engine, j=text).j == text

    @pytest.mark.parametrize("backend", ["sqlite", "mariadb"])
    @pytest.mark.parametrize(
        "text", ["1.50", "1e300", '{"b":1,"a":[ 1 ]}', '"\\u00e9"', "12345678901234567890", "[" * 200 + "]" * 200]
    )
    def test_comes_back_so_in_any_spelling_where_the_database_keeps_text(self, engine, text):
        assert kept(engine, j=text).j == text

    @pytest.mark.parametrize("backend", ["postgresql"])
    @pytest.mark.parametrize(
        ("text", "canonical"),
        [("1.50", "1.5"), ('{"b":1,  "aa":2, "a":[ 1 ]}', '{"a":[1],"aa":2,"b":1}'), ('"\\u00e9"', '"é"')],
    )
    def test_comes_back_in_the_canonical_spelling_where_it_keeps_values(self, engine, text, canonical):
        assert kept(engine, j=text).j == canonical

    @pytest.mark.parametrize(
        ("to", "column"),
        [
            (sqlite.dialect(), "TEXT"),
            (postgresql.dialect(), "JSONB"),
            (mysql.dialect(), "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"),
            (mariadb.MariaDBDialect(), "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"),
        ],
        ids=["sqlite", "postgresql", "mysql", "mariadb"],
    )
    def test_is_a_column_of(self, to, column):
        assert JsonText().compile(dialect=to) == column

    def test_is_read_as_text_where_the_database_has_a_type_of_its_own(self):
        query = str(sa.select(tables.documents.c.body).compile(dialect=postgresql.dialect()))

        assert "CAST(documents.body AS TEXT)" in query


ALIKE = [
    "a",
    "A",
    "a ",
    "a\t",
    " a",
    "á",
    "a\u0301",
    "ß",
    "ss",
    "SS",
    "",
    "K",
    "\u212a",
    "z",
    "Z",
    "~",
    "\uff5e",
    "🍰",
    "\uff11",
    "1",
]
"""Texts that some collation takes for equal, or sorts otherwise than by code points."""


class TestExactText:
    """Names differ wherever a person could see a difference, or could not."""

    @pytest.fixture
    def same_json(self, engine):
        with transaction(engine, write=True) as connection:
            connection.execute(TEXTS.insert(), [{"name": text, "long": text} for text in ALIKE])
        return engine

    @pytest.mark.parametrize("column", ["name", "long"])
    @pytest.mark.parametrize("text", ALIKE, ids=ascii)
    def test_equals_only_itself(self, same_json, column, text):
        query = sa.select(TEXTS.c.name).where(TEXTS.c[column] == text)

        with same_json.connect() as connection:
            assert list(connection.execute(query).scalars()) == [text]

    def test_is_sorted_by_code_points(self, same_json):
        with same_json.connect() as connection:
            found = list(connection.execute(sa.select(TEXTS.c.name).order_by(TEXTS.c.name)).scalars())

        assert found == sorted(ALIKE)

    def test_of_any_length_is_kept_whole(self, engine):
        text = "🍰é" * 100_000
        with transaction(engine, write=True) as connection:
            connection.execute(TEXTS.insert(), {"name": "n", "long": text})

        with engine.connect() as connection:
            assert connection.execute(sa.select(TEXTS.c.long)).scalar_one() == text

    @on_each_server
    @pytest.mark.parametrize("made_by", ["url", "creator"])
    def test_that_is_too_long_is_refused_and_not_cut(self, engine, database, backend, made_by):
        lax = sa.make_url(database)
        if backend == "mariadb":
            lax = with_option(database, "init_command", "SET SESSION sql_mode = ''")
        if made_by == "creator":
            plain = sa.create_engine(lax)
            arguments, options = plain.dialect.create_connect_args(lax)
            strict = engine_from_creator(lambda: plain.dialect.connect(*arguments, **options))
        else:
            strict = engine_from_url(lax)

        too_long = pytest.raises(DatabaseError, match=r"(?i)too long.* Nothing was changed\.$")
        with too_long, transaction(strict, write=True) as connection:
            connection.execute(TEXTS.insert(), {"name": "x" * 21})

        with engine.connect() as connection:
            assert connection.execute(sa.select(TEXTS)).all() == []
        strict.dispose()


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

    @on_each_server
    def test_is_the_same_wherever_the_server_thinks_it_is(self, engine, database, backend):
        option, value = {
            "postgresql": ("options", "-ctimezone=America/New_York"),
            "mariadb": ("init_command", "SET SESSION time_zone = '-05:00'"),
        }[backend]
        elsewhere = make_engine(with_option(database, option, value))
        moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

        assert kept(elsewhere, at=moment).at == moment
        with engine.connect() as connection:
            assert connection.execute(sa.select(TABLE.c.at)).scalar_one() == moment
        elsewhere.dispose()

    # PostgreSQL has no such times.
    @pytest.mark.parametrize(("backend", "time"), [("sqlite", "noon"), ("mariadb", "0000-00-00")])
    def test_that_is_none_in_the_database_is_an_error(self, engine, backend, time):
        with engine.connect() as connection:
            if backend == "mariadb":
                connection.exec_driver_sql("SET SESSION sql_mode = ''")
            connection.exec_driver_sql(f"INSERT INTO t (at) VALUES ('{time}')")
            connection.commit()

        with (
            pytest.raises(
                DatabaseError, match=rf"the time '{time}.*' in the database is invalid\. verify\(\) says where"
            ),
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

    @on_each_server
    def test_that_writes_sees_what_others_committed(self, engine):
        count = sa.select(sa.func.count()).select_from(TABLE)
        with transaction(engine, write=True) as writer:
            assert writer.execute(count).scalar() == 0
            kept(engine, j="1")

            assert writer.execute(count).scalar() == 1

    @pytest.mark.parametrize(
        ("backend", "statements"),
        [
            ("sqlite", ["BEGIN IMMEDIATE", "BEGIN DEFERRED"]),
            (
                "mariadb",
                [
                    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                    "START TRANSACTION",
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                    "START TRANSACTION READ ONLY",
                ],
            ),
            # The driver says it with the BEGIN; how long a lock is waited for, holds for the transaction.
            (
                "postgresql",
                ["SELECT set_config('lock_timeout', '30s', true) WHERE current_setting('lock_timeout') = '0'"],
            ),
        ],
    )
    def test_begins_as_a_writer_or_as_a_reader(self, engine, statements):
        begun = []
        sa.event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, *rest: begun.append(statement))

        with transaction(engine, write=True):
            pass
        with transaction(engine, write=False):
            pass

        assert begun == statements

    @pytest.mark.parametrize("backend", ["postgresql"])
    @pytest.mark.parametrize(("write", "level"), [(True, "read committed"), (False, "repeatable read")])
    def test_is_isolated_as_that_on_postgresql(self, engine, write, level):
        with transaction(engine, write=write) as connection:
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == level

    def test_leaves_the_connection_as_it_was(self, engine):
        """A reader's is one that can be written on."""
        with transaction(engine, write=False) as connection:
            used = connection.connection.driver_connection

        with engine.connect() as connection:
            assert connection.connection.driver_connection is used
            connection.execute(TABLE.insert(), {"j": "1"})
            connection.commit()
        assert count(engine) == 1

    def test_that_lost_a_race_says_so(self, engine):
        lost = pytest.raises(RaceLostError, match=r" Another writer was first\. Nothing was changed\.$")
        with lost as caught, transaction(engine, write=True) as connection:
            connection.execute(TABLE.insert(), [{"id": 1}, {"id": 1}])

        assert isinstance(caught.value.__cause__, sa.exc.IntegrityError)
        assert count(engine) == 0


OF_MARIADB = [
    (1213, r"Another writer was first"),
    (1020, r"Another writer was first"),
    (1205, r"Another transaction held it; try again\. Nothing was changed\.$"),
    (3572, r"Another transaction held it; try again\. Nothing was changed\.$"),
    (1050, r"Another writer was first"),
    (1060, r"Another writer was first"),
    (1061, r"Another writer was first"),
    (1047, r"This node of Galera is not in its cluster: connect to another one, or try again"),
    (1130, r"An administrator can let this user in from here"),
    (1053, r"Is the server running\?"),
    (1152, r"Is the server running\?"),
    (1158, r"Is the server running\?"),
    (1159, r"Is the server running\?"),
    (1160, r"Is the server running\?"),
    (1161, r"Is the server running\?"),
    (1184, r"Is the server running\?"),
    (1927, r"Is the server running\?"),
    (1142, r"An administrator can GRANT it"),
    (1227, r"An administrator can GRANT it"),
    (1133, r"There is no such user: CREATE USER first"),
    (1040, r"close some, or raise its limit"),
    (1203, r"close some, or raise its limit"),
    (1290, r"may only be read: save to the primary"),
    (1836, r"may only be read: save to the primary"),
    (1021, r"Free some space on the server's disk and save again\. Nothing was changed\.$"),
    (1114, r"Free some space on the server's disk and save again\. Nothing was changed\.$"),
    (1153, r"Raise the server's max_allowed_packet\. Nothing was changed\.$"),
    (1366, r"charset has to be utf8mb4"),
    (1969, r"took longer than the server's max_statement_time"),
    (1644, r"as a test says\W*\. Nothing was changed"),
]

OF_POSTGRESQL = [
    ("40001", r"Another writer was first"),
    ("40P01", r"Another writer was first"),
    ("55P03", r"Another transaction held it; try again\. Nothing was changed\.$"),
    ("57P01", r"Is the server running\?"),
    ("57P02", r"Is the server running\?"),
    ("57P04", r"Is the server running\?"),
    ("57P05", r"Is the server running\?"),
    ("25P03", r"Is the server running\?"),
    ("25P04", r"Is the server running\?"),
    ("08000", r"Is the server running\?"),
    ("08006", r"Is the server running\?"),
    ("08P01", r"Is the server running\?"),
    ("08004", r"close some, or raise its limit"),
    ("57P03", r"starting or stopping: try again"),
    ("42501", r"An administrator can GRANT it"),
    ("42704", r"A user is made by: CREATE ROLE"),
    ("42P01", r"Call create_all_tables\(engine\)"),
    ("42P07", r"give docstore a schema of its own, connect\(url, schema=\.\.\.\)"),
    ("3F000", r"Name one that there is, and that you may use"),
    ("53300", r"close some, or raise its limit"),
    ("25006", r"may only be read: save to the primary"),
    ("53100", r"Free some space on the server's disk and save again\. Nothing was changed\.$"),
    ("53200", r"The server is out of memory\. Nothing was changed\.$"),
    ("54000", r"larger than JSONB takes"),
    ("57014", r"took longer than the server's statement_timeout"),
    ("22P05", r"encoding has to be UTF8"),
    ("P0001", r"as a test says\. Nothing was changed"),
]


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
        engine = engine_from_url(f"sqlite:///file:{tmp_path}/lab.db?immutable=1&uri=true")

        readonly = pytest.raises(DatabaseError, match=r"readonly database. Nothing can be saved here")
        with readonly, transaction(engine, write=True) as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        engine.dispose()

    @pytest.mark.parametrize("backend", ["sqlite"])
    @pytest.mark.parametrize(
        ("says", "remedy"),
        [("database or disk is full", r"Free some space and save again\. Nothing"), ("something new", "Nothing")],
    )
    def test_of_trouble_that_cannot_be_made_here(self, engine, says, remedy):
        @sa.event.listens_for(engine, "do_execute")
        def fail(cursor, statement, parameters, context):
            if statement == "SELECT 1":
                raise sqlite3.OperationalError(says)

        told = pytest.raises(DatabaseError, match=rf"{says}\. {remedy} was changed\.$")
        with told, transaction(engine, write=True) as connection:
            connection.exec_driver_sql("SELECT 1")

    @pytest.mark.parametrize("says", ["starting up", "shutting down", "in recovery mode", "not accepting connections"])
    def test_of_a_postgresql_that_restarts(self, says):
        engine = make_engine("postgresql+psycopg2://ada@localhost/lab")

        @sa.event.listens_for(engine, "do_connect")
        def refuse(*arguments):
            raise engine.dialect.dbapi.OperationalError(f"FATAL:  the database system is {says}")

        told = pytest.raises(DatabaseError, match=r"The server is starting or stopping: try again in a moment\.")
        with told, transaction(engine, write=False):
            pass

    @pytest.mark.parametrize(("code", "remedy"), OF_MARIADB)
    def test_by_a_number_of_mariadb(self, mariadb_engine, code, remedy):
        told = pytest.raises(StoreError, match=remedy)
        with told as caught, transaction(mariadb_engine, write=True) as connection:
            connection.exec_driver_sql(
                f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'as a test says'"
            )

        assert isinstance(caught.value.__cause__, sa.exc.DBAPIError)

    @pytest.mark.parametrize(("code", "remedy"), OF_POSTGRESQL)
    def test_by_a_state_of_postgresql(self, postgresql_engine, code, remedy):
        told = pytest.raises(StoreError, match=remedy)
        with told as caught, transaction(postgresql_engine, write=True) as connection:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'as a test says' USING ERRCODE = '{code}'; END $$")

        assert isinstance(caught.value.__cause__, sa.exc.DBAPIError)

    def test_never_shows_what_stands_in_the_statement(self, postgresql_engine):
        """PostgreSQL shows the line that it stumbled at: of a document, maybe."""
        secret = pytest.raises(DatabaseError, match=r"Nothing was changed\.$")
        with secret as caught, transaction(postgresql_engine, write=True) as connection:
            connection.exec_driver_sql("SELECT nothing_like_it, 'the recipe'")

        assert "the recipe" not in str(caught.value)


AT = 'connection to server at "10.0.0.1", port 5432 failed: '

LOST_ON_POSTGRESQL = [
    "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally",
    "could not receive data from server: Connection timed out",
    "could not send data to server: Broken pipe",
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error: EOF detected",
    "SSL SYSCALL error: Connection reset by peer",
    "SSL error: decryption failed or bad record mac",
    "SSL error: unexpected eof while reading",
    "FATAL:  terminating connection due to administrator command",
    'lost synchronization with server: got message type "S", length 1397703764',
    "connection not open",
    "no connection to the server",
    "error with status PGRES_TUPLES_OK and no message from the libpq",
]
"""What libpq, psycopg2 and the system say without a code."""

LOST_ON_MARIADB = [
    (0, ""),
    (2006, "MySQL server has gone away (BrokenPipeError(32, 'Broken pipe'))"),
    (2013, "Lost connection to MySQL server during query"),
    (2013, "Lost connection to MySQL server during query (timed out)"),
    (2014, "Command Out of Sync"),
    (2027, "Malformed packet"),
    (2055, "Lost connection to MySQL server at 'reading authorization packet', system error: 104"),
    ("Packet sequence number wrong - got 1 expected 2",),
]
"""What PyMySQL and MySQL's own library say."""


class TestALostConnection:
    """Is known as that whenever it is lost, also at the login: there SQLAlchemy does not know it."""

    @pytest.mark.parametrize("before", ["", AT], ids=["later", "at the login"])
    @pytest.mark.parametrize("said", LOST_ON_POSTGRESQL)
    def test_is_known_by_all_that_the_driver_says_of_it_on_postgresql(self, said, before):
        error = sa.exc.OperationalError(None, None, psycopg2.OperationalError(before + said))

        assert PostgreSQL().meaning(error).error is ConnectionLostError

    @pytest.mark.parametrize("said", LOST_ON_MARIADB, ids=str)
    def test_is_known_by_all_that_the_driver_says_of_it_on_mariadb(self, said):
        error = sa.exc.OperationalError(None, None, pymysql.err.OperationalError(*said))

        assert MariaDB().meaning(error).error is ConnectionLostError

    @pytest.mark.parametrize(
        "said",
        [
            'FATAL:  password authentication failed for user "ada"',
            "SSL error: certificate verify failed",
            'could not translate host name "nohost" to address: Name or service not known',
            "server does not support SSL, but SSL was required",
        ],
    )
    def test_is_not_what_was_never_made(self, said):
        error = sa.exc.OperationalError(None, None, psycopg2.OperationalError(AT + said))

        assert PostgreSQL().meaning(error).error is DatabaseError


@pytest.fixture
def mariadb_engine(mariadb):
    engine = make_engine(mariadb)
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_engine(postgresql):
    engine = make_engine(postgresql)
    yield engine
    engine.dispose()


class TestInsertMany:
    """Rows are inserted by few statements, with the values that an insert of each would store."""

    ROWS = (
        {"id": 1, "j": "1.5", "at": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))},
        {"id": 2, "j": "null", "at": None},
        {"id": 3, "j": '"☃"', "at": datetime(2026, 1, 2, 2, 0, 0, 1, tzinfo=UTC)},
    )

    def raw(self, engine):
        """The rows as the database spells them."""
        json, at = sa.cast(sa.type_coerce(TABLE.c.j, sa.Text), sa.String(99)), sa.cast(TABLE.c.at, sa.String(99))
        with engine.connect() as connection:
            return connection.execute(sa.select(TABLE.c.id, json, at).order_by(TABLE.c.id)).all()

    def test_stores_what_single_inserts_store(self, engine):
        with transaction(engine, write=True) as connection:
            for row in self.ROWS:
                connection.execute(TABLE.insert(), row)
        singly = self.raw(engine)
        with transaction(engine, write=True) as connection:
            connection.execute(TABLE.delete())

        with transaction(engine, write=True) as connection:
            backend_of(connection).insert_many(connection, TABLE, self.ROWS)

        assert self.raw(engine) == singly
        assert len(singly) == 3

    def test_stores_many_rows_with_every_character(self, engine):
        """On PostgreSQL by COPY, in whose text tabs, line ends and backslashes have a meaning."""
        texts = ["\t", "\n", "\r\n", "\\", "\\N", "\\.", "\\t", "☃", "\x85\u2028", ""]
        rows = [{"name": f"{number:03}", "long": texts[number % len(texts)]} for number in range(100)]

        with transaction(engine, write=True) as connection:
            backend_of(connection).insert_many(connection, TEXTS, rows)

        with engine.connect() as connection:
            assert [row._asdict() for row in connection.execute(sa.select(TEXTS).order_by(TEXTS.c.name))] == rows

    @pytest.mark.parametrize("backend", ["postgresql"])
    def test_stores_many_rows_one_of_which_is_a_batch_by_itself(self, engine):
        rows = [{"name": f"{number:02}", "long": "x" * (8 << 20 if number == 0 else 1)} for number in range(60)]

        with transaction(engine, write=True) as connection:
            backend_of(connection).insert_many(connection, TEXTS, rows)

        with engine.connect() as connection:
            assert connection.execute(sa.select(sa.func.length(TEXTS.c.long))).scalars().all() == [8 << 20, *[1] * 59]

    def test_stores_the_times_and_the_nulls_of_many_rows(self, engine):
        more = [{"id": number, "j": None, "at": self.ROWS[0]["at"]} for number in range(10, 110)]

        with transaction(engine, write=True) as connection:
            backend_of(connection).insert_many(connection, TABLE, [*self.ROWS, *more])

        with engine.connect() as connection:
            found = [row._asdict() for row in connection.execute(sa.select(TABLE).order_by(TABLE.c.id))]
        assert found == [*self.ROWS, *more]

    def test_takes_columns_in_any_order(self, engine):
        with transaction(engine, write=True) as connection:
            backend_of(connection).insert_many(connection, TABLE, [dict(reversed(row.items())) for row in self.ROWS])

        assert [row[:2] for row in self.raw(engine)] == [(1, "1.5"), (2, "null"), (3, '"☃"')]

    def inserted(self, engine, backend, rows):
        """How many statements insert the rows."""
        executed = []
        sa.event.listen(engine, "before_cursor_execute", lambda c, cursor, statement, *rest: executed.append(statement))
        # What PyMySQL makes of one call, the server counts.
        counted = "SHOW SESSION STATUS LIKE 'Com_insert'"
        with transaction(engine, write=True) as connection:
            before = connection.exec_driver_sql(counted).one()[1] if backend == "mariadb" else 0
            backend_of(connection).insert_many(connection, TABLE, rows)
            after = connection.exec_driver_sql(counted).one()[1] if backend == "mariadb" else 0
        assert count(engine) == len(rows)
        if backend == "mariadb":
            return int(after) - int(before)
        return len([statement for statement in executed if statement.startswith(("INSERT", "COPY"))])

    @pytest.mark.parametrize(("backend", "statements"), [("sqlite", 1), ("mariadb", 1), ("postgresql", 1)])
    def test_of_many_rows_takes_few_statements(self, engine, backend, statements):
        rows = [{"id": number, "j": "1", "at": None} for number in range(1, 2501)]

        assert self.inserted(engine, backend, rows) == statements

    @pytest.mark.parametrize(("backend", "statements"), [("mariadb", 5), ("postgresql", 3)])
    def test_of_large_rows_never_makes_a_statement_too_large_for_the_server(self, engine, backend, statements):
        """MariaDB takes 16 MiB in one, PostgreSQL a gigabyte: of ours, each has 8 at most, or one row."""
        rows = [{"id": number, "j": f'"{"x" * 4_000_000}"', "at": None} for number in range(1, 6)]

        assert self.inserted(engine, backend, rows) == statements


class TestAPooledConnectionToMariaDB:
    def test_is_rolled_back_when_it_is_returned_in_a_transaction(self, mariadb_engine):
        """PyMySQL does not learn from the rows of a SELECT that a transaction began."""
        raw = mariadb_engine.raw_connection()
        cursor = raw.cursor()
        cursor.execute("CREATE TABLE read_by_hand (number INTEGER) ENGINE = InnoDB")
        cursor.execute("SELECT * FROM read_by_hand")
        cursor.fetchall()
        raw.close()

        with transaction(mariadb_engine, write=True) as connection:
            connection.exec_driver_sql("INSERT INTO read_by_hand VALUES (1)")

    @pytest.mark.parametrize("write", [True, False])
    def test_is_not_rolled_back_after_a_commit(self, mariadb_engine, write):
        found = []
        for _ in range(2):
            with transaction(mariadb_engine, write=write) as connection:
                found.append(connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Com_rollback'").one())

        assert found[0] == found[1]

    def test_is_rolled_back_by_who_uses_it_after_a_commit(self, mariadb_engine):
        with transaction(mariadb_engine, write=True) as connection:
            connection.exec_driver_sql("CREATE TABLE written_by_hand (number INTEGER) ENGINE = InnoDB")
        raw = mariadb_engine.raw_connection()
        raw.cursor().execute("INSERT INTO written_by_hand VALUES (1)")
        raw.close()

        with transaction(mariadb_engine, write=False) as connection:
            assert connection.exec_driver_sql("SELECT COUNT(*) FROM written_by_hand").scalar_one() == 0


class TestAPooledConnectionToPostgreSQL:
    def test_is_tested_by_one_statement(self, postgresql_engine):
        """psycopg2 would set the isolation level of the session after it."""
        with transaction(postgresql_engine, write=True):
            pass

        with postgresql_engine.connect() as connection, postgresql_engine.connect() as other:
            pid = connection.connection.driver_connection.info.backend_pid
            query = "SELECT query FROM pg_stat_activity WHERE pid = %(pid)s"
            assert other.exec_driver_sql(query, {"pid": pid}).scalar() == "SELECT 1"


class TestAnEngine:
    def test_that_is_given_is_the_one_used(self):
        engine = sa.create_engine("sqlite://")

        assert make_engine(engine) is engine

    def test_of_a_url_with_two_slashes_is_not_made(self):
        with pytest.raises(InvalidValueError, match=r"'sqlite://lab.db' cannot be used. Write three slashes"):
            make_engine("sqlite://lab.db")

    @pytest.mark.parametrize(
        "url",
        ["", "lab", "sqlite", "postgres:/ada@host/lab.db", "ada:pw@host/lab.db", "lab.db?mode=ro", 7, b"lab.db"],
        ids=repr,
    )
    def test_is_not_made_of_what_is_no_url(self, url):
        with pytest.raises(InvalidValueError, match=r"Write one like sqlite:///lab.db|only one"):
            make_engine(url)

    @pytest.mark.parametrize("name", ["lab.db", "lab.sqlite", "lab.sqlite3", "100% mine.db"])
    def test_may_be_made_of_a_file_name(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)

        engine = make_engine(name)

        assert (engine.dialect.name, engine.url.database) == ("sqlite", name)

    def test_may_be_made_of_the_path_of_a_sqlite_file_of_any_name(self, tmp_path):
        path = tmp_path / "lab.data"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t (a)")

        assert make_engine(str(path)).url.database == str(path)

    def test_is_not_made_of_the_path_of_another_file(self, tmp_path):
        path = tmp_path / "lab.txt"
        path.write_text("Dear diary, ...")

        with pytest.raises(InvalidValueError, match=r"ends in \.db or \.sqlite or \.sqlite3, or is a pathlib\.Path"):
            make_engine(str(path))

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

    def test_closes_a_connection_to_a_database_that_it_does_not_know(self):
        closed = []

        class Connection:
            __module__ = "oracledb.connection"

            def close(self):
                closed.append(self)

        with pytest.raises(InvalidValueError, match=r"return a connection of psycopg, psycopg2, pymysql, sqlite3\.$"):
            engine_from_creator(Connection)

        assert len(closed) == 1

    def test_lets_an_error_that_is_the_creators_own_be(self):
        def creator():
            raise LookupError("no entry in my vault")

        with pytest.raises(LookupError, match="no entry in my vault"):
            engine_from_creator(creator)

    @pytest.mark.parametrize(
        ("url", "schema", "remedy"),
        [
            ("sqlite://", "lab", r"SQLite has none: name the database in the URL"),
            ("mysql://host/lab", "lab", r"MariaDB has none: name the database in the URL"),
            ("postgresql://host/lab", "", r"Give a name of 1 to 63 bytes"),
            ("postgresql://host/lab", "é" * 32, r"Give a name of 1 to 63 bytes"),
            ("postgresql://host/lab", "a\0b", r"Give a name of 1 to 63 bytes"),
        ],
    )
    def test_has_no_schema_that_the_database_would_not_take(self, url, schema, remedy):
        with pytest.raises(InvalidValueError, match=remedy):
            make_engine(url, schema=schema)

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


class TestAServerOfMySQL:
    def test_is_refused_by_a_url_that_says_mariadb_too(self):
        """SQLAlchemy itself refuses it when it connects."""

        class Connection:
            def execute(self, statement, parameters=()): ...

            def fetchone(self):
                return ("8.0.36",)

            def cursor(self):
                return self

            def character_set_name(self):
                return "utf8mb4"

            def rollback(self): ...

            close = rollback

        engine = sa.create_engine("mariadb+pymysql://host/lab", creator=Connection)

        with pytest.raises(
            DatabaseError, match=r"^mariadb\+pymysql://host/lab: the server is MySQL 8\.0\.36, on which"
        ):
            docstore.connect(engine)


class TestAWriterWhoWaits:
    """On a server, for another writer of the same document; a stopped process would hold its lock forever."""

    @pytest.mark.parametrize(("options", "patience"), [("", "30s"), (" -clock_timeout=7s", "7s")])
    def test_has_the_patience_that_is_set_or_else_half_a_minute_on_postgresql(self, postgresql, options, patience):
        url = sa.make_url(postgresql)
        url = url.update_query_dict({"options": url.query["options"] + options})
        engine = make_engine(url)

        with transaction(engine, write=True) as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == patience
        engine.dispose()

    def test_says_so_to_the_server_for_the_transaction_alone(self, postgresql_engine):
        """In a pool of transactions, the next transaction of the session may be another program's."""
        with transaction(postgresql_engine, write=True):
            pass

        with postgresql_engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"


class TestAReadyEngine:
    """Is used as it is set up; but not if that would lose characters."""

    @pytest.mark.parametrize(
        ("backend", "options", "said"),
        [
            ("postgresql", {"client_encoding": "latin1"}, r"encoding LATIN1, .* Set client_encoding to utf8"),
            ("mariadb", {"charset": "utf8mb3"}, r"charset utf8mb3, .* Set charset=utf8mb4"),
            (
                "mariadb",
                {"init_command": "SET sql_mode = ''"},
                r"sql_mode '' lets .* cut off .*STRICT_ALL_TABLES",
            ),
        ],
        indirect=["backend"],
    )
    def test_is_refused_before_anything_is_lost(self, database, options, said):
        engine = sa.create_engine(database, connect_args=options)

        with pytest.raises(DatabaseError, match=said):
            docstore.connect(engine)

        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()

    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_of_mysql_is_refused(self, database):
        engine = sa.create_engine(database)

        @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
        def answer_as_mysql(connection, cursor, statement, parameters, context, executemany):
            return statement.replace("@@version", "'8.0.36'"), parameters

        with pytest.raises(DatabaseError, match=r"MySQL 8\.0\.36.* Use MariaDB 10\.6 or later"):
            docstore.connect(engine)

        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()

    @pytest.mark.parametrize(
        ("backend", "options"),
        [("postgresql", {"client_encoding": "latin1"}), ("mariadb", {"charset": "utf8mb3"})],
        indirect=["backend"],
    )
    def test_of_a_url_is_set_up_so_that_nothing_is(self, database, options, connect):
        store = connect(sa.make_url(database).update_query_dict(options))

        store.put("note", "n", "\U0001f370")

        assert connect(database).get("n", kind="note") == "\U0001f370"

    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_that_cannot_say_a_character_is_told_what_to_set(self, store, database):
        """Of one that was not looked at: ``docstore.connect`` would have refused it."""
        engine = sa.create_engine(database, connect_args={"charset": "latin1"})

        with pytest.raises(DatabaseError, match=r"lacks a character\. .* utf8mb4\. Nothing was changed\.$"):
            docstore.Store(engine).put("note", "n", "\u2603")

        assert store.find() == []
        engine.dispose()


class TestManyUpdates:
    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_go_to_the_server_in_statements_of_a_bounded_length(self, store):
        experiment = new_experiment(trials=20)
        for trial in experiment.trials.values():
            trial.run_metadata["log"] = "a" * (1 << 20)
        store.save(experiment)
        for trial in experiment.trials.values():
            trial.run_metadata["more"] = "b"
        lengths = []

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, context, executemany):
            if statement.startswith("UPDATE documents") and executemany:
                lengths.append(sum(len(row["body"]) for row in parameters))

        assert store.save(experiment).number == 2

        assert len(lengths) > 1
        assert max(lengths) <= 9 << 20


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        # A slash may be the password's own.
        ("mysql://root:s3cret/db", "mysql://root:***"),
        ("postgresql://lab:s3cret", "postgresql://lab:***"),
        ("postgresql://lab:s3:cret?x=1", "postgresql://lab:***"),
        ("postgresql://host:x5432/db", "postgresql://host:***"),
        ("foo://host:5432/db", "foo://host:5432/db"),
    ],
)
def test_a_password_without_its_host_is_not_shown(url, shown):
    with pytest.raises(InvalidValueError) as caught:
        make_engine(url)

    assert f"'{shown}'" in str(caught.value)
