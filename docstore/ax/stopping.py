"""The fields of stopping strategies, and of the options of an orchestrator."""

from __future__ import annotations

from dataclasses import fields

from ax.core.data_utils import DataLoaderConfig
from ax.core.llm_provider import LLMMessage
from ax.early_stopping.strategies.logical import AndEarlyStoppingStrategy, OrEarlyStoppingStrategy
from ax.early_stopping.strategies.percentile import PercentileEarlyStoppingStrategy
from ax.early_stopping.strategies.threshold import ThresholdEarlyStoppingStrategy
from ax.generators.winsorization_config import WinsorizationConfig
from ax.global_stopping.strategies.improvement import ImprovementGlobalStoppingStrategy
from ax.orchestration.orchestrator_options import OrchestratorOptions

from docstore.ax.entries import entry

EARLY_STOPPING = (
    "metric_signatures",
    "min_progression",
    "max_progression",
    "min_curves",
    "normalize_progressions",
    "interval",
    "check_safe",
    "_last_check_progressions",
)

ENTRIES = (
    *(entry(cls, *EARLY_STOPPING, "left", "right") for cls in (AndEarlyStoppingStrategy, OrEarlyStoppingStrategy)),
    entry(
        PercentileEarlyStoppingStrategy,
        *EARLY_STOPPING,
        "percentile_threshold",
        "n_best_trials_to_complete",
        "patience",
    ),
    entry(ThresholdEarlyStoppingStrategy, *EARLY_STOPPING, "metric_threshold"),
    entry(
        ImprovementGlobalStoppingStrategy,
        "min_trials",
        "inactive_when_pending_trials",
        "window_size",
        "improvement_bar",
        "hv_by_trial",
        "_inferred_objective_thresholds",
    ),
    *(
        entry(cls, *(field.name for field in fields(cls)))
        for cls in (OrchestratorOptions, DataLoaderConfig, LLMMessage, WinsorizationConfig)
    ),
)
