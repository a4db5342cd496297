"""A small database for the tests of what people look at: an experiment with a past, and a note."""

from __future__ import annotations

import docstore
from docstore import Metric, Objective, OptimizationConfig
from docstore.testing.experiments import add_trial, new_experiment


def fill(url: str) -> None:
    """Save the experiment ``cakes`` in three versions, of which the second is tagged, and the note ``n1``, as Ada."""
    with docstore.connect(url, author="ada") as store:
        taste = OptimizationConfig(Objective(metric=Metric("taste"), minimize=False))
        experiment = new_experiment("cakes", optimization_config=taste)
        store.save(experiment, message="first")
        for mean in (0.5, 0.75):
            add_trial(experiment, mean)
        store.save(experiment, message="two trials")
        store.tag("cakes", "published")
        experiment.new_trial(parameters={"x": 0.75, "flour": "spelt"}).mark_running(no_runner_required=True)
        store.save(experiment)
        store.put("note", "n1", {"text": "rye", "sizes": (1, 2)})
