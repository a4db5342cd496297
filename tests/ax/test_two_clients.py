"""Two clients on one experiment, in two processes at the same time: each gets trials, and completes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clients import NAME, loss, new_client
from exactly import differences

import docstore
from docstore.ax import Client

HERE = Path(__file__).parent
EACH = 10


class TestEachGetsTenTrialsAndCompletesThem:
    @pytest.fixture
    def given(self, store, database) -> dict[int, Any]:
        """The parameters that the clients were given, by the number of the trial."""
        new_client(store)
        command = [sys.executable, "-W", "ignore", "two_clients.py", str(EACH)]
        done = subprocess.run(command, cwd=HERE, input=database, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(found) == len(dict(found)) == 2 * EACH
        return dict(found)

    def test_no_trial_is_lost_or_doubled_and_each_is_another_point(self, store, given):
        experiment, strategy = store.load(NAME), store.load(NAME, kind="generation_strategy")

        assert {index: trial.arm.parameters for index, trial in experiment.trials.items()} == given
        assert [trial.arm.name for trial in experiment.trials.values()] == [f"{index}_0" for index in range(2 * EACH)]
        rows = {row.trial_index: (row.arm_name, row.mean) for row in experiment.data._data_rows}
        assert rows == {index: (f"{index}_0", loss(parameters)) for index, parameters in given.items()}
        assert len(experiment.data._data_rows) == len({tuple(each.values()) for each in given.values()}) == 2 * EACH
        assert {trial.status.name for trial in experiment.trials.values()} == {"COMPLETED"}
        assert len(strategy._generator_runs) == 2 * EACH
        assert list(store.verify()) == []
        self.check_that_a_client_goes_on(store)

    def check_that_a_client_goes_on(self, store: docstore.Store) -> None:
        client = Client.load(NAME, storage=store)

        assert [*client.get_next_trials(1)] == [2 * EACH]
        assert differences(client._experiment, store.load(NAME)) == []
