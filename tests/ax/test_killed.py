"""Optimizations in processes that kill themselves at random moments: what is stored is as if nobody had been killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ax.core.trial_status import TrialStatus
from clients import NAME, loss, new_client, points, run
from killed_client import EXAMPLE

import docstore

Measure = Callable[[Any], float]


def optimize(program: str, url: str, trials: int) -> None:
    """Run the program in processes of which ten are killed; see ``killed_client.py``."""
    command = [sys.executable, "-W", "ignore", "killed_client.py", program, str(trials), "10"]
    folder = Path(__file__).parent
    done = subprocess.run(command, cwd=folder, input=url, capture_output=True, text=True, timeout=280)
    assert done.stdout.splitlines()[-1:] == ["10 0"], done.stderr


def check_whole(store: docstore.Store, name: str, trials: int, metric: str, measure: Measure) -> None:
    """Check that there are so many trials, that each has what was measured, once, and that each step is a version."""
    experiment, strategy = store.load(name), store.load(name, kind="generation_strategy")
    parameters = [trial.arm.parameters for trial in experiment.trials.values()]
    assert list(experiment.trials) == list(range(trials))
    assert {trial.status for trial in experiment.trials.values()} == {TrialStatus.COMPLETED}
    rows = [(row.trial_index, row.arm_name, row.metric_name, row.mean) for row in experiment.data._data_rows]
    assert rows == [(index, f"{index}_0", metric, measure(each)) for index, each in enumerate(parameters)]
    assert [trial.arm.name for trial in experiment.trials.values()] == [row[1] for row in rows]
    assert [run.arms[0].parameters for run in strategy._generator_runs] == parameters
    versions = [len(store.history(name, kind=kind)) for kind in ("experiment", "generation_strategy")]
    assert versions == [1 + 2 * trials, 1 + trials]
    assert list(store.verify()) == []


class TestTenProcessesAreKilled:
    @pytest.fixture
    def url(self, backend, fresh_database) -> str:
        return fresh_database(backend)

    def test_and_the_points_are_those_of_one_process(self, url, connect, another_store):
        optimize("bowl", url, 25)

        store = connect(url)
        check_whole(store, NAME, 25, "loss", loss)
        whole = new_client(another_store)
        run(whole, 25)
        assert [trial.arm.parameters for trial in store.load(NAME).trials.values()] == points(whole)

    @pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
    def test_while_botorch_optimizes_thirty_trials(self, url, connect):
        optimize("hartmann6", url, 30)

        store = connect(url)
        check_whole(store, EXAMPLE["NAME"], 30, "value", EXAMPLE["measure"])
        nodes = [
            run._generation_node_name for run in store.load(EXAMPLE["NAME"], kind="generation_strategy")._generator_runs
        ]
        assert (nodes[0], set(nodes[5:])) == ("CenterOfSearchSpace", {"MBM"})
