"""Save objects, first of all adaptive experiments, as versioned JSON documents: in a JSON file or a SQL database.

``connect(url)`` gives a ``Store``; ``dumps`` and ``loads`` give and take the JSON text. The classes of the light
experiment model are here too, under the names that users of Ax know.

Public are the names in ``__all__`` and the modules ``errors``, ``registry``, ``registry_bundle``, ``json_store``,
``sqa_store``, ``plots``, ``testing``, ``migrations`` and ``web``. The other modules are internal.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from docstore import registry
    from docstore.codec import UnknownObject
    from docstore.documents.canonical import ABSENT
    from docstore.documents.diff.diff import Diff
    from docstore.documents.history import Version
    from docstore.documents.patch import Change
    from docstore.errors import (
        CodecError,
        Conflict,
        ConflictError,
        ConnectionLostError,
        DamagedDocumentError,
        DatabaseError,
        DecodeError,
        DivergedError,
        DocstoreError,
        DocumentExistsError,
        DocumentNotFoundError,
        EncodeError,
        FileAccessError,
        FileFormatError,
        FileReplacedError,
        InvalidTransitionError,
        InvalidValueError,
        MissingDependencyError,
        MissingFileError,
        NameChangedError,
        NewerFormatError,
        NewerSchemaError,
        NotAllowedError,
        ObjectBusyError,
        OverwriteWarning,
        PatchError,
        RaceLostError,
        ReadOnlyError,
        RegistryError,
        StoreClosedError,
        StoreError,
        TablesError,
        TagExistsError,
        TooLargeError,
        UnknownCodeError,
        UnknownTagError,
        UnreadableError,
        UnresolvedError,
        VersionNotFoundError,
    )
    from docstore.json_store.functions import diff, digest, dumps, loads
    from docstore.model import (
        AbandonedArm,
        AnalysisCard,
        AnalysisCardGroup,
        Arm,
        Artifact,
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
    from docstore.progress import Progress
    from docstore.registry import document, register
    from docstore.registry.bundle import RegistryBundle
    from docstore.registry.stand_ins import UnknownMetric, UnknownRunner
    from docstore.search.conditions import q
    from docstore.search.experiments.best import BestArm
    from docstore.search.experiments.running import RunningTrial
    from docstore.search.experiments.similar import Similar
    from docstore.search.indexes import PlaceIndex
    from docstore.search.info import DocumentInfo, PartInfo
    from docstore.search.results import Found, Page
    from docstore.search.stats import Stats
    from docstore.store.artifacts import Artifacts, Collected
    from docstore.store.compaction import Compacted
    from docstore.store.connect import connect
    from docstore.store.copying import Copied
    from docstore.store.status import Status
    from docstore.store.store import Store
    from docstore.store.timeline import Blame
    from docstore.verify import Damage

__version__ = "0.1.0"

__all__ = [
    "ABSENT",
    "AbandonedArm",
    "AnalysisCard",
    "AnalysisCardGroup",
    "Arm",
    "Artifact",
    "Artifacts",
    "AuxiliaryExperiment",
    "AuxiliaryExperimentPurpose",
    "BatchTrial",
    "BestArm",
    "Blame",
    "Change",
    "ChoiceParameter",
    "CodecError",
    "Collected",
    "Compacted",
    "ComparisonOp",
    "Conflict",
    "ConflictError",
    "ConnectionLostError",
    "Copied",
    "Damage",
    "DamagedDocumentError",
    "Data",
    "DatabaseError",
    "DecodeError",
    "DerivedParameter",
    "Diff",
    "DivergedError",
    "DocstoreError",
    "DocumentExistsError",
    "DocumentInfo",
    "DocumentNotFoundError",
    "EncodeError",
    "Experiment",
    "ExperimentStatus",
    "FileAccessError",
    "FileFormatError",
    "FileReplacedError",
    "FixedParameter",
    "Found",
    "GenerationNode",
    "GenerationStrategy",
    "GeneratorRun",
    "GeneratorRunType",
    "InvalidTransitionError",
    "InvalidValueError",
    "MapMetric",
    "Metric",
    "MissingDependencyError",
    "MissingFileError",
    "MultiObjective",
    "MultiObjectiveOptimizationConfig",
    "MultiTypeExperiment",
    "NameChangedError",
    "NewerFormatError",
    "NewerSchemaError",
    "NotAllowedError",
    "ObjectBusyError",
    "Objective",
    "ObjectiveThreshold",
    "OptimizationConfig",
    "OutcomeConstraint",
    "OverwriteWarning",
    "Page",
    "ParameterConstraint",
    "ParameterType",
    "PartInfo",
    "PatchError",
    "PlaceIndex",
    "Progress",
    "RaceLostError",
    "RangeParameter",
    "ReadOnlyError",
    "RegistryBundle",
    "RegistryError",
    "Runner",
    "RunningTrial",
    "ScalarizedObjective",
    "ScalarizedOutcomeConstraint",
    "SearchSpace",
    "Similar",
    "Stats",
    "Status",
    "Store",
    "StoreClosedError",
    "StoreError",
    "TablesError",
    "TagExistsError",
    "TooLargeError",
    "Trial",
    "TrialStatus",
    "UnknownCodeError",
    "UnknownMetric",
    "UnknownObject",
    "UnknownRunner",
    "UnknownTagError",
    "UnreadableError",
    "UnresolvedError",
    "Version",
    "VersionNotFoundError",
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

_PUBLIC_MODULES: Final = (
    "errors",
    "json_store",
    "migrations",
    "plots",
    "registry",
    "registry_bundle",
    "sqa_store",
    "testing",
    "web",
)

_NAMES: Final = {
    "docstore.codec": ("UnknownObject",),
    "docstore.documents.canonical": ("ABSENT",),
    "docstore.documents.diff.diff": ("Diff",),
    "docstore.documents.history": ("Version",),
    "docstore.documents.patch": ("Change",),
    "docstore.errors": (
        "CodecError",
        "Conflict",
        "ConflictError",
        "ConnectionLostError",
        "DamagedDocumentError",
        "DatabaseError",
        "DecodeError",
        "DivergedError",
        "DocstoreError",
        "DocumentExistsError",
        "DocumentNotFoundError",
        "EncodeError",
        "FileAccessError",
        "FileFormatError",
        "FileReplacedError",
        "InvalidTransitionError",
        "InvalidValueError",
        "MissingDependencyError",
        "MissingFileError",
        "NameChangedError",
        "NewerFormatError",
        "NewerSchemaError",
        "NotAllowedError",
        "ObjectBusyError",
        "OverwriteWarning",
        "PatchError",
        "RaceLostError",
        "ReadOnlyError",
        "RegistryError",
        "StoreClosedError",
        "StoreError",
        "TablesError",
        "TagExistsError",
        "TooLargeError",
        "UnknownCodeError",
        "UnknownTagError",
        "UnreadableError",
        "UnresolvedError",
        "VersionNotFoundError",
    ),
    "docstore.json_store.functions": ("diff", "digest", "dumps", "loads"),
    "docstore.model": (
        "AbandonedArm",
        "AnalysisCard",
        "AnalysisCardGroup",
        "Arm",
        "Artifact",
        "AuxiliaryExperiment",
        "AuxiliaryExperimentPurpose",
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
        "ParameterConstraint",
        "ParameterType",
        "RangeParameter",
        "Runner",
        "ScalarizedObjective",
        "ScalarizedOutcomeConstraint",
        "SearchSpace",
        "Trial",
        "TrialStatus",
    ),
    "docstore.progress": ("Progress",),
    "docstore.registry": ("document", "register"),
    "docstore.registry.bundle": ("RegistryBundle",),
    "docstore.registry.stand_ins": ("UnknownMetric", "UnknownRunner"),
    "docstore.search.conditions": ("q",),
    "docstore.search.experiments.best": ("BestArm",),
    "docstore.search.experiments.running": ("RunningTrial",),
    "docstore.search.experiments.similar": ("Similar",),
    "docstore.search.indexes": ("PlaceIndex",),
    "docstore.search.info": ("DocumentInfo", "PartInfo"),
    "docstore.search.results": ("Found", "Page"),
    "docstore.search.stats": ("Stats",),
    "docstore.store.artifacts": ("Artifacts", "Collected"),
    "docstore.store.compaction": ("Compacted",),
    "docstore.store.connect": ("connect",),
    "docstore.store.copying": ("Copied",),
    "docstore.store.status": ("Status",),
    "docstore.store.store": ("Store",),
    "docstore.store.timeline": ("Blame",),
    "docstore.verify": ("Damage",),
}
"""Each module that has public names, and these names."""

_LOADED_WHEN_USED: Final = {name: module for module, names in _NAMES.items() for name in names}
"""The module of each public name, from which it is imported when first used: a program pays for what it uses."""


def __dir__() -> list[str]:
    """Return the public names and the public modules, whether they were imported or not."""
    return sorted({*__all__, *_PUBLIC_MODULES})


if not TYPE_CHECKING:  # with a __getattr__, a type checker accepts any name

    def __getattr__(name: str) -> Any:
        """Import a public name or module when it is first used (PEP 562)."""
        if name in _PUBLIC_MODULES:
            return import_module(f"docstore.{name}")
        if name not in _LOADED_WHEN_USED:
            raise AttributeError(f"module 'docstore' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LOADED_WHEN_USED[name]), name)
        return value
