"""MLflow: import its experiments, and export experiments as experiments of MLflow.

It needs ``pip install 'docstore[mlflow]'``, and is imported by its name only: ``import docstore.mlflow``.
"""

from __future__ import annotations

from docstore.errors import MissingDependencyError

try:
    import mlflow  # noqa: F401  # whether it is there
except ImportError as error:
    raise MissingDependencyError("mlflow-skinny", extra="mlflow", purpose="docstore.mlflow") from error

from docstore.mlflow.exporting import export_experiment
from docstore.mlflow.importing import import_experiments
from docstore.store.importing import ImportReport

__all__ = ["ImportReport", "export_experiment", "import_experiments"]
