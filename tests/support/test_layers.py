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


MODULES = {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}


class TestEveryModule:
    def test_is_one_chapter(self, house):
        long = {name for name, source in MODULES.items() if house.lines_of_code(source) > 600}

        assert long <= FACADES

    def test_has_short_functions(self, house):
        def is_long(function, is_facade):
            signature = function.body[0].lineno - function.lineno if is_facade else 0
            return house.length(function) - signature > 40

        functions = [(name, each) for name, source in MODULES.items() for each in house.functions(ast.parse(source))]

        assert [(name, each.name) for name, each in functions if is_long(each, name in FACADES)] == []

    def test_has_dataclasses_that_python_3_11_makes(self):
        """Before Python 3.12 a mappingproxy had no hash, and a dataclass takes such a default for a mutable one.

        A NamedTuple, which has no decorator, takes any.
        """
        trees = {name: ast.walk(ast.parse(source)) for name, source in MODULES.items() if "MappingProxyType" in source}
        classes = [(name, node) for name, tree in trees.items() for node in tree if isinstance(node, ast.ClassDef)]
        classes = [(name, cls) for name, cls in classes if cls.decorator_list]
        fields = [(name, each) for name, cls in classes for each in cls.body if isinstance(each, ast.AnnAssign)]

        found = [
            (name, each.lineno)
            for name, each in fields
            if each.value and "MappingProxyType(" in ast.unparse(each.value)
        ]
        assert found == []
