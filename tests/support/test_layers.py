"""The shape of the code: short functions, and modules that are one chapter each.

import-linter holds which package imports which: ``lint-imports``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "docstore"

FACADES = {"store/store.py"}
"""Modules that are signatures, docstrings and calls: they may be longer, and their signatures do not count."""


@pytest.fixture(scope="module")
def house():
    """The script that counts lines of code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PACKAGE.parent / "tests" / "bench"))
        import house
    return house


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
class TestAModule:
    def test_is_one_chapter(self, path, house):
        is_facade = path.relative_to(PACKAGE).as_posix() in FACADES

        assert is_facade or house.lines_of_code(path.read_text()) <= 600

    def test_has_short_functions(self, path, house):
        functions = house.functions(ast.parse(path.read_text()))
        is_facade = path.relative_to(PACKAGE).as_posix() in FACADES

        signatures = {each: each.body[0].lineno - each.lineno if is_facade else 0 for each in functions}

        assert [each.name for each in functions if house.length(each) - signatures[each] > 40] == []

    def test_has_dataclasses_that_python_3_11_makes(self, path):
        """Before Python 3.12 a mappingproxy had no hash, and a dataclass takes such a default for a mutable one."""
        classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
        fields = [each for cls in classes for each in cls.body if isinstance(each, ast.AnnAssign) and each.value]

        assert [each.lineno for each in fields if "MappingProxyType(" in ast.unparse(each.value)] == []
