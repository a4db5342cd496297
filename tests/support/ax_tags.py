"""A bundle by which docstore's own classes have the tags that Ax's classes have."""

from __future__ import annotations

from dataclasses import replace

from docstore import RegistryBundle
from docstore.codec.registry import Registry
from docstore.documents.kinds import AX


class AxTags(RegistryBundle):
    """Writes and reads ``ax.Experiment`` where docstore would write ``Experiment``, as of the model ``ax``."""

    def extend(self, registry: Registry) -> Registry:
        return Registry(replace(entry, tag=AX + entry.tag, model="ax") for entry in registry.entries)
