"""Parameters: the name, the type and the possible values of something that can be tuned.

Names and meanings are those of Ax, so that its users' code runs unchanged.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from docstore.errors import InvalidValueError
from docstore.model import expressions
from docstore.model.checks import check_finite, check_name, is_number, plain, short_dataclass_repr

TParamValue: TypeAlias = str | bool | float | int | None
TParameterization: TypeAlias = dict[str, TParamValue]

# Models work on transformed values, and a bound transformed back may miss itself by a rounding. Ax allows as much.
TOLERANCE = 1.5e-7


class ParameterType(Enum):
    """The Python type that a parameter's values have."""

    BOOL = 0
    INT = 1
    FLOAT = 2
    STRING = 3

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers."""
        return self in (ParameterType.INT, ParameterType.FLOAT)

    @property
    def python_type(self) -> type[bool] | type[int] | type[float] | type[str]:
        """The type of the values; an int does for a FLOAT as well."""
        return _PYTHON_TYPES[self]

    def accepts(self, value: object) -> bool:
        """Return whether *value* is of this type: True is no INT, and 3 is a FLOAT."""
        if self is ParameterType.FLOAT:
            return is_number(value)
        return isinstance(value, self.python_type) and isinstance(value, bool) == (self is ParameterType.BOOL)


_PYTHON_TYPES: Mapping[ParameterType, type[bool] | type[int] | type[float] | type[str]] = {
    ParameterType.BOOL: bool,
    ParameterType.INT: int,
    ParameterType.FLOAT: float,
    ParameterType.STRING: str,
}


@dataclass(repr=False)
class Parameter:
    """The base of RangeParameter, ChoiceParameter, FixedParameter and DerivedParameter."""

    name: str
    parameter_type: ParameterType
    is_fidelity: bool = field(default=False, kw_only=True)
    target_value: TParamValue = field(default=None, kw_only=True)
    # The value of arms made before the parameter was added, and the value of arms made after it was disabled.
    backfill_value: TParamValue = field(default=None, kw_only=True)
    default_value: TParamValue = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.name = check_name("the name of a parameter", self.name)
        if not isinstance(self.parameter_type, ParameterType):
            choices = ", ".join(f"ParameterType.{member.name}" for member in ParameterType)
            raise InvalidValueError(f"parameter_type of {self._label}", self.parameter_type, f"Give one of {choices}.")
        for name in ("target_value", "backfill_value", "default_value"):
            if (value := getattr(self, name)) is not None:
                setattr(self, name, self._cast(name, value))
        if self.is_fidelity and self.target_value is None:
            raise InvalidValueError(
                f"target_value of {self._label}", None, "Give the fidelity parameter its target value."
            )

    @property
    def _label(self) -> str:
        return f"parameter {self.name!r}"

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.parameter_type.is_numeric

    @property
    def is_disabled(self) -> bool:
        """Whether all new arms have the default value."""
        return self.default_value is not None

    @property
    def is_required(self) -> bool:
        """Whether an arm must have a value."""
        return not self.is_disabled and self.backfill_value is None

    @property
    def is_hierarchical(self) -> bool:
        """Whether other parameters are used only with some values of this one."""
        return bool(self.dependents_by_value)

    @property
    def dependents_by_value(self) -> dict[Any, list[str]]:
        """The names of the parameters that are used only with a value of this one, by that value."""
        return {}

    def is_valid_type(self, value: TParamValue) -> bool:
        """Return whether *value* has this parameter's type, be it in range or not."""
        return self.parameter_type.accepts(value)

    def problem_with(self, value: TParamValue) -> str | None:
        """Return the remedy if *value* is of the right type but not allowed, else None."""
        return None

    def validate(self, value: TParamValue, raises: bool = False) -> bool:
        """Return whether *value* is allowed; with *raises*, raise an InvalidValueError if it is not."""
        remedy = self.problem_with(value) if self.is_valid_type(value) else self._type_remedy()
        if remedy is not None and raises:
            raise InvalidValueError(f"value of {self._label}", value, remedy)
        return remedy is None

    def _type_remedy(self) -> str:
        kind = self.parameter_type
        return f"Give a value of type {kind.python_type.__name__}, as the parameter is {kind.name}."

    def _cast(self, thing: str, value: TParamValue) -> Any:
        """Return *value* in the parameter's own type: the bound 0 of a FLOAT is kept as 0.0, and 5.0 of an INT as 5."""
        value = plain(value)
        if self.parameter_type is ParameterType.INT and type(value) is float and value.is_integer():
            return int(value)
        if not self.is_valid_type(value):
            raise InvalidValueError(f"{thing} of {self._label}", value, self._type_remedy())
        if self.parameter_type is not ParameterType.FLOAT:
            return value
        return float(check_finite(f"{thing} of {self._label}", value) if isinstance(value, int) else value)

    def __repr__(self) -> str:
        return short_dataclass_repr(self)


