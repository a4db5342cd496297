"""A bakery's experiments, and requests to the pages about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from asking import Client

import docstore
from docstore import web
from docstore.testing.experiments import add_trial, new_experiment

TRICKY = "<script>alert(1)</script> a/b?c=d&e #%2F ü \N{SNOWMAN}"
"""A name that HTML and addresses would take for something else."""


def with_goal(name: str, trials: int = 0) -> docstore.Experiment:
    """Return an experiment that maximizes taste; trial i measured i / 10."""
    goal = docstore.OptimizationConfig(docstore.Objective("taste"))
    experiment = new_experiment(name, optimization_config=goal, tracking_metrics=[], description="soft")
    for index in range(trials):
        add_trial(experiment, index / 10)
    return experiment


def fill(store: docstore.Store) -> None:
    """Save what has every page: two experiments, a branch, a tag, a document of another kind."""
    experiment = with_goal("cakes", 3)
    store.save(experiment, author="ada", message="three cakes")
    add_trial(experiment, 0.05)
    experiment.description = "softer"
    store.save(experiment, author="bob", message="one more")
    store.tag("cakes", "published", 1)
    store.branch("cakes", "small cakes", author="cy")
    store.put("note", "shopping", {"flour": ["rye", "spelt"], "kg": 2}, author="ada")
    store.save(new_experiment(TRICKY), author="<b>eve</b>", message="</p><script>alert(2)</script>")


PAGES = {
    "/": {},
    "/list": {"kind": "note"},
    "/experiment": {"name": "cakes"},
    "/objective": {"name": "cakes"},
    "/trials": {"name": "cakes"},
    "/trial": {"name": "cakes", "index": 3},
    "/history": {"name": "cakes"},
    "/diff": {"name": "cakes", "a": 1, "b": 2},
    "/json": {"name": "shopping", "kind": "note"},
    "/store": {},
}
"""Every page, with the query of an example."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docstore.Store]:
    """A store that is only read."""
    with closing(docstore.connect(tmp_path_factory.mktemp("web") / "lab.db")) as store:
        fill(store)
        yield store


@pytest.fixture(scope="module")
def client(lab: docstore.Store) -> Client:
    """Asks for the pages of ``lab``."""
    return Client(web.app(lab))


@pytest.fixture
def own(connect: Callable[..., docstore.Store], fresh_database: Callable[..., str]) -> docstore.Store:
    """A store of the test's own on SQLite, with the bakery's experiments in it."""
    store = connect(fresh_database("sqlite"), author="ada")
    fill(store)
    return store


def text_of(answer: Any) -> str:
    """Return the HTML of an answer, with one blank in place of several."""
    return " ".join(answer.text.split())
