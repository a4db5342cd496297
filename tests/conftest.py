"""What tests share: settings for Hypothesis, a database and a store on each backend, and no silent skips in CI.

With ``--quick``, tests that need a database or another process are left out.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import compiled
import pytest
from backends import BACKENDS, Backends, SwitchedOff
from elsewhere import is_elsewhere
from hypothesis import settings
from shared_stores import SharedStores

import docstore
from docstore.testing import experiments

settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=10)
settings.register_profile("nightly", deadline=None, print_blob=True)
# The same examples in every run, here as in CI. What --hypothesis-profile names is loaded after this.
settings.load_profile("ci")

_BACKENDS = pytest.StashKey[Backends]()

_OF_DATABASES = re.compile(
    r"def \w+\([^)]*\b(backends?|(empty_|fresh_)?database|stores?|ada|bob|postgresql|mariadb)\b|docstore\.connect\("
)
"""What is in the source of a file of tests on databases."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out what needs a database or another process")


def pytest_configure(config: pytest.Config) -> None:
    if "DOCSTORE_TEST_MYSQL" not in os.environ:
        # PyMySQL reads the system's certificates for each connection, 4 ms, though our own server speaks no TLS.
        os.environ["SSL_CERT_FILE"] = os.devnull
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell ignores it for what it runs in the background; tests send Ctrl-C to themselves and to what they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # it would write to its makers when it is imported
    compiled.share()
    backends = config.stash[_BACKENDS] = Backends(os.environ)
    config.add_cleanup(backends.close)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--quick``: a file of tests on databases, which takes long to collect too."""
    if not config.getoption("quick") or collection_path.suffix != ".py":
        return None
    return bool(_OF_DATABASES.search(collection_path.read_text())) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("quick"):
        on_databases = {item for item in items if "backends" in getattr(item, "fixturenames", ())}
        config.hook.pytest_deselected(items=list(on_databases))
        items[:] = [item for item in items if item not in on_databases]


def pytest_collection_finish() -> None:
    """What was imported and collected lives to the end; the garbage collector need not visit it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_process(pytestconfig: pytest.Config) -> Iterator[None]:
    """With ``--quick``, a test that starts a process is skipped when it does."""
    quick = pytestconfig.getoption("quick")

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if quick and event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
            raise pytest.skip.Exception("it starts a process; without --quick it runs")

    # It cannot be taken away again.
    if quick:
        sys.addaudithook(refuse)
    yield
    quick = False


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the backend that ``database`` and ``store`` are on; a test that takes any of them runs on each."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def backends(pytestconfig: pytest.Config) -> Backends:
    """The servers, each started when it is first asked for."""
    return pytestconfig.stash[_BACKENDS]


@pytest.fixture(scope="session")
def shared_stores(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStores]:
    """Databases that tests use one after another: emptied after each, or filled once and only read."""
    with SharedStores(backends, tmp_path_factory.mktemp("shared")) as stores:
        yield stores


@pytest.fixture
def fresh_database(backends: Backends, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Gives the URL of another database at each call: ``fresh_database("mariadb")``.

    Its tables are made; ``fresh_database("mariadb", tables=False)`` has none.
    """
    given: list[str] = []

    with contextlib.ExitStack() as used:

        def fresh_database(backend: str, *, tables: bool = True) -> str:
            make = backends.fresh if tables else backends.empty
            given.append(used.enter_context(make(backend, tmp_path / f"lab{len(given) or ''}.db")))
            return given[-1]

        yield fresh_database


@pytest.fixture
def database(backend: str, fresh_database: Callable[..., str]) -> str:
    """The URL of a database of the test's own, with the password: the tables are made, and nothing is in them."""
    return fresh_database(backend)


@pytest.fixture
def empty_database(backend: str, fresh_database: Callable[..., str]) -> str:
    """The URL of a database without tables, for what makes them."""
    return fresh_database(backend, tables=False)


@pytest.fixture
def postgresql(fresh_database: Callable[..., str]) -> str:
    """The URL of a database on PostgreSQL without tables: a schema of its own."""
    return fresh_database("postgresql", tables=False)


@pytest.fixture
def mariadb(fresh_database: Callable[..., str]) -> str:
    """The URL of a database on MariaDB without tables."""
    return fresh_database("mariadb", tables=False)


@pytest.fixture
def connect() -> Iterator[Callable[..., docstore.Store]]:
    """``docstore.connect``, whose stores are closed when the test ends."""
    stores: list[docstore.Store] = []

    def connect(*arguments: Any, **options: Any) -> docstore.Store:
        stores.append(docstore.connect(*arguments, **options))
        return stores[-1]

    yield connect
    for store in stores:
        store.close()
        store.engine.dispose()  # of an Engine that the test gave


@pytest.fixture
def store(database: str, connect: Callable[..., docstore.Store]) -> docstore.Store:
    """A store in which nothing is."""
    return connect(database)


@pytest.fixture
def ada(database: str, connect: Callable[..., docstore.Store]) -> docstore.Store:
    """Ada's store."""
    return connect(database, author="ada")


@pytest.fixture
def bob(database: str, connect: Callable[..., docstore.Store]) -> docstore.Store:
    """Bob's store on the same database; it knows nothing of what Ada's remembers."""
    return connect(database, author="bob")


@pytest.fixture(scope="class")
def no_backoff() -> Iterator[None]:
    """Let a refused write be tried again at once, where there is no other writer that would be done by and by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docstore.sql.dialects.base._SHORTEST_WAIT", 0)
        yield


@pytest.fixture
def new_experiment() -> Callable[..., docstore.Experiment]:
    """Makes an experiment: ``new_experiment("cakes", trials=3, ...)``."""
    return experiments.new_experiment


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What is reported of a test: no password; and of a backend that is not there, one line for all tests."""
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, SwitchedOff):
        # pytest makes one line of skips with one reason in one place: here that is where it is decided, not the test.
        place = call.excinfo.traceback[-1]
        report.longrepr = (str(place.path), place.lineno + 1, str(call.excinfo.value))
    # Of a test that failed, pytest shows the arguments, and a database's URL has a password.
    hide = item.config.stash[_BACKENDS].without_passwords
    if report.failed:
        text = str(report.longrepr)
        # As text it has lost its colours.
        if (hidden := hide(text)) != text:
            report.longrepr = hidden
    report.sections = [(title, hide(content)) for title, content in report.sections]
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: a backend whose tests did not run is not known to work."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if os.environ.get("CI") and not all(map(is_elsewhere, skipped)) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt, also where the tests run in the background; the handler must be there again afterwards."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    now = signal.signal(signal.SIGINT, before)
    assert now is signal.default_int_handler


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Let what a test registers hold for that test."""
    with docstore.registry.scope():
        yield
