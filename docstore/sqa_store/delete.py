"""Delete experiments from the database of this process."""

from __future__ import annotations

from docstore.sqa_store.db import store_of


def delete_experiment(exp_name: str) -> None:
    """Delete the experiment of this name; ``docstore.connect(...).undelete(name)`` brings it back.

    Raises:
        DocumentNotFoundError: there is none.
    """
    store_of().delete(exp_name)
