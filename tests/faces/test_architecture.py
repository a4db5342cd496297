"""The path of ``save`` and ``load`` through the modules, traced, is the one that ``docs/architecture.md`` shows.

After a change, write the page's lists anew; the calls that go up a row are printed too::

    .venv/bin/python tests/faces/test_architecture.py --write
"""

from __future__ import annotations

import gc
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import docstore
from docstore.testing.experiments import new_experiment

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"

SAVE_GOES_UP = 1
"""Calls of a save from a module to one of a higher row, at most: lower it when there are fewer."""


def rows() -> dict[str, int]:
    """Return the row of each entry of docstore, counted from the bottom, as import-linter holds them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers"]
    return {entry: row for row, layer in enumerate(reversed(layers)) for entry in layer.split(" | ")}


class Trace:
    """The modules of docstore that a call enters, in that order, and the calls between them that go up a row."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self.climbs: list[tuple[str, str]] = []
        self._rows = rows()

    def of(self, call: Callable[[], Any]) -> Trace:
        # What other tests left could be collected during the call, and finalizers are calls too.
        gc.collect()
        gc.disable()
        sys.setprofile(self._enter)
        try:
            call()
        finally:
            sys.setprofile(None)
            gc.enable()
        return self

    def _enter(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not self._is_ours(frame):
            return
        module = frame.f_globals["__name__"]
        if module not in self.modules:
            self.modules.append(module)
        caller = frame.f_back
        while caller is not None and not self._is_ours(caller):
            caller = caller.f_back
        if caller is not None and self._row(frame) > self._row(caller):
            climb = (self._shown(caller), self._shown(frame))
            self.climbs += [climb] * (climb not in self.climbs)

    def _is_ours(self, frame: FrameType) -> bool:
        return str(frame.f_globals.get("__name__", "")).startswith("docstore.")

    def _row(self, frame: FrameType) -> int:
        return self._rows[frame.f_globals["__name__"].split(".")[1]]

    def _shown(self, frame: FrameType) -> str:
        return f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}"


def traces(folder: Path) -> dict[str, Trace]:
    """Load and save an experiment on SQLite, twice, and trace the second time: by then every class is planned."""
    with docstore.connect(f"sqlite:///{folder}/lab.db") as store:
        store.save(new_experiment(trials=2))
        for _ in range(2):
            load = Trace().of(lambda: store.load("cakes"))
            experiment = store.load("cakes")
            experiment.trials[0].update_run_metadata({"seen": experiment.trials[0].run_metadata.get("seen", 0) + 1})
            save = Trace().of(lambda experiment=experiment: store.save(experiment))
    return {"save": save, "load": load}


def block(name: str) -> re.Pattern[str]:
    """Return a pattern of the list of modules that the page has under this name."""
    return re.compile(rf"(?<=<!-- {name}: modules -->\n)(\n*```\w*\n)(.*?)(```)", re.DOTALL)


Function = tuple[str, str]
"""The name of a module, and that of a function in it."""


def trees() -> list[list[Function]]:
    """Return the functions of each tree of calls on the page, from top to bottom."""
    texts = re.findall(r"```text\n(Store\.\w+ .*?)```", PAGE.read_text(), re.DOTALL)
    calls = [re.findall(r"^ *([\w.]+) +([\w/]+)\.py ", text, re.MULTILINE) for text in texts]
    return [[(f"docstore.{path.replace('/', '.')}", name) for name, path in each] for each in calls]


def entered(wanted: list[Function], call: Callable[[], Any]) -> list[Function]:
    """Return those of the functions *wanted* that *call* enters, in the order in which each is first entered."""
    found: list[Function] = []

    def enter(frame: FrameType, event: str, _: object) -> None:
        function = (str(frame.f_globals.get("__name__")), frame.f_code.co_qualname)
        if event == "call" and function in wanted and function not in found:
            found.append(function)

    sys.setprofile(enter)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    return traces(tmp_path_factory.mktemp("traced"))


@pytest.mark.parametrize("name", ["save", "load"])
def test_the_page_shows_the_modules_that_are_passed(traced, name):
    [(_, shown, _)] = block(name).findall(PAGE.read_text())

    assert shown.split() == traced[name].modules


def test_the_page_shows_the_calls_of_a_save_that_merges(tmp_path):
    [shown, _] = trees()
    with docstore.connect(tmp_path / "lab.db") as store:
        store.save(new_experiment(trials=2))
        mine, theirs = store.load("cakes"), store.load("cakes")
        theirs.description = "theirs"
        store.save(theirs)
        mine.trials[0].update_run_metadata({"mine": True})

        assert entered(shown, lambda: store.save(mine)) == shown


def test_the_page_shows_the_calls_of_a_load_of_an_older_version(tmp_path):
    [_, shown] = trees()
    with docstore.connect(tmp_path / "lab.db") as store:
        store.save(new_experiment())
        changed = store.load("cakes")
        changed.description = "new"
        store.save(changed)

        assert entered(shown, lambda: store.load("cakes", version=1)) == shown


def test_a_load_never_goes_up_a_row(traced):
    assert traced["load"].climbs == []


def test_a_save_goes_up_a_row_no_more_often_than_before(traced):
    assert len(traced["save"].climbs) <= SAVE_GOES_UP, traced["save"].climbs


def write_page() -> None:
    text = PAGE.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for name, trace in traces(Path(folder)).items():
            lines = "".join(f"{module}\n" for module in trace.modules)
            text = block(name).sub(lambda found, lines=lines: found[1] + lines + found[3], text)
            print(f"{name}: {len(trace.modules)} modules, {len(trace.climbs)} calls up a row")
            for caller, callee in trace.climbs:
                print(f"  {caller} calls {callee}")
    PAGE.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    write_page()
