"""The public surface: the names that users' code relies on, with their signatures, compared with a snapshot.

After a change that is meant, write the snapshot anew and read its diff::

    .venv/bin/python tests/faces/test_public_surface.py --write
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pydoc
import re
import sys
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import docstore

SNAPSHOT = Path(__file__).with_name("public_surface.txt")

PATHS = (
    "docstore",
    "docstore.errors",
    "docstore.json_store.decoder",
    "docstore.json_store.encoder",
    "docstore.json_store.load",
    "docstore.json_store.save",
    "docstore.migrations",
    "docstore.mlflow",
    "docstore.optuna",
    "docstore.plots",
    "docstore.registry",
    "docstore.registry_bundle",
    "docstore.sqa_store.db",
    "docstore.sqa_store.delete",
    "docstore.sqa_store.load",
    "docstore.sqa_store.save",
    "docstore.sqa_store.sqa_config",
    "docstore.testing",
    "docstore.testing.contract",
    "docstore.testing.exact",
    "docstore.testing.experiments",
    "docstore.testing.strategies",
    "docstore.web",
)
"""Every module that users import."""

PACKAGES = {"errors", "json_store", "migrations", "plots", "registry", "registry_bundle", "sqa_store", "testing", "web"}
"""What ``dir(docstore)`` may show beside ``docstore.__all__``."""


def public_names(module: ModuleType) -> list[str]:
    """Return the names of ``__all__``; without one, those of the classes and functions that the module defines."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    # The functions of docstore.errors only serve its messages.
    offered = inspect.isclass if module.__name__ == "docstore.errors" else callable
    return [
        name
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and offered(value) and getattr(value, "__module__", "") == module.__name__
    ]


class Shown:
    """A text without quotes where ``str(inspect.signature(...))`` shows a repr."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def shown_annotation(annotation: Any) -> Any:
    """Return an annotation as it was written."""
    if annotation is inspect.Parameter.empty:
        return annotation
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return Shown(re.sub(r"ForwardRef\('(.*?)'\)", r"\1", text))


def shown_default(default: Any) -> Any:
    """Return a default so that its repr is the same in every process and on every Python."""
    if default is inspect.Parameter.empty:
        return default
    if isinstance(default, Enum):
        return Shown(f"{type(default).__name__}.{default.name}")
    return Shown(f"<{type(default).__name__}>" if " at 0x" in repr(default) else repr(default))


def signature(function: Any) -> str:
    """Return the parameters with their kinds, defaults and annotations, and what is returned."""
    found = inspect.signature(function)
    parameters = [
        each.replace(annotation=shown_annotation(each.annotation), default=shown_default(each.default))
        for each in found.parameters.values()
    ]
    returned = shown_annotation(found.return_annotation)
    return str(found.replace(parameters=parameters, return_annotation=returned))


def from_docstore(cls: type) -> list[type]:
    """Return a class and its bases that docstore defines, closest first."""
    return [base for base in cls.__mro__ if base.__module__.startswith("docstore")]


@cache
def public_classes() -> set[type]:
    """Return every class that a user imports by a public path."""
    modules = [importlib.import_module(path) for path in PATHS]
    values = [getattr(module, name) for module in modules for name in public_names(module)]
    return {value for value in values if inspect.isclass(value)}


def bases(cls: type) -> str:
    """Return the bases of a class, near and far, that a user can name."""
    internal = set(from_docstore(cls)) - public_classes()
    return ", ".join(base.__name__ for base in cls.__mro__[1:-1] if base not in internal)


def members(cls: type) -> Iterator[str]:
    """Yield a line for each public attribute of a class, inherited or not; tests of the contract aside."""
    defined = {name for base in from_docstore(cls) for name in (*vars(base), *vars(base).get("__annotations__", {}))}
    if defined & {"__init__", "__new__"} and not issubclass(cls, Enum):
        yield f"    {signature(cls)}"
    for name in sorted(each for each in defined if not each.startswith(("_", "test_"))):
        value = inspect.getattr_static(cls, name, None)
        if isinstance(value, (classmethod, staticmethod)):
            yield f"    {type(value).__name__} {name}{signature(value.__func__)}"
        else:
            yield f"    {name}{signature(value) if inspect.isfunction(value) else ''}"


def described(name: str, value: Any) -> Iterator[str]:
    """Yield the lines of the snapshot for one public name."""
    if inspect.isclass(value):
        yield f"  class {name}({bases(value)})"
        yield from members(value)
    elif inspect.isfunction(value):
        yield f"  {name}{signature(value)}"
    else:
        yield f"  {name}: {type(value).__name__}"


def surface(path: str) -> list[str]:
    """Return the lines of the snapshot for one module."""
    module = importlib.import_module(path)
    return [path, *(line for name in public_names(module) for line in described(name, getattr(module, name)))]


def snapshot() -> dict[str, list[str]]:
    """Return the lines that were kept for each module."""
    blocks = SNAPSHOT.read_text().strip().split("\n\n")
    return {block.partition("\n")[0]: block.splitlines() for block in blocks}


@pytest.mark.parametrize("path", PATHS)
def test_the_public_surface_is_as_in_the_snapshot(path):
    before = snapshot().get(path, [])

    difference = list(difflib.unified_diff(before, surface(path), "snapshot", "now", lineterm="", n=0))

    assert difference == [], "if the change is meant: python tests/faces/test_public_surface.py --write"


def test_the_snapshot_has_no_other_modules():
    assert set(snapshot()) == set(PATHS)


class TestLookingAtThePackage:
    def test_dir_shows_public_names_alone(self):
        assert set(dir(docstore)) - set(docstore.__all__) <= PACKAGES

    def test_dir_shows_all_that_import_docstore_brings(self):
        assert set(docstore.__all__) | {"errors", "json_store", "migrations"} <= set(dir(docstore))

    def test_dir_shows_no_name_that_is_missing(self):
        assert [name for name in dir(docstore) if not hasattr(docstore, name)] == []

    def test_help_describes_public_names_alone(self):
        text = pydoc.plain(pydoc.render_doc(docstore))
        described = re.findall(r"^    (?:class )?(\w+)(?:\(| = )", text, re.MULTILINE)

        assert {"Store", "connect", "Experiment"} <= set(described) <= set(docstore.__all__)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    SNAPSHOT.write_text("\n\n".join("\n".join(surface(path)) for path in PATHS) + "\n")
