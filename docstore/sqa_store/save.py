"""Save experiments, their trials, generation strategies and analysis cards to the database of this process.

The calls have Ax's parameters. Those that tune Ax's own tables have no effect here: all that is given to a call is
saved, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from docstore.documents.history import Version
from docstore.errors import DocumentNotFoundError, InvalidValueError
from docstore.json_store.encoder import object_to_json
from docstore.model import AnalysisCardBase, BaseTrial, Experiment, GenerationStrategy, GeneratorRun, Runner
from docstore.model.outcome_constraint import OutcomeConstraint
from docstore.registry.ax_registries import is_of_ax
from docstore.sqa_store.db import config_of, store_of
from docstore.sqa_store.document_numbers import name_of_document, number_of_document
from docstore.sqa_store.sqa_config import SQAConfig
from docstore.store.store import Store

# --- experiments -----------------------------------------------------------------------------------------------------


def save_experiment(
    experiment: Experiment,
    config: SQAConfig | None = None,
    encoder_cls: type | None = None,
    decoder_cls: type | None = None,
) -> Version:
    """Save *experiment*, with its trials and data: what changed since it was last saved or loaded, and nothing else.

    Args:
        encoder_cls, decoder_cls: Ax's own classes, which make no difference.

    Raises:
        ConflictError, DocumentExistsError, NameChangedError, EncodeError: as ``Store.save``. For ``rename`` and
            ``save(..., as_new=True)``, use the store of ``docstore.connect()``.
        InvalidValueError: one of the classes is somebody else's, whose methods would not be called.
    """
    _check_is_of_ax("encoder_cls", encoder_cls)
    _check_is_of_ax("decoder_cls", decoder_cls)
    return store_of(config).save(experiment)


def _check_is_of_ax(argument: str, cls: type | None) -> None:
    if cls is not None and not str(getattr(cls, "__module__", "")).startswith("ax.storage.sqa_store."):
        remedy = "docstore would not call its methods. Leave it out, and put functions for classes into config=."
        raise InvalidValueError(argument, cls, remedy)


def update_properties_on_experiment(
    experiment_with_updated_properties: Experiment, config: SQAConfig | None = None
) -> Version:
    """Save the head of an experiment, its properties among it, without its trials and data."""
    return _save_head(store_of(config), experiment_with_updated_properties)


def update_experiment_status(experiment: Experiment, config: SQAConfig | None = None) -> Version:
    """Save the head of *experiment*, its status among it, without its trials and data."""
    return _save_head(store_of(config), experiment)


def update_runner_on_experiment(experiment: Experiment, runner: Runner, encoder: Any, decoder: Any) -> Version:
    """Make *runner* that of *experiment*, and save the head of the experiment, without its trials and data.

    One that is the runner of a trial type of the experiment stays that.

    Args:
        encoder, decoder: an ``SQAConfig``, or what has one as its ``config``, as Ax's Encoder and Decoder do; or None.
    """
    store = store_of(config_of(encoder, decoder))
    if not isinstance(runner, Runner) and not is_of_ax(runner):
        raise InvalidValueError("runner", runner, "Give a Runner.")
    of_trial_types = getattr(experiment, "_trial_type_to_runner", None) or {}
    if not any(each is runner for each in (getattr(experiment, "runner", runner), *of_trial_types.values())):
        experiment.runner = runner
    return _save_head(store, experiment)


def update_outcome_constraint_on_experiment(
    experiment: Experiment, outcome_constraint: OutcomeConstraint, encoder: Any, decoder: Any
) -> Version:
    """Save the head of *experiment*, which has *outcome_constraint*, without its trials and data.

    Args:
        encoder, decoder: as for ``update_runner_on_experiment``.

    Raises:
        InvalidValueError: the experiment has no such constraint or objective threshold.
    """
    store = store_of(config_of(encoder, decoder))
    goal = getattr(experiment, "optimization_config", None)
    known = [*getattr(goal, "outcome_constraints", ()), *getattr(goal, "objective_thresholds", ())]
    if not any(each is outcome_constraint for each in known):
        remedy = "Put it into the experiment's optimization_config first."
        raise InvalidValueError("outcome_constraint", outcome_constraint, remedy)
    return _save_head(store, experiment)


def _save_head(store: Store, experiment: Any) -> Version:
    return store.save(experiment, parts=[])


# --- trials ----------------------------------------------------------------------------------------------------------


def save_or_update_trial(experiment: Experiment, trial: BaseTrial, config: SQAConfig | None = None) -> Version:
    """Save one trial of *experiment* and its data, and nothing else."""
    return save_or_update_trials(experiment, [trial], config)


def save_or_update_trials(
    experiment: Experiment,
    trials: Iterable[BaseTrial],
    config: SQAConfig | None = None,
    batch_size: int | None = None,
    reduce_state_generator_runs: bool = False,
) -> Version:
    """Save the given trials of *experiment* and their data, and nothing else, in one transaction.

    Args:
        batch_size, reduce_state_generator_runs: no effect; generator runs are saved whole.
    """
    return store_of(config).save_trials(experiment, trials)


def save_or_update_data_for_trials(
    experiment: Experiment,
    trials: Iterable[BaseTrial],
    encoder: Any,
    decoder: Any,
    batch_size: int | None = None,
    update_trial_statuses: bool = False,
) -> Version:
    """Save the data of the given trials of *experiment*, and these trials; as ``save_or_update_trials``.

    Args:
        encoder, decoder: as for ``update_runner_on_experiment``.
        update_trial_statuses: no effect; the statuses are always saved with the data.
    """
    return store_of(config_of(encoder, decoder)).save_trials(experiment, trials)


def update_properties_on_trial(trial_with_updated_properties: BaseTrial, config: SQAConfig | None = None) -> Version:
    """Save a trial, its properties among it, and its data."""
    return _save_trial(trial_with_updated_properties, "trial_with_updated_properties", config)


def update_trial_status(trial_with_updated_status: BaseTrial, config: SQAConfig | None = None) -> Version:
    """Save a trial, its status among it, and its data."""
    return _save_trial(trial_with_updated_status, "trial_with_updated_status", config)


def _save_trial(trial: Any, argument: str, config: SQAConfig | None) -> Version:
    if not hasattr(type(trial), "experiment"):
        raise InvalidValueError(argument, trial, "Give a trial of an experiment.")
    return store_of(config).save_trial(trial.experiment, trial)


# --- generation strategies -------------------------------------------------------------------------------------------


def save_generation_strategy(generation_strategy: GenerationStrategy, config: SQAConfig | None = None) -> int:
    """Save *generation_strategy*, a document of its own that is named after the experiment it belongs to.

    Returns:
        The integer by which ``load_generation_strategy_by_id`` finds it: up to 80 bits, the same at each save.

    Raises:
        ConflictError, DocumentExistsError, EncodeError: as ``Store.save``. A strategy of Ax that has no experiment yet
            has its own name, which another one may have; set its experiment then.
    """
    store = store_of(config)
    _rename_after_experiment(store, generation_strategy)
    store.save(generation_strategy)
    return number_of_document(store, generation_strategy)


def update_generation_strategy(
    generation_strategy: GenerationStrategy,
    generator_runs: Sequence[GeneratorRun],
    config: SQAConfig | None = None,
    batch_size: int | None = None,
    reduce_state_generator_runs: bool = False,
) -> Version:
    """Save the head of *generation_strategy*, such as its current node, and these of its generator runs.

    Args:
        batch_size, reduce_state_generator_runs: no effect; generator runs are saved whole.

    Raises:
        DocumentNotFoundError: it was never saved.
    """
    store = store_of(config)
    _rename_after_experiment(store, generation_strategy)
    return store.save(generation_strategy, parts=generator_runs)


def _rename_after_experiment(store: Store, strategy: Any) -> None:
    """Rename the document of a strategy of Ax that was saved before it had an experiment, after the experiment."""
    if not is_of_ax(strategy) or getattr(strategy, "_experiment", None) is None:
        return
    name, own_name = strategy._experiment._name, strategy._name
    # By the document's id: another strategy may have the name by now.
    if name is not None and name != own_name and name_of_document(store, strategy) == own_name:
        store.rename(own_name, name, kind="generation_strategy")


# --- analysis cards --------------------------------------------------------------------------------------------------


def save_analysis_card(
    analysis_card: AnalysisCardBase, experiment: Experiment, config: SQAConfig | None = None
) -> Version:
    """Save *analysis_card*, which belongs to *experiment* from now on, as a document of its own.

    Raises:
        DocumentNotFoundError: *experiment* was never saved.
        NameChangedError: the card was saved as one of another experiment.
    """
    store = store_of(config)
    name = getattr(experiment, "_name", None) if is_of_ax(experiment) else getattr(experiment, "name", None)
    if not isinstance(name, str) or not store.exists(name):
        hint = "save_experiment() it before its analysis cards."
        raise DocumentNotFoundError(str(name), kind="experiment", hint=hint)
    if is_of_ax(analysis_card):
        from docstore.ax.analysis import belong_to  # Ax is installed then

        stored: Any = object_to_json(analysis_card)
        if stored.get("experiment_name") != name:
            belong_to(analysis_card, name)
        return store.save(analysis_card)
    if not isinstance(analysis_card, AnalysisCardBase):
        raise InvalidValueError("analysis_card", analysis_card, "Give an AnalysisCard, or a group of cards.")
    return store.save(analysis_card.belong_to(name))
