"""Parameters: MLflow has texts, a search space has types. A text becomes a number only if that gives back the text."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from docstore.model.parameter import ChoiceParameter, FixedParameter, Parameter, ParameterType, RangeParameter

_INT: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""Whole numbers as Python writes them, within 64 bits."""


def types_of(params: Iterable[Mapping[str, str]]) -> dict[str, ParameterType]:
    """Return the type of each parameter of runs with *params*: the first of these that all its texts are written in.

    - BOOL: ``True`` and ``False``
    - INT: whole numbers, as ``8``; not ``08`` or ``+8``
    - FLOAT: finite numbers as Python writes them, as ``0.001``, ``1e-05`` or ``8``; not ``1e-5`` or ``0.10``
    - STRING: any text
    """
    return {name: _type_of(texts) for name, texts in _texts(params).items()}


def parameters_of(params: Iterable[Mapping[str, str]], types: Mapping[str, ParameterType]) -> list[Parameter]:
    """Return a parameter of each name, by names: of numbers the range in which all were, of others the choices."""
    return [_parameter(name, types[name], texts) for name, texts in sorted(_texts(params).items())]


def value_of(kind: ParameterType, text: str) -> str | bool | int | float:
    """Return the value that an arm has for *text*, which ``text_of`` gives back."""
    if kind is ParameterType.BOOL:
        return text == "True"
    if kind.is_numeric:
        return int(text) if _INT.fullmatch(text) else float(text)
    return text


def text_of(value: Any) -> str:
    """Return the text that MLflow has for the *value* of a parameter: what Python prints."""
    return str(value)


def _texts(params: Iterable[Mapping[str, str]]) -> dict[str, set[str]]:
    texts: dict[str, set[str]] = {}
    for each in params:
        for name, text in each.items():
            texts.setdefault(name, set()).add(text)
    return texts


def _type_of(texts: Collection[str]) -> ParameterType:
    if all(text in ("True", "False") for text in texts):
        return ParameterType.BOOL
    if all(map(_INT.fullmatch, texts)):
        return ParameterType.INT
    return ParameterType.FLOAT if all(map(_is_number, texts)) else ParameterType.STRING


def _is_number(text: str) -> bool:
    if _INT.fullmatch(text):
        return True
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and repr(number) == text


def _parameter(name: str, kind: ParameterType, texts: Collection[str]) -> Parameter:
    values: list[Any] = sorted(value_of(kind, text) for text in texts)
    if values[0] == values[-1]:
        return FixedParameter(name, kind, values[0])
    if kind.is_numeric:
        return RangeParameter(name, kind, values[0], values[-1])
    return ChoiceParameter(name, kind, values, is_ordered=False, sort_values=False)
