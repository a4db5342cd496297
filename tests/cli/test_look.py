"""The commands that look: ls, show, get, best, trials and sql."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from web_lab import Client

import docstore
from docstore import (
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    OptimizationConfig,
    ScalarizedObjective,
    plots,
    web,
)
from docstore.cli.look.plot import PLOTS
from docstore.testing.experiments import new_experiment

pytestmark = pytest.mark.usefixtures("lab")


def objects(printed: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in printed.splitlines()]


class TestLs:
    def test_lists_every_document_in_columns(self, docstore_cli):
        head, cakes, note = docstore_cli("ls").out.splitlines()

        assert head.split() == ["name", "kind", "type", "status", "owner", "version", "updated_at"]
        assert cakes.split()[:4] == ["cakes", "experiment", "DRAFT", "3"]
        assert note.split()[:3] == ["n1", "note", "1"]

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            ("c", ["cakes"]),
            ("-k note", ["n1"]),
            ("--like %ake%", ["cakes"]),
            ("--name n1", ["n1"]),
            ("-k experiment --status DRAFT --status COMPLETED", ["cakes"]),
            ("-k experiment --status COMPLETED", []),
            ("--model user", ["n1"]),
            ("--since 2001-01-01 --before 2999-01-01", ["cakes", "n1"]),
            ("--before 2001-01-01", []),
            ("--created-since 2999-01-01T00:00Z", []),
            ("--sort=-name", ["n1", "cakes"]),
            ("--limit 1", ["cakes"]),
            ("--deleted", []),
            ("--owner pies", []),
        ],
    )
    def test_finds_what_the_options_say(self, docstore_cli, options, names):
        assert docstore_cli(f"ls -q {options}").out.splitlines() == names

    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ("/text=rye", ["n1"]),
            ('/text="rye"', ["n1"]),
            ("/text!=rye", ["cakes"]),
            ("/text~r%", ["n1"]),
            ("/text", ["n1"]),
            ("/trials/2/index=2", ["cakes"]),
            ("/trials/2/index>=2", ["cakes"]),
            ("/trials/2/index<2", []),
            ("/is_test=false", ["cakes"]),
        ],
    )
    def test_finds_by_the_contents(self, docstore_cli, condition, names):
        assert docstore_cli("ls -q --where", condition).out.splitlines() == names

    def test_combines_conditions(self, docstore_cli):
        assert docstore_cli("ls -q --where /text=rye --where /trials").out == ""

    def test_knows_the_models_that_there_are(self, docstore_cli):
        ended = docstore_cli("ls --model axx")

        assert (ended.code, ended.out) == (2, "")
        assert "'axx' is not one of 'docstore', 'ax', 'user'" in ended.err

    def test_says_what_a_condition_is(self, docstore_cli):
        ended = docstore_cli("ls --where text=rye")

        assert ended.code == 2
        assert "--where 'text=rye' is no condition. Write a pointer, an operator and a value" in ended.err

    def test_lists_other_projects(self, docstore_cli, lab):
        with docstore.connect(lab, project="kitchen") as store:
            store.put("note", "n2", 1)

        assert docstore_cli("ls -q --project kitchen").out == "n2\n"
        assert docstore_cli("ls -q --all-projects -k note").out.splitlines() == ["n1", "n2"]

    @pytest.mark.parametrize(
        ("options", "line"),
        [
            ("-q --project defalt", "Project 'defalt' has no documents; projects with names like it: 'default'.\n"),
            ("-o json --project kitchen", "Project 'kitchen' has no documents; projects here: 'default'.\n"),
            ("--project default --before 2001-01-01", ""),
            ("--project kitchen --all-projects --before 2001-01-01", ""),
        ],
    )
    def test_says_that_a_project_has_no_documents(self, docstore_cli, options, line):
        ended = docstore_cli(f"ls {options}")

        assert (ended.code, ended.err) == (0, line)
        assert ended.out in ("", "[]\n")

    def test_says_nothing_of_a_project_whose_documents_are_deleted_nor_of_an_empty_database(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.delete("cakes")
            store.delete("n1", kind="note")
        assert docstore_cli("ls --project kitchen") == (0, "", "")

        with docstore.connect(lab, project="kitchen") as store:
            store.put("note", "n2", 1)
        assert docstore_cli("ls") == (0, "", "")

    def test_lists_parts_of_documents(self, docstore_cli):
        rows = objects(docstore_cli("ls -k experiment --part trial --status COMPLETED -o jsonl").out)

        assert [(row["name"], row["path"]) for row in rows] == [("cakes", "/trials/0"), ("cakes", "/trials/1")]

    def test_prints_every_column_with_wide(self, docstore_cli):
        [cakes, _] = objects(docstore_cli("ls --wide -o jsonl").out)

        assert {"id", "project", "model", "created_at", "deleted_at"} <= set(cakes)


class TestShow:
    def test_says_what_an_experiment_is_and_who_saved_it_last(self, docstore_cli):
        shown = dict(line.split(maxsplit=1) for line in docstore_cli("show cakes").out.splitlines())

        assert shown["version"] == shown["newest"] == "3"
        assert shown["by"] == "ada"
        assert shown["objective"] == "maximize taste"
        assert shown["parameters"] == "x=float 0.0 to 1.0; flour=string rye, spelt (ordered)"
        assert shown["trials"] == "COMPLETED=2, RUNNING=1"
        assert shown["best"] == "value=0.75, arm=1_0, x=9.53674e-07, flour=rye"

    def test_is_of_the_version_that_is_asked_for(self, docstore_cli):
        shown = json.loads(docstore_cli("show cakes -r published -o json").out)

        assert (shown["version"], shown["newest"], shown["message"]) == (2, 3, "two trials")
        assert (shown["tags"], shown["trials"]) == (["published"], {"COMPLETED": 2})
        assert shown["best"]["value"] == 0.75

    @pytest.mark.parametrize(
        ("objective", "said"),
        [
            (
                ScalarizedObjective(metrics=[Metric("taste"), Metric("cost")], weights=[1.0, -0.5], minimize=True),
                "minimize taste - 0.5 cost",
            ),
            (MultiObjective([Objective("-cost"), Objective("taste")]), "minimize cost, maximize taste"),
        ],
    )
    def test_says_its_goal_as_the_pages_do(self, docstore_cli, lab, objective, said):
        several = isinstance(objective, MultiObjective)
        config = MultiObjectiveOptimizationConfig(objective) if several else OptimizationConfig(objective)
        with docstore.connect(lab) as store:
            store.save(new_experiment("tarts", optimization_config=config))
            page = Client(web.app(store)).get("/experiment.json", name="tarts").json()

            assert json.loads(docstore_cli("show tarts -o json").out)["objective"] == page["goal"] == said

    def test_lists_the_metrics_that_are_no_objective(self, docstore_cli, lab):
        metrics = [Metric("crumb"), Metric("taste"), Metric("cost")]
        config = OptimizationConfig(Objective("taste"))
        with docstore.connect(lab) as store:
            store.save(new_experiment("tarts", optimization_config=config, tracking_metrics=metrics))

        assert json.loads(docstore_cli("show tarts -o json").out)["tracking_metrics"] == ["crumb", "cost"]

    def test_shows_any_document(self, docstore_cli):
        assert "kind     note\n" in docstore_cli("show n1 -k note").out

    def test_names_one_like_it(self, docstore_cli):
        ended = docstore_cli("show cake")

        assert (ended.code, ended.out) == (3, "")
        assert ended.err.startswith("docstore: there is no experiment named 'cake'. Names like it: 'cakes'. ")
        assert ended.err.endswith("`docstore ls` lists what is stored.\n")


class TestGet:
    def test_prints_what_is_stored_and_what_loads_takes(self, docstore_cli, lab):
        printed = docstore_cli("get cakes").out

        with docstore.connect(lab) as store:
            assert docstore.dumps(docstore.loads(printed)) == docstore.dumps(store.load("cakes"))

    def test_prints_one_value(self, docstore_cli):
        assert docstore_cli("get cakes /trials/0/status").out == '"COMPLETED"\n'
        assert docstore_cli("get cakes /trials/0/status --raw").out == "COMPLETED\n"
        assert docstore_cli("get n1 -k note -o jsonl").out == (
            '{"sizes":{"__type":"tuple","items":[1,2]},"text":"rye"}\n'
        )

    @pytest.mark.parametrize("revision", ["1", "2", "published"])
    def test_prints_it_as_it_was(self, docstore_cli, revision):
        ended = docstore_cli(f"get cakes /trials/1/status -r {revision}")

        assert ended.out == ("" if revision == "1" else '"COMPLETED"\n')

    def test_prints_a_text_as_it_is_with_raw(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.put("note", "script", "for each in x:\n\tbake(each)")

        assert docstore_cli("get script -k note --raw").out == "for each in x:\n\tbake(each)\n"

    def test_prints_it_as_it_was_at_a_time(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            when = store.version("cakes", 2).created_at.isoformat()

        assert docstore_cli(f"get cakes /trials/1/status -r {when}").out == '"COMPLETED"\n'

    @pytest.mark.parametrize(
        ("pointer", "told"),
        [
            ("/trials/0/statu", "'cakes' has nothing at /trials/0/statu. There is /trials/0/status."),
            ("/trials/7", "'cakes' has nothing at /trials/7. There is /trials/0, /trials/1, /trials/2."),
            ("/name/x", "'cakes' has nothing at /name/x: at /name is a value without members."),
        ],
    )
    def test_names_what_is_near_where_nothing_is(self, docstore_cli, pointer, told):
        assert docstore_cli(f"get cakes {pointer}") == (3, "", f"docstore: {told}\n")


class TestBest:
    def test_lists_the_best_arms_with_parameters_and_metrics(self, docstore_cli):
        [first, second] = objects(docstore_cli("best cakes --top 5 -o jsonl").out)

        assert (first["arm"], first["value"], first["taste"], first["flour"]) == ("1_0", 0.75, 0.75, "rye")
        assert (second["arm"], second["value"]) == ("0_0", 0.5)

    def test_is_of_the_version_that_is_asked_for(self, docstore_cli):
        assert docstore_cli("best cakes -r published -q").out == "1_0\n"
        assert docstore_cli("best cakes -r 1 -q").out == ""

    def test_says_why_there_is_none(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            store.save(new_experiment("pies"))

        ended = docstore_cli("best pies")

        assert "Experiment 'pies' has no objective" in ended.err


class TestTrials:
    def test_lists_them_with_parameters_and_metrics(self, docstore_cli):
        rows = objects(docstore_cli("trials cakes -o jsonl").out)

        assert [list(row) for row in rows] == [["trial", "status", "arm", "x", "flour", "taste"]] * 3
        assert [row["taste"] for row in rows] == [0.5, 0.75, None]

    @pytest.mark.parametrize(("options", "trials"), [("-r 1", []), ("-r 2", [0, 1]), ("--status running", [2])])
    def test_lists_those_that_are_asked_for(self, docstore_cli, options, trials):
        assert [row["trial"] for row in objects(docstore_cli(f"trials cakes -o jsonl {options}").out)] == trials

    def test_has_a_parameter_that_is_named_like_a_column_beside_it(self, docstore_cli, lab):
        space = docstore.SearchSpace([docstore.RangeParameter("status", docstore.ParameterType.INT, 0, 9)])
        experiment = docstore.Experiment(space, "pies")
        experiment.new_trial(parameters={"status": 7})
        with docstore.connect(lab) as store:
            store.save(experiment)

        [row] = objects(docstore_cli("trials pies -o jsonl").out)

        assert (row["status"], row["parameters.status"]) == ("CANDIDATE", 7)


class TestSql:
    def test_prints_what_the_database_answers(self, docstore_cli):
        assert docstore_cli("sql", "SELECT name, '%' AS a, ':x' AS a FROM experiments", "-o", "csv").out == (
            "name,a,a_2\ncakes,%,:x\n"
        )

    def test_reads_the_question_from_stdin(self, docstore_cli, monkeypatch, tmp_path):
        (tmp_path / "question.sql").write_text("SELECT 1 AS one")
        with (tmp_path / "question.sql").open() as file:
            monkeypatch.setattr("sys.stdin", file)

            assert docstore_cli("sql - -o jsonl").out == '{"one": 1}\n'

    @pytest.mark.parametrize("query", ["SELEC", "DROP TABLE documents", "SELECT json('x')", "SELECT 1; SELECT 2"])
    def test_says_what_the_database_refuses(self, docstore_cli, query):
        ended = docstore_cli("sql", query)

        assert (ended.code, ended.out) == (3, "")
        assert ended.err.startswith("docstore: the database refuses it: ")
        assert ended.err.endswith("; `docstore schema` lists tables and columns.\n")
        assert ".. " not in ended.err

    @pytest.mark.parametrize("query", ["ATTACH 'other.db' AS other", "VACUUM INTO 'other.db'"])
    def test_makes_no_other_file(self, docstore_cli, query):
        ended = docstore_cli("sql", query)

        assert ended.code == 3
        assert ended.err.startswith("docstore: the database refuses it: ")
        assert not Path("other.db").exists()

    def test_says_that_there_is_no_question(self, docstore_cli):
        assert docstore_cli("sql ' '").code == 2

    def test_can_be_interrupted_while_the_database_answers(self, docstore_cli):
        handlers = []

        def note(*_):
            handlers.append(signal.getsignal(signal.SIGINT))

        before = signal.getsignal(signal.SIGINT)
        sa.event.listen(Engine, "before_cursor_execute", note)
        try:
            docstore_cli("sql", "SELECT 1")
        finally:
            sa.event.remove(Engine, "before_cursor_execute", note)

        assert handlers[-1] is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is before


class TestPlot:
    @pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
    def test_is_drawn_into_a_file(self, docstore_cli, tmp_path, ending, start):
        ended = docstore_cli(f"plot cakes --dpi 40 -o cakes.{ending}")

        assert ended == (0, "", f"the plot objective of 'cakes' is in cakes.{ending}\n")
        assert (tmp_path / f"cakes.{ending}").read_bytes().startswith(start)

    @pytest.mark.parametrize(
        "words", ["--plot history", "--plot statuses -r published", "--plot slices --metric taste"]
    )
    def test_is_the_one_that_is_asked_for(self, docstore_cli, tmp_path, words):
        assert docstore_cli(f"plot cakes {words} -o cakes.svg").code == 0

    def test_knows_the_plots_that_there_are(self):
        assert tuple(plots.PLOTS) == PLOTS

    @pytest.mark.parametrize(
        ("words", "code", "told"),
        [
            ("cakes", 2, "Missing option '-o'"),
            ("cakes -o cakes.gif", 2, "End it in one of .pdf, .svg, .png."),
            ("cakes -o lab.db/plot.png", 3, "lab.db/plot.png: "),
            ("cakes -o s3:/lab/plot.png", 2, "A URL begins with s3://"),
            ("cakes -o x.png --plot history -r 2", 2, "It is of all versions: leave it out."),
            ("cakes -o x.png --plot statuses --metric taste", 2, "It takes none: leave it out."),
            ("cakes -o x.png --plot pareto --metric taste", 2, "Give the names of two"),
            ("cakes -o x.png --metric taste --metric price", 2, "has these: 'taste'"),
            ("caks -o x.png", 3, "Names like it: 'cakes'"),
        ],
    )
    def test_says_what_is_wrong(self, docstore_cli, words, code, told):
        ended = docstore_cli(f"plot {words}")

        assert ended.code == code
        assert told in ended.err
