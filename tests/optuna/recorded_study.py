"""A process of a study with several: ``python recorded_study.py STORE_URL JOURNAL TRIALS``."""

import sys

import optuna

import docstore
from docstore.optuna import record


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -1.0, 1.0)
    return x**2 if x < 0 else trial.suggest_float("late", 0.0, 1.0)


def main(url: str, source: str, trials: int) -> None:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(source))
    study = optuna.load_study(study_name="branin", storage=storage)
    with docstore.connect(url) as store:
        study.optimize(objective, n_trials=trials, callbacks=[record(store)])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
