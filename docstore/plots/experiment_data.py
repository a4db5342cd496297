"""What plots take from an experiment: its arms with what was measured on them, its objectives and its parameters.

An experiment is read by its JSON, whose members have the same names for docstore's own model and for Ax's classes. One
that is stored needs no class of a user. Nothing here needs Matplotlib.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.kinds import EXPERIMENT
from docstore.errors import EncodeError, InvalidValueError, short_repr
from docstore.registry.bundle import mapper_of
from docstore.search.experiments.best import (
    Bound,
    abandoned_arms,
    bound_of,
    by_trial_and_arm,
    condition,
    counted_observations,
    number,
    objectives_of,
    weighted,
    weighted_sem,
)
from docstore.search.experiments.read import (
    Decode,
    StoredExperiment,
    arms_of,
    at,
    by_index,
    decoded,
    in_order,
    items,
    parameter_types,
)

Measurement: TypeAlias = tuple[float, float | None]
"""The mean of a metric, and its standard error; None if that is not known."""

Condition: TypeAlias = Callable[[Mapping[str, float]], bool]
"""Says of the metrics of an arm whether a constraint is known to hold."""


def is_drawable(value: float) -> bool:
    """Return whether *value* is finite, and not so large that the width of an axis would overflow."""
    return abs(value) < 1e300


@dataclass(frozen=True, slots=True)
class TriedArm:
    """One arm in one trial, with what was measured last on it there.

    Attributes:
        label: ``trial 3``; of a batch, ``trial 3, arm 3_1``.
        status: of the trial; ABANDONED, too, for an abandoned arm of a batch.
        measured: by metric; empty for a trial or an arm whose observations do not count.
        is_feasible: whether each outcome constraint is known to hold.
    """

    trial_index: int
    name: str
    label: str
    status: str
    parameters: Mapping[str, Any]
    measured: Mapping[str, Measurement]
    is_feasible: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What is plotted: a metric, or a weighted sum of metrics.

    Attributes:
        label: with the unit, if it is known.
        minimize: whether less is better; None if nothing says so.
    """

    weights: Mapping[str, float]
    label: str
    minimize: bool | None

    @property
    def directed_label(self) -> str:
        """The label with the direction: ``loss (minimized)``."""
        return self.label if self.minimize is None else f"{self.label} ({'min' if self.minimize else 'max'}imized)"

    def measured_on(self, arm: TriedArm) -> Measurement | None:
        """Return the value on *arm* and its standard error; None if a metric is missing or the value cannot be drawn.

        The standard error of a sum is that of independent metrics.
        """
        value = weighted(self.weights, {metric: mean for metric, (mean, _) in arm.measured.items()})
        if value is None or not is_drawable(value):
            return None
        sem = weighted_sem(self.weights, {metric: sem for metric, (_, sem) in arm.measured.items()})
        return value, sem if sem is not None and is_drawable(sem) else None

    def is_better(self, value: float, other: float) -> bool:
        """Return whether *value* is better than *other*."""
        return value < other if self.minimize else value > other


@dataclass(frozen=True)
class Dimension:
    """A parameter as an axis.

    Attributes:
        scale: ``"linear"``, ``"log"``, ``"logit"`` or ``"choice"``.
        bounds: of the search space; None if it has none.
        choices: the text of each value of a choice, in its order on the axis.
    """

    name: str
    scale: str
    bounds: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()

    @cached_property
    def _places(self) -> dict[str, float]:
        return {text: float(place) for place, text in enumerate(self.choices)}

    def position(self, arm: TriedArm) -> float | None:
        """Return where the value of *arm* is on the axis; None if it has none, or one that cannot be on it."""
        if self.name not in arm.parameters:
            return None
        value = arm.parameters[self.name]
        if self.scale == "choice":
            return self._places.get(_text(value))
        place = number(value)
        is_off = place is None or not is_drawable(place) or (self.scale != "linear" and place <= 0)
        return None if is_off or (self.scale == "logit" and place is not None and place >= 1) else place


def _text(value: object) -> str:
    """Return a parameter's value as a label; 1 and 1.0 are the same."""
    if isinstance(value, str):
        return value
    return f"{value:.12g}" if number(value) is not None else short_repr(value)


