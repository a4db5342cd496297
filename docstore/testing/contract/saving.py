"""Promises of save, its parts, together or many: the next version, exactly the object, or nothing new."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

import docstore
from docstore.errors import (
    DecodeError,
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
    NameChangedError,
    OverwriteWarning,
    UnknownTagError,
)
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.testing.contract.setting import OpenStore, Setting, stored
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment, new_multi_type_experiment, observe


def with_everything() -> docstore.Experiment:
    """Return an experiment of odd values: what JSON lacks, what databases change, text that needs care."""
    experiment = new_experiment(
        trials=2, description='it\'s "good" \\ \n\t\x7f \u2603 \U0001f370', experiment_type="CAKE"
    )
    experiment.properties.update(
        numbers=[None, 1, 1.0, True, -0.0, 0.1, 5e-324, 1e16, 1e300, 2**53 + 1, 2**64, -(2**63), math.inf, math.nan],
        tuples=(1, (2, [3])),
        odd={"a\x00b": "\ud800", "__type": "mine", "": "", "a/b~c": {}},
        by_number={1: "one", None: "none"},
        when=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        exact=Decimal("1.50"),
        id=UUID(int=7),
        ordered=OrderedDict(b=1, a=2),
        binary=b"\x00\xff",
    )
    batch = experiment.new_batch_trial()
    batch.add_arm(docstore.Arm({"x": 1.0, "flour": "spelt"}), weight=2.0)
    observe(experiment, 0, math.inf)
    observe(experiment, 1, 1e20)
    return experiment


MAKERS: dict[str, Callable[[], docstore.Experiment]] = {
    "empty": new_experiment,
    "with trials": lambda: new_experiment(trials=3),
    "with everything": with_everything,
    "of several trial types": new_multi_type_experiment,
}


class Taste(docstore.Metric):
    """A metric of a user's own."""


