"""Imports of studies: again, while the source is in use, of two sources, and of what cannot be imported."""

from __future__ import annotations

import traceback
from datetime import timedelta

import optuna
import pytest
from optuna.trial import TrialState
from optuna_samples import DIVERSE, everything, fill, trial

from docstore import Metric
from docstore.errors import DatabaseError, DocstoreError, InvalidValueError, MissingFileError
from docstore.optuna import ImportReport, export_study, import_studies, record
from docstore.registry_bundle import RegistryBundle


class TestASecondImport:
    """The first one is in the store."""

    def test_of_an_unchanged_study_makes_no_version(self, store, memory):
        fill(memory, DIVERSE)
        import_studies(store, memory)

        report = import_studies(store, memory)

        assert report == ImportReport(unchanged=["branin"])
        assert len(store.history("branin")) == 1

    def test_adds_what_is_new_as_one_version(self, lab, memory):
        study = fill(memory, [trial(0), trial(1, TrialState.RUNNING)])
        import_studies(lab, memory)
        study.tell(1, 2.0)
        study.add_trials([trial(2), trial(3)])

        report = import_studies(lab, memory)

        assert report == ImportReport(imported=["branin"])
        assert len(lab.history("branin")) == 2
        assert {"/".join(place.split("/")[:3]) for place in lab.history("branin")[0].places} == {
            "/data/1",
            "/data/2",
            "/data/3",
            "/trials/1",
            "/trials/2",
            "/trials/3",
        }
        assert everything(export_study(lab, "branin", optuna.storages.InMemoryStorage())) == everything(study)

    def test_keeps_what_was_changed_in_the_store(self, lab, memory):
        study = fill(memory, [trial()])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.properties["team"] = "audio"
        experiment.trials[0].properties["note"] = "look at this one"
        lab.save(experiment)
        study.add_trial(trial(1))

        import_studies(lab, memory)

        experiment = lab.load("branin")
        assert (experiment.properties["team"], experiment.trials[0].properties["note"]) == ("audio", "look at this one")
        assert len(experiment.trials) == 2

    def test_leaves_what_was_changed_in_the_store_when_it_is_followed_by_a_third(self, lab, memory):
        study = fill(memory, [trial(params={"x": 0.1})])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.properties["team"], experiment.trials[0].properties["note"] = "audio", "look at this one"
        lab.save(experiment)
        study.add_trial(trial(1, params={"x": 0.2}))
        import_studies(lab, memory)

        assert import_studies(lab, memory).unchanged == ["branin"]
        study.add_trial(trial(2, params={"x": 0.3}))
        assert import_studies(lab, memory).imported == ["branin"]

        experiment = lab.load("branin")
        assert (experiment.properties["team"], experiment.trials[0].properties["note"]) == ("audio", "look at this one")
        assert len(experiment.trials) == 3

    def test_of_trials_with_equal_parameters_makes_no_version_when_it_is_followed_by_a_third(self, lab, memory):
        study = fill(memory, [trial(0), trial(1)])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.trials[0].properties["note"] = "look at this one"
        lab.save(experiment)
        study.add_trial(trial(2))
        import_studies(lab, memory)

        assert import_studies(lab, memory) == ImportReport(unchanged=["branin"])

    def test_of_trials_that_were_recorded_meanwhile_makes_no_version_if_their_parameters_are_equal(self, lab, memory):
        study = fill(memory, [trial(0)])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.trials[0].properties["note"] = "look at this one"
        lab.save(experiment)
        study.add_trial(trial(1))
        import_studies(lab, memory)
        study.enqueue_trial({"x": 0.25})
        study.optimize(lambda each: each.suggest_float("x", -1.0, 1.0), n_trials=1, callbacks=[record(lab)])

        assert import_studies(lab, memory) == ImportReport(unchanged=["branin"])

    def test_names_trials_apart_whose_parameters_were_equal_until_they_ran(self, lab, memory):
        waiting = {"state": TrialState.WAITING, "datetime_start": None, "params": {}, "distributions": {}}
        study = fill(memory, [trial(0, **waiting)])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.trials[0].properties["note"] = "look at this one"
        lab.save(experiment)
        study.add_trial(trial(1, **waiting))
        import_studies(lab, memory)
        first = study.ask()
        first.suggest_float("x", 0.0, 1.0)

        import_studies(lab, memory)

        experiment = lab.load("branin")
        assert [experiment.trials[index].arm.name for index in (0, 1)] == ["0_0", "1_0"]
        assert experiment.trials[0].properties["note"] == "look at this one"

    def test_that_finds_nothing_new_leaves_what_was_changed_in_the_store(self, lab, memory):
        fill(memory, [trial()])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.properties["team"] = "audio"
        lab.save(experiment)

        assert import_studies(lab, memory) == ImportReport(unchanged=["branin"])

    def test_renames_the_metrics_of_all_trials_if_they_were_named_since(self, lab, memory):
        study = fill(memory, [trial()])
        import_studies(lab, memory)
        memory.set_study_system_attr(study._study_id, "study:metric_names", ["loss"])

        import_studies(lab, memory)

        assert lab.load("branin").lookup_data().metric_names == {"loss"}


