"""An experiment: a search space, an objective, trials, and their data; and other experiments that it learns from."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from itertools import chain
from typing import Any, Final, Self

from docstore.documents.display import counted
from docstore.errors import DecodeError, InvalidValueError, short_repr
from docstore.model.arm import Arm
from docstore.model.arm_index import ArmIndex
from docstore.model.batch_trial import BatchTrial
from docstore.model.checks import NOT_STORED, check_dict, check_instances, check_name, check_unique, name_of
from docstore.model.data import Data
from docstore.model.generator_run import GeneratorRun
from docstore.model.html import experiment_html
from docstore.model.lazy_part_dict import are_keys_known, extent, read_unread
from docstore.model.metric import Metric
from docstore.model.optimization_config import OptimizationConfig
from docstore.model.parameter import Parameter, TParamValue
from docstore.model.part_dict import PartDict, in_memory, peek, sort_keys
from docstore.model.runner import Runner
from docstore.model.search_space import SearchSpace
from docstore.model.statuses import AuxiliaryExperimentPurpose, ExperimentStatus, TrialStatus
from docstore.model.trial import BaseTrial, Trial

_PLAIN: Final = (str, int, float, datetime, type(None))
"""Types of values that never change: two records may share one."""


@dataclass(init=False, repr=False)
class Experiment:
    """A search space, trials of arms in it, and their data.

    Adding a trial or data changes only that trial's entry in ``trials`` or ``data``, so that a save writes nothing
    else. Everything else that can be asked is computed from them.
    """

    search_space: SearchSpace
    name: str | None = None
    description: str | None = None
    _experiment_type: str | None = None
    status: ExperimentStatus | None = ExperimentStatus.DRAFT
    is_test: bool = False
    time_created: datetime = field(default_factory=lambda: datetime.now(UTC))
    optimization_config: OptimizationConfig | None = None
    _tracking_metrics: list[Metric] = field(default_factory=list)
    _runner: Runner | None = None
    _status_quo: Arm | None = None
    default_trial_type: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    # By a purpose's value, a plain string; AuxiliaryExperiment is defined below, as it holds an Experiment.
    _auxiliary_experiments_by_purpose: dict[str, list[AuxiliaryExperiment]] = field(default_factory=dict)
    _trials: dict[int, BaseTrial] = field(default_factory=dict)
    _data: dict[int, Data] = field(default_factory=dict)
    # None while the object is decoded, before it is restored.
    _arm_index: Any = field(default=None, compare=False, metadata=NOT_STORED)

    def __init__(
        self,
        search_space: SearchSpace,
        name: str | None = None,
        optimization_config: OptimizationConfig | None = None,
        tracking_metrics: Sequence[Metric] | None = None,
        runner: Runner | None = None,
        status_quo: Arm | None = None,
        description: str | None = None,
        is_test: bool = False,
        experiment_type: str | Enum | None = None,
        properties: Mapping[str, Any] | None = None,
        *,
        metrics: Sequence[Metric] | None = None,
        auxiliary_experiments_by_purpose: (
            Mapping[AuxiliaryExperimentPurpose, Sequence[AuxiliaryExperiment]] | None
        ) = None,
        default_trial_type: str | None = None,
    ) -> None:
        check_instances("search space", [search_space], SearchSpace)
        check_instances(
            "optimization config", [] if optimization_config is None else [optimization_config], OptimizationConfig
        )
        check_instances("runner", [] if runner is None else [runner], Runner)
        self.search_space, self.optimization_config, self._runner = search_space, optimization_config, runner
        self.name = None if name is None else check_name("name of an experiment", name)
        self.description, self.is_test, self.default_trial_type = description, is_test, default_trial_type
        self.experiment_type = experiment_type
        self.status, self.time_created = ExperimentStatus.DRAFT, datetime.now(UTC)
        self.properties = check_dict("properties of an experiment", {} if properties is None else properties)
        self._trials, self._data = PartDict(), PartDict()
        self._tracking_metrics, self._status_quo = [], None
        self._auxiliary_experiments_by_purpose = {}
        self._arm_index = ArmIndex()
        given = (check_instances("tracking metric", each or (), Metric) for each in (tracking_metrics, metrics))
        self.add_tracking_metrics([*chain.from_iterable(given)])
        self.status_quo = status_quo
        for purpose, auxiliaries in (auxiliary_experiments_by_purpose or {}).items():
            for auxiliary in auxiliaries:
                self.add_auxiliary_experiment(purpose, auxiliary)

    def __docstore_restored__(self) -> None:
        for member, parts in (("trials", self._trials), ("data", self._data)):
            if not isinstance(parts, dict):
                problem = f"{short_repr(parts)} is no JSON object, with a member for each trial"
                raise DecodeError(problem, pointer=f"/{member}")
            sort_keys(parts)
        if self._arm_index is None:
            self._trials, self._data = PartDict(self._trials), PartDict(self._data)
        self._arm_index = ArmIndex()
        # Nothing that is stored changes, so no trial is touched. Trials that are not in memory follow when read.
        self.__docstore_restore_trials__(trial for _, trial in in_memory(self._trials))
        if self._status_quo is not None:
            self._status_quo._parameters = self._status_quo.ordered_like(list(self.search_space.parameters))

    def __docstore_restore_trials__(self, trials: Iterable[Any]) -> None:
        """Restore what is not stored in *trials*: their experiment, its index of arms, and the order of parameters."""
        order = [parameter.name for parameter in self.search_space.parameters.values()]
        for trial in trials:
            trial._experiment = self
            self._arm_index.add_read(trial)
            for run in trial.generator_runs:
                for arm in run.arms:
                    arm._parameters = arm.ordered_like(order)
                if run.best_arm_predictions is not None:
                    best = run.best_arm_predictions[0]
                    best._parameters = best.ordered_like(order)

    def __docstore_check_merged__(self) -> None:
        """Check that the search space is valid after a merge of two people's changes."""
        self.search_space.check_merged()

    # Name and type.

    @property
    def has_name(self) -> bool:
        """Whether the experiment has a name, which it needs to be saved in a database."""
        return self.name is not None

    @property
    def experiment_type(self) -> str | None:
        """The name of the experiment's type. A member of an Enum may be assigned; its name is kept."""
        return self._experiment_type

    @experiment_type.setter
    def experiment_type(self, value: str | Enum | None) -> None:
        self._experiment_type = name_of("experiment_type", value)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter of the search space, by name."""
        return self.search_space.parameters

    @property
    def is_moo_problem(self) -> bool:
        """Whether there are several objectives."""
        return self.optimization_config is not None and self.optimization_config.is_moo_problem

    # Metrics.

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric by name: the experiment's own, and those of the optimization config that have other names."""
        own = {metric.name: metric for metric in self._tracking_metrics}
        return {**(self.optimization_config.metrics if self.optimization_config else {}), **own}

    @property
    def tracking_metrics(self) -> list[Metric]:
        """The metrics that are measured but not optimized."""
        optimized = self.optimization_config.metric_names if self.optimization_config else set()
        return [metric for metric in self._tracking_metrics if metric.name not in optimized]

    def add_tracking_metric(self, metric: Metric) -> Self:
        """Add *metric*, and return the experiment."""
        return self.add_tracking_metrics([metric])

    def add_tracking_metrics(self, metrics: Sequence[Metric]) -> Self:
        """Add *metrics*, all or none, and return the experiment."""
        together = [*self._tracking_metrics, *check_instances("tracking metric", metrics, Metric)]
        check_unique("tracking metric", (m.name for m in together), "Use update_tracking_metric, or another name.")
        self._tracking_metrics = together
        return self

    def update_tracking_metric(self, metric: Metric) -> Self:
        """Replace the metric with the name of *metric* by it, and return the experiment."""
        check_instances("tracking metric", [metric], Metric)
        self._check_tracked(metric.name)
        self._tracking_metrics = [metric if m.name == metric.name else m for m in self._tracking_metrics]
        return self

    def remove_tracking_metric(self, metric_name: str) -> Self:
        """Remove the metric of that name, and return the experiment."""
        self._check_tracked(metric_name)
        self._tracking_metrics = [metric for metric in self._tracking_metrics if metric.name != metric_name]
        return self

    def _check_tracked(self, name: str) -> None:
        names = [metric.name for metric in self._tracking_metrics]
        if name not in names:
            raise InvalidValueError(
                "tracking metric", name, f"The experiment has {', '.join(map(repr, names)) or 'none'}."
            )

    # Arms.

    @property
    def status_quo(self) -> Arm | None:
        """The arm to compare others with; it may be outside of the search space."""
        return self._status_quo

    @status_quo.setter
    def status_quo(self, arm: Arm | None) -> None:
        if self._status_quo is not None and self._trials and arm != self._status_quo:
            raise InvalidValueError(
                "status quo", arm, "Trials were compared with the present one: make a new experiment."
            )
        if arm is not None:
            check_instances("status quo", [arm], Arm)
            self.search_space.check_types(arm.parameters, raise_error=True)
            self.search_space.check_all_parameters_present(arm.parameters, raise_error=True)
            # Without the present one, which *arm* replaces.
            arm.name = ArmIndex.of(self._trials, (), self._data).name_of_status_quo(arm)
        self._status_quo = arm
        self._arm_index = ArmIndex()

    def _arms(self) -> ArmIndex:
        """Return the index of all arms, made anew if trials were added or removed other than by ``new_trial``."""
        if self._arm_index.extent != extent(self._trials):
            others = [] if self._status_quo is None else [self._status_quo]
            self._arm_index = ArmIndex.of(self._trials, others, self._data)
        return self._arm_index  # type: ignore[no-any-return]  # NOT_STORED, so the codec needs no precise type

    @property
    def arms_by_name(self) -> dict[str, Arm]:
        """Every arm of every trial, and the status quo, by name."""
        arms = [] if self._status_quo is None else [self._status_quo]
        for trial in list(self._trials.values()):
            arms += trial.arms
        found: dict[str, Arm] = {}
        for arm in arms:
            found.setdefault(arm.name, arm)
        return found

    def admit_arms(self, trial: BaseTrial, arms: Sequence[Arm], *, check_membership: bool = True) -> None:
        """Check *arms* and name them, all or none; a trial calls this before it adds them."""
        for arm in arms:
            if check_membership:
                self.search_space.check_membership(arm._parameters, raise_error=True)
            else:
                self.search_space.check_types(arm._parameters, raise_error=True)
        index = self._arms()
        for arm, name in zip(arms, index.names_for(arms, trial), strict=True):
            arm.name = name
        index.add(arms, trial.index)

    # Trials.

    @property
    def trials(self) -> dict[int, Trial | Any]:  # Any stands for BatchTrial: type checkers let ``trials[0].arm`` pass
        """Every trial by its index, a Trial or a BatchTrial. ``new_trial`` and ``new_batch_trial`` add to it."""
        return self._trials

    @property
    def num_trials(self) -> int:
        """How many trials there are."""
        return len(self._trials)

    @property
    def trials_by_status(self) -> dict[TrialStatus, list[Trial | Any]]:  # Any as in ``trials``
        """The trials of each status; an empty list for a status that none has."""
        grouped: dict[TrialStatus, list[Trial | Any]] = {status: [] for status in TrialStatus}
        for trial in self._trials.values():
            grouped[trial.status].append(trial)
        return grouped

    def new_trial(
        self,
        generator_run: GeneratorRun | None = None,
        trial_type: str | None = None,
        ttl_seconds: int | None = None,
        *,
        parameters: Mapping[str, TParamValue] | None = None,
    ) -> Trial:
        """Add a trial of one arm and return it; give its *parameters* or a *generator_run*, or add the arm later."""
        if generator_run is not None and parameters is not None:
            raise InvalidValueError("parameters", parameters, "Give parameters or generator_run, not both.")
        runs = [] if generator_run is None else [generator_run]
        with self._attaching(trial_type, runs) as (index, kind):
            trial = Trial(self, index, kind, ttl_seconds)
            if parameters is not None:
                trial.add_arm(Arm(parameters))
            for run in runs:
                trial.add_generator_run(run)
            self._attach(trial)
        return trial

    def new_batch_trial(
        self,
        generator_run: GeneratorRun | None = None,
        generator_runs: Sequence[GeneratorRun] | None = None,
        should_add_status_quo_arm: bool = False,
        trial_type: str | None = None,
        ttl_seconds: int | None = None,
    ) -> BatchTrial:
        """Add a trial of several arms and return it; give its generator runs, or add arms later."""
        if generator_run is not None and generator_runs is not None:
            raise InvalidValueError("generator_run", generator_run, "Give generator_run or generator_runs, not both.")
        runs = [generator_run] if generator_run is not None else list(generator_runs or ())
        with self._attaching(trial_type, runs) as (index, kind):
            trial = BatchTrial(self, index, kind, ttl_seconds, should_add_status_quo_arm)
            for run in runs:
                trial.add_generator_run(run)
            if should_add_status_quo_arm:
                trial.add_status_quo_arm()
            self._attach(trial)
        return trial

    @contextmanager
    def _attaching(self, trial_type: str | None, runs: Sequence[GeneratorRun]) -> Iterator[tuple[int, str | None]]:
        """Yield the next trial's index and type; if making it fails, its arms lose the names that they got."""
        kind = self.default_trial_type if trial_type is None else trial_type
        if not self.supports_trial_type(kind):
            raise InvalidValueError("trial_type", kind, self._trial_type_remedy())
        arms = [arm for run in runs if isinstance(run, GeneratorRun) for arm in run.arms]
        unnamed = [arm for arm in arms if not arm.has_name]
        try:
            yield self._arms().next_index, kind
        except BaseException:
            for arm in unnamed:
                arm._name = None
            self._arm_index = ArmIndex()
            raise

    def _attach(self, trial: BaseTrial) -> None:
        index = self._arms()
        if self._trials.setdefault(trial.index, trial) is not trial:
            raise InvalidValueError("new trial", trial, "Another thread added a trial of this index: create it again.")
        index.add_trial(trial.index)

    def supports_trial_type(self, trial_type: str | None) -> bool:
        """Return whether a trial may have that type; only a MultiTypeExperiment has several."""
        return trial_type == self.default_trial_type

    def _trial_type_remedy(self) -> str:
        return f"Trials have the type {self.default_trial_type!r} here; a MultiTypeExperiment has several."

    @property
    def runner(self) -> Runner | None:
        """The runner of the trials; of those of the default type, if there are several types."""
        return self._runner

    @runner.setter
    def runner(self, runner: Runner | None) -> None:
        self._set_runner(runner)

    def _set_runner(self, runner: Runner | None) -> None:
        self._runner = runner

    def runner_for_trial_type(self, trial_type: str | None) -> Runner | None:
        """Return the runner of trials of that type."""
        return self.runner

    # Data.

    @property
    def data(self) -> Data:
        """All observations, copied into one Data."""
        return self.lookup_data()

    def lookup_data(self, trial_indices: Iterable[int] | None = None) -> Data:
        """Return the observations of the given trials, or of all."""
        wanted = sorted(self._data) if trial_indices is None else sorted(set(trial_indices))
        read_unread(self._data, wanted)
        return Data.from_multiple_data(self._observed(index) for index in wanted if index in self._data)

    def _observed(self, index: int) -> Data:
        """Return the data of a trial, whose records will be copied; touch it if a copy would share a value."""
        data = peek(self._data, index)
        is_flat = all(isinstance(value, _PLAIN) for record in data.records for value in list(record.values()))
        return data if is_flat else self._data[index]

    def attach_data(self, data: Data) -> None:
        """Add *data*; an observation replaces the earlier one of the same trial, arm, metric and step.

        Raises:
            InvalidValueError: there are no observations, or one is of a trial or arm that does not exist. Then nothing
                is added.

        Cost:
            A look at each record of the trials that *data* are about.
        """
        if not isinstance(data, Data) or data.empty:
            remedy = "Give Data.from_records([...]) with an observation at least; trial.complete() takes plain results."
            raise InvalidValueError("data to attach", data, remedy)
        by_trial = data.by_trial()
        for index, records in by_trial.items():
            self._check_observed(index, {record["arm_name"] for record in records})
        for index, records in by_trial.items():
            while not self._observe(index, records):
                pass  # another thread added to the data of the trial meanwhile

    def _observe(self, index: int, records: Sequence[dict[str, Any]]) -> bool:
        """Add *records* to the data of a trial; return False, and change nothing, if the data changed meanwhile."""
        present = self._data.get(index, Data())
        before = list(present.records)
        updated = present.updated_by(records)
        # What another thread changes in one of these records is changed in *updated* too, which shares them.
        is_as_before = len(before) == len(present.records) and all(map(operator.is_, before, present.records))
        if self._data.get(index, present) is not present or not is_as_before:
            return False
        self._data[index] = updated
        return True

    def _check_observed(self, index: int, arm_names: set[str]) -> None:
        if index not in self._trials:
            there_are = (
                f"It has trials 0 to {max(self._trials)}." if self._trials else "It has no trials: add one first."
            )
            raise InvalidValueError("trial_index of data for the experiment", index, there_are)
        known = set(self._trials[index].arms_by_name)
        if self._status_quo is not None:
            known.add(self._status_quo.name)
        if unknown := sorted(arm_names - known):
            remedy = f"The trial's arms are {', '.join(map(repr, sorted(known))) or 'none: add one first'}."
            raise InvalidValueError(f"arm_name of data for trial {index}", unknown[0], remedy)

    # Other experiments.

    @property
    def auxiliary_experiments_by_purpose(self) -> dict[AuxiliaryExperimentPurpose, list[AuxiliaryExperiment]]:
        """Other experiments that this one learns from, by purpose."""
        by_value = self._auxiliary_experiments_by_purpose
        return {AuxiliaryExperimentPurpose(value): list(auxiliaries) for value, auxiliaries in by_value.items()}

    def add_auxiliary_experiment(
        self, purpose: AuxiliaryExperimentPurpose, auxiliary_experiment: AuxiliaryExperiment
    ) -> None:
        """Let this experiment learn from another one."""
        check_instances("purpose of an auxiliary experiment", [purpose], AuxiliaryExperimentPurpose)
        check_instances("auxiliary experiment", [auxiliary_experiment], AuxiliaryExperiment)
        self._auxiliary_experiments_by_purpose.setdefault(purpose.value, []).append(auxiliary_experiment)

    def __repr__(self) -> str:
        # A debugger shows this at any time: nothing is read for it.
        trials = counted(len(self._trials), "trial") if are_keys_known(self._trials) else "trials not read yet"
        return f"{type(self).__name__}({self.name!r}, {trials})"

    def _repr_html_(self) -> str:
        return experiment_html(self)


@dataclass(init=False)
class AuxiliaryExperiment:
    """Another experiment to learn from, and the part of its data that is used."""

    experiment: Experiment
    is_active: bool = True
    data: Data = field(default_factory=Data)

    def __init__(self, experiment: Experiment, is_active: bool = True, data: Data | None = None) -> None:
        check_instances("auxiliary experiment", [experiment], Experiment)
        check_instances("data of an auxiliary experiment", [] if data is None else [data], Data)
        self.experiment, self.is_active = experiment, is_active
        self.data = experiment.lookup_data() if data is None else data