class SavingPromises(Setting):
    """An experiment, or a part of it, is saved."""

    @pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
    def test_an_experiment_is_loaded_exactly_as_it_was_saved(
        self, store: docstore.Store, bob: docstore.Store, make: Callable[[], docstore.Experiment]
    ) -> None:
        experiment = make()
        store.save(experiment)

        loaded = store.load("cakes")

        assert identity(loaded) == identity(bob.load("cakes")) == identity(experiment)
        assert docstore.dumps(loaded) == docstore.dumps(experiment)

    def test_many_are_saved_as_each_by_itself(self, store: docstore.Store) -> None:
        experiments = [new_experiment(name, trials=2) for name in ("bread", "cakes", "rolls")]

        assert store.save_many(experiments, batch=2) == 3

        for each in experiments:
            assert identity(store.load(each.name or "")) == identity(each)
            assert store.save(each).number == 1

    def test_a_first_save_makes_version_1(self, store: docstore.Store) -> None:
        before = datetime.now(UTC)

        version = store.save(new_experiment(trials=1), message="first \u2603", author="ada")

        assert (version.number, version.message, version.author) == (1, "first \u2603", "ada")
        assert before <= version.created_at <= datetime.now(UTC)

    def test_each_save_of_a_change_makes_the_next_version(self, store: docstore.Store) -> None:
        experiment = new_experiment()
        numbers = []
        for text in ("one", "two", "three"):
            experiment.description = text
            numbers.append(store.save(experiment).number)

        assert numbers == [1, 2, 3]
        assert stored(store) == docstore.dumps(experiment)

    def test_a_save_without_a_change_makes_no_version(self, store: docstore.Store) -> None:
        experiment = with_everything()
        first = store.save(experiment)

        assert store.save(experiment) == first
        assert store.history("cakes") == [first]

    def test_an_upgrade_of_what_is_stored_as_its_class_writes_it_makes_no_version(self, store: docstore.Store) -> None:
        first = store.save(with_everything())

        assert (store.upgrade(), store.upgrade("experiment")) == (0, 0)

        assert store.history("cakes") == [first]

    def test_a_save_without_a_change_of_what_was_loaded_makes_no_version(self, store: docstore.Store) -> None:
        store.save(with_everything())

        assert store.save(store.load("cakes")).number == 1

    def test_a_save_does_not_change_the_object(self, store: docstore.Store) -> None:
        experiment = with_everything()
        before = identity(experiment)

        store.save(experiment)

        assert identity(experiment) == before

    def test_a_save_is_by_whom_the_store_says(self, open_store: OpenStore) -> None:
        assert open_store(author="ada \u2603").save(new_experiment()).author == "ada \u2603"

    def test_a_version_names_the_places_that_it_changed(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=2)
        store.save(experiment)
        add_trial(experiment)
        experiment.description = "with salt"

        assert store.save(experiment).places == ("/description", "/data/2", "/trials/2")

    def test_a_removed_trial_is_gone(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=3)
        store.save(experiment)
        del experiment.trials[1]

        store.save(experiment)

        assert list(store.load("cakes").trials) == [0, 2]

    def test_an_object_whose_name_was_changed_is_refused(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=1)
        store.save(experiment)
        for each in (experiment, store.load("cakes"), copy.deepcopy(experiment)):
            each.name = "bread"

            with pytest.raises(NameChangedError, match=r"rename\('cakes', 'bread'\).*as_new=True"):
                store.save(each)

        assert [info.name for info in store.find()] == ["cakes"]

    def test_an_object_saved_as_new_is_a_new_document_and_the_old_one_stays(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=1)
        store.save(experiment)
        before = stored(store)
        experiment.name = "bread"
        experiment.description = "no cake"

        assert store.save(experiment, as_new=True).number == 1
        assert (store.load("bread").description, stored(store)) == ("no cake", before)
        experiment.description = "bread"
        assert store.save(experiment).number == 2

    # --- digests and files --------------------------------------------------------------------------------------------

    def test_the_digest_is_the_one_that_needs_no_database(self, store: docstore.Store) -> None:
        experiment = with_everything()

        assert store.save(experiment).digest == docstore.digest(experiment)

    def test_a_json_file_has_the_text_of_what_is_loaded(self, store: docstore.Store, tmp_path: Path) -> None:
        experiment = with_everything()
        save_experiment(experiment, tmp_path / "cakes.json")

        version = store.save(load_experiment(tmp_path / "cakes.json"))

        assert version.digest == docstore.digest(experiment)
        assert stored(store) == (tmp_path / "cakes.json").read_bytes()

    def test_a_thousand_trials_in_one_save_have_the_digest_of_their_file(
        self, store: docstore.Store, tmp_path: Path
    ) -> None:
        experiment = new_experiment(trials=1000)
        save_experiment(experiment, tmp_path / "cakes.json")

        version = store.save(experiment)

        assert version.digest == docstore.digest(load_experiment(tmp_path / "cakes.json"))
        assert stored(store) == (tmp_path / "cakes.json").read_bytes()

    # --- single trials ------------------------------------------------------------------------------------------------

    def test_a_new_trial_is_saved_alone_with_its_data(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=2)
        store.save(experiment)
        trial = add_trial(experiment, 0.5)

        version = store.save_trial(experiment, trial, message="one more")

        assert (version.number, version.message, version.places) == (2, "one more", ("/data/2", "/trials/2"))
        assert stored(store) == docstore.dumps(experiment)

    def test_several_trials_are_saved_as_one_version(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=1)
        store.save(experiment)

        version = store.save_trials(experiment, [add_trial(experiment), add_trial(experiment)])

        assert (version.number, version.digest) == (2, docstore.digest(experiment))

    def test_saving_a_trial_leaves_all_else_to_a_later_save(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=2)
        store.save(experiment)
        experiment.description = "not yet"
        for trial in experiment.trials.values():
            trial.run_metadata["oven"] = 3

        assert store.save_trial(experiment, experiment.trials[0]).places == ("/trials/0/run_metadata/oven",)
        assert store.load("cakes").description is None
        assert store.save(experiment).places == ("/description", "/trials/1/run_metadata/oven")

    @pytest.mark.parametrize("indexes", [[], [0]], ids=["none", "one unchanged"])
    def test_trials_without_a_change_make_no_version(self, store: docstore.Store, indexes: list[int]) -> None:
        experiment = new_experiment(trials=1)
        first = store.save(experiment)

        assert store.save_trials(experiment, [experiment.trials[index] for index in indexes]) == first
        assert store.history("cakes") == [first]

    def test_a_trial_of_an_experiment_that_was_never_saved_is_refused(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=1)

        with pytest.raises(DocumentNotFoundError, match=r"save\(\) it whole once"):
            store.save_trial(experiment, experiment.trials[0])

    def test_a_trial_of_another_experiment_is_refused(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=1)
        store.save(experiment)

        with pytest.raises(InvalidValueError, match=r"part of experiment.*Give one that Experiment holds"):
            store.save_trial(experiment, new_experiment(trials=1).trials[0])

    def test_the_head_is_saved_with_the_given_trials_and_nothing_else(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=2)
        store.save(experiment)
        experiment.description = "also changed"
        for trial in experiment.trials.values():
            trial.run_metadata["oven"] = 3

        assert store.save(experiment, parts=[experiment.trials[0]]).places == (
            "/description",
            "/trials/0/run_metadata/oven",
        )
        assert store.save(experiment).places == ("/trials/1/run_metadata/oven",)

    # --- several together ---------------------------------------------------------------------------------------------

    def test_objects_that_are_saved_together_are_all_saved(self, store: docstore.Store) -> None:
        bread, cakes = new_experiment("bread", trials=1), new_experiment("cakes", trials=1)
        store.save(bread)
        add_trial(bread)

        versions = store.save_together([(bread, [bread.trials[1]]), cakes], message="both")

        assert [(version.number, version.message) for version in versions] == [(2, "both"), (1, "both")]
        assert [identity(store.load(name)) for name in ("bread", "cakes")] == [identity(bread), identity(cakes)]

    def test_objects_that_are_saved_together_are_not_saved_if_one_is_refused(self, store: docstore.Store) -> None:
        bread = new_experiment("bread")
        store.save(bread)
        bread.description = "changed"

        with pytest.raises(DocumentExistsError):
            store.save_together([new_experiment("cakes"), bread, new_experiment("bread")])
        assert ([info.name for info in store.find()], store.load("bread").description) == (["bread"], None)

    # --- other documents ----------------------------------------------------------------------------------------------

    def test_a_class_of_the_users_own_comes_back_where_it_is_registered(
        self, open_store: OpenStore, bob: docstore.Store
    ) -> None:
        store = open_store(bundle=docstore.RegistryBundle(metric_clss={Taste: None}))
        store.save(new_experiment(tracking_metrics=[Taste("taste")]))

        assert type(store.load("cakes").metrics["taste"]) is Taste
        with pytest.raises(UnknownTagError, match=r"/tracking_metrics/0.*'Taste'.*RegistryBundle"):
            bob.load("cakes")
        assert bob.get("cakes", pointer="/tracking_metrics/0/__type") == "Taste"

    def test_a_generation_strategy_is_loaded_exactly(self, store: docstore.Store) -> None:
        nodes = [docstore.GenerationNode("sobol"), docstore.GenerationNode("gp")]
        strategy = docstore.GenerationStrategy(nodes, "gs", experiment_name="cakes")
        strategy.add_generator_run(docstore.GeneratorRun([docstore.Arm({"x": 0.5})]))
        store.save(strategy)

        assert identity(store.load("cakes", kind="generation_strategy")) == identity(strategy)

    def test_an_analysis_card_is_loaded_exactly(self, store: docstore.Store) -> None:
        card = docstore.AnalysisCard("card", title="Tastes", df=[{"x": math.nan}], blob="# hello")
        store.save(card)

        assert identity(store.load("card", kind="analysis_card")) == identity(card)

    # --- tables -------------------------------------------------------------------------------------------------------

    def test_an_experiment_is_a_table_of_trials_and_one_of_observations(self, store: docstore.Store) -> None:
        pytest.importorskip("pandas")
        experiment = new_experiment(trials=2)
        observe(experiment, 1, 0.5)
        store.save(experiment)

        assert list(store.trials("cakes")["trial_index"]) == [0, 1]
        measured = store.observations("cakes")
        assert list(measured[measured["trial_index"] == 1]["mean"])[-1] == 0.5

    def test_the_text_of_a_document_makes_the_same_document_again(self, store: docstore.Store) -> None:
        saved = store.save(with_everything(), message="first")
        text = store.get_json("cakes")
        store.purge("cakes")

        version = store.put_json("experiment", "cakes", text, message="from a file", author="ada")

        assert (version.digest, version.number, version.author) == (saved.digest, 1, "ada")
        assert (store.get_json("cakes"), store.verify()) == (text, [])
        assert store.put_json("experiment", "cakes", text, on_conflict="error").number == 1

    def test_the_text_of_a_document_replaces_another_only_if_it_is_told_to(self, store: docstore.Store) -> None:
        experiment = new_experiment()
        store.save(experiment)
        text = store.get_json("cakes")
        add_trial(experiment, 0.5)
        store.save(experiment)

        with pytest.raises(DocumentExistsError, match="on_conflict='overwrite'"):
            store.put_json("experiment", "cakes", text)

        with pytest.warns(OverwriteWarning, match=r"/trials/0"):
            assert store.put_json("experiment", "cakes", text, on_conflict="overwrite").number == 3
        assert store.get_json("cakes") == text

    def test_a_number_in_a_text_that_a_database_would_change_is_tagged(self, store: docstore.Store) -> None:
        numbers = "-0.0", "1e+300", "1e-300", str(2**63), str(2**70), str(-(2**70))
        store.put_json("note", "n1", f'{{"b": [{", ".join(numbers)}]}}')

        assert [repr(each) for each in store.get("n1", kind="note")["b"]] == list(numbers)
        assert store.verify() == []

    def test_a_text_is_stored_as_the_value_that_it_means(self, store: docstore.Store) -> None:
        store.put("note", "n1", {"a\0": 2**70, "b": [{"\0": "\0"}]})
        digest = store.version("n1", kind="note").digest

        saved = store.put_json("note", "n2", r'{"a\u0000": 1180591620717411303424, "b": [{"\u0000": "\u0000"}]}')

        assert saved.digest == digest
        assert store.verify() == []
        with pytest.raises(DecodeError, match="NUL"):
            store.put_json("note", "n3", '{"__type": "elsewhere.Book", "a\\u0000": 1}')

    def test_the_text_of_a_document_needs_no_class(self, store: docstore.Store) -> None:
        text = b'{"__format":1,"__document":{"name":"title","parts":["/pages/*"]},"__type":"elsewhere.Book",'
        text += b'"title":"rye","pages":{"1":{"__type":"elsewhere.Page","n":1}}}'

        store.put_json("book", "rye", text)

        assert store.get("rye", kind="book", pointer="/pages/1/n") == 1
        assert store.verify() == []

    @pytest.mark.parametrize(("kind", "name"), [("note", "cakes"), ("experiment", "pies"), ("trial", "cakes")])
    def test_the_text_of_a_document_is_refused_as_another(self, store: docstore.Store, kind: str, name: str) -> None:
        text = docstore.dumps(new_experiment())

        with pytest.raises(InvalidValueError):
            store.put_json(kind, name, text)

        assert store.find().names() == []
