"""The shape of the code: short functions, and modules that are one chapter each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "docstore"


def lines_of_code(function: ast.FunctionDef) -> int:
    """Return how many lines a function has but for its docstring, which may be long where users read it."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_can_be_held_in_the_head(path):
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]

    assert len(path.read_text().splitlines()) <= 600
    assert [f.name for f in functions if lines_of_code(f) > 40] == []
