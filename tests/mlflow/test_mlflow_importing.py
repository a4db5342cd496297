"""Imports of experiments of MLflow: again, while runs go on, of two sources, and of what cannot be imported."""

from __future__ import annotations

import traceback

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow_samples import STARTED, run, tag

import docstore
from docstore import FixedParameter, ParameterType, RangeParameter
from docstore.cli.main import run as run_command
from docstore.errors import DatabaseError, DocstoreError, InvalidValueError, MissingFileError
from docstore.mlflow import ImportReport, import_experiments


@pytest.fixture
def experiment(client, request):
    """The id of an experiment of MLflow without runs, that has the name of the test."""
    return client.create_experiment(request.node.name)


@pytest.fixture
def name(experiment, request):
    """Its name."""
    return request.node.name


class TestASecondImport:
    def test_of_an_unchanged_experiment_makes_no_version(self, store, client, experiment, name):
        run(client, experiment)
        import_experiments(store, client, names=[name])

        report = import_experiments(store, client, names=[name])

        assert report == ImportReport(unchanged=[name])
        assert len(store.history(name)) == 1

    def test_adds_what_is_new_as_one_version(self, lab, client, experiment, name):
        run(client, experiment, 0)
        going = run(client, experiment, 1, status="RUNNING")
        import_experiments(lab, client, names=[name])
        client.log_metric(going, "loss", 0.25, STARTED + 9, 1)
        run(client, experiment, 2)

        report = import_experiments(lab, client, names=[name])

        assert report == ImportReport(imported=[name])
        assert [version.number for version in lab.history(name)] == [2, 1]
        parts = {"/".join(place.split("/")[:3]) for place in lab.history(name)[0].places}
        assert parts == {"/data/1", "/data/2", "/trials/2"}

    def test_keeps_the_numbers_of_trials_if_a_new_run_began_before_them(self, lab, client, experiment, name):
        run(client, experiment, 5)
        import_experiments(lab, client, names=[name])
        run(client, experiment, 1)

        import_experiments(lab, client, names=[name])

        trials = lab.load(name).trials.values()
        assert [trial.properties["mlflow"]["tags"]["mlflow.runName"] for trial in trials] == ["run 5", "run 1"]

    def test_keeps_what_was_changed_in_the_store(self, lab, client, experiment, name):
        run(client, experiment)
        import_experiments(lab, client, names=[name])
        here = lab.load(name)
        here.properties["team"], here.trials[0].properties["note"] = "audio", "look at this one"
        lab.save(here)
        run(client, experiment, 1)

        import_experiments(lab, client, names=[name])

        here = lab.load(name)
        assert (here.properties["team"], here.trials[0].properties["note"]) == ("audio", "look at this one")
        assert len(here.trials) == 2

    def test_leaves_what_was_changed_in_the_store_when_it_is_followed_by_a_third(self, lab, client, experiment, name):
        run(client, experiment)
        import_experiments(lab, client, names=[name])
        here = lab.load(name)
        here.properties["team"], here.trials[0].properties["note"] = "audio", "look at this one"
        lab.save(here)
        run(client, experiment, 1)
        import_experiments(lab, client, names=[name])

        assert import_experiments(lab, client, names=[name]).unchanged == [name]
        run(client, experiment, 2)
        assert import_experiments(lab, client, names=[name]).imported == [name]

        here = lab.load(name)
        assert (here.properties["team"], here.trials[0].properties["note"]) == ("audio", "look at this one")
        assert len(here.trials) == 3

    def test_beside_a_trial_that_was_added_in_the_store_gives_the_run_another_number(
        self, lab, client, experiment, name
    ):
        for number, text in enumerate(("0.001", "1.0")):
            run(client, experiment, number, params={"lr": text})
        import_experiments(lab, client, names=[name])
        here = lab.load(name)
        here.new_trial(parameters={"lr": 0.5})
        lab.save(here)
        run(client, experiment, 2, params={"lr": "0.25"})
        import_experiments(lab, client, names=[name])

        report = import_experiments(lab, client, names=[name])

        assert report.unchanged == [name]
        assert [trial.arm.parameters["lr"] for trial in lab.load(name).trials.values()] == [0.001, 1.0, 0.5, 0.25]

    def test_of_a_value_that_was_changed_in_the_store_too_is_reported(self, lab, client, experiment, name):
        run_id = run(client, experiment, tags={"why": "a guess"})
        import_experiments(lab, client, names=[name])
        here = lab.load(name)
        here.trials[0].properties["why"] = "mine"
        lab.save(here)
        run(client, experiment, 1)
        import_experiments(lab, client, names=[name])
        tag(client, run_id, "why", "theirs")

        report = import_experiments(lab, client, names=[name])

        assert "/trials/0/properties/why" in report.failed[name]
        assert lab.load(name).trials[0].properties["why"] == "mine"

    def test_makes_texts_of_numbers_if_a_new_run_has_a_text(self, lab, client, experiment, name):
        run(client, experiment, params={"depth": "8"})
        import_experiments(lab, client, names=[name])
        run(client, experiment, 1, params={"depth": "auto"})

        import_experiments(lab, client, names=[name])

        assert [trial.arm.parameters["depth"] for trial in lab.load(name).trials.values()] == ["8", "auto"]
        assert lab.load(name, version=1).search_space.parameters["depth"] == FixedParameter(
            "depth", ParameterType.INT, 8
        )


