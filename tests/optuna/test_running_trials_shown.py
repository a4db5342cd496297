"""Trials that run in a ``Storage``, at the terminal and in a browser, neither of which imports Optuna."""

from __future__ import annotations

import json
import shlex
from contextlib import contextmanager
from itertools import islice

import optuna
import pytest
import sqlalchemy as sa
from counting import statements_of
from web_lab import Client

from docstore import web
from docstore.cli.main import run
from docstore.optuna import Storage
from docstore.testing.experiments import new_experiment
from docstore.web.pages.experiment import experiment_page
from docstore.web.pages.trials import trials_page
from docstore.web.source import Source


@pytest.fixture
def study(lab):
    """Trial 0 has ended, trial 1 was waiting and runs now, trial 2 runs, and trial 3 waits."""
    study = optuna.create_study(storage=Storage(lab, visible_every=0), study_name="branin")
    study.optimize(lambda trial: trial.suggest_float("x", -1.0, 1.0), 1)
    study.enqueue_trial({"x": 0.25})
    running = [study.ask(), study.ask()]
    study.enqueue_trial({"x": 0.5})
    running[0].suggest_float("x", -1.0, 1.0)
    running[1].suggest_categorical("<kind>", ["a", "b"])
    running[1].report(0.125, 1)
    running[1].report(float("nan"), 2)
    return study


@pytest.fixture
def cli(lab, monkeypatch, capsys):
    monkeypatch.setenv("DOCSTORE_URL", lab.engine.url.render_as_string(hide_password=False))

    def call(line):
        assert run(shlex.split(line)) == 0
        return capsys.readouterr().out

    return call


@contextmanager
def one_ends(study, lab, moment, statement):
    """At each *statement* of others than the storage, a trial ends: 2, then 4 to 8. Trials 1 and 3 run on."""
    _, *others = [study.ask().number for _ in range(6)]
    ends = iter([2, *others])

    def end(connection, cursor, given, *rest):
        if statement in given and connection.engine is not lab.engine:
            for number in islice(ends, 1):
                study.tell(number, 0.5)

    sa.event.listen(sa.Engine, moment, end)
    yield
    sa.event.remove(sa.Engine, moment, end)
    assert next(ends, None) != 2, "none has ended"


class TestRunningTrials:
    def test_have_what_their_processes_wrote_last(self, lab, study):
        first, second = lab.running_trials("branin")

        assert (first.trial, first.parameters, first.metrics) == (1, {"x": 0.25}, {})
        assert (second.trial, second.since) == (2, study.trials[2].datetime_start)
        assert repr(second.metrics) == "{'intermediate_value': nan}"
        assert second.heard_of is None

    def test_have_ended_when_they_are_in_the_experiment(self, lab, study):
        study.tell(2, 0.5)

        assert [each.trial for each in lab.running_trials("branin")] == [1]

    def test_say_when_they_were_heard_of(self, lab, study):
        study._storage.record_heartbeat(study.trials[2]._trial_id)

        assert [each.heard_of is not None for each in lab.running_trials("branin")] == [False, True]

    def test_are_none_where_no_storage_was(self, lab):
        lab.save(new_experiment("branin"))

        assert lab.running_trials("branin") == []

    def test_read_as_a_table_in_a_notebook(self, lab, study):
        shown = lab.running_trials("branin")._repr_html_()

        assert [shown.count(f">{heading}</th>") for heading in ("trial", "since", "heard of", "x")] == [1, 1, 0, 1]
        assert "&lt;kind&gt;" in shown

    def test_cost_a_few_statements_where_none_runs(self, lab):
        study = optuna.create_study(storage=Storage(lab), study_name="branin")
        study.optimize(lambda trial: 1.0, 1)

        assert len(statements_of(lab.engine, lab.running_trials, "branin")) == 4


