"""Ax's own objects: the registry entries of its classes, so that they are saved and loaded as docstore's are.

The codec imports this package when it first meets an object of Ax, or a tag of one: see ``ADAPTERS`` in
``codec/values/optional_types``. Each module has the ``ENTRIES`` of one subject.
"""

from __future__ import annotations

from typing import Final

from docstore.ax import analysis, benchmark, botorch, core, data, enums, experiment, expressions, generation, stopping
from docstore.codec.registry import Registry

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
