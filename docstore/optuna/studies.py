"""A study as an experiment, and back: its name, directions and attributes, the search space, the metrics.

What the model has no place for is in ``properties["optuna"]``, so that the study comes back exactly:

- ``system_attrs``: the attributes that Optuna and its samplers set; the user's are properties themselves
- ``study_name``: if the document has another name
- ``distributions``: those that the parameter of the search space does not give back, by the parameter's name
- ``directions``, ``user_attrs``: if the objective, or the properties, cannot express them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection

from docstore.errors import InvalidValueError
from docstore.model import (
    Experiment,
    MapMetric,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    OptimizationConfig,
    SearchSpace,
)
from docstore.optuna.parameters import as_members, distribution_of, of_members, parameter_of
from docstore.store.importing import name_here

KEY: Final = "optuna"
"""The key in ``properties`` of an experiment and of a trial under which is what the model has no place for."""

INTERMEDIATE: Final = "intermediate_value"
"""The metric of what a trial reports while it runs. The objective has only what it returned, so that ``best`` agrees
with Optuna, which takes the best of the completed trials."""

_METRIC_NAMES: Final = "study:metric_names"
"""The system attribute that ``study.set_metric_names`` sets."""

_NO_NAME: Final = "(no name)"
"""The name of the document of a study whose name is the empty text, which is no name of a document."""


@dataclass(frozen=True)
class StudyHead:
    """A study without its trials."""

    name: str
    directions: Sequence[StudyDirection]
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """What the trials of a study have in common, as its experiment says.

    Attributes:
        distributions: of each parameter of the search space, in its order.
        metrics: the name of each objective, in Optuna's order.
    """

    distributions: Mapping[str, BaseDistribution]
    metrics: Sequence[str]

    @classmethod
    def of(cls, experiment: Experiment) -> Layout:
        """Return the layout of the trials of *experiment*."""
        kept = _kept(experiment).get("distributions", {})
        distributions = {
            name: of_members(kept[name]) if name in kept else distribution_of(parameter)
            for name, parameter in experiment.search_space.parameters.items()
        }
        config = experiment.optimization_config
        metrics = [] if config is None else config.objective.metric_names
        return cls({name: each for name, each in distributions.items() if each is not None}, metrics)


def document_name(study_name: str, prefix: str = "") -> str:
    """Return the name of the document of a study."""
    return name_here(f"{prefix}{study_name}") or _NO_NAME


def is_study(experiment: Experiment) -> bool:
    """Return whether *experiment* was made from a study of Optuna."""
    return KEY in experiment.properties


def new_experiment(study: StudyHead, name: str, time_created: datetime) -> Experiment:
    """Return an experiment named *name*, without parameters and trials, of *study*."""
    experiment = Experiment(SearchSpace([]), name, optimization_config=_optimization_config(study))
    experiment.time_created, experiment.status = time_created, None
    experiment.properties = {KEY: {} if name == study.name else {"study_name": study.name}}
    if StudyDirection.NOT_SET in study.directions:
        experiment.properties[KEY]["directions"] = [direction.name for direction in study.directions]
    set_attributes(experiment, study)
    return experiment


def set_attributes(experiment: Experiment, study: StudyHead) -> bool:
    """Give *experiment* the attributes of *study* that it has otherwise or lacks; return whether there are any.

    Properties that *study* does not have stay. The metrics are renamed only as long as there are no trials.
    """
    changed = False
    for key, value in study.user_attrs.items():
        changed |= set_user_attr(experiment, key, value)
    for key, value in study.system_attrs.items():
        changed |= set_system_attr(experiment, key, value)
    return changed


def set_user_attr(experiment: Experiment, key: str, value: Any) -> bool:
    """Set an attribute of the user's; return whether it was another."""
    own = _own(experiment)
    if key == KEY and "user_attrs" not in own:
        own["user_attrs"] = {name: each for name, each in experiment.properties.items() if name != KEY}
    return _set(own.get("user_attrs", experiment.properties), key, value)


