"""The commands that change documents: save, edit, rename, rm, undelete and purge."""

from __future__ import annotations

import json
import re

import pytest
from terminal import docstore_on_terminal

import docstore

pytestmark = pytest.mark.usefixtures("lab")


def objects(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


class TestRename:
    def test_gives_another_name(self, docstore_cli):
        assert docstore_cli("rename cakes 'apple/pie 1' -m 'a better name'") == (
            0,
            "",
            "'cakes' is 'apple/pie 1' now, at version 4\n",
        )
        assert docstore_cli("log 'apple/pie 1' -o jsonl --limit 1").out.count("a better name") == 1

    def test_does_not_take_a_name_that_is_in_use(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.branch("cakes", "pies")

        ended = docstore_cli("rename cakes pies")

        assert ended.code == 3
        assert ended.err.endswith("Choose another name, or `docstore rename` or `docstore rm pies` first.\n")


class TestRm:
    def test_deletes_so_that_it_can_be_undone(self, docstore_cli):
        gone = docstore_cli("rm n1 -k note")
        listed = docstore_cli("ls -q --deleted").out
        back = docstore_cli("undelete n1 -k note")

        assert gone == (0, "", "'n1' is deleted; `docstore undelete` brings it back\n")
        assert listed == "n1\n"
        assert back == (0, "", "'n1' is back\n")
        assert docstore_cli("ls -q -k note").out == "n1\n"

    def test_names_the_one_that_was_meant(self, docstore_cli):
        assert docstore_cli("rm caks").err.startswith(
            "docstore: there is no experiment named 'caks'. Names like it: 'cak"
        )
        assert "A note has this name: -k note." in docstore_cli("rm n1").err


class TestUndelete:
    def test_waits_until_the_name_is_free(self, docstore_cli, lab):
        docstore_cli("rm n1 -k note")
        with docstore.connect(lab) as store:
            store.put("note", "n1", "another")

        ended = docstore_cli("undelete n1 -k note")

        assert ended.code == 3
        assert ended.err.endswith("`docstore rename` or `docstore rm -k note n1` before `docstore undelete`.\n")

    def test_of_what_is_not_deleted_says_so(self, docstore_cli):
        assert docstore_cli("undelete cakes").err.endswith("It is stored, and not deleted.\n")


class TestPurge:
    def test_removes_a_document_and_its_history(self, docstore_cli):
        assert docstore_cli("purge cakes --yes") == (0, "", "'cakes' is removed for good\n")
        assert docstore_cli("ls -q").out == "n1\n"
        assert docstore_cli("undelete cakes").code == 3

    def test_needs_a_yes_where_nobody_can_be_asked(self, docstore_cli, unchanged):
        ended = docstore_cli("purge cakes")

        assert ended.code == 2
        assert "Remove the experiment 'cakes' for good, with all its 3 versions? There is no terminal" in ended.err
        assert unchanged()

    def test_of_nothing_asks_nothing(self, docstore_cli):
        assert docstore_cli("purge caks").code == 3

    @pytest.mark.parametrize(
        ("typed", "code", "names"), [("y\n", 0, "n1\n"), ("n\n", 1, "cakes\nn1\n"), ("\n", 1, "cakes\nn1\n")]
    )
    def test_asks_on_a_terminal(self, docstore_cli, lab, typed, code, names):
        ended, shown = docstore_on_terminal("purge", "cakes", typed=typed, environment={"DOCSTORE_URL": lab})

        assert ended == code
        assert "Remove the experiment 'cakes' for good, with all its 3 versions? [y/N]" in shown
        assert docstore_cli("ls -q").out == names

    def test_says_that_it_was_deleted_already(self, docstore_cli):
        docstore_cli("rm n1 -k note")

        assert re.search(
            r"with its only version \(it was deleted on \d{4}-\d\d-\d\d\)\?", docstore_cli("purge n1 -k note").err
        )


class TestADryRun:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("rename cakes pies", "'cakes' is 'pies' now, at version 4"),
            ("rm cakes", "'cakes' is deleted; `docstore undelete` brings it back"),
            ("purge cakes", "'cakes' is removed for good"),
        ],
    )
    def test_says_what_would_be_and_writes_nothing(self, docstore_cli, unchanged, line, told):
        assert docstore_cli(f"{line} -n") == (0, "", f"Dry run, nothing is written; otherwise: {told}\n")
        assert unchanged()

    def test_of_undelete(self, docstore_cli):
        docstore_cli("rm cakes")

        assert docstore_cli("undelete cakes -n").err == "Dry run, nothing is written; otherwise: 'cakes' is back\n"
        assert docstore_cli("ls -q").out == "n1\n"
