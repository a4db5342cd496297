"""The fields of what an experiment of Ax is made of: search spaces, goals, arms, generator runs, metrics, runners."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any

from ax.core.arm import Arm
from ax.core.derived_metric import ExpressionDerivedMetric
from ax.core.experiment_status import ExperimentStatus
from ax.core.generator_run import ArmWeight, GeneratorRun
from ax.core.map_metric import MapMetric
from ax.core.metric import Metric
from ax.core.observation import Observation, ObservationData, ObservationFeatures
from ax.core.optimization_config import (
    MultiObjectiveOptimizationConfig,
    OptimizationConfig,
    PreferenceOptimizationConfig,
)
from ax.core.parameter import ChoiceParameter, DerivedParameter, FixedParameter, ParameterType, RangeParameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.runner import Runner
from ax.core.search_space import HierarchicalSearchSpace, SearchSpace
from ax.metrics.branin import BraninMetric, NegativeBraninMetric
from ax.metrics.branin_map import BraninTimestampMapMetric
from ax.metrics.chemistry import ChemistryMetric
from ax.metrics.factorial import FactorialMetric
from ax.metrics.hartmann6 import Hartmann6Metric
from ax.metrics.l2norm import L2NormMetric
from ax.metrics.noisy_function import NoisyFunctionMetric
from ax.metrics.sklearn import SklearnMetric
from ax.runners.synthetic import SyntheticRunner

from docstore.ax.entries import Fields, entry, in_order, optional, order_of
from docstore.ax.stand_ins import UnknownMetric, UnknownRunner
from docstore.codec.classes.field_tables import Field
from docstore.codec.registry import Entry

# --- search spaces ---------------------------------------------------------------------------------------------------

PARAMETER: Fields = (
    Field("_name", str),
    Field("_parameter_type", ParameterType),
    "_is_fidelity",
    optional("_target_value"),
)
FREE_PARAMETER: Fields = (*PARAMETER, *map(optional, ("_backfill_value", "_default_value")))

DEPENDENTS = optional("_dependents", dict[Any, list[str]])


def _parameters(space: Any) -> list[Any]:
    return list(space._parameters.values())


def _restore_space(space: Any, parameters: list[Any]) -> None:
    space._parameters = {parameter._name: parameter for parameter in parameters}


def _space(cls: type) -> Entry:
    return entry(
        cls,
        Field("_parameters", stored=False),
        Field("parameters", list[Any], get=_parameters),
        Field("_parameter_constraints", list[Any]),
        restored=_restore_space,
    )


def _restore_weights(parameter: Any, order: list[str] | None) -> None:
    parameter._parameter_names_to_weights = in_order(parameter._parameter_names_to_weights, order)


def _restore_constraint(constraint: Any, order: list[str] | None) -> None:
    # The sum of floats depends on the order of the terms.
    constraint._constraint_dict = in_order(constraint._constraint_dict, order)


SPACES = (
    entry(RangeParameter, *FREE_PARAMETER, "_lower", "_upper", "_log_scale", "_logit_scale", optional("_digits")),
    entry(
        ChoiceParameter,
        *FREE_PARAMETER,
        Field("_values", list[Any]),
        "_is_task",
        "_bypass_cardinality_check",
        *map(optional, ("_is_ordered", "_sort_values", "_log_scale")),
        DEPENDENTS,
    ),
    entry(FixedParameter, *FREE_PARAMETER, "_value", DEPENDENTS),
    entry(
        DerivedParameter,
        *PARAMETER,
        "_default_value",
        Field("_expression_str", str),
        "_intercept",
        Field("_parameter_names_to_weights", dict[str, Any]),
        order_of("_parameter_names_to_weights"),
        restored=_restore_weights,
    ),
    entry(
        ParameterConstraint,
        "_constraint_str",
        Field("_constraint_dict", dict[str, Any]),
        order_of("_constraint_dict"),
        "_bound",
        "is_equality",
        restored=_restore_constraint,
    ),
    _space(SearchSpace),
    _space(HierarchicalSearchSpace),
)

# --- goals -----------------------------------------------------------------------------------------------------------

CONFIG: Fields = ("_objective", Field("_outcome_constraints", list[Any]), optional("pruning_target_parameterization"))
MULTI_OBJECTIVE_CONFIG: Fields = (*CONFIG, Field("_objective_thresholds", list[Any]))

GOALS = (
    entry(OptimizationConfig, *CONFIG),
    entry(MultiObjectiveOptimizationConfig, *MULTI_OBJECTIVE_CONFIG),
    entry(
        PreferenceOptimizationConfig,
        *MULTI_OBJECTIVE_CONFIG,
        "preference_profile_name",
        "expect_relativized_outcomes",
    ),
)

# --- arms and generator runs -----------------------------------------------------------------------------------------


def _restore_arm(arm: Any, order: list[str] | None) -> None:
    arm._parameters = in_order(arm._parameters, order)


def _arms(run: Any) -> list[Any]:
    return [each.arm for each in run._arm_weight_table.values()]


def _weights(run: Any) -> list[float]:
    return [each.weight for each in run._arm_weight_table.values()]


def _signatures(run: Any) -> list[str] | None:
    """Return the keys of the table of arms and weights, unless each is its arm's signature."""
    table = run._arm_weight_table
    return None if all(key == each.arm.signature for key, each in table.items()) else list(table)


