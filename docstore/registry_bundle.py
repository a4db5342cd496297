"""A user's own classes, bundled with how each is written, for every function that saves or loads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from docstore.entries import Decoder, Encoder, Entry, Registry, by_fields
from docstore.errors import RegistryError

_INTEGERS: Final = 2**31 - 1


class RegistryBundle:
    """Custom metrics, runners and other classes, passed as ``bundle=`` or, registry by registry, in the seed's calls.

    Args:
        metric_clss: custom Metric classes, each with the integer that stands for it, or None for one from its name.
        runner_clss: the same for Runner classes.
        classes: any other classes: dataclasses, enums, namedtuples, classes that keep their arguments.
        json_encoder_registry: for a class, a function that gives its object's members as a dict.
        json_decoder_registry: for a tag, the class, or a function that takes the decoded members.

    Raises:
        RegistryError: two classes share a name, or an integer.
    """

    def __init__(
        self,
        metric_clss: Mapping[type, int | None] = MappingProxyType({}),
        runner_clss: Mapping[type, int | None] = MappingProxyType({}),
        *,
        classes: Iterable[type] = (),
        json_encoder_registry: Mapping[type, Encoder] = MappingProxyType({}),
        json_decoder_registry: Mapping[str, type | Decoder] = MappingProxyType({}),
    ) -> None:
        self._metric_registry = _numbered("metric", metric_clss)
        self._runner_registry = _numbered("runner", runner_clss)
        self._entries = tuple(Entry(cls, cls.__name__) for cls in (*metric_clss, *runner_clss, *classes))
        self._encoders = dict(json_encoder_registry)
        self._decoders = dict(json_decoder_registry)
        self.extend(Registry())  # a name given twice is told here, not at the first save

    def extend(self, registry: Registry) -> Registry:
        """Return *registry* with these classes in it."""
        # A class of docstore's own that is named here too keeps what only docstore knows of it.
        entries = (entry for entry in self._entries if registry.of_class(entry.cls) is None)
        return registry.with_entries(entries).with_encoders(self._encoders).with_decoders(self._decoders)

    @property
    def metric_registry(self) -> dict[type, int]:
        """The integer that stands for each metric class."""
        return dict(self._metric_registry)

    @property
    def runner_registry(self) -> dict[type, int]:
        """The integer that stands for each runner class."""
        return dict(self._runner_registry)

    @property
    def encoder_registry(self) -> dict[type, Encoder]:
        """What ``save_experiment(..., encoder_registry=)`` takes: by class, what gives an object's members."""
        return {**{entry.cls: by_fields for entry in self._entries}, **self._encoders}

    @property
    def decoder_registry(self) -> dict[str, type | Decoder]:
        """What ``load_experiment(..., decoder_registry=)`` takes: by tag, the class or a function that makes it."""
        return {**{entry.tag: entry.cls for entry in self._entries}, **self._decoders}


def _numbered(what: str, classes: Mapping[type, int | None]) -> dict[type, int]:
    numbers: dict[type, int] = {}
    owners: dict[int, type] = {}
    for cls, number in classes.items():
        number = _number_of(cls.__name__) if number is None else number
        if number in owners:
            raise RegistryError(
                f"the {what} classes {owners[number].__name__} and {cls.__name__} share the integer {number}. "
                f"Give one of them another: {{{cls.__name__}: {number + 1}}}."
            )
        numbers[cls], owners[number] = number, cls
    return numbers


def _number_of(name: str) -> int:
    """Return an integer that depends on *name* alone: not on the process, the machine or the order of imports."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % _INTEGERS + 1
