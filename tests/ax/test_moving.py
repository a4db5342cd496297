"""Experiments move from Ax's own storage into a store, and out to Ax's own JSON."""

from __future__ import annotations

import json
import re
import runpy
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from ax.api.client import Client
from ax.api.configs import RangeParameterConfig, StorageConfig
from ax.core.analysis_card import AnalysisCard
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.exceptions.storage import SQAEncodeError
from ax.service.ax_client import AxClient
from ax.storage.json_store.save import save_experiment as save_json
from ax.storage.registry_bundle import RegistryBundle
from ax.storage.sqa_store.db import Base, create_all_tables, get_engine, session_context
from ax.storage.sqa_store.load import load_experiment
from ax.storage.sqa_store.save import save_analysis_card, save_experiment, save_generation_strategy
from ax.utils.testing import core_stubs, modeling_stubs
from ax_samples import samples
from exactly import differences

import docstore
from docstore import registry
from docstore.ax import ImportReport, export_json, import_json, import_json_file, import_sql
from docstore.errors import DatabaseError, FileAccessError, FileFormatError, InvalidValueError, MissingFileError

CustomTestMetric, CustomTestRunner = core_stubs.CustomTestMetric, core_stubs.CustomTestRunner
BUNDLE = RegistryBundle(metric_clss={CustomTestMetric: None}, runner_clss={CustomTestRunner: None})
"""The bundle of a user, whose metric and runner those of Ax's tests stand for."""

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "move_from_ax.py"


def new_experiment(name: str = "branin", **arguments: Any) -> Experiment:
    """Return an experiment with one trial that ran and has data."""
    experiment = Experiment(
        name=name,
        search_space=core_stubs.get_branin_search_space(),
        tracking_metrics=[core_stubs.get_branin_metric(name="loss")],
        **arguments,
    )
    add_trial(experiment, 1.0)
    return experiment


def add_trial(experiment: Experiment, x: float) -> None:
    """Add a trial that ran, with a mean of *x*."""
    trial = experiment.new_trial(GeneratorRun([Arm({"x1": x, "x2": 0.5})]))
    trial.mark_running(no_runner_required=True)
    row = {"trial_index": trial.index, "arm_name": trial.arm.name, "metric_name": "loss", "metric_signature": "loss"}
    experiment.attach_data(Data(df=pd.DataFrame([{**row, "mean": x, "sem": 0.1}])))
    trial.mark_completed()


def client_with_one_trial(**arguments: Any) -> Client:
    client = Client(**arguments)
    client.configure_experiment([RangeParameterConfig("x", (0.0, 1.0), "float")], name="branin")
    client.configure_optimization("loss")
    [(index, parameters)] = client.get_next_trials(1).items()
    client.complete_trial(index, {"loss": parameters["x"]})
    return client


def change_in(store: docstore.Store) -> None:
    """Change the experiment, its first trial and its strategy, as a user does between two imports."""
    experiment = store.load("branin")
    experiment.description, experiment.trials[0]._properties["note"] = "mine", "look at this one"
    store.save(experiment)
    strategy = store.load("branin", kind="generation_strategy")
    strategy._name = "my strategy"
    store.save(strategy)


def changed_in(store: docstore.Store) -> tuple[Any, ...]:
    """Return what ``change_in`` changed."""
    experiment, strategy = store.load("branin"), store.load("branin", kind="generation_strategy")
    return experiment.description, experiment.trials[0]._properties.get("note"), strategy.name


# --- SQL -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """A database with Ax's tables; within the test, Ax's own calls save to it."""
    path = tmp_path / "ax.db"
    with session_context(url=f"sqlite:///{path}"):
        create_all_tables(get_engine())
        yield path