@dataclass(frozen=True)
class ExperimentData:
    """An experiment as plots read it."""

    stored: StoredExperiment
    decode: Decode

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.stored.name

    @cached_property
    def arms(self) -> tuple[TriedArm, ...]:
        """Each arm of each trial, by trial."""
        measured = by_trial_and_arm(counted_observations(self.stored, self.decode))
        names, conditions = parameter_types(self.stored.head), self.conditions(measured)
        found = []
        for index, body in self.stored.trials.items():
            status, gone = str(at(body, "status")), abandoned_arms(body) or ()
            arms = list(arms_of(body))
            for arm, parameters in arms:
                label = f"trial {index}" + (f", arm {arm}" if len(arms) > 1 else "")
                metrics = measured.get((index, arm), {})
                means = {metric: mean for metric, (mean, _) in metrics.items()}
                known = in_order(decoded(parameters, self.decode), names)
                is_feasible = all(holds(means) for holds in conditions)
                its_status = "ABANDONED" if arm in gone else status
                found.append(TriedArm(index, arm, label, its_status, known, metrics, is_feasible))
        return tuple(found)

    def conditions(self, measured: Mapping[tuple[int, str], Mapping[str, Measurement]]) -> list[Condition]:
        """Return what says whether each constraint holds; *measured* has the metrics by trial and arm."""
        if not self.constraints:
            return []
        status_quo = at(self.stored.head, "status_quo", "name")
        grouped: dict[str, list[float]] = {}
        for (_, arm), metrics in measured.items():
            if arm == status_quo:
                for metric, (mean, _) in metrics.items():
                    grouped.setdefault(metric, []).append(mean)
        baseline = {metric: sum(means) / len(means) for metric, means in grouped.items()}
        return [_condition(bound, baseline) for bound in self.constraints]

    @cached_property
    def _config(self) -> Any:
        return self.decode(at(self.stored.head, "optimization_config"))

    @cached_property
    def constraints(self) -> tuple[Bound, ...]:
        """The outcome constraints."""
        return tuple(map(bound_of, items(self._config, "outcome_constraints")))

    @cached_property
    def thresholds(self) -> tuple[Bound, ...]:
        """The thresholds of several objectives: what is worse than one is of no use."""
        return tuple(map(bound_of, items(self._config, "objective_thresholds")))

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The objectives; several, if there are several at once."""
        if self._config is None:
            return ()
        parts = objectives_of(at(self._config, "objective"))
        return tuple(Target(weights, self._label(weights), minimize) for weights, minimize in parts)

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """The name of each metric that was measured, or is declared."""
        measured = [metric for arm in self.arms for metric in arm.measured]
        aimed_at = [metric for target in self.targets for metric in target.weights]
        return tuple(dict.fromkeys([*aimed_at, *self._metrics, *measured]))

    @cached_property
    def _metrics(self) -> dict[str, Any]:
        """The members of each metric that is declared, by its name."""
        config, head = self._config, self.stored.head
        listed = [*items(head, "tracking_metrics"), *items(at(config, "objective"), "metrics")]
        listed += [each for bound in items(config, "outcome_constraints") for each in items(bound, "metrics")]
        return {str(at(each, "name")): each for each in listed}

    def _label(self, weights: Mapping[str, float]) -> str:
        if len(weights) > 1:
            return " + ".join(f"{weight:.4g}·{name}" for name, weight in weights.items()).replace("+ -", "- ")
        [name] = weights
        unit = at(self._metrics.get(name), "properties", "unit")
        return f"{name} [{unit}]" if isinstance(unit, str) and unit else name

    def target(self, metric: str | None, *, otherwise: str) -> Target:
        """Return the objective; or, if it is given, the *metric*.

        Args:
            otherwise: what to do if there are several objectives, as a sentence.

        Raises:
            InvalidValueError: no such metric was measured or declared; or, without *metric*, there is no objective, or
                there are several.
        """
        known = ", ".join(map(repr, self.metric_names)) or "none"
        if metric is not None:
            if metric not in self.metric_names:
                raise InvalidValueError("metric", metric, f"Experiment {self.name!r} has these: {known}.")
            alone = [each for each in self.targets if [*each.weights] == [metric]]
            lower = at(self._metrics.get(metric), "lower_is_better")
            plain = Target({metric: 1.0}, self._label({metric: 1.0}), lower if isinstance(lower, bool) else None)
            return alone[0] if alone else plain
        if len(self.targets) != 1:
            shown = [target.label for target in self.targets] or None
            raise InvalidValueError(f"objective of {self.name!r}", shown, f"{otherwise} Its metrics: {known}.")
        return self.targets[0]

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Each parameter of the search space that is not fixed, and then those that only arms have."""
        used: dict[str, dict[Any, None]] = {}
        for arm in self.arms:
            for name, value in arm.parameters.items():
                used.setdefault(name, {})[_text(value) if number(value) is None else value] = None
        declared = {str(at(each, "name")): each for each in items(self.stored.head, "search_space", "parameters")}
        fixed = {name for name, body in declared.items() if str(at(body, "__type")).endswith("FixedParameter")}
        return tuple(
            _dimension(name, self.decode(declared.get(name)), [*used.get(name, ())])
            for name in dict.fromkeys([*declared, *used])
            if name not in fixed
        )

    def chosen(self, parameters: Iterable[str] | None) -> tuple[Sequence[Dimension], str]:
        """Return the axes of *parameters*, by default of the first 40 that vary; and the title of their plot.

        Raises:
            InvalidValueError: there is no such parameter, or it is fixed.
        """
        if parameters is not None:
            return [self.dimension(each) for each in parameters], self.name
        if len(self.dimensions) <= _MOST:
            return self.dimensions, self.name
        return self.dimensions[:_MOST], f"the first {_MOST} of {len(self.dimensions):,} parameters of {self.name}"

    def dimension(self, name: str) -> Dimension:
        """Return the axis of the parameter *name*.

        Raises:
            InvalidValueError: there is none, or it is fixed.
        """
        found = {each.name: each for each in self.dimensions}
        if name not in found:
            known = ", ".join(map(repr, found)) or "none"
            raise InvalidValueError("parameter", name, f"Experiment {self.name!r} has these that vary: {known}.")
        return found[name]


