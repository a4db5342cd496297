"""A database that cannot be opened: what is said of it, what to do, and that no password is told."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import struct
import sys
import threading
from functools import partial

import pytest
import sqlalchemy as sa
from administration import administrator, new_user
from backends import REMOTES
from told import everything_told, spellings

import docstore
from docstore.errors import ConnectionLostError, DatabaseError, DocstoreError, InvalidValueError, MissingDependencyError
from docstore.sql.dialects import backend_of, make_engine, transaction

on_each_server = pytest.mark.parametrize("backend", list(REMOTES))

SECRETS = ["hunter2-Zebra", "p@ss/w:rd%?#&'\"x"]
"""Passwords; one of them has what URLs escape."""


@pytest.fixture
def url(empty_database):
    """The URL of an empty database, to be changed: with a driver, so that each scheme can be tried."""
    return sa.make_url(empty_database)


def text_of(url):
    return url.render_as_string(hide_password=False)


@pytest.fixture
def login():
    """Makes users: ``login(url, password, ...)`` gives the URL of one; they are gone when the test ends."""
    with contextlib.ExitStack() as users:
        yield lambda *arguments, **options: users.enter_context(new_user(*arguments, **options))


def creator_of(url):
    """A function that connects by the driver itself, as ``creator=`` takes it."""
    engine = sa.create_engine(url)
    arguments, options = engine.dialect.create_connect_args(engine.url)
    return lambda: engine.dialect.connect(*arguments, **options)


@pytest.fixture
def deaf_port():
    """A port at which nothing listens, and nothing else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port at which connections are taken, and never answered."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


WRONG = {
    "password": lambda url, secret: url.set(password=secret),
    "user": lambda url, secret: url.set(username="nobody-of-that-name", password=secret),
    "database": lambda url, secret: url.set(database="no_such_database"),
    "host": lambda url, secret: url.set(host="nohost.invalid", password=secret),
}
"""What may be wrong in a URL that is well formed: from the right one and a password."""

REMEDIES = {
    "password": r"Check the user and the password in the URL\.$",
    "user": r"Check the user and the password in the URL\.$",
    "database": r"no_such_database.* Make it, as with: (createdb|CREATE DATABASE) NAME, or name another in the URL\.$",
    "host": r"nohost\.invalid.* Check the (name of the )?host",
}


class TestAServerThatNeverSpeaks:
    """It takes the connection, and that is all."""

    # psycopg2 has no read_timeout, and waits for two seconds at least.
    @pytest.mark.parametrize(
        ("backend", "option", "seconds"),
        [("postgresql", "connect_timeout", "2"), ("mariadb", "connect_timeout", "1"), ("mariadb", "read_timeout", "1")],
    )
    def test_is_given_up_after_the_time_that_the_url_gives(self, url, silent_port, option, seconds):
        silent = url.set(port=silent_port).update_query_dict({option: seconds})

        with pytest.raises(DatabaseError, match=r"time(out|d out).* (Nothing answers there|Is the server running)"):
            docstore.connect(text_of(silent))


