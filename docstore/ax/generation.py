"""The fields of generation strategies: nodes, the specs of their generators, criteria, and best model selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ax.core.experiment_status import ExperimentStatus
from ax.generation_strategy.best_model_selector import SingleDiagnosticBestModelSelector
from ax.generation_strategy.center_generation_node import CenterGenerationNode
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import (
    AutoTransitionAfterGen,
    AuxiliaryExperimentCheck,
    FreshLILOLabelCheck,
    IsSingleObjective,
    MaxGenerationParallelism,
    MaxTrialsAwaitingData,
    MinTrials,
    TransitionCriterion,
)

from docstore.ax.entries import Fields, cache, entry, optional
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.field_tables import Field
from docstore.codec.classes.part_holders import PartHolder
from docstore.codec.side_data import note, noted
from docstore.documents.kinds import GENERATION_STRATEGY

# --- criteria and specs ----------------------------------------------------------------------------------------------

COUNTED = (
    "threshold",
    "only_in_statuses",
    "not_in_statuses",
    "use_all_trials_in_exp",
    "count_only_trials_with_data",
)
TRANSITION = ("_transition_to", "continue_trial_generation")

PIECES = (
    *(entry(cls, *TRANSITION) for cls in (TransitionCriterion, AutoTransitionAfterGen, IsSingleObjective)),
    entry(MinTrials, *COUNTED, *TRANSITION),
    entry(FreshLILOLabelCheck, *COUNTED, *TRANSITION, "require_sufficient"),
    entry(
        AuxiliaryExperimentCheck,
        *TRANSITION,
        "auxiliary_experiment_purposes_to_include",
        "auxiliary_experiment_purposes_to_exclude",
    ),
    *(entry(cls, *COUNTED) for cls in (MaxGenerationParallelism, MaxTrialsAwaitingData)),
    entry(SingleDiagnosticBestModelSelector, "diagnostic", "metric_aggregation", "criterion", "cv_kwargs"),
    entry(
        GeneratorSpec,
        "generator_enum",
        "generator_kwargs",
        "generator_gen_kwargs",
        "cv_kwargs",
        "generator_key_override",
        # The fitted model, and what was worked out with it.
        *map(
            cache,
            ("_fitted_adapter", "_cv_results", "_diagnostics", "_last_cv_kwargs", "_last_fit_arg_ids"),
        ),
    ),
)

# --- nodes -----------------------------------------------------------------------------------------------------------


def _picked(node: Any) -> int | None:
    """Return the place of the generator spec that the node generates from, in the list of its specs."""
    picked = vars(node).get("_generator_spec_to_gen_from")
    return next((place for place, spec in enumerate(node.generator_specs) if spec is picked), None)


def _restore_node(node: Any, generator_spec_to_gen_from: int | None) -> None:
    if generator_spec_to_gen_from is not None:
        node._generator_spec_to_gen_from = node.generator_specs[generator_spec_to_gen_from]


NODE: Fields = (
    Field("_name", str),
    Field("generator_specs", list[Any]),
    Field("_generator_spec_to_gen_from", stored=False),
    Field("generator_spec_to_gen_from", int, get=_picked, omits_none=True),
    "best_model_selector",
    "should_deduplicate",
    Field("_transition_criteria", list[Any]),
    Field("_pausing_criteria", list[Any]),
    "_input_constructors",
    *map(optional, ("_previous_node_name", "_trial_type")),
    "_should_skip",
    optional("suggested_experiment_status", ExperimentStatus),
    "fallback_specs",
    "_step_index",
    Field("_generation_strategy", stored=False),
    Field("_trials_from_node_cache", stored=False, factory=set),
    cache("_cached_trial_count"),
)
NODES = (
    entry(GenerationNode, *NODE, restored=_restore_node),
    entry(
        CenterGenerationNode,
        *NODE,
        "next_node_name",
        "use_existing_trials_for_initialization",
        "search_space",
        "fit_time_since_gen",
        "_center_params",
        restored=_restore_node,
    ),
)

# --- strategies ------------------------------------------------------------------------------------------------------

_OWNER: Final = "experiment of a strategy"
"""The note of the name of the experiment that a strategy was loaded with, until it is given the experiment itself."""


class Runs(PartHolder):
    """Holds the generator runs of a strategy, which are in a list, under their numbers from 0.

    A list has no gaps. Where a run is missing, since it moved to make room for another writer's that is not here yet,
    the next run is in the list too: one that is there more than once has the greatest of its numbers.
    """

    def keys(self, owner: Any) -> list[Any]:
        return list(_by_number(owner))

    def get(self, owner: Any, key: Any) -> Any:
        runs = owner._generator_runs
        if not 0 <= key < len(runs) or any(run is runs[key] for run in runs[key + 1 :]):
            raise KeyError(key)
        return runs[key]

    def items(self, owner: Any) -> list[tuple[Any, Any]]:
        return list(_by_number(owner).items())

    def replace(self, owner: Any, key: Any, former: Any, value: Any) -> bool:
        """Replace a run; also False for one to be removed that is not the last."""
        runs = _by_number(owner)
        if runs.get(key, MISSING) is not former or (value is MISSING and key != max(runs, default=None)):
            return False
        if value is MISSING:
            del runs[key]
        else:
            runs[key] = value
        owner._generator_runs[:] = _list_of(runs)
        return True


def _by_number(strategy: Any) -> dict[int, Any]:
    last = {id(run): number for number, run in enumerate(strategy._generator_runs)}
    return {number: run for number, run in enumerate(strategy._generator_runs) if last[id(run)] == number}


def _list_of(runs: Mapping[int, Any]) -> list[Any]:
    """Return the list of *runs*, each at its number; where there is none, the next one."""
    found: list[Any] = []
    for number, run in sorted(runs.items()):
        found += [run] * (number + 1 - len(found))
    return found


def _experiment_name(strategy: Any) -> Any:
    experiment = strategy._experiment
    return noted(strategy, _OWNER) if experiment is None else experiment._name


def _current_node_name(strategy: Any) -> Any:
    return strategy._curr.name


def _restore_strategy(
    strategy: Any, experiment_name: str | None, current_node_name: str, runs: Mapping[int, Any]
) -> None:
    if experiment_name is not None and strategy._experiment is None:
        note(strategy, _OWNER, experiment_name)
    strategy._generator_runs = _list_of(runs)
    strategy._curr = next(node for node in strategy._nodes if node.name == current_node_name)
    for node in strategy._nodes:
        node._generation_strategy = strategy


STRATEGIES = (
    entry(
        GenerationStrategy,
        Field("_name", str),
        Field("experiment_name", str, get=_experiment_name, omits_none=True),
        Field("_experiment", stored=False),
        Field("_nodes", list[Any]),
        Field("_curr", stored=False),
        Field("current_node_name", str, get=_current_node_name),
        Field("_generator_runs", stored=False),
        Field("runs", dict[int, Any], key="generator_runs", get=_by_number),
        kind=GENERATION_STRATEGY,
        part_holders={"generator_runs": Runs()},
        restored=_restore_strategy,
    ),
)

ENTRIES = (*PIECES, *NODES, *STRATEGIES)
