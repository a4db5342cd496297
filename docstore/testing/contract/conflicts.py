"""Promises of concurrent edits: they are merged, refused or overwritten, and no update is ever lost silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import pytest

import docstore
from docstore.documents.canonical import ABSENT, loads
from docstore.documents.merge.resolve import OnConflict
from docstore.errors import (
    Conflict,
    ConflictError,
    DocumentExistsError,
    DocumentNotFoundError,
    EncodeError,
    InvalidValueError,
    OverwriteWarning,
    VersionNotFoundError,
)
from docstore.testing.contract.setting import Setting, stored
from docstore.testing.experiments import add_trial, new_experiment, observe

Readers: TypeAlias = tuple[docstore.Experiment, docstore.Experiment]
Edit: TypeAlias = Callable[[docstore.Experiment], object]

APART: Final[dict[str, tuple[Edit, Edit]]] = {
    "the description, a trial": (
        lambda mine: setattr(mine, "description", "with salt"),
        lambda theirs: theirs.trials[1].run_metadata.update(a=1),
    ),
    "two properties": (
        lambda mine: mine.properties.update(a=2),
        lambda theirs: theirs.properties.update(b=2),
    ),
    "two items of a list": (
        lambda mine: mine.properties["list"].__setitem__(0, 10),
        lambda theirs: theirs.properties["list"].__setitem__(1, 20),
    ),
    "two places of one trial": (
        lambda mine: mine.trials[1].run_metadata.update(a=1),
        lambda theirs: theirs.trials[1].stop_metadata.update(b=1),
    ),
    "a new trial, an old one removed": (add_trial, lambda theirs: theirs.trials.pop(2)),
    "an old trial removed, a new one": (lambda mine: mine.trials.pop(2), add_trial),
    "data of two trials": (lambda mine: observe(mine, 1, 0.5), lambda theirs: observe(theirs, 2, 0.5)),
}
TOGETHER: Final[dict[str, tuple[str, Edit, Edit]]] = {
    "the description": (
        "/description",
        lambda mine: setattr(mine, "description", "with salt"),
        lambda theirs: setattr(theirs, "description", "with pepper"),
    ),
    "one key, by type alone": (
        "/trials/1/run_metadata/a",
        lambda mine: mine.trials[1].run_metadata.update(a=1),
        lambda theirs: theirs.trials[1].run_metadata.update(a=1.0),
    ),
    "a trial that the other removed": (
        "/trials/1",
        lambda mine: mine.trials[1].run_metadata.update(a=1),
        lambda theirs: theirs.trials.pop(1),
    ),
    "a removed trial that the other changed": (
        "/trials/1",
        lambda mine: mine.trials.pop(1),
        lambda theirs: theirs.trials[1].run_metadata.update(a=1),
    ),
    "a removed property that the other changed": (
        "/properties/a",
        lambda mine: mine.properties.pop("a"),
        lambda theirs: theirs.properties.update(a=2),
    ),
    "a list that grew in both": (
        "/properties/list",
        lambda mine: mine.properties["list"].append(3),
        lambda theirs: theirs.properties["list"].append(4),
    ),
}


class ConflictPromises(Setting):
    """Ada and Bob have both loaded version 1. Both change it. Bob saves first, then Ada."""

    # --- in different places ------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("edits", APART.values(), ids=APART)
    def test_changes_in_different_places_are_merged_and_the_object_is_updated(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers, edits: tuple[Edit, Edit]
    ) -> None:
        for edit, experiment in zip(edits, two_readers, strict=True):
            edit(experiment)
        bob.save(two_readers[1])

        version = ada.save(two_readers[0])

        kept = {*bob.diff("cakes", 1, 2).words, *bob.diff("cakes", 2, 3).words}
        assert set(bob.diff("cakes", 1, 3).words) == kept
        assert (docstore.dumps(two_readers[0]), version.digest) == (stored(bob), docstore.digest(two_readers[0]))
        assert stored(bob, version=2) == docstore.dumps(two_readers[1])
        assert (ada.save(two_readers[0]), bob.verify()) == (version, [])

    def test_a_trial_that_is_held_shows_what_the_other_did(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = two_readers
        held = mine.trials[1]
        theirs.trials[1].run_metadata["oven"] = 3
        bob.save(theirs)
        mine.description = "with salt"

        ada.save(mine)

        assert (held.run_metadata, mine.trials[1] is held) == ({"oven": 3}, True)

    def test_one_change_made_by_both_is_no_conflict(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        for experiment in two_readers:
            experiment.description = "with salt"
        bob.save(two_readers[1])

        version = ada.save(two_readers[0])

        assert (version.number, version.author) == (2, "bob")

    def test_refresh_brings_what_the_other_saved_and_writes_nothing(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = two_readers
        held, mine.description = mine.trials[1], "with salt"
        theirs.trials[1].run_metadata["by"] = "bob"
        bob.save(theirs)

        newest = ada.refresh(mine)

        assert (newest.number, len(ada.history("cakes"))) == (2, 2)
        assert (mine.trials[1] is held, held.run_metadata, mine.description) == (True, {"by": "bob"}, "with salt")

    def test_single_trials_saved_by_both_are_both_kept(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = two_readers
        mine.trials[0].run_metadata["by"] = "ada"
        theirs.trials[1].run_metadata["by"] = "bob"
        bob.save_trial(theirs, theirs.trials[1])
        ada.save_trial(mine, mine.trials[0])

        trials = ada.load("cakes").trials

        assert [trials[index].run_metadata for index in (0, 1)] == [{"by": "ada"}, {"by": "bob"}]
        assert [version.author for version in bob.history("cakes")] == ["ada", "bob", "ada"]

    def test_an_edit_of_an_old_version_is_merged_with_what_came_since(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        two_readers[1].description = "second"
        bob.save(two_readers[1])
        old = ada.load("cakes", version=1)
        old.properties["a"] = 2

        ada.save(old)

        assert (old.description, bob.load("cakes").properties["a"]) == ("second", 2)

    def test_two_trials_made_under_one_number_are_both_kept_and_the_second_gets_another(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = (add_trial(experiment, mean) for experiment, mean in zip(two_readers, (0.5, 0.25), strict=True))
        number = theirs.index
        bob.save(two_readers[1])

        ada.save(two_readers[0])

        assert (mine.index, theirs.index, two_readers[0].trials[number + 1] is mine) == (number + 1, number, True)
        means = [bob.load("cakes").trials[each].lookup_data().records[0]["mean"] for each in (number, number + 1)]
        assert (means, docstore.dumps(two_readers[0])) == ([0.25, 0.5], stored(bob))

    # --- in one place -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("place", "mine", "theirs"), TOGETHER.values(), ids=TOGETHER)
    def test_changes_in_one_place_are_refused_and_named_and_nothing_is_changed(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers, place: str, mine: Edit, theirs: Edit
    ) -> None:
        mine(two_readers[0])
        theirs(two_readers[1])
        bob.save(two_readers[1])
        before = docstore.dumps(two_readers[0]), stored(bob), bob.history("cakes")

        for _ in range(2):
            with pytest.raises(docstore.ConflictError, match=rf"both changed {place}\. Call load\('cakes'\)") as caught:
                ada.save(two_readers[0])

            assert [each.pointer for each in caught.value.places] == [place]
            assert (caught.value.name, caught.value.yours, caught.value.head) == ("cakes", 1, 2)
            assert (docstore.dumps(two_readers[0]), stored(bob), bob.history("cakes")) == before

    def test_a_conflict_has_the_value_of_each_side_and_the_one_before(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        del two_readers[0].properties["a"]
        two_readers[1].properties["a"] = 1.0
        bob.save(two_readers[1])

        with pytest.raises(docstore.ConflictError) as caught:
            ada.save(two_readers[0])

        [place] = caught.value.places
        assert list(map(repr, (place.base, place.mine, place.theirs))) == ["1", repr(ABSENT), "1.0"]

    def test_a_trial_changed_by_the_other_is_not_overwritten_by_a_save_of_that_trial(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        for number, experiment in enumerate(two_readers):
            experiment.trials[1].run_metadata["oven"] = number
        bob.save_trial(two_readers[1], two_readers[1].trials[1])

        with pytest.raises(docstore.ConflictError, match="both changed /trials/1/run_metadata/oven"):
            ada.save_trial(two_readers[0], two_readers[0].trials[1])

    # --- other policies -----------------------------------------------------------------------------------------------

    @pytest.fixture
    def behind(self, bob: docstore.Store, two_readers: Readers) -> docstore.Experiment:
        """Ada's experiment, after Bob saved a change of a trial."""
        two_readers[1].trials[2].run_metadata["oven"] = 3
        bob.save(two_readers[1])
        return two_readers[0]

    def test_overwriting_makes_mine_the_newest_and_leaves_theirs_in_the_history(
        self, ada: docstore.Store, two_readers: Readers, behind: docstore.Experiment
    ) -> None:
        behind.description = "with salt"
        before = docstore.dumps(behind)

        with pytest.warns(OverwriteWarning):
            version = ada.save(behind, on_conflict="overwrite")

        assert (version.number, stored(ada), docstore.dumps(behind)) == (3, before, before)
        assert (stored(ada, version=2), ada.verify()) == (docstore.dumps(two_readers[1]), [])

    def test_the_policy_error_refuses_any_change_of_another(
        self, ada: docstore.Store, behind: docstore.Experiment
    ) -> None:
        behind.description = "with salt"

        with pytest.raises(docstore.ConflictError, match="in other places than yours") as caught:
            ada.save(behind, on_conflict="error")

        assert [(place.pointer, place.base, place.mine, place.theirs) for place in caught.value.places] == [
            ("/description", None, "with salt", None),
            ("/trials/2/run_metadata/oven", ABSENT, ABSENT, 3),
        ]

    def test_the_policy_error_saves_where_nobody_else_did(
        self, ada: docstore.Store, behind: docstore.Experiment
    ) -> None:
        again = ada.load("cakes")
        again.description = "with salt"

        assert ada.save(again, on_conflict="error").number == 3

    @pytest.mark.parametrize("description", [None, "with salt"], ids=["unchanged", "changed"])
    @pytest.mark.parametrize("policy", ["replace", "", None, "MERGE"])
    def test_an_unknown_policy_is_refused(
        self, ada: docstore.Store, behind: docstore.Experiment, policy: Any, description: str | None
    ) -> None:
        behind.description = description

        with pytest.raises(InvalidValueError, match=r"on_conflict: .*'merge', 'error', 'overwrite'"):
            ada.save(behind, on_conflict=policy)

    # --- objects that did not come from the document ------------------------------------------------------------------

    @pytest.mark.parametrize("policy", ["merge", "error"])
    def test_an_object_made_anew_does_not_take_the_name_of_a_document(
        self, ada: docstore.Store, two_readers: Readers, policy: OnConflict
    ) -> None:
        before = stored(ada)

        with pytest.raises(DocumentExistsError, match=r"'cakes' is stored already, at version 1.*load") as caught:
            ada.save(new_experiment(description="another"), on_conflict=policy)

        assert (caught.value.name, caught.value.kind, caught.value.head) == ("cakes", "experiment", 1)
        assert (stored(ada), len(ada.history("cakes"))) == (before, 1)

    def test_an_object_that_another_store_loaded_is_merged_with_what_was_saved_since(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = two_readers
        theirs.trials[0].run_metadata["oven"] = 3
        bob.save(theirs)
        mine.description = "with salt"

        assert bob.save(mine).number == 3
        assert (mine.trials[0].run_metadata["oven"], stored(ada)) == (3, docstore.dumps(mine))

    def test_an_object_made_anew_becomes_the_newest_version_by_overwriting(
        self, ada: docstore.Store, two_readers: Readers
    ) -> None:
        before, other = stored(ada), new_experiment(description="another")

        with pytest.warns(OverwriteWarning):
            assert ada.save(other, on_conflict="overwrite").number == 2
        assert (stored(ada), stored(ada, version=1)) == (docstore.dumps(other), before)
        add_trial(other)
        assert ada.save(other).number == 3

    def test_a_document_that_took_the_name_of_a_deleted_one_is_not_saved_over(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        bob.delete("cakes")
        other = new_experiment(description="another")
        bob.save(other)
        two_readers[0].description = "with salt"

        with pytest.raises(DocumentNotFoundError):
            ada.save(two_readers[0])

        assert stored(bob) == docstore.dumps(other)

    # --- JSON values -------------------------------------------------------------------------------------------------

    def test_a_value_that_says_its_version_keeps_what_others_put_since(self, store: docstore.Store) -> None:
        store.put("note", "n1", {"text": "rye", "sizes": (1, 2)})
        store.put("note", "n1", {"text": "rye", "sizes": (1, 2), "theirs": 1})

        made = store.put("note", "n1", {"text": "spelt", "sizes": (1, 2)}, based_on=1)

        assert made.number == 3
        assert store.get("n1", kind="note") == {"text": "spelt", "sizes": (1, 2), "theirs": 1}
        assert store.verify() == []

    def test_a_value_that_says_its_version_is_refused_where_both_changed_it(self, store: docstore.Store) -> None:
        for text in ("rye", "spelt"):
            store.put("note", "n1", {"text": text})

        with pytest.raises(ConflictError) as caught:
            store.put("note", "n1", {"text": "wheat"}, based_on=1)

        assert caught.value.places == (Conflict("/text", "rye", "wheat", "spelt"),)
        assert store.get("n1", kind="note") == {"text": "spelt"}

    def test_a_value_that_is_as_in_the_version_it_says_makes_no_version(self, store: docstore.Store) -> None:
        for text in ("rye", "spelt"):
            store.put("note", "n1", {"text": text})

        assert store.put("note", "n1", {"text": "rye"}, based_on=1).number == 2
        with pytest.raises(VersionNotFoundError):
            store.put("note", "n1", {"text": "rye"}, based_on=7)
        with pytest.raises(DocumentNotFoundError):
            store.put("note", "n2", {"text": "rye"}, based_on=1)

    def test_a_value_and_a_text_may_say_the_version_that_a_save_returned(self, store: docstore.Store) -> None:
        first = store.put("note", "n1", {"rye": 1})
        other = store.put("note", "n2", {"rye": 5})
        store.put("note", "n1", {"rye": 1, "spelt": 2})

        store.put("note", "n1", {"rye": 3}, based_on=first)
        store.put_json("note", "n1", '{"rye":3,"spelt":2,"oats":4}', based_on=store.version("n1", kind="note"))

        assert store.get("n1", kind="note") == {"rye": 3, "spelt": 2, "oats": 4}
        with pytest.raises(InvalidValueError, match="Version 1 of 'n1' is another one here"):
            store.put("note", "n1", {"rye": 3}, based_on=other)
        with pytest.raises(InvalidValueError, match=r"based_on.*Give the number of a version"):
            store.put("note", "n1", {"rye": 3}, based_on="best")  # type: ignore[arg-type]  # a tag

    # --- the JSON text of an object --------------------------------------------------------------------------------

    def test_a_text_that_says_its_version_keeps_what_others_saved_since(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = two_readers
        add_trial(mine, 0.25)
        text = docstore.dumps(mine)
        other = add_trial(theirs, 0.75)
        bob.save(theirs)

        version = ada.put_json("experiment", "cakes", text, based_on=1)

        means = {record["trial_index"]: record["mean"] for record in ada.load("cakes").data.records[-2:]}
        assert (version.number, means) == (3, {other.index: 0.75, other.index + 1: 0.25})
        assert ada.verify(decode=True) == []

    def test_a_text_that_says_its_version_is_refused_where_both_changed_it(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        two_readers[0].description, two_readers[1].description = "with salt", "with pepper"
        text = docstore.dumps(two_readers[0])
        bob.save(two_readers[1])

        with pytest.raises(ConflictError) as caught:
            ada.put_json("experiment", "cakes", text, based_on=1)

        assert [each.pointer for each in caught.value.places] == ["/description"]
        assert stored(ada) == docstore.dumps(two_readers[1])
        assert ada.put_json("experiment", "cakes", text, based_on=1, on_conflict=lambda it: it.mine).number == 3
        assert stored(ada) == text

    def test_a_value_that_was_decided_is_stored_as_one_that_was_saved(self, store: docstore.Store) -> None:
        """Databases would change some of these, or refuse them, if they were not tagged."""
        decided = {"a": [-0.0, 1e300, 2**63, "\0", {"\0": -0.5}]}
        texts = ['{"place": 1}', '{"place": 2}', '{"place": 3}']
        store.put_json("note", "n1", texts[0])
        store.put_json("note", "n1", texts[1], based_on=1)

        store.put_json("note", "n1", texts[2], based_on=1, on_conflict=lambda conflict: decided)

        assert repr(store.get("n1", kind="note")) == repr({"place": decided})
        store.put("note", "n2", {"place": decided})
        assert store.version("n2", kind="note").digest == store.version("n1", kind="note").digest
        assert store.verify() == []

    def test_a_value_that_was_decided_in_an_object_is_stored_as_one_that_was_saved(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: Readers
    ) -> None:
        mine, theirs = two_readers
        mine.properties["place"], theirs.properties["place"] = 1, 2
        bob.save(theirs)

        ada.save(mine, on_conflict=lambda conflict: [-0.0, 1e300, 2**63, "\0"])

        assert stored(ada) == docstore.dumps(ada.load("cakes")) == docstore.dumps(mine)
        assert ada.verify() == []

    def test_a_text_is_refused_if_its_class_refuses_what_both_made_together(self, store: docstore.Store) -> None:
        store.save(new_experiment())
        text = store.get_json("cakes").replace(b'"lower":0.0', b'"lower":0.75')
        theirs = store.load("cakes")
        parameter = theirs.search_space.parameters["x"]
        assert isinstance(parameter, docstore.RangeParameter)
        parameter.upper = 0.5
        store.save(theirs)

        with pytest.raises(ConflictError, match="the merged document is invalid") as caught:
            store.put_json("experiment", "cakes", text, based_on=1)

        pointers = [each.pointer.rpartition("/")[2] for each in caught.value.places]
        assert (pointers, stored(store)) == (["lower", "upper"], docstore.dumps(theirs))

    def test_a_text_of_another_schema_is_not_mixed_with_what_others_saved_since(self, store: docstore.Store) -> None:
        """The amounts of its schema are kilograms, and those that others saved are grams."""
        text = '{"__format":1,"__document":{"name":"title"},"__type":"elsewhere.Bag","__schema":%d,"title":"rye",%s}'
        store.put_json("bag", "rye", text % (1, '"amounts":{"a":5000}'))
        store.put_json("bag", "rye", text % (1, '"amounts":{"a":5000,"b":20}'), based_on=1)

        with pytest.raises(ConflictError, match="its schema is another one"):
            store.put_json("bag", "rye", text % (2, '"amounts":{"a":5}'), based_on=1)

        upgraded = store.put_json("bag", "rye", text % (2, '"amounts":{"a":5,"b":0.02}'), based_on=2)
        assert (upgraded.number, store.verify()) == (3, [])
        with pytest.raises(EncodeError, match="the newer fields would be lost"):
            store.put_json("bag", "rye", text % (1, '"amounts":{"a":5000}'), based_on=3)

    def test_a_text_without_parts_is_not_merged_with_parts_that_others_saved_since(self, store: docstore.Store) -> None:
        text = '{"__format":1,%s"__type":"elsewhere.Book","name":"rye","pages":{"1":%d,"2":%d}}'
        parts = '"__document":{"parts":["/pages/*"]},'
        store.put_json("book", "rye", text % (parts, 1, 2))
        store.put_json("book", "rye", text % (parts, 1, 3), based_on=1)

        with pytest.raises(ConflictError, match="its parts are stored otherwise"):
            store.put_json("book", "rye", text % ("", 5, 2), based_on=1)

        store.put_json("book", "rye", text % ("", 5, 3), based_on=2)
        assert store.get("rye", kind="book", version=2, pointer="/pages") == {"1": 1, "2": 3}
        assert store.verify() == []

    def test_the_runs_of_a_strategy_may_be_a_list_and_a_dict_in_turn(self, store: docstore.Store) -> None:
        """A list of them is in the head; the members of a dict are parts."""
        run = '{"__type":"GeneratorRun","arms":[{"__type":"Arm","parameters":{"x":%s}}],"weights":[1.0]}'
        text = '{"__format":1,"__type":"GenerationStrategy","name":"gs","nodes":[],"generator_runs":%s}'
        runs = [f'{{"0":{run % 0.25}}}', f'{{"0":{run % 0.5}}}', f"[{run % 0.5}]", f'{{"0":{run % 0.75}}}']
        texts = [(text % each).encode() for each in runs]
        store.put_json("generation_strategy", "gs", texts[0])

        for number, each in enumerate(texts[1:], 1):
            store.put_json("generation_strategy", "gs", each, based_on=number)

        stored = [store.get_json("gs", kind="generation_strategy", version=number) for number in range(1, 5)]
        assert list(map(loads, stored)) == list(map(loads, texts))
        assert store.verify() == []

    def test_a_text_is_merged_though_the_class_of_a_parameter_is_not_known(self, store: docstore.Store) -> None:
        text = docstore.dumps(new_experiment(description="rye")).replace(b'"RangeParameter"', b'"elsewhere.Range"')
        store.put_json("experiment", "cakes", text)
        store.put_json("experiment", "cakes", text.replace(b'"rye"', b'"spelt"'), based_on=1)

        version = store.put_json("experiment", "cakes", text.replace(b'"is_test":false', b'"is_test":true'), based_on=1)

        assert version.number == 3
        assert store.get("cakes", pointer="/description") == "spelt"

    def test_a_text_without_its_class_is_merged_too(self, store: docstore.Store) -> None:
        text = '{"__format":1,"__document":{"name":"title","parts":["/pages/*"]},"__type":"elsewhere.Book",'
        text += '"title":"rye","pages":{"1":{"n":%d},"2":{"n":%d}}}'
        store.put_json("book", "rye", text % (1, 2))
        store.put_json("book", "rye", text % (1, 20), based_on=1)

        assert store.put_json("book", "rye", text % (10, 2), based_on=1).number == 3
        assert store.get("rye", kind="book", pointer="/pages") == {"1": {"n": 10}, "2": {"n": 20}}
