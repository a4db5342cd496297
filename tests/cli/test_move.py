"""The commands that move documents."""

from __future__ import annotations

import json

import pytest

import docstore


def objects(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


class TestCopy:
    def test_takes_everything_along_and_makes_the_file(self, docstore_cli, lab, tmp_path):
        ended = docstore_cli("copy --to archive.db -o jsonl")

        assert (ended.code, ended.err) == (0, "2 copied, 0 updated, 0 unchanged.\n")
        assert {(row["name"], row["versions"]) for row in objects(ended.out)} == {("cakes", 3), ("n1", 1)}
        with docstore.connect(lab) as store, docstore.connect(tmp_path / "archive.db") as archive:
            assert archive.history("cakes")[0] == store.history("cakes")[0]
            assert archive.tags("cakes") == {"published": 2}

    def test_done_twice_is_done_once(self, docstore_cli, lab):
        docstore_cli("copy --to archive.db")

        assert docstore_cli("copy --to archive.db").err == "0 copied, 0 updated, 2 unchanged.\n"

    @pytest.mark.parametrize(("words", "names"), [("cakes", "cakes"), ("-k note", "n1"), ("n1 -k note", "n1")])
    def test_takes_what_is_named(self, docstore_cli, lab, words, names):
        assert docstore_cli(f"copy {words} --to archive.db -q").out.split() == names.split()

    def test_goes_into_the_project_of_the_same_name_or_another(self, docstore_cli, lab):
        docstore_cli("copy --to archive.db --to-project old")

        assert docstore_cli("ls -q --url archive.db").out == ""
        assert docstore_cli("ls -q --url archive.db --project old").out == "cakes\nn1\n"

    def test_goes_to_every_database(self, docstore_cli, lab, database):
        assert docstore_cli(f"copy --to {database}").code == 0
        assert docstore_cli(f"verify --url {database}").code == 0

    def test_refuses_the_database_itself(self, docstore_cli, lab):
        assert docstore_cli(f"copy --to {lab}").code == 2
