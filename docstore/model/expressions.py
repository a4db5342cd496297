"""Linear expressions over names, parsed: ``"2*x1 - x2 + 3"`` is the weights ``{x1: 2, x2: -1}`` and the constant 3.

Names may hold ``.``, ``:`` and ``/`` between letters, as in ``train/loss``; other names have to be given by the caller.
Nothing is ever evaluated: the text is parsed to a syntax tree, and only sums and products are accepted.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from docstore.errors import InvalidValueError

# A letter right after a digit belongs to a number such as 1e5, so no name starts there.
_NAME = r"(?<![\w.])[^\W\d]\w*(?:[./:][^\W\d]\w*)*"
_STANDS_FOR = "n{}_"
_LONGEST = 50_000
"""The most characters of an expression: Python's parser takes some hundred times as much memory."""
_EXAMPLE = "Write a sum such as '2*a - b + 3': names, numbers, +, -, and * or / by a number."


class _NotLinear(Exception):
    """A part of the expression is neither a sum nor a product with a number."""


@dataclass
class Linear:
    """Weights by name, in the order in which the names first occur, and a constant."""

    weights: dict[str, float] = field(default_factory=dict)
    constant: float = 0.0

    def plus(self, other: Linear, factor: float = 1.0) -> Linear:
        """Return the sum of this and *factor* times *other*; a name whose weights cancel is kept, with weight 0."""
        weights = dict(self.weights)
        for name, weight in other.weights.items():
            weights[name] = weights.get(name, 0.0) + factor * weight
        return Linear(weights, self.constant + factor * other.constant)

    def times(self, factor: float) -> Linear:
        """Return this, multiplied by *factor*."""
        return Linear({name: weight * factor for name, weight in self.weights.items()}, self.constant * factor)


def parse(expression: str, *, thing: str, known: Iterable[str] = ()) -> list[Linear]:
    """Return a Linear for each of the parts of *expression* between commas.

    Args:
        thing: what the expression is, for the error message.
        known: names that may occur in it.

    Raises:
        InvalidValueError: it is not linear, or no expression at all.
    """
    if not isinstance(expression, str) or len(expression) > _LONGEST:
        raise InvalidValueError(thing, expression, _EXAMPLE)
    plain, names = _with_plain_names(expression, known)
    if "#" in plain:  # Python's parser would skip it as a comment
        raise InvalidValueError(thing, expression, _EXAMPLE)
    try:
        return [_read(ast.parse(part.strip(), mode="eval").body, names) for part in plain.split(",")]
    except (_NotLinear, SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        # The parser raises MemoryError for an expression that is nested too deeply.
        raise InvalidValueError(thing, expression, _EXAMPLE) from error


def parse_comparison(expression: str, *, thing: str) -> tuple[Linear, str]:
    """Return ``(left - right, operator)`` of an expression such as ``"a + b <= 3"``; the operator is <=, >= or ==."""
    sides = re.split(r"(<=|>=|==)", expression) if isinstance(expression, str) else []
    if len(sides) != 3:
        raise InvalidValueError(thing, expression, "Write one comparison by <=, >= or ==, such as 'a + b <= 3'.")
    left, right = (parse(side, thing=thing) for side in (sides[0], sides[2]))
    if len(left) + len(right) != 2:
        raise InvalidValueError(thing, expression, "Write each comparison as an expression of its own, without commas.")
    return left[0].plus(right[0], factor=-1.0), sides[1]


def build(weights: Mapping[str, float]) -> str:
    """Return the expression that *parse* reads as *weights*, exactly."""
    text = ""
    for name, weight in weights.items():
        factor = "" if weight == 1.0 else "-" if weight == -1.0 else f"{weight!r}*"
        sign = "-" if factor.startswith("-") else "+"  # of the weight, as the name may begin with a minus too
        text += f" {sign} {factor.removeprefix('-')}{name}" if text else f"{factor}{name}"
    return text


def _with_plain_names(expression: str, known: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Replace each name by an identifier, as Python's parser does not accept names such as train/loss."""
    stand_ins: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        return stand_ins.setdefault(match[0], _STANDS_FOR.format(len(stand_ins)))

    longest_first = sorted((re.escape(name) for name in known if name in expression), key=len, reverse=True)
    known_names = [rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)"] if longest_first else []
    plain = re.sub("|".join([*known_names, _NAME]), stand_in, expression)
    return plain, {identifier: name for name, identifier in stand_ins.items()}


def _read(node: ast.expr, names: Mapping[str, str]) -> Linear:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return Linear(constant=float(value))
        case ast.Name(id=identifier) if identifier in names:
            return Linear({names[identifier]: 1.0})
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _read(operand, names).times(-1.0)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _read(operand, names)
        case ast.BinOp(left=left, op=operator, right=right):
            return _combine(_read(left, names), operator, _read(right, names))
    raise _NotLinear


def _combine(left: Linear, operator: ast.operator, right: Linear) -> Linear:
    match operator:
        case ast.Add():
            return left.plus(right)
        case ast.Sub():
            return left.plus(right, factor=-1.0)
        case ast.Mult() if not left.weights:
            return right.times(left.constant)
        case ast.Mult() if not right.weights:
            return left.times(right.constant)
        case ast.Div() if not right.weights:
            return left.times(1.0 / right.constant)
    raise _NotLinear
