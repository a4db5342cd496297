"""What people see who open a database with their own tools: the shells, pandas, DuckDB, and Datasette in a browser.

The queries are those of docs/how-to/sql.md. So is what they give, as psql prints it; the others give the same cells.
"""

from __future__ import annotations

import contextlib
import json
import re
import runpy
import sqlite3
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa
import tools
import yaml
from backends import BACKENDS, Backends
from picture import EXAMPLE, HEIGHT, PICTURE, WIDTH, page, picture

import docstore

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "sql.md").read_text()
VIEWS = (DOCS / "reference" / "views.md").read_text()
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}


@dataclass(frozen=True)
class Query:
    """A query of the page.

    Attributes:
        backends: which it is for.
        shown: what it gives, as psql prints it; empty where the page does not say.
    """

    sql: str
    backends: tuple[str, ...]
    shown: str

    @property
    def cells(self) -> list[list[str]]:
        """Return what is shown: the names of the columns, then the rows."""
        names, _, *rows = self.shown.splitlines()[:-1]
        return [[cell.strip() for cell in line.split("|")] for line in (names, *rows)]


def queries() -> list[Query]:
    """Return each query of the page. What is shown after some for one database each is what each of them gives."""
    found: list[Query] = []
    shown = ""
    # Backwards: what a query gives stands below it.
    for language, text in reversed(re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)):
        if language == "text":
            shown = text
        elif language == "sql":
            named = [backend for backend, title in TITLES.items() if text.startswith(f"-- {title}\n")]
            belongs = not found or found[-1].shown != shown or named
            found.append(Query(text, tuple(named or BACKENDS), shown if belongs else ""))
    return found[::-1]


ALL = queries()
SHOWN = [query for query in ALL if query.shown]


def with_backends(chosen: list[Query]) -> pytest.MarkDecorator:
    pairs = [(query, backend) for query in chosen for backend in query.backends]
    names = [f"{ALL.index(query)}-{backend}" for query, backend in pairs]
    return pytest.mark.parametrize(("query", "backend"), pairs, ids=names)


