"""Bring the studies of several machines, each in an Optuna database or journal of its own, into one store.

Run it: ``pip install 'docstore[optuna]'``, then ``python examples/merge_machines.py`` makes a folder of three machines'
files and merges it. With ``--folder DIR`` it merges the files that are there: databases ``*.db``, journals ``*.log``.
They are only read. Run it again at any time, while the machines go on: only what is new is added.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

import docstore
from docstore.optuna import Storage, export_study, import_studies

MERGED = "all.db"


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
        storage=storage, study_name="bread", direction="maximize", sampler=sampler, load_if_exists=True
    )
    study.optimize(crust, n_trials=trials)
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def import_folder(store: docstore.Store, folder: Path) -> list[str]:
    """Import the studies of each file, under names such as ``alps/bread``, and return the names of the machines."""
    files = sorted(file for file in (*folder.glob("*.db"), *folder.glob("*.log")) if file.name != MERGED)
    for file in files:
        source = file if file.suffix == ".log" else f"sqlite:///{file}"
        report = import_studies(store, source, prefix=f"{file.stem}/", author=file.stem)
        print(f"{file}: {len(report.imported)} imported, {len(report.unchanged)} unchanged")
    return [file.stem for file in files]


def merge(store: docstore.Store, machines: list[str]) -> dict[str, optuna.Study]:
    """Add the trials of each machine's studies to one study of that name, and return these by their names."""
    merged: dict[str, optuna.Study] = {}
    for name in store.names():
        machine, _, study_name = name.partition("/")
        if machine in machines and study_name:
            theirs = export_study(store, name, InMemoryStorage())
            if study_name not in merged:
                merged[study_name] = optuna.create_study(
                    storage=Storage(store), study_name=study_name, directions=theirs.directions, load_if_exists=True
                )
            add_trials(merged[study_name], machine, theirs)
    return merged


def add_trials(together: optuna.Study, machine: str, theirs: optuna.Study) -> None:
    """Add each trial that has ended, unless it is there; it says which machine's it was, and under which number."""
    if theirs.directions != together.directions:
        raise SystemExit(f"{together.study_name!r} of {machine} is to be {theirs.directions}, elsewhere not.")
    known = {trial.user_attrs["number"] for trial in together.trials if trial.user_attrs["machine"] == machine}
    for trial in theirs.trials:
        if trial.state.is_finished() and trial.number not in known:
            trial.user_attrs = {**trial.user_attrs, "machine": machine, "number": trial.number}
            together.add_trial(trial)


def main() -> None:
    """Import each machine's file and merge the studies; once more, after one machine has gone on."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the machines' files are; by default they are made")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    if not arguments.folder:
        for seed, file in enumerate(("alps.db", "burgundy.log", "crete.db")):
            run_machine(folder / file, seed, 5)

    with docstore.connect(f"sqlite:///{folder / MERGED}") as store:
        print(f"The database: {folder / MERGED}")
        if not arguments.folder:
            merge(store, import_folder(store, folder))
            run_machine(folder / "burgundy.log", 9, 2)
            print("Two more trials in Burgundy, and everything again:")
        for name, study in merge(store, import_folder(store, folder)).items():
            print(f"{name} of all machines: {len(study.trials)} trials")
            for best in store.best(name)[:1]:
                machine = store.load(name).trials[best.trial_index].properties["machine"]
                print(f"The best, {best.value:.4g} with {dict(best.parameters)}, is from {machine}")


if __name__ == "__main__":
    main()
