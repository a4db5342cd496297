"""Optimize with Optuna, and keep the study in a store: each finished trial is a version.

Run it: ``pip install 'docstore[optuna]'``, then ``python examples/optuna_study.py``, with ``--trials N`` for more
trials, and ``--store URL`` for a database of yours. Kill it at any moment and run it again with the same ``--store``:
it goes on where it was. Run it twice at once: both work on one study.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from pathlib import Path

import optuna

import docstore
from docstore.optuna import Storage, export_study

TEXT = Path(argparse.__file__).read_bytes()


def packed(trial: optuna.Trial) -> float:
    """Return how small zlib packs a text, in bytes for each byte; hopeless settings are pruned halfway."""
    level = trial.suggest_int("level", 1, 9)
    memory = trial.suggest_int("memory", 1, 9)
    numbers: dict[str | float | None, int] = {
        None: zlib.Z_DEFAULT_STRATEGY,
        "filtered": zlib.Z_FILTERED,
        "huffman": zlib.Z_HUFFMAN_ONLY,
    }
    strategy = numbers[trial.suggest_categorical("strategy", list(numbers))]
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, memory, strategy)
    size = 0
    for step in range(4):
        piece = TEXT[step * len(TEXT) // 4 : (step + 1) * len(TEXT) // 4]
        size += len(packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH))
        trial.report(size * 4 / (step + 1) / len(TEXT), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return size / len(TEXT)


def main() -> None:
    """Optimize, and show what the store has of it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files go; by default a temporary folder")
    parser.add_argument("--store", help="the URL of the store; by default a SQLite file in the folder")
    parser.add_argument("--trials", type=int, default=20, help="how many more trials to run")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    folder.mkdir(parents=True, exist_ok=True)
    url = arguments.store or f"sqlite:///{folder / 'lab.db'}"

    with docstore.connect(url) as store:
        study = optuna.create_study(
            study_name="packing",
            storage=Storage(store),
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=1),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        )
        study.optimize(packed, n_trials=arguments.trials)
        print(f"The database: {store.engine.url.render_as_string()}")
        print(f"{len(study.trials)} trials, {len(store.history('packing'))} versions")
        best = store.best("packing")[0]
        print(f"The best is trial {best.trial_index}: {best.value:.4f} with {best.parameters}")
        print("What the last three trials changed:")
        for version in store.history("packing")[:3]:
            print(f"  version {version.number}, {version.message}")
        file = folder / "packing.log"
        export_study(store, "packing", file)
        print(f"A journal file for plain Optuna: {file}")


if __name__ == "__main__":
    main()
