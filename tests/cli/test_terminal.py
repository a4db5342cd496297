"""What a person at a terminal sees: colours, narrow tables, the pager, progress."""

from __future__ import annotations

import re

import pytest
from labs import fill
from terminal import docstore_on_terminal, shown_on_terminal

import docstore


@pytest.fixture(scope="module")
def environment(backends, tmp_path_factory):
    """A database whose list does not fit in a terminal; a pager that marks each line."""
    folder = tmp_path_factory.mktemp("terminal")
    with backends.fresh("sqlite", folder / "lab.db") as url:
        fill(url)
        with docstore.connect(url) as store:
            for number in range(30):
                store.put("note", f"note {number} \x1b[31m", number)
            store.put("memo", "lines", "one\ntwo\x1b[31m")
        yield {"DOCSTORE_URL": url, "PAGER": "sed s/^/paged:/"}


def shown(words, environment, **options):
    code, text = docstore_on_terminal(*words, environment=environment, **options)
    assert code == 0, text
    return text


class TestATable:
    def test_has_a_bold_head_and_coloured_statuses(self, environment):
        text = shown(["trials", "cakes"], environment)

        assert "\x1b[1mtrial\x1b[0m" in text
        assert "\x1b[32mCOMPLETED\x1b[0m" in text

    @pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
    def test_has_no_colours_where_they_are_not_wanted(self, environment, variable):
        assert "\x1b" not in shown(["trials", "cakes"], {**environment, **variable})

    def test_is_as_wide_as_the_terminal(self, environment):
        lines = shown(["ls", "-k", "experiment"], environment, columns=40).splitlines()

        assert max(len(re.sub("\x1b.*?m", "", line)) for line in lines) <= 40
        assert "…" in lines[1]

    def test_says_that_there_is_nothing(self, environment):
        assert shown(["ls", "nothing"], environment) == "There are no such documents.\n"
        assert shown(["best", "cakes", "-r", "1"], environment) == (
            "The objective was measured on no arm; `docstore trials` shows what was measured.\n"
        )


def test_a_difference_is_green_where_something_was_added(environment):
    assert shown(["diff", "cakes"], environment).startswith("\x1b[32mtrial 2: added")


def test_a_text_as_it_is_has_its_lines_and_does_not_drive_the_terminal(environment):
    assert shown(["get", "lines", "-k", "memo", "--raw"], environment) == "one\ntwo\\x1b[31m\n"


class TestAnOutputThatDoesNotFit:
    def test_is_shown_by_the_pager(self, environment):
        lines = shown(["ls", "-k", "note"], environment).splitlines()

        assert {line.startswith("paged:") for line in lines} == {True}
        assert sum("note" in line for line in lines) == 31

    def test_is_not_if_it_fits(self, environment):
        assert "paged:" not in shown(["ls", "-k", "note"], environment, lines=60)

    def test_names_nothing_that_drives_the_terminal(self, environment):
        assert "\\x1b[31m" in shown(["ls", "-k", "note"], environment, lines=60)
        assert "\x1b[31m" not in shown(["ls", "-k", "note", "-o", "csv"], environment, lines=60)


class TestProgress:
    PROGRAM = (
        "from docstore.cli.progress import tracked\n"
        "for _ in tracked(range(3), 'documents', total=3, label='cakes'): pass"
    )

    def test_is_drawn_on_a_terminal_with_the_rate_and_the_time_left(self, environment):
        code, text = shown_on_terminal(self.PROGRAM, columns=120)

        assert code == 0
        plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text)
        assert re.search(r"cakes .* 3/3 documents [\d,.]+/s \d:\d\d:\d\d", plain)

    def test_is_silent_elsewhere(self, capfd):
        exec(self.PROGRAM, {})

        assert capfd.readouterr() == ("", "")
