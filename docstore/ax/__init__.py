"""Ax's own objects: the registry entries of its classes, so that they are saved and loaded as docstore's are.

The codec imports this package when it first meets an object of Ax, or a tag of one: see ``ADAPTERS`` in
``codec/values/optional_types``. Each module has the ``ENTRIES`` of one subject.

``Client``, ``AxClient`` and ``Orchestrator`` are Ax's own with ``storage=``: each step is saved. They, and what moves
experiments from Ax's own storage and to it, are imported when they are first used: they import what ``import ax`` does
not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from docstore.codec.registry import Registry
from docstore.errors import MissingDependencyError

_MODULES: Final = (
    "analysis",
    "benchmark",
    "botorch",
    "core",
    "data",
    "enums",
    "experiment",
    "expressions",
    "generation",
    "stopping",
)
"""The modules that have ``ENTRIES``."""

try:
    _imported = [import_module(f"docstore.ax.{name}") for name in _MODULES]
    from docstore.ax.botorch import CLASS_DECODERS, CLASS_ENCODERS
except ModuleNotFoundError as error:
    raise MissingDependencyError("ax-platform", extra="ax", purpose="docstore.ax") from error

if TYPE_CHECKING:
    from docstore.ax.client import AxClient, Client, Orchestrator
    from docstore.ax.exporting import export_json
    from docstore.ax.importing import import_json, import_json_file, import_sql
    from docstore.store.importing import ImportReport

__all__ = [
    "REGISTRY",
    "AxClient",
    "Client",
    "ImportReport",
    "Orchestrator",
    "export_json",
    "import_json",
    "import_json_file",
    "import_sql",
]

_LOADED_WHEN_USED: Final = {
    "AxClient": "docstore.ax.client",
    "Client": "docstore.ax.client",
    "ImportReport": "docstore.store.importing",
    "Orchestrator": "docstore.ax.client",
    "export_json": "docstore.ax.exporting",
    "import_json": "docstore.ax.importing",
    "import_json_file": "docstore.ax.importing",
    "import_sql": "docstore.ax.importing",
}
"""The module of each public name that is imported when it is first used."""

REGISTRY: Final = (
    Registry(entry for module in _imported for entry in module.ENTRIES)
    .with_class_encoders(CLASS_ENCODERS)
    .with_class_decoders(CLASS_DECODERS)
)
"""The classes of Ax, and those of BoTorch and GPyTorch that its objects hold."""

if not TYPE_CHECKING:  # with a __getattr__, a type checker accepts any name

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used (PEP 562)."""
        if name not in _LOADED_WHEN_USED:
            raise AttributeError(f"module 'docstore.ax' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LOADED_WHEN_USED[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LOADED_WHEN_USED})
