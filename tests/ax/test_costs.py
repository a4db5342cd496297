"""What it costs to save and load Ax's objects, counted: calls, encoded pieces, statements, parsed expressions."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from typing import Any

import pytest
from ax.core.arm import Arm
from ax.core.data import Data, DataRow
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.utils.testing import core_stubs, modeling_stubs
from counting import calls_of, encoded_by, rows_of, statements_of

import docstore
from docstore.ax.client import newest

FEW, MANY = 10, 40


def new_experiment(trials: int) -> Experiment:
    """Return an experiment of so many trials, each with data, and with its search space and goals in its run."""
    made = Experiment(
        name=f"branin of {trials}",
        search_space=core_stubs.get_branin_search_space(),
        optimization_config=core_stubs.get_branin_optimization_config(),
    )
    for _ in range(trials):
        add_trial(made)
    return made


def add_trial(made: Experiment) -> Any:
    """Add a trial with data."""
    index = len(made.trials)
    space, goals = made.search_space.clone(), made.optimization_config.clone()
    run = GeneratorRun([Arm({"x1": index / 10, "x2": 0.5})], search_space=space, optimization_config=goals)
    trial = made.new_trial(run)
    made.attach_data(Data(data_rows=[DataRow(index, f"{index}_0", "branin", "branin", index * 10.0, 0.1)]))
    return trial


def new_strategy(runs: int, of: Experiment) -> GenerationStrategy:
    """Return the strategy of the experiment *of*, with so many runs."""
    made = modeling_stubs.get_generation_strategy()
    made._experiment = of
    made._generator_runs = [core_stubs.get_generator_run() for _ in range(runs)]
    return made


def add_run(made: GenerationStrategy) -> GeneratorRun:
    run = core_stubs.get_generator_run2()
    made._generator_runs.append(run)
    return run


def objects_encoded_by(function: Any) -> Counter[str]:
    """Return how many objects of each class *function* encodes, by the name of the function that was made for it."""
    found: Counter[str] = Counter()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith("<docstore encode"):
            found[frame.f_code.co_filename] += 1

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return found


@pytest.fixture(scope="module")
def grown() -> tuple[docstore.Store, list[Experiment]]:
    """A store with experiments of 30 and of 300 trials, each with a trial that was added since it was first saved."""
    store, both = docstore.connect("sqlite://"), [new_experiment(30), new_experiment(300)]
    for each in both:
        store.save(each)
        save_head_and_trial(store, each)()
    return store, both


@pytest.fixture
def saved(store) -> tuple[Experiment, Experiment]:
    """A small experiment and a larger one, to which a trial was added since they were first saved."""
    both = new_experiment(FEW), new_experiment(MANY)
    for each in both:
        store.save(each)
        store.save_trial(each, add_trial(each))
    return both


def save_trial(store: docstore.Store, made: Experiment) -> Any:
    """Return what saves one more trial of *made*, which is added now."""
    return partial(store.save_trial, made, add_trial(made))


def save_head_and_trial(store: docstore.Store, made: Experiment) -> Any:
    """Return what saves one more trial of *made*, and the head, as Ax's clients do."""
    return partial(store.save, made, parts=[add_trial(made)])


@pytest.mark.parametrize("save", [save_trial, save_head_and_trial])
class TestOneMoreTrialOfThirtyOrOfThreeHundred:
    def test_makes_as_many_calls(self, grown, save):
        store, experiments = grown

        of_30, of_300 = (calls_of(save(store, each)) for each in experiments)

        assert of_300 < 1.02 * of_30  # numbers of another length may take another path

    def test_sends_as_many_statements_and_reads_as_many_rows(self, grown, save):
        store, experiments = grown

        sent = [statements_of(store.engine, save(store, each)) for each in experiments]
        read = [len(rows_of(store.engine, "SELECT", save(store, each))) for each in experiments]

        assert sent[0] == sent[1]
        assert read[0] == read[1]

    def test_encodes_as_many_objects(self, grown, save):
        store, experiments = grown

        of_30, of_300 = (objects_encoded_by(save(store, each)) for each in experiments)

        assert of_30 == of_300
        assert of_30["<docstore encode Trial>"] == 1


class WatchedRow(DataRow):
    """A row that counts how often somebody reads its trial."""

    reads = 0

    def __getattribute__(self, name: str) -> Any:
        WatchedRow.reads += name == "trial_index"
        return super().__getattribute__(name)