@dataclass(repr=False)
class RangeParameter(Parameter):
    """A number between two bounds, both allowed.

    With *log_scale* or *logit_scale* the search is to move on that scale. *digits* is the number of decimals that
    matter, *step_size* the distance between values that are allowed, counted from *lower*.
    """

    lower: float
    upper: float
    log_scale: bool = False
    logit_scale: bool = False
    digits: int | None = None
    step_size: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.is_numeric:
            raise InvalidValueError(
                f"parameter_type of {self._label}",
                self.parameter_type,
                "A range has ParameterType.INT or ParameterType.FLOAT.",
            )
        self.lower, self.upper = self._checked_bounds(self.lower, self.upper)
        self._check_scale()
        self._check_steps()

    def update_range(self, lower: float | None = None, upper: float | None = None) -> RangeParameter:
        """Change one bound or both, and return the parameter."""
        changed = copy.copy(self)
        changed.lower, changed.upper = self.lower if lower is None else lower, self.upper if upper is None else upper
        changed.__post_init__()
        self.lower, self.upper = changed.lower, changed.upper
        return self

    def _checked_bounds(self, lower: float, upper: float) -> tuple[float, float]:
        low = check_finite(f"lower bound of {self._label}", self._cast("lower bound", lower))
        high = check_finite(f"upper bound of {self._label}", self._cast("upper bound", upper))
        if high <= low:
            raise InvalidValueError(
                f"upper bound of {self._label}",
                upper,
                f"Give one above the lower bound {lower!r}, or make it a FixedParameter.",
            )
        return low, high

    def _check_scale(self) -> None:
        if self.log_scale and self.logit_scale:
            raise InvalidValueError(f"logit_scale of {self._label}", True, "Choose log_scale or logit_scale, not both.")
        if self.log_scale and self.lower <= 0:
            raise InvalidValueError(f"lower bound of {self._label}", self.lower, "On a log scale, give one above 0.")
        if self.logit_scale and not 0 < self.lower < self.upper < 1:
            raise InvalidValueError(
                f"bounds of {self._label}",
                (self.lower, self.upper),
                "On a logit scale, give bounds above 0 and below 1.",
            )

    def _check_steps(self) -> None:
        if self.digits is not None and (type(self.digits) is not int or self.digits < 0):
            raise InvalidValueError(
                f"digits of {self._label}", self.digits, "Give a number of decimals, 0 or more, or None."
            )
        if self.step_size is None:
            return
        self.step_size = check_finite(f"step_size of {self._label}", self.step_size)
        if self.step_size <= 0 or not self._is_on_a_step(self.upper):
            raise InvalidValueError(
                f"step_size of {self._label}",
                self.step_size,
                f"Give one above 0 that leads from {self.lower!r} to {self.upper!r} in whole steps, or None.",
            )

    def _is_on_a_step(self, value: float) -> bool:
        if self.step_size is None:
            return True
        steps = (value - self.lower) / self.step_size
        return math.isclose(steps, round(steps), abs_tol=1e-6)

    def is_valid_type(self, value: TParamValue) -> bool:
        """Return whether *value* has this parameter's type; a whole float has that of an INT, and is kept as it is."""
        is_whole = self.parameter_type is ParameterType.INT and type(value) is float and value.is_integer()
        return is_whole or super().is_valid_type(value)

    def problem_with(self, value: TParamValue) -> str | None:
        """Return the remedy if the number *value* is out of bounds or between two steps."""
        # An INT is compared exactly: beyond 2**53 a float would round it.
        margin = TOLERANCE if self.parameter_type is ParameterType.FLOAT else 0
        if not is_number(value) or not self.lower - margin <= value <= self.upper + margin:
            return f"Give a number from {self.lower!r} to {self.upper!r}."
        if not self._is_on_a_step(value):
            return f"Give {self.lower!r} plus a whole number of steps of {self.step_size!r}."
        return None


@dataclass(repr=False)
class _Hierarchical(Parameter):
    """A parameter whose value determines which other parameters are used."""

    dependents: dict[Any, list[str]] | None = field(default=None, kw_only=True)

    @property
    def dependents_by_value(self) -> dict[Any, list[str]]:
        """The names of the parameters that are used only with a value of this one, by that value."""
        return self.dependents or {}

    def _check_dependents(self) -> None:
        for value in self.dependents or {}:
            self.validate(value, raises=True)


