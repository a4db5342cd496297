"""Objects of Ax to save and compare: what Ax's own stubs and storage tests make, found by reflection."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeAlias

from ax.storage.json_store.tests import test_json_store
from ax.storage.sqa_store.tests import utils as sql_cases
from ax.utils.testing import core_stubs, modeling_stubs, preference_stubs, torch_stubs, utils_testing_stubs

Make: TypeAlias = Callable[[], Any]
"""Makes one object; a random one is another each time."""

STUBS = (core_stubs, modeling_stubs, preference_stubs, torch_stubs, utils_testing_stubs)


def samples() -> dict[str, Make]:
    """Return the functions that make Ax's objects, each under a name that says where it is from."""
    found = {f"{_short(module)}.{name}": make for module in STUBS for name, make in _stubs(module)}
    found |= {f"json.{number}.{name}": make for number, (name, make) in enumerate(test_json_store.TEST_CASES)}
    found |= {f"sql.{number}.{name}": make for number, (name, make, *_) in enumerate(sql_cases.TEST_CASES)}
    return found


def _stubs(module: ModuleType) -> Iterator[tuple[str, Make]]:
    """Yield the functions of *module* that make something and need no argument."""
    for name, function in vars(module).items():
        if name.startswith("get_") and inspect.isfunction(function) and function.__module__ == module.__name__:
            parameters = inspect.signature(function).parameters.values()
            if all(each.default is not each.empty for each in parameters):
                yield name, function


def _short(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
