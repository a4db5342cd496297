"""The commands that care for a database."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

import docstore


def objects(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


class TestVerify:
    @pytest.mark.parametrize("words", ["", "cakes", "-k note", "--decode"])
    def test_finds_nothing_where_nothing_is_wrong(self, docstore_cli, lab, words):
        assert docstore_cli(f"verify {words}") == (0, "", "Everything is as it was saved.\n")

    def test_lists_what_is_damaged_and_exits_with_1(self, docstore_cli, lab):
        engine = sa.create_engine(lab)
        with engine.begin() as connection:
            connection.exec_driver_sql("""UPDATE documents SET body = '{"text": "oat"}' WHERE name = 'n1'""")
        engine.dispose()

        ended = docstore_cli("verify -o jsonl")

        [damage] = objects(ended.out)
        assert (ended.code, damage["name"], damage["table"]) == (1, "n1", "documents")
        assert docstore_cli("verify -q").out == "n1\n"

    def test_looks_at_artifacts_too(self, docstore_cli, lab, tmp_path):
        with docstore.connect(lab, artifacts=tmp_path / "files") as store:
            artifact = store.artifacts.put(b"a picture")
            store.put("note", "n2", {"picture": {"digest": artifact.digest}})
            store.artifacts.path(artifact).unlink()

        assert docstore_cli("verify -q").code == 0
        assert docstore_cli(f"verify -q --artifacts {tmp_path}/files").out == "n2\n"


class TestCompact:
    @pytest.mark.parametrize(("keep", "left"), [("1", ["3", "2"]), ("1w", ["3", "2", "1"])])
    def test_folds_what_is_neither_new_nor_tagged(self, docstore_cli, lab, keep, left):
        ended = docstore_cli(f"compact cakes --keep {keep} -y")

        assert (ended.code, ended.out) == (0, "")
        assert f"{len(left)} of 3 can be loaded." in ended.err
        assert [number for number in "321" if docstore_cli(f"get cakes /name -r {number}").code == 0] == left

    def test_asks_before_it_does_so(self, docstore_cli, lab):
        ended = docstore_cli("compact cakes --keep 1")

        assert ended.code == 2
        assert "To do it, give --yes." in ended.err
        assert docstore_cli("get cakes /name -r 1").code == 0

    @pytest.mark.parametrize("keep", ["x", "-1", "90y", "٣"])
    def test_refuses_what_is_neither_a_number_nor_a_time(self, docstore_cli, lab, keep):
        ended = docstore_cli(f"compact cakes --keep={keep} -y")

        assert ended.code == 2
        assert "Write a number of versions, 20, or a time, 90d (h, d, w)." in ended.err


class TestIndex:
    def test_is_made_listed_and_dropped(self, docstore_cli, lab):
        docstore_cli("index /status --part trial")
        docstore_cli("index /properties/team")

        found = objects(docstore_cli("index -o jsonl").out)

        assert [(each["kind"], each["part"], each["pointer"]) for each in found] == [
            ("experiment", None, "/properties/team"),
            ("experiment", "trial", "/status"),
        ]
        assert docstore_cli("index /properties/team --drop").code == 0
        assert docstore_cli("index -q").out.count("\n") == 1

    @pytest.mark.parametrize("drop", ["", "--drop"])
    def test_is_left_alone_by_a_dry_run(self, docstore_cli, lab, drop):
        assert "would be" in docstore_cli(f"index /properties/team -n {drop}").err
        assert docstore_cli("index -q").out == ""

    def test_to_drop_has_to_be_named(self, docstore_cli, lab):
        assert docstore_cli("index --drop").code == 2
