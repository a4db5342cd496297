"""Move the experiments of Ax's own storage into a store, go on with them, and export one as Ax's own JSON.

Run it: ``python examples/move_from_ax.py`` moves a small database that it makes by Ax, with ``--folder DIR`` to choose
where the files go. To move yours: ``--source sqlite:///ax.db --store sqlite:///lab.db --zone Europe/Vienna``, where the
zone is that of the machine on which the experiments ran. The source is only read; run it again at any time.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

from ax.api.client import Client
from ax.api.configs import RangeParameterConfig, StorageConfig
from ax.storage.sqa_store.db import create_all_tables, get_engine, session_context

import docstore
from docstore.ax import export_json, import_sql
from docstore.errors import DocstoreError


def branin(x: float, y: float) -> float:
    """Return a value to minimize; what it is does not matter here."""
    return (y - 0.13 * x**2 + 1.6 * x - 6) ** 2 + 10


def make_database_of_ax(path: Path) -> None:
    """Run a few trials by Ax's client, which saves them in a database of Ax."""
    with session_context(url=f"sqlite:///{path}"):
        create_all_tables(get_engine())
        client = Client(storage_config=StorageConfig())
        client.configure_experiment([RangeParameterConfig(each, (0.0, 10.0), "float") for each in "xy"], name="branin")
        client.configure_optimization("-loss")
        for _ in range(3):
            for index, parameters in client.get_next_trials(1).items():
                loss = branin(float(parameters["x"]), float(parameters["y"]))
                client.complete_trial(index, {"loss": loss})


def main() -> None:
    """Import, again, and show what came of it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files go; by default a temporary folder")
    parser.add_argument("--source", help="the URL of a database of Ax; by default a small one that is made")
    parser.add_argument("--store", help="the URL of the store; by default a SQLite file in the folder")
    parser.add_argument("--zone", help="the time zone in which the experiments ran; by default that of this machine")
    arguments = parser.parse_args()
    logging.getLogger("ax").setLevel(logging.ERROR)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    folder.mkdir(parents=True, exist_ok=True)
    source = arguments.source or f"sqlite:///{folder / 'ax.db'}"
    if not arguments.source and not (folder / "ax.db").exists():
        make_database_of_ax(folder / "ax.db")

    with docstore.connect(arguments.store or f"sqlite:///{folder / 'lab.db'}") as store:
        for attempt in ("The first import", "A second import"):
            report = import_sql(source, store, zone=arguments.zone)
            print(f"{attempt}: {report}")
        for name in [*report.imported, *report.unchanged]:
            experiment = store.load(name)
            versions = store.history(name)
            print(f"{name}: {len(experiment.trials)} trials, {len(versions)} version, of {versions[0].author}")
            file = folder / f"{name.replace('/', '_')}.json"
            print(f"{file.name}, as plain Ax reads it:")
            try:
                print(export_json(experiment, file))
            except DocstoreError as error:  # some that Ax stores in SQL, its JSON cannot hold
                print(error)


if __name__ == "__main__":
    main()
