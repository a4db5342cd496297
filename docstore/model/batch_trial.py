"""A trial of several arms: their generator runs, with weights, and the arms that were abandoned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from docstore.errors import InvalidValueError, short_repr
from docstore.model.arm import Arm
from docstore.model.checks import check_finite, check_text
from docstore.model.generator_run import GeneratorRun, GeneratorRunType
from docstore.model.trial import BaseTrial, Results

if TYPE_CHECKING:
    from docstore.model.experiment import Experiment

_STATUS_QUO = GeneratorRunType.STATUS_QUO.name


@dataclass
class AbandonedArm:
    """An arm that was abandoned while its trial goes on: its name, when, and why."""

    name: str
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason: str | None = None


@dataclass(init=False, repr=False)
class BatchTrial(BaseTrial):
    """A trial of several arms that are run and measured together, each with a share of the resources."""

    _generator_runs: list[GeneratorRun] = field(default_factory=list)
    abandoned_arms_metadata: list[AbandonedArm] = field(default_factory=list)
    should_add_status_quo_arm: bool = False

    def __init__(
        self,
        experiment: Experiment,
        index: int,
        trial_type: str | None = None,
        ttl_seconds: int | None = None,
        should_add_status_quo_arm: bool = False,
    ) -> None:
        super().__init__(experiment, index, trial_type, ttl_seconds)
        self._generator_runs, self.abandoned_arms_metadata = [], []
        self.should_add_status_quo_arm = should_add_status_quo_arm

    @property
    def generator_runs(self) -> list[GeneratorRun]:
        """The generator runs that the arms came from, oldest first."""
        return self._generator_runs

    @property
    def arm_weights(self) -> dict[Arm, float]:
        """The weight of each arm, added up over the generator runs."""
        totals: dict[Arm, float] = {}
        for run in self.generator_runs:
            for arm, weight in zip(run.arms, run.weights, strict=True):
                totals[arm] = totals.get(arm, 0.0) + weight
        return totals

    @property
    def arms(self) -> list[Arm]:
        """Every arm once, in the order in which they were added."""
        return list(self.arm_weights)

    @property
    def weights(self) -> list[float]:
        """The weight of each of ``arms``."""
        return list(self.arm_weights.values())

    def normalized_arm_weights(self, total: float = 1) -> dict[Arm, float]:
        """Return the weight of each arm, scaled so that they add up to *total*."""
        weights = self.arm_weights
        present = sum(weights.values())
        if present <= 0:
            raise InvalidValueError(f"total weight of {self._label}", present, "Add arms whose weights are above 0.")
        return {arm: weight * total / present for arm, weight in weights.items()}

    @property
    def status_quo(self) -> Arm | None:
        """The arm to compare with: this trial's own status quo, or the experiment's."""
        added = next((run.arms[0] for run in self.generator_runs if run.generator_run_type == _STATUS_QUO), None)
        return added or self.experiment.status_quo

    @property
    def abandoned_arm_names(self) -> set[str]:
        """The names of the abandoned arms."""
        return {abandoned.name for abandoned in self.abandoned_arms_metadata}

    @property
    def abandoned_arms(self) -> list[Arm]:
        """The abandoned arms."""
        by_name = self.arms_by_name
        return [by_name[abandoned.name] for abandoned in self.abandoned_arms_metadata if abandoned.name in by_name]

    def add_arm(self, arm: Arm, weight: float = 1.0, generator_run_type: str | Enum | None = None) -> Self:
        """Add *arm*, give it a name if it has none, and return the trial."""
        return self.add_arms_and_weights([arm], [weight], generator_run_type)

    def add_arms_and_weights(
        self,
        arms: Sequence[Arm],
        weights: Sequence[float] | None = None,
        generator_run_type: str | Enum | None = None,
    ) -> Self:
        """Add *arms*, give each a name that has none, and return the trial."""
        return self.add_generator_run(GeneratorRun(arms, weights, type=generator_run_type))

    def add_status_quo_arm(self, weight: float = 1.0) -> Self:
        """Add the experiment's status quo, unless the trial has it with that weight, and return the trial."""
        status_quo = self.experiment.status_quo
        if status_quo is None:
            raise InvalidValueError(
                "status quo of the experiment", None, "Set it first: experiment.status_quo = Arm(...)."
            )
        if check_finite("weight of the status quo", weight) <= 0:
            raise InvalidValueError("weight of the status quo", weight, "Give one above 0.")
        present = {arm.name: total for arm, total in self.arm_weights.items()}.get(status_quo.name)
        if present is None:
            return self.add_arm(status_quo, weight, GeneratorRunType.STATUS_QUO)
        if present != weight:
            raise InvalidValueError(
                "weight of the status quo", weight, f"It is there with {present!r}: make a new trial."
            )
        return self

    def add_generator_run(self, generator_run: GeneratorRun) -> Self:
        """Add the arms of *generator_run*, give each a name that has none, and return the trial."""
        if not isinstance(generator_run, GeneratorRun):
            remedy = "Give a GeneratorRun, or add arms: new_batch_trial().add_arms_and_weights([Arm(...)])."
            raise InvalidValueError(f"generator run of {self._label}", generator_run, remedy)
        is_status_quo = generator_run.generator_run_type == _STATUS_QUO
        if is_status_quo and any(run.generator_run_type == _STATUS_QUO for run in self.generator_runs):
            raise InvalidValueError(
                f"status quo of {self._label}", generator_run, "It has one: make a new trial for another."
            )
        # The status quo may well lie outside of the search space.
        self._admit(generator_run.arms, check_membership=not is_status_quo)
        self._generator_runs.append(generator_run)
        return self

    def mark_arm_abandoned(self, arm_name: str, reason: str | None = None) -> Self:
        """Mark one arm as abandoned while the trial goes on, and return the trial."""
        if arm_name not in self.arms_by_name:
            raise InvalidValueError(
                f"arm of {self._label}", arm_name, f"It has {', '.join(map(repr, self.arms_by_name))}."
            )
        check_text(f"reason of {self._label}", reason)
        if arm_name not in self.abandoned_arm_names:
            self.abandoned_arms_metadata.append(AbandonedArm(arm_name, reason=reason))
        return self

    def _by_arm(self, results: Results) -> Mapping[str, Any]:
        if (
            not isinstance(results, Mapping)
            or not results
            or not all(isinstance(of, Mapping) for of in results.values())
        ):
            names = ", ".join(map(repr, self.arms_by_name)) or "none: add one first"
            remedy = f"Give the results of each arm, by its name: {{'0_0': {{'loss': 0.1}}}}. The arms are {names}."
            raise InvalidValueError(f"results of {self._label}", results, remedy)
        return results

    def __repr__(self) -> str:
        arms = short_repr(sorted(self.arms_by_name))
        return f"BatchTrial(index={self.index}, status={self._status.name}, arms={arms})"
