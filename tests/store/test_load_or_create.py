"""Load or create in one call: a script that is run again goes on. The contract has several that start at once."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest

import docstore
from docstore import registry
from docstore.errors import EncodeError, InvalidValueError
from docstore.testing.experiments import add_trial, new_experiment


def never():
    raise AssertionError("this is called only if there is no such document")


class TestAScriptThatIsRunAgain:
    def test_gets_what_it_made_saved_as_version_1(self, store):
        made = new_experiment("cakes")

        assert store.load_or_create("cakes", lambda: made, message="the plan", author="ada") is made

        [version] = store.history("cakes")
        assert (version.number, version.message, version.author) == (1, "the plan", "ada")

    def test_gets_what_is_stored_the_second_time_and_can_go_on(self, store):
        experiment = store.load_or_create("cakes", lambda: new_experiment("cakes"))
        store.save_trial(experiment, add_trial(experiment))

        again = store.load_or_create("cakes", never)

        assert docstore.dumps(again) == docstore.dumps(experiment)
        assert store.save_trial(again, add_trial(again)).number == 3

    def test_makes_it_anew_if_it_was_deleted(self, store):
        store.save(new_experiment("cakes", trials=1))
        store.delete("cakes")

        assert store.load_or_create("cakes", lambda: new_experiment("cakes")).trials == {}

    def test_may_name_the_class_in_place_of_the_kind(self, store):
        @dataclass
        class Campaign:
            name: str

        with registry.scope():
            docstore.document(kind="campaign")(Campaign)
            store.load_or_create("spring", lambda: Campaign("spring"), kind=Campaign)

            assert store.load_or_create("spring", never, kind=Campaign) == Campaign("spring")


def test_what_another_created_meanwhile_is_loaded_and_can_be_saved(store, database, connect):
    def make():
        connect(database).save(new_experiment("cakes", trials=1))
        return new_experiment("cakes")

    experiment = store.load_or_create("cakes", make)

    assert store.save_trial(experiment, add_trial(experiment)).number == 2
    assert list(store.load("cakes").trials) == [0, 1]


class TestNothingIsSaved:
    @pytest.fixture(autouse=True)
    def _nothing(self, store):
        yield
        assert len(store.find()) == 0

    @pytest.mark.usefixtures("interruptible")
    def test_if_ctrl_c_ends_the_making(self, store):
        with pytest.raises(KeyboardInterrupt):
            store.load_or_create("cakes", lambda: signal.raise_signal(signal.SIGINT))

    def test_if_what_is_made_has_another_name(self, store):
        with pytest.raises(
            InvalidValueError, match="should return the experiment 'cakes', and returned experiment 'pies'"
        ):
            store.load_or_create("cakes", lambda: new_experiment("pies"))

    def test_if_what_is_made_has_another_kind(self, store):
        with pytest.raises(
            InvalidValueError, match="should return the campaign 'cakes', and returned experiment 'cakes'"
        ):
            store.load_or_create("cakes", lambda: new_experiment("cakes"), kind="campaign")

    def test_if_nothing_is_made(self, store):
        with pytest.raises(InvalidValueError, match="and returned None"):
            store.load_or_create("cakes", lambda: None)

    def test_if_what_is_made_is_no_document(self, store):
        with pytest.raises(EncodeError, match="no document by itself"):
            store.load_or_create("cakes", lambda: docstore.Arm({"x": 1.0}))

    def test_if_the_object_is_given_in_place_of_a_function(self, store):
        with pytest.raises(InvalidValueError, match="Give a function that returns the object"):
            store.load_or_create("cakes", new_experiment("cakes"))
