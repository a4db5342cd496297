"""What a shell completes: commands, options, names of documents; and the scripts for shells."""

from __future__ import annotations

import pytest

import docstore
from docstore.cli.main import run


@pytest.fixture
def completed(monkeypatch, capsys):
    """What completes a line, as bash asks for it: ``completed("docstore l")``."""

    def completed(line: str) -> list[str]:
        monkeypatch.setenv("_DOCSTORE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_WORDBREAKS", " \t\n\"'@><=;|&(:")
        run([])
        return [each.partition(",")[2] for each in capsys.readouterr().out.split()]

    return completed


def test_commands_are_completed(completed):
    assert completed("docstore l") == ["ls", "log"]


def test_options_are_completed(completed):
    assert completed("docstore ls --wh") == ["--where"]
    assert completed("docstore --pro") == ["--project"]


def test_formats_are_completed(completed):
    assert completed("docstore ls -o js") == ["json", "jsonl"]


class TestANameOfADocument:
    @pytest.mark.usefixtures("lab")
    def test_is_completed_from_the_database(self, completed):
        assert completed("docstore show ca") == ["cakes"]
        assert completed("docstore ls ca") == ["cakes"]

    @pytest.mark.usefixtures("lab")
    def test_is_of_the_kind_that_is_given(self, completed):
        assert completed("docstore show -k note ") == ["n1"]

    def test_is_completed_from_the_database_that_is_given(self, completed, lab, monkeypatch):
        monkeypatch.delenv("DOCSTORE_URL")

        assert completed(f"docstore --url {lab} show ca") == ["cakes"]

    def test_is_completed_where_the_store_must_be_asked(self, completed, lab, monkeypatch):
        monkeypatch.setenv("DOCSTORE_URL", f"{lab}?timeout=5")

        assert completed("docstore show ca") == ["cakes"]
        assert completed("docstore show -k ") == ["experiment", "note"]

    def test_is_a_deleted_one_for_undelete(self, completed, lab):
        with docstore.connect(lab) as store:
            store.delete("cakes")

        assert completed("docstore undelete ") == ["cakes"]
        assert completed("docstore undelete -k note ") == []
        assert completed("docstore show ") == []

    @pytest.mark.parametrize("quote", ['"', "'"])
    def test_is_not_completed_in_quotes_in_which_it_cannot_be_written(self, completed, lab, quote):
        with docstore.connect(lab) as store:
            store.put("note", "that's it!", 1)

        assert completed(f"docstore show -k note {quote}th") == []

    def test_is_nothing_without_a_database(self, completed, capsys):
        assert completed("docstore show ca") == []
        assert capsys.readouterr().err == ""


class TestAVersion:
    """The experiment has the tags published and 2026, the note of its name has another one."""

    @pytest.fixture(autouse=True)
    def _tags(self, lab):
        with docstore.connect(lab) as store:
            store.tag("cakes", "2026")
            store.put("note", "cakes", 1)
            store.tag("cakes", "plain", kind="note")

    def test_is_completed_by_the_tags_of_the_document(self, completed):
        assert completed("docstore get cakes -r pu") == ["published"]
        assert completed("docstore get cakes -k note -r ") == ["plain"]
        assert completed("docstore get nothing -r ") == []

    def test_is_completed_where_it_is_an_argument(self, completed):
        assert completed("docstore diff cakes 1 p") == ["published"]
        assert completed("docstore revert cakes pub") == ["published"]

    def test_is_completed_as_it_is_written(self, completed):
        assert sorted(completed("docstore get cakes -r ")) == ["published", r"tag\:2026"]

    def test_is_completed_where_the_store_must_be_asked(self, completed, lab, monkeypatch):
        monkeypatch.setenv("DOCSTORE_URL", f"{lab}?timeout=5")

        assert completed("docstore get cakes -r pu") == ["published"]


@pytest.mark.usefixtures("lab")
def test_kinds_are_completed(completed):
    assert completed("docstore ls -k ") == ["experiment", "note"]
    assert completed("docstore show -k no") == ["note"]


@pytest.mark.parametrize(
    "words", ["save", "import", "export", "backup", "report cakes -o", "plot cakes -o", "copy --to"]
)
def test_files_are_left_to_the_shell(words, monkeypatch, capsys, completed):
    completed("")
    monkeypatch.setenv("COMP_WORDS", f"docstore {words} ca")
    run([])

    assert capsys.readouterr().out == "file,ca\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell, monkeypatch, capsys):
    monkeypatch.setenv("_DOCSTORE_COMPLETE", f"{shell}_source")

    assert run([]) == 0
    assert "_DOCSTORE_COMPLETE" in capsys.readouterr().out
