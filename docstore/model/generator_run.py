"""A generator run: arms that were generated together, with predictions, metadata and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeAlias

from docstore.documents.display import counted
from docstore.errors import InvalidValueError
from docstore.model.arm import Arm
from docstore.model.checks import check_dict, check_finite, check_instances, check_time, name_of

TModelPredict: TypeAlias = tuple[dict[str, list[float]], dict[str, dict[str, list[float]]]]
"""Means by metric, and covariances by metric and metric; each list has a number for each arm."""


class GeneratorRunType(Enum):
    """Usual types of generator runs; any other name may be used. The model itself gives ``STATUS_QUO`` only."""

    STATUS_QUO = 0
    MANUAL = 1


@dataclass(init=False, repr=False)
class GeneratorRun:
    """Arms with their weights, and how they were generated.

    Units:
        *fit_time* and *gen_time* are seconds. A weight is a share of a trial's resources, in no unit.
    """

    arms: list[Arm]
    weights: list[float] = field(default_factory=list)
    _generator_run_type: str | None = None
    time_created: datetime = field(default_factory=lambda: datetime.now(UTC))
    fit_time: float | None = None
    gen_time: float | None = None
    generator_key: str | None = None
    generation_node_name: str | None = None
    model_predictions: TModelPredict | None = None
    best_arm_predictions: tuple[Arm, Any] | None = None
    gen_metadata: dict[str, Any] | None = None
    candidate_metadata_by_arm_signature: dict[str, Any] | None = None

    def __init__(
        self,
        arms: Sequence[Arm],
        weights: Sequence[float] | None = None,
        *,
        type: str | Enum | None = None,
        generator_run_type: str | Enum | None = None,
        model_predictions: TModelPredict | None = None,
        best_arm_predictions: tuple[Arm, Any] | None = None,
        fit_time: float | None = None,
        gen_time: float | None = None,
        generator_key: str | None = None,
        gen_metadata: Mapping[str, Any] | None = None,
        candidate_metadata_by_arm_signature: Mapping[str, Any] | None = None,
        generation_node_name: str | None = None,
        time_created: datetime | None = None,
    ) -> None:
        given = check_instances("arm of a generator run", arms, Arm)
        self.arms, self.weights = _merged(given, _checked_weights(given, weights))
        # Ax names the argument `type` and the attribute `generator_run_type`: both are understood.
        self.generator_run_type = type if generator_run_type is None else generator_run_type
        self.time_created = check_time("time_created of a generator run", time_created) or datetime.now(UTC)
        self.fit_time = None if fit_time is None else check_finite("fit_time of a generator run", fit_time)
        self.gen_time = None if gen_time is None else check_finite("gen_time of a generator run", gen_time)
        self.generator_key, self.generation_node_name = generator_key, generation_node_name
        self.model_predictions, self.best_arm_predictions = model_predictions, best_arm_predictions
        self.gen_metadata = None if gen_metadata is None else check_dict("gen_metadata", gen_metadata)
        of_arms = candidate_metadata_by_arm_signature
        self.candidate_metadata_by_arm_signature = (
            None if of_arms is None else check_dict("candidate_metadata_by_arm_signature", of_arms)
        )

    @property
    def generator_run_type(self) -> str | None:
        """The name of the run's type. A member of an Enum may be assigned; its name is kept."""
        return self._generator_run_type

    @generator_run_type.setter
    def generator_run_type(self, value: str | Enum | None) -> None:
        self._generator_run_type = name_of("type of a generator run", value)

    @property
    def arm_weights(self) -> dict[Arm, float]:
        """The weight of each arm, in order."""
        return dict(zip(self.arms, self.weights, strict=True))

    def __repr__(self) -> str:
        kind = f", type={self._generator_run_type!r}" if self._generator_run_type else ""
        return f"GeneratorRun({counted(len(self.arms), 'arm')}, total weight {sum(self.weights)}{kind})"


def _checked_weights(arms: Sequence[Arm], weights: Sequence[float] | None) -> list[float]:
    if weights is None:
        return [1.0] * len(arms)
    given = list(weights) if isinstance(weights, Iterable) else []
    if len(given) != len(arms):
        raise InvalidValueError("weights of a generator run", weights, f"Give one for each of the {len(arms)} arms.")
    return [check_finite("weight of an arm", weight) for weight in given]


def _merged(arms: list[Arm], weights: list[float]) -> tuple[list[Arm], list[float]]:
    """Return each arm once, with its weights added up."""
    if len(arms) < 2:
        return arms, weights
    places: dict[str, int] = {}
    kept: list[Arm] = []
    totals: list[float] = []
    for arm, weight in zip(arms, weights, strict=True):
        place = places.setdefault(arm.signature, len(kept))
        if place == len(kept):
            kept.append(arm)
            totals.append(weight)
        else:
            totals[place] += weight
    return kept, totals
