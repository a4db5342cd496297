"""Save experiments, their trials and generation strategies to the database of this process."""

from __future__ import annotations

from collections.abc import Iterable

from docstore.documents.history import Version
from docstore.model import BaseTrial, Experiment, GenerationStrategy
from docstore.sqa_store.db import store_of
from docstore.sqa_store.sqa_config import SQAConfig


def save_experiment(experiment: Experiment, config: SQAConfig | None = None) -> Version:
    """Save *experiment*, with its trials and data: what changed since it was last saved or loaded, and nothing else.

    Raises:
        ConflictError, DocumentExistsError, NameChangedError, EncodeError: as ``Store.save``. For ``rename`` and
            ``save(..., as_new=True)``, use the store of ``docstore.connect()``.
    """
    return store_of(config).save(experiment)


def save_or_update_trial(experiment: Experiment, trial: BaseTrial, config: SQAConfig | None = None) -> Version:
    """Save one trial of *experiment* and its data, and nothing else."""
    return save_or_update_trials(experiment, [trial], config)


def save_or_update_trials(
    experiment: Experiment, trials: Iterable[BaseTrial], config: SQAConfig | None = None
) -> Version:
    """Save the given trials of *experiment* and their data, and nothing else."""
    return store_of(config).save_trials(experiment, trials)


def save_generation_strategy(generation_strategy: GenerationStrategy, config: SQAConfig | None = None) -> Version:
    """Save *generation_strategy*, a document of its own that belongs to the experiment it names."""
    return store_of(config).save(generation_strategy)
