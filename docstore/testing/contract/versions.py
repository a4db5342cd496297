"""Promises of the history: load any version, compare two, revert to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import docstore
from docstore.documents.canonical import dumps, loads
from docstore.documents.patch import apply
from docstore.errors import DecodeError, InvalidValueError, VersionNotFoundError
from docstore.testing.contract.setting import Setting, stored
from docstore.testing.experiments import add_trial, new_experiment

Saves = tuple[list[bytes], list[docstore.Version]]


class VersionPromises(Setting):
    """An experiment was saved three times: first empty, then with one trial, then with two."""

    @pytest.fixture
    def saves(self, store: docstore.Store) -> Saves:
        """The text that was saved as each version, and the versions."""
        experiment = new_experiment()
        texts, versions = [], []
        for message in ("empty", "one", "two"):
            versions.append(store.save(experiment, message=message))
            texts.append(docstore.dumps(experiment))
            add_trial(experiment)
        return texts, versions

    # --- by number and by time ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_version_is_loaded_by_its_number(self, store: docstore.Store, saves: Saves, number: int) -> None:
        assert stored(store, version=number) == saves[0][number - 1]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_version_is_loaded_by_its_very_time(self, store: docstore.Store, saves: Saves, number: int) -> None:
        assert stored(store, at=saves[1][number - 1].created_at) == saves[0][number - 1]

    @pytest.mark.parametrize("number", [2, 3])
    def test_a_microsecond_earlier_it_was_the_version_before(
        self, store: docstore.Store, saves: Saves, number: int
    ) -> None:
        moment = saves[1][number - 1].created_at - timedelta(microseconds=1)

        assert stored(store, at=moment) == saves[0][number - 2]

    def test_at_any_later_time_it_is_the_newest_version(self, store: docstore.Store, saves: Saves) -> None:
        moment = saves[1][2].created_at.astimezone() + timedelta(days=1)

        assert stored(store, at=moment) == saves[0][2]

    def test_before_the_first_version_there_is_none(self, store: docstore.Store, saves: Saves) -> None:
        with pytest.raises(VersionNotFoundError, match=r"has no version from .*history\('cakes'\)"):
            store.load("cakes", at=saves[1][0].created_at - timedelta(microseconds=1))

    @pytest.mark.parametrize("number", [0, 4, -1])
    def test_an_unknown_version_is_an_error(self, store: docstore.Store, saves: Saves, number: int) -> None:
        with pytest.raises(VersionNotFoundError, match="it has 1 to 3"):
            store.load("cakes", version=number)

    @pytest.mark.parametrize(
        ("moment", "problem"),
        [
            (datetime(2026, 1, 31), r"Give it a time zone, as in datetime\("),
            ("2026-01-31", "Give a time with a zone"),
            (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "the years 1 to 9999"),
        ],
        ids=["no zone", "text", "before all"],
    )
    def test_what_is_no_time_with_a_zone_is_an_error(
        self, store: docstore.Store, saves: Saves, moment: Any, problem: str
    ) -> None:
        with pytest.raises(InvalidValueError, match=f"at: .*{problem}"):
            store.load("cakes", at=moment)

    def test_a_version_and_a_time_at_once_are_an_error(self, store: docstore.Store, saves: Saves) -> None:
        with pytest.raises(InvalidValueError, match="not both"):
            store.load("cakes", version=1, at=datetime.now(UTC))

    def test_each_of_many_versions_is_loaded_exactly(self, store: docstore.Store) -> None:
        experiment = new_experiment(trials=3)
        texts = {}
        for turn in range(30):
            experiment.trials[turn % 3].run_metadata[f"turn {turn % 7}"] = [turn, turn / 7, (turn,)]
            experiment.properties["turns"] = list(range(turn % 5))
            texts[store.save(experiment).number] = docstore.dumps(experiment)

        assert {number: stored(store, version=number) for number in texts} == texts

    # --- the history --------------------------------------------------------------------------------------------------

    def test_the_history_is_what_the_saves_gave_newest_first(self, store: docstore.Store, saves: Saves) -> None:
        assert store.history("cakes") == saves[1][::-1]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_version_is_given_alone_too(self, store: docstore.Store, saves: Saves, number: int) -> None:
        version = saves[1][number - 1]

        assert store.version("cakes", number) == store.version("cakes", version.created_at) == version

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_the_text_of_a_version_is_that_of_what_was_saved(
        self, store: docstore.Store, saves: Saves, number: int
    ) -> None:
        assert store.get_json("cakes", version=number) == saves[0][number - 1]

    def test_times_of_versions_grow_whatever_the_clock_says(self, store: docstore.Store) -> None:
        experiment = new_experiment()
        times = []
        for turn in range(10):
            experiment.properties["turn"] = turn
            times.append(store.save(experiment).created_at)

        assert times == sorted(set(times))

    def test_each_version_has_the_digest_of_what_was_saved(self, store: docstore.Store, saves: Saves) -> None:
        digests = [docstore.digest(store.load("cakes", version=number)) for number in (3, 2, 1)]

        assert [version.digest for version in store.history("cakes")] == digests

    # --- differences --------------------------------------------------------------------------------------------------

    def test_a_difference_is_described_in_words(self, store: docstore.Store, saves: Saves) -> None:
        diff = store.diff("cakes", 1, 3)

        assert diff.words == (
            "trial 0: added, COMPLETED, arm 0_0 (x 0.0, flour rye)",
            "trial 0: taste nan (sem 0.25) added",
            "trial 1: added, COMPLETED, arm 1_0 (x 9.5367431640625e-7, flour rye)",
            "trial 1: taste nan (sem 0.25) added",
        )
        assert str(diff) == "\n".join(diff.words)

    def test_a_difference_is_described_backwards(self, store: docstore.Store, saves: Saves) -> None:
        assert store.diff("cakes", 3, 2).words == (
            "trial 1: removed, COMPLETED, arm 1_0 (x 9.5367431640625e-7, flour rye)",
            "trial 1: taste nan (sem 0.25) removed",
        )

    def test_the_differences_of_all_versions_are_those_of_each_from_the_one_before(
        self, store: docstore.Store, saves: Saves
    ) -> None:
        told = [(version, diff.patch, str(diff)) for version, diff in store.diffs("cakes")]

        steps = [(number, store.diff("cakes", number - 1, number)) for number in range(len(saves[1]), 1, -1)]
        assert told == [(saves[1][number - 1], diff.patch, str(diff)) for number, diff in steps]

    def test_a_version_has_no_difference_from_itself(self, store: docstore.Store, saves: Saves) -> None:
        diff = store.diff("cakes", 2, 2)

        assert (str(diff), diff.changes, diff.patch) == ("no difference", (), ())

    @pytest.mark.parametrize(("a", "b"), [(1, 3), (3, 1), (2, 3)])
    def test_a_difference_is_a_patch_from_one_to_the_other(
        self, store: docstore.Store, saves: Saves, a: int, b: int
    ) -> None:
        texts, _ = saves

        patched = apply(loads(texts[a - 1]), store.diff("cakes", a, b).patch)

        assert dumps(patched) == texts[b - 1]

    # --- going back ---------------------------------------------------------------------------------------------------

    def test_reverting_makes_an_old_state_the_newest_version(self, store: docstore.Store, saves: Saves) -> None:
        version = store.revert("cakes", 1)

        assert (version.number, version.message, stored(store)) == (4, "revert to version 1", saves[0][0])

    def test_reverting_leaves_the_history_as_it_was(self, store: docstore.Store, saves: Saves) -> None:
        store.revert("cakes", 1)

        assert store.history("cakes")[1:] == saves[1][::-1]
        assert stored(store, version=3) == saves[0][2]

    def test_reverting_to_what_is_there_makes_no_version(self, store: docstore.Store, saves: Saves) -> None:
        assert store.revert("cakes", 3).number == 3

    # --- reading without classes --------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("pointer", "value"),
        [
            ("/name", "cakes"),
            ("/trials/1/status", "COMPLETED"),
            ("/trials/1/generator_run/arms/0/parameters", {"x": 1 / 2**20, "flour": "rye"}),
            ("/data/0/records/0/sem", 0.25),
        ],
    )
    def test_get_gives_the_json_at_a_pointer(
        self, store: docstore.Store, saves: Saves, pointer: str, value: Any
    ) -> None:
        got = store.get("cakes", pointer=pointer)

        assert (type(got), got) == (type(value), value)

    def test_get_gives_what_was_at_a_pointer_in_a_version(self, store: docstore.Store, saves: Saves) -> None:
        assert store.get("cakes", pointer="/trials", version=1) == {}
        assert list(store.get("cakes", pointer="/trials", at=saves[1][1].created_at)) == ["0"]

    def test_a_pointer_that_leads_nowhere_is_an_error(self, store: docstore.Store, saves: Saves) -> None:
        with pytest.raises(DecodeError, match="there is no value here"):
            store.get("cakes", pointer="/trials/7/status")

    # --- tags, blame, compaction and branches -------------------------------------------------------------------------

    def test_a_tag_names_a_version_until_it_is_removed(self, store: docstore.Store, saves: Saves) -> None:
        store.tag("cakes", "published", 2)
        tagged = store.tags("cakes"), stored(store, tag="published")

        store.untag("cakes", "published")

        assert tagged == ({"published": 2}, saves[0][1])
        assert store.tags("cakes") == {}

    def test_blame_names_the_versions_that_changed_a_place(self, store: docstore.Store, saves: Saves) -> None:
        assert [each.version.number for each in store.blame("cakes", "/trials/0")] == [2]

    def test_compaction_keeps_the_newest_versions_as_they_were_saved(self, store: docstore.Store, saves: Saves) -> None:
        store.compact("cakes", keep=2)

        assert [stored(store, version=number) for number in (2, 3)] == saves[0][1:]
        with pytest.raises(VersionNotFoundError):
            store.load("cakes", version=1)

    def test_a_branch_begins_with_a_version_and_its_past(self, store: docstore.Store, saves: Saves) -> None:
        store.branch("cakes", "bread", 2)

        assert list(store.get("bread", pointer="/trials")) == ["0"]
        assert [version.number for version in store.history("bread")][-2:] == [2, 1]
        assert stored(store) == saves[0][2]

    def test_branches_are_listed_by_their_names_but_not_those_of_branches(
        self, store: docstore.Store, saves: Saves
    ) -> None:
        store.branch("cakes", "bread", 2)
        store.branch("bread", "rolls")
        store.branch("cakes", "gone")
        store.delete("gone")
        store.rename("bread", "rye")

        assert (store.branches("cakes"), store.branches("rye")) == ({"rye": 2}, {"rolls": 3})
