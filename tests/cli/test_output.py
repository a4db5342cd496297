"""The formats: what each makes of rows, of texts that would drive a terminal, of wide characters."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime

import pytest

from docstore.cli.output import Output, cell_width, spread
from docstore.cli.text import printable, printable_json

WHEN = datetime(2026, 11, 29, 10, 0, 5, 250_000, UTC)

ROWS = [
    {"name": "cakes", "trials": 12, "best": 0.123456789, "saved": WHEN, "tags": ["a", "b"], "more": {"x": 0.5}},
    {"name": "rye|spelt", "trials": None, "best": math.nan, "saved": None, "tags": [], "more": {}, "hidden": 1},
]
COLUMNS = ["name", "trials", "best", "saved", "tags", "more"]

ODD = ["\x1b[31mred\x1b[0m", "a\nb", "\x9b31m", "\u202egnp", "\x7f", "\ud800", "\r", "\u2028", "\x00"]
"""Names that drive a terminal, or break its lines."""


@pytest.fixture
def printed(capsys):
    """Prints rows in a format, and gives the text."""

    def printed(form, rows=ROWS, columns=COLUMNS, **options):
        Output(form, **options).rows(rows, columns)
        return capsys.readouterr().out

    return printed


class TestATable:
    def test_has_columns_as_wide_as_they_must_be_and_numbers_to_the_right(self, printed):
        assert printed("table").splitlines() == [
            "name       trials      best  saved                    tags  more",
            "cakes          12  0.123457  2026-11-29 10:00:05 UTC  a, b  x=0.5",
            "rye|spelt               nan",
        ]

    def test_is_not_cut_where_there_is_no_terminal(self, printed, monkeypatch):
        monkeypatch.setenv("COLUMNS", "20")

        assert "x" * 500 in printed("table", [{"name": "x" * 500}], ["name"])

    def test_of_no_rows_is_nothing(self, printed):
        assert printed("table", []) == ""

    def test_shows_rows_as_they_come(self, capsys):
        """Or the first of 100,000 documents would be seen when the last one is read."""

        def rows():
            for number in range(501):
                yield {"n": number}
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            Output().rows(rows(), ["n"])

        assert capsys.readouterr().out.split() == ["n", *map(str, range(501))]

    def test_keeps_the_names_in_a_narrow_terminal(self, printed, monkeypatch):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", "40")
        monkeypatch.setenv("NO_COLOR", "1")
        row = {"name": "chocolate cakes", "kind": "generation_strategy", "owner": None, "saved": "2026-11-29 11:14 UTC"}

        assert printed("table", [row], list(row)).splitlines() == [
            "name             kind        saved",
            "chocolate cakes  generatio…  2026-11-29…",
        ]

    @pytest.mark.parametrize(("text", "width"), [("日本", 4), ("e\u0301", 1), ("cakes", 5), ("é", 1), ("🍰", 2)])
    def test_knows_how_wide_characters_are(self, text, width):
        assert cell_width(text) == width


class TestJson:
    def test_has_an_object_for_each_row_with_the_columns_in_order(self, printed):
        first, second = json.loads(printed("json"))

        assert list(first) == list(second) == COLUMNS
        assert first == {**ROWS[0], "saved": "2026-11-29T10:00:05.250000+00:00"}
        assert second["best"] == "nan"

    def test_in_lines_is_the_same(self, printed):
        assert [json.loads(line) for line in printed("jsonl").splitlines()] == json.loads(printed("json"))

    @pytest.mark.parametrize(("form", "text"), [("json", "[]\n"), ("jsonl", "")])
    def test_of_no_rows_is_json_too(self, printed, form, text):
        assert printed(form, []) == text


class TestCsv:
    def test_is_read_back_by_the_csv_module(self, printed):
        rows = [{"name": 'a,"b"\nc', "n": 1.5}]

        assert list(csv.reader(io.StringIO(printed("csv", rows, ["name", "n"])))) == [
            ["name", "n"],
            ['a,"b"\nc', "1.5"],
        ]

    def test_has_times_in_full_and_json_for_what_is_no_scalar(self, printed):
        _, first, second = csv.reader(io.StringIO(printed("csv")))

        assert first == ["cakes", "12", "0.123456789", "2026-11-29T10:00:05.250000+00:00", '["a", "b"]', '{"x": 0.5}']
        assert second == ["rye|spelt", "", "nan", "", "[]", "{}"]


class TestMarkdown:
    def test_is_a_table_in_which_no_cell_ends_early(self, printed):
        assert printed("md", columns=["name", "trials"]).splitlines() == [
            "| name | trials |",
            "|---|---|",
            "| cakes | 12 |",
            "| rye\\|spelt |  |",
        ]


class TestNamesOnly:
    @pytest.mark.parametrize("form", ["table", "json"])
    def test_are_one_a_line_whatever_the_format(self, printed, form):
        assert printed(form, names_only=True) == "cakes\nrye|spelt\n"


class TestATextThatWouldDriveTheTerminal:
    @pytest.mark.parametrize("text", ODD)
    def test_is_shown_by_escapes(self, text):
        assert printable(text).isprintable()
        assert printable(f"{text}日本") == printable(text) + "日本"

    @pytest.mark.parametrize("form", ["table", "json", "jsonl", "md"])
    @pytest.mark.parametrize("text", ODD)
    def test_is_so_in_each_format(self, printed, form, text):
        assert all(line.isprintable() for line in printed(form, [{"name": text}], ["name"]).split("\n"))

    @pytest.mark.parametrize("text", [*ODD, "\U000e0001"])
    def test_is_the_same_json(self, text):
        written = json.dumps([text], ensure_ascii=False, indent=1)

        assert json.loads(printable_json(written)) == [text]
        assert printable_json(written).count("\n") == 2


class TestARecord:
    def test_has_a_line_for_each_field_that_says_something(self, capsys):
        Output().record({"name": "cakes", "owner": None, "message": "", "tags": [], "version": 0})

        assert capsys.readouterr().out == "name     cakes\nversion  0\n"

    def test_is_one_object(self, capsys):
        Output("json").record({"name": "cakes", "owner": None})

        assert json.loads(capsys.readouterr().out) == {"name": "cakes", "owner": None}

    def test_is_one_row(self, capsys):
        Output("csv").record({"name": "cakes", "owner": None})

        assert capsys.readouterr().out == "name,owner\ncakes,\n"


class TestColumnsOfMembers:
    def test_come_last_and_are_named_by_their_group_where_the_name_is_taken(self):
        rows, columns = spread([{"a": 1, "p": {"x": 2, "a": 3}}, {"a": 4, "p": {}}], ["a"], "p")

        assert columns == ["a", "x", "p.a"]
        assert [[row[column] for column in columns] for row in rows] == [[1, 2, 3], [4, None, None]]

    def test_have_a_column_each_where_one_is_named_as_anothers_would_be(self):
        for members in ({"p.a": 2, "a": 3}, {"a": 3, "p.a": 2}):
            [row], columns = spread([{"a": 1, "p": members}], ["a"], "p")

            assert {column: row[column] for column in columns} == {"a": 1, "p.a": 2, "p.p.a": 3}
