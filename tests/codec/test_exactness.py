"""Exactness as a property: a file, SQLite, PostgreSQL and MariaDB give the same bytes, the same digest, one object.

``make fuzz`` looks at new examples for as long as asked, in place of the same 2,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from backends import BACKENDS, Backends, SwitchedOff
from fuzzing import fuzz

import docstore
from docstore.documents.canonical import DOCUMENT_DEPTH
from docstore.documents.digests import digest_of
from docstore.documents.kinds import Kind
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.registry.bundle import mapper_of
from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment
from docstore.testing.strategies import experiments, json_documents

KIND = "value"
NAME = "v"


@dataclass(frozen=True)
class Kept:
    """What one place gives back of an object: the object, its canonical bytes, and the digest that the place has."""

    object: Any
    text: bytes
    digest: str


@pytest.fixture(scope="module")
def stores(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, docstore.Store]]:
    """A store on each backend that there is here."""
    file = tmp_path_factory.mktemp("exactness") / "lab.db"
    stores: dict[str, docstore.Store] = {}
    with ExitStack() as used:
        for backend in BACKENDS:
            with suppress(SwitchedOff):  # test_a_backend_took_part says so
                url = used.enter_context(backends.fresh(backend, file))
                # NORMAL, as nothing here has to survive a power cut.
                stores[backend] = used.enter_context(docstore.connect(url, synchronous="NORMAL"))
        yield stores


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the file of the example in hand."""
    return tmp_path_factory.mktemp("exactness")


# --- the places ------------------------------------------------------------------------------------------------------


def value_in_all(folder: Path, stores: dict[str, docstore.Store], value: Any) -> dict[str, Kept]:
    """What each place gives back of a JSON value."""
    file = folder / "value.json"
    file.write_bytes(docstore.dumps(value))
    loaded = docstore.loads(file.read_bytes())
    places = {"file": Kept(loaded, file.read_bytes(), digest_of(Kind(KIND), mapper_of().encode(loaded)))}
    for backend, store in stores.items():
        store.put(KIND, NAME, value)
        places |= kept_by(store, backend, KIND, NAME, partial(store.put, KIND, NAME, "another"))
    return places


def experiment_in_all(
    folder: Path, stores: dict[str, docstore.Store], experiment: docstore.Experiment
) -> dict[str, Kept]:
    """What each place gives back of an experiment."""
    file = folder / "experiment.json"
    save_experiment(experiment, file)
    loaded = load_experiment(file)
    places = {"file": Kept(loaded, file.read_bytes(), docstore.digest(loaded))}
    another = new_experiment(experiment.name)
    for backend, store in stores.items():
        store.save(experiment)
        replace = partial(store.save, another, on_conflict="overwrite")
        places |= kept_by(store, backend, "experiment", experiment.name, replace)
    return places


def kept_by(
    store: docstore.Store, backend: str, kind: str, name: str, replace: Callable[[], object]
) -> dict[str, Kept]:
    """What a store has of its version 1: as the newest, and, once another replaced it, as what its history keeps.

    The document is purged, so that its name is free for the next example.
    """
    try:
        newest = kept(store, kind, name)
        replace()
        return {backend: newest, f"the past of {backend}": kept(store, kind, name)}
    finally:
        store.purge(name, kind=kind)


def kept(store: docstore.Store, kind: str, name: str) -> Kept:
    loaded = store.load(name, kind=kind, version=1)
    return Kept(loaded, docstore.dumps(loaded), store.history(name, kind=kind)[-1].digest)


def check(original: Any, places: dict[str, Kept]) -> None:
    """Fail unless all places give *original* to the bit, and the bytes and the digest of the file."""
    text, digest, same = docstore.dumps(original), places["file"].digest, identity(original)

    assert [place for place, kept in places.items() if identity(kept.object) != same] == []
    assert [place for place, kept in places.items() if kept.text != text] == []
    assert [place for place, kept in places.items() if kept.digest != digest] == []


# --- any object at all -----------------------------------------------------------------------------------------------


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::docstore.errors.OverwriteWarning")
class TestAnyObjectAtAll:
    """Written to a file and to each database, and read from there."""

    def test_a_json_value_is_the_same_in_all(self, stores, folder):
        fuzz(lambda value: check(value, value_in_all(folder, stores, value)), json_documents(), in_ci=80)

    def test_an_experiment_is_the_same_in_all(self, stores, folder):
        fuzz(lambda value: check(value, experiment_in_all(folder, stores, value)), experiments(), in_ci=40)


# --- large ones ------------------------------------------------------------------------------------------------------


def nested(levels: int, bottom: Any = None) -> Any:
    value = bottom
    for level in range(levels):
        value = {"in": value} if level % 2 else [value]
    return value


LARGE = {
    "nested 250 levels deep": nested(250),
    "nested 250 levels deep, the last of them tagged": nested(248, (1.5,)),
    "nested as deeply as can be": nested(DOCUMENT_DEPTH, 5e-324),
    "2 MB in one text": "0123456789abcde\u2603" * (2 * 2**20 // 18),
    "2 MB in one text that is tagged": "0123456789ab\x00\\\ud800\u2603" * (2 * 2**20 // 24),
    "2 MB of floats": [number / 7 for number in range(2 * 2**20 // 18)],
    "2 MB of bytes": bytes(range(256)) * (6 * 2**20 // 4 // 256),
}


@pytest.mark.filterwarnings("ignore::docstore.errors.OverwriteWarning")
class TestALargeObject:
    @pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
    def test_is_the_same_in_all(self, stores, folder, value):
        check(value, value_in_all(folder, stores, value))

    def test_of_a_thousand_trials_with_data_is_the_same_in_all(self, stores, folder):
        experiment = new_experiment(trials=1000, experiment_type="CAKE", description="with \u2603")
        check(experiment, experiment_in_all(folder, stores, experiment))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_took_part(backends, stores, backend):
    """The others run without one that is not here; this says so, and how to switch it on."""
    backends.require(backend)

    assert backend in stores
