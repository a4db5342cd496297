"""Load experiments, generation strategies and analysis cards from the database of this process.

The calls have Ax's parameters. Where Ax leaves something out of what it loads, it is loaded here, or read later, or
kept as it is stored: to save the object again never deletes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docstore.codec.core import Unknown
from docstore.documents.arguments import checked_flag, checked_iterable, checked_number
from docstore.documents.canonical import TAG
from docstore.documents.kinds import class_name
from docstore.errors import InvalidValueError
from docstore.model import (
    AnalysisCardBase,
    AuxiliaryExperimentPurpose,
    Experiment,
    GenerationStrategy,
    SearchSpace,
)
from docstore.registry.ax_registries import is_of_ax
from docstore.search.experiments.similar import AT_MOST
from docstore.sqa_store.db import store_of
from docstore.sqa_store.document_numbers import name_of_number
from docstore.sqa_store.sqa_config import SQAConfig

# --- experiments -----------------------------------------------------------------------------------------------------


def load_experiment(
    experiment_name: str,
    config: SQAConfig | None = None,
    reduced_state: bool = False,
    load_trials_in_batches_of_size: int | None = None,
    skip_runners_and_metrics: bool = False,
    load_auxiliary_experiments: bool = True,
    *,
    unknown: Unknown = "error",
) -> Experiment:
    """Return the experiment of this name, with its trials and data.

    Args:
        reduced_state: read trials when they are first asked for, as ``Store.load(lazy=True)`` does; nothing is left
            out. Experiments of Ax's classes are read at once.
        load_trials_in_batches_of_size: no effect; all trials are of one version.
        skip_runners_and_metrics: as ``unknown="keep"``: runners and metrics whose classes are not registered become
            plain ones, which carry their JSON and are saved as they were.
        load_auxiliary_experiments: no effect; they are part of the document, and always loaded.
        unknown: as for ``Store.load``.

    Raises:
        DocumentNotFoundError, DecodeError, DamagedDocumentError: as ``Store.load``.
    """
    unknown = "keep" if checked_flag("skip_runners_and_metrics", skip_runners_and_metrics) else unknown
    return store_of(config).load(experiment_name, unknown=unknown, lazy=reduced_state)


# --- generation strategies -------------------------------------------------------------------------------------------


def load_generation_strategy(name: str, config: SQAConfig | None = None) -> GenerationStrategy:
    """Return the generation strategy of this name, that of its experiment if it has one."""
    return load_generation_strategy_by_experiment_name(name, config)


def load_generation_strategy_by_experiment_name(
    experiment_name: str,
    config: SQAConfig | None = None,
    experiment: Experiment | None = None,
    reduced_state: bool = False,
    skip_runners_and_metrics: bool = False,
) -> GenerationStrategy:
    """Return the generation strategy of the experiment of this name.

    Args:
        experiment: what a strategy of Ax has as its experiment; by default, it is loaded.
        reduced_state: no effect on the strategy; for the experiment that is loaded, as for ``load_experiment``.
        skip_runners_and_metrics: as for ``load_experiment``.

    Raises:
        DocumentNotFoundError: the experiment has none.
    """
    unknown: Unknown = "keep" if checked_flag("skip_runners_and_metrics", skip_runners_and_metrics) else "error"
    store = store_of(config)
    strategy: Any = store.load(experiment_name, kind="generation_strategy", unknown=unknown)
    if is_of_ax(strategy):
        if experiment is None and store.exists(experiment_name):
            experiment = store.load(experiment_name, unknown=unknown, lazy=reduced_state)
        if experiment is not None:
            strategy.experiment = experiment
    return strategy  # type: ignore[no-any-return]  # it may be of Ax, which is not installed everywhere


def load_generation_strategy_by_id(
    gs_id: int, config: SQAConfig | None = None, experiment: Experiment | None = None, reduced_state: bool = False
) -> GenerationStrategy:
    """Return the generation strategy by the integer that ``save_generation_strategy`` returned.

    Args:
        experiment, reduced_state: as for ``load_generation_strategy_by_experiment_name``.

    Raises:
        DocumentNotFoundError: there is none.
    """
    name = name_of_number(store_of(config), "generation_strategy", gs_id)
    return load_generation_strategy_by_experiment_name(name, config, experiment, reduced_state)


# --- analysis cards --------------------------------------------------------------------------------------------------


def load_analysis_cards_by_experiment_name(
    experiment_name: str, config: SQAConfig | None = None
) -> list[AnalysisCardBase]:
    """Return the analysis cards of the experiment of this name, in the order in which they were first saved."""
    found = store_of(config).find("analysis_card", owner=experiment_name, order_by="created_at")
    return list(found.load())


# --- experiments to learn from ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TransferLearningMetadata:
    """What an experiment can teach: the names of the parameters that it shares, in the order of the search space."""

    overlap_parameters: list[str]


def identify_transferable_experiments(
    search_space: SearchSpace,
    experiment_types: list[str],
    overlap_threshold: float = 0.0,
    max_num_exps: int = 10,
    config: SQAConfig | None = None,
    experiment_name: str | None = None,
) -> Mapping[str, TransferLearningMetadata]:
    """Return, by name, the experiments of these types that have data and share parameters with *search_space*.

    Those that share the largest fraction of their own tunable parameters come first, and of equal ones those that were
    saved last. A parameter is shared that has the same name and the same type. Tests (``is_test``) are left out.

    Args:
        overlap_threshold: the least such fraction.
        max_num_exps: how many are returned at most.
        experiment_name: an experiment to leave out.

    Returns:
        For a search space of Ax, with Ax's own ``TransferLearningMetadata``.

    Raises:
        InvalidValueError, UnknownCodeError: as ``Store.similar``, which also finds experiments without data.

    Cost:
        That of ``Store.similar``, and three SELECTs for each experiment that shares a parameter.
    """
    types = list(checked_iterable("experiment_types", experiment_types, "experiment_types=['tuning']"))
    most = checked_number("max_num_exps", max_num_exps, least=0)
    if type(overlap_threshold) not in (int, float):
        raise InvalidValueError("overlap_threshold", overlap_threshold, "Give a number, from 0 to 1.")
    store = store_of(config)
    shares: list[tuple[float, str, list[str]]] = []
    for name, parameters, *_ in store.similar(search_space, n=AT_MOST, types=types) if types else ():
        tunable = _tunable(store.get(name, pointer="/search_space/parameters", default=[]))
        has_data = store.find("experiment", part="data", name=name, limit=1).exists()
        if name != experiment_name and tunable and has_data and not store.get(name, pointer="/is_test", default=False):
            shares.append((len(parameters) / tunable, name, list(parameters)))
    shares = [each for each in shares if each[0] >= overlap_threshold]
    shares.sort(key=lambda each: -each[0])  # stable: those of one fraction stay in their order
    made = _metadata_class(search_space)
    return {name: made(overlap_parameters=parameters) for _, name, parameters in shares[:most]}


def load_candidate_source_auxiliary_experiments(
    target_experiment: Experiment, purpose: AuxiliaryExperimentPurpose, config: SQAConfig | None = None
) -> Mapping[str, TransferLearningMetadata]:
    """Return, by name, the experiments from which *target_experiment* can learn, as its auxiliary experiments.

    They are those of its type that ``identify_transferable_experiments`` returns for its search space.

    Args:
        purpose: ``TRANSFERABLE_EXPERIMENT``; Ax has none for others either.

    Raises:
        InvalidValueError: the purpose is another one, or the experiment has no type.
    """
    if getattr(purpose, "value", purpose) != AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT.value:
        raise InvalidValueError("purpose", purpose, "Give AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT.")
    if not isinstance(target_experiment, Experiment) and not is_of_ax(target_experiment):
        raise InvalidValueError("target_experiment", target_experiment, "Give an experiment.")
    experiment_type = target_experiment.experiment_type
    if experiment_type is None:
        remedy = "Set its experiment_type: only experiments of one type are looked at."
        raise InvalidValueError("target_experiment", target_experiment, remedy)
    space, name = target_experiment.search_space, target_experiment.name
    return identify_transferable_experiments(space, [experiment_type], config=config, experiment_name=name)


def _tunable(parameters: Any) -> int:
    """Return how many of the stored *parameters* of a search space can be varied."""
    each = parameters.values() if isinstance(parameters, dict) else parameters
    return sum(class_name(parameter[TAG]) in ("RangeParameter", "ChoiceParameter") for parameter in each)


def _metadata_class(search_space: Any) -> Any:
    if not is_of_ax(search_space):
        return TransferLearningMetadata
    from ax.core.auxiliary import TransferLearningMetadata as OfAx  # it is installed: the search space is of it

    return OfAx
