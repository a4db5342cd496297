"""What plots take from an experiment: its data, and its parameters as axes. Nothing here needs Matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.kinds import EXPERIMENT
from docstore.errors import EncodeError, InvalidValueError, short_repr
from docstore.registry.bundle import mapper_of
from docstore.search.experiments.best import number
from docstore.search.experiments.data import ExperimentData, TriedArm, is_drawable
from docstore.search.experiments.read import Decode, StoredExperiment, at, by_index, items


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
class PlotData(ExperimentData):
    """An experiment as plots read it."""

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


def experiment_data(experiment: Any) -> PlotData:
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


def _of_document(document: Any, decode: Decode) -> PlotData:
    if not isinstance(at(document, "trials"), dict) or not isinstance(at(document, "search_space"), dict):
        raise InvalidValueError("experiment", document, _HOW)
    head = {key: value for key, value in document.items() if key not in ("trials", "data")}
    trials, data = (by_index(document.get(field)) for field in ("trials", "data"))
    return PlotData(StoredExperiment("", str(head.get("name") or "experiment"), head, trials, data), decode)
