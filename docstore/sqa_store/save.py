"""Save experiments, their trials, generation strategies and analysis cards to the database of this process."""

from __future__ import annotations

from collections.abc import Iterable

from docstore.documents.history import Version
from docstore.errors import DocumentNotFoundError
from docstore.model import AnalysisCardBase, BaseTrial, Experiment, GenerationStrategy
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
    """Save *generation_strategy*, a document of its own that is named after the experiment it belongs to."""
    return store_of(config).save(generation_strategy)


def save_analysis_card(
    analysis_card: AnalysisCardBase, experiment: Experiment, config: SQAConfig | None = None
) -> Version:
    """Save *analysis_card*, which belongs to *experiment* from now on, as a document of its own.

    Raises:
        DocumentNotFoundError: *experiment* was never saved.
        NameChangedError: the card was saved as one of another experiment.
    """
    store = store_of(config)
    if experiment.name is None or not store.exists(experiment.name):
        hint = "save_experiment() it before its analysis cards."
        raise DocumentNotFoundError(str(experiment.name), kind="experiment", hint=hint)
    return store.save(analysis_card.belong_to(experiment.name))
