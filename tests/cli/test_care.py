"""The commands that care for a database."""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from labs import fill

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

    def test_says_that_a_sqlite_file_keeps_its_size(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            for text in ("rye" * 1_000, "spelt" * 1_000, "oats"):
                store.put("note", "n2", text)

        ended = docstore_cli("compact n2 -k note --keep 1 -y")

        assert "2 versions folded; 1 of 3 can be loaded. The file keeps its size" in ended.err
        assert docstore_cli("compact n2 -k note --keep 1 -y").err.endswith("1 of 3 can be loaded.\n")

    def test_asks_before_it_does_so(self, docstore_cli, lab):
        ended = docstore_cli("compact cakes --keep 1")

        assert ended.code == 2
        assert "To do it, give --yes." in ended.err
        assert docstore_cli("get cakes /name -r 1").code == 0

    def test_is_left_alone_by_a_dry_run(self, docstore_cli, unchanged):
        ended = docstore_cli("compact cakes --keep 1 -n")

        assert ended.code == 0
        assert ended.err == "Dry run, nothing is written; otherwise: cakes: 1 version folded; 2 of 3 can be loaded.\n"
        assert unchanged()

    @pytest.mark.parametrize("keep", ["x", "-1", "90y", "٣"])
    def test_refuses_what_is_neither_a_number_nor_a_time(self, docstore_cli, lab, keep):
        ended = docstore_cli(f"compact cakes --keep={keep} -y")

        assert ended.code == 2
        assert "Write a number of versions, 20, or a time, 90d (h, d, w)." in ended.err


class TestCollect:
    @pytest.fixture
    def unused(self, lab, tmp_path) -> str:
        """The digest of an artifact that no document refers to, beside one that is used."""
        with docstore.connect(lab, artifacts=tmp_path / "files") as store:
            store.put("note", "n2", {"picture": store.artifacts.put(b"used")})
            digest: str = store.artifacts.put(b"unused").digest
        return digest

    def test_deletes_what_no_document_refers_to(self, docstore_cli, unused):
        would = docstore_cli("collect --artifacts files --days 0 -n -q")
        done = docstore_cli("collect --artifacts files --days 0 -y -q")
        again = docstore_cli("collect --artifacts files --days 0 -y -q")

        assert would == (0, f"{unused}\n", "1 artifact would be deleted, 6 bytes; 1 kept.\n")
        assert done == (0, f"{unused}\n", "1 artifact deleted, 6 bytes; 1 kept.\n")
        assert again.out == ""

    def test_keeps_what_was_put_just_now(self, docstore_cli, unused):
        assert docstore_cli("collect --artifacts files -y -q").out == ""

    def test_asks_before_it_does_so(self, docstore_cli, unused):
        assert "To do it, give --yes." in docstore_cli("collect --artifacts files --days 0").err


class TestIndex:
    def test_is_made_listed_and_deleted(self, docstore_cli, lab):
        docstore_cli("index /status --part trial")
        docstore_cli("index /properties/team")

        found = objects(docstore_cli("index -o jsonl").out)

        assert [(each["kind"], each["part"], each["pointer"]) for each in found] == [
            ("experiment", None, "/properties/team"),
            ("experiment", "trial", "/status"),
        ]
        assert docstore_cli("index /properties/team --delete").code == 0
        assert docstore_cli("index -q").out.count("\n") == 1

    @pytest.mark.parametrize("delete", ["", "--delete"])
    def test_is_left_alone_by_a_dry_run(self, docstore_cli, lab, delete):
        assert "would be" in docstore_cli(f"index /properties/team -n {delete}").err
        assert docstore_cli("index -q").out == ""

    def test_to_delete_has_to_be_named(self, docstore_cli, lab):
        assert docstore_cli("index -d").code == 2


class TestInit:
    def test_makes_the_file_and_the_tables(self, docstore_cli, tmp_path):
        ended = docstore_cli("init --url lab.db")

        assert ended == (0, "", "sqlite:///lab.db: the tables and views are made, at migration 0001_initial.\n")
        assert docstore_cli("ls --url lab.db") == (0, "", "")

    def test_done_twice_is_done_once(self, docstore_cli, lab):
        assert "the tables were there already" in docstore_cli("init").err
        assert docstore_cli("ls -q").out == "cakes\nn1\n"

    @pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///müller.db"])
    def test_says_where_as_it_was_given(self, docstore_cli, url):
        assert docstore_cli(f"init --url {url}").err.startswith(f"{url}: the tables and views are made")

    def test_makes_nothing_in_a_dry_run(self, docstore_cli, tmp_path):
        assert docstore_cli("init -n --url lab.db").code == 0
        assert list(tmp_path.iterdir()) == []

    def test_makes_no_folder(self, docstore_cli):
        ended = docstore_cli("init --url sqlite:///labs/lab.db")

        assert ended.code == 3
        assert "Does its folder exist" in ended.err


class TestMigrate:
    def test_makes_the_tables_that_are_missing(self, docstore_cli, empty_database):
        if empty_database.startswith("sqlite"):
            Path(sa.make_url(empty_database).database).touch()

        would = docstore_cli(f"migrate -n --url {empty_database}")
        done = docstore_cli(f"migrate --url {empty_database}")
        again = docstore_cli(f"migrate --url {empty_database}")

        assert would.err.endswith(": the tables would be at migration 0001_initial, and were not there.\n")
        assert done.err.endswith(": the tables are now at migration 0001_initial, and were not there.\n")
        assert again.err.endswith(": the tables are at migration 0001_initial already.\n")

    def test_prints_sql_that_makes_the_same(self, docstore_cli, empty_database):
        printed = docstore_cli(f"migrate --sql --url {empty_database}")
        engine = sa.create_engine(empty_database)
        with engine.begin() as connection:
            for statement in printed.out.split(";\n"):
                if statement:
                    connection.exec_driver_sql(statement)
        engine.dispose()

        assert "already" in docstore_cli(f"migrate --url {empty_database}").err
        assert (
            docstore_cli(f"sql 'SELECT count(*) AS n FROM experiments' -o csv --url {empty_database}").out == "n\n0\n"
        )
        with docstore.connect(empty_database) as store:
            store.put("note", "n1", 1)
            assert store.verify() == []

    def test_of_tables_of_a_newer_docstore_is_refused_in_a_dry_run_too(self, docstore_cli, lab):
        with closing(sqlite3.connect(str(sa.make_url(lab).database))) as connection, connection:
            connection.execute("UPDATE docstore_schema SET version_num = '0999_later'")

        ended = docstore_cli("migrate -n")

        assert ended.code == 3
        assert "Upgrade with: pip install -U docstore" in ended.err

    def test_makes_no_file(self, docstore_cli, tmp_path):
        assert docstore_cli("migrate --url typo.db").code == 3
        assert list(tmp_path.iterdir()) == []


class TestSchema:
    def test_lists_what_each_column_means(self, docstore_cli, database):
        rows = objects(docstore_cli(f"schema -o jsonl --url {database}").out)

        assert {"documents", "versions", "experiments", "trials"} <= {row["table"] for row in rows}
        assert [row for row in rows if not row["meaning"]] == []
        assert [row["column"] for row in rows if row["table"] == "tags"] == [
            "id",
            "tag",
            "version",
            "created_at",
            "author",
        ]

    def test_names_the_tables_that_there_are(self, docstore_cli, lab):
        ended = docstore_cli("schema tasg")

        assert ended.code == 2
        assert "there is no table or view 'tasg'. There is experiments, trials," in ended.err

    def test_lists_their_names_alone(self, docstore_cli, lab):
        assert docstore_cli("schema tags trials -q").out == "tags\ntrials\n"


class TestStats:
    def test_counts_what_there_is(self, docstore_cli, database):
        fill(database)
        with docstore.connect(database) as store:
            store.put("note", "n2", 2)
            store.delete("n2", kind="note")

        found = json.loads(docstore_cli(f"stats -o json --url {database}").out)

        assert found.pop("bytes") > 10_000
        assert found == {
            "documents": {"experiment": 1, "note": 1},
            "deleted": 1,
            "versions": 5,
            "parts": {"data": 2, "trial": 3},
        }

    def test_counts_the_bytes_of_the_schema_that_the_tables_are_in(self, fresh_database):
        with docstore.connect(fresh_database("postgresql"), schema="Ada's lab") as store:
            assert store.stats().bytes > 10_000


class TestDoctor:
    def test_finds_nothing_where_nothing_is_wrong(self, docstore_cli, database):
        ended = docstore_cli(f"doctor -o jsonl --url {database}")

        found = {row["what"]: row["value"] for row in objects(ended.out)}
        # The servers of the tests do not wait for their disks.
        assert {row["what"] for row in objects(ended.out) if row["problem"]} <= {
            "fsync",
            "innodb_flush_log_at_trx_commit",
        }
        assert (found["docstore"], found["tables"]) == (docstore.__version__, "0001_initial")
        assert {"Python", "SQLAlchemy", "driver", "plot"} <= found.keys()

    def test_says_what_needs_attention(self, docstore_cli, tmp_path):
        (tmp_path / "lab.db").touch()

        ended = docstore_cli("doctor --url lab.db")

        assert ended.code == 1
        assert "docstore: journal_mode: Readers wait for writers." in ended.err
        assert "docstore: tables: sqlite:///lab.db: it has no tables of docstore, and " in ended.err
        assert "makes them, or brings them up to date, by `docstore init`." in ended.err

    def test_says_that_a_newer_docstore_made_the_tables(self, docstore_cli, lab):
        with closing(sqlite3.connect(str(sa.make_url(lab).database))) as connection, connection:
            connection.execute("UPDATE docstore_schema SET version_num = '0999_later'")

        assert "does not know; it knows up to '0001_initial'. Upgrade with: pip install" in docstore_cli("doctor").err

    def test_names_each_extra_that_a_user_may_want(self, docstore_cli):
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"].keys() - {"cli", "docs", "bench", "dev"}

        told = {row["what"]: str(row["value"]) for row in objects(docstore_cli("doctor -o jsonl").out)}

        assert extras - told.keys() == set()
        packages = {extra: re.match(r"(?!not )[\w-]+", told[extra]) for extra in extras}
        installed = {extra: found[0] for extra, found in packages.items() if found}
        wanted = {extra: " ".join(project["optional-dependencies"][extra]) for extra in installed}
        assert [extra for extra, package in installed.items() if package not in wanted[extra]] == []

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("", "docstore: database: no database is given."),
            ("--url lab.db", "lab.db: there is no such file. Check the path; `docstore init`"),
            (
                "--url postgresql://ada:s3cret-w0rd@localhost:1/lab",
                "docstore: connection: postgresql+psycopg2://ada:***",
            ),
        ],
    )
    def test_says_why_the_database_cannot_be_asked(self, docstore_cli, tmp_path, words, told):
        ended = docstore_cli(f"doctor {words}")

        assert ended.code == 1
        assert told in ended.err
        assert "s3cret" not in ended.out + ended.err
        assert list(tmp_path.iterdir()) == []
