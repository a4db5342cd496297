"""Hypothesis strategies for what docstore stores: any JSON value with what it tags, and whole experiments."""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401  # imported here, so that the error for a missing package names the extra to install
except ImportError as error:
    from docstore.errors import MissingDependencyError

    raise MissingDependencyError("hypothesis", extra="testing", purpose="docstore.testing.strategies") from error

from docstore.testing.strategies.experiments import experiments
from docstore.testing.strategies.values import (
    decimals,
    floats,
    integers,
    json_documents,
    keys,
    moments,
    names,
    scalars,
    texts,
)

__all__ = [
    "decimals",
    "experiments",
    "floats",
    "integers",
    "json_documents",
    "keys",
    "moments",
    "names",
    "scalars",
    "texts",
]
