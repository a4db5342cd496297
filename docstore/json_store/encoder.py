"""The JSON value of an object, under Ax's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docstore.codec.registry import Encoder
from docstore.documents.canonical import JSON
from docstore.registry.bundle import bundle_of, mapper_of


def object_to_json(
    obj: Any,
    encoder_registry: Mapping[type, Encoder] | None = None,
    class_encoder_registry: Mapping[type, Encoder] | None = None,
) -> JSON:
    """Return the JSON value of *obj*: dicts, lists and plain values; ``docstore.dumps`` gives it as text.

    Args:
        encoder_registry, class_encoder_registry: as for ``json_store.save.save_experiment``.

    Raises:
        EncodeError: something in *obj* cannot be written; with its pointer.
        InvalidValueError: a registry is passed to the wrong argument; names the right one.
    """
    bundle = bundle_of(None, encoder_registry=encoder_registry, class_encoder_registry=class_encoder_registry)
    return mapper_of(bundle).encode(obj)
