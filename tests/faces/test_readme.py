"""The README is run as it stands, and names what there is."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

import docstore

README = (Path(__file__).parents[2] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for marked, text in fenced if marked == language]


@pytest.fixture
def after_the_tour(tmp_path, monkeypatch, capsys):
    """What the tour leaves: its names, what it printed, and a folder with its database."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "tour"}
    with docstore.registry.scope():
        for number, block in enumerate(blocks("python")):
            exec(compile(block, f"README block {number}", "exec", dont_inherit=True), names)
        yield names | {"printed": capsys.readouterr().out}
        names["store"].close()
        names["cakes"].close()


class TestTheTour:
    """A person pastes its blocks one after another, in an empty folder."""

    def test_runs_and_prints_what_it_says(self, after_the_tour):
        printed = after_the_tour["printed"]

        added = "trial 0: added, COMPLETED, arm 0_0 (celsius 220.0, minutes 35)\n"
        assert f"{added}trial 0: crust 0.71 (sem 0.04) added\n" in printed
        assert "both changed /description" in printed

    def test_leaves_rows_like_the_one_shown(self, after_the_tour):
        connection = sqlite3.connect("lab.db")
        connection.row_factory = sqlite3.Row
        bread = "(SELECT id FROM documents WHERE path = '' AND name = 'bread')"
        row = connection.execute(f"SELECT * FROM documents WHERE path = '/trials/0' AND id = {bread}").fetchone()
        query = "SELECT changes FROM versions WHERE id = ? AND version = 2"
        [changes] = connection.execute(query, [row["id"]]).fetchone()
        connection.close()
        [shown] = [block for block in blocks("") if block.startswith("id ")]

        assert re.findall(r"^(\w+)  ", shown, re.MULTILINE) == list(row.keys())
        assert (row["kind"], row["position"], row["status"], row["version"]) == ("trial", 0, 3, 2)
        assert changes == blocks("json")[0].strip()

    @pytest.mark.parametrize(("number", "rows"), [(0, 2), (1, 1)])
    def test_its_queries_find_the_bread_and_its_branch_and_what_was_measured(self, after_the_tour, number, rows):
        connection = sqlite3.connect("lab.db")

        found = connection.execute(blocks("sql")[0].split(";")[number]).fetchall()
        connection.close()

        assert len(found) == rows


class TestWhatItNames:
    """The README documents what is public, and what is public is there."""

    @pytest.mark.parametrize("name", sorted(set(docstore.__all__) - {"__version__"}))
    def test_each_public_name_is_there(self, name):
        assert getattr(docstore, name) is not None

    @pytest.mark.parametrize("name", ["connect", "Store", "Version", "Diff", "Status", "Blame", "Damage"])
    def test_each_call_and_what_it_gives_is_documented(self, name):
        assert f"`{name}" in README or f"{name}(" in README

    @pytest.mark.parametrize("method", sorted(name for name in dir(docstore.Store) if not name.startswith("_")))
    def test_each_method_of_the_store_is_documented(self, method):
        assert re.search(rf"\b{method}\b", README)

    @pytest.mark.parametrize("call", sorted(set(re.findall(r"`store\.(\w+)", README))))
    def test_each_method_it_names_is_there(self, call):
        assert callable(getattr(docstore.Store, call))
