"""An experiment branched to try something, changed on both sides, and merged back; its past can be loaded at each step.

Run it: ``python examples/branch_and_merge.py``, with ``--folder DIR`` for an empty folder of yours.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import docstore
from docstore import ConflictError

MAIN, BRANCH = "bread", "bread, with steam"


def new_experiment() -> docstore.Experiment:
    """Return an experiment with three trials."""
    space = docstore.SearchSpace(
        [
            docstore.RangeParameter("minutes", docstore.ParameterType.INT, 20, 60),
            docstore.RangeParameter("celsius", docstore.ParameterType.FLOAT, 180.0, 250.0),
        ]
    )
    experiment = docstore.Experiment(space, MAIN, tracking_metrics=[docstore.Metric("crust")])
    for minutes in (20, 30, 40):
        bake(experiment, minutes, crust=minutes / 100)
    return experiment


def bake(experiment: docstore.Experiment, minutes: int, crust: float) -> docstore.Trial:
    """Return a new trial that is completed, with what was measured."""
    trial = experiment.new_trial(parameters={"minutes": minutes, "celsius": 220.0})
    return trial.complete({"crust": (crust, 0.01)})


def branch(store: docstore.Store) -> None:
    """A branch has the versions of its parent, and goes on by itself."""
    version = store.branch(MAIN, BRANCH, message="what if we let steam in?")
    print(f"{BRANCH!r} starts from {MAIN!r}: its version {version.number}, {version.message!r}")

    past = [each.digest for each in store.history(BRANCH)[1:]]
    assert past == [each.digest for each in store.history(MAIN)]

    steamed = store.load(BRANCH)
    celsius = steamed.search_space.parameters["celsius"]
    assert isinstance(celsius, docstore.RangeParameter)
    celsius.update_range(upper=280.0)
    bake(steamed, 35, crust=0.9)
    store.save(steamed, message="hotter, with steam")


def go_on(store: docstore.Store) -> None:
    """Meanwhile, others go on with the experiment itself."""
    bread = store.load(MAIN)
    bake(bread, 50, crust=0.5)
    bread.description = "the oven of 1951"
    store.save(bread, message="the usual loaf")
    print(f"\nWhat is otherwise in the branch than in {MAIN!r}:")
    for words in store.diff(MAIN, len(store.history(MAIN)), other=BRANCH).words:
        if "time_" not in words:
            print(f"  {words}")


def merge(store: docstore.Store) -> None:
    """Both made a trial 3: they are two trials, and the branch's becomes trial 4."""
    version = store.merge(BRANCH, into=MAIN)
    print(f"\nVersion {version.number} of {MAIN!r}: {version.message}")

    bread = store.load(MAIN)
    assert bread.name == MAIN
    assert bread.description == "the oven of 1951"
    celsius = bread.search_space.parameters["celsius"]
    assert isinstance(celsius, docstore.RangeParameter)
    assert celsius.upper == 280.0
    crusts = {index: trial.lookup_data().records[0]["mean"] for index, trial in bread.trials.items()}
    assert crusts == {0: 0.2, 1: 0.3, 2: 0.4, 3: 0.5, 4: 0.9}
    print(f"{MAIN!r} has both loaves: {crusts}")

    # The branch lives on; what is done there later can be merged again, to trial 4.
    steamed = store.load(BRANCH)
    steamed.trials[3].run_metadata["steam"] = "for ten minutes"
    store.save(steamed)
    store.merge(BRANCH, into=MAIN)
    assert store.get(MAIN, pointer="/trials/4/run_metadata") == {"steam": "for ten minutes"}
    print("Changed once more in the branch, its trial 3 is trial 4 here as before.")


def conflict(store: docstore.Store) -> None:
    """The same place changed on both sides: a function decides, or the merge is refused, and nothing is written."""
    for name, text in ((MAIN, "gas"), (BRANCH, "wood")):
        experiment = store.load(name)
        experiment.description = text
        store.save(experiment)
    try:
        store.merge(BRANCH, into=MAIN)
        raise AssertionError("one description would have been lost")
    except ConflictError as error:
        [place] = error.places
        print(f"\nBoth changed {place.pointer}: {place.base!r} became {place.mine!r}, and {place.theirs!r}.")
    store.merge(BRANCH, into=MAIN, on_conflict=lambda place: f"{place.theirs}, or {place.mine}")
    assert store.get(MAIN, pointer="/description") == "gas, or wood"


def look_back(store: docstore.Store, before: datetime) -> None:
    """Each state is there, by number, tag and time; and it is known who changed what."""
    store.tag(MAIN, "before the steam", version=1)
    assert docstore.dumps(store.load(MAIN, tag="before the steam")) == docstore.dumps(store.load(MAIN, at=before))
    print("\nWho changed the description, and when:")
    for change in store.blame(MAIN, "/description"):
        print(f"  version {change.number}, {change.author}: {change.old!r} -> {change.new!r}")
    version = store.revert(MAIN, "before the steam", message="it was good as it was")
    assert store.load(MAIN).num_trials == 3
    print(f"An older state is the newest version, {version.number}; all others are still there.")
    assert store.verify() == []


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the database goes; by default, a temporary folder")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    folder.mkdir(parents=True, exist_ok=True)
    with docstore.connect(folder / "lab.db") as store:
        store.save(new_experiment(), message="three loaves")
        before = datetime.now(UTC)
        branch(store)
        go_on(store)
        merge(store)
        conflict(store)
        look_back(store, before)
    print(f"\nThe database is {folder / 'lab.db'}.")


if __name__ == "__main__":
    main()
