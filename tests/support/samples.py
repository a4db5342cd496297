"""A sample of each class of the model, with a value of its own in every field."""

from __future__ import annotations

import dataclasses
import itertools
import random
import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any

from docstore import model
from docstore.registry.model_classes import model_registry
from docstore.testing.exact import identity

CLASSES = [entry.cls for entry in model_registry().entries if not issubclass(entry.cls, Enum)]


class Filler:
    """Makes values from annotations; no two are alike, where the type has more than two values."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._random = random.Random("the same each time")
        self._inside: list[type] = []

    def instance(self, cls: type) -> Any:
        """Return an instance of *cls* with a value of its own in every field, as a load leaves it."""
        made = object.__new__(cls)
        hints = typing.get_type_hints(cls)
        self._inside.append(cls)
        for field in dataclasses.fields(cls):
            is_stored = field.metadata.get("stored", True)
            object.__setattr__(
                made, field.name, self.unlike(default_of(field), cls, field.name, hints) if is_stored else None
            )
        self._inside.pop()
        getattr(made, "__docstore_restored__", lambda: None)()
        return made

    def unlike(self, other: Any, cls: type, name: str, hints: dict[str, Any]) -> Any:
        """Return a value for a field that is not *other*."""
        for _ in range(10):
            value = self.field(cls, name, hints[name])
            if identity(value) != identity(other):
                return value
        raise LookupError(
            f"every value that is made for {cls.__name__}.{name} is {other!r}: add to SPECIAL how to make one"
        )

    def field(self, cls: type, name: str, annotation: Any) -> Any:
        """Return a value for the field *name* of *cls*."""
        for base in cls.__mro__:
            if special := SPECIAL.get((base.__name__, name)):
                return special(self)
        return self.value(annotation, f"{cls.__name__}.{name}")

    def value(self, annotation: Any, where: str) -> Any:
        """Return a value of the type that *annotation* says."""
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, UnionType):
            return self.value(arguments[0], where)
        if origin is list:
            return [self.value(each, where) for each in concrete(arguments[0])]
        if origin is tuple:
            return tuple(self.value(argument, where) for argument in arguments)
        if origin is dict:
            return {self.value(arguments[0], where): self.value(each, where) for each in concrete(arguments[1])}
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return self.chosen(list(annotation))
        if annotation in CLASSES or concrete(annotation) != [annotation]:
            return self.instance(self.chosen(concrete(annotation)))
        if annotation not in SIMPLE:
            raise LookupError(f"{where}: no sample of {annotation!r}. Add to SIMPLE, or to SPECIAL, how to make one.")
        return SIMPLE[annotation](next(self._numbers))

    def chosen(self, several: list[Any]) -> Any:
        """Return one of *several*, mostly another each time."""
        return self._random.choice(several)

    def auxiliary_experiments(self) -> dict[str, Any]:
        """Return an auxiliary experiment, but in one that is itself auxiliary: there would be no end."""
        is_auxiliary = model.AuxiliaryExperiment in self._inside
        return {f"purpose {next(self._numbers)}": [] if is_auxiliary else [self.instance(model.AuxiliaryExperiment)]}

    def cards(self) -> list[Any]:
        """Return cards, and a group of cards, but in one that is itself within another."""
        is_within = self._inside.count(model.AnalysisCardGroup) > 1
        return [self.instance(cls) for cls in (model.AnalysisCard, model.AnalysisCardGroup)[: 1 if is_within else 2]]


SIMPLE: dict[Any, Callable[[int], Any]] = {
    str: lambda n: f"text {n}",
    int: lambda n: n,
    float: lambda n: n + 0.5,
    bool: lambda n: n % 2 == 0,
    datetime: lambda n: datetime(2024, 2, 29, 23, 59, 59, 1, tzinfo=UTC) + timedelta(days=n),
    Any: lambda n: {"of any type": (n, 0.5, True, float("nan")), "deeper": [{"set": {n}}]},
}


SPECIAL: dict[tuple[str, str], Callable[[Filler], Any]] = {
    # The expression is parsed when the object is loaded.
    ("Objective", "expression"): lambda filler: f"{filler.value(int, '')}*accuracy, -loss",
    ("ChoiceParameter", "dependents"): lambda filler: {filler.value(float, ""): [filler.value(str, "")]},
    ("FixedParameter", "dependents"): lambda filler: {filler.value(str, ""): [filler.value(str, "")]},
    ("AnalysisCardGroup", "children"): Filler.cards,
    # A runner has no fields, so there are not two that differ.
    ("Experiment", "_runner"): lambda filler: filler.chosen([model.Runner(), None]),
    ("Experiment", "_auxiliary_experiments_by_purpose"): Filler.auxiliary_experiments,
}


def concrete(annotation: Any) -> list[Any]:
    """Return the storable classes that *annotation* allows; itself where it is no class of the model's."""
    if not isinstance(annotation, type) or not annotation.__module__.startswith("docstore.model"):
        return [annotation]
    return [cls for cls in CLASSES if issubclass(cls, annotation)] or [annotation]


def default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


@cache
def sample(cls: type) -> Any:
    """Return the sample of *cls*: one for all tests, so none may change it."""
    return Filler().instance(cls)