def set_system_attr(experiment: Experiment, key: str, value: Any) -> bool:
    """Set an attribute of Optuna's; return whether it was another."""
    changed = _set(_own(experiment).setdefault("system_attrs", {}), key, value)
    if key == _METRIC_NAMES and changed and not experiment.trials:
        experiment.optimization_config = _optimization_config(study_head(experiment))
    return changed


def _set(members: dict[str, Any], key: str, value: Any) -> bool:
    """Set a member; return whether it was another. NaN is taken for the same as NaN."""
    if key in members and repr(members[key]) == repr(value):
        return False
    members[key] = value
    return True


def add_parameters(experiment: Experiment, distributions: Mapping[str, BaseDistribution]) -> bool:
    """Add the parameters that the search space lacks; return whether there were any.

    A parameter keeps the distribution that it had first. Trials with another one have that in their properties.
    """
    known = experiment.search_space.parameters
    new = {name: each for name, each in distributions.items() if name not in known}
    for name, distribution in new.items():
        parameter = parameter_of(name, distribution)
        experiment.search_space.add_parameter(parameter)
        if repr(distribution_of(parameter)) != repr(distribution):
            _own(experiment).setdefault("distributions", {})[name] = as_members(distribution)
    return bool(new)


def add_intermediate_metric(experiment: Experiment) -> bool:
    """Let *experiment* track intermediate values; return whether it did not yet."""
    if INTERMEDIATE in experiment.metrics:
        return False
    experiment.add_tracking_metric(MapMetric(INTERMEDIATE))
    return True


def study_head(experiment: Experiment) -> StudyHead:
    """Return the study of *experiment*, without its trials.

    Raises:
        InvalidValueError: it has no objective, or one that is a weighted sum, which Optuna lacks.
    """
    own = _kept(experiment)
    user_attrs = {key: value for key, value in experiment.properties.items() if key != KEY}
    return StudyHead(
        own.get("study_name", experiment.name or ""),
        _directions(experiment),
        dict(own.get("user_attrs", user_attrs)),
        dict(own.get("system_attrs", {})),
    )


def _directions(experiment: Experiment) -> list[StudyDirection]:
    if "directions" in (own := _kept(experiment)):
        return [StudyDirection[name] for name in own["directions"]]
    config = experiment.optimization_config
    if config is None or config.objective.is_scalarized_objective:
        remedy = "A study has one metric for each objective: give the experiment an optimization_config with such ones."
        raise InvalidValueError(f"objective of experiment {experiment.name!r}", config, remedy)
    weights = config.objective.metric_weights
    return [StudyDirection.MINIMIZE if weight < 0 else StudyDirection.MAXIMIZE for _, weight in weights]


def _kept(experiment: Experiment) -> dict[str, Any]:
    """Return what the model has no place for; of an experiment that was made from no study, an empty dict."""
    kept = experiment.properties.get(KEY)
    return kept if isinstance(kept, dict) else {}


def _own(experiment: Experiment) -> dict[str, Any]:
    """Return what the model has no place for, to be added to."""
    own: dict[str, Any] = experiment.properties.setdefault(KEY, {})
    return own


# --- objectives ------------------------------------------------------------------------------------------------------


def _optimization_config(study: StudyHead) -> OptimizationConfig:
    objectives = [
        Objective(metric=Metric(name, lower_is_better=minimize), minimize=minimize)
        for name, minimize in zip(
            _metric_names(study), (each is not StudyDirection.MAXIMIZE for each in study.directions), strict=True
        )
    ]
    if len(objectives) == 1:
        return OptimizationConfig(objectives[0])
    return MultiObjectiveOptimizationConfig(MultiObjective(objectives))


def _metric_names(study: StudyHead) -> list[str]:
    """Return the names that the user gave the objectives, or those of the columns of ``study.trials_dataframe()``."""
    given, number = study.system_attrs.get(_METRIC_NAMES), len(study.directions)
    if isinstance(given, list) and len(given) == number and len({*map(str, given), INTERMEDIATE, ""}) == number + 2:
        return [str(name) for name in given]
    return ["value"] if number == 1 else [f"values_{index}" for index in range(number)]