def rows(path: Path, statement: str) -> list[Any]:
    """Run SQL in the database of Ax."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


class TestAnExperimentInADatabaseOfAx:
    def test_is_saved_as_ax_loads_it(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)

        report = import_sql(source, store)

        loaded = store.load("branin")
        assert (report.imported, report.failed, report.left_out) == (["branin"], {}, {})
        assert loaded.trials[0].arm.parameters == {"x1": 1.0, "x2": 0.5}
        assert loaded.data.df["mean"].tolist() == [1.0]
        assert loaded._time_created == experiment._time_created.replace(microsecond=0)

    def test_is_exactly_as_ax_loads_it_whatever_it_is(self, store, source):
        """The experiments of Ax's stubs, but for those whose metrics Ax's own registry lacks."""
        stubs = [make for name, make in samples().items() if re.match(r"core_stubs.*experiment(?!s)", name)]
        made = [each for make in stubs if isinstance(each := make(), Experiment)]
        for number, experiment in enumerate(made):
            experiment._name = f"stub {number}"
            with suppress(SQAEncodeError):
                save_experiment(experiment)

        report = import_sql(source, store)

        assert (len(report.imported) >= 18, report.failed) == (True, {})
        assert [each for name in report.imported for each in differences(load_experiment(name), store.load(name))] == []

    def test_comes_with_its_strategy_and_cards(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)
        strategy = modeling_stubs.get_generation_strategy()
        strategy.experiment = experiment
        save_generation_strategy(strategy)
        for blob in ("a", "b"):
            save_analysis_card(AnalysisCard("Sweep", "", "", pd.DataFrame(), blob), experiment)

        import_sql(source, store)

        assert store.load("branin", kind="generation_strategy").name == strategy.name
        cards = [store.load(name, kind="analysis_card") for name in store.names(kind="analysis_card")]
        assert sorted(card.blob for card in cards) == ["a", "b"]

    def test_is_not_written_to(self, store, source):
        save_experiment(new_experiment())
        before = source.read_bytes()

        import_sql(source, store)

        assert source.read_bytes() == before
        assert [path.name for path in source.parent.iterdir()] == ["ax.db"]

    def test_is_reported_while_it_is_imported(self, store, source):
        for name in ("one", "two"):
            save_experiment(new_experiment(name))
        seen = []

        import_sql(source, store, progress=seen.append)

        assert [(each.done, each.total, each.name) for each in seen] == [(1, 2, "one"), (2, 2, "two")]


class TestASecondImport:
    def test_saves_nothing_if_nothing_changed(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)
        strategy = modeling_stubs.get_generation_strategy()
        strategy.experiment = experiment
        save_generation_strategy(strategy)
        save_analysis_card(AnalysisCard("Sweep", "", "", pd.DataFrame(), "a"), experiment)
        import_sql(source, store)

        report = import_sql(source, store)

        assert (report.imported, report.unchanged) == ([], ["branin"])
        assert [len(store.history(info.name, kind=info.kind)) for info in store.find()] == [1, 1, 1]

    def test_saves_nothing_of_a_client_either(self, store, source):
        client_with_one_trial(storage_config=StorageConfig())
        import_sql(source, store)

        assert import_sql(source, store).unchanged == ["branin"]

    def test_saves_what_ax_saved_since(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)
        import_sql(source, store)
        add_trial(experiment, 2.0)
        save_experiment(experiment)

        report = import_sql(source, store)

        assert report.imported == ["branin"]
        assert store.load("branin").data.df["mean"].tolist() == [1.0, 2.0]

    def test_keeps_what_was_saved_in_the_store_meanwhile(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)
        import_sql(source, store)
        mine = store.load("branin")
        mine.description = "mine"
        store.save(mine)
        add_trial(experiment, 2.0)
        save_experiment(experiment)

        import_sql(source, store)

        loaded = store.load("branin")
        assert (loaded.description, sorted(loaded.trials)) == ("mine", [0, 1])

    def test_leaves_what_was_changed_in_the_store_when_it_is_followed_by_a_third(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)
        strategy = modeling_stubs.get_generation_strategy()
        strategy.experiment = experiment
        save_generation_strategy(strategy)
        import_sql(source, store)
        change_in(store)
        add_trial(experiment, 2.0)
        save_experiment(experiment)
        import_sql(source, store)

        assert import_sql(source, store).unchanged == ["branin"]
        add_trial(experiment, 3.0)
        save_experiment(experiment)
        assert import_sql(source, store).imported == ["branin"]

        assert changed_in(store) == ("mine", "look at this one", "my strategy")
        assert sorted(store.load("branin").trials) == [0, 1, 2]

    def test_goes_on_where_one_was_interrupted(self, store, source):
        for name in ("one", "two"):
            save_experiment(new_experiment(name))

        def interrupt(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            import_sql(source, store, progress=interrupt)

        report = import_sql(source, store)

        assert (report.unchanged, report.imported) == (["one"], ["two"])

    def test_reports_a_place_that_both_changed(self, store, source):
        experiment = new_experiment(description="first")
        save_experiment(experiment)
        import_sql(source, store)
        mine = store.load("branin")
        mine.description = "mine"
        store.save(mine)
        rows(source, "UPDATE experiment_v2 SET description = 'theirs'")

        report = import_sql(source, store)

        assert "/description" in report.failed["branin"]
        assert store.load("branin").description == "mine"

    def test_takes_no_experiment_that_was_not_imported_for_its_own(self, store, source):
        save_experiment(new_experiment())
        store.save(new_experiment(description="another"))

        report = import_sql(source, store)

        assert "not imported from Ax" in report.failed["branin"]
        assert store.load("branin").description == "another"


class TestExperimentsThatAreNotAsAxExpects:
    def test_of_one_name_get_names_of_their_own(self, store, source):
        for name in ("branin", "other"):
            save_experiment(new_experiment(name))
        rows(source, "UPDATE experiment_v2 SET name = 'branin'")

        report = import_sql(source, store)

        assert (report.imported, report.renamed) == (["branin", "branin (2)"], {"branin (2)": "branin"})
        assert import_sql(source, store).unchanged == ["branin", "branin (2)"]

    def test_that_fail_are_reported_and_the_next_one_is_imported(self, store, source):
        for name in ("broken", "whole"):
            save_experiment(new_experiment(name))
        rows(source, "UPDATE parameter_v2 SET lower = NULL WHERE experiment_id = 1")

        report = import_sql(source, store)

        assert (report.imported, list(report.failed)) == (["whole"], ["broken"])
        assert "lower" in report.failed["broken"]
        assert "'broken' failed: Ax cannot read it: SQADecodeError: `lower`" in str(report)

    def test_with_a_strategy_that_cannot_be_read_come_without_it(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)
        strategy = modeling_stubs.get_generation_strategy()
        strategy.experiment = experiment
        save_generation_strategy(strategy)
        rows(source, """UPDATE generation_strategy SET nodes = '[{"__type": "Unheard"}]'""")

        report = import_sql(source, store)

        assert report.imported == ["branin"]
        assert report.left_out["branin"][0].startswith("its generation strategy")

    def test_of_an_older_ax_are_read_although_columns_and_tables_are_missing(self, store, source):
        save_experiment(new_experiment())
        for column in ("metric_v2.signature", "trial_v2.stop_metadata", "trial_v2.num_arms_created"):
            table, name = column.split(".")
            rows(source, f"ALTER TABLE {table} DROP COLUMN {name}")
        for table in ("auxiliary_experiments", "analysis_card_v2"):
            rows(source, f"DROP TABLE {table}")

        report = import_sql(source, store)

        assert report.imported == ["branin"]
        loaded = store.load("branin")
        assert loaded.metrics["loss"].signature == "loss"
        assert loaded.trials[0].stop_metadata == {}


class TestAMetricAndARunnerOfUsers:
    @pytest.fixture(autouse=True)
    def _saved(self, source):
        experiment = Experiment(
            name="branin",
            search_space=core_stubs.get_branin_search_space(),
            tracking_metrics=[CustomTestMetric(name="mine", test_attribute="m")],
            runner=CustomTestRunner(test_attribute="r"),
        )
        save_experiment(experiment, config=BUNDLE.sqa_config)

    def test_are_read_by_the_bundle_of_ax(self, store, source):
        with registry.scope():
            docstore.register(CustomTestMetric)
            docstore.register(CustomTestRunner)

            report = import_sql(source, store, bundle=BUNDLE)

            loaded = store.load("branin")
            assert report.left_out == {}
            assert (loaded.metrics["mine"].test_attribute, loaded.runner.test_attribute) == ("m", "r")

    def test_that_docstore_does_not_know_are_named(self, store, source):
        report = import_sql(source, store, bundle=BUNDLE)

        assert "docstore.register" in report.failed["branin"]

    def test_that_nobody_knows_are_a_plain_metric_and_no_runner(self, store, source):
        report = import_sql(source, store)

        loaded = store.load("branin")
        kept = loaded.metrics["mine"].properties
        assert json.loads(kept["ax_properties"])["test_attribute"] == "m"
        assert loaded.runner is None
        metric, runner = report.left_out["branin"]
        assert metric.startswith("the class of metric 'mine'")
        assert runner.startswith("the runner, of the unknown type")


class TestTheTimesOfData:
    """Ax stores milliseconds, and with pandas 3 it reads them as nanoseconds."""

    @pytest.fixture
    def experiment(self) -> Experiment:
        experiment = new_experiment()
        for row in experiment.data._data_rows:
            row.start_time, row.end_time = pd.Timestamp("2026-01-01 10:00:00.123"), pd.NaT
        return experiment

    def test_are_those_that_a_database_has(self, experiment, store, source):
        save_experiment(experiment)

        import_sql(source, store)

        [row] = store.load("branin").data._data_rows
        assert (row.start_time, pd.isna(row.end_time)) == (pd.Timestamp("2026-01-01 10:00:00.123"), True)

    def test_are_those_that_a_file_has(self, experiment, tmp_path):
        save_json(experiment, str(tmp_path / "ax.json"))

        [read] = import_json(tmp_path / "ax.json")

        assert read.data.df["start_time"].tolist() == [pd.Timestamp("2026-01-01 10:00:00.123")]


class TestTheZoneOfTimes:
    def test_is_that_of_this_machine_unless_one_is_given(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)

        import_sql(source, store)

        assert store.load("branin").trials[0].time_completed == experiment.trials[0].time_completed.replace(
            microsecond=0
        )

    def test_is_the_given_one(self, store, source):
        experiment = new_experiment()
        save_experiment(experiment)

        import_sql(source, store, zone="Asia/Tokyo")

        here = datetime.fromtimestamp(int(experiment._time_created.timestamp()))
        utc = here - timedelta(seconds=time.localtime(here.timestamp()).tm_gmtoff)
        assert store.load("branin")._time_created == utc + timedelta(hours=9)

    def test_is_refused_if_there_is_none_of_that_name(self, store, source):
        with pytest.raises(InvalidValueError, match="Europe/Vienna"):
            import_sql(source, store, zone="Vienna")


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_a_database_of_ax_on_a_server_is_imported_too(store, another_store, source, empty_database):
    experiment = new_experiment(description="Käse")
    experiment.add_tracking_metric(core_stubs.get_branin_metric(name="other"))
    save_experiment(experiment)
    strategy = modeling_stubs.get_generation_strategy()
    strategy.experiment = experiment
    save_generation_strategy(strategy)
    copy_to_server(source, empty_database)

    report = import_sql(empty_database, store)

    assert import_sql(source, another_store) == report == ImportReport(imported=["branin"])
    for kind in ("experiment", "generation_strategy"):
        assert differences(store.load("branin", kind=kind), another_store.load("branin", kind=kind)) == []


def copy_to_server(path: Path, url: str) -> None:
    """Copy a database of Ax to a server, which allows no texts of the lengths that Ax's own tables have."""
    source, server = sa.create_engine(f"sqlite:///{path}"), sa.create_engine(url)
    with source.connect() as reading, server.begin() as writing:
        for table in Base.metadata.sorted_tables:
            columns = [sa.Column(each.name, on_server(each), primary_key=each.primary_key) for each in table.columns]
            copy = sa.Table(table.name, sa.MetaData(), *columns)
            copy.create(writing)
            plain = sa.select(*(sa.column(each.name) for each in columns)).select_from(sa.table(table.name))
            if rows := [dict(row) for row in reading.execute(plain).mappings()]:
                writing.execute(sa.insert(copy), rows)
    source.dispose()
    server.dispose()


