"""Hydra's multirun: each job saves its trial to one experiment, from several processes at once.

Run it: ``pip install docstore hydra-core``, then ``python examples/hydra_jobs.py`` starts two sweeps of three jobs at
the same time, and shows what they stored. To start another one beside them: ``LAB=... python examples/hydra_jobs.py
--multirun lr=0.1,0.2 depth=2,4``, with the folder of the database. No job waits for another one, and no two trials get
one number.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig

import docstore
from docstore import Experiment, Metric, Objective, OptimizationConfig, ParameterType, RangeParameter, SearchSpace

NAME = "jobs"


@dataclass
class Settings:
    """What a job is given; Hydra takes it from the command line."""

    lr: float = 0.1
    depth: int = 2


ConfigStore.instance().store(name="settings", node=Settings)


def database() -> Path:
    """Return where the database is."""
    return Path(os.environ["LAB"]) / "jobs.db"


def new_experiment() -> Experiment:
    """Return the experiment without trials."""
    parameters = [
        RangeParameter("lr", ParameterType.FLOAT, 0.0, 1.0),
        RangeParameter("depth", ParameterType.INT, 1, 8),
    ]
    goal = OptimizationConfig(Objective(metric=Metric("loss"), minimize=True))
    return Experiment(SearchSpace(parameters), NAME, optimization_config=goal)


@hydra.main(version_base="1.3", config_path=None, config_name="settings")
def job(settings: Settings) -> float:
    """Be one job: measure, and save that as a trial; Hydra gets what was measured, too."""
    loss = (settings.lr - 0.3) ** 2 + 1 / settings.depth
    with docstore.connect(f"sqlite:///{database()}", author=f"process {os.getpid()}") as store:
        experiment = store.load(NAME)
        trial = experiment.new_trial(parameters={"lr": settings.lr, "depth": settings.depth})
        trial.update_run_metadata({"overrides": [*HydraConfig.get().overrides.task]})
        trial.complete({"loss": loss})
        # If another job has saved a trial of this number since, this one gets the next that is free.
        store.save(experiment, message=f"job {HydraConfig.get().job.num}")
    return loss


def main() -> None:
    """Start two sweeps at once, and show what they stored."""
    os.environ.setdefault("LAB", tempfile.mkdtemp(prefix="docstore-"))
    with docstore.connect(f"sqlite:///{database()}") as store:
        store.save(new_experiment(), message="without trials")
        sweeps = [sweep(depth) for depth in (2, 4)]
        assert [each.wait() for each in sweeps] == [0, 0]
        experiment = store.load(NAME)
        for version in reversed(store.history(NAME)):
            print(f"version {version.number}: {version.message}, by {version.author or 'main'}")
        for trial in experiment.trials.values():
            print(f"trial {trial.index}: {' '.join(trial.run_metadata['overrides'])}")
        [best] = store.best(NAME)
        print(f"The best has {dict(best.parameters)}")
        assert len(experiment.trials) == 6
        assert store.verify() == []
    print(f"The database is {database()}")


def sweep(depth: int) -> subprocess.Popen[bytes]:
    """Start a process with a job for each of three learning rates, that says nothing."""
    folder = database().parent / f"sweep-{depth}"
    command = [
        sys.executable,
        __file__,
        "--multirun",
        "lr=0.1,0.2,0.4",
        f"depth={depth}",
        f"hydra.sweep.dir='{folder}'",
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        job()
    else:
        main()
