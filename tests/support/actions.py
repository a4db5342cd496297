"""Every call that writes to a database, each with what must be there before; and what a store holds, to compare."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import docstore
from docstore.testing.experiments import add_trial, new_experiment


def _save_new(store: docstore.Store) -> Callable[[], Any]:
    return partial(store.save, new_experiment("tarts", trials=2))


def _save_changed(store: docstore.Store) -> Callable[[], Any]:
    experiment = store.load("cakes")
    experiment.description = "changed"
    add_trial(experiment)
    return partial(store.save, experiment)


def _save_trial(store: docstore.Store) -> Callable[[], Any]:
    experiment = store.load("cakes")
    return partial(store.save_trial, experiment, add_trial(experiment))


def _save_together(store: docstore.Store) -> Callable[[], Any]:
    experiment = store.load("cakes")
    experiment.description = "changed"
    return partial(store.save_together, [(experiment, [add_trial(experiment)]), new_experiment("tarts", trials=1)])


ACTIONS: Mapping[str, Callable[[docstore.Store], Callable[[], Any]]] = {
    "save a new one": _save_new,
    "save a changed one": _save_changed,
    "save_trial": _save_trial,
    "save_together": _save_together,
    "put a new one": lambda store: partial(store.put, "note", "n2", {"b": 1}),
    "put": lambda store: partial(store.put, "note", "n1", {"b": 1}),
    "delete": lambda store: partial(store.delete, "cakes"),
    "undelete": lambda store: partial(store.undelete, "pies"),
    "purge": lambda store: partial(store.purge, "cakes"),
    "revert": lambda store: partial(store.revert, "n1", 1, kind="note"),
}
"""By name: from a store that was filled, the call."""


def fill(store: docstore.Store) -> None:
    """Save what the actions are about: an experiment, one that is deleted, and a note of two versions."""
    store.save(new_experiment("cakes", trials=2))
    store.save(new_experiment("pies"))
    store.delete("pies")
    store.put("note", "n1", {"a": 1})
    store.put("note", "n1", {"a": 2})


def held(store: docstore.Store) -> object:
    """What a store holds, with the digests of all versions: equal only while nothing was written."""
    there = [(info.kind, info.name, store.history(info.name, kind=info.kind)) for info in store.find()]
    gone = [(info.kind, info.name, info.version) for info in store.find(deleted=True)]
    return there, gone, store.verify()


def outline(store: docstore.Store) -> object:
    """What a store holds, without ids and times: equal for two to which the same was done."""
    there = [
        (info.kind, info.name, [(v.number, v.message, _content(store, info, v.number)) for v in history])
        for info in store.find()
        for history in [store.history(info.name, kind=info.kind)]
    ]
    gone = [(info.kind, info.name, info.version) for info in store.find(deleted=True)]
    return there, gone, store.verify()


@functools.cache
def undisturbed(action: str) -> tuple[int | None, object]:
    """What the action gives where nothing is in its way: the version's number, if it makes one, and the outline."""
    with docstore.connect("sqlite://") as store:
        fill(store)
        made = ACTIONS[action](store)()
        return getattr(made, "number", None), outline(store)


def _content(store: docstore.Store, info: docstore.DocumentInfo, version: int) -> object:
    value = store.get(info.name, kind=info.kind, version=version)
    return value if info.kind == "note" else (value.get("description"), sorted(value["trials"]))
