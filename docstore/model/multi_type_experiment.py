"""An experiment whose trials are of several types, each with a runner and metrics of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from docstore.errors import InvalidValueError
from docstore.model.arm import Arm
from docstore.model.checks import check_instances, check_name
from docstore.model.experiment import Experiment
from docstore.model.metric import Metric
from docstore.model.optimization_config import OptimizationConfig
from docstore.model.runner import Runner
from docstore.model.search_space import SearchSpace


@dataclass(init=False, repr=False)
class MultiTypeExperiment(Experiment):
    """Trials of several types, such as a simulator's and the real system's, tuned together."""

    _trial_type_to_runner: dict[str, Runner | None] = field(default_factory=dict)
    _metric_to_trial_type: dict[str, str] = field(default_factory=dict)
    _metric_to_canonical_name: dict[str, str] = field(default_factory=dict)

    def __init__(
        self,
        name: str,
        search_space: SearchSpace,
        default_trial_type: str,
        default_runner: Runner | None = None,
        optimization_config: OptimizationConfig | None = None,
        tracking_metrics: Sequence[Metric] | None = None,
        status_quo: Arm | None = None,
        description: str | None = None,
        is_test: bool = False,
        experiment_type: str | Enum | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        self._trial_type_to_runner = {check_name("default_trial_type", default_trial_type): default_runner}
        self._metric_to_trial_type, self._metric_to_canonical_name = {}, {}
        super().__init__(
            search_space,
            name,
            optimization_config,
            tracking_metrics,
            default_runner,
            status_quo,
            description,
            is_test,
            experiment_type,
            properties,
            default_trial_type=default_trial_type,
        )

    def add_trial_type(self, trial_type: str, runner: Runner | None) -> Self:
        """Allow trials of *trial_type*, run by *runner*, and return the experiment."""
        if self.supports_trial_type(check_name("trial_type", trial_type)):
            raise InvalidValueError("trial_type", trial_type, "It is there: use update_runner, or another name.")
        check_instances("runner", [] if runner is None else [runner], Runner)
        self._trial_type_to_runner[trial_type] = runner
        return self

    def update_runner(self, trial_type: str, runner: Runner | None) -> Self:
        """Let *runner* run the trials of *trial_type*, and return the experiment."""
        self._check_trial_type(trial_type)
        check_instances("runner", [] if runner is None else [runner], Runner)
        if trial_type == self.default_trial_type:
            self.runner = runner
        self._trial_type_to_runner[trial_type] = runner
        return self

    def _set_runner(self, runner: Runner | None) -> None:
        super()._set_runner(runner)
        if self.default_trial_type is not None:
            self._trial_type_to_runner[self.default_trial_type] = runner

    def supports_trial_type(self, trial_type: str | None) -> bool:
        """Return whether a trial may have that type."""
        return trial_type in self._trial_type_to_runner

    def _trial_type_remedy(self) -> str:
        return f"Call add_trial_type first; there are {', '.join(map(repr, self._trial_type_to_runner))}."

    def _check_trial_type(self, trial_type: str) -> None:
        if not self.supports_trial_type(trial_type):
            raise InvalidValueError("trial_type", trial_type, self._trial_type_remedy())

    def runner_for_trial_type(self, trial_type: str | None) -> Runner | None:
        """Return the runner of trials of that type."""
        if trial_type == self.default_trial_type:
            return self.runner  # not that of the dict, where an earlier release left one that was replaced
        return None if trial_type is None else self._trial_type_to_runner.get(trial_type)

    def add_tracking_metric(
        self, metric: Metric, trial_type: str | None = None, canonical_name: str | None = None
    ) -> Self:
        """Add *metric* of trials of one type, a stand-in for *canonical_name* if given, and return the experiment."""
        if trial_type is not None:
            self._check_trial_type(trial_type)
        if canonical_name is not None:
            check_name("canonical_name of a metric", canonical_name)
        super().add_tracking_metrics([metric])
        if trial_type is not None and trial_type != self.default_trial_type:
            self._metric_to_trial_type[metric.name] = trial_type
        if canonical_name is not None:
            self._metric_to_canonical_name[metric.name] = canonical_name
        return self

    def remove_tracking_metric(self, metric_name: str) -> Self:
        """Remove the metric of that name, and return the experiment."""
        super().remove_tracking_metric(metric_name)
        self._metric_to_trial_type.pop(metric_name, None)
        self._metric_to_canonical_name.pop(metric_name, None)
        return self

    @property
    def metric_to_trial_type(self) -> dict[str, str]:
        """The type of trials in which each metric is measured; the default type if none was given."""
        default = self.default_trial_type or ""
        return {name: self._metric_to_trial_type.get(name, default) for name in self.metrics}

    def metrics_for_trial_type(self, trial_type: str) -> list[Metric]:
        """Return the metrics that are measured in trials of that type."""
        self._check_trial_type(trial_type)
        kinds = self.metric_to_trial_type
        return [metric for name, metric in self.metrics.items() if kinds[name] == trial_type]

    @property
    def default_trials(self) -> set[int]:
        """The indices of the trials of the default type."""
        return {index for index, trial in self.trials.items() if trial.trial_type == self.default_trial_type}
