"""``docstore`` as a process of its own: what a shell sees of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from labs import fill

import docstore

PROGRAM = str(Path(sys.executable).with_name("docstore"))


def ran(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False, **options)


@pytest.fixture
def big(fresh_database, monkeypatch) -> str:
    """A note of more than a pipe holds."""
    url: str = fresh_database("sqlite")
    with docstore.connect(url) as store:
        store.put("note", "long", ["rye"] * 100_000)
    monkeypatch.setenv("DOCSTORE_URL", url)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, Python loses what a short write leaves
    return url


class TestOnEachDatabase:
    @pytest.fixture
    def url(self, database):
        fill(database)
        return database

    def test_documents_are_listed(self, url):
        ended = ran("ls", "-o", "jsonl", "--url", url)

        assert ended.stderr == ""
        assert [json.loads(line)["name"] for line in ended.stdout.splitlines()] == ["cakes", "n1"]

    def test_it_can_be_asked_in_sql_and_changes_nothing(self, url):
        asked = ran("sql", 'SELECT name, best_value AS "100%" FROM experiments', "-o", "csv", "--url", url)
        refused = ran("sql", "DELETE FROM documents", "--url", url)
        after_a_commit = ran("sql", "COMMIT; DELETE FROM documents", "--url", url)

        assert (asked.stdout, asked.stderr) == ("name,100%\ncakes,0.75\n", "")
        assert (refused.returncode, refused.stdout) == (3, "")
        assert re.search("read.?only", refused.stderr, re.IGNORECASE)
        assert (after_a_commit.returncode, after_a_commit.stdout) == (3, "")
        assert ran("sql", "SELECT count(*) AS n FROM trials;", "-o", "csv", "--url", url).stdout == "n\n3\n"


class TestAsAModule:
    def test_is_the_same_program(self):
        ended = subprocess.run(
            [sys.executable, "-m", "docstore", "--version"], capture_output=True, text=True, check=True
        )

        assert ended.stdout == ran("--version").stdout == "docstore 0.1.0\n"

    def test_without_click_says_what_to_install(self, tmp_path, monkeypatch):
        (tmp_path / "click.py").write_text("raise ModuleNotFoundError(name='click')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        ended = subprocess.run([sys.executable, "-m", "docstore", "ls"], capture_output=True, text=True, check=False)

        assert (ended.returncode, ended.stderr) == (
            3,
            "docstore: the command line needs click: pip install 'docstore[cli]'\n",
        )


class TestWhatIsImported:
    """In place of a time: the library takes ten times as long to import as all the rest."""

    @pytest.mark.parametrize("words", [["--help"], ["--version"], ["ls", "--help"], ["lss"]])
    def test_for_help_is_nothing_of_the_library(self, words):
        assert imported_for(words) == {"docstore", "docstore.cli"}

    @pytest.mark.usefixtures("lab")
    @pytest.mark.parametrize("line", ["docstore l", "docstore show ca", "docstore show -k no"])
    def test_for_completion_is_nothing_of_the_library(self, monkeypatch, line):
        monkeypatch.setenv("_DOCSTORE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_WORDBREAKS", " ")

        assert imported_for([]) == {"docstore", "docstore.cli"}


def imported_for(words: list[str]) -> set[str]:
    """Return the packages of docstore that a command imports, and any other that takes long."""
    program = "import sys; from docstore.__main__ import main; main(); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    modules = ended.stderr.splitlines()[-1].split()
    return {
        ".".join(module.split(".")[:2])
        for module in modules
        if module.partition(".")[0] in ("docstore", "sqlalchemy", "rich", "orjson", "pandas", "tomllib")
    } - {"docstore.__main__"}


def test_the_cycle_collector_leaves_the_modules_of_a_command_alone(lab):
    """In place of a time: it would take a quarter of that of `docstore ls`."""
    program = (
        "import gc; from docstore.__main__ import main; before = gc.get_stats(); main(); "
        "print(gc.get_stats() == before, gc.get_freeze_count() > 10_000)"
    )
    ended = subprocess.run([sys.executable, "-c", program, "ls", "-q"], capture_output=True, text=True, check=True)

    assert ended.stdout == "cakes\nn1\nTrue True\n"


class TestAPipeThatIsClosed:
    def test_ends_it_silently(self, big):
        with subprocess.Popen(
            [PROGRAM, "get", "long", "-k", "note"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            process.stdout.read(1)
            process.stdout.close()

            assert (process.stderr.read(), process.wait()) == (b"", 141)


class TestAStandardStreamThatIsMissing:
    """The process was started without it, as a service may be."""

    @pytest.mark.parametrize(
        ("line", "code", "told"),
        [
            ("save - n1 -k note <&- >&-", 3, "docstore: the standard input: not JSON: "),
            ("show nothing 2>&-", 3, ""),
        ],
    )
    def test_is_as_if_it_were_the_null_device(self, lab, line, code, told):
        ended = subprocess.run(f"'{PROGRAM}' {line}", shell=True, capture_output=True, text=True, check=False)

        assert (ended.returncode, ended.stdout) == (code, "")
        assert ended.stderr.startswith(told)


class TestMessagesThatNobodyReads:
    def test_leave_the_exit_code_as_it_is(self, lab):
        reader, writer = os.pipe()
        os.close(reader)

        ended = subprocess.run([PROGRAM, "verify"], stderr=writer, check=False)

        os.close(writer)
        assert ended.returncode == 0


class TestCtrlC:
    def test_ends_it_with_130_and_says_nothing(self, big):
        with subprocess.Popen(
            [PROGRAM, "get", "long", "-k", "note"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            process.stdout.read(1)  # it is in the middle of writing, since the pipe is full
            process.send_signal(signal.SIGINT)
            process.stdout.close()

            assert (process.stderr.read(), process.wait()) == (b"", 130)


class TestAnErrorWithItsTrace:
    def test_shows_no_password(self):
        url = "postgresql://ada:Gr4nd-m0ther@localhost:1/lab"

        ended = ran("ls", "--debug", "--url", url)

        assert ended.returncode == 3
        assert "Traceback" in ended.stderr
        assert "Gr4nd-m0ther" not in ended.stderr

    def test_is_one_line_without_debug(self):
        ended = ran("ls", "--url", "postgresql://ada:Gr4nd-m0ther@localhost:1/lab")

        assert ended.stderr.startswith("docstore: postgresql+psycopg2://ada:***@localhost:1/lab: ")
        assert ended.stderr.count("\n") == 1


class TestAnEncodingThatLacksACharacter:
    def test_gets_an_escape_in_its_place(self, fresh_database, monkeypatch):
        url = fresh_database("sqlite")
        with docstore.connect(url) as store:
            store.put("note", "日本", 1)
        monkeypatch.setenv("PYTHONIOENCODING", "ascii")

        assert ran("ls", "-q", "--url", url).stdout == "\\u65e5\\u672c\n"


class TestChangesOnEachDatabase:
    @pytest.fixture
    def url(self, database):
        fill(database)
        return database

    def test_a_branch_is_edited_and_merged(self, url, tmp_path):
        note = tmp_path / "note.json"
        note.write_text('{"text": "spelt", "sizes": {"__type": "tuple", "items": [1, 2]}}')

        done = [
            ran("branch", "n1", "n2", "-k", "note", "--url", url),
            ran("save", str(note), "n2", "-k", "note", "--based-on", "2", "--url", url),
            ran("merge", "n2", "n1", "-k", "note", "--url", url),
            ran("branch", "n1", "-k", "note", "-o", "csv", "--url", url),
        ]

        assert [(each.returncode, each.stdout, each.stderr) for each in done] == [
            (0, "", "'n2' begins at version 1 of 'n1'\n"),
            (0, "", "'n2' is at version 3 now\n"),
            (0, "", "'n1' is at version 2 now\n"),
            (0, "branch,from_version\nn2,1\n", ""),
        ]
        with docstore.connect(url) as store:
            assert store.get("n1", kind="note") == {"text": "spelt", "sizes": (1, 2)}

    def test_a_dry_run_changes_nothing(self, url):
        lines = ["purge n1 -k note", "rename cakes pies", "revert cakes 1", "tag cakes best", "rm cakes"]

        done = [ran(*line.split(), "--dry-run", "--url", url) for line in lines]

        assert {(each.returncode, each.stderr[:8]) for each in done} == {(0, "Dry run,")}
        with docstore.connect(url) as store:
            assert [(info.name, info.version) for info in store.find()] == [("cakes", 3), ("n1", 1)]
            assert store.tags("cakes") == {"published": 2}
            assert store.verify() == []
