"""The commands that name versions and bring branches together: tag, branch, merge, revert and blame."""

from __future__ import annotations

import json

import pytest

import docstore

pytestmark = pytest.mark.usefixtures("lab")


def objects(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


class TestTag:
    def test_names_the_newest_version(self, docstore_cli):
        assert docstore_cli("tag cakes best") == (0, "", "'best' is version 3 of 'cakes'\n")
        assert objects(docstore_cli("tag cakes -o jsonl").out) == [
            {"tag": "published", "version": 2},
            {"tag": "best", "version": 3},
        ]

    @pytest.mark.parametrize("revision", ["1", "2001-01-01", "published"])
    def test_names_another_one(self, docstore_cli, lab, revision):
        with docstore.connect(lab) as store:
            store.tag("cakes", "published", 1, move=True)

        ended = docstore_cli(f"tag cakes early {revision}")

        assert ended.code == (3 if revision.startswith("2001") else 0)
        assert docstore_cli("tag cakes -q").out.split() == (["published"] if ended.code else ["early", "published"])

    def test_is_moved_only_if_one_says_so(self, docstore_cli):
        refused = docstore_cli("tag cakes published")
        moved = docstore_cli("tag cakes published --move")

        assert (refused.code, refused.out) == (3, "")
        assert (
            "at version 2, not 3. Choose another tag, or `docstore tag --move` to move it to version 3." in refused.err
        )
        assert moved.err == "'published' is version 3 of 'cakes'\n"

    def test_is_removed(self, docstore_cli):
        assert docstore_cli("tag cakes published -d").err == "'cakes' has no tag 'published' any more\n"
        assert docstore_cli("tag cakes").out == ""

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("--delete", "--delete needs a tag: docstore tag NAME TAG --delete."),
            ("--move", "--move needs a tag"),
            ("published 2 --delete", "Give --delete alone."),
            ("publishd --delete", "The tags of 'cakes' are: 'published'."),
        ],
    )
    def test_says_what_is_missing(self, docstore_cli, words, told):
        ended = docstore_cli(f"tag cakes {words}")

        assert ended.code == 2
        assert told in ended.err

    def test_of_any_text_drives_no_terminal(self, docstore_cli):
        ended = docstore_cli("tag", "cakes", "\x1b[31m a/b")

        assert ended.err == "'\\x1b[31m a/b' is version 3 of 'cakes'\n"
        assert docstore_cli("tag cakes -q").out.splitlines() == ["published", "\\x1b[31m a/b"]


class TestBranch:
    def test_begins_at_a_version(self, docstore_cli, lab):
        ended = docstore_cli("branch cakes pies published -m 'without cinnamon' --author bob")

        assert ended == (0, "", "'pies' begins at version 2 of 'cakes'\n")
        with docstore.connect(lab) as store:
            assert (store.version("pies").author, store.version("pies").message) == ("bob", "without cinnamon")

    def test_is_listed(self, docstore_cli):
        docstore_cli("branch cakes pies")
        docstore_cli("branch cakes 'apple/pie 1' 1")

        assert objects(docstore_cli("branch cakes -o jsonl").out) == [
            {"branch": "apple/pie 1", "from_version": 1},
            {"branch": "pies", "from_version": 3},
        ]

    def test_has_a_name_of_its_own(self, docstore_cli):
        ended = docstore_cli("branch cakes cakes")

        assert (ended.code, ended.out) == (3, "")
        assert ended.err.endswith("Choose another name for the branch.\n")

    def test_of_a_kind(self, docstore_cli):
        assert docstore_cli("branch n1 n2 -k note").code == 0
        assert docstore_cli("branch n1 -q -k note").out == "n2\n"


class TestADryRun:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("tag cakes best", "'best' is version 3 of 'cakes'"),
            ("tag cakes published -d", "'cakes' has no tag 'published' any more"),
            ("branch cakes pies", "'pies' begins at version 3 of 'cakes'"),
        ],
    )
    def test_says_what_would_be_and_writes_nothing(self, docstore_cli, unchanged, line, told):
        assert docstore_cli(f"{line} -n") == (0, "", f"Dry run, nothing is written: {told}\n")
        assert unchanged()

    def test_finds_what_would_fail(self, docstore_cli, unchanged):
        assert docstore_cli("tag cakes published -n").code == 3
        assert unchanged()

    def test_makes_no_database(self, docstore_cli, tmp_path):
        assert docstore_cli("tag cakes best -n --url sqlite:///typo.db").code == 3
        assert not (tmp_path / "typo.db").exists()


class TestTheAuthor:
    @pytest.mark.parametrize(("option", "author"), [("", "carl"), ("--author dora", "dora")])
    def test_is_that_of_the_option_or_else_of_the_variable(self, docstore_cli, lab, monkeypatch, option, author):
        monkeypatch.setenv("DOCSTORE_AUTHOR", "carl")

        docstore_cli(f"branch cakes pies {option}")

        with docstore.connect(lab) as store:
            assert store.version("pies").author == author

    def test_is_the_user_without_either(self, docstore_cli, lab, monkeypatch):
        monkeypatch.setenv("LOGNAME", "erna")

        docstore_cli("branch cakes pies")

        with docstore.connect(lab) as store:
            assert store.version("pies").author == "erna"
