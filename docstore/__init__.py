"""Save objects, first of all adaptive experiments, as versioned JSON documents: in a JSON file or a SQL database.

``connect(url)`` gives a ``Store``; ``dumps`` and ``loads`` give and take the JSON text. The classes of the light
experiment model are here too, under the names that users of Ax know.
"""

from __future__ import annotations

from docstore import registry
from docstore.analysis.ranking import BestArm
from docstore.analysis.similar import Similar
from docstore.codec import UnknownObject
from docstore.comparing import diff
from docstore.copying import Copied
from docstore.difference import Diff
from docstore.documents import digest, dumps, loads
from docstore.errors import Conflict, ConflictError, DocstoreError
from docstore.finding.conditions import q
from docstore.finding.found import Found, Page
from docstore.finding.indexes import PlaceIndex
from docstore.finding.infos import DocumentInfo, PartInfo
from docstore.history import Version
from docstore.model import (
    AbandonedArm,
    AnalysisCard,
    AnalysisCardGroup,
    Arm,
    AuxiliaryExperiment,
    AuxiliaryExperimentPurpose,
    BatchTrial,
    ChoiceParameter,
    ComparisonOp,
    Data,
    DerivedParameter,
    Experiment,
    ExperimentStatus,
    FixedParameter,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    GeneratorRunType,
    MapMetric,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    MultiTypeExperiment,
    Objective,
    ObjectiveThreshold,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    Runner,
    ScalarizedObjective,
    ScalarizedOutcomeConstraint,
    SearchSpace,
    Trial,
    TrialStatus,
)
from docstore.opening import connect
from docstore.patch import Change
from docstore.registry import document, register
from docstore.registry_bundle import RegistryBundle
from docstore.store import Store
from docstore.values import ABSENT
from docstore.verification import Damage, Progress
from docstore.versions.blame import Blame
from docstore.versions.compaction import Compacted
from docstore.versions.status import Status

__version__ = "0.1.0"

__all__ = [
    "ABSENT",
    "AbandonedArm",
    "AnalysisCard",
    "AnalysisCardGroup",
    "Arm",
    "AuxiliaryExperiment",
    "AuxiliaryExperimentPurpose",
    "BatchTrial",
    "BestArm",
    "Blame",
    "Change",
    "ChoiceParameter",
    "Compacted",
    "ComparisonOp",
    "Conflict",
    "ConflictError",
    "Copied",
    "Damage",
    "Data",
    "DerivedParameter",
    "Diff",
    "DocstoreError",
    "DocumentInfo",
    "Experiment",
    "ExperimentStatus",
    "FixedParameter",
    "Found",
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
    "Page",
    "ParameterConstraint",
    "ParameterType",
    "PartInfo",
    "PlaceIndex",
    "Progress",
    "RangeParameter",
    "RegistryBundle",
    "Runner",
    "ScalarizedObjective",
    "ScalarizedOutcomeConstraint",
    "SearchSpace",
    "Similar",
    "Status",
    "Store",
    "Trial",
    "TrialStatus",
    "UnknownObject",
    "Version",
    "__version__",
    "connect",
    "diff",
    "digest",
    "document",
    "dumps",
    "loads",
    "q",
    "register",
    "registry",
]
