"""What the functions of this package need to know beside the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from docstore.coding import checked_enum
from docstore.entries import Decoder, Encoder
from docstore.registry_bundle import RegistryBundle


@dataclass(frozen=True)
class SQAConfig:
    """How custom classes are written and read, and which integers types are stored as.

    Attributes:
        json_encoder_registry, json_decoder_registry, metric_registry, runner_registry: as ``RegistryBundle`` has them.
        experiment_type_enum, generator_run_type_enum: the integer of each type.

    Raises:
        InvalidValueError: an enum has no members, or one without an integer; shows what to write.
        RegistryError: two classes share a name, or an integer.
    """

    json_encoder_registry: Mapping[type, Encoder] = field(default_factory=dict)
    json_decoder_registry: Mapping[str, type | Decoder] = field(default_factory=dict)
    metric_registry: Mapping[type, int] = field(default_factory=dict)
    runner_registry: Mapping[type, int] = field(default_factory=dict)
    experiment_type_enum: type[Enum] | None = None
    generator_run_type_enum: type[Enum] | None = None

    def __post_init__(self) -> None:
        for argument in ("experiment_type_enum", "generator_run_type_enum"):
            enum = getattr(self, argument)
            if enum is not None:
                checked_enum(enum, argument)
        self.bundle  # noqa: B018  # asked for here, so that a class registered wrongly is told at once

    @property
    def bundle(self) -> RegistryBundle:
        """The classes as a bundle."""
        return RegistryBundle(
            metric_clss=self.metric_registry,
            runner_clss=self.runner_registry,
            json_encoder_registry=self.json_encoder_registry,
            json_decoder_registry=self.json_decoder_registry,
        )