def on_server(column: Any) -> Any:
    kind = getattr(column.type, "impl", column.type)
    if isinstance(kind, sa.String):
        return sa.String(255) if column.primary_key else sa.Text()
    return sa.Double() if isinstance(kind, sa.Float) else kind


def test_an_engine_is_taken_too_and_stays_open(store):
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    Base.metadata.create_all(engine)

    assert import_sql(engine, store) == ImportReport()

    with engine.connect() as connection:
        assert sa.inspect(connection).has_table("experiment_v2")


def test_a_file_that_is_not_there_is_not_made(store, tmp_path):
    with pytest.raises(MissingFileError, match=r"typo\.db: there is no such database file"):
        import_sql(tmp_path / "typo.db", store)

    assert not (tmp_path / "typo.db").exists()


def test_a_database_that_is_not_of_ax_is_refused(store, tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE a (b)")

    with pytest.raises(DatabaseError, match="no database of Ax"):
        import_sql(tmp_path / "other.db", store)


def test_the_example_runs_and_runs_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["move_from_ax.py", "--folder", str(tmp_path / "new")])

    for _ in range(2):
        runpy.run_path(str(EXAMPLE), run_name="__main__")

    said = capsys.readouterr().out
    assert said.count("1 imported, 0 unchanged, 0 failed") == 1
    assert said.count("A second import: 0 imported, 1 unchanged, 0 failed") == 2
    assert said.count("branin: 3 trials, 1 version") == 2


