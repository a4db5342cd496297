"""What the tests of the command line share: databases with something in them, and commands in this process."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import NamedTuple

import pytest

import docstore
from docstore import Metric, Objective, OptimizationConfig
from docstore.cli.main import run
from docstore.testing.experiments import add_trial, new_experiment


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str


def fill(url: str) -> None:
    """Save an experiment in three versions, the second tagged, and a note, as Ada."""
    with docstore.connect(url, author="ada") as store:
        taste = OptimizationConfig(Objective(metric=Metric("taste"), minimize=False))
        experiment = new_experiment("cakes", optimization_config=taste)
        store.save(experiment, message="first")
        for mean in (0.5, 0.75):
            add_trial(experiment, mean)
        store.save(experiment, message="two trials")
        store.tag("cakes", "published")
        experiment.new_trial(parameters={"x": 0.75, "flour": "spelt"}).mark_running(no_runner_required=True)
        store.save(experiment)
        store.put("note", "n1", {"text": "rye", "sizes": (1, 2)})


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch, tmp_path):
    """A home and a folder of the test's own, without any configuration."""
    monkeypatch.delenv("DOCSTORE_URL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def docstore_cli(capsys) -> Callable[..., Ended]:
    """Run a command line in this process: ``docstore_cli("ls -k note")``, or its words one by one."""

    def call(line: str, *words: str) -> Ended:
        code = run([*shlex.split(line), *words])
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return call


@pytest.fixture
def lab(fresh_database, monkeypatch) -> str:
    """The URL of a SQLite database with an experiment and a note, in DOCSTORE_URL."""
    url: str = fresh_database("sqlite")
    fill(url)
    monkeypatch.setenv("DOCSTORE_URL", url)
    return url