class TestTheCommandLine:
    def test_lists_them_among_the_trials(self, cli, study):
        rows = [json.loads(line) for line in cli("trials branin -o jsonl").splitlines()]

        assert [row["status"] for row in rows] == ["COMPLETED", "RUNNING", "RUNNING", "CANDIDATE"]
        assert (rows[1]["x"], rows[1]["since"]) == (0.25, study.trials[1].datetime_start.isoformat())
        assert cli("trials branin --status running -q").split() == ["1", "2"]

    def test_counts_them(self, cli, study):
        assert json.loads(cli("show branin -o json"))["trials"] == {"CANDIDATE": 1, "COMPLETED": 1, "RUNNING": 2}

    def test_has_none_of_an_older_version(self, cli, study):
        assert cli("trials branin -r 2 -q").split() == ["0"]
        assert json.loads(cli("show branin -r 2 -o json"))["trials"] == {"COMPLETED": 1}

    def test_says_what_the_columns_of_their_table_mean(self, cli, study):
        rows = [json.loads(line) for line in cli("schema optuna_running -o jsonl").splitlines()]

        assert [row["column"] for row in rows if row["meaning"]] == ["study_id", "number", "owner", "state", "heard_of"]

    def test_counts_one_that_ends_just_then_once(self, cli, lab, study):
        with one_ends(study, lab, "before_cursor_execute", "BEGIN"):
            counts = json.loads(cli("show branin -o json"))["trials"]

        assert sum(counts.values()) == len(study.trials)

    def test_lists_one_that_ends_just_then_as_it_ended(self, cli, lab, study):
        with one_ends(study, lab, "after_cursor_execute", "FROM optuna_running"):
            rows = [json.loads(line) for line in cli("trials branin -o jsonl").splitlines()]

        assert [row["status"] for row in rows[:3]] == ["COMPLETED", "RUNNING", "COMPLETED"]
        assert [row["trial"] for row in rows] == list(range(len(study.trials)))


class TestThePages:
    def test_lack_none_that_ends_just_then(self, lab, study, connect):
        source = Source(connect(lab.engine.url.render_as_string(hide_password=False)))
        experiment_page(source, "branin")  # keeps how many trials there are

        with one_ends(study, lab, "after_cursor_execute", "FROM documents"):
            page = experiment_page(source, "branin")

        assert page.trials + page.running >= len(study.trials) + 2  # two run, and wait in the experiment

    def test_have_them_and_their_number(self, lab, study):
        assert experiment_page(Source(lab), "branin").running == 2
        assert [each.trial for each in trials_page(Source(lab), "branin").running] == [1, 2]

    def test_have_none_of_an_older_version(self, lab, study):
        assert experiment_page(Source(lab), "branin", "2").running == 0
        assert trials_page(Source(lab), "branin", wanted="2").running == []

    def test_have_each_with_what_is_known_of_it(self, lab, study):
        client = Client(web.app(lab))
        waited, new = (client.get("/trial.json", name="branin", index=index).json() for index in (1, 2))

        assert [(each["status"], each["arms"][0]["parameters"]) for each in (waited, new)] == [
            ("RUNNING", {"x": 0.25}),
            ("RUNNING", {"<kind>": study.trials[2].params["<kind>"]}),
        ]
        assert [(each["metric_name"], each["mean"]) for each in new["records"]] == [("intermediate_value", None)]
        assert (new["changes"], new["earlier"], new["later"]) == ([], 1, 3)
        assert "index=2" in client.get("/trials", name="branin").text
        assert "becomes part of the experiment when it ends" in client.get("/trial", name="branin", index=2).text
        assert client.get("/trial", name="branin", index=2, version=2).status_code == 404

    @pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
    def test_have_one_that_ends_just_then_once(self, lab, study, moment):
        """It ends before or after those are read that run."""
        ends = iter([lambda: study.tell(2, 0.5)])

        def watch(connection, cursor, statement, *rest):
            if "SELECT" in statement and "FROM optuna_running" in statement:
                next(ends, lambda: None)()

        sa.event.listen(lab.engine, moment, watch)
        page = trials_page(Source(lab), "branin")

        assert [row[0] for row in page.rows] == [0, 1, 2, 3]
        assert [each.trial for each in page.running] == [1]

    @pytest.mark.parametrize("path", ["/experiment", "/trials"])
    def test_are_others_when_one_ends_that_was_not_saved(self, lab, study, path):
        client = Client(web.app(lab))
        before = client.get(path, name="branin")

        study.ask()

        after = client.get(path, name="branin")
        assert "running" in before.text
        assert before.headers["etag"] != after.headers["etag"]

    def test_show_their_names_as_texts(self, lab, study):
        shown = Client(web.app(lab)).get("/trials", name="branin").text

        assert "&lt;kind&gt;" in shown
        assert "<kind>" not in shown
