"""Programs that people open a database with, run as people run them: the three shells, Datasette, and a browser.

A program that is not here makes a test skip, and says how it is installed.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import sqlalchemy as sa
from backends import SwitchedOff
from servers import HOST

SECONDS_TO_ANSWER = 60


class ToolError(Exception):
    """A program did not do what it was asked; the message ends with what it wrote."""


def program(name: str) -> str:
    """Where the program is.

    Raises:
        SwitchedOff: nowhere.
    """
    found = shutil.which(name)
    if found is None:
        raise SwitchedOff(f"the program {name} is not installed; switch it on by 'make services'")
    return found


def run(command: list[str], given: str = "", environment: Mapping[str, str] | None = None) -> str:
    """Return what the program printed when *given* that as its input.

    Raises:
        ToolError: it failed.
    """
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        input=given,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        timeout=SECONDS_TO_ANSWER,
    )
    if done.returncode != 0:
        raise ToolError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


# --- the shells of the databases --------------------------------------------------------------------------------------


def ask(url: str, sql: str) -> list[list[str]]:
    """Return what the database's own shell prints for *sql*: the names of the columns, then the rows, NULL as ``NULL``.

    Raises:
        ToolError: the shell refused it.
    """
    database = sa.make_url(url)
    return {"sqlite": _ask_sqlite3, "postgresql": _ask_psql}.get(database.get_backend_name(), _ask_mariadb)(
        database, sql
    )


def _ask_sqlite3(database: sa.URL, sql: str) -> list[list[str]]:
    command = ["sqlite3", "-init", os.devnull, "-batch", "-bail", "-readonly", "-header", "-csv", "-nullvalue", "NULL"]
    return _rows(run([*command, str(database.database)], sql))


def _ask_psql(database: sa.URL, sql: str) -> list[list[str]]:
    return _rows(psql(database, sql, "--csv"))


def psql(database: sa.URL, sql: str, *options: str) -> str:
    """Return what psql prints for *sql*, as a table for people unless *options* say otherwise."""
    command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--pset=null=NULL", "--pset=pager=off"]
    # The password goes where no list of processes shows it.
    place = sa.URL.create(
        "postgresql", database.username, None, database.host, database.port, database.database, database.query
    ).render_as_string()
    return run([*command, *options, place], sql, {"PGPASSWORD": str(database.password or "")})


def _ask_mariadb(database: sa.URL, sql: str) -> list[list[str]]:
    command = [
        "mariadb",
        "--no-defaults",
        "--batch",
        "--default-character-set=utf8mb4",
        "--protocol=tcp",
        f"--host={database.host}",
        f"--port={database.port or 3306}",
        f"--user={database.username}",
        str(database.database),
    ]
    printed = run(command, sql, {"MYSQL_PWD": str(database.password or "")})
    escaped = {"\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}
    return [
        [re.sub(r"\\[nt0\\]", lambda found: escaped[found[0]], cell) for cell in line.split("\t")]
        for line in printed.splitlines()
    ]


def _rows(printed: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(printed)))


def sqlite_scanner() -> Path:
    """DuckDB's extension that reads SQLite's files, as its package brings it: ``INSTALL`` would fetch it."""
    [extension] = Path(str(resources.files("duckdb_extension_sqlite_scanner"))).rglob("*.duckdb_extension")
    return extension


# --- Datasette --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def datasette(file: Path, metadata: Path) -> Iterator[str]:
    """The URL at which Datasette shows the SQLite *file*, until the block ends.

    Raises:
        ToolError: it did not start.
    """
    command = [sys.executable, "-m", "datasette", "serve", str(file), "--metadata", str(metadata)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            # Port 0: the system chooses one that is free, and the log tells which.
            [*command, "--host", HOST, "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], log: io.TextIOBase) -> str:
    """What the log says where it listens."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while True:
        ended = process.poll() is not None
        # Not through the file's own position, at which the process writes on.
        written = os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")
        if found := re.search(rf"http://{re.escape(HOST)}:\d+", written):
            return found[0]
        if ended or time.monotonic() > deadline:
            raise ToolError(f"datasette does not listen. It wrote:\n{written}")
        time.sleep(0.02)


# --- the browser ------------------------------------------------------------------------------------------------------


@dataclass
class Page:
    """A page as the browser has it when its scripts have run.

    Attributes:
        html: all of it.
        texts: what is read in it, piece by piece.
        tables: of each table, the texts of each row's cells.
        links: where each link leads, by its text.
    """

    html: str
    texts: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def rows(self, *columns: str) -> list[tuple[str, ...]]:
        """Return these columns of the first table."""
        names, *rows = self.tables[0]
        # By one of them the rows are sorted, and an arrow says so.
        names = [name.rstrip("\xa0▲▼") for name in names]
        return [tuple(row[names.index(column)] for column in columns) for row in rows]


class _Reader(HTMLParser):
    """Puts what it is fed in a page."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._open: list[str] = []
        self._link = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "a"):
            self._open.append(tag)
            self._link = dict(attributes).get("href") or ""
        elif tag == "table":
            self._page.tables.append([])
        elif tag == "tr":
            self._page.tables[-1].append([])
        elif tag in ("th", "td"):
            self._page.tables[-1][-1].append("")
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            del self._open[len(self._open) - 1 - self._open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if {"script", "style"} & set(self._open) or not data.strip():
            return
        self._page.texts.append(data.strip())
        if {"th", "td"} & set(self._open):
            cells = self._page.tables[-1][-1]
            cells[-1] += data if cells[-1] else data.lstrip()
            cells[-1] = cells[-1].rstrip()
        if "a" in self._open:
            self._page.links[data.strip()] = self._link


def read(url: str) -> Page:
    """Open *url* in the browser and return the page."""
    page = Page(_browse("--dump-dom", url))
    _Reader(page).feed(page.html)
    return page


def take_picture(url: str, file: Path, width: int, height: int) -> None:
    """Open *url* in the browser and write what its window shows to *file*, a PNG of twice as many pixels."""
    size = [f"--window-size={width},{height}", "--force-device-scale-factor=2", "--hide-scrollbars"]
    _browse(f"--screenshot={file}", *size, url)


def _browse(*arguments: str) -> str:
    """Start the browser as one that has never been used and can reach nothing but this machine."""
    with tempfile.TemporaryDirectory(prefix="docstore-tests-", ignore_cleanup_errors=True) as folder:
        return run(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
                "--no-proxy-server",
                f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
                f"--user-data-dir={folder}",
                *arguments,
            ]
        )