def test_the_example_goes_on_where_ax_cannot_read_its_own_json(tmp_path, monkeypatch, capsys):
    url, database = f"sqlite:///{tmp_path / 'source.db'}", tmp_path / "lab.db"
    with session_context(url=url):
        create_all_tables(get_engine())
        for experiment in (core_stubs.get_branin_experiment_with_status_quo_trials(), new_experiment("last")):
            save_experiment(experiment)
    arguments = ["--source", url, "--store", f"sqlite:///{database}", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["move_from_ax.py", *arguments])

    runpy.run_path(str(EXAMPLE), run_name="__main__")

    said = capsys.readouterr().out
    assert "Ax cannot write or read it" in said
    assert "last: 1 trials" in said


# --- JSON ------------------------------------------------------------------------------------------------------------


class TestAJSONFileOfAx:
    def test_gives_the_experiment(self, tmp_path):
        experiment = new_experiment()
        save_json(experiment, str(tmp_path / "ax.json"))

        [read] = import_json(tmp_path / "ax.json")

        assert (read.name, read.data.df["mean"].tolist()) == ("branin", [1.0])

    def test_may_have_a_nan(self, tmp_path):
        experiment = new_experiment()
        experiment._properties["loss"] = float("nan")
        save_json(experiment, str(tmp_path / "ax.json"))

        [read] = import_json(tmp_path / "ax.json")

        assert repr(read._properties["loss"]) == "nan"

    def test_of_a_client_gives_the_experiment_and_the_strategy(self, tmp_path, store):
        client = client_with_one_trial()
        client.save_to_json_file(str(tmp_path / "client.json"))

        store.save_together(import_json(tmp_path / "client.json"))

        assert len(store.load("branin").trials) == 1
        assert len(store.load("branin", kind="generation_strategy")._generator_runs) == 1

    def test_is_saved_once_and_later_what_is_new(self, tmp_path, store):
        client = client_with_one_trial()
        client.save_to_json_file(str(tmp_path / "client.json"))
        first = import_json_file(tmp_path / "client.json", store)
        again = import_json_file(tmp_path / "client.json", store)
        client.get_next_trials(1)
        client.save_to_json_file(str(tmp_path / "client.json"))

        later = import_json_file(tmp_path / "client.json", store)

        assert (first.imported, again.unchanged, later.imported) == (["branin"], ["branin"], ["branin"])
        assert len(store.load("branin").trials) == 2

    def test_saved_a_third_time_leaves_what_was_changed_in_the_store(self, tmp_path, store):
        client = client_with_one_trial()
        client.save_to_json_file(str(tmp_path / "client.json"))
        import_json_file(tmp_path / "client.json", store)
        change_in(store)
        client.get_next_trials(1)
        client.save_to_json_file(str(tmp_path / "client.json"))
        import_json_file(tmp_path / "client.json", store)

        report = import_json_file(tmp_path / "client.json", store)

        assert report == ImportReport(unchanged=["branin"])
        assert changed_in(store) == ("mine", "look at this one", "my strategy")
        assert len(store.load("branin").trials) == 2

    def test_of_an_older_client_gives_both_too(self, tmp_path):
        client = AxClient()
        client.create_experiment([{"name": "x", "type": "range", "bounds": [0.0, 1.0]}], name="branin")
        client.get_next_trial()
        client.save_to_json_file(str(tmp_path / "client.json"))

        experiment, strategy = import_json(tmp_path / "client.json")

        assert strategy._experiment is experiment
        assert strategy._generator_runs[0].arms[0].parameters == experiment.trials[0].arm.parameters

    def test_that_is_missing_or_not_of_ax_is_refused(self, tmp_path):
        (tmp_path / "list.json").write_text("[1]")
        (tmp_path / "unknown.json").write_text('{"__type": "Unheard"}')

        with pytest.raises(MissingFileError):
            import_json(tmp_path / "none.json")
        with pytest.raises(FileFormatError, match="not of Ax"):
            import_json(tmp_path / "list.json")
        with pytest.raises(FileFormatError, match="Unheard"):
            import_json(tmp_path / "unknown.json")


