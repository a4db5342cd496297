"""Delete experiments and generation strategies from the database of this process."""

from __future__ import annotations

from docstore.sqa_store.db import store_of
from docstore.sqa_store.sqa_config import SQAConfig


def delete_experiment(exp_name: str) -> None:
    """Delete the experiment of this name, with its generation strategy and analysis cards.

    ``docstore.connect(...).undelete(name)`` brings them back.

    Raises:
        DocumentNotFoundError: there is none.
    """
    store_of().delete(exp_name)


def delete_generation_strategy(exp_name: str, config: SQAConfig | None = None, max_gs_to_delete: int = 1) -> None:
    """Delete the generation strategy of the experiment of this name; the experiment and its trials stay.

    Args:
        max_gs_to_delete: no effect; an experiment has one strategy.

    Raises:
        DocumentNotFoundError: there is none.
    """
    store_of(config).delete(exp_name, kind="generation_strategy")
