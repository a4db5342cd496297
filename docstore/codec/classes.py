"""How a value that is a class, not an instance of one, is written: by the function of the closest of its bases."""

from __future__ import annotations

from typing import Any

from docstore.codec.by_annotation import Plain
from docstore.codec.objects import custom_encode
from docstore.codec.registry import Registry
from docstore.codec.tags import Encode
from docstore.documents.canonical import JSON
from docstore.errors import EncodeError


def class_encode(registry: Registry, plain: Plain) -> Encode:
    """Return what writes classes by *registry*'s functions; ``Type[Base]`` is the tag unless one names its own."""
    encoders = {
        base: custom_encode(encoder, f"Type[{base.__name__}]", plain)
        for base, encoder in registry.class_encoders.items()
    }

    def encode(cls: Any) -> JSON:
        for base in cls.__mro__:
            if base in encoders:
                return encoders[base](cls)
        name = cls.__name__
        raise EncodeError(
            f"the class {cls.__module__}.{cls.__qualname__} itself stands here, not an instance, and no function "
            f"writes it. Pass bundle=RegistryBundle(json_class_encoder_registry={{{name}: ...}}, "
            f"json_class_decoder_registry={{'Type[{name}]': ...}}), with a function that gives what tells the class as "
            f"a dict, and one that finds it by that; those of a base serve for its subclasses."
        )

    return encode
