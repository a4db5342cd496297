"""Ax's own ``RegistryBundle`` and ``SQAConfig``, given to docstore's calls: the user's classes and functions in them.

Ax's registries hold its own classes, which docstore stores by itself, beside the user's. Ax is never imported here:
whoever has such a registry has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from docstore.codec.registry import by_fields
from docstore.codec.values.optional_types import ADAPTERS, root_of

_CORE: Final = {
    "encoder_registry": ("ax.storage.json_store.registry", "CORE_ENCODER_REGISTRY"),
    "class_encoder_registry": ("ax.storage.json_store.registry", "CORE_CLASS_ENCODER_REGISTRY"),
    "decoder_registry": ("ax.storage.json_store.registry", "CORE_DECODER_REGISTRY"),
    "class_decoder_registry": ("ax.storage.json_store.registry", "CORE_CLASS_DECODER_REGISTRY"),
    "metric_registry": ("ax.storage.metric_registry", "CORE_METRIC_REGISTRY"),
    "runner_registry": ("ax.storage.runner_registry", "CORE_RUNNER_REGISTRY"),
}
"""By the name of one of a bundle's registries, the module and the variable with what Ax itself has in it."""


def is_of_ax(value: object) -> bool:
    """Return whether *value* is an object of a class of Ax, or of a subclass."""
    return any(root_of(base) == "ax" for base in type(value).__mro__)


def without_core(attribute: str, registry: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what *registry*, the one of a bundle that is called *attribute*, has beside Ax's own.

    A class of the user's that Ax's function would encode, by the arguments of its constructor, is written by its
    fields in place of that: ``by_fields``.
    """
    module, variable = _CORE[attribute]
    core = getattr(sys.modules.get(module), variable, {})
    own = {key: value for key, value in registry.items() if key not in core or core[key] is not value}
    if attribute == "encoder_registry":
        return {cls: by_fields if _is_axs_function(function) else function for cls, function in own.items()}
    return own


def _is_axs_function(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] in ADAPTERS


def with_constructors(encoders: Mapping[type, Any], decoders: Mapping[str, Any]) -> dict[str, Any]:
    """Return *decoders*, in which a class that a user's function encodes is made by its constructor, as in Ax."""
    by_function = {cls for cls, encode in encoders.items() if encode is not by_fields}
    return {tag: _constructed(each) if each in by_function else each for tag, each in decoders.items()}


def _constructed(cls: type) -> Callable[[dict[str, Any]], Any]:
    return partial(_construct, cls)


def _construct(cls: type, members: dict[str, Any]) -> Any:
    return cls(**members)
