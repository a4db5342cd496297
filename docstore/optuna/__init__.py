"""Optuna: import its studies, export experiments as studies, and record trials as they finish.

It needs ``pip install 'docstore[optuna]'``, and is imported by its name only: ``import docstore.optuna``.
"""

from __future__ import annotations

from docstore.errors import MissingDependencyError

try:
    import optuna  # noqa: F401  # whether it is there
except ImportError as error:
    raise MissingDependencyError("optuna", extra="optuna", purpose="docstore.optuna") from error

from docstore.optuna.exporting import export_study
from docstore.optuna.importing import import_studies
from docstore.optuna.recording import record
from docstore.optuna.storage import Storage
from docstore.store.importing import ImportReport

__all__ = ["ImportReport", "Storage", "export_study", "import_studies", "record"]
