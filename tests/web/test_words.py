"""A version in words, from the places that it changed."""

from __future__ import annotations

from datetime import UTC, datetime

from docstore.documents.history import Version
from docstore.documents.patch import Change
from docstore.web.pages.changes import words_of


def version(*changes: Change, number: int = 2, **options) -> Version:
    return Version(number, datetime(2026, 11, 29, tzinfo=UTC), "ada", "", changes, "d", "c", **options)


def added(*paths: str) -> list[Change]:
    return [Change("add", path) for path in paths]


class TestWords:
    def test_count_trials_and_leave_out_the_data_that_came_with_them(self):
        saved = version(*added("/trials/4", "/trials/5", "/trials/6", "/data/4", "/data/5"))

        assert words_of(saved, "experiment") == ("trials 4 to 6 added",)

    def test_name_a_single_trial_and_a_place_in_it(self):
        saved = version(*added("/data/7"), Change("replace", "/trials/7/status", "RUNNING"))

        assert words_of(saved, "experiment") == ("data of trial 7 added", "trial 7: status changed")

    def test_have_the_new_value_where_it_is_known(self):
        saved = version(Change("replace", "/trials/7/status", "RUNNING"), Change("replace", "/properties/my team", "a"))

        words = words_of(saved, "experiment", {"/trials/7/status": "FAILED", "/properties/my team": "b"}.get)

        assert words == ("trial 7: status RUNNING → FAILED", 'properties/"my team" a → b')

    def test_are_few_however_many_places_there_are(self):
        saved = version(*added(*(f"/properties/p{number}" for number in range(1_000))))

        assert words_of(saved, "experiment")[-2:] == ("properties/p3 added", "996 more")

    def test_cannot_drive_a_terminal_or_begin_a_line(self):
        [words] = words_of(version(*added("/properties/a\nb\x1b[31m")), "experiment")

        assert words.isprintable()

    def test_of_a_folded_version_say_so(self):
        assert words_of(version(is_kept=False), "experiment") == ("folded: which places it changed is not kept",)