def _restore_run(run: Any, arms: list[Any], weights: list[float], signatures: list[str] | None) -> None:
    keys = [arm.signature for arm in arms] if signatures is None else signatures
    rows = zip(keys, arms, weights, strict=True)
    run._arm_weight_table = OrderedDict((key, ArmWeight(arm, weight)) for key, arm, weight in rows)


def _restore_features(features: Any, order: list[str] | None) -> None:
    features.parameters = in_order(features.parameters, order)


RUNS = (
    entry(Arm, Field("_parameters", dict[str, Any]), order_of("_parameters"), optional("_name"), restored=_restore_arm),
    entry(
        GeneratorRun,
        Field("_arm_weight_table", stored=False),
        Field("arms", list[Any], get=_arms),
        Field("weights", list[float], get=_weights),
        Field("signatures", list[str], get=_signatures, omits_none=True),
        Field("_time_created", datetime),
        *map(
            optional,
            (
                "_generator_run_type",
                "_optimization_config",
                "_search_space",
                "_model_predictions",
                "_best_arm_predictions",
                "_fit_time",
                "_gen_time",
                "_generator_key",
                "_generator_kwargs",
                "_adapter_kwargs",
                "_gen_metadata",
                "_generator_state_after_gen",
                "_candidate_metadata_by_arm_signature",
                "_generation_node_name",
            ),
        ),
        optional("_suggested_experiment_status", ExperimentStatus),
        restored=_restore_run,
    ),
    entry(Observation, "features", "data", "arm_name"),
    entry(ObservationData, "metric_signatures", "means", "covariance"),
    entry(
        ObservationFeatures,
        Field("parameters", dict[str, Any]),
        order_of("parameters"),
        "trial_index",
        "start_time",
        "end_time",
        "metadata",
        restored=_restore_features,
    ),
)

# --- metrics and runners ---------------------------------------------------------------------------------------------

METRIC: Fields = (Field("_name", str), optional("lower_is_better"), "properties", optional("signature_override"))
FUNCTION: Fields = (*METRIC, Field("param_names", list[str]), "noise_sd")


def _restore_decay(metric: Any) -> None:
    # Its function is made by the constructor, of the name.
    made = type(metric)(name=metric._name, param_names=[], decay_function_name=metric.decay_function_name)
    metric._decay_function = made._decay_function


def _restore_evaluator(metric: Any) -> None:
    made = type(metric)(metric._name, metric._input_metric_names, expression_str=metric._expression_str)
    for name in ("_sympy_expr", "_symbols", "_evaluator"):
        setattr(metric, name, getattr(made, name))


def _restore_model(metric: Any) -> None:
    made = type(metric)(name=metric._name, model_type=metric.model_type, dataset=metric.dataset)
    metric._model_cls = made._model_cls


METRICS = (
    entry(Metric, *METRIC, stand_in=UnknownMetric),
    entry(MapMetric, *METRIC),
    *(
        entry(cls, *FUNCTION)
        for cls in (NoisyFunctionMetric, BraninMetric, NegativeBraninMetric, Hartmann6Metric, L2NormMetric)
    ),
    entry(
        BraninTimestampMapMetric,
        *FUNCTION,
        "rate",
        "decay_function_name",
        "_trial_index_to_timestamp",
        Field("_decay_function", stored=False),
        restored=_restore_decay,
    ),
    entry(FactorialMetric, *METRIC, "coefficients", "batch_size", "noise_var"),
    entry(ChemistryMetric, *METRIC, "noiseless", "problem_type"),
    entry(
        SklearnMetric,
        *METRIC,
        "dataset",
        "model_type",
        "num_folds",
        "observed_noise",
        Field("_model_cls", stored=False),
        restored=_restore_model,
    ),
    entry(
        ExpressionDerivedMetric,
        *METRIC,
        "_expression_str",
        "_input_metric_names",
        "_relativize_inputs",
        "_as_percent",
        *(Field(name, stored=False) for name in ("_sympy_expr", "_symbols", "_evaluator")),
        restored=_restore_evaluator,
    ),
)
RUNNERS = (entry(Runner, stand_in=UnknownRunner), entry(SyntheticRunner, "dummy_metadata"))

ENTRIES = (*SPACES, *GOALS, *RUNS, *METRICS, *RUNNERS)
