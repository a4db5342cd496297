"""What a person reads after a mistake: one line that names it and says what to do; nothing is on stdout."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

import docstore
from docstore.cli.exits import SENTENCES, in_commands
from docstore.errors import (
    ConflictError,
    DatabaseError,
    DivergedError,
    DocumentExistsError,
    NameChangedError,
    OverwriteWarning,
    TagExistsError,
    VersionNotFoundError,
)


class TestAMistake:
    @pytest.fixture(autouse=True)
    def _files(self, lab, tmp_path):
        with docstore.connect(lab) as store:
            store.put("note", "oven", 1)
        (tmp_path / "folder.db").mkdir()
        (tmp_path / "text.db").write_text("no database " * 100)
        (tmp_path / "note.json").write_text('{"text": "rye",}')

    @pytest.mark.parametrize(
        ("line", "code", "told"),
        [
            ("log cake", 3, "Names like it: 'cakes'."),
            ("log n1", 3, "A note has this name: -k note."),
            ("trials n1", 3, "there is no experiment named 'n1'. A note has this name.\n"),
            ("log note -k n1", 3, "the name is first, and the kind follows -k."),
            ("ls -k nots", 2, "Known kinds: 'analysis_card', 'experiment', 'generation_strategy', 'note'."),
            ("log cakes -r 9", 3, "has no version 9 (it has 1 to 3). `docstore log cakes` lists the versions."),
            ("log cakes -r publishd", 3, "its tags: 'published'."),
            (
                "diff n1 oven -k note",
                2,
                "'n1' has no tag 'oven'. To compare it with the note 'oven', give --other oven",
            ),
            ("diff n1 ovens -k note", 3, "'n1' has no version tagged 'ovens'; it has no tags."),
            ("get cakes /trails/0", 3, "There is /trials."),
            ("get cakes /nothing", 3, "has nothing at /nothing. There is /auxiliary_experiments_by_purpose, /data, "),
            ("trials cakes --status FAILD", 2, "a trial has no status 'FAILD'. There is CANDIDATE, STAGED, FAILED,"),
            ("undelete cakes", 3, "no experiment named 'cakes' is deleted. It is stored, and not deleted."),
            ("diff cakes --file note.json", 3, "note.json: not JSON: trailing comma"),
            ("diff cakes --file nothing.json", 3, "nothing.json: there is no such file."),
            ("ls --url text.db", 3, "file is not a database. This file has another format: choose another path."),
            ("save folder.db", 3, "docstore: folder.db: Is a directory\n"),
            ("ls --url folder.db", 3, "folder.db: this is a folder. Give the path of a file in it."),
            ("init --url folder.db", 3, "folder.db: this is a folder. Give the path of a file in it."),
            ("import old.db", 3, "docstore: old.db: there is no such file."),
            ("rm cakes --url sqlite:///lab.db?mode=ro", 3, "To write, leave mode=ro out of the URL."),
            ("ls a b", 2, "(b). `docstore ls --help` shows how it is used."),
        ],
    )
    def test_is_one_line_that_says_what_to_do(self, docstore_cli, line, code, told):
        ended = docstore_cli(line)

        assert (ended.code, ended.out) == (code, "")
        assert ended.err.startswith("docstore: ")
        assert ended.err.count("\n") == 1
        assert told in ended.err


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
class TestAWrongPassword:
    def test_is_said_and_not_shown(self, docstore_cli, fresh_database, backend):
        url = sa.make_url(fresh_database(backend)).set(username="nobody", password="Gr4nd-m0ther")

        ended = docstore_cli("ls --url", url.render_as_string(hide_password=False))

        assert (ended.code, ended.out) == (3, "")
        assert ended.err.endswith("Check the user and the password in the URL.\n")
        assert "Gr4nd-m0ther" not in ended.err


class TestARemedyOfTheLibrary:
    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (
                DivergedError("cakes", kind="note", source=1, target=2),
                "`docstore export` and `docstore save --based-on N` merge it there, with the last version N that both "
                "have; or `docstore purge -k note cakes` in the target and copy again",
            ),
            (
                DocumentExistsError("a", kind="note", head=1, remedy="delete('a', kind='note') it there first."),
                "version 1. `docstore rm -k note a` there first.",
            ),
            (
                OverwriteWarning("a b", version=3, places=["/x"], kind="note"),
                "`docstore diff -k note 'a b' 2 3` shows it all, and `docstore revert -k note 'a b' 2` brings it back",
            ),
            (
                ConflictError("it's", yours=1, head=2, places=[]),
                "Run `docstore get 'it'\"'\"'s'`, which prints what is stored now, and make your change in that.",
            ),
            (VersionNotFoundError("-a\\", wanted=2, head=1), r"`docstore log -- '-a\'` lists the versions."),
            (VersionNotFoundError("a\nb  c", wanted=2, head=1), "`docstore log` lists the versions."),
            (DatabaseError("Project 'a b' has one: connect(..., project='a b')."), "has one: give --project 'a b'."),
            (DatabaseError(r"no such table: tag('\q')"), "no such table: `docstore tag`"),
            (DatabaseError("call rename('cakes', 'tarts') for that"), "run `docstore rename cakes tarts` for that"),
            (
                DatabaseError("or rename('a', ...) or delete('a') it first"),
                "or `docstore rename` or `docstore rm a` first",
            ),
            (TagExistsError("a(b)", "c", version=1, wanted=2), "or `docstore tag --move` to move it to version 2."),
            (DatabaseError("a time is missing. verify() says where."), "`docstore verify` says where."),
            (DatabaseError("best() ranks by one value. Compare them by observations()."), "`docstore trials`."),
            (DatabaseError("connect(..., artifacts='a b'), a folder"), "give --artifacts 'a b', a folder"),
            (DatabaseError("on_conflict='merge' would keep both"), "on_conflict='merge' would keep both"),
            (DatabaseError("only on_conflict='overwrite' is possible"), "only --overwrite is possible"),
            (NameChangedError("a", "b", kind="note"), "run `docstore rename -k note a b` first; "),
            (NameChangedError("a", "b", kind="note"), "call save(..., as_new=True)."),
        ],
    )
    def test_is_a_command(self, error, told):
        assert told in in_commands(str(error))

    @pytest.mark.parametrize("sentence", SENTENCES)
    def test_is_still_what_the_library_says(self, sentence):
        assert sentence in _said_by_the_library()


@pytest.mark.usefixtures("lab")
class TestAUsersText:
    """What is quoted in a message stays as it is, though it looks like a call of the library."""

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("get", "kind='x'", "-k", "note"), """there is no note named "kind='x'"."""),
            (("rename", "verify() run", "y"), "there is no experiment named 'verify() run'."),
            (("get", "a \"'s save()"), "there is no experiment named 'a \"\\'s save()'."),
            (("sql", 'select * from "verify()"'), "no such table: verify()."),
            (("diff", "cakes", "--file", "save(1).json"), "save(1).json: there is no such file."),
        ],
    )
    def test_is_not_taken_for_a_remedy(self, docstore_cli, words, told):
        assert told in docstore_cli("", *words).err


@cache
def _said_by_the_library() -> str:
    """Return the source of the library, with texts of several lines as one."""
    sources = Path(docstore.__file__).parent.rglob("*.py")
    return "".join(re.sub(r'"\n\s+f?"', "", path.read_text()) for path in sources if path.name != "exits.py")


def test_two_equals_signs_are_one(docstore_cli, lab):
    assert docstore_cli("ls -q --where /text==rye").out == "n1\n"
