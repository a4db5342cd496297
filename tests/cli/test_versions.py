"""The commands about versions: log and diff."""

from __future__ import annotations

import json

import pytest

import docstore
from docstore.json_store.save import save_experiment

pytestmark = pytest.mark.usefixtures("lab")


class TestLog:
    def test_lists_who_saved_which_version_and_why(self, docstore_cli):
        rows = [json.loads(line) for line in docstore_cli("log cakes -o jsonl").out.splitlines()]

        assert [(row["version"], row["by"], row["message"], row["tags"]) for row in rows] == [
            (3, "ada", "", []),
            (2, "ada", "two trials", ["published"]),
            (1, "ada", "first", []),
        ]

    @pytest.mark.parametrize(
        ("options", "numbers"),
        [
            ("cakes --limit 2", "3 2"),
            ("cakes /trials/0/status", "2"),
            ("cakes /nothing", ""),
            ("n1 -k note", "1"),
            ("cakes -r published", "2 1"),
            ("cakes /trials/2 -r 2", ""),
        ],
    )
    def test_lists_those_that_are_asked_for(self, docstore_cli, options, numbers):
        assert docstore_cli(f"log -q {options}").out.split() == numbers.split()


class TestDiff:
    def test_says_in_words_what_changed(self, docstore_cli):
        ended = docstore_cli("diff cakes published")

        assert ended == (0, "trial 2: added, RUNNING, arm 2_0 (x 0.75, flour spelt)\n", "")

    def test_is_of_the_last_save_if_nothing_is_named(self, docstore_cli):
        assert docstore_cli("diff cakes") == docstore_cli("diff cakes 2 3")
        assert docstore_cli("diff n1 -k note") == (0, "", "")

    def test_compares_with_another_document(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.branch("cakes", "pies", 2)

        assert "trial 2: removed" in docstore_cli("diff cakes --other pies").out

    @pytest.mark.parametrize("name", ["cakes.json", "cakes.json.gz"])
    def test_compares_with_a_file(self, docstore_cli, lab, tmp_path, name):
        with docstore.connect(lab) as store:
            save_experiment(store.load("cakes", version=2), tmp_path / name)

        assert docstore_cli(f"diff cakes published --file {name}").out == ""
        assert docstore_cli(f"diff cakes --file {name}").out.startswith("trial 2: removed")

    def test_compares_with_a_file_at_a_url(self, docstore_cli, lab):
        docstore_cli("export memory://diff/cakes.json cakes")

        assert docstore_cli("diff cakes --file memory://diff/cakes.json") == (0, "", "")

    def test_refuses_a_version_of_a_file(self, docstore_cli):
        ended = docstore_cli("diff cakes 1 2 --file cakes.json")

        assert (ended.code, ended.out) == (2, "")
        assert "B is a version or a file, not both." in ended.err

    def test_counts_what_changed(self, docstore_cli):
        rows = [json.loads(line) for line in docstore_cli("diff cakes 1 --stat -o jsonl").out.splitlines()]

        assert [(row["what"], row["added"], row["changed"]) for row in rows] == [
            ("trial 0", 2, 0),
            ("trial 1", 2, 0),
            ("trial 2", 1, 0),
        ]

    def test_gives_a_page_for_a_browser(self, docstore_cli):
        page = docstore_cli("diff cakes 2 --html").out

        assert page.startswith("<!doctype html>\n")
        assert "trial 2" in page

    def test_gives_rows_for_other_programs(self, docstore_cli):
        [row] = map(json.loads, docstore_cli("diff cakes 2 -o jsonl").out.splitlines())

        assert row == {
            "subject": "trial 2",
            "what": "",
            "was": None,
            "now": "RUNNING, arm 2_0 (x 0.75, flour spelt)",
        }

    def test_gives_a_json_patch(self, docstore_cli):
        [step] = json.loads(docstore_cli("diff cakes 2 3 --patch").out)

        assert (step["op"], step["path"]) == ("add", "/trials/2")

    @pytest.mark.parametrize("words", ["--stat --patch", "--patch --html", "--patch -o csv", "--html -o json"])
    def test_is_printed_in_one_way(self, docstore_cli, words):
        ended = docstore_cli(f"diff cakes {words}")

        assert (ended.code, ended.out) == (2, "")
        assert "cannot be given together. Leave out one of them." in ended.err

    @pytest.mark.parametrize(("words", "code"), [("1 3", 1), ("3 3", 0)])
    def test_tells_by_its_exit_code_if_it_is_asked_to(self, docstore_cli, words, code):
        assert docstore_cli(f"diff cakes {words} --exit-code").code == code

    @pytest.mark.parametrize("revision", ["9", "tag:9", "2001-01-01", "draft"])
    def test_names_the_versions_that_there_are(self, docstore_cli, revision):
        ended = docstore_cli(f"diff cakes {revision}")

        assert (ended.code, ended.out) == (3, "")
        assert ended.err.startswith("docstore: document 'cakes' has no version ")
        assert ended.err.endswith("`docstore log cakes` lists the versions.\n")


@pytest.mark.parametrize(
    "command", ["get cakes", "log cakes", "blame cakes", "edit cakes", "index", "merge pies cakes --ours"]
)
def test_a_pointer_that_begins_without_a_slash_is_wrong_use(docstore_cli, command):
    ended = docstore_cli(f"{command} trials")

    assert (ended.code, ended.out) == (2, "")
    assert "'trials' is no JSON pointer. It begins with a slash: /trials" in ended.err