class TestATrialThatWasAddedBothInTheStoreAndInTheSource:
    """Both have number 1, and are two trials: the import would have to give the source's another number."""

    @pytest.fixture
    def study(self, lab, memory):
        study = fill(memory, [trial()])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.new_trial(parameters={"x": 0.9}).complete({"value": 2.0})
        lab.save(experiment)
        study.add_trial(trial(1))
        return study

    def test_is_named_and_nothing_is_saved(self, lab, memory, study):
        reason = import_studies(lab, memory).failed["branin"]

        assert "the source and the store both changed /trials/1. Save it with what the source has there" in reason
        assert len(lab.history("branin")) == 2

    def test_is_imported_when_that_of_the_store_is_in_a_branch(self, lab, memory, study):
        lab.branch("branin", "mine")
        lab.revert("branin", 1)

        import_studies(lab, memory)
        study.add_trial(trial(2))
        import_studies(lab, memory)

        assert everything(export_study(lab, "branin", optuna.storages.InMemoryStorage())) == everything(study)
        assert lab.load("mine").trials[1].arm.parameters == {"x": 0.9}


class TestAnImportThatWasFolded:
    @pytest.fixture
    def study(self, lab, memory):
        """A study that was imported, changed in the store, and compacted."""
        study = fill(memory, [trial()])
        import_studies(lab, memory)
        experiment = lab.load("branin")
        experiment.properties["team"] = "audio"
        lab.save(experiment)
        return study

    def test_is_named_with_what_helps(self, lab, memory, study):
        lab.compact("branin", keep=1)

        reason = import_studies(lab, memory).failed["branin"]

        assert "compact() folded its version 1" in reason
        assert import_studies(lab, memory, prefix="again/").imported == ["again/branin"]

    def test_is_not_folded_if_it_has_a_tag(self, lab, memory, study):
        lab.tag("branin", "imported", 1)
        lab.compact("branin", keep=1)
        study.add_trial(trial(1))

        import_studies(lab, memory)

        assert len(lab.load("branin").trials) == 2
        assert lab.load("branin").properties["team"] == "audio"


class TestAPlaceThatTheSourceAndTheStoreChanged:
    @pytest.fixture
    def study(self, lab, memory):
        study = fill(memory, [trial()])
        study.set_user_attr("oven", 1)
        import_studies(lab, memory)
        set_oven(lab, 2)
        study.set_user_attr("oven", 3)
        return study

    def test_is_named(self, lab, memory, study):
        reason = import_studies(lab, memory).failed["branin"]

        assert (
            "since version 1, which was imported last, the source and the store both changed /properties/oven" in reason
        )

    def test_is_imported_when_both_are_the_same_and_may_be_changed_then(self, lab, memory, study):
        set_oven(lab, 3)
        study.add_trial(trial(1))
        import_studies(lab, memory)
        set_oven(lab, 2)

        assert import_studies(lab, memory) == ImportReport(unchanged=["branin"])
        assert lab.load("branin").properties["oven"] == 2


def set_oven(store, value):
    experiment = store.load("branin")
    experiment.properties["oven"] = value
    store.save(experiment)


def test_two_studies_whose_names_are_one_with_a_prefix_are_told_apart(lab, memory):
    fill(memory, [trial()], name="a/b")
    fill(memory, [trial()], name="b")
    import_studies(lab, memory, names=["a/b"])

    report = import_studies(lab, memory, names=["b"], prefix="a/")

    assert "It is not this study" in report.failed["a/b"]


def test_a_store_with_a_bundle_imports_for_a_third_time(connect, fresh_database, memory):
    class Crumb(Metric):
        pass

    bundle = RegistryBundle(metric_clss={Crumb: None})
    lab = connect(fresh_database("sqlite"), bundle=bundle)
    study = fill(memory, [trial()])
    import_studies(lab, memory)
    experiment = lab.load("branin")
    experiment.add_tracking_metric(Crumb("crumb"))
    lab.save(experiment)
    for number in (1, 2):
        study.add_trial(trial(number))
        import_studies(lab, memory)

    experiment = lab.load("branin")
    assert (len(experiment.trials), type(experiment.metrics["crumb"])) == (3, Crumb)


