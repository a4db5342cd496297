"""Trials that move to another number in an experiment that functions of the user's own write and read."""

from __future__ import annotations

from typing import Any

from own_encoders import experiment_in_parts, experiment_of_a_state

import docstore
from docstore import Experiment, RegistryBundle, TrialStatus
from docstore.testing.experiments import add_trial, new_experiment


def experiment_that_ran(members: dict[str, Any]) -> Experiment:
    """Read an experiment, but none with data of a trial that has not run."""
    experiment = experiment_of_a_state(members)
    for index, trial in experiment.trials.items():
        if trial.status is TrialStatus.CANDIDATE and not experiment.lookup_data([index]).empty:
            raise ValueError("data of a trial that has not run")
    return experiment


CHECKED = RegistryBundle(
    json_encoder_registry={Experiment: experiment_in_parts},
    json_decoder_registry={"Experiment": experiment_that_ran},
)


class TestTwoTrialsOfOneNumber:
    """Mine ran and has data; theirs, which was saved first, has none."""

    def test_no_data_stay_at_the_number_that_is_theirs(self, database):
        store = docstore.connect(database, bundle=CHECKED)
        mine = new_experiment()
        store.save(mine)
        theirs = store.load("cakes")
        theirs.new_trial(parameters={"x": 0.75, "flour": "rye"})
        store.save(theirs)
        add_trial(mine, 1.0)

        store.save(mine)

        assert sorted(mine.trials) == [0, 1]
        assert [len(mine.lookup_data([index]).records) for index in (0, 1)] == [0, 1]
