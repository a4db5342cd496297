"""An exact comparison of two objects of Ax, which names every place where they differ.

Ax's own equality tolerates a second, a relative error, and other types, and ignores attributes. This one compares
types, float bits, microseconds, time zones, dtypes and the order of ordered dicts, through all attributes and cycles.
"""

from __future__ import annotations

import types
from collections import OrderedDict
from enum import Enum
from functools import partial
from typing import Any, Final

import torch
from not_kept import NOT_KEPT, OWNERS, left_out

from docstore.testing.exact import identity

ORDERED: Final = frozenset(
    {
        "_arm_weight_table",
        "_constraint_dict",
        "_generator_runs",
        "_metrics",
        "_parameter_names_to_weights",
        "_parameters",
        "_trials",
        "parameters",
    }
)
"""The attributes whose dict has an order that means something."""


def differences(one: Any, other: Any) -> list[str]:
    """Return a line for each place where the two differ, beginning with its path; none if they are exactly the same."""
    comparison = _Comparison()
    comparison.compare("", one, other)
    return comparison.found


class _Comparison:
    def __init__(self) -> None:
        self.found: list[str] = []
        self._compared: set[tuple[int, int]] = set()
        # Objects are identified by id, so they have to live.
        self._alive: list[Any] = []

    def compare(self, path: str, one: Any, other: Any) -> None:
        if type(one) is not type(other):
            self._differ(path, f"{type(one).__name__} {one!r:.100}", f"{type(other).__name__} {other!r:.100}")
        elif isinstance(one, (type, Enum, types.BuiltinFunctionType)) or one is None:
            if one is not other:
                self._differ(path, repr(one), repr(other))
        elif isinstance(one, types.FunctionType):
            self._functions(path, one, other)
        elif isinstance(one, partial):
            self._items(path, (one.func, one.args, one.keywords), (other.func, other.args, other.keywords))
        elif isinstance(one, torch.Tensor):
            self._plain(path, _tensor(one), _tensor(other))
        elif isinstance(one, dict):
            self._dicts(path, one, other)
        elif type(one) in (list, tuple, torch.Size):
            self._items(path, one, other)
        elif hasattr(one, "__dict__") and _is_of_a_library(type(one)):
            self._objects(path, one, other)
        else:
            self._plain(path, identity(one), identity(other))

    def _differ(self, path: str, one: str, other: str) -> None:
        self.found.append(f"{path or '(whole)'}: {one} became {other}")

    def _plain(self, path: str, one: Any, other: Any) -> None:
        if one != other:
            self._differ(path, f"{one!r:.200}", f"{other!r:.200}")

    def _functions(self, path: str, one: Any, other: Any) -> None:
        self._plain(path, one.__code__, other.__code__)
        cells = [[cell.cell_contents for cell in each.__closure__ or ()] for each in (one, other)]
        self._items(f"{path}.__closure__", *cells)

    def _items(self, path: str, one: Any, other: Any) -> None:
        if len(one) != len(other):
            self._differ(path, f"{len(one)} items", f"{len(other)} items")
        for index, (item, partner) in enumerate(zip(one, other, strict=False)):
            self.compare(f"{path}[{index}]", item, partner)

    def _dicts(self, path: str, one: dict[Any, Any], other: dict[Any, Any]) -> None:
        if self._is_known(one, other):
            return
        own, others = ({_key(key): key for key in each} for each in (one, other))
        if own.keys() != others.keys():
            self._differ(path, f"keys {list(one)!r:.200}", f"keys {list(other)!r:.200}")
        in_order = isinstance(one, OrderedDict) or path.rpartition(".")[2] in ORDERED
        if in_order and list(own) != list(others):
            self._differ(path, f"order {list(one)!r:.200}", f"order {list(other)!r:.200}")
        for token in own.keys() & others.keys():
            self.compare(f"{path}[{own[token]!r:.40}]", one[own[token]], other[others[token]])
        self.compare(f"{path}.default_factory", *(getattr(each, "default_factory", None) for each in (one, other)))

    def _objects(self, path: str, one: Any, other: Any) -> None:
        if self._is_known(one, other):
            return
        unkept = left_out(type(one), NOT_KEPT, {} if path else OWNERS)
        own, others = ({k: v for k, v in vars(each).items() if k not in unkept} for each in (one, other))
        for name in sorted(own.keys() | others.keys()):
            if name not in own or name not in others:
                self._differ(f"{path}.{name}", *("there" if name in each else "missing" for each in (own, others)))
            else:
                self.compare(f"{path}.{name}", own[name], others[name])

    def _is_known(self, one: Any, other: Any) -> bool:
        """Return whether the two were compared before. One object with two partners is compared with each."""
        pair = id(one), id(other)
        if pair in self._compared:
            return True
        self._compared.add(pair)
        self._alive += [one, other]
        return False


def _is_of_a_library(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in ("numpy", "pandas", "builtins", "datetime", "pathlib")


def _key(key: Any) -> Any:
    return (
        (type(key), key.name) if isinstance(key, Enum) else (type(key), id(key)) if isinstance(key, type) else _arm(key)
    )


def _arm(key: Any) -> Any:
    return (type(key), key.signature) if hasattr(key, "signature") else identity(key)


def _tensor(tensor: torch.Tensor) -> Any:
    flat = tensor.detach().contiguous().cpu()
    data = flat.reshape(-1).view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return type(tensor), tensor.dtype, tuple(tensor.shape), tensor.device, tensor.requires_grad, data