class TestARunThatIsDeleted:
    def test_is_left_out_and_counted(self, lab, client, experiment, name):
        run(client, experiment, 0)
        client.delete_run(run(client, experiment, 1))

        report = import_experiments(lab, client, names=[name])

        assert report.left_out == {name: ["1 deleted run"]}
        assert [*lab.load(name).trials] == [0]

    def test_after_it_was_imported_stays_and_is_marked(self, lab, client, experiment, name):
        deleted = run(client, experiment)
        import_experiments(lab, client, names=[name])
        client.delete_run(deleted)

        import_experiments(lab, client, names=[name])

        assert lab.load(name).trials[0].properties["mlflow"]["lifecycle_stage"] == "deleted"
        assert len(lab.load(name).data) == 1

    def test_and_purged_after_it_was_imported_stays_too(self, lab, client, experiment, name, uri):
        purged = run(client, experiment, params={"lr": "1.0"})
        run(client, experiment, 1, params={"lr": "2.0"}, metrics=[])
        import_experiments(lab, client, names=[name])
        client.delete_run(purged)
        client._tracking_client.store._hard_delete_run(purged)  # what `mlflow gc` calls

        import_experiments(lab, client, names=[name])

        here = lab.load(name)
        assert here.trials[0].properties["mlflow"]["lifecycle_stage"] == "deleted"
        assert here.search_space.parameters["lr"] == RangeParameter("lr", ParameterType.FLOAT, 1.0, 2.0)
        assert [record["mean"] for record in here.data.records] == [0.5]
        assert import_experiments(lab, client, names=[name]).unchanged == [name]


class TestTwoSourcesWithExperimentsOfOneName:
    @pytest.fixture
    def other(self, lab, client, experiment, name, other_uri):
        """The second source; the first one was imported."""
        import_experiments(lab, client, names=[name])
        other = MlflowClient(tracking_uri=other_uri)
        run(other, other.create_experiment(name))
        return other

    def test_are_told_apart(self, lab, other, name):
        report = import_experiments(lab, other, names=[name])

        assert "Give prefix=" in report.failed[name]
        assert len(lab.history(name)) == 1

    def test_are_both_imported_with_a_prefix(self, lab, other, name):
        report = import_experiments(lab, other, names=[name], prefix="b/")

        assert report == ImportReport(imported=[f"b/{name}"], renamed={f"b/{name}": name})
        assert import_experiments(lab, other, names=[name], prefix="b/").unchanged == [f"b/{name}"]


