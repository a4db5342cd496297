"""Bring the studies of several machines, each in an Optuna database or journal of its own, into one store.

Run it: ``python examples/merge_machines.py`` makes a folder of three machines' files and merges it; with
``--folder DIR`` it merges the files that are there: databases ``*.db`` and journals ``*.log``. The files are only read.
Run it again at any time, while the machines go on: only what is new is added.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

import docstore
from docstore.optuna import Storage, export_study, import_studies

NAME = "bread"


def crust(trial: optuna.Trial) -> float:
    """Return how good a crust gets; what it is does not matter here."""
    celsius = trial.suggest_float("celsius", 180.0, 250.0)
    return 1 - abs(celsius - 221) / 100


def storage_of(file: Path) -> BaseStorage:
    """Return Optuna's own storage for a file."""
    is_journal = file.suffix == ".log"
    return JournalStorage(JournalFileBackend(str(file))) if is_journal else RDBStorage(f"sqlite:///{file}")


def run_machine(file: Path, seed: int, trials: int) -> None:
    """Run some trials of the study, as a machine does that has no network."""
    sampler = optuna.samplers.RandomSampler(seed)
    storage = storage_of(file)
    study = optuna.create_study(
        storage=storage, study_name=NAME, direction="maximize", sampler=sampler, load_if_exists=True
    )
    study.optimize(crust, n_trials=trials)
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def import_folder(store: docstore.Store, folder: Path) -> None:
    """Import each file: all studies have one name, so each experiment begins with the name of its machine."""
    for file in sorted([*folder.glob("*.db"), *folder.glob("*.log")]):
        if file.name != "all.db":
            source = file if file.suffix == ".log" else f"sqlite:///{file}"
            report = import_studies(store, source, prefix=f"{file.stem}/", author=file.stem)
            print(f"{file}: {len(report.imported)} imported, {len(report.unchanged)} unchanged")


def merge(store: docstore.Store) -> optuna.Study:
    """Add each trial that has ended to one study of all machines, unless it is there; it says whose it was."""
    together = optuna.create_study(storage=Storage(store), study_name=NAME, direction="maximize", load_if_exists=True)
    known = {(trial.user_attrs["machine"], trial.user_attrs["number"]) for trial in together.trials}
    for name in store.names():
        machine, _, study = name.rpartition("/")
        if machine and study == NAME:
            for trial in export_study(store, name, optuna.storages.InMemoryStorage()).trials:
                if trial.state.is_finished() and (machine, trial.number) not in known:
                    trial.user_attrs = {**trial.user_attrs, "machine": machine, "number": trial.number}
                    together.add_trial(trial)
    return together


def main() -> None:
    """Import each machine's file and merge the studies; once more, after one machine has gone on."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the machines' files are; by default they are made")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    if not arguments.folder:
        for seed, name in enumerate(("alps.db", "burgundy.log", "crete.db")):
            run_machine(folder / name, seed, 5)

    with docstore.connect(f"sqlite:///{folder / 'all.db'}") as store:
        print(f"The database: {folder / 'all.db'}")
        import_folder(store, folder)
        print(f"All machines: {len(merge(store).trials)} trials")
        if not arguments.folder:
            run_machine(folder / "burgundy.log", 9, 2)
            print("Two more trials in Burgundy, and everything again:")
            import_folder(store, folder)
            print(f"All machines: {len(merge(store).trials)} trials")
        best = store.best(NAME)[0]
        machine = store.load(NAME).trials[best.trial_index].properties["machine"]
        print(f"The best, {best.value:.4f} at {best.parameters['celsius']:.1f} degrees, is from {machine}")


if __name__ == "__main__":
    main()
