"""The commands that move documents."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from terminal import docstore_on_terminal

import docstore
from docstore.json_store.files import write


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

    def test_says_in_a_dry_run_what_would_become_of_each(self, docstore_cli, lab, tmp_path):
        would = docstore_cli("copy --to archive.db -n -o jsonl")
        assert not (tmp_path / "archive.db").exists()
        done = docstore_cli("copy --to archive.db -o jsonl")
        again = docstore_cli("copy --to archive.db -n")

        assert (would.code, would.out) == (0, done.out)
        assert would.err == "Dry run, nothing is written; otherwise: 2 copied, 0 updated, 0 unchanged.\n"
        assert again.err == "Dry run, nothing is written; otherwise: 0 copied, 0 updated, 2 unchanged.\n"

    def test_goes_into_the_project_of_the_same_name_or_another(self, docstore_cli, lab):
        docstore_cli("copy --to archive.db --to-project old")

        assert docstore_cli("ls -q --url archive.db").out == ""
        assert docstore_cli("ls -q --url archive.db --project old").out == "cakes\nn1\n"

    def test_goes_to_every_database(self, docstore_cli, lab, database):
        assert docstore_cli(f"copy --to {database}").code == 0
        assert docstore_cli(f"verify --url {database}").code == 0

    def test_of_a_name_that_is_wrong_makes_no_file(self, docstore_cli, lab, tmp_path):
        assert docstore_cli("copy cakse --to archive.db").code == 3
        assert not (tmp_path / "archive.db").exists()

    def test_refuses_the_database_itself(self, docstore_cli, lab):
        assert docstore_cli(f"copy --to {lab}").code == 2


def contents(url, **options) -> dict[tuple[str, str], bytes]:
    with docstore.connect(url, read_only=True, **options) as store:
        return {(info.kind, info.name): store.get_json(info.name, kind=info.kind) for info in store.find()}


@pytest.fixture
def other(fresh_database) -> str:
    """The URL of another, empty database."""
    return fresh_database("sqlite")


BOOK = b'{"__format":1,"__document":{"name":"title","parts":["/pages/*"]},"__type":"elsewhere.Book","title":"rye",'
BOOK += b'"pages":{"1":{"__type":"elsewhere.Page","n":1}}}'


@pytest.fixture
def odd(lab) -> str:
    """A database with documents of a class that is not known here, of an experiment, and of names for no file."""
    with docstore.connect(lab) as store:
        store.put_json("book", "rye", BOOK)
        store.save(docstore.AnalysisCard("card", experiment_name="cakes"))
        for name in ("a/b", "..", ".hidden", "Brötchen", "50%", "con:1", "a\\b", "x\ny", "x" * 255, "Rye", "rye"):
            store.put("note", name, {"named": name, "sizes": (1, 2)})
    return lab


class TestExportAndImport:
    @pytest.mark.parametrize("target", ["lab.jsonl", "lab.jsonl.gz", "lab", "labs/", "memory://lab/all.jsonl.gz"])
    def test_take_along_the_newest_state_of_everything(self, docstore_cli, odd, other, target):
        exported = docstore_cli(f"export {target}")
        imported = docstore_cli(f"import {target} --url {other}")

        assert (exported.code, imported.code) == (0, 0)
        assert contents(other) == contents(odd)
        assert docstore_cli(f"ls --owner cakes -q --url {other}").out == docstore_cli("ls --owner cakes -q").out != ""
        assert docstore_cli(f"verify --url {other}").code == 0

    def test_go_from_and_to_every_database(self, docstore_cli, odd, database):
        docstore_cli("export lab.jsonl")

        assert docstore_cli(f"import lab.jsonl --url {database}").code == 0
        assert docstore_cli(f"export again.jsonl --url {database}").code == 0
        assert docstore_cli("import again.jsonl").code == 0
        assert contents(database) == contents(odd)

    def test_take_along_what_is_named(self, docstore_cli, odd, other):
        docstore_cli("export lab.jsonl cakes")
        docstore_cli(f"import lab.jsonl --url {other}")

        assert sorted(kind for kind, _ in contents(other)) == ["analysis_card", "experiment"]

    def test_write_and_read_one_document_as_the_file_of_an_experiment(self, docstore_cli, odd, other, tmp_path):
        docstore_cli("export cakes.json cakes")
        docstore_cli(f"import cakes.json --url {other}")

        assert (tmp_path / "cakes.json").read_bytes() == contents(odd)["experiment", "cakes"]
        assert contents(other)["experiment", "cakes"] == contents(odd)["experiment", "cakes"]
        assert (
            json.loads(docstore_cli(f"log cakes -o jsonl --url {other}").out)["message"] == "imported from cakes.json"
        )

    def test_take_along_the_history_by_a_database_file(self, docstore_cli, lab, other):
        docstore_cli("export all.db")
        would = docstore_cli(f"import all.db -n --url {other}")
        assert docstore_cli(f"ls --url {other}").out == ""
        ended = docstore_cli(f"import all.db --url {other}")

        assert (ended.code, ended.out) == (0, would.out)
        assert would.err == f"Dry run, nothing is written; otherwise: {ended.err}"
        assert docstore_cli(f"log cakes --url {other}") == docstore_cli("log cakes")

    def test_done_twice_are_done_once(self, docstore_cli, odd, other):
        docstore_cli("export lab.jsonl")
        docstore_cli(f"import lab.jsonl --url {other}")

        assert docstore_cli(f"import lab.jsonl --url {other}").err == "lab.jsonl: 15 unchanged.\n"
        assert docstore_cli(f"log cakes -q --url {other}").out == "1\n"


class TestAJSONFile:
    @pytest.mark.parametrize("words", ["n1 -k note", "rye -k book", "cakes"])
    def test_of_any_document_comes_back(self, docstore_cli, odd, other, words):
        docstore_cli(f"export one.json {words}")

        assert docstore_cli(f"import one.json -q --url {other}").out == f"{words.split()[0]}\n"
        assert contents(other).items() <= contents(odd).items()

    @pytest.mark.parametrize("text", ['{"text": "rye"}', '{"__type": "Exp', "[1]", '{"name": 1, "version": "2.0"}'])
    def test_of_another_program_is_refused(self, docstore_cli, other, tmp_path, text):
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "package.json").write_text(text)

        assert docstore_cli(f"import project/package.json --url {other}").code == 3
        assert docstore_cli(f"import . --url {other}").code == 3
        assert docstore_cli(f"ls --url {other}").out == ""


class TestAnImportThatFails:
    def test_says_what_to_do_in_commands(self, docstore_cli, lab, other, tmp_path):
        [line] = objects(docstore_cli("export - cakes").out)
        (tmp_path / "lab.jsonl").write_text(json.dumps({**line, "name": "pies"}))

        ended = docstore_cli(f"import lab.jsonl --url {other}")

        assert ended.code == 3
        assert "The document itself has the name 'cakes'; `docstore rename` gives a stored one another." in ended.err


class TestExport:
    @pytest.mark.parametrize("target", ["lab.jsonl", "lab", "all.db", "cakes.json"])
    def test_writes_nothing_in_a_dry_run(self, docstore_cli, lab, tmp_path, target):
        assert docstore_cli(f"export {target} cakes -n").code == 0
        assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"lab.db"}

    def test_writes_to_the_standard_output(self, docstore_cli, lab):
        [line] = objects(docstore_cli("export - -k note").out)

        assert (line["kind"], line["name"], line["version"]) == ("note", "n1", 1)
        assert line["document"]["text"] == "rye"

    def test_writes_a_document_once_that_is_named_twice(self, docstore_cli, lab, tmp_path):
        assert docstore_cli("export - cakes cakes").out.count("\n") == 1
        assert docstore_cli("export cakes.json cakes cakes").code == 0

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("lab.json", "a .json file is for one document, and these are 2: write .jsonl, or name a folder."),
            ("lab.csv", "Let it end in .jsonl for any number of documents, in .json for one"),
            ("s3://bucket/lab", "Let it end in .jsonl for any number of documents, in .json for one"),
            ("lab.jsonl.xz", "Its name does not say what is in it."),
            ("s3:/bucket/lab.jsonl", "A URL begins with s3://"),
            ("s3:/bucket/lab", "A URL begins with s3://"),
            ("sqlite:/lab.db", "A URL begins with sqlite://"),
            ("postgress://ada@host/lab", "docstore stores documents in SQLite, PostgreSQL"),
            ("a.json cakes pies", "pies"),
        ],
    )
    def test_says_what_is_wrong(self, docstore_cli, lab, tmp_path, words, told):
        ended = docstore_cli(f"export {words}")

        assert ended.code in (2, 3)
        assert told in ended.err
        assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"lab.db"}

    def test_leaves_the_old_file_if_it_fails(self, docstore_cli, lab, tmp_path):
        (tmp_path / "lab.jsonl").write_text("old")
        engine = sa.create_engine(lab)
        with engine.begin() as connection:
            connection.exec_driver_sql("""UPDATE documents SET body = '{"text": "oat"}' WHERE name = 'n1'""")
        engine.dispose()

        assert docstore_cli("export lab.jsonl").code == 3
        assert (tmp_path / "lab.jsonl").read_text() == "old"


class TestImport:
    def lines(self, tmp_path, *lines: str) -> None:
        (tmp_path / "a.jsonl").write_text("\n".join(lines))

    def test_names_a_line_that_is_wrong_and_takes_the_others(self, docstore_cli, other, tmp_path):
        self.lines(
            tmp_path,
            '{"kind": "note", "name": "a", "document": 1}',
            "",
            '{"kind": "note", "name": "b", "docum',
            '{"kind": "note", "document": 1}',
            '{"kind": "experiment", "name": "c", "document": {"__type": "Experiment", "__format": 1}}',
            '{"kind": "note", "name": "d", "document": 4}',
            '{"kind": "experiment", "name": "e", "document": 5}',
            '{"kind": "note", "name": "f", "document": %s}' % ("[" * 300 + "]" * 300),
            f'{{"kind": "note", "name": "g", "document": {2**70}}}',
        )

        would = docstore_cli(f"import a.jsonl -o jsonl -n --url {other}")
        ended = docstore_cli(f"import a.jsonl -o jsonl --url {other}")

        assert (ended.code, would.out) == (3, ended.out)
        assert [(row["status"], row["name"], row["where"]) for row in objects(ended.out)] == [
            ("new", "a", "line 1"),
            ("failed", "", "line 3"),
            ("failed", "", "line 4"),
            ("failed", "c", "line 5"),
            ("new", "d", "line 6"),
            ("failed", "e", "line 7"),
            ("failed", "f", "line 8"),
            ("new", "g", "line 9"),
        ]
        assert "docstore: line 3: at the root: not JSON" in ended.err
        assert ended.err.endswith("a.jsonl: 5 failed, 3 new.\n")
        assert docstore_cli(f"ls -q --url {other}").out == "a\nd\ng\n"
        with docstore.connect(other) as store:
            assert store.get("g", kind="note") == 2**70

    @pytest.mark.parametrize(
        ("how", "code", "status", "kept"),
        [("", 1, "different", "rye"), ("skip", 0, "different", "rye"), ("overwrite", 0, "updated", "oat")],
    )
    def test_of_what_is_there_with_other_contents(self, docstore_cli, lab, tmp_path, how, code, status, kept):
        self.lines(tmp_path, '{"kind": "note", "name": "n1", "document": {"text": "oat"}}')
        words = f"import a.jsonl {how and f'--on-conflict {how}'}"

        would = docstore_cli(f"{words} -n -o jsonl")
        assert docstore_cli("get n1 /text --raw -k note").out == "rye\n"
        ended = docstore_cli(f"{words} -o jsonl")

        assert (would.code, would.out) == (ended.code, ended.out)
        assert (ended.code, objects(ended.out)[0]["status"]) == (code, status)
        assert docstore_cli("get n1 /text --raw -k note").out == f"{kept}\n"

    def test_writes_nothing_in_a_dry_run(self, docstore_cli, odd, other):
        docstore_cli("export lab.jsonl")

        assert docstore_cli(f"import lab.jsonl -n --url {other}").err == "lab.jsonl: would be 15 new.\n"
        assert docstore_cli(f"ls --url {other}").out == ""

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ("nowhere.jsonl", "there is no such file"),
            ("nowhere", "there is no such folder"),
            ("empty", "each is in a folder of its kind, as note/n1.json"),
            ("a.jsonl --zone Europe/Vienna", "--zone is for --from"),
            ("old.db -m old", "-m and --on-conflict are for files of JSON."),
            ("old.db", "there is no such file"),
            ("--from ax studies.json", "docstore[ax]"),
            ("--from optuna journal.log", "there is no such journal file"),
            ("--from mlflow mlruns", "mlruns: there is no such folder."),
            ("--from mlflow mlruns --zone Europe/Vienna", "--zone is for Ax and Optuna"),
        ],
    )
    def test_says_what_is_wrong(self, docstore_cli, other, tmp_path, words, told):
        (tmp_path / "empty").mkdir()

        ended = docstore_cli(f"import {words} --url {other}")

        assert (ended.code, ended.out) in ((2, ""), (3, ""))
        assert told in ended.err
        assert ended.err.count("\n") == 1

    def test_takes_studies_of_optuna_and_later_what_is_new(self, docstore_cli, other, tmp_path):
        study = optuna.create_study(storage=JournalStorage(JournalFileBackend("studies.log")), study_name="cakes")
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        words = f"import --from optuna studies.log --url {other}"

        would = docstore_cli(f"{words} -n")
        assert docstore_cli(f"ls --url {other}").out == ""
        first, again = docstore_cli(words), docstore_cli(words)

        assert (would.code, would.out) == (0, first.out)
        assert would.err == f"Dry run, nothing is written; otherwise: {first.err}"
        assert (first.code, "1 imported, 0 unchanged, 0 failed" in first.err) == (0, True)
        assert (again.code, "0 imported, 1 unchanged, 0 failed" in again.err) == (0, True)
        assert docstore_cli(f"trials cakes -q --url {other}").out == "0\n1\n"

    def test_takes_experiments_of_mlflow(self, docstore_cli, other, tmp_path, monkeypatch):
        from mlflow import MlflowClient

        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        client = MlflowClient(tracking_uri=str(tmp_path / "mlruns"))
        run = client.create_run(client.create_experiment("cakes")).info.run_id
        client.log_param(run, "x", 1)
        client.set_terminated(run)

        ended = docstore_cli(f"import --from mlflow mlruns --url {other}")

        assert (ended.code, "1 imported, 0 unchanged, 0 failed" in ended.err) == (0, True)
        assert docstore_cli(f"trials cakes -q --url {other}").out == "0\n"


class TestBackup:
    def test_is_the_whole_database_as_of_one_moment(self, docstore_cli, lab):
        with docstore.connect(lab) as store:  # what it writes is in the log beside the file
            store.put("note", "n2", 2)
            ended = docstore_cli("backup monday.db")

        assert ended.code == 0
        assert contents("sqlite:///monday.db") == contents(lab)
        assert docstore_cli("log cakes --url monday.db") == docstore_cli("log cakes")
        assert docstore_cli("verify --url monday.db").code == 0

    def test_is_one_file_also_when_it_was_looked_at(self, docstore_cli, lab, tmp_path):
        docstore_cli("backup monday.db")

        assert docstore_cli("verify --url monday.db").code == 0
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("monday")] == ["monday.db"]

    def test_put_back_is_a_database_as_any_other(self, docstore_cli, lab):
        docstore_cli("backup monday.db")

        with docstore.connect("sqlite:///monday.db") as store:
            assert store.put("note", "n2", 2).number == 1
        with closing(sqlite3.connect("monday.db")) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_replaces_a_file_only_if_it_may(self, docstore_cli, lab, tmp_path):
        (tmp_path / "monday.db").write_text("old")

        assert docstore_cli("backup monday.db").code == 2
        assert (tmp_path / "monday.db").read_text() == "old"
        assert docstore_cli("backup monday.db -y").code == 0
        assert docstore_cli("ls -q --url monday.db").out == "cakes\nn1\n"

    def test_never_replaces_the_database_or_one_in_use(self, docstore_cli, lab, tmp_path):
        with docstore.connect(tmp_path / "used.db") as used:
            used.put("note", "n1", 1)

            assert "It is in use: there is " in docstore_cli("backup used.db -y").err
        assert "It is the database itself" in docstore_cli(f"backup {lab.removeprefix('sqlite:///')} -y").err
        assert docstore_cli("ls -q").out == "cakes\nn1\n"

    def test_writes_nothing_in_a_dry_run(self, docstore_cli, lab, tmp_path):
        assert docstore_cli("backup monday.db -n").code == 0
        assert not (tmp_path / "monday.db").exists()

    @pytest.mark.parametrize(
        "words", ["lab.db", "s3://bucket/a.db", "a.db --url typo.db", "a.db --url mysql://host/lab"]
    )
    def test_fails_in_a_dry_run_as_it_would(self, docstore_cli, lab, words):
        would, done = (docstore_cli(f"backup {words} {how}") for how in ("-n", "-y"))

        assert (would.code, would.err) == (done.code, done.err)
        assert done.code > 0

    def test_leaves_nothing_where_the_disk_is_full(self, lab, tmp_path):
        (tmp_path / "monday.db").write_text("old")
        program = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
        program += "from docstore.__main__ import main; sys.exit(main())"
        with docstore.connect(lab):  # its log is there, so that reading needs no room
            ended = subprocess.run(
                [sys.executable, "-c", program, "backup", "monday.db", "-y"],
                capture_output=True,
                text=True,
                check=False,
            )

        assert ended.returncode == 3
        assert ended.stderr.startswith("docstore: monday.db: ")
        assert ended.stderr.endswith("Is there room for it? A file that was there is as it was.\n")
        assert {path.name for path in tmp_path.iterdir()} >= {"lab.db", "monday.db"}
        assert [path.name for path in tmp_path.iterdir() if ".tmp" in path.name] == []
        assert (tmp_path / "monday.db").read_text() == "old"

    @pytest.mark.parametrize(
        ("url", "command"),
        [
            (
                "postgresql+psycopg2://ada:s3cret-w0rd@host:5433/lab",
                "pg_dump --format=custom --file=monday.dump --dbname=postgresql://ada@host:5433/lab",
            ),
            (
                "postgresql://ada@host:5433/lab",  # the password is in ~/.pgpass
                "pg_dump --format=custom --file=monday.dump --dbname=postgresql://ada@host:5433/lab",
            ),
            (
                "mysql://ada:s3cret-w0rd@host/lab",
                "mariadb-dump --single-transaction --host=host --user=ada --result-file=monday.dump lab",
            ),
        ],
    )
    def test_of_a_server_names_its_own_tool(self, docstore_cli, url, command):
        ended = docstore_cli(f"backup monday.dump --url {url}")

        assert ended.code == 2
        assert command in ended.err
        assert "s3cret" not in ended.err


class TestAPasswordInAURL:
    @pytest.mark.parametrize(
        "words",
        ["export {} -n", "export {}", "import {}", "copy --to {} --debug", "backup {}", "plot cakes -o {}"],
    )
    @pytest.mark.parametrize(
        "url", ["postgresql://ada:s3cret-w0rd@localhost:1/lab", "memory://ada:s3cret-w0rd@host/a.csv"]
    )
    def test_is_not_printed(self, docstore_cli, lab, words, url):
        ended = docstore_cli(words.format(url))

        assert "s3cret" not in ended.out + ended.err

    @pytest.mark.parametrize("words", ["import {}", "diff cakes --file {}", "save {}"])
    def test_of_a_file_that_is_not_json_is_not_printed(self, docstore_cli, lab, words):
        write("memory://ada:s3cret-w0rd@host/a.json", b"{,}")

        ended = docstore_cli(words.format("memory://ada:s3cret-w0rd@host/a.json"))

        assert "memory://ada:***@host/a.json" in ended.err
        assert "s3cret" not in ended.out + ended.err


@pytest.mark.parametrize("line", ["export pipe.jsonl", "report cakes -o pipe.jsonl", "backup pipe.jsonl -y"])
def test_what_is_no_file_is_not_replaced_by_one(docstore_cli, lab, tmp_path, line):
    """A device would be gone, /dev/null too, where the user may do that."""
    os.mkfifo(tmp_path / "pipe.jsonl")

    ended = docstore_cli(line)

    assert ended.code == 3
    assert ended.err.startswith("docstore: pipe.jsonl: it is a pipe or a device; name a file.")
    assert (tmp_path / "pipe.jsonl").is_fifo()


class TestAnImportThatIsStopped:
    """It reads lines from a pipe; some are saved, and the next one has not come."""

    LINES = tuple(b'{"kind": "note", "name": "%d", "document": %d}\n' % (number, number) for number in range(4))

    @pytest.mark.parametrize(("by", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
    def test_has_saved_what_came_before_and_a_second_one_completes_it(self, docstore_cli, other, tmp_path, by, code):
        words = [str(Path(sys.executable).with_name("docstore")), "import", "-", "--url", other]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(self.LINES[0] + self.LINES[1] + self.LINES[2][:20])
            process.stdin.flush()
            with docstore.connect(other) as store:
                while not store.exists("1", kind="note"):
                    assert process.poll() is None
            process.send_signal(by)
            assert (process.wait(), process.stderr.read()) == (code, b"")

        (tmp_path / "all.jsonl").write_bytes(b"".join(self.LINES))
        assert docstore_cli(f"import all.jsonl --url {other}").err == "all.jsonl: 2 new, 2 unchanged.\n"
        assert docstore_cli(f"verify --url {other}").code == 0


def test_an_import_draws_a_bar_on_a_terminal(other, tmp_path):
    (tmp_path / "all.jsonl").write_bytes(b"".join(TestAnImportThatIsStopped.LINES))

    code, text = docstore_on_terminal("import", "all.jsonl", "-q", columns=120, environment={"DOCSTORE_URL": other})

    assert code == 0
    assert re.search(r"4/\? documents", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text))