@on_each_server
class TestAServerThatRefuses:
    """Each is a DatabaseError: where, what the driver says, and what to do. The driver's own error is its cause."""

    @pytest.mark.parametrize("wrong", WRONG)
    def test_is_told_with_what_to_check(self, url, wrong):
        with pytest.raises(DatabaseError, match=REMEDIES[wrong]) as caught:
            docstore.connect(text_of(WRONG[wrong](url, SECRETS[0])))

        assert isinstance(caught.value.__cause__, sa.exc.DBAPIError)

    def test_to_listen_at_that_port_is_told_with_what_to_check(self, url, deaf_port):
        with pytest.raises(DatabaseError, match=r"Connection refused.* Is the server running there"):
            docstore.connect(text_of(url.set(port=deaf_port)))

    @pytest.mark.parametrize("how", ["at once", "by a reset", "in a word"])
    def test_to_go_on_in_the_login_is_told_as_a_lost_connection(self, url, how):
        def hang_up():
            with contextlib.suppress(OSError):  # nobody listens any more
                while True:  # psycopg2 asks three times: with GSSAPI, with TLS and without
                    client = listening.accept()[0]
                    if how == "by a reset":
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if how == "in a word":
                        client.sendall(b"N")
                    client.close()

        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=hang_up)
            thread.start()
            port = listening.getsockname()[1]
            try:
                with pytest.raises(ConnectionLostError, match=r"Is the server running\?"):
                    docstore.connect(text_of(url.set(port=port)))
            finally:
                listening.shutdown(socket.SHUT_RDWR)
                thread.join()

    def test_to_know_an_option_is_told_before_anything_else(self, url):
        with pytest.raises(DocstoreError, match=r"['\"]?colour['\"]?.*[Cc]heck the options (in|of) the URL\.$"):
            docstore.connect(text_of(url.update_query_dict({"colour": "red"})))

    def test_leaves_a_message_of_whole_sentences(self, url, deaf_port):
        with pytest.raises(DatabaseError) as caught:
            docstore.connect(text_of(url.set(port=deaf_port)))

        assert not {"?.", "..", "  "} & {str(caught.value)[at : at + 2] for at in range(len(str(caught.value)))}

    def test_is_told_by_the_seeds_name_too(self, url, monkeypatch):
        from docstore.sqa_store import db

        monkeypatch.setattr(db, "_database", None)
        db.init_engine_and_session_factory(url=text_of(url.set(password=SECRETS[0])))

        with pytest.raises(DatabaseError, match=REMEDIES["password"]):
            db.create_all_tables(db.get_engine())

    def test_is_told_when_a_creator_connects(self, url):
        with pytest.raises(DatabaseError, match=REMEDIES["password"]):
            docstore.connect(creator=creator_of(url.set(password=SECRETS[0])))


LIMITS = {
    "postgresql": {
        "connect_timeout": "30",
        "tcp_user_timeout": "60000",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
    },
    # What is read of a login has the limit of connecting; later, 120 seconds.
    "mariadb": {"connect_timeout": 30, "read_timeout": 30, "write_timeout": 60},
}
"""Seconds, and of tcp_user_timeout milliseconds, as the drivers are told them."""


@on_each_server
class TestAServerThatIsSilent:
    """Is given up after a time, which the URL's own options set."""

    def handed(self, url):
        """What the driver is given, and its connection."""
        engine, given = make_engine(url), {}
        sa.event.listen(engine, "do_connect", lambda dialect, record, arguments, options: given.update(options))
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
        engine.dispose()
        return given, driver

    def test_is_given_up_after_docstores_own_times(self, url, backend):
        given, driver = self.handed(url)

        assert {name: given[name] for name in LIMITS[backend]} == LIMITS[backend]
        if backend == "mariadb":
            assert driver._read_timeout == 120

    def test_is_given_up_after_those_of_the_url(self, url, backend):
        own = {name: str(int(limit) + 1) for name, limit in LIMITS[backend].items()}

        given, driver = self.handed(url.update_query_dict(own))

        assert {name: str(given[name]) for name in own} == own
        if backend == "mariadb":
            assert driver._read_timeout == 31


class TestATimeLimitThatIsNone:
    @pytest.mark.parametrize(
        ("backend", "option", "limit"),
        [
            ("postgresql", "keepalives_idle", "soon"),
            *[("mariadb", option, limit) for option in LIMITS["mariadb"] for limit in ("soon", "-1", "0")],
        ],
    )
    def test_is_refused(self, url, option, limit):
        with pytest.raises(DocstoreError, match=r"[Cc]heck the options (in|of) the URL"):
            docstore.connect(url.update_query_dict({option: limit}))


LONG = {
    "verify": (lambda store: store.verify(), r"SELECT"),
    "compact": (lambda store: store.compact("n1", keep=1, kind="note"), r"UPDATE"),
    "create_index": (lambda store: store.create_index("/a", kind="note"), r"ALTER TABLE"),
    "connect": (lambda store: docstore.connect(store.engine), r"CREATE|ALTER"),
}
"""Calls whose statements may take long, and how those begin."""


