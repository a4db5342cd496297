"""Ctrl-C at a chosen moment, in a process of its own: nothing is half done, and the same command can be given again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import forked
import pytest

PROGRAM = """
import json, os, signal, sys
import sqlalchemy as sa

os.environ.update(json.loads(sys.argv.pop(1)))
sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)
signal.signal(signal.SIGINT, signal.default_int_handler)
moment, *sys.argv[1:] = sys.argv[1:]

def press(text):
    if moment in text and not pressed:
        pressed.append(text)
        os.kill(os.getpid(), signal.SIGINT)

pressed = []
sys.addaudithook(lambda event, arguments: event == "os.rename" and press(f"rename to {arguments[1]}"))
sys.addaudithook(lambda event, arguments: event == "sqlite3.connect" and press("connect"))
sa.event.listen(sa.Engine, "after_cursor_execute", lambda connection, cursor, statement, *more: press(statement))

from docstore.__main__ import main
code = main()
print(f"\\n{code}" if pressed else "Ctrl-C was not pressed")
"""
"""Press Ctrl-C before a file is opened by SQLite, or renamed, or after an SQL statement with a text in it."""


def interrupted(moment: str, line: str) -> tuple[str, str]:
    """Run a command; return what it printed, and on stderr. It must end with 130."""
    out, err = forked.run(PROGRAM, json.dumps(dict(os.environ)), moment, *line.split())
    out, _, code = out.rstrip().rpartition("\n")
    assert code == "130", (out, code, err)
    return out, err


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("export {}", "all.jsonl.gz"),
        ("report cakes -o {}", "all.html"),
        ("plot cakes -o {}", "all.png"),
        ("backup {} -y", "all.sqlite3"),
    ],
)
@pytest.mark.usefixtures("lab")
def test_a_file_that_is_written_is_as_it_was_before(tmp_path, line, name):
    file = tmp_path / name
    file.write_text("old")

    assert interrupted(f"rename to {file}", line.format(name)) == ("", "")

    assert file.read_text() == "old"
    assert list(tmp_path.glob(".*.tmp")) == []


@pytest.mark.usefixtures("lab")
def test_a_folder_has_whole_files(docstore_cli, tmp_path):
    assert interrupted(f"rename to {tmp_path}", "export all") == ("", "")

    assert [path for path in (tmp_path / "all").rglob("*") if path.is_file()] == []
    assert docstore_cli("export all").err == "all: 2 documents written.\n"


@pytest.mark.parametrize(
    ("moment", "line"), [("INSERT INTO names", "copy --to all.db"), ("INSERT INTO versions", "export all.db")]
)
@pytest.mark.usefixtures("lab")
def test_a_copy_is_completed_by_the_next_one(docstore_cli, moment, line):
    assert interrupted(moment, line) == ("", "")

    assert docstore_cli("verify --url all.db").code == 0
    assert docstore_cli(line).code == 0
    assert docstore_cli("verify --url all.db").code == 0
    assert docstore_cli("log cakes -o json --url all.db").out == docstore_cli("log cakes -o json").out


def test_a_compaction_is_none(unchanged):
    assert interrupted("UPDATE", "compact cakes --keep 1 -y") == ("", "")

    assert unchanged()


def test_a_verification_finds_nothing(unchanged):
    assert interrupted("FROM versions", "verify") == ("", "")

    assert unchanged()


@pytest.mark.usefixtures("lab")
def test_a_list_ends_in_the_middle():
    assert interrupted("FROM documents", "ls") == ("", "")


def test_an_edited_text_is_kept(unchanged, monkeypatch):
    monkeypatch.setenv("EDITOR", "sed -i s/rye/spelt/")

    out, err = interrupted("UPDATE", "edit n1 -k note")

    assert (out, unchanged()) == ("", True)
    draft = Path(err.strip().removeprefix("What you wrote is in "))
    assert "spelt" in draft.read_text()
    draft.unlink()


@pytest.mark.usefixtures("lab")
def test_a_completion_says_nothing(monkeypatch):
    monkeypatch.setenv("_DOCSTORE_COMPLETE", "zsh_complete")

    assert interrupted("connect", "show ca") == ("", "")


@pytest.mark.usefixtures("lab")
def test_a_reader_that_goes_ends_a_list_silently():
    """Like ``docstore ls | head -0``."""
    command = [str(Path(sys.executable).with_name("docstore")), "ls"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()

        assert (process.stderr.read(), process.wait()) == (b"", 141)
