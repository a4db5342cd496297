"""Strategies for search spaces with parameters of every sort, and for arms that lie in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from docstore.model import (
    ChoiceParameter,
    DerivedParameter,
    FixedParameter,
    Parameter,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    SearchSpace,
    TParamValue,
)
from docstore.testing.strategies.values import integers, texts

_FINITE: Final = st.floats(allow_nan=False, allow_infinity=False)
# The model compares bounds in floats: of larger ones it may refuse the very bound as a value.
_COUNTABLE: Final = st.integers(-(2**53), 2**53)
_VALUES: Final[dict[ParameterType, SearchStrategy[Any]]] = {
    ParameterType.BOOL: st.booleans(),
    ParameterType.INT: integers(),
    ParameterType.FLOAT: st.floats(allow_nan=False),
    ParameterType.STRING: texts(),
}


@st.composite
def search_spaces(draw: st.DrawFn) -> SearchSpace:
    """Draw a search space of 0 to 5 parameters, with constraints between those that are numbers."""
    named = draw(st.lists(texts().filter(bool), max_size=4, unique=True))
    parameters = [draw(draw(_PARAMETERS)(name)) for name in named]
    parameters += draw(_RELATED)(parameters)
    return SearchSpace(parameters, draw(_constraints(parameters)))


# --- single parameters -----------------------------------------------------------------------------------------------


def _options(kind: ParameterType) -> SearchStrategy[dict[str, Any]]:
    """Draw what any parameter of that type may have besides: a target of a fidelity, a backfill, a default."""
    value = _VALUES[kind]
    return st.fixed_dictionaries({}, optional={"backfill_value": value, "default_value": value}) | st.builds(
        lambda target: {"is_fidelity": True, "target_value": target}, value
    )


def _bounds(numbers: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def _ranges(draw: st.DrawFn, name: str) -> RangeParameter:
    kind = draw(st.sampled_from([ParameterType.INT, ParameterType.FLOAT]))
    lower, upper = draw(_bounds(_FINITE if kind is ParameterType.FLOAT else _COUNTABLE))
    scales: list[dict[str, Any]] = [{}, {"digits": draw(st.integers(0, 20))}]
    if lower > 0:
        scales.append({"log_scale": True})
    if 0 < lower < upper < 1:
        scales.append({"logit_scale": True})
    options = draw(_options(kind)) | draw(st.sampled_from(scales))
    return RangeParameter(name, kind, lower, upper, **options)


@st.composite
def _stepped(draw: st.DrawFn, name: str) -> RangeParameter:
    lower, step, count = (
        draw(st.integers(-(2**20), 2**20)),
        draw(st.sampled_from([1, 3, 0.25])),
        draw(st.integers(1, 9)),
    )
    return RangeParameter(name, ParameterType.FLOAT, lower, lower + step * count, step_size=step)


@st.composite
def _choices(draw: st.DrawFn, name: str) -> ChoiceParameter:
    kind = draw(st.sampled_from(ParameterType))
    values = draw(st.lists(_VALUES[kind], min_size=2, max_size=3, unique=True))
    flags = st.none() | st.booleans()
    is_positive = kind.is_numeric and all(value > 0 for value in values)
    return ChoiceParameter(
        name,
        kind,
        values,
        draw(flags),
        draw(st.booleans()),
        sort_values=draw(flags),
        log_scale=draw(flags if is_positive else st.sampled_from([None, False])),
        **draw(_options(kind)),
    )


@st.composite
def _fixed(draw: st.DrawFn, name: str) -> FixedParameter:
    kind = draw(st.sampled_from(ParameterType))
    return FixedParameter(name, kind, draw(_VALUES[kind]), **draw(_options(kind)))


_Named: TypeAlias = Callable[[str], SearchStrategy[Parameter]]
_PARAMETERS: Final = st.sampled_from([_ranges, _stepped, _choices, _fixed])


# --- parameters that lean on others ----------------------------------------------------------------------------------


def _none(parameters: list[Parameter]) -> list[Parameter]:
    return []


def _derived(parameters: list[Parameter]) -> list[Parameter]:
    source = RangeParameter("x1", ParameterType.FLOAT, -0.0, 0.1)
    derived = DerivedParameter("from x1", ParameterType.FLOAT, "-2.5*x1 + 1e-7")
    return [] if "x1" in {each.name for each in parameters} else [source, derived]


def _hierarchical(parameters: list[Parameter]) -> list[Parameter]:
    names = [each.name for each in parameters]
    dependents = {True: names, False: []}
    return (
        [] if "root" in names else [ChoiceParameter("root", ParameterType.BOOL, [True, False], dependents=dependents)]
    )


_RELATED: Final = st.sampled_from([_none, _derived, _hierarchical])


@st.composite
def _constraints(draw: st.DrawFn, parameters: list[Parameter]) -> list[ParameterConstraint]:
    """Draw constraints that hold for every arm: the weight of each parameter is 0, of either sign."""
    free = [
        each.name
        for each in parameters
        if isinstance(each, RangeParameter)
        and not each.log_scale
        and all(math.isfinite(float(bound)) for bound in (each.lower, each.upper))
    ]
    if not free or draw(st.booleans()):
        return []
    weights = draw(st.dictionaries(st.sampled_from(free), st.sampled_from([0.0, -0.0]), min_size=1))
    return [ParameterConstraint(constraint_dict=weights, bound=draw(st.floats(0, allow_infinity=False)))]


# --- arms ------------------------------------------------------------------------------------------------------------


def parameterizations(space: SearchSpace) -> SearchStrategy[dict[str, TParamValue]]:
    """Draw values that lie in *space*, for all of its parameters but those that follow from others."""
    inside = {name: _inside(each) for name, each in space.parameters.items() if not isinstance(each, DerivedParameter)}
    return st.fixed_dictionaries(inside)


def _inside(parameter: Parameter) -> SearchStrategy[Any]:
    if isinstance(parameter, FixedParameter):
        return st.just(parameter.value)
    if isinstance(parameter, ChoiceParameter):
        return st.sampled_from(parameter.values)
    assert isinstance(parameter, RangeParameter)  # the others are left out above
    ends = st.sampled_from([parameter.lower, parameter.upper])
    if parameter.step_size is not None:
        return ends
    if parameter.parameter_type is ParameterType.INT:
        return ends | st.integers(int(parameter.lower), int(parameter.upper))
    return ends | st.floats(parameter.lower, parameter.upper)
