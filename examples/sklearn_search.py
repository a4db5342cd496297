"""A search for hyper-parameters of scikit-learn, each trial saved as it ends; run again, it goes on where it was.

Run it: ``pip install docstore scikit-learn``, then ``python examples/sklearn_search.py``, with ``--folder DIR`` to
choose where the database goes, and ``--trials`` how many. A trial is a cross-validation: its accuracy is the mean over
the folds, with the standard error of that mean.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import ParameterGrid, cross_val_score

import docstore
from docstore import (
    ChoiceParameter,
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
)

NAME = "forest-on-iris"
FOLDS = 5
CRITERIA: list[str | bool | float | int | None] = ["gini", "entropy"]
SETTINGS = {"max_depth": [1, 2, 3, 4], "max_features": [1, 2, 3, 4], "criterion": CRITERIA}


def new_experiment() -> Experiment:
    """Return the experiment without trials: what is tuned, and what is to be maximized."""
    space = SearchSpace(
        [
            RangeParameter("max_depth", ParameterType.INT, 1, 4),
            RangeParameter("max_features", ParameterType.INT, 1, 4),
            ChoiceParameter("criterion", ParameterType.STRING, CRITERIA),
        ]
    )
    goal = OptimizationConfig(Objective(metric=Metric("accuracy"), minimize=False))
    return Experiment(space, NAME, optimization_config=goal)


def measure(settings: dict[str, int | str]) -> tuple[float, float]:
    """Return the accuracy of a forest, and its standard error."""
    x, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(n_estimators=10, random_state=0, **settings)
    scores = [float(score) for score in cross_val_score(forest, x, y, cv=FOLDS)]
    return statistics.mean(scores), statistics.stdev(scores) / FOLDS**0.5


def main() -> None:
    """Run the trials that are not stored yet."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the database goes; by default a temporary one")
    parser.add_argument("--trials", type=int, default=6)
    arguments = parser.parse_args()
    database = (arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))) / "forest.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    with docstore.connect(f"sqlite:///{database}") as store:
        experiment = store.load(NAME) if store.exists(NAME) else new_experiment()
        # The same order at each run: those of the trials that are stored are passed over.
        order = [*ParameterGrid(SETTINGS)]
        random.Random(0).shuffle(order)
        for settings in order[len(experiment.trials) : arguments.trials]:
            trial = experiment.new_trial(parameters=settings)
            accuracy, error = measure(settings)
            trial.complete({"accuracy": (accuracy, error)})
            version = store.save(experiment, message=f"trial {trial.index}")
            print(f"version {version.number}: {settings} has accuracy {accuracy:.3f} +- {error:.3f}")
        [best] = store.best(NAME)
        print(f"The best of {len(experiment.trials)} is trial {best.trial_index}: {dict(best.parameters)}")
    print(f"The database is {database}")


if __name__ == "__main__":
    main()