@pytest.fixture(scope="module")
def lab_on(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The URL of the example's database on a backend, filled when it is first asked for."""
    with contextlib.ExitStack() as used:

        @cache
        def lab_on(backend: str) -> str:
            url = used.enter_context(backends.fresh(backend, tmp_path_factory.mktemp("lab") / "lab.db"))
            with contextlib.closing(docstore.connect(url)) as store:
                runpy.run_path(str(EXAMPLE / "lab.py"))["fill"](store)
            return url

        yield lab_on


@pytest.fixture
def lab(lab_on: Callable[[str], str], backend: str) -> str:
    """The URL of the example's database on each backend."""
    return lab_on(backend)


@pytest.fixture(scope="module")
def file(lab_on: Callable[[str], str]) -> Path:
    """The example's database in SQLite's file."""
    return Path(str(sa.make_url(lab_on("sqlite")).database))


def same_json(rows: list[list[str]]) -> list[list[str]]:
    """Return the cells without what is only the shell's: 1.0 is 1, t is 1, and JSON has no blanks."""
    return [[_plain(cell) for cell in row] for row in rows]


def _plain(cell: str) -> str:
    if cell[:1] in ("{", "["):
        return json.dumps(json.loads(cell), sort_keys=True)
    if re.fullmatch(r"-?[0-9]+([.][0-9]+)?(e[-+]?[0-9]+)?", cell):
        return format(Decimal(cell).normalize(), "f")
    return {"t": "1", "f": "0"}.get(cell, cell)


class TestAQueryOfThePage:
    """Someone pastes it into the shell of their database."""

    @with_backends(SHOWN)
    def test_gives_in_the_databases_own_shell_what_is_shown(self, query, lab):
        assert same_json(tools.ask(lab, query.sql)) == same_json(query.cells)

    @pytest.mark.parametrize("query", [query for query in SHOWN if "postgresql" in query.backends])
    def test_is_shown_as_psql_prints_it(self, query, lab_on):
        printed = tools.psql(sa.make_url(lab_on("postgresql")), query.sql)

        assert [line.rstrip() for line in printed.splitlines() if line] == query.shown.splitlines()

    @with_backends([query for query in ALL if not query.shown])
    def test_gives_rows_where_none_are_shown(self, query, lab):
        assert len(tools.ask(lab, query.sql)) > 2

    def test_is_there_for_each_view(self, file):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            views = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()

        assert [view for [view] in views if not any(re.search(rf"\b{view}\b", query.sql) for query in ALL)] == []

    def test_is_about_columns_that_the_reference_lists(self, file):
        listed = {
            view: re.findall(r"`(\w+)`", columns)
            for view, columns in re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", VIEWS, re.MULTILINE)
        }
        with contextlib.closing(sqlite3.connect(file)) as connection:
            views = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
            columns = {
                view: [column[1] for column in connection.execute(f"PRAGMA table_info({view})")] for [view] in views
            }

        assert listed == columns


class TestTheSelectOfASearch:
    """Someone prints ``find(...).sql()``, and pastes it into the shell of their database."""

    @pytest.mark.parametrize(
        ("where", "names"),
        [
            (docstore.q("/properties/budget") >= 10, ["bread", "yoghurt"]),
            (docstore.q("/properties/budget") == "20", ["rye bread"]),
            (docstore.q("/description").like("%stone%"), ["bread"]),
            (docstore.q("/properties/team") != """it's a "100%" :x \\ ☃""", ["bread", "cold brew", "espresso"]),
        ],
        ids=str,
    )
    def test_finds_the_same_there(self, lab, where, names):
        with contextlib.closing(docstore.connect(lab)) as store:
            select = store.find(kind="experiment", where=where, order_by="name", limit=3).sql()

        columns, *rows = tools.ask(lab, f"{select};")

        assert [row[columns.index("name")] for row in rows] == names


class TestPandas:
    def test_reads_a_view_of_every_database(self, lab):
        engine = sa.create_engine(lab)

        frame = pd.read_sql(
            "SELECT * FROM observations WHERE experiment = 'bread' AND metric_name = 'crust' ORDER BY mean",
            engine,
        )
        engine.dispose()

        assert frame["mean"].tolist() == [0.49, 0.58, 0.71, 0.8, 0.83, 0.86]
        assert frame["mean"].dtype == "float64"
        assert frame["arm_name"].tolist() == ["3_0", "0_0", "1_0", "5_0", "4_0", "6_0"]


class TestDuckDB:
    """It has a SQLite of its own, 3.38, the oldest that docstore is for: what it cannot read, others cannot either."""

    @pytest.fixture
    def duck(self, file, monkeypatch):
        monkeypatch.chdir(file.parent)
        with duckdb.connect() as connection:
            connection.execute(f"LOAD '{tools.sqlite_scanner()}'")
            # It does not see the types of a view's columns, and would take them for bytes.
            connection.execute("SET sqlite_all_varchar = true")
            yield connection

    def test_reads_numbers(self, duck):
        query = (
            "SELECT experiment, max(mean::DOUBLE) FROM sqlite_scan('lab.db', 'observations') GROUP BY ALL ORDER BY ALL"
        )

        assert duck.execute(query).fetchall() == [
            ("bread", 2.0),
            ("espresso", 4.5),
            ("rye bread", 0.62),
            ("yoghurt", 3.5),
        ]

    @pytest.mark.parametrize(
        "view", ["experiments", "trials", "arms", "observations", "parameters_long", "document_json"]
    )
    def test_reads_all_rows_of(self, duck, file, view):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            [rows] = connection.execute(f"SELECT count(*) FROM {view}").fetchone()

        assert duck.execute(f"SELECT count(*) FROM sqlite_scan('lab.db', '{view}')").fetchall() == [(rows,)]


@pytest.fixture(scope="module")
def url(file: Path) -> Iterator[str]:
    """Where Datasette shows the example's database."""
    with tools.datasette(file, EXAMPLE / "metadata.yaml") as url:
        yield f"{url}/lab"


class TestDatasette:
    """Someone serves the file, and opens its pages in a browser."""

    def test_shows_the_experiments_by_type(self, url):
        shown = tools.read(f"{url}/experiments?{page()}")

        assert "Experiments (view)" in shown.texts
        assert sorted(shown.rows("name", "type_name", "status_name", "trials", "best_value")) == [
            ("bread", "BAKING", "COMPLETED", "7", "0.86"),
            ("cold brew", "BREWING", "DRAFT", "0", ""),
            ("espresso", "BREWING", "COMPLETED", "5", "1.75"),
            ("oven test", "BAKING", "OPTIMIZATION", "0", ""),
            ("rye bread", "BAKING", "OPTIMIZATION", "5", "0.62"),
            ("yoghurt", "FERMENTING", "OPTIMIZATION", "1", ""),
        ]
        assert "type_name 3 BAKING 3 BREWING 2 FERMENTING 1" in shown.text

    def test_leads_from_a_type_to_its_experiments(self, url):
        first = tools.read(f"{url}/experiments?{page()}")

        found = tools.read(first.links["BREWING"])

        assert sorted(found.rows("name", "type_name")) == [("cold brew", "BREWING"), ("espresso", "BREWING")]

    def test_is_read_when_the_scripts_of_the_page_have_run(self, url):
        assert "dropdown-menu-icon" in tools.read(f"{url}/experiments").html

    def test_shows_a_whole_document_in_lines_of_json(self, url, file):
        [[shown]] = tools.read(f"{url}/document_json?name=bread").rows("json")

        with contextlib.closing(docstore.connect(file)) as store:
            assert json.loads(shown) == store.get("bread")
        assert '\n    "description": "the best crust in a stone oven",\n' in shown

    @pytest.mark.parametrize(
        ("query", "columns", "rows"),
        [
            (
                "best_trials?experiment=espresso",
                ("trial_index", "mean", "seconds"),
                [("4", "1.75", "120.0"), ("1", "2.5", "60.0"), ("0", "3.25", "60.0")],
            ),
            (
                "experiments_by_type",
                ("type_name", "experiments", "running", "trials", "completed"),
                [("BAKING", "3", "2", "12", "8"), ("BREWING", "2", "0", "5", "3"), ("FERMENTING", "1", "1", "1", "1")],
            ),
            (
                "failed_trials",
                ("experiment", "trial_index", "status_name", "reason"),
                [
                    ("bread", "2", "FAILED", "burnt"),
                    ("espresso", "2", "EARLY_STOPPED", "it drips"),
                    ("espresso", "3", "ABANDONED", "water, nearly"),
                    ("rye bread", "2", "FAILED", "power cut"),
                ],
            ),
            (
                "who_changed_what?name=bread",
                ("version", "author", "message", "changes", "tags"),
                [
                    ("3", "bob", "three near the best", "7", '[\n    "published"\n]'),
                    ("2", "bob", "four loaves at random", "7", "[]"),
                    ("1", "ada", "an empty oven", "1", "[]"),
                ],
            ),
            (
                "parameter_against_metric?experiment=yoghurt&parameter=hours&metric=texture",
                ("arm_name", "parameter", "mean"),
                [("0_0", "5.0", "0.25"), ("0_1", "7.5", "0.5"), ("0_2", "10.0", "0.75")],
            ),
        ],
    )
    def test_answers_what_people_ask_most(self, url, query, columns, rows):
        assert tools.read(f"{url}/{query}").rows(*columns) == rows

    def test_is_told_what_each_view_is(self, file):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            views = connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        told = yaml.safe_load((EXAMPLE / "metadata.yaml").read_text())["databases"]["lab"]["tables"]

        assert [view for [view] in views if not told.get(view, {}).get("title")] == []

    def test_is_told_what_each_table_is_or_to_hide_it(self, file):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        told = yaml.safe_load((EXAMPLE / "metadata.yaml").read_text())["databases"]["lab"]["tables"]

        assert [table for [table] in tables if not {"title", "hidden"} & set(told.get(table, {}))] == []

    def test_is_told_of_columns_that_there_are(self, file):
        told = yaml.safe_load((EXAMPLE / "metadata.yaml").read_text())["databases"]["lab"]["tables"]
        with contextlib.closing(sqlite3.connect(file)) as connection:
            columns = {
                table: {column[1] for column in connection.execute(f"PRAGMA table_info({table})")} for table in told
            }

        assert [(table, set(about.get("columns", {})) - columns[table]) for table, about in told.items()] == [
            (table, set()) for table in told
        ]


class TestThePictureOfThePage:
    def test_can_be_made_again_in_the_size_in_which_it_is_kept(self, tmp_path):
        picture(tmp_path / "datasette.png")

        assert size_of(tmp_path / "datasette.png") == size_of(PICTURE) == (2 * WIDTH, 2 * HEIGHT)

    def test_is_referred_to(self):
        assert f"(../pictures/{PICTURE.name})" in PAGE


def size_of(png: Path) -> tuple[int, int]:
    """The width and the height in pixels that the file's header tells."""
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    return width, height
