"""The plots over time: the statuses of trials, and who changed what over the versions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plotted import START, breads, losses, new_trial, stepped

import docstore
from docstore import plots
from docstore.errors import InvalidValueError
from docstore.plots.experiment_data import experiment_data
from docstore.plots.trial_statuses import statuses_over_time
from docstore.plots.version_changes import FOLDED, OTHERS, WHOLE, version_changes


def labels(ax):
    return ax.get_legend_handles_labels()[1]


class TestStatusesOverTime:
    def test_count_the_trials_of_each_status_from_each_time_on(self):
        found = statuses_over_time(experiment_data(breads({"loss": 1.0}, None)))

        assert found.times == tuple(START + timedelta(hours=hours) for hours in range(3))
        assert found.counts == {
            "COMPLETED": (0, 1, 1),
            "RUNNING": (1, 1, 0),
            "CANDIDATE": (0, 0, 0),
            "FAILED": (0, 0, 1),
        }

    def test_add_up_to_the_trials_that_were_created(self):
        experiment = breads(*losses(1.0, 2.0), None)
        new_trial(experiment, 3)

        found = statuses_over_time(experiment_data(experiment))

        assert [sum(counts) for counts in zip(*found.counts.values(), strict=True)] == [1, 2, 3, 4]

    def test_take_times_without_a_zone_as_they_are(self):
        experiment = breads({"loss": 1.0})
        trial = experiment.trials[0]
        for field in ("time_created", "time_run_started", "time_completed"):
            setattr(trial, field, getattr(trial, field).replace(tzinfo=None))

        assert plots.statuses(experiment).get_xlabel() == "time (as saved, without a zone)"

    def test_are_drawn_as_areas_that_differ_without_colour_too(self):
        ax = plots.statuses(breads({"loss": 1.0}, None))

        assert labels(ax) == ["completed (1)", "running (0)", "candidate (0)", "failed (1)"]
        assert len({(area.get_hatch(), str(area.get_facecolor())) for area in ax.collections}) == 4
        assert ax.get_xlabel() == "time (UTC)"


class TestLearningCurves:
    def test_have_whole_numbers_at_whole_steps(self):
        ax = plots.curves(stepped([[3.0, 2.0, 1.5]]))

        assert [tick for tick in ax.get_xticks() if tick != int(tick)] == []


class TestWhoChangedWhat:
    @pytest.fixture
    def history(self, tmp_path):
        """Ada makes an experiment; Bob adds a trial, and then she changes the description."""
        with docstore.connect(tmp_path / "lab.db", author="ada") as store:
            experiment = breads()
            store.save(experiment)
            new_trial(experiment, 0).complete({"loss": 1.0})
            store.save(experiment, author="bob")
            experiment.description = "with less sugar"
            store.save(experiment)
            yield store.history("bread")

    def test_has_the_members_that_each_version_changed(self, history):
        found = version_changes(history)

        assert [(each.version, each.author, each.member) for each in found.changes] == [
            (1, "ada", WHOLE),
            (2, "bob", "data"),
            (2, "bob", "trials"),
            (3, "ada", "description"),
        ]

    def test_counts_the_places_that_a_version_changed(self, history):
        assert [each.changes for each in version_changes(history).changes] == [1, 1, 1, 1]

    def test_is_drawn_with_a_row_for_each_member_and_a_marker_for_each_author(self, history):
        ax = plots.history(history)

        def row(member):
            return [tick.get_text() for tick in ax.get_yticklabels()].index(member)

        assert sorted(tick.get_text() for tick in ax.get_yticklabels()) == ["data", "description", "trials", WHOLE]
        assert labels(ax) == ["ada", "bob", "1 change", "100 changes"]
        assert ax.collections[1].get_offsets().tolist() == [[2.0, row("data")], [2.0, row("trials")]]
        assert ax.collections[0].get_offsets().tolist() == [[1.0, row(WHOLE)], [3.0, row("description")]]

    def test_is_drawn_over_time(self, history):
        assert plots.history(history, over="time").get_xlabel() == "time (UTC)"

    def test_refuses_another_axis(self, history):
        with pytest.raises(InvalidValueError, match=r"over: 'author' cannot be used\. Give 'version' or 'time'"):
            plots.history(history, over="author")

    def test_refuses_what_are_no_versions(self):
        with pytest.raises(InvalidValueError, match=r"plots\.history\(store\.history\(name\)\)"):
            plots.history("bread")

    def test_says_which_versions_were_folded(self, tmp_path):
        with docstore.connect(tmp_path / "lab.db") as store:
            for number in range(3):
                store.put("note", "n", {"number": number})
            store.compact("n", kind="note", keep=1)

            found = version_changes(store.history("n", kind="note"))

        assert {each.member for each in found.changes if each.version < 3} == {FOLDED}

    def test_calls_rare_authors_others(self, tmp_path):
        with docstore.connect(tmp_path / "lab.db") as store:
            for number in range(9):
                store.put("note", "n", {"number": number}, author=f"author {number}")

            found = version_changes(store.history("n", kind="note"))

        assert len(found.authors) == 6
        assert found.authors[-1] == OTHERS
        assert sum(each.author == OTHERS for each in found.changes) == 4
