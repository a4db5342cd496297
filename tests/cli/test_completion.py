"""What a shell completes: commands, options, names of documents; and the scripts for shells."""

from __future__ import annotations

import pytest

from docstore.cli.main import run


@pytest.fixture
def completed(monkeypatch, capsys):
    """What completes a line, as bash asks for it: ``completed("docstore l")``."""

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_DOCSTORE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
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

    @pytest.mark.usefixtures("lab")
    def test_is_of_the_kind_that_is_given(self, completed):
        assert completed("docstore show -k note ") == ["n1"]

    def test_is_completed_from_the_database_that_is_given(self, completed, lab, monkeypatch):
        monkeypatch.delenv("DOCSTORE_URL")

        assert completed(f"docstore --url {lab} show ca") == ["cakes"]

    def test_is_nothing_without_a_database(self, completed, capsys):
        assert completed("docstore show ca") == []
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "words", ["save", "import", "export", "backup", "report cakes -o", "plot cakes -o", "copy --to"]
)
def test_files_are_left_to_the_shell(words, monkeypatch, capsys, completed):
    completed("")
    monkeypatch.setenv("COMP_WORDS", f"docstore {words} ca")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) + 1))
    run([])

    assert capsys.readouterr().out == "file,ca\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell, monkeypatch, capsys):
    monkeypatch.setenv("_DOCSTORE_COMPLETE", f"{shell}_source")

    assert run([]) == 0
    assert "_DOCSTORE_COMPLETE" in capsys.readouterr().out
