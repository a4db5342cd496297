"""Load experiments, generation strategies and analysis cards from the database of this process."""

from __future__ import annotations

from docstore.codec.core import Unknown
from docstore.model import AnalysisCardBase, Experiment, GenerationStrategy
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
    """Return the generation strategy of this name, that of its experiment if it has one."""
    return store_of(config).load(name, kind=GenerationStrategy)


def load_generation_strategy_by_experiment_name(
    experiment_name: str, config: SQAConfig | None = None
) -> GenerationStrategy:
    """Return the generation strategy of the experiment of this name.

    Raises:
        DocumentNotFoundError: the experiment has none.
    """
    return store_of(config).load(experiment_name, kind=GenerationStrategy)


def load_analysis_cards_by_experiment_name(
    experiment_name: str, config: SQAConfig | None = None
) -> list[AnalysisCardBase]:
    """Return the analysis cards of the experiment of this name, in the order in which they were first saved."""
    found = store_of(config).find("analysis_card", owner=experiment_name, order_by="created_at")
    return list(found.load())
