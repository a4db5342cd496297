"""A process of a study in a ``Storage``: ``python stored_study.py URL TRIALS``; with ``hang``, one that never ends."""

import sys

import optuna

import docstore
from docstore.optuna import Storage


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -1.0, 1.0)
    return x**2 if x < 0 else trial.suggest_float("late", 0.0, 1.0)


def hang(trial: optuna.Trial) -> float:
    trial.suggest_float("x", -1.0, 1.0)
    trial.report(0.5, 0)
    print("reported", flush=True)
    sys.stdin.read()
    return 0.0


def main(url: str, what: str) -> None:
    with docstore.connect(url) as store:
        every = 0 if what == "hang" else 1
        study = optuna.load_study(study_name="branin", storage=Storage(store, visible_every=every))
        study.optimize(hang if what == "hang" else objective, n_trials=1 if what == "hang" else int(what))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
