"""What tests share: settings for Hypothesis, a store on each backend, and no silent skips in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import experiments
import pytest
from hypothesis import settings

import docstore

settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")


# A test that takes ``database`` or ``store`` runs on each of these.
BACKENDS = ("sqlite",)


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    return {"sqlite": f"sqlite:///{tmp_path}/lab.db"}[request.param]


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


@pytest.fixture
def store(database: str, connect: Callable[..., docstore.Store]) -> docstore.Store:
    """A store in an empty database."""
    return connect(database)


@pytest.fixture
def new_experiment() -> Callable[..., docstore.Experiment]:
    """Makes an experiment: ``new_experiment("cakes", trials=3, ...)``."""
    return experiments.new_experiment


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: a backend whose tests did not run is not known to work."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