class TestAnExport:
    def test_that_ax_reads_exactly_says_nothing(self, tmp_path):
        experiment = new_experiment()

        differs = export_json(experiment, tmp_path / "ax.json")

        assert not differs
        [read] = import_json(tmp_path / "ax.json")
        assert differences(experiment, read) == []

    def test_says_what_ax_does_not_keep(self, tmp_path):
        experiment = new_experiment()
        add_trial(experiment, 0.1 + 0.7)

        differs = export_json(experiment, tmp_path / "ax.json")

        assert differs.words == ("trial 1: mean of loss 0.7999999999999999 -> 0.8",)

    def test_that_ax_cannot_write_leaves_the_file_as_it_was(self, tmp_path):
        experiment = new_experiment()
        export_json(experiment, tmp_path / "ax.json")
        before = (tmp_path / "ax.json").read_bytes()
        experiment._properties["x"] = Decimal(1)

        with pytest.raises(FileFormatError):
            export_json(experiment, tmp_path / "ax.json")

        assert (tmp_path / "ax.json").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["ax.json"]

    def test_to_a_folder_that_is_missing_is_refused(self, tmp_path):
        with pytest.raises(FileAccessError):
            export_json(new_experiment(), tmp_path / "none" / "ax.json")

    def test_of_an_object_that_is_not_of_ax_is_refused(self, tmp_path):
        space = docstore.SearchSpace([])

        with pytest.raises(InvalidValueError, match="of Ax"):
            export_json(docstore.Experiment(space, "light"), tmp_path / "ax.json")
