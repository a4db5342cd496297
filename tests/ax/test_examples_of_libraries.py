"""The examples with scikit-learn and PyTorch, run where Ax has brought both, every warning an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pages import ROOT

import docstore


def run(example: str, folder: Path, *arguments: str) -> list[str]:
    """Run an example with *folder* for its files, and return the lines that it printed."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / example), "--folder", str(folder), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


class TestTheSearchOfScikitLearn:
    def test_saves_each_trial_and_goes_on_where_it_was_stopped(self, tmp_path):
        run("sklearn_search.py", tmp_path, "--trials", "2")

        printed = run("sklearn_search.py", tmp_path, "--trials", "3")

        assert printed[0].startswith("version 3: ")
        with docstore.connect(f"sqlite:///{tmp_path}/forest.db") as store:
            assert [version.message for version in store.history("forest-on-iris")] == ["trial 2", "trial 1", "trial 0"]
            assert all(record["sem"] >= 0 for record in store.load("forest-on-iris").data.records)


class TestTheTrainingOfPyTorch:
    def test_stores_a_learning_curve_and_the_weights_of_each_network(self, tmp_path):
        printed = run("torch_training.py", tmp_path)

        assert printed.count("  weights.pt has the same weights: True") == 2
        with docstore.connect(f"sqlite:///{tmp_path}/sine.db", artifacts=tmp_path / "artifacts") as store:
            experiment = store.load("sine")
            assert [record["step"] for record in experiment.lookup_data([1]).records] == [*range(1, 21)]
            assert len(store.load("sine", version=2).data) == 5
            assert store.verify() == []
