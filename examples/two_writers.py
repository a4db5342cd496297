"""What happens when two people save one experiment: nobody's work is lost, and nobody has to lock anything.

Run it: ``python examples/two_writers.py``, with ``--folder DIR`` to choose where the database goes. Ada and Bob have a
store each, as if each sat at a machine of their own; at the end, two processes raise one counter.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import docstore
from docstore import ConflictError

NAME = "bread"
RAISES = 50


def new_experiment() -> docstore.Experiment:
    """Return an experiment with 12 trials, 0 to 11."""
    space = docstore.SearchSpace([docstore.RangeParameter("minutes", docstore.ParameterType.INT, 20, 60)])
    experiment = docstore.Experiment(space, NAME, tracking_metrics=[docstore.Metric("crust")])
    experiment.properties["loaves"] = 0
    for minutes in range(20, 32):
        bake(experiment, minutes, crust=minutes / 100)
    return experiment


def bake(experiment: docstore.Experiment, minutes: int, crust: float) -> docstore.Trial:
    """Return a new trial that is completed, with what was measured."""
    trial = experiment.new_trial(parameters={"minutes": minutes})
    return trial.complete({"crust": (crust, 0.01)})


# --- what can happen -------------------------------------------------------------------------------------------------


def change_different_places(ada: docstore.Store, bob: docstore.Store) -> None:
    """Bob saves while Ada works on the same version; both changes are kept."""
    heading("Two places")
    hers, his = ada.load(NAME), bob.load(NAME)

    his.description = "a stone oven"
    say(f"Bob writes a description: version {bob.save(his).number}.")
    hers.trials[3].run_metadata["flour"] = "rye"
    say(f"Ada, who loaded it before, notes the flour of trial 3: version {ada.save(hers).number}, which has both.")

    assert hers.description == "a stone oven"
    say(f"Her object has learned of it: description = {hers.description!r}.")
    his.properties["oven"] = 2
    bob.save(his)
    assert his.trials[3].run_metadata == {"flour": "rye"}
    say("So has his, when he saves again: each goes on with the same object.")


def add_one_trial_each(ada: docstore.Store, bob: docstore.Store) -> None:
    """Both make trial 12; the one who saves second is renumbered, with the data."""
    heading("The same new trial")
    hers, his = ada.load(NAME), bob.load(NAME)
    her_trial, his_trial = bake(hers, 40, crust=0.4), bake(his, 50, crust=0.5)
    assert (her_trial.index, his_trial.index) == (12, 12)
    say("Both bake a loaf, and both call it trial 12, the next that is free. These are two trials, not one.")

    bob.save(his)
    ada.save(hers)

    assert (her_trial.index, his_trial.index) == (13, 12)
    say(f"Bob saves first: his stays trial {his_trial.index}. Ada's is trial {her_trial.index} now, with its data:")
    stored = bob.load(NAME)
    for trial in (stored.trials[12], stored.trials[13]):
        [record] = trial.lookup_data().records
        quote(f"trial {trial.index}: {trial.arm.parameters['minutes']} minutes, crust {record['mean']}")
    assert [stored.trials[index].arm.parameters["minutes"] for index in (12, 13)] == [50, 40]
    assert hers.trials[13] is her_trial
    assert her_trial.lookup_data().records[0]["mean"] == 0.4
    say("Her object says so too: trial.index is 13, and hers.trials[12] is Bob's.")


def change_the_same_place(ada: docstore.Store, bob: docstore.Store) -> None:
    """The second gets an error with all three values, and decides: here, by a function."""
    heading("The same place")
    hers, his = ada.load(NAME), bob.load(NAME)
    his.description, hers.description = "a gas oven", "an electric oven"
    bob.save(his)
    try:
        ada.save(hers)
        raise AssertionError("one description would have been lost")
    except ConflictError as error:
        say("Only a person can know which is right. Ada's save is refused, and nothing is written:")
        for place in error.places:
            quote(f"{place.pointer}: it was {place.base!r}, mine is {place.mine!r}, theirs is {place.theirs!r}")
    assert ada.load(NAME).description == "a gas oven"

    version = ada.save(hers, on_conflict=lambda conflict: f"{conflict.theirs}, then {conflict.mine}")

    assert hers.description == bob.load(NAME).description == "a gas oven, then an electric oven"
    say("A function that is asked at each such place can decide, and all else is merged as before:")
    quote("ada.save(hers, on_conflict=lambda conflict: f'{conflict.theirs}, then {conflict.mine}')")
    say(f"Version {version.number} has description = {hers.description!r}.")


def count_loaves(database: Path) -> None:
    """Two processes raise one counter, each so many times."""
    heading("A counter")
    say("Two that both make 5 of 4 have made the same change: merged, it stays 5. A counter must not be merged.")
    command = [sys.executable, __file__, "--count", str(database)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    for number, output in enumerate(outputs, 1):
        quote(f"process {number}: {output.strip()}")
    with docstore.connect(f"sqlite:///{database}") as store:
        loaves = store.get(NAME, pointer="/properties/loaves")
    assert loaves == 2 * RAISES
    say(f"It stands at {loaves}, 2 x {RAISES}: on_conflict='error' refuses whoever was not first, who loads it again.")


def count(database: Path) -> None:
    """Be one of these processes."""
    refused = 0
    with docstore.connect(f"sqlite:///{database}") as store:
        for _ in range(RAISES):
            while True:
                experiment = store.load(NAME)
                experiment.properties["loaves"] += 1
                try:
                    store.save(experiment, on_conflict="error")
                except ConflictError:
                    refused += 1
                else:
                    break
    print(f"raised it {RAISES} times, and was refused {refused} times in between")


# --- printing --------------------------------------------------------------------------------------------------------


def heading(text: str) -> None:
    """Print *text*, underlined."""
    print(f"\n{text}\n{'-' * len(text)}")


def say(text: str) -> None:
    """Print what happened."""
    print(textwrap.fill(text, 98))


def quote(text: str) -> None:
    """Print what is stored, or what is called."""
    print(textwrap.fill(text, 98, initial_indent="    ", subsequent_indent="      "))


def main() -> None:
    """Tell the story; or be a process that counts."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the database goes; by default a temporary one")
    parser.add_argument("--count", type=Path, metavar="DATABASE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.count:
        count(arguments.count)
        return
    database = (arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))) / "bread.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    print(f"The database is {database}")
    url = f"sqlite:///{database}"
    with docstore.connect(url, author="ada") as ada, docstore.connect(url, author="bob") as bob:
        ada.save(new_experiment(), message="twelve loaves")
        change_different_places(ada, bob)
        add_one_trial_each(ada, bob)
        change_the_same_place(ada, bob)
        count_loaves(database)
        assert ada.verify() == []
        heading("Its history, and nothing is damaged")
        for version in reversed(ada.history(NAME)[-6:]):
            quote(f"version {version.number}, by {version.author}: {', '.join(version.places) or 'all of it'}")


if __name__ == "__main__":
    main()
