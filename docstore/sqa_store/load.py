"""Load experiments and generation strategies from the database of this process."""

from __future__ import annotations

from docstore.codec.core import Unknown
from docstore.model import Experiment, GenerationStrategy
from docstore.sqa_store.db import store_of
from docstore.sqa_store.sqa_config import SQAConfig


def load_experiment(experiment_name: str, config: SQAConfig | None = None, *, unknown: Unknown = "error") -> Experiment:
    """Return the experiment of this name, with its trials and data.

    Args:
        unknown: as for ``Store.load``.

    Raises:
        DocumentNotFoundError, DecodeError, DamagedDocumentError: as ``Store.load``.
    """
    return store_of(config).load(experiment_name, unknown=unknown)


def load_generation_strategy(name: str, config: SQAConfig | None = None) -> GenerationStrategy:
    """Return the generation strategy of this name."""
    return store_of(config).load(name, kind=GenerationStrategy)
