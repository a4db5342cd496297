"""A bakery's experiments to look at in a browser, and requests to an application in this process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

import docstore
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


# --- requests ---------------------------------------------------------------------------------------------------------

HOST = "http://127.0.0.1"


class Client:
    """Asks an ASGI application; keeps its cookies; *raises* errors that the application raised."""

    def __init__(self, app: Any, host: str = HOST, *, raises: bool = True) -> None:
        self.app, self.host, self.raises = app, host, raises
        self.cookies = httpx.Cookies()

    def get(self, path: str, headers: Mapping[str, str] | None = None, /, **query: Any) -> httpx.Response:
        """Return the answer to a GET; a redirect is not followed."""
        return asyncio.run(self._ask("GET", path, params=query or None, headers=headers))

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Return the answer to a form, which a page of this server sent unless *headers* say otherwise."""
        given = {"Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return asyncio.run(self._ask("POST", path, data=form, headers=given))

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=self.raises)
        async with httpx.AsyncClient(transport=transport, base_url=self.host, cookies=self.cookies) as client:
            answer = await client.request(method, path, **request)
            self.cookies = client.cookies
            return answer


def text_of(answer: Any) -> str:
    """Return the HTML of an answer, with one blank in place of several."""
    return " ".join(answer.text.split())
