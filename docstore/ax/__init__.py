"""Ax's own objects: the registry entries of its classes, so that they are saved and loaded as docstore's are.

The codec imports this package when it first meets an object of Ax, or a tag of one: see ``ADAPTERS`` in
``codec/values/optional_types``. Each module has the ``ENTRIES`` of one subject.

``Client``, ``AxClient`` and ``Orchestrator`` are Ax's own with ``storage=``: each step is saved. They are imported when
they are first asked for, as they import what ``import ax`` does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from docstore.codec.registry import Registry
from docstore.errors import MissingDependencyError

try:
    from docstore.ax import (
        analysis,
        benchmark,
        botorch,
        core,
        data,
        enums,
        experiment,
        expressions,
        generation,
        stopping,
    )
except ModuleNotFoundError as error:
    raise MissingDependencyError("ax-platform", extra="ax", purpose="docstore.ax") from error

_MODULES: Final = (
    analysis,
    benchmark,
    botorch,
    core,
    data,
    enums,
    experiment,
    expressions,
    generation,
    stopping,
)

REGISTRY: Final = (
    Registry(entry for module in _MODULES for entry in module.ENTRIES)
    .with_class_encoders(botorch.CLASS_ENCODERS)
    .with_class_decoders(botorch.CLASS_DECODERS)
)
"""The classes of Ax, and those of BoTorch and GPyTorch that its objects hold."""

if TYPE_CHECKING:
    from docstore.ax.client import AxClient as AxClient
    from docstore.ax.client import Client as Client
    from docstore.ax.client import Orchestrator as Orchestrator

_CLIENTS: Final = ("AxClient", "Client", "Orchestrator")


def __getattr__(name: str) -> Any:
    if name not in _CLIENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from docstore.ax import client

    return getattr(client, name)


def __dir__() -> list[str]:
    return sorted((*globals(), *_CLIENTS))
