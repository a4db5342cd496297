"""The commands that name versions and bring branches together: tag, branch, merge, revert and blame."""

from __future__ import annotations

import json

import pytest

import docstore
from docstore.cli.versions.merge import Decisions
from docstore.errors import Conflict

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

    def test_that_reads_like_a_time_is_set(self, docstore_cli):
        ended = docstore_cli("tag cakes 2026-13-01 1")

        assert ended == (0, "", "'2026-13-01' is version 1 of 'cakes'; as a version, it is written tag:2026-13-01\n")
        assert docstore_cli("get cakes /trials -r tag:2026-13-01").out == "{}\n"

    @pytest.mark.parametrize("written", ["7", "tag:7"])
    def test_that_reads_as_a_number_is_written_so_that_it_can_be_told_from_one(self, docstore_cli, written):
        ended = docstore_cli(f"tag cakes {written} 1")

        assert ended.err == "'7' is version 1 of 'cakes'; as a version, it is written tag:7\n"
        assert docstore_cli("get cakes /trials -r tag:7").out == "{}\n"

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
        assert docstore_cli(f"{line} -n") == (0, "", f"Dry run, nothing is written; otherwise: {told}\n")
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


class TestRevert:
    @pytest.mark.parametrize("revision", ["2", "published"])
    def test_makes_an_older_state_the_newest_version(self, docstore_cli, revision):
        ended = docstore_cli(f"revert cakes {revision} -m 'too hot'")

        assert ended == (0, "", "'cakes' is at version 4 now\n")
        assert docstore_cli("diff cakes 2 4").out == ""
        assert objects(docstore_cli("log cakes -o jsonl").out)[0]["message"] == "too hot"

    def test_to_what_it_is_makes_no_version(self, docstore_cli):
        assert docstore_cli("revert cakes 3").err == "'cakes' is at version 3, nothing changed\n"

    def test_names_the_versions_that_there_are(self, docstore_cli):
        ended = docstore_cli("revert cakes 9")

        assert (ended.code, ended.err) == (
            3,
            "docstore: document 'cakes' has no version 9 (it has 1 to 3). `docstore log cakes` lists the versions.\n",
        )


