"""The benchmarks: what they compute is right, and each of their rows runs; nothing here is timed."""

from __future__ import annotations

import contextlib
import itertools
from contextlib import closing

import bench_codec
import bench_find
import bench_history
import bench_many
import bench_memory
import bench_store
import floors
import plot
import pytest
import report
import workload
from harness import Goal, Operation, Patience, Row, Spread, TimesFaster, always, growth, line, measured, row_of, summary

import docstore
from docstore.sql.tables import metadata

ONCE = Patience(seconds=0, least=1, most=1)


def row(ours: list[float], floors: list[float] | None = None, goal: Goal | None = None) -> Row:
    return row_of(Operation("save", always(lambda: None), "the driver", goal=goal), ours, floors)


class TestARow:
    def test_has_the_median_and_the_quartiles_of_the_ratios_of_pairs(self):
        made = row([2.0, 9.0, 4.0, 30.0, 5.0], [1.0, 3.0, 4.0, 6.0, 1.0])

        assert (made.ours.median, made.floor.median) == (5.0, 3.0)
        assert made.ratio == Spread(median=3.0, low=2.0, high=5.0)

    @pytest.mark.parametrize(("most", "verdict"), [(3.0, "pass"), (2.9, "short")])
    def test_passes_if_the_median_of_the_ratios_is_at_most_the_goal(self, most, verdict):
        assert row([2.0, 9.0, 4.0, 30.0, 5.0], [1.0, 3.0, 4.0, 6.0, 1.0], Goal(most)).verdict == verdict

    def test_is_judged_by_what_docstore_takes_if_the_goal_is_no_ratio(self):
        assert row([1.9], [0.1], Goal(2, "ms")).verdict == "pass"
        assert row([2.1], [9.0], Goal(2, "ms")).verdict == "short"

    def test_has_no_verdict_without_a_goal(self):
        assert row([2.0], [1.0]).verdict == ""

    @pytest.mark.parametrize(("least", "verdict"), [(3.0, "pass"), (3.1, "short")])
    def test_may_say_how_many_times_as_long_the_other_takes(self, least, verdict):
        made = row([2.0, 1.0, 4.0], [6.0, 3.0, 12.0], TimesFaster(least))

        assert (made.ratio.median, made.verdict) == (3.0, verdict)
        assert f">= {least:g} x" in line(made)

    def test_is_a_line_that_says_all_of_it(self):
        shown = line(row([2.0, 9.0, 4.0, 30.0, 5.0], [1.0, 3.0, 4.0, 6.0, 1.0], Goal(2)))

        assert " ".join(shown.split()) == "save 5.00 ms the driver 3.00 ms 3.00 x 2.00 - 5.00 2 x short"

    def test_grows_by_the_ratio_of_medians(self):
        grown = growth(row([2.0]), row([2.0, 3.0, 4.0]), (100, 10_000), Goal(1.3))

        assert grown.ratio == Spread(median=1.5, low=1.25, high=1.75)
        assert grown.verdict == "short"

    def test_is_counted_if_it_has_a_goal(self):
        rows = [row([2.0], [1.0], Goal(2)), row([2.1], [1.0], Goal(2)), row([1.0], [1.0])]

        assert summary(rows) == "1 of 2 goals are met."


class TestAnOperation:
    def test_is_timed_in_turn_with_its_floor_and_the_first_round_is_left_out(self):
        calls = []

        def work(who):
            return lambda number: lambda: calls.append((who, number))

        measured(Operation("save", work("ours"), "the driver", work("floor")), Patience(seconds=0, least=2, most=2))

        assert calls == [(who, number) for number in range(3) for who in ("ours", "floor")]


@pytest.fixture
def fresh(tmp_path, backends):
    """Makes an empty database on SQLite, and returns its URL."""
    numbers = itertools.count()
    with contextlib.ExitStack() as used:
        yield lambda: used.enter_context(backends.fresh("sqlite", tmp_path / f"{next(numbers)}.db"))


