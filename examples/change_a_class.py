"""Three releases of a class over one database: each reads what the others wrote, and nothing is lost.

Run it: ``python examples/change_a_class.py``, with ``--folder DIR`` to choose where the database goes. Each release
runs in a process of its own, as on the machines of a laboratory where not all are upgraded on one day.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import docstore
from docstore import registry
from docstore.errors import NewerSchemaError

KIND = "specimen"


def release_1() -> type:
    """The first: temperatures in Fahrenheit."""

    class State(Enum):
        NEW = 1
        DONE = 2

    @docstore.document(kind=KIND, status="state")
    @dataclass
    class Sample:
        name: str
        fahrenheit: float
        state: State = State.NEW

    return Sample


def release_2() -> type:
    """The second: in Celsius; the class has another name, its tag the old one. A member of the enum was renamed."""

    class State(Enum):
        NEW = 1
        MEASURED = 2

    docstore.register(State, aliases={"DONE": "MEASURED"})

    @docstore.document(kind=KIND, status="state", tag="Sample", version=2)
    @dataclass
    class Specimen:
        name: str
        celsius: float
        state: State = State.NEW

    registry.upcast("Sample", from_=1)(to_celsius)
    return Specimen


def release_3() -> type:
    """The third: with readings. Programs of the second may go on with what this one writes."""

    class State(Enum):
        NEW = 1
        MEASURED = 2

    docstore.register(State, aliases={"DONE": "MEASURED"})

    @docstore.document(kind=KIND, status="state", tag="Sample", version=3, compatible_from=2)
    @dataclass
    class Specimen:
        name: str
        celsius: float
        state: State = State.NEW
        readings: list[float] = field(default_factory=list)

    registry.upcast("Sample", from_=1)(to_celsius)
    registry.upcast("Sample", from_=2)(with_no_readings)
    return Specimen


def to_celsius(members: dict[str, Any]) -> dict[str, Any]:
    """Lift a specimen from schema 1 to 2: it takes the JSON as it was stored, and gives what schema 2 has."""
    members["celsius"] = (members.pop("fahrenheit") - 32) / 1.8
    return members


def with_no_readings(members: dict[str, Any]) -> dict[str, Any]:
    """Lift a specimen from schema 2 to 3."""
    return {**members, "readings": []}


RELEASES: dict[int, Callable[[], type]] = {1: release_1, 2: release_2, 3: release_3}


# --- what each process does ------------------------------------------------------------------------------------------


def write(store: docstore.Store, cls: type, name: str) -> None:
    """Save a new specimen."""
    store.save(cls(name, 212.0 if cls.__name__ == "Sample" else 100.0), message=f"made by {cls.__name__}")
    say(f"saved {name!r}")


def read(store: docstore.Store, cls: type, name: str) -> None:
    """Load a specimen, whoever wrote it."""
    try:
        say(f"loaded {store.load(name, kind=KIND)}")
    except NewerSchemaError as error:
        say(f"refused: {error}")
    say(f"{len(store.history(name, kind=KIND))} version(s) stored: loading writes nothing")


def measure(store: docstore.Store, cls: type, name: str) -> None:
    """Load a specimen, change it, and save it."""
    specimen = store.load(name, kind=KIND)
    specimen.state = type(specimen.state)(2)
    if hasattr(specimen, "celsius"):
        specimen.celsius -= 0.5
    if hasattr(specimen, "readings"):
        specimen.readings.append(99.5)
    say(f"saved {name!r}, changed {', '.join(store.save(specimen).places)}")


def find(store: docstore.Store, cls: type, name: str) -> None:
    """List the specimens that are measured, by today's name of that state."""
    state = type(store.load(name, kind=KIND).state)(2)
    say(f"measured: {', '.join(found.name for found in store.find(kind=KIND, status=state))}")


def say(text: str) -> None:
    """Print what this process did."""
    print(
        textwrap.fill(text.replace(".<locals>", ""), 96, initial_indent="    ", subsequent_indent="      "), flush=True
    )


TASKS = {task.__name__: task for task in (write, read, measure, find)}

STORY = (
    (1, "write", "ore"),
    (1, "write", "slag"),
    (1, "measure", "slag"),
    (2, "read", "ore"),
    (2, "measure", "ore"),
    (2, "find", "slag"),
    (3, "measure", "ore"),
    (2, "read", "ore"),
    (2, "measure", "ore"),
    (3, "read", "ore"),
    (1, "read", "ore"),
)
"""Which release does what with which specimen, one after another."""


def main() -> None:
    """Tell the story, each step in a process of its own; or be such a process."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the database goes; by default a temporary one")
    parser.add_argument("--step", nargs=4, metavar=("RELEASE", "TASK", "NAME", "DATABASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        release, task, name, database = arguments.step
        cls = RELEASES[int(release)]()
        with docstore.connect(f"sqlite:///{database}") as store:
            TASKS[task](store, cls, name)
        return
    database = (arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-"))) / "specimens.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    print(f"The database is {database}\n")
    for release, task, name in STORY:
        print(f"Release {release} does: {task} {name!r}", flush=True)
        subprocess.run([sys.executable, __file__, "--step", str(release), task, name, str(database)], check=True)


if __name__ == "__main__":
    main()
