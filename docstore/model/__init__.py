"""The light experiment model: plain dataclasses with the names and meanings of Ax, for users who don't have it.

An object is stored as its dataclass fields, except those with ``NOT_STORED``, each under its name without one leading
underscore. A field that is None is left out if its default is None. So such a default must never change: stored objects
would load with another value. An object is rebuilt field by field, without its constructor: whatever was once stored
always loads, even after a check became stricter; then its ``__docstore_restored__`` is called, if it has one.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from docstore.model.analysis_card import AnalysisCard, AnalysisCardBase, AnalysisCardGroup
from docstore.model.arm import Arm
from docstore.model.artifact import Artifact
from docstore.model.batch_trial import AbandonedArm, BatchTrial
from docstore.model.checks import NOT_STORED
from docstore.model.data import Data
from docstore.model.experiment import AuxiliaryExperiment, Experiment
from docstore.model.generation_strategy import GenerationNode, GenerationStrategy
from docstore.model.generator_run import GeneratorRun, GeneratorRunType
from docstore.model.metric import MapMetric, Metric
from docstore.model.multi_type_experiment import MultiTypeExperiment
from docstore.model.objective import MultiObjective, Objective, ScalarizedObjective
from docstore.model.optimization_config import MultiObjectiveOptimizationConfig, OptimizationConfig
from docstore.model.outcome_constraint import (
    ComparisonOp,
    ObjectiveThreshold,
    OutcomeConstraint,
    ScalarizedOutcomeConstraint,
)
from docstore.model.parameter import (
    ChoiceParameter,
    DerivedParameter,
    FixedParameter,
    Parameter,
    ParameterType,
    RangeParameter,
    TParameterization,
    TParamValue,
)
from docstore.model.runner import Runner
from docstore.model.search_space import ParameterConstraint, SearchSpace
from docstore.model.statuses import AuxiliaryExperimentPurpose, ExperimentStatus, TrialStatus
from docstore.model.trial import BaseTrial, Trial

__all__ = [
    "CLASSES",
    "ENUMS",
    "NOT_STORED",
    "AbandonedArm",
    "AnalysisCard",
    "AnalysisCardBase",
    "AnalysisCardGroup",
    "Arm",
    "Artifact",
    "AuxiliaryExperiment",
    "AuxiliaryExperimentPurpose",
    "BaseTrial",
    "BatchTrial",
    "ChoiceParameter",
    "ComparisonOp",
    "Data",
    "DerivedParameter",
    "Experiment",
    "ExperimentStatus",
    "FixedParameter",
    "GenerationNode",
    "GenerationStrategy",
    "GeneratorRun",
    "GeneratorRunType",
    "MapMetric",
    "Metric",
    "MultiObjective",
    "MultiObjectiveOptimizationConfig",
    "MultiTypeExperiment",
    "Objective",
    "ObjectiveThreshold",
    "OptimizationConfig",
    "OutcomeConstraint",
    "Parameter",
    "ParameterConstraint",
    "ParameterType",
    "RangeParameter",
    "Runner",
    "ScalarizedObjective",
    "ScalarizedOutcomeConstraint",
    "SearchSpace",
    "TParamValue",
    "TParameterization",
    "Trial",
    "TrialStatus",
]

_EXPORTED: Final[list[type]] = [globals()[name] for name in __all__ if isinstance(globals().get(name), type)]
_BASES: Final = (AnalysisCardBase, BaseTrial, Parameter)

CLASSES: tuple[type, ...] = tuple(
    each for each in _EXPORTED if "__dataclass_fields__" in vars(each) and each not in _BASES
)
"""The classes whose instances may be stored."""

ENUMS: tuple[type[Enum], ...] = tuple(each for each in _EXPORTED if issubclass(each, Enum))
"""The Enums whose members may be stored, in a field or a user's properties."""
