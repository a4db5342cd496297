"""Without MLflow, the package says what to install."""

from __future__ import annotations

import importlib
import sys

import pytest

from docstore.errors import MissingDependencyError


def test_the_error_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("docstore.mlflow")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)

    with pytest.raises(MissingDependencyError, match=r"docstore\[mlflow\]"):
        importlib.import_module("docstore.mlflow")
