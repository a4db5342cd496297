"""The object of a JSON value, under Ax's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docstore.codec.registry import Decoder
from docstore.documents.canonical import JSON
from docstore.registry.bundle import bundle_of, mapper_of


def object_from_json(
    object_json: JSON,
    decoder_registry: Mapping[str, type | Decoder] | None = None,
    class_decoder_registry: Mapping[str, Decoder] | None = None,
) -> Any:
    """Return the object that *object_json* was made of by ``object_to_json``, exactly.

    Args:
        decoder_registry, class_decoder_registry: as for ``json_store.load.load_experiment``.

    Raises:
        DecodeError: it is not what docstore writes; with the pointer. JSON of Ax's own is not.
        InvalidValueError: a registry is passed to the wrong argument; names the right one.
    """
    bundle = bundle_of(None, decoder_registry=decoder_registry, class_decoder_registry=class_decoder_registry)
    return mapper_of(bundle).decode(object_json)