@pytest.mark.parametrize("backend", ["mariadb"])
class TestAStatementThatTakesLong:
    """Is no silence where it reads, or changes, all rows; PostgreSQL's driver waits without end for a live server."""

    @pytest.fixture
    def hurried(self, url, connect):
        """A connection that gives up after less than the second that a URL can name."""
        store = connect(url)
        with transaction(store.engine, write=False) as connection:
            connection.connection.driver_connection._read_timeout = 0.2
            yield connection
            connection.connection.driver_connection._read_timeout = None

    def test_is_given_up_like_a_silent_server(self, url, connect):
        store = connect(url.update_query_dict({"read_timeout": "1"}))

        told = r"timed out.* Set a longer connect_timeout or read_timeout in the URL"
        with pytest.raises(ConnectionLostError, match=told), transaction(store.engine, write=False) as connection:
            connection.exec_driver_sql("SELECT SLEEP(2)")

    def test_is_waited_for_where_it_may_take_long(self, hurried):
        with backend_of(hurried).long_read_timeout(hurried):
            assert hurried.exec_driver_sql("SELECT SLEEP(0.5)").scalar() == 0

    @pytest.mark.parametrize("call", LONG)
    def test_is_waited_for_in(self, url, call):
        engine, waited = make_engine(url), {}
        run, sign = LONG[call]
        store = docstore.Store(engine) if call == "connect" else docstore.connect(engine)
        if call != "connect":
            store.put("note", "n1", {"a": 1})
            store.put("note", "n1", {"a": 2})

        @sa.event.listens_for(engine, "before_cursor_execute")
        def note(connection, cursor, statement, *rest):
            waited[statement.strip()] = connection.connection.driver_connection._read_timeout

        run(store)

        assert {limit for statement, limit in waited.items() if re.match(sign, statement)} == {3600}
        with engine.connect() as connection:
            assert connection.connection.driver_connection._read_timeout == 120
        engine.dispose()