class TestAFloor:
    def test_writes_the_rows_that_docstore_wrote(self, backend, fresh_database):
        first, second = fresh_database(backend), fresh_database(backend)
        with docstore.connect(first) as store, closing(floors.Mirror(backend, first, second)) as mirror:
            bench = workload.experiment(floors.MANY)
            for save in (store.save, store.save, lambda each: store.save_trial(each, each.trials[1])):
                workload.add_trial(bench)
                bench.trials[1].run_metadata = {"attempt": len(bench.trials)}
                save(bench)
                mirror.next()()

            assert mirror.differences() == []
            assert len(mirror.rows(mirror.second, floors.TABLES[0])) > 0

    def test_knows_every_table(self):
        assert {table.name for table in floors.TABLES} == set(metadata.tables)

    def test_loads_an_object_for_each_trial_and_its_data(self, fresh):
        url = fresh()
        with docstore.connect(url) as store, closing(floors.SQLite(url)) as driver:
            store.save(workload.experiment(2))

            loaded = floors.Loader(driver, dict(floors.parsed(driver, "bench"))).load("bench")

        assert sorted(type(each).__name__ for each in loaded) == ["Data", "Data", "Trial", "Trial", "dict"]


class TestEachRow:
    """Of a benchmark that nobody runs, the next one who runs it would find that it broke."""

    def test_of_saving_and_loading_can_be_measured(self, fresh):
        tables = {size: list(bench_store.rows("sqlite", fresh, size, ONCE, few=size > 2)) for size in (2, 3)}

        assert [row.title for row in bench_store.grown(tables)] == [f"{title}, n = 3" for title in bench_store.FLAT]
        assert all(len(points) == 2 for points in bench_store.curves(tables).values())

    def test_of_many_small_documents_can_be_measured(self, fresh):
        assert len(list(bench_many.rows("sqlite", fresh, 2, ONCE))) == 2

    def test_of_the_history_can_be_measured(self, fresh):
        assert len(list(bench_history.rows("sqlite", fresh, 12, ONCE))) == 7

    def test_of_searches_can_be_measured(self, fresh, monkeypatch):
        monkeypatch.setattr(bench_find, "FEW", 1)
        monkeypatch.setattr(bench_find, "PAGE", 5)
        monkeypatch.setattr(bench_find, "TRIALS", 1)

        assert len(list(bench_find.rows("sqlite", fresh, 11, ONCE))) == 8

    def test_of_the_codec_can_be_measured(self):
        assert {row.title for row in bench_codec.rows(2, ONCE)} == {"encode", "decode"}

    @pytest.mark.parametrize(("what", "number"), [("trials", 1_000), ("observations", 10_000)])
    @pytest.mark.skipif(not bench_memory.STATUS.exists(), reason="the system has no /proc")
    def test_of_memory_can_be_measured(self, what, number):
        # Each in a process of its own: this one has taken more memory before.
        assert len(list(bench_memory.rows({what: number}))) == 3


class TestThePage:
    def test_has_the_new_block_in_place_of_the_old_one(self, tmp_path):
        page = tmp_path / "page.md"
        page.write_text("before\n\n<!-- bench -->\n\n```text\nold\n```\n\nafter\n")

        report.write_into(page, "bench", "new\n")

        assert page.read_text() == "before\n\n<!-- bench -->\n\n```text\nnew\n```\n\nafter\n"

    def test_has_a_picture_with_a_line_for_each_operation_on_each_database(self, tmp_path):
        curves = {"load": [(100, 1.0), (1000, 10.0)], "save": [(100, 2.0), (1000, 2.0)]}

        plot.write(tmp_path / "cost.svg", {"sqlite": curves, "mariadb": curves}, "a caption")

        assert (tmp_path / "cost.svg").read_text().count("<polyline") == 4
