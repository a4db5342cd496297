"""The enums of Ax that its objects hold."""

from __future__ import annotations

from enum import Enum

from ax.adapter.registry import Generators
from ax.core.evaluations_to_data import DataType
from ax.core.experiment_status import ExperimentStatus
from ax.core.trial_status import TrialStatus
from ax.core.types import ComparisonOp
from ax.generation_strategy.best_model_selector import ReductionCriterion
from ax.generation_strategy.generation_node_input_constructors import InputConstructorPurpose, NodeInputConstructors
from ax.orchestration.orchestrator_options import TrialType
from ax.storage.json_store.registry import CORE_DECODER_REGISTRY
from ax.utils.common.constants import Keys

from docstore.ax.entries import MODEL, tag_of
from docstore.codec.registry import Entry

NAMED = (
    ComparisonOp,
    DataType,
    ExperimentStatus,
    Generators,
    InputConstructorPurpose,
    Keys,
    NodeInputConstructors,
    ReductionCriterion,
    TrialStatus,
    TrialType,
)
"""Those that are used most. Ax's registry of decoders has a few more."""


def _enums() -> dict[type[Enum], None]:
    decoded = [each for each in CORE_DECODER_REGISTRY.values() if isinstance(each, type) and issubclass(each, Enum)]
    return dict.fromkeys((*NAMED, *decoded))


ENTRIES = tuple(Entry(cls, tag_of(cls), model=MODEL) for cls in _enums())
