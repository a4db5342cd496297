"""What of Ax's objects is not kept, and why: the one list that the comparison and the documentation are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_ROW = "the number of a row in Ax's own database"
_FITTED = "what was fitted: Ax fits it again when it generates"
_CACHE = "a cache: Ax works it out again"
_OWNER = "the object that holds this one: set again when that is loaded"

NOT_KEPT: Final[dict[str, dict[str, str]]] = {
    "Base": {"_db_id": _ROW},
    "BatchTrial": dict.fromkeys(("_status_quo_generator_run_db_id", "_status_quo_arm_db_id"), _ROW),
    "Data": dict.fromkeys(("_memo_df", "full_df", "metric_names", "trial_indices"), _CACHE),
    "GenerationNode": {"_trials_from_node_cache": _CACHE, "_cached_trial_count": _CACHE},
    "GenerationStrategy": {"_experiment": "a document of its own: its name is kept"},
    "GeneratorSpec": dict.fromkeys(
        ("_fitted_adapter", "_cv_results", "_diagnostics", "_last_cv_kwargs", "_last_fit_arg_ids"), _FITTED
    ),
    "BoTorchGenerator": {"_acquisition": _FITTED},
    "Surrogate": dict.fromkeys(
        (
            "_last_datasets",
            "_submodels",
            "metric_to_best_model_config",
            "_model_name_to_eval",
            "_model_name_to_model",
            "_last_search_space_digest",
            "_training_data",
            "_outcomes",
            "_model",
        ),
        _FITTED,
    ),
}
"""By class, for its subclasses too: the attributes, each with the reason."""

OWNERS: Final[dict[str, dict[str, str]]] = {
    "BaseTrial": {"_experiment": _OWNER},
    "GenerationNode": {"_generation_strategy": _OWNER},
}
"""What an object lacks that was saved by itself, without the one that holds it."""


def left_out(cls: type, *tables: dict[str, dict[str, str]]) -> frozenset[str]:
    """Return the attributes of *cls* that *tables* name."""
    names: Iterable[str] = (base.__name__ for base in cls.__mro__)
    return frozenset(attribute for name in names for table in tables for attribute in table.get(name, ()))