_MOST: Final = 40
"""So many parameters are drawn if none is named: more would make a picture that no screen shows."""

_MANY: Final = 12
"""So many numbers may be the choices of an axis with a place for each; more are on an axis of numbers."""


def _dimension(name: str, parameter: Any, used: Sequence[Any]) -> Dimension:
    """Return the axis of a *parameter*, None if the search space has none, of which arms have the values *used*."""
    choices = items(parameter, "values")
    are_numbers = all(number(value) is not None for value in (*choices, *used))
    scale = next((each for each in ("log", "logit") if at(parameter, f"{each}_scale") is True), "linear")
    lower, upper = (number(at(parameter, key)) for key in ("lower", "upper"))
    if lower is not None and upper is not None:
        return Dimension(name, scale, (lower, upper))
    if are_numbers and not 0 < len(choices) <= _MANY and at(parameter, "parameter_type") not in ("BOOL", "STRING"):
        return Dimension(name, scale)
    if at(parameter, "parameter_type") == "BOOL":
        choices = [False, True]
    return Dimension(name, "choice", choices=tuple(dict.fromkeys(map(_text, [*choices, *used]))))


def experiment_data(experiment: Any) -> ExperimentData:
    """Return what plots take from an experiment.

    Args:
        experiment: an experiment of docstore or of Ax, or its JSON as ``store.get`` returns it.

    Raises:
        InvalidValueError: it is neither.
        EncodeError: it has an object of a class that is not registered.

    Cost:
        One encoding of an object.
    """
    if isinstance(experiment, Mapping):
        return _of_document(experiment, lambda value: value)
    mapper = mapper_of(None)
    try:
        is_experiment = mapper.kind_of(experiment).name == EXPERIMENT.name
    except EncodeError:
        is_experiment = False
    if not is_experiment:
        raise InvalidValueError("experiment", experiment, _HOW)
    return _of_document(mapper.encode(experiment), Codec(Registry(), unknown="members").decode)


_HOW: Final = "Give an experiment, as store.load(name) returns it, or its JSON, as store.get(name) does."


def _of_document(document: Any, decode: Decode) -> ExperimentData:
    if not isinstance(at(document, "trials"), dict) or not isinstance(at(document, "search_space"), dict):
        raise InvalidValueError("experiment", document, _HOW)
    head = {key: value for key, value in document.items() if key not in ("trials", "data")}
    trials, data = (by_index(document.get(field)) for field in ("trials", "data"))
    return ExperimentData(StoredExperiment("", str(head.get("name") or "experiment"), head, trials, data), decode)


def _condition(bound: Bound, baseline: Mapping[str, float]) -> Condition:
    try:
        return condition(bound, baseline)
    except InvalidValueError:  # relative to a status quo that was not measured: it is not known to hold
        return lambda means: False
