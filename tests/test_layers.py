"""A module imports only from lower rows of the house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "docstore"

# A package of modules that know each other stands for its modules: within it they may import one another.
ROWS = (
    ("abridging",),
    ("errors",),
    ("values", "remembered", "interrupts"),
    ("arguments", "dialect", "keyed", "locking", "patch"),
    ("kinds",),
    ("entries", "model", "digests", "tables", "merge", "renumbering", "describing"),
    ("codec", "rows", "living", "paging", "model_registry", "bundle_checks", "telling", "clashes"),
    ("proof", "declaration"),
    ("registry", "history", "migrations", "revision", "coding", "origins"),
    ("registry_bundle", "reader", "difference", "rewinding"),
    ("documents", "when", "place"),
    ("comparing", "writer", "access", "verification", "settling", "mine"),
    ("saving", "copying", "lives", "finding", "analysis"),
    ("versions", "bulk"),
    ("base",),
    ("past",),
    ("search",),
    ("experiments",),
    ("store",),
    ("json_store", "sqa_store", "opening"),
    ("__init__",),
    ("testing",),
)
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row}


def unit_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_units(path: Path) -> set[str]:
    """Return the units that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "docstore":
            parts = node.module.split(".")[1:]
            found |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            found |= {parts[1] if len(parts) > 1 else "__init__" for parts in names if parts[0] == "docstore"}
    return found


def lines_of_code(function: ast.FunctionDef) -> int:
    """Return how many lines a function has but for its docstring, which may be long where users read it."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


MODULES = sorted(PACKAGE.rglob("*.py"))


class TestTheHouse:
    """Its rows are listed above, lowest first."""

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
    def test_a_module_imports_only_from_lower_rows(self, path):
        unit = unit_of(path)

        above = {other for other in imported_units(path) - {unit} if ROW_OF[other] >= ROW_OF[unit]}

        assert above == set()

    def test_every_module_has_a_row(self):
        assert {unit_of(path) for path in MODULES} == set(ROW_OF)

    def test_only_values_imports_orjson(self):
        importers = {unit_of(path) for path in MODULES if "orjson" in path.read_text().replace("orjson's", "")}

        assert {name for name in importers if "import orjson" in (PACKAGE / f"{name}.py").read_text()} == {"values"}

    @pytest.mark.parametrize("unit", ["codec", "patch", "merge", "history", "kinds", "model"])
    def test_sql_is_unknown_to(self, unit):
        modules = [path for path in MODULES if unit_of(path) == unit]

        assert [path for path in modules if "sqlalchemy" in path.read_text()] == []

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
    def test_a_module_can_be_held_in_the_head(self, path):
        tree = ast.parse(path.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]

        assert len(path.read_text().splitlines()) <= 600
        assert [f.name for f in functions if lines_of_code(f) > 40] == []
