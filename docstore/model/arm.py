"""An arm: one parameterization, with the name that identifies its data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from docstore.errors import InvalidValueError
from docstore.model.checks import check_name, plain
from docstore.model.parameter import TParameterization, TParamValue


@dataclass(init=False, repr=False)
class Arm:
    """A value for each parameter. The arm gets its name when it is added to a trial, and keeps it."""

    _parameters: TParameterization = field(default_factory=dict)
    _name: str | None = None

    def __init__(self, parameters: Mapping[str, TParamValue], name: str | None = None) -> None:
        if not isinstance(parameters, Mapping):
            raise InvalidValueError("parameters of an arm", parameters, "Give a dict from parameter name to value.")
        self._parameters = {
            check_name("name of a parameter", key): _checked(key, value) for key, value in parameters.items()
        }
        self._name = None if name is None else check_name("name of an arm", name)

    @property
    def parameters(self) -> TParameterization:
        """The value of each parameter, as a new dict: an arm does not change, as there may be data about it."""
        return dict(self._parameters)

    @property
    def has_name(self) -> bool:
        """Whether the arm has a name already."""
        return self._name is not None

    @property
    def name(self) -> str:
        """The arm's name."""
        if self._name is None:
            raise InvalidValueError("name of an arm", None, "Add the arm to a trial, or give it a name of its own.")
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        if self._name is not None and name != self._name:
            raise InvalidValueError(f"name of arm {self._name!r}", name, "It has one: use clone(clear_name=True).")
        self._name = check_name("name of an arm", name)

    @property
    def signature(self) -> str:
        """A digest of the parameters, the same for the same parameters in any order; 1, 1.0 and True differ."""
        # MD5 of sorted JSON, as in Ax, where other records refer to arms by it; it is not used for security.
        text = json.dumps(self._parameters, sort_keys=True)
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    @property
    def name_or_short_signature(self) -> str:
        """The name, or the end of the signature if there is no name yet."""
        return self._name or self.signature[-8:]

    def clone(self, clear_name: bool = False) -> Arm:
        """Return an equal arm; with *clear_name*, one without a name."""
        return Arm(self._parameters, None if clear_name else self._name)

    def ordered_like(self, names: Sequence[str]) -> TParameterization:
        """Return the parameters in the order of *names*, if these are exactly their names; otherwise unchanged."""
        present = self._parameters
        if [*present] == [*names]:
            return present
        if len(present) != len(names) or not all(name in present for name in names):
            return present
        return {name: present[name] for name in names}

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str | None, str]:
        # As for the signature, 1, 1.0 and True differ, and so do 0.0 and -0.0: they are arms of their own.
        return self._name, _text(self._parameters)

    def __repr__(self) -> str:
        name = f"name={self._name!r}, " if self._name is not None else ""
        return f"Arm({name}parameters={self._parameters!r})"


_text: Final = json.JSONEncoder(sort_keys=True, default=lambda value: [repr(value)]).encode
"""The text of which a signature is made; also of values that no parameter has, but a document may have."""


def _checked(name: str, value: Any) -> TParamValue:
    """Return the *value* of a parameter, checked; optimizers return NumPy scalars."""
    value = plain(value)
    if value is not None and not isinstance(value, str | bool | int | float):
        raise InvalidValueError(f"value of parameter {name!r}", value, "Give a str, bool, int, float or None.")
    return value
