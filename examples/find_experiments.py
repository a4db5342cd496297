"""How to find experiments among many, by what they are and by what stands in them, without loading the others.

Run it: ``python examples/find_experiments.py``, with ``--folder DIR`` to choose where the database goes. A bakery has
run sixty experiments, and asks what one asks of them: which, how many, which of their trials, and the next page.
"""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from enum import Enum
from pathlib import Path
from typing import Any

import docstore
from docstore import TrialStatus, q
from docstore.errors import MissingDependencyError

TEAMS = ("bread", "cakes", "pastry")


class Kind(Enum):
    """What an experiment is for."""

    PILOT = 1
    TUNING = 2


def new_experiment(number: int) -> docstore.Experiment:
    """Return an experiment with up to three trials, of which every fifth went wrong."""
    space = docstore.SearchSpace([docstore.RangeParameter("minutes", docstore.ParameterType.INT, 20, 60)])
    team = TEAMS[number % len(TEAMS)]
    experiment = docstore.Experiment(
        space,
        f"{team}-{number:02}",
        experiment_type=Kind.PILOT.name if number % 4 == 0 else Kind.TUNING.name,
        tracking_metrics=[docstore.Metric("crust")],
        properties={"team": team, "budget": 50.0 * number, "ovens": ["gas", "stone"][: 1 + number % 2]},
    )
    for trial_number in range(number % 4):
        trial = experiment.new_trial(parameters={"minutes": 20 + number % 40})
        trial.mark_running(no_runner_required=True)
        if (number + trial_number) % 5:
            trial.mark_completed()
        else:
            trial.mark_failed()
    return experiment


# --- what is asked ---------------------------------------------------------------------------------------------------


def by_what_they_are(store: docstore.Store) -> None:
    """The name, the type, the time: columns of the database, with indexes."""
    heading("By what they are")
    pilots = store.find("experiment", type=Kind.PILOT, name_prefix="bread-")
    quote(f"find('experiment', type=Kind.PILOT, name_prefix='bread-') -> {', '.join(pilots.names())}")
    assert pilots.names() == ["bread-00", "bread-12", "bread-24", "bread-36", "bread-48"]
    assert store.find("experiment").count() == 60
    say("What it gives is a sequence, read as one looks. What it is asked, the database answers: 60 by count(), say.")


def by_what_stands_in_them(store: docstore.Store) -> None:
    """Any place of the JSON, with its type."""
    heading("By what stands in them")
    rich = store.find("experiment", where=(q("/properties/budget") > 2500) & (q("/properties/team") == "cakes"))
    quote("where=(q('/properties/budget') > 2500) & (q('/properties/team') == 'cakes')")
    assert rich.names() == ["cakes-52", "cakes-55", "cakes-58"]
    say(f"finds {', '.join(rich.names())}. A list is asked what it contains:")

    stone = store.find("experiment", where=q("/properties/ovens").contains("stone"), order_by="-/properties/budget")
    quote("where=q('/properties/ovens').contains('stone'), order_by='-/properties/budget'")
    assert (stone.count(), stone[0].name) == (30, "pastry-59")
    say(f"finds {stone.count()}, the one with the largest budget first: {stone[0].name}.")

    assert store.find("experiment", where={"/properties/budget": "2500"}) == []
    say("Values have their types: 2500 is 2500.0, and it is not '2500'. A place that is nowhere finds nothing.")

    name = store.create_index("/properties/team")
    assert [index.name for index in store.indexes()] == [name]
    say("Asked often, a place gets an index: store.create_index('/properties/team').")


def among_trials(store: docstore.Store) -> None:
    """The parts of documents are found as documents are, each with the experiment that it is in."""
    heading("Among trials")
    failed = store.find(part="trial", status=TrialStatus.FAILED, name_like="pastry-%")
    quote("find(part='trial', status=TrialStatus.FAILED, name_like='pastry-%')")
    say(f"finds {failed.count()} in {len(failed.names())} experiments; the first is {failed[0].name}{failed[0].path}.")

    for trial in failed.load():
        trial.run_metadata["look"] = "into the oven"
        store.save_trial(trial.experiment, trial)
    looked_into = store.find(part="trial", where={"/run_metadata/look": "into the oven"})
    assert looked_into.count() == failed.count() > 0
    say("load() gives the trials themselves, to be changed and saved; of all others, nothing was read.")


def page_by_page(store: docstore.Store) -> None:
    """A page for people; the cursor leads on, though others save and delete meanwhile."""
    heading("Page by page")
    newest = store.find("experiment", order_by="-created_at")
    first = newest.page(3)
    store.delete(first[0].name)
    second = newest.page(3, after=first.cursor)
    quote(f"page(3)                      -> {', '.join(info.name for info in first)}")
    quote(f"page(3, after=first.cursor)  -> {', '.join(info.name for info in second)}")
    assert [info.name for info in second] == ["pastry-56", "cakes-55", "bread-54"]
    store.undelete(first[0].name)
    say("Another deleted the first of all in between, and nothing was skipped.")


def for_other_tools(store: docstore.Store) -> None:
    """The SELECT itself, and frames."""
    heading("For other tools")
    found = store.find("experiment", name="cakes-01")
    assert "documents.name = 'cakes-01'" in found.sql()
    say("sql() is the SELECT as the database's own shell takes it, select() is SQLAlchemy's, to go on with:")
    _, _, conditions = found.sql().partition("WHERE ")
    quote(f"SELECT ... WHERE {conditions}")
    try:
        frame = store.find("experiment", limit=3).to_frame("/properties/budget")
    except MissingDependencyError as error:
        say(str(error))
        return
    assert list(frame["/properties/budget"]) == [0.0, 150.0, 300.0]
    say("to_frame('/properties/budget') is a pandas frame:")
    print(textwrap.indent(frame[["name", "type", "/properties/budget"]].to_string(index=False), "    "))


def what_is_no_question(store: docstore.Store) -> None:
    """What is misspelled is an error that lists what there is."""
    heading("What is no question")
    misspelled: list[dict[str, Any]] = [
        {"kind": "experimnt"},
        {"kind": "experiment", "status": "DARFT"},
        {"order_by": "nmae"},
    ]
    for criteria in misspelled:
        try:
            store.find(**criteria)
            raise AssertionError("a misspelled question found something")
        except docstore.DocstoreError as error:
            say(f"{type(error).__name__}: {error}")


# --- printing --------------------------------------------------------------------------------------------------------


def heading(text: str) -> None:
    """Print *text*, underlined."""
    print(f"\n{text}\n{'-' * len(text)}")


def say(text: str) -> None:
    """Print what happened."""
    print(textwrap.fill(text, 98))


def quote(text: str) -> None:
    """Print what is asked."""
    print(textwrap.fill(text, 98, initial_indent="    ", subsequent_indent="      "))


def main() -> None:
    """Tell the story."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the database goes; by default a temporary one")
    arguments = parser.parse_args()
    database = (arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))) / "bakery.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    print(f"The database is {database}")
    with docstore.connect(f"sqlite:///{database}", experiment_type_enum=Kind) as store:
        for number in range(60):
            store.save(new_experiment(number), on_conflict="overwrite")
        by_what_they_are(store)
        by_what_stands_in_them(store)
        among_trials(store)
        page_by_page(store)
        for_other_tools(store)
        what_is_no_question(store)
        assert store.verify() == []


if __name__ == "__main__":
    main()
