"""A search space: the parameters of an experiment, and linear constraints between them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from docstore.documents.display import counted
from docstore.errors import InvalidValueError, short_repr
from docstore.model import expressions
from docstore.model.checks import check_dict, check_finite, check_instances, check_name, check_unique
from docstore.model.html import search_space_html
from docstore.model.parameter import (
    ChoiceParameter,
    DerivedParameter,
    Parameter,
    RangeParameter,
    TParameterization,
    TParamValue,
)

_TOLERANCE = 1e-8
_HOW = "Write inequality='x1 + x2 <= 3', equality='x1 + x2 == 3', or constraint_dict={'x1': 1.0} with bound=3.0."


@dataclass(init=False)
class ParameterConstraint:
    """A linear constraint: the weighted sum of some parameters is at most, or exactly, the bound."""

    constraint_dict: dict[str, float]
    bound: float = 0.0
    is_equality: bool = False

    def __init__(
        self,
        inequality: str | None = None,
        *,
        equality: str | None = None,
        constraint_dict: Mapping[str, float] | None = None,
        bound: float | None = None,
    ) -> None:
        if sum(form is not None for form in (inequality, equality, constraint_dict)) != 1:
            raise InvalidValueError(
                "ParameterConstraint", (inequality, equality, constraint_dict), f"Give one form. {_HOW}"
            )
        self.is_equality = equality is not None
        if constraint_dict is not None:
            self.constraint_dict = {
                check_name("parameter of a constraint", name): float(check_finite(f"weight of {name!r}", weight))
                for name, weight in check_dict("constraint_dict", constraint_dict).items()
            }
            self.bound = float(check_finite("bound of a ParameterConstraint", bound))
        else:
            self._read(inequality if equality is None else equality)
        if not self.constraint_dict:
            raise InvalidValueError(
                "ParameterConstraint", inequality or equality or constraint_dict, f"Name a parameter. {_HOW}"
            )

    def _read(self, text: str | None) -> None:
        difference, operator = expressions.parse_comparison(text or "", thing="ParameterConstraint")
        if (operator == "==") != self.is_equality:
            raise InvalidValueError("ParameterConstraint", text, f"Its operator does not fit the argument. {_HOW}")
        if operator == ">=":
            difference = difference.times(-1.0)
        # Adding 0.0 makes 0.0 of -0.0, which would be another bound.
        self.bound = check_finite(f"bound of {text!r}", -difference.constant + 0.0)
        self.constraint_dict = {
            name: check_finite(f"weight of {name!r}", weight) for name, weight in difference.weights.items()
        }

    def check(self, parameter_dict: Mapping[str, TParamValue]) -> bool:
        """Return whether the values of *parameter_dict* fulfil the constraint, up to rounding."""
        total = 0.0
        for name, weight in self.constraint_dict.items():
            total += weight * check_finite(f"parameter {name!r} of {self!r}", parameter_dict.get(name))
        if self.is_equality:
            return abs(total - self.bound) <= _TOLERANCE
        return total <= self.bound + _TOLERANCE

    def __repr__(self) -> str:
        operator = "==" if self.is_equality else "<="
        return f"ParameterConstraint({expressions.build(self.constraint_dict)} {operator} {self.bound!r})"


@dataclass(init=False)
class SearchSpace:
    """The parameters, in the order in which they were given, and the constraints between them."""

    _parameters: list[Parameter] = field(default_factory=list)
    parameter_constraints: list[ParameterConstraint] = field(default_factory=list)

    def __init__(
        self, parameters: Sequence[Parameter], parameter_constraints: Sequence[ParameterConstraint] | None = None
    ) -> None:
        if isinstance(parameters, Parameter):
            remedy = "Give a list: SearchSpace([parameter])."
            raise InvalidValueError("parameters of the search space", parameters, remedy)
        self._parameters = []
        self.parameter_constraints = []
        self.add_parameters(parameters)
        self.add_parameter_constraints(parameter_constraints or [])

    def check_merged(self) -> None:
        """Check, after a merge of two people's changes, what the constructors check.

        Raises:
            InvalidValueError: a lower bound is above the upper one, say, or a constraint is on a removed parameter.
        """
        if not all(isinstance(parameter, Parameter) for parameter in self._parameters):
            return  # one whose class is not registered is kept unread
        parameters = [copy.copy(parameter) for parameter in self._parameters]
        for parameter in parameters:
            parameter.__post_init__()
        SearchSpace(parameters, self.parameter_constraints)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter by its name, in order. The dict is a new one."""
        return {parameter.name: parameter for parameter in self._parameters}

    @property
    def range_parameters(self) -> dict[str, RangeParameter]:
        """The parameters that are ranges, by name."""
        return {parameter.name: parameter for parameter in self._parameters if isinstance(parameter, RangeParameter)}

    @property
    def tunable_parameters(self) -> dict[str, Parameter]:
        """The ranges and choices, by name."""
        return {p.name: p for p in self._parameters if isinstance(p, RangeParameter | ChoiceParameter)}

    @property
    def is_hierarchical(self) -> bool:
        """Whether some parameters are used only with some values of others."""
        return any(parameter.is_hierarchical for parameter in self._parameters)

    def __getitem__(self, parameter_name: str) -> Parameter:
        """Return the parameter of that name."""
        for parameter in self._parameters:
            if parameter.name == parameter_name:
                return parameter
        raise InvalidValueError("parameter name", parameter_name, self._there_are())

    def __repr__(self) -> str:
        rules = len(self.parameter_constraints)
        rest = f", {counted(rules, 'constraint')}" if rules else ""
        return f"SearchSpace({counted(len(self._parameters), 'parameter')}: {short_repr(list(self.parameters))}{rest})"

    def _repr_html_(self) -> str:
        return search_space_html(self)

    def _there_are(self) -> str:
        names = ", ".join(repr(parameter.name) for parameter in self._parameters)
        return f"The search space has {names}." if names else "The search space has no parameters."

    def add_parameter(self, parameter: Parameter) -> None:
        """Add *parameter* after the others."""
        self.add_parameters([parameter])

    def add_parameters(self, parameters: Sequence[Parameter]) -> None:
        """Add *parameters* after the others, all or none."""
        added = check_instances("parameter of the search space", parameters, Parameter)
        together = [*self._parameters, *added]
        check_unique("parameters of the search space", (p.name for p in together), "Give each parameter its own name.")
        by_name = {parameter.name: parameter for parameter in together}
        for parameter in added:
            _check_references(parameter, by_name)
        self._parameters = together

    def update_parameter(self, parameter: Parameter) -> None:
        """Replace the parameter with the name of *parameter* by it.

        Raises:
            InvalidValueError: it has another type, or does not fit a constraint or the other parameters. Nothing was
                changed.
        """
        check_instances("parameter", [parameter], Parameter)
        present = self[parameter.name]
        if present.parameter_type is not parameter.parameter_type:
            raise InvalidValueError(
                f"type of parameter {parameter.name!r}",
                parameter.parameter_type,
                f"It is {present.parameter_type.name} in arms already made: keep that, or choose another name.",
            )
        together = [parameter if each is present else each for each in self._parameters]
        by_name = {each.name: each for each in together}
        for each in together:
            if isinstance(each, Parameter):  # one whose class is not registered is kept unread
                _check_references(each, by_name)
        if any(parameter.name in constraint.constraint_dict for constraint in self.parameter_constraints):
            self._check_constrainable(parameter)
        self._parameters = together

    def add_parameter_constraints(self, parameter_constraints: Sequence[ParameterConstraint]) -> None:
        """Add *parameter_constraints*, all or none."""
        added = check_instances("parameter constraint", parameter_constraints, ParameterConstraint)
        for constraint in added:
            for name in constraint.constraint_dict:
                self._check_constrainable(self[name])
        self.parameter_constraints = [*self.parameter_constraints, *added]

    def _check_constrainable(self, parameter: Parameter) -> None:
        thing = f"parameter of a constraint, {parameter.name!r}"
        if not parameter.is_numeric:
            raise InvalidValueError(thing, parameter.parameter_type, "Constrain only INT and FLOAT parameters.")
        if isinstance(parameter, RangeParameter | ChoiceParameter) and parameter.log_scale:
            raise InvalidValueError(thing, "log_scale", "Linear constraints need a linear scale: leave log_scale out.")
        if isinstance(parameter, ChoiceParameter) and not parameter.is_ordered:
            raise InvalidValueError(thing, "is_ordered=False", "Constrain only choices that are ordered.")

    def check_types(self, parameterization: Mapping[str, TParamValue], raise_error: bool = False) -> bool:
        """Return whether each name is a parameter and each value, if not None, of its type; bounds don't matter."""
        by_name = self.parameters
        problem = self._unknown_name(parameterization, by_name) or next(
            (
                (f"value of parameter {name!r}", value, by_name[name]._type_remedy())
                for name, value in parameterization.items()
                if value is not None and not by_name[name].is_valid_type(value)
            ),
            None,
        )
        return _no(problem, raise_error)

    def check_all_parameters_present(
        self, parameterization: Mapping[str, TParamValue], raise_error: bool = False
    ) -> bool:
        """Return whether the names are exactly those that the search space asks for.

        A parameter may be left out if it is derived or disabled, has a backfill value, or depends on a value that is
        not chosen.
        """
        by_name = self.parameters
        problem = self._unknown_name(parameterization, by_name) or self._missing_name(parameterization, by_name)
        return _no(problem, raise_error)

    def check_membership(
        self,
        parameterization: Mapping[str, TParamValue],
        raise_error: bool = False,
        check_all_parameters_present: bool = True,
    ) -> bool:
        """Return whether *parameterization* lies in the search space: names, types, bounds, choices and constraints.

        With *raise_error*, an InvalidValueError names the first thing that is wrong.
        """
        by_name = self.parameters
        problem = self._unknown_name(parameterization, by_name)
        if problem is None and check_all_parameters_present:
            problem = self._missing_name(parameterization, by_name)
        if problem is not None:
            return _no(problem, raise_error)
        valid = all(by_name[name].validate(value, raises=raise_error) for name, value in parameterization.items())
        return valid and _no(self._broken_rule(parameterization), raise_error)

    def validate_membership(self, parameters: TParameterization) -> None:
        """Raise InvalidValueError unless *parameters* lie in the search space."""
        self.check_membership(parameters, raise_error=True)

    def _unknown_name(self, given: Mapping[str, TParamValue], by_name: Mapping[str, Parameter]) -> _Problem:
        for name in given:
            if name not in by_name:
                return "parameter name", name, self._there_are()
        return None

    def _missing_name(self, given: Mapping[str, TParamValue], by_name: Mapping[str, Parameter]) -> _Problem:
        if len(given) == len(by_name):
            return None
        for name in self._active_names(given):
            if name not in given and by_name[name].is_required:
                return "parameters", dict(given), f"Give {name!r} as well. {self._there_are()}"
        return None

    def _active_names(self, given: Mapping[str, TParamValue]) -> list[str]:
        """Return the names that are used with *given*: all but those that depend only on values that are not chosen."""
        by_name = self.parameters
        dependent = {name for p in self._parameters for names in p.dependents_by_value.values() for name in names}
        active = [name for name in by_name if name not in dependent]
        for name in active:  # the list grows as it is read: what depends on a chosen value may have dependents too
            children = by_name[name].dependents_by_value.get(given.get(name), ())
            active.extend(child for child in children if child not in active)
        return active

    def _broken_rule(self, given: Mapping[str, TParamValue]) -> _Problem:
        for constraint in self.parameter_constraints:
            if constraint.constraint_dict.keys() <= given.keys() and not constraint.check(given):
                return "parameters", dict(given), f"Give values that fulfil {constraint!r}."
        for parameter in self._parameters:
            if isinstance(parameter, DerivedParameter) and parameter.name in given:
                thing, value = f"value of parameter {parameter.name!r}", given[parameter.name]
                try:
                    expected = parameter.compute(dict(given))
                except InvalidValueError as error:
                    return thing, value, error.remedy
                if value != expected:
                    return thing, value, f"It is derived: give {expected!r}."
        return None


_Problem = tuple[str, object, str] | None


def _no(problem: _Problem, raise_error: bool) -> bool:
    """Return whether there is no *problem*, or raise it."""
    if problem is not None and raise_error:
        raise InvalidValueError(*problem)
    return problem is None


def _check_references(parameter: Parameter, by_name: Mapping[str, Parameter]) -> None:
    """Refuse a parameter that refers to others which do not exist, or are no numbers."""
    sources = parameter.parameter_names_to_weights if isinstance(parameter, DerivedParameter) else {}
    there_are = f"The search space has {', '.join(map(repr, by_name))}."
    for name in [*sources, *(name for names in parameter.dependents_by_value.values() for name in names)]:
        if name not in by_name or name == parameter.name:
            raise InvalidValueError(f"parameter {parameter.name!r} refers to a parameter", name, there_are)
    if isinstance(parameter, DerivedParameter):
        for name in sources:
            source = by_name[name]
            if isinstance(source, DerivedParameter) or not (source.is_numeric or parameter.source_parameter_name):
                raise InvalidValueError(
                    f"expression_str of parameter {parameter.name!r}",
                    parameter.expression_str,
                    f"Derive it from numbers that are not derived themselves; {name!r} is none.",
                )
