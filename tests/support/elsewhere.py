"""Tests of a library that is too large to be installed with the other tools: they run where it is installed.

Elsewhere they are skipped, which is no failure in CI; any other skip is one there (``conftest.py``).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

_WHY = "is no part of 'docstore[dev]'; switch it on by"


def installed(library: str) -> Any:
    """Return the *library*, for the module of tests that needs it; where it is not installed, that is skipped."""
    try:
        return import_module(library)
    except ImportError:
        why = f"{library} {_WHY} 'pip install docstore[{library}]'"
        raise pytest.skip.Exception(why, allow_module_level=True) from None


def is_elsewhere(report: Any) -> bool:
    """Return whether a test, or a module of tests, was skipped since it runs elsewhere, by its *report*."""
    return isinstance(report.longrepr, tuple) and _WHY in report.longrepr[-1]
