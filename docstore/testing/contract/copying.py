"""Promises of copy_to: the same documents in another database, to the bit, with their history and digests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import docstore
from docstore.testing.contract.setting import Setting, contents
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment

ODD = {"a\x00": ["\ud800", -0.0, math.nan, 1e16, 2**64, (1,)], "": {"\u00e9": "e\u0301"}}


def fill(store: docstore.Store) -> None:
    """Save an experiment at version 2, a note, and a note that is deleted."""
    experiment = new_experiment(trials=2, experiment_type="CAKE", properties=ODD)
    store.save(experiment, message="first \u2603")
    add_trial(experiment)
    store.save(experiment)
    store.put("note", "kept", ODD)
    store.put("note", "deleted", 1)
    store.delete("deleted", kind="note")


class CopyPromises(Setting):
    """Documents are copied from this database to one in a file, or from there to here."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Iterator[docstore.Store]:
        """A store on an empty SQLite database."""
        with docstore.connect(tmp_path / "the other.db") as store:
            yield store

    @pytest.fixture(params=["from here", "to here"])
    def pair(
        self, request: pytest.FixtureRequest, store: docstore.Store, file: docstore.Store
    ) -> tuple[docstore.Store, docstore.Store]:
        """The store to copy from, filled, and the empty one to copy to."""
        source, target = (store, file) if request.param == "from here" else (file, store)
        fill(source)
        return source, target

    def test_a_copy_is_the_same_with_its_whole_history(self, pair: tuple[docstore.Store, docstore.Store]) -> None:
        source, target = pair

        source.copy_to(target)

        assert contents(target) == contents(source)
        assert [identity(store.get("kept", kind="note")) for store in pair] == [identity(ODD)] * 2

    def test_a_copy_goes_on_where_the_last_one_ended(self, pair: tuple[docstore.Store, docstore.Store]) -> None:
        source, target = pair
        source.copy_to(target)
        experiment: Any = source.load("cakes")
        experiment.description = "with salt"
        source.save(experiment)

        copied = source.copy_to(target)

        assert {each.name: each.status for each in copied} == {
            "cakes": "updated",
            "kept": "unchanged",
            "deleted": "unchanged",
        }
        assert contents(target) == contents(source)

    def test_a_copy_can_be_saved_on(self, pair: tuple[docstore.Store, docstore.Store]) -> None:
        source, target = pair
        source.copy_to(target, ["cakes"])
        experiment = target.load("cakes")
        add_trial(experiment)

        assert (target.save(experiment).number, target.verify()) == (3, [])
        assert len(source.history("cakes")) == 2