class TestTwoSourcesWithStudiesOfOneName:
    @pytest.fixture
    def other(self, lab, memory, new_storage):
        """The second source; the first one was imported."""
        fill(memory, [trial()])
        import_studies(lab, memory)
        storage = new_storage("memory")
        fill(storage, [trial(datetime_start=trial().datetime_start + timedelta(seconds=9))])
        return storage

    def test_are_told_apart(self, lab, other):
        report = import_studies(lab, other)

        assert "Give prefix=" in report.failed["branin"]
        assert len(lab.history("branin")) == 1

    def test_are_both_imported_with_a_prefix(self, lab, other):
        assert import_studies(lab, other, prefix="b/") == ImportReport(
            imported=["b/branin"], renamed={"b/branin": "branin"}
        )
        assert import_studies(lab, other, prefix="b/").unchanged == ["b/branin"]
        assert lab.names() == ["b/branin", "branin"]

    def test_are_told_apart_if_the_second_one_is_shorter(self, lab, memory, new_storage):
        fill(memory, [trial()])
        import_studies(lab, memory)
        fill(shorter := new_storage("memory"), [])

        assert import_studies(lab, shorter).failed.keys() == {"branin"}


def test_an_experiment_that_was_not_imported_is_not_overwritten(lab, memory, new_experiment):
    lab.save(new_experiment("branin"))
    fill(memory, [trial()])

    assert "Give prefix=" in import_studies(lab, memory).failed["branin"]


def test_a_study_that_fails_is_reported_and_the_others_are_imported(lab, memory):
    study = fill(memory, [trial()], name="odd")
    memory.set_study_user_attr(study._study_id, "model", object())
    fill(memory, [trial()], name="plain")

    report = import_studies(lab, memory)

    assert report.imported == ["plain"]
    assert "/properties/model" in report.failed["odd"]


def test_only_the_studies_that_are_named_are_imported(lab, memory):
    fill(memory, [], name="a")
    fill(memory, [], name="b")

    assert import_studies(lab, memory, names=["b"]).imported == ["b"]


def test_a_study_that_the_source_lacks_is_an_error_that_lists_those_it_has(lab, memory):
    fill(memory, [], name="a")

    with pytest.raises(InvalidValueError, match="The source has 'a'"):
        import_studies(lab, memory, names=["b"])


@pytest.mark.parametrize("source", ["sqlite:///{}/none.db", "{}/none.log"])
def test_a_file_that_is_missing_is_not_made(lab, tmp_path, source):
    with pytest.raises(MissingFileError, match="none"):
        import_studies(lab, source.format(tmp_path))

    assert list(tmp_path.glob("none*")) == []


def test_a_database_that_is_not_of_optuna_is_refused(lab, database):
    with pytest.raises(DatabaseError, match="Optuna cannot read it"):
        import_studies(lab, database)


@pytest.mark.parametrize("line", [b"{oven", b"\xff\xfe", b"null", b'{"op_code": 99}', b"SQLite format 3\x00"])
def test_a_file_that_is_no_journal_is_refused(lab, new_storage, tmp_path, line):
    fill(new_storage("journal"), [trial()])
    file = tmp_path / "optuna0"
    file.write_bytes(line + b"\n" + file.read_bytes())

    with pytest.raises(DatabaseError, match="optuna0: it is no journal of Optuna, or it is damaged: "):
        import_studies(lab, file)


def test_a_journal_whose_last_line_is_half_written_is_imported_up_to_it(lab, new_storage, tmp_path):
    fill(new_storage("journal"), [trial(), trial(1)])
    file = tmp_path / "optuna0"
    whole = file.read_bytes()

    file.write_bytes(whole[:-9])
    import_studies(lab, file)
    cut = len(lab.load("branin").trials)
    file.write_bytes(whole)
    import_studies(lab, file)

    assert (cut, len(lab.load("branin").trials)) == (1, 2)


def test_a_zone_that_does_not_exist_is_refused(lab, memory):
    with pytest.raises(InvalidValueError, match="Europe/Vienna"):
        import_studies(lab, memory, zone="Vienna")


@pytest.mark.parametrize("kind", ["journal", "rdb"])
def test_a_source_may_be_a_path_or_a_url(lab, new_storage, tmp_path, kind):
    fill(new_storage(kind), [trial()])
    file = tmp_path / "optuna0"

    assert import_studies(lab, file if kind == "journal" else f"sqlite:///{file}").imported == ["branin"]


def test_progress_counts_the_studies(lab, memory):
    fill(memory, [], name="a")
    fill(memory, [], name="b")
    told = []

    import_studies(lab, memory, progress=told.append)

    assert [(each.done, each.total, each.name) for each in told] == [(1, 2, "a"), (2, 2, "b")]


@pytest.mark.parametrize(
    "url", ["postgresql://ada@localhost:1/x?password=s3cret-w0rd", "postgresql://ada:s3@c s3cret-w0rd@localhost:1/x"]
)
def test_no_password_of_a_url_is_in_an_error(lab, url):
    with pytest.raises(DocstoreError) as caught:
        import_studies(lab, url)

    assert "w0rd" not in "".join(traceback.format_exception(caught.value))