class TestBlame:
    def test_lists_the_changes_of_a_value(self, docstore_cli, lab):
        with docstore.connect(lab, author="bob") as store:
            cakes = store.load("cakes")
            cakes.trials[2].mark_failed()
            store.save(cakes, message="burnt")

        rows = objects(docstore_cli("blame cakes /trials/2/status -o jsonl").out)

        assert [(row["version"], row["by"], row["message"], row["was"], row["became"]) for row in rows] == [
            (4, "bob", "burnt", "RUNNING", "FAILED"),
            (3, "ada", "", None, "RUNNING"),
        ]

    def test_lists_who_changed_each_member_last(self, docstore_cli):
        rows = {str(row["pointer"]): row["version"] for row in objects(docstore_cli("blame cakes -o jsonl").out)}

        assert rows["/search_space"] == 1
        assert [rows[f"/trials/{trial}"] for trial in range(3)] == [2, 2, 3]
        assert "/__type" not in rows

    def test_is_of_the_version_that_is_asked_for(self, docstore_cli):
        rows = {str(row["pointer"]): row["version"] for row in objects(docstore_cli("blame cakes -r 2 -o jsonl").out)}

        assert (rows["/trials/1"], rows.get("/trials/2")) == (2, None)
        assert docstore_cli("blame cakes /trials/1/status -r 1 -q").out == ""
        assert docstore_cli("blame cakes /trials/1/status -r published -q").out == "2\n"

    def test_lists_members_of_any_document(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.put("note", "n1", {"text": "spelt", "sizes": (1, 2)})

        assert [row["version"] for row in objects(docstore_cli("blame n1 -k note -o jsonl").out)] == [1, 2]

    def test_tells_a_null_from_no_value(self, docstore_cli):
        docstore_cli("revert cakes 1")

        assert docstore_cli("blame cakes /description -o csv").out.splitlines()[1].endswith(",ada,first,,null")

    def test_of_nothing_is_nothing(self, docstore_cli):
        assert docstore_cli("blame cakes /nothing") == (0, "", "")

    @pytest.mark.parametrize(("line", "lines"), [("blame cakes --limit 2", 2), ("blame cakes /status --limit 1", 1)])
    def test_lists_as_many_as_are_asked_for(self, docstore_cli, line, lines):
        assert len(docstore_cli(f"{line} -q").out.split()) == lines


def with_description(store: docstore.Store, name: str, description: str) -> None:
    experiment = store.load(name)
    experiment.description = description
    store.save(experiment)


class TestMerge:
    def test_brings_what_was_changed_in_a_branch(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.branch("cakes", "pies")
            with_description(store, "pies", "sour")

        assert docstore_cli("merge pies cakes") == (0, "", "'cakes' is at version 4 now\n")
        assert docstore_cli("get cakes /description --raw").out == "sour\n"

    def test_of_what_is_there_already_makes_no_version(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.branch("cakes", "pies")

        assert docstore_cli("merge pies cakes").err == "'cakes' is at version 3, nothing changed\n"

    def test_of_documents_that_have_nothing_in_common_is_refused(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.put("note", "n2", 1)

        ended = docstore_cli("merge n1 n2 -k note")

        assert ended.code == 2
        assert "`docstore branch` makes documents that have one." in ended.err


class TestAMergeOfWhatBothChanged:
    @pytest.fixture(autouse=True)
    def _both(self, lab):
        """Both changed the description, and a property; the branch has a third change."""
        with docstore.connect(lab) as store:
            store.branch("cakes", "pies")
            for name, taste in (("cakes", "sweet"), ("pies", "sour")):
                experiment = store.load(name)
                experiment.description = taste
                experiment.properties["taste"] = taste
                experiment.properties[name] = True
                store.save(experiment)

    @pytest.fixture
    def editor(self, monkeypatch, tmp_path):
        """Make the editor a program that replaces a text by another one in each file."""

        def editor(old: str, new: str) -> None:
            monkeypatch.setenv("VISUAL", f"sed -i 's|{old}|{new}|'")
            monkeypatch.setenv("TMPDIR", str(tmp_path))
            monkeypatch.setattr("tempfile.tempdir", None)

        return editor

    def test_lists_the_places_with_their_three_values(self, docstore_cli, unchanged):
        ended = docstore_cli("merge pies cakes -o jsonl")

        assert ended.code == 1
        assert objects(ended.out) == [
            {"pointer": "/description", "base": None, "mine": "sour", "theirs": "sweet"},
            {"pointer": "/properties/taste", "base": None, "mine": "sour", "theirs": "sweet"},
        ]
        assert ended.err.endswith(
            "both changed /description, /properties/taste. Change one of them, or decide by `docstore merge` with "
            "--ours, --theirs or --edit, or with --ours '' to take all of 'pies'.\n"
        )
        assert unchanged()

    def test_takes_the_side_that_is_named_for_a_place(self, docstore_cli):
        ended = docstore_cli("merge pies cakes --ours '' --theirs /properties")

        assert ended == (0, "", "'cakes' is at version 5 now\n")
        assert docstore_cli("get cakes /description --raw").out == "sour\n"
        assert json.loads(docstore_cli("get cakes /properties").out) == {"taste": "sweet", "cakes": True, "pies": True}

    def test_lists_what_is_left(self, docstore_cli, unchanged):
        ended = docstore_cli("merge pies cakes --ours /description -o jsonl")

        assert ended.code == 1
        assert [row["pointer"] for row in objects(ended.out)] == ["/properties/taste"]
        assert unchanged()

    @pytest.mark.parametrize("pointer", ["/descriptio", "/description/x"])
    def test_refuses_a_pointer_at_which_nothing_conflicts(self, docstore_cli, unchanged, pointer):
        ended = docstore_cli(f"merge pies cakes --theirs {pointer}")

        assert ended.code == 2
        assert f"'{pointer}' leads to no conflict. There is /description, /properties/taste." in ended.err
        assert unchanged()

    def test_is_decided_in_the_editor(self, docstore_cli, editor, tmp_path):
        editor('"result": "sour"', '"result": "both"')

        ended = docstore_cli("merge pies cakes --edit --theirs /description")

        assert ended == (0, "", "'cakes' is at version 5 now\n")
        assert docstore_cli("get cakes /description --raw").out == "sweet\n"
        assert docstore_cli("get cakes /properties/taste --raw").out == "both\n"
        assert list(tmp_path.glob("docstore-*")) == []

    @pytest.mark.parametrize(("theirs", "decided"), [(1, "both"), (True, NotImplemented), (2, NotImplemented)])
    def test_is_decided_only_for_the_values_that_were_edited(self, theirs, decided):
        """Others may have saved meanwhile; 1 and True are equal in Python, and different in JSON."""
        decide = Decisions({}, [Conflict("/taste", None, "sour", 1)], {"/taste": "both"})

        assert decide(Conflict("/taste", None, "sour", theirs)) is decided

    def test_is_given_up_if_nothing_is_edited(self, docstore_cli, editor, unchanged):
        editor("nothing", "like it")

        ended = docstore_cli("merge pies cakes --edit")

        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("nothing was decided, and nothing changed")
        assert unchanged()

    def test_is_refused_if_the_edited_text_is_of_other_places(self, docstore_cli, editor, unchanged, tmp_path):
        editor('"/description"', '"/desc"')

        ended = docstore_cli("merge pies cakes --edit")

        [left] = tmp_path.glob("docstore-*")
        assert ended.code == 3
        assert f"What you wrote is in {left}\n" in ended.err
        assert "there has to be an object for each of /description, /properties/taste, and no other." in ended.err
        assert unchanged()

    def test_says_in_a_dry_run_what_would_be(self, docstore_cli, unchanged):
        assert docstore_cli("merge pies cakes --ours '' -n").err == (
            "Dry run, nothing is written; otherwise: 'cakes' is at version 5 now, with changes at "
            "/description, /properties/pies, /properties/taste\n"
        )
        assert unchanged()