class TestOneMoreTrial:
    def test_looks_at_no_row_of_the_others(self, store):
        made = new_experiment(FEW)
        made.data = Data(data_rows=[WatchedRow(*list(vars(row).values())[:6]) for row in made.data._data_rows])
        store.save(made)
        store.save_trial(made, add_trial(made))
        trial = add_trial(made)
        WatchedRow.reads = 0

        store.save_trial(made, trial)

        assert WatchedRow.reads == 0

    def test_has_the_row_that_took_the_place_of_another(self, store, saved):
        few = saved[0]
        few.attach_data(Data(data_rows=[DataRow(2, "2_0", "branin", "branin", 77.0, 0.1)]))

        store.save_trial(few, few.trials[2])

        assert store.load(few.name).lookup_data(trial_indices=[2])._data_rows[0].mean == 77.0

    def test_of_an_older_one_is_found_among_rows_that_do_not_come_trial_by_trial(self, store, saved):
        few = saved[0]
        few.attach_data(Data(data_rows=[DataRow(2, "2_0", "late", "late", 1.0, 0.1)]))

        store.save_trial(few, few.trials[2])

        rows = store.load(few.name).data._data_rows
        assert [vars(row) for row in rows] == [vars(row) for row in few.data._data_rows]

    def test_is_encoded_with_its_data_and_nothing_else(self, store, saved):
        trial = add_trial(saved[1])

        encoded = encoded_by(lambda: store.save_trial(saved[1], trial))

        assert encoded == [f"/data/{trial.index}", f"/trials/{trial.index}"]

    def test_is_encoded_with_the_head_without_the_other_trials(self, store, saved):
        trial = add_trial(saved[1])

        encoded = encoded_by(lambda: store.save(saved[1], parts=[trial]))

        assert encoded == ["", f"/data/{trial.index}", f"/trials/{trial.index}"]


class TestAClient:
    def test_reads_one_row_to_see_whether_others_saved(self, store, saved):
        experiment = saved[1]

        read = rows_of(store.engine, "SELECT", lambda: newest(store, experiment.name))

        assert len(read) == 1
        assert newest(store, experiment.name) == store.history(experiment.name)[0].number


class TestOneMoreRunOfAStrategy:
    def test_is_encoded_with_the_head_without_the_other_runs(self, store):
        strategy = new_strategy(MANY, new_experiment(1))
        store.save(strategy)
        run = add_run(strategy)

        encoded = encoded_by(lambda: store.save(strategy, parts=[run]))

        assert encoded == ["", f"/generator_runs/{MANY}"]

    def test_makes_as_many_calls_for_few_runs_as_for_many(self, store):
        strategies = [new_strategy(runs, new_experiment(runs)) for runs in (FEW, MANY)]
        for each in strategies:
            store.save(each)
            store.save(each, parts=[add_run(each)])

        runs = [add_run(each) for each in strategies]

        few, many = (partial(store.save, each, parts=[run]) for each, run in zip(strategies, runs, strict=True))
        of_few, of_many = calls_of(few, of=["call"]), calls_of(many, of=["call"])

        assert of_many < 1.1 * of_few


class TestALoad:
    def test_sends_as_many_statements_for_few_trials_as_for_many(self, store, saved):
        sent = [statements_of(store.engine, store.load, each.name) for each in saved]

        assert sent[0] == sent[1]

    def test_makes_as_many_calls_for_each_trial_of_few_as_of_many(self, store, saved):
        of_few, of_many = (calls_of(store.load, each.name) / len(each.trials) for each in saved)

        assert of_many < of_few

    def test_parses_no_expression_and_makes_no_data_frame(self, store, saved, monkeypatch):
        monkeypatch.setattr("ax.core.objective.parse_objective_expression", None)
        monkeypatch.setattr("ax.core.outcome_constraint._parse_constraint_expression", None)
        monkeypatch.setattr("pandas.DataFrame.__init__", None)

        loaded = store.load(saved[1].name)

        assert len(loaded.trials) == MANY + 1

    def test_computes_the_signature_of_each_arm_once(self, store, saved, monkeypatch):
        computed = []
        md5hash = Arm.md5hash
        monkeypatch.setattr(Arm, "md5hash", staticmethod(lambda parameters: computed.append(1) or md5hash(parameters)))

        loaded = store.load(saved[1].name)

        assert len(computed) == len(loaded.trials)
