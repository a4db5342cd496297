"""What the tests of the command line share: databases with something in them, and commands in this process."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from labs import fill

from docstore.cli.main import run


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch, tmp_path):
    """A home and a folder of the test's own, without any configuration."""
    monkeypatch.delenv("DOCSTORE_URL", raising=False)
    monkeypatch.delenv("DOCSTORE_AUTHOR", raising=False)
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
    """The URL of a SQLite database with what ``labs.fill`` saves, in DOCSTORE_URL."""
    url: str = fresh_database("sqlite")
    fill(url)
    monkeypatch.setenv("DOCSTORE_URL", url)
    return url


@pytest.fixture
def unchanged(lab) -> Callable[[], bool]:
    """Return whether every row of the database of ``lab`` is as it was."""

    def rows() -> list[str]:
        with closing(sqlite3.connect(str(sa.make_url(lab).database))) as connection:
            return list(connection.iterdump())

    before = rows()
    return lambda: rows() == before
