"""Save a document of your own classes: a dataclass, an attrs class, a Pydantic model, NumPy arrays, a fraction.

Run it: ``python examples/custom_classes.py``, with ``--folder DIR`` to choose where the database goes. It needs attrs,
NumPy and Pydantic: ``pip install attrs numpy pydantic``.
"""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Literal

import attrs
import numpy as np
from pydantic import BaseModel, Field

import docstore
from docstore import registry
from docstore.errors import DocstoreError, RegistryError


class Purpose(Enum):
    """What a calibration is for; the document's type, an indexed column."""

    ROUTINE = "routine"
    REPAIR = "after a repair"


@attrs.frozen
class Operator:
    """Who did it: an attrs class, stored by its fields as it is."""

    name: str
    badge: int = attrs.field(converter=int)


class Instrument(BaseModel):
    """What was calibrated: a Pydantic model. What it refuses is refused when a document is loaded, too."""

    serial: str = Field(pattern=r"[A-Z]{2}-\d+")
    ranges: dict[str, tuple[float, float]] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """One step of a calibration: measured values, NumPy arrays of whatever dtype, at one moment."""

    taken_at: datetime
    values: np.ndarray
    setting: Fraction


# A class of no such kind is registered with two functions: what stands for an object, and the object again.
docstore.register(Fraction, tag="fraction", encode=str, decode=Fraction)


@docstore.document(kind="calibration", name="number", type="purpose", status="state", parts=["/readings/*"])
@dataclass
class Calibration:
    """The document: found by number, purpose and state, with a row of its own for each reading."""

    number: str
    operator: Operator
    instrument: Instrument
    purpose: Purpose = Purpose.ROUTINE
    state: Literal["open", "done"] = "open"
    readings: list[Reading] = field(default_factory=list)


def calibration() -> Calibration:
    """Return one with two readings."""
    instrument = Instrument(serial="TX-204", ranges={"volt": (-10.0, 10.0)})
    made = Calibration("C-17", Operator("Ann", "0042"), instrument, Purpose.REPAIR)
    for step, setting in enumerate((Fraction(1, 3), Fraction(2, 3))):
        values = np.array([[0.1, np.nan], [-0.0, float(setting)]], dtype=np.float32)
        made.readings.append(Reading(datetime(2026, 11, 25, 9, step, tzinfo=UTC), values, setting))
    return made


def main() -> None:
    """Save, find, load and change a calibration, and show what cannot be stored."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the database goes; by default a temporary one")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "calibrations.db"

    made = calibration()
    registry.prove(Calibration, made)
    print("Proved: each field of Calibration, changed by itself, comes back as it went in.\n")

    with docstore.connect(f"sqlite:///{database}") as store:
        store.save(made, message="two readings")
        print(f"Saved in {database}\n")
        print("The first reading, a row of its own, as any database tool shows it:")
        print(textwrap.indent(docstore.dumps(made.readings[0]).decode().replace(',"', ',\n "'), "    "))

        [found] = store.find(kind="calibration", type=Purpose.REPAIR, status="open")
        loaded = store.load(found.name, kind="calibration")
        first = loaded.readings[0]
        print(f"\nLoaded:       {loaded.operator}, {loaded.instrument.serial},")
        print(f"              {first.values.dtype} array of shape {first.values.shape}, setting {first.setting!r}")

        loaded.state = "done"
        print(f"One change:   {store.save(loaded).places}")
        loaded.readings.append(Reading(datetime(2026, 11, 25, 9, 2, tzinfo=UTC), np.arange(3), Fraction(1)))
        print(f"One reading:  {store.save(loaded).places}\n")

    show_what_is_refused()


def show_what_is_refused() -> None:
    """Show two mistakes, each reported before anything is lost."""
    try:

        @docstore.document(kind="bench")
        @dataclass
        class Bench:
            name: str
            power: type[Instrument]
    except RegistryError as error:
        print_wrapped(f"At registration: {error}")

    hostile = docstore.dumps(calibration()).replace(b"TX-204", b"rm -rf")
    try:
        docstore.loads(hostile)
    except DocstoreError as error:
        print_wrapped(f"At loading: {error}")


def print_wrapped(text: str) -> None:
    """Print a message in lines of a terminal."""
    print(textwrap.fill(text, 96, subsequent_indent="    "))


if __name__ == "__main__":
    main()