class TestALoginThatMayNotEnter:
    """PostgreSQL's driver has no code for these, only words."""

    @pytest.mark.parametrize(
        ("set_so", "remedy"),
        [
            ("NOLOGIN", r"not permitted to log in\. Check the user"),
            ("CONNECTION LIMIT 0", r"too many connections for role .*\. The server takes no more connections"),
        ],
    )
    def test_is_told_on_postgresql(self, postgresql, login, set_so, remedy):
        user = login(postgresql, SECRETS[0])
        with administrator(postgresql) as connection:
            connection.exec_driver_sql(f'ALTER ROLE "{user.username}" {set_so}')

        with pytest.raises(DatabaseError, match=remedy):
            docstore.connect(user)

    def test_is_told_of_a_database_that_others_may_not_connect_to(self, postgresql, login):
        user = login(postgresql, SECRETS[0])
        with administrator(postgresql) as connection:
            name = "only_mine_" + user.username[-6:]
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
            try:
                connection.exec_driver_sql(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")

                with pytest.raises(DatabaseError, match=r"permission denied.* An administrator can GRANT CONNECT ON"):
                    docstore.connect(user.set(database=name))
            finally:
                connection.exec_driver_sql(f"DROP DATABASE {name}")

    def test_is_told_on_mariadb_of_a_user_whom_the_server_takes_no_more_of(self, mariadb, login, connect):
        user = login(mariadb, SECRETS[0], rights="ALL")
        with administrator(mariadb) as connection:
            connection.exec_driver_sql(f"ALTER USER `{user.username}` WITH MAX_USER_CONNECTIONS 1")
        first = make_engine(user)
        with first.connect(), pytest.raises(DatabaseError, match=r"max_user_connections.* close some"):
            connect(user)
        first.dispose()

    def test_is_told_without_a_database_on_mariadb(self, mariadb):
        url = sa.make_url(mariadb)
        nowhere = url.set(database="")

        with pytest.raises(
            DatabaseError, match=r"Name the database in the URL: mariadb://user:password@host/database\."
        ):
            docstore.connect(nowhere)


@on_each_server
@pytest.mark.parametrize("password", ["caf\u00e9", "\u2603-man"])
def test_a_password_of_any_letters_logs_in(url, login, connect, password):
    """PyMySQL would encode it as Latin-1, and fail, or be denied."""
    user = login(url, password, rights="USAGE, CREATE" if url.get_backend_name() == "postgresql" else "ALL")

    assert connect(text_of(user)).put("note", "n1", 1).number == 1


class TestAUrlOfNoDatabaseThatWeKnow:
    """Nothing is connected to: what there is, is said."""

    @pytest.mark.parametrize("scheme", ["foo", "oracle", "mssql+pyodbc", "mongodb"])
    def test_is_told_which_there_are(self, scheme):
        there_are = r"SQLite, PostgreSQL, MariaDB\. Write a URL like sqlite:///lab\.db, postgresql://.* mariadb://"

        with pytest.raises(InvalidValueError, match=there_are):
            docstore.connect(f"{scheme}://ada@host/lab")

    @pytest.mark.parametrize(
        ("url", "remedy"),
        [
            ("postgresql+foo://h/d", r"There is no driver 'foo': write postgresql://\."),
            ("mysql+foo://h/d", r"There is no driver 'foo': write mysql://\."),
            ("sqlite+foo:///d", r"There is no driver 'foo': write sqlite://\."),
            ("mysql+pymysql+foo://h/d", r"There is no driver 'pymysql\+foo': write mysql://\."),
        ],
    )
    def test_names_the_driver_that_there_is_not(self, url, remedy):
        with pytest.raises(InvalidValueError, match=remedy):
            docstore.connect(url)

    @pytest.mark.parametrize(
        "driver", ["postgresql+asyncpg", "postgresql+psycopg_async", "mysql+aiomysql", "mysql+asyncmy"]
    )
    def test_says_that_it_waits_for_its_database(self, driver):
        scheme = driver.partition("+")[0]

        with pytest.raises(InvalidValueError, match=rf"write {scheme}://, without an asynchronous driver"):
            docstore.connect(f"{driver}://ada@host/lab")


class TestAUrlWithoutADriver:
    @pytest.mark.parametrize(
        ("backend", "scheme", "driver"),
        [
            ("postgresql", "postgresql", "psycopg2"),
            ("postgresql", "postgres", "psycopg2"),
            ("mariadb", "mysql", "pymysql"),
            ("mariadb", "mariadb", "pymysql"),
        ],
    )
    def test_is_opened_with_the_one_that_docstore_brings(self, url, scheme, driver, connect):
        store = connect(text_of(url.set(drivername=scheme)))

        assert store.engine.dialect.driver == driver
        assert store.put("note", "n1", 1).number == 1


class TestADriverThatIsMissing:
    @pytest.mark.parametrize(
        ("module", "url", "remedy"),
        [
            ("pymysql", "mysql://h/d", "pip install 'docstore[mysql]'"),
            ("pymysql", "mariadb+pymysql://h/d", "pip install 'docstore[mysql]'"),
            ("psycopg2", "postgresql://h/d", "pip install psycopg2-binary"),
            ("MySQLdb", "mysql+mysqldb://h/d", "pip install mysqlclient; or write mysql+pymysql://"),
            ("mysql", "mysql+mysqlconnector://h/d", "pip install mysql-connector-python; or write mysql+pymysql://"),
            ("psycopg", "postgresql+psycopg://h/d", "pip install 'docstore[psycopg]'; or write postgresql+psycopg2://"),
        ],
    )
    def test_is_told_with_what_to_install(self, monkeypatch, module, url, remedy):
        monkeypatch.setitem(sys.modules, module, None)

        told = rf"^this database URL needs .*Install it with: {re.escape(remedy)}$"
        with pytest.raises(MissingDependencyError, match=told):
            docstore.connect(url)

    def test_that_a_users_password_needs_is_told_too(self, mariadb):
        """The driver asks for it when it logs in: of a server with such users, which the one of the tests is not."""
        engine = make_engine(mariadb)

        @sa.event.listens_for(engine, "do_connect")
        def log_in(dialect, record, arguments, options):
            raise RuntimeError("'cryptography' package is required for sha256_password or caching_sha2_password")

        with pytest.raises(MissingDependencyError, match=r"password needs cryptography.*: pip install cryptography$"):
            docstore.connect(engine)


def logged(caplog):
    return "\n".join(record.getMessage() + repr(record.args) for record in caplog.records)


@pytest.fixture
def everything_logged(caplog):
    """Logging by all, SQLAlchemy too, at its most talkative."""
    for name in ("", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "alembic"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def in_the_options(url):
    """The same URL, with the user and the password among its options."""
    login = {"user": url.username, "password": url.password}
    return sa.URL.create(url.drivername, None, None, url.host, url.port, url.database, {**url.query, **login})


both_forms = pytest.mark.parametrize(
    "form", [text_of, lambda url: text_of(in_the_options(url))], ids=["in its place", "in the options"]
)


@on_each_server
@pytest.mark.parametrize("secret", SECRETS)
class TestAPassword:
    """It is in no message, argument, attribute, cause, repr or line of a log."""

    def assert_hidden(self, text, secret):
        assert [spelling for spelling in spellings(secret) if spelling in text] == []

    @both_forms
    @pytest.mark.parametrize("wrong", ["password", "user", "host"])
    def test_of_a_login_that_fails_is_not_told(self, url, everything_logged, wrong, form, secret):
        with pytest.raises(DatabaseError) as caught:
            docstore.connect(form(WRONG[wrong](url, secret)))

        self.assert_hidden(everything_told(caught.value) + logged(everything_logged), secret)

    def test_of_a_database_that_is_not_there_is_not_told(self, url, login, everything_logged, secret):
        with pytest.raises(DocstoreError, match="no_such_database") as caught:
            docstore.connect(login(url, secret).set(database="no_such_database"))

        self.assert_hidden(everything_told(caught.value) + logged(everything_logged), secret)

    def test_of_a_creators_login_that_fails_is_not_told(self, url, everything_logged, secret):
        with pytest.raises(DatabaseError) as caught:
            docstore.connect(creator=creator_of(url.set(password=secret)))

        self.assert_hidden(everything_told(caught.value) + logged(everything_logged), secret)

    def test_that_a_creator_was_made_with_is_not_told(self, secret, backend):
        def connect(password):
            return object()

        with pytest.raises(InvalidValueError, match=r"should return a connection") as caught:
            docstore.connect(creator=partial(connect, password=secret))

        self.assert_hidden(everything_told(caught.value), secret)

    @both_forms
    def test_is_in_no_repr(self, url, login, connect, form, secret):
        user = login(url, secret, rights="USAGE, CREATE" if url.get_backend_name() == "postgresql" else "ALL")

        store = connect(form(user))

        assert store.put("note", "n1", 1).number == 1
        self.assert_hidden(repr(store) + repr(store.engine) + str(store.engine.url), secret)

    def test_is_in_no_line_that_is_logged(self, url, login, everything_logged, secret):
        user = login(url, secret, rights="USAGE, CREATE" if url.get_backend_name() == "postgresql" else "ALL")

        engine = make_engine(user, echo=True)
        with docstore.connect(engine) as store:
            store.put("note", "n1", 1)
        engine.dispose()

        told = logged(everything_logged)
        assert "INSERT INTO versions" in told
        self.assert_hidden(told, secret)

    def test_of_a_user_who_may_not_make_the_tables_is_not_told(self, url, login, everything_logged, secret):
        user = login(url, secret, rights="USAGE" if url.get_backend_name() == "postgresql" else "SELECT")

        with pytest.raises(DocstoreError) as caught:
            docstore.connect(user)

        self.assert_hidden(everything_told(caught.value) + logged(everything_logged), secret)

    def test_with_an_unescaped_at_sign_is_not_taken_for_a_host(self, url, secret):
        at = text_of(url).replace(str(url.password), f"{secret.replace('?', '')}@{secret}")

        with pytest.raises(InvalidValueError, match=r"In a user and a password, write %40 for @") as caught:
            docstore.connect(at)

        longest = max(secret.split("@"), key=len)
        assert longest not in everything_told(caught.value)