def test_a_tag_that_has_the_name_of_the_key_of_mlflow_is_kept(lab, client, experiment, name):
    tag(client, run(client, experiment), "mlflow", "mine")

    import_experiments(lab, client, names=[name])

    assert lab.load(name).trials[0].properties["mlflow"]["tags"]["mlflow"] == "mine"


def test_all_experiments_are_imported_but_the_empty_one_that_mlflow_makes(lab, new_database):
    client = MlflowClient(tracking_uri=new_database())
    for each in "abc":
        client.create_experiment(each)
    client.delete_experiment(client.get_experiment_by_name("c").experiment_id)
    told = []

    report = import_experiments(lab, client, progress=told.append)

    assert sorted(report.imported) == ["a", "b"]
    assert [(each.done, each.total) for each in told] == [(1, 2), (2, 2)]


def test_an_experiment_that_was_not_imported_is_not_overwritten(lab, client, experiment, name, new_experiment):
    lab.save(new_experiment(name))

    assert "Give prefix=" in import_experiments(lab, client, names=[name]).failed[name]


def test_an_experiment_that_the_source_lacks_is_an_error_that_lists_those_it_has(lab, client, name):
    with pytest.raises(InvalidValueError, match="The source has .*" + name):
        import_experiments(lab, client, names=["none"])


def test_the_command_line_imports_what_is_new(new_database, fresh_database, capsys):
    source, url = new_database(), fresh_database("sqlite")
    client = MlflowClient(tracking_uri=source)
    run(client, client.create_experiment("cakes"))
    docstore.connect(url).close()
    command = ["import", "--from", "mlflow", source, "--url", url]

    ended = [run_command(command), run_command(command)]

    assert ended == [0, 0]
    assert [line for line in capsys.readouterr().err.splitlines() if "unchanged" in line] == [
        "1 imported, 0 unchanged, 0 failed",
        "0 imported, 1 unchanged, 0 failed",
    ]
    with docstore.connect(url) as store:
        assert list(store.load("cakes").trials) == [0]


def test_a_source_may_be_a_tracking_uri(lab, experiment, name, uri):
    assert import_experiments(lab, uri, names=[name]).imported == [name]


@pytest.mark.parametrize("source", ["sqlite:///{}/none.db", "{}/none", "file://{}/none"])
def test_a_file_that_is_missing_is_not_made(lab, tmp_path, source):
    with pytest.raises(MissingFileError, match="none"):
        import_experiments(lab, source.format(tmp_path))

    assert list(tmp_path.glob("none*")) == []


def test_a_database_that_is_not_of_mlflow_is_refused(lab, database):
    with pytest.raises(DatabaseError, match="MLflow cannot read it"):
        import_experiments(lab, database)


def test_a_folder_of_an_older_mlflow_is_refused_with_the_way_to_a_database(lab, tmp_path):
    """MLflow 3 reads folders only if it is told to; it says how, and how to make a database of one."""
    with pytest.raises(DatabaseError, match="migrate-filestore"):
        import_experiments(lab, str(tmp_path))


def test_metrics_logged_at_one_step_are_all_kept(lab, client, experiment, name):
    run(client, experiment, metrics=[Metric("loss", value, STARTED + value, 0) for value in (3, 1, 2)])

    import_experiments(lab, client, names=[name])

    records = lab.load(name).data.records
    assert [(record["mean"], record["timestamp"] - STARTED) for record in records] == [(1.0, 1), (2.0, 2), (3.0, 3)]
    assert lab.verify() == []


@pytest.mark.parametrize(
    "url", ["postgresql://ada@localhost:1/x?password=s3cret-w0rd", "postgresql://ada:s3@c s3cret-w0rd@localhost:1/x"]
)
def test_no_password_of_a_url_is_in_an_error(lab, url):
    with pytest.raises(DocstoreError) as caught:
        import_experiments(lab, url)

    assert "w0rd" not in "".join(traceback.format_exception(caught.value))