@dataclass(repr=False)
class ChoiceParameter(_Hierarchical):
    """One of some values.

    *is_ordered* and *sort_values* are for numbers the default, as is no order for more than two strings. *is_task*
    marks the parameter that tells tasks apart.
    """

    values: list[TParamValue]
    is_ordered: bool | None = None
    is_task: bool = False
    sort_values: bool | None = field(default=None, kw_only=True)
    log_scale: bool | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.values = self._checked_values(self.values)
        is_text = self.parameter_type is ParameterType.STRING
        if self.is_ordered is None:
            self.is_ordered = not is_text or len(self.values) == 2
        if self.sort_values is None:
            self.sort_values = not is_text
        if self.log_scale and not (self.is_numeric and all(is_number(value) and value > 0 for value in self.values)):
            raise InvalidValueError(
                f"log_scale of {self._label}", True, "A log scale needs numbers above 0; leave it out."
            )
        self._check_dependents()

    def _checked_values(self, values: list[TParamValue]) -> list[TParamValue]:
        if not isinstance(values, list | tuple) or len(values) < 2:
            raise InvalidValueError(
                f"values of {self._label}", values, "Give two values or more, or make it a FixedParameter."
            )
        cast = [self._cast("a value", value) for value in values]
        unique = list(dict.fromkeys(cast))
        if len(unique) == 1:
            raise InvalidValueError(
                f"values of {self._label}", values, "They are one value. Give another, or make it a FixedParameter."
            )
        if len(unique) < len(cast):
            warning = f"values of {self._label}: each is kept once; {len(cast) - len(unique)} of them were there before"
            warnings.warn(warning, stacklevel=4)  # at the call of the constructor
        return unique

    def problem_with(self, value: TParamValue) -> str | None:
        """Return the remedy if *value* is none of the choices."""
        return None if value in self.values else f"Give one of {', '.join(map(repr, self.values))}."


@dataclass(repr=False)
class FixedParameter(_Hierarchical):
    """One value that every arm has."""

    value: TParamValue

    def __post_init__(self) -> None:
        super().__post_init__()
        self.value = self._cast("value", self.value)
        self._check_dependents()

    def problem_with(self, value: TParamValue) -> str | None:
        """Return the remedy if *value* is another than the fixed one."""
        return None if value == self.value else f"It is fixed: give {self.value!r}."


@dataclass(repr=False)
class DerivedParameter(Parameter):
    """A value that follows from other parameters: a linear expression over their names, or one name to copy."""

    expression_str: str

    def __post_init__(self) -> None:
        super().__post_init__()
        linear = self._linear()
        for number in (*linear.weights.values(), linear.constant):
            check_finite(f"number in expression_str of {self._label}", number)
        if not linear.weights:
            raise InvalidValueError(
                f"expression_str of {self._label}",
                self.expression_str,
                "Name a parameter in it, or make it a FixedParameter.",
            )
        if not self.is_numeric and self.source_parameter_name is None:
            raise InvalidValueError(
                f"expression_str of {self._label}",
                self.expression_str,
                "Only numbers are computed: give one name to copy.",
            )

    def _linear(self) -> expressions.Linear:
        parts = expressions.parse(self.expression_str, thing=f"expression_str of {self._label}")
        if len(parts) != 1:
            raise InvalidValueError(f"expression_str of {self._label}", self.expression_str, "Leave out the comma.")
        return parts[0]

    @property
    def is_required(self) -> bool:
        """False: an arm may leave it out, as it follows from the others."""
        return False

    @property
    def parameter_names_to_weights(self) -> dict[str, float]:
        """The weight of each parameter that the expression names."""
        return self._linear().weights

    @property
    def intercept(self) -> float:
        """The constant term."""
        return self._linear().constant

    @property
    def source_parameter_name(self) -> str | None:
        """The parameter that this one is a plain copy of, if it is."""
        expression = self._linear()
        is_copy = list(expression.weights.values()) == [1.0] and expression.constant == 0.0
        return next(iter(expression.weights)) if is_copy else None

    def compute(self, parameters: TParameterization) -> TParamValue:
        """Return the value that follows from *parameters*, in this parameter's type."""
        expression = self._linear()
        missing = sorted(expression.weights.keys() - parameters.keys())
        if missing:
            raise InvalidValueError(
                f"parameters for {self._label}", sorted(parameters), f"Give {', '.join(missing)} as well."
            )
        if (source := self.source_parameter_name) is not None:
            return self._cast("computed value", parameters[source])  # type: ignore[no-any-return]  # a TParamValue went in
        total = expression.constant
        for name, weight in expression.weights.items():
            total += weight * check_finite(f"parameter {name!r}", parameters[name])
        if self.parameter_type is ParameterType.INT and not total.is_integer():
            raise InvalidValueError(f"computed value of {self._label}", total, "It is INT: make it a FLOAT parameter.")
        return int(total) if self.parameter_type is ParameterType.INT else total
