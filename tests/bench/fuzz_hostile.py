"""A search, by coverage, for bytes that reading does not survive: anything but a value or a DocstoreError is a find.

::

    pip install atheris
    python tests/bench/fuzz_hostile.py -atheris_runs=1000000 [-max_total_time=600] [folder of a corpus]

It begins with documents of every kind, as docstore writes them. The first byte of an input says how the rest is read:
by ``loads``, with unknown classes kept, as a file, as a packed file, as JSON with values, or as a body and as changes
in a database. Whatever was found is written to a file ``crash-...``; give it as the argument to see it again.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # what the tests take for hostile

try:
    import atheris
except ImportError:
    sys.exit("This needs atheris, which is no dependency of docstore. Install it with: pip install atheris")

with atheris.instrument_imports(include=["docstore"]):
    from hostile import HOSTILE, examples, is_settled, text

    import docstore
    from docstore.codec import Codec
    from docstore.codec.registry import Registry
    from docstore.documents.canonical import digest, loads
    from docstore.errors import DocstoreError
    from docstore.json_store.load import load_experiment
    from docstore.testing.experiments import new_experiment

import orjson  # not among what is searched

RAW: Final = Codec(Registry(), unknown="members")
FOLDER: Final = Path(tempfile.mkdtemp(prefix="fuzz_hostile."))


class Lab:
    """A database of one experiment, into which one input after another is put and taken out again."""

    def __init__(self) -> None:
        self.store = docstore.connect(FOLDER / "lab.db")
        experiment = new_experiment("cakes", trials=1)
        self.store.save(experiment)
        experiment.description = "with salt"
        self.store.save(experiment)
        self.rows = sqlite3.connect(FOLDER / "lab.db", isolation_level=None)
        [(self.body,)] = self.rows.execute("SELECT body FROM documents WHERE path = '/trials/0'").fetchall()
        [(self.changes,)] = self.rows.execute("SELECT changes FROM versions WHERE version = 2").fetchall()

    def body_of(self, data: bytes) -> None:
        """Read the experiment with *data* for a trial, whose digest fits."""
        self._put_body(data.decode(errors="replace"))
        try:
            self._read()
        finally:
            self._put_body(self.body)

    def changes_of(self, data: bytes) -> None:
        """Read the experiment's past with *data* for what changed."""
        self.rows.execute("UPDATE versions SET changes = ? WHERE version = 2", (data.decode(errors="replace"),))
        try:
            self._read()
        finally:
            self.rows.execute("UPDATE versions SET changes = ? WHERE version = 2", (self.changes,))

    def _put_body(self, body: str) -> None:
        values = (body, digest(body.encode()))
        self.rows.execute("UPDATE documents SET body = ?, digest = ? WHERE path = '/trials/0'", values)

    def _read(self) -> None:
        calls: tuple[Callable[[], Any], ...] = (
            lambda: self.store.load("cakes"),
            lambda: self.store.get("cakes", version=1),
            lambda: str(self.store.diff("cakes", 1, 2)),
            self.store.verify,
        )
        for call in calls:
            with contextlib.suppress(DocstoreError):
                call()


def _from_file(data: bytes) -> None:
    path = FOLDER / "experiment.json"
    path.write_bytes(data)
    is_settled(lambda: load_experiment(path))


def _raw(data: bytes) -> None:
    is_settled(lambda: RAW.decode(loads(data)))


LAB: Final = Lab()
READERS: Final[tuple[Callable[[bytes], object], ...]] = (
    lambda data: is_settled(lambda: docstore.loads(data)),
    lambda data: is_settled(lambda: docstore.loads(data, unknown="keep")),
    _from_file,
    lambda data: _from_file(gzip.compress(data, 1)),
    lambda data: _from_file(b"\x1f\x8b" + data),
    _raw,
    LAB.body_of,
    LAB.changes_of,
)


def one_input(data: bytes) -> None:
    """Read *data* in the way that its first byte says."""
    if data:
        READERS[data[0] % len(READERS)](data[1:])


def _custom_mutator(data: bytes, max_size: int, seed: int) -> bytes:
    """Return *data* with a value in it that is another one of JSON's, or changed as bytes where it is no JSON."""
    import random

    chance = random.Random(seed)
    try:
        document = orjson.loads(data[1:])
    except (ValueError, RecursionError):
        return atheris.Mutate(data, max_size)
    if chance.random() < 0.3:
        return atheris.Mutate(data, max_size)
    return (data[:1] + text(_changed(document, chance)))[:max_size]


def _changed(value: Any, chance: Any) -> Any:
    """Return *value* with another one at a place within it."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {each: item for each, item in value.items() if each != key}
        if chance.random() < 0.1:
            return {**value, chance.choice(list(value)): value[key]}
        return {**value, key: _changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        index = chance.randrange(len(value))
        return [*value[:index], _changed(value[index], chance), *value[index + 1 :]]
    return chance.choice(HOSTILE)


def _seeds(folder: Path) -> Path:
    """Return *folder* with an input for each way of reading each of the documents that there are."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [text(each) for each in (*examples(), *HOSTILE)]
    bodies = [LAB.body.encode(), LAB.changes.encode()]
    for number, data in enumerate([*documents, *bodies]):
        for way in range(len(READERS)):
            (folder / f"seed-{number}-{way}").write_bytes(bytes([way]) + data)
    return folder


def main() -> None:
    """Search, with the arguments of libFuzzer."""
    options = [each for each in sys.argv[1:] if each.startswith("-")]
    given = [each for each in sys.argv[1:] if not each.startswith("-")]
    corpus = given or [os.fspath(_seeds(FOLDER / "corpus"))]
    defaults = ["-max_len=20000", "-rss_limit_mb=4096", "-timeout=20", "-len_control=0"]
    atheris.Setup([sys.argv[0], *defaults, *options, *corpus], one_input, custom_mutator=_custom_mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
