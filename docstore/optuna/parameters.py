"""Optuna's distributions and the parameters of a search space: each made from the other, exactly where both have it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Final

from optuna import distributions
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from docstore.errors import InvalidValueError
from docstore.model.parameter import (
    ChoiceParameter,
    FixedParameter,
    Parameter,
    ParameterType,
    RangeParameter,
    TParamValue,
)

_PLAIN: Final = {bool: ParameterType.BOOL, int: ParameterType.INT, str: ParameterType.STRING}


def parameter_of(name: str, distribution: BaseDistribution) -> Parameter:
    """Return the parameter with the range or the choices of *distribution*.

    A range of one number, or a single choice, is a FixedParameter.
    """
    if isinstance(distribution, CategoricalDistribution):
        return _choice(name, stored_choices(distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)  # Optuna has no others
    kind = ParameterType.INT if isinstance(distribution, IntDistribution) else ParameterType.FLOAT
    low, high = (
        max(-sys.float_info.max, min(bound, sys.float_info.max)) for bound in (distribution.low, distribution.high)
    )
    if low == high:
        return FixedParameter(name, kind, low)
    step = None if kind is ParameterType.INT and distribution.step == 1 else distribution.step
    try:
        return RangeParameter(name, kind, low, high, log_scale=distribution.log, step_size=step)
    except InvalidValueError:
        # Optuna counts steps in decimals: from 0 to 1e9 in steps of 1e-9, say, rounding leaves no whole number.
        return RangeParameter(name, kind, low, high, log_scale=distribution.log)


def _choice(name: str, values: Sequence[TParamValue]) -> Parameter:
    types = {type(value) for value in values}
    kind = _PLAIN[types.pop()] if len(types) == 1 and float not in types else ParameterType.FLOAT
    if len(values) == 1:
        return FixedParameter(name, kind, values[0])
    return ChoiceParameter(name, kind, list(values), is_ordered=False, sort_values=False)


def distribution_of(parameter: Parameter) -> BaseDistribution | None:
    """Return the distribution with the range or the choices of *parameter*, or None if Optuna has no such one."""
    try:
        if isinstance(parameter, RangeParameter):
            return _range(parameter)
        if isinstance(parameter, ChoiceParameter):
            return CategoricalDistribution(parameter.values)
        if isinstance(parameter, FixedParameter):
            return _fixed(parameter)
    except ValueError:
        return None
    return None


def _range(parameter: RangeParameter) -> BaseDistribution:
    low, high, step = parameter.lower, parameter.upper, parameter.step_size
    if parameter.parameter_type is ParameterType.INT:
        return IntDistribution(int(low), int(high), parameter.log_scale, 1 if step is None else int(step))
    return FloatDistribution(low, high, parameter.log_scale, step)


def _fixed(parameter: FixedParameter) -> BaseDistribution:
    value: Any = parameter.value
    if parameter.parameter_type is ParameterType.INT:
        return IntDistribution(value, value)
    return FloatDistribution(value, value) if parameter.is_numeric else CategoricalDistribution([value])


def stored_choices(choices: Sequence[Any]) -> list[TParamValue]:
    """Return what arms and the search space have for *choices*, each at its index.

    Choices of one type are themselves. A parameter has one type: of choices of several types, such as None and "adam",
    each is its text.
    """
    types = {type(choice) for choice in choices}
    if len(types) == 1 and types <= _PLAIN.keys() and len(set(choices)) == len(choices):
        return list(choices)
    if types <= {int, float} and all(map(math.isfinite, choices)) and len(set(choices)) == len(choices):
        return list(choices)
    texts = [str(choice) for choice in choices]
    if len({*texts}) < len(texts) or "" in texts:
        texts = [repr(choice) for choice in choices]
    return [*texts] if len({*texts}) == len(texts) else [f"{number}: {text}" for number, text in enumerate(texts)]


def stored_value(distribution: BaseDistribution, value: Any) -> TParamValue:
    """Return what an arm has for the *value* of a parameter."""
    if not isinstance(distribution, CategoricalDistribution):
        return value  # type: ignore[no-any-return]  # a number
    return stored_choices(distribution.choices)[index_of(distribution, value)]


def value_of(distribution: BaseDistribution, stored: Any) -> Any:
    """Return the value of a parameter for what an arm has, or that itself if it is none of the choices."""
    if not isinstance(distribution, CategoricalDistribution):
        return stored
    stored_ones = stored_choices(distribution.choices)
    at = next((n for n, each in enumerate(stored_ones) if type(each) is type(stored) and each == stored), None)
    return stored if at is None else distribution.choices[at]


def index_of(distribution: CategoricalDistribution, value: Any) -> int:
    """Return the index of *value* among the choices. Optuna itself takes 1 for True, which may be another choice."""
    exact = (n for n, choice in enumerate(distribution.choices) if repr(choice) == repr(value))
    found = next(exact, None)
    return int(distribution.to_internal_repr(value)) if found is None else found


def as_members(distribution: BaseDistribution) -> dict[str, Any]:
    """Return the class and the attributes of *distribution*, to be stored."""
    return {"class": type(distribution).__name__, **distribution._asdict()}


def of_members(members: dict[str, Any]) -> BaseDistribution:
    """Return the distribution that ``as_members`` gave.

    Raises:
        InvalidValueError: its class is none of Optuna's.
    """
    attributes = dict(members)
    name = attributes.pop("class", None)
    cls = getattr(distributions, name, None) if isinstance(name, str) else None
    if not isinstance(cls, type) or not issubclass(cls, BaseDistribution):
        raise InvalidValueError("class of a distribution", name, "Give one of Optuna's, such as 'FloatDistribution'.")
    made: BaseDistribution = cls(**attributes)
    return made
