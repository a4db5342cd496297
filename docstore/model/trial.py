"""A trial: its arm, its status, and the times of its status changes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from docstore.errors import InvalidValueError, short_repr
from docstore.model.arm import Arm
from docstore.model.checks import NOT_STORED, check_dict, check_text, check_time, is_number
from docstore.model.data import Data
from docstore.model.generator_run import GeneratorRun
from docstore.model.html import trial_html
from docstore.model.statuses import TrialStatus, check_transition

if TYPE_CHECKING:
    from docstore.model.experiment import Experiment
    from docstore.model.runner import Runner

# Ax cuts a reason here as well: some callers pass whole logs.
_LONGEST_REASON = 1000

Result: TypeAlias = float | tuple[float, float | None]
"""What was measured of an arm by one metric: the mean, or the mean and its standard error."""

# One Mapping, not a union of two: mypy could not tell which one a dict of numbers and pairs is.
Results: TypeAlias = Mapping[str, Result | Mapping[str, Result]]
"""Each result by its metric; of several arms, these by the name of the arm."""


@dataclass(init=False, repr=False)
class BaseTrial:
    """The base of Trial and BatchTrial, which ``experiment.new_trial`` and ``experiment.new_batch_trial`` make."""

    index: int
    _status: TrialStatus = TrialStatus.CANDIDATE
    trial_type: str | None = None
    _ttl_seconds: int | None = None
    time_created: datetime = field(default_factory=lambda: datetime.now(UTC))
    time_staged: datetime | None = None
    time_run_started: datetime | None = None
    time_completed: datetime | None = None
    status_reason: str | None = None
    run_metadata: dict[str, Any] = field(default_factory=dict)
    stop_metadata: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    _experiment: Any = field(default=None, compare=False, metadata=NOT_STORED)

    def __init__(
        self, experiment: Experiment, index: int, trial_type: str | None = None, ttl_seconds: int | None = None
    ) -> None:
        self.index, self.trial_type, self._experiment = index, trial_type, experiment
        self.ttl_seconds = ttl_seconds
        self._status = TrialStatus.CANDIDATE
        self.time_created = datetime.now(UTC)
        self.time_staged = self.time_run_started = self.time_completed = None
        self.status_reason = None
        self.run_metadata, self.stop_metadata, self.properties = {}, {}, {}

    @property
    def experiment(self) -> Experiment:
        """The experiment that this trial belongs to."""
        if self._experiment is None:
            raise InvalidValueError(
                f"experiment of trial {self.index}", None, "Load the experiment, and take its trial."
            )
        return self._experiment  # type: ignore[no-any-return]  # set by the experiment only

    @property
    def ttl_seconds(self) -> int | None:
        """After how many seconds the trial is considered dead; None for never. Nothing here acts on it."""
        return self._ttl_seconds

    @ttl_seconds.setter
    def ttl_seconds(self, value: int | None) -> None:
        if value is not None and (type(value) is not int or value <= 0):
            raise InvalidValueError(
                f"ttl_seconds of trial {self.index}", value, "Give a whole number above 0, or None."
            )
        self._ttl_seconds = value

    @property
    def generator_runs(self) -> list[GeneratorRun]:
        """The generator runs that the arms came from, oldest first."""
        raise InvalidValueError("trial", type(self).__name__, "Use Trial or BatchTrial.")

    @property
    def arms(self) -> list[Arm]:
        """Every arm, in the order in which they were added."""
        return [arm for run in self.generator_runs for arm in run.arms]

    @property
    def arms_by_name(self) -> dict[str, Arm]:
        """Every arm by its name."""
        return {arm.name: arm for arm in self.arms}

    @property
    def runner(self) -> Runner | None:
        """The experiment's runner for trials of this type."""
        return self.experiment.runner_for_trial_type(self.trial_type)

    def lookup_data(self) -> Data:
        """Return the data of this trial."""
        return self.experiment.lookup_data(trial_indices=[self.index])

    def update_run_metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Add *metadata* to the trial's ``run_metadata``, and return all of it."""
        self.run_metadata.update(check_dict(f"run_metadata of {self._label}", metadata))
        return self.run_metadata

    def update_stop_metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Add *metadata* to the trial's ``stop_metadata``, and return all of it."""
        self.stop_metadata.update(check_dict(f"stop_metadata of {self._label}", metadata))
        return self.stop_metadata

    def run(self) -> Self:
        """Let the experiment's runner run the trial, keep the metadata that it returns, and return the trial."""
        runner = self.runner
        if runner is None:
            raise InvalidValueError(
                f"runner of trial {self.index}", None, "Give the experiment one: experiment.runner = ..."
            )
        check_transition(self._label, self._status, TrialStatus.RUNNING)
        self.update_run_metadata(runner.run(self))
        return self.mark_staged() if runner.staging_required else self.mark_running()

    @property
    def status(self) -> TrialStatus:
        """The status; the ``mark_...`` methods change it."""
        return self._status

    @property
    def is_abandoned(self) -> bool:
        """Whether the trial was given up for good."""
        return self._status is TrialStatus.ABANDONED

    @property
    def completed_successfully(self) -> bool:
        """Whether the trial has ended successfully."""
        return self._status is TrialStatus.COMPLETED

    def mark_staged(self, unsafe: bool = False) -> Self:
        """Mark the trial as staged, and return it. As in every ``mark_...``, *unsafe* allows any change of status."""
        if self._become(TrialStatus.STAGED, unsafe):
            self.time_staged = datetime.now(UTC)
        return self

    def mark_running(
        self, no_runner_required: bool = False, unsafe: bool = False, started_time: datetime | None = None
    ) -> Self:
        """Mark the trial as running since *started_time*, by default now, and return it.

        *no_runner_required* is accepted for callers of Ax, and has no effect: no runner is ever required here.
        """
        check_time(f"started_time of {self._label}", started_time)
        if self._become(TrialStatus.RUNNING, unsafe):
            self.time_run_started = started_time or datetime.now(UTC)
        return self

    def mark_completed(self, unsafe: bool = False, time_completed: datetime | None = None) -> Self:
        """Mark the trial as completed, and return it."""
        return self._end(TrialStatus.COMPLETED, None, unsafe, time_completed)

    def complete(self, results: Results, *, time_completed: datetime | None = None) -> Self:
        """Attach what was measured to the experiment, mark the trial as completed, and return it.

        ``trial.complete({"loss": 0.1})``, or with the standard error of the mean, ``{"loss": (0.1, 0.02)}``; of several
        arms each by its name, ``{"0_0": {"loss": 0.1}, "0_1": {"loss": 0.2}}``. ``store.save_trial`` saves it.

        A metric may have any name. If the objective's is missing, and the experiment does not know another, a warning
        says that this one may be misspelled: ``store.best`` would not find the objective.

        A trial that was not marked as running begins and ends now. Call ``mark_running`` when it begins, and the time
        that it ran is kept. ``attach_data`` takes what has more columns, such as steps.

        Raises:
            InvalidValueError: the trial has ended, or a result is not a number of an arm of it. Nothing was changed.
        """
        if self._status.is_terminal:
            raise InvalidValueError(
                f"results of {self._label}, which is {self._status.name}",
                results,
                "It has ended: experiment.attach_data(...) adds data to it, or make a new trial.",
            )
        records = [
            {"trial_index": self.index, "arm_name": arm, "metric_name": metric, "mean": mean, "sem": sem}
            for arm, of_arm in self._by_arm(results).items()
            for metric, (mean, sem) in self._measured(of_arm).items()
        ]
        data = Data(records)
        check_time(f"time_completed of {self._label}", time_completed)
        self._warn_if_misspelled(data.metric_names)
        self.experiment.attach_data(data)
        return self.mark_running().mark_completed(time_completed=time_completed)

    def _warn_if_misspelled(self, measured: set[str]) -> None:
        """Warn if a metric of the objective was not measured, but one that the experiment does not know."""
        config = self.experiment.optimization_config
        missing = [name for name in config.objective.metric_names if name not in measured] if config else []
        unknown = sorted(measured - self.experiment.metrics.keys())
        if missing and unknown:
            problem = f"{self._label} has no value of the objective {missing[0]!r}, but one of {unknown[0]!r}"
            warnings.warn(f"{problem}, which is no metric of the experiment: is it misspelled?", stacklevel=3)

    def _by_arm(self, results: Results) -> Mapping[str, Any]:
        """Return *results* by the name of the arm."""
        raise InvalidValueError("trial", type(self).__name__, "Use Trial or BatchTrial.")

    def _measured(self, results: object) -> dict[str, tuple[Any, Any]]:
        """Return the mean and the standard error of each metric."""
        if not isinstance(results, Mapping) or not results:
            remedy = "Give a number for each metric, by its name: {'loss': 0.1}."
            raise InvalidValueError(f"results of {self._label}", results, remedy)
        return {metric: self._mean_and_sem(metric, value) for metric, value in results.items()}

    def _mean_and_sem(self, metric: object, value: object) -> tuple[Any, Any]:
        if is_number(value):
            return value, None
        if isinstance(value, (tuple, list)) and len(value) == 2:
            return value[0], value[1]
        remedy = "Give a number, or a mean with its standard error: (0.1, 0.02)."
        raise InvalidValueError(f"result {metric!r} of {self._label}", value, remedy)

    def mark_failed(self, reason: str | None = None, unsafe: bool = False) -> Self:
        """Mark the trial as failed (it may be tried again), and return it."""
        return self._end(TrialStatus.FAILED, reason, unsafe)

    def mark_abandoned(self, reason: str | None = None, unsafe: bool = False) -> Self:
        """Mark the trial as abandoned for good, and return it."""
        return self._end(TrialStatus.ABANDONED, reason, unsafe)

    def mark_early_stopped(self, reason: str | None = None, unsafe: bool = False) -> Self:
        """Mark the trial as stopped early, as it was not promising, and return it."""
        return self._end(TrialStatus.EARLY_STOPPED, reason, unsafe)

    def mark_stale(self, unsafe: bool = False) -> Self:
        """Mark the trial as stale: it never ran, and no longer should; return it."""
        return self._end(TrialStatus.STALE, None, unsafe)

    def mark_as(self, status: TrialStatus, unsafe: bool = False, **arguments: Any) -> Self:
        """Mark the trial with *status*, by the method for it, and return it."""
        mark = getattr(self, f"mark_{status.name.lower()}", None) if isinstance(status, TrialStatus) else None
        if mark is None:
            possible = ", ".join(
                f"TrialStatus.{s.name}" for s in TrialStatus if hasattr(self, f"mark_{s.name.lower()}")
            )
            raise InvalidValueError(f"status of {self._label}", status, f"Give one of {possible}.")
        return mark(unsafe=unsafe, **arguments)  # type: ignore[no-any-return]  # each mark_... returns self

    def _become(self, status: TrialStatus, unsafe: bool) -> bool:
        """Set *status*; return False if the trial has it already, so that marking twice changes nothing."""
        if self._status is status:
            return False
        if not unsafe:
            check_transition(self._label, self._status, status)
        self._status = status
        return True

    def _end(self, status: TrialStatus, reason: str | None, unsafe: bool, time: datetime | None = None) -> Self:
        check_text(f"reason of {self._label}", reason)
        check_time(f"time_completed of {self._label}", time)
        if self._become(status, unsafe):
            is_long = reason is not None and len(reason) > _LONGEST_REASON
            self.status_reason = f"{reason[:_LONGEST_REASON]}..." if reason is not None and is_long else reason
            self.time_completed = time or datetime.now(UTC)
        return self

    def _admit(self, arms: Sequence[Arm], check_membership: bool = True) -> None:
        """Check *arms*, and name each that has no name: the known name of its parameters, or the trial's next one."""
        if self._status is not TrialStatus.CANDIDATE:
            raise InvalidValueError(
                f"status of {self._label}",
                self._status.name,
                "Arms are added before a trial runs: make a new trial for them.",
            )
        self.experiment.admit_arms(self, arms, check_membership=check_membership)

    @property
    def _label(self) -> str:
        return f"trial {self.index}"

    def _repr_html_(self) -> str:
        return trial_html(self)


@dataclass(init=False, repr=False)
class Trial(BaseTrial):
    """A trial of one arm."""

    generator_run: GeneratorRun | None = None

    def __init__(
        self, experiment: Experiment, index: int, trial_type: str | None = None, ttl_seconds: int | None = None
    ) -> None:
        super().__init__(experiment, index, trial_type, ttl_seconds)
        self.generator_run = None

    @property
    def generator_runs(self) -> list[GeneratorRun]:
        """The generator run that the arm came from, in a list."""
        return [] if self.generator_run is None else [self.generator_run]

    @property
    def arm(self) -> Arm | Any:  # Any stands for None: type checkers let ``trial.arm.parameters`` pass
        """The arm, or None before it is added."""
        return self.generator_run.arms[0] if self.generator_run is not None and self.generator_run.arms else None

    @property
    def abandoned_arms(self) -> list[Arm]:
        """The arm, if the trial was abandoned."""
        return self.arms if self.is_abandoned else []

    def add_arm(self, arm: Arm, candidate_metadata: Mapping[str, Any] | None = None) -> Self:
        """Make *arm* this trial's arm, give it a name if it has none, and return the trial."""
        metadata = None if candidate_metadata is None else {arm.signature: dict(candidate_metadata)}
        run = GeneratorRun([arm], candidate_metadata_by_arm_signature=metadata)
        return self.add_generator_run(run)

    def add_generator_run(self, generator_run: GeneratorRun) -> Self:
        """Make the arm of *generator_run* this trial's arm, give it a name if it has none, and return the trial."""
        if not isinstance(generator_run, GeneratorRun) or len(generator_run.arms) != 1:
            raise InvalidValueError(f"generator run of {self._label}", generator_run, _run_remedy(generator_run))
        if self.generator_run is not None:
            raise InvalidValueError(
                f"arm of {self._label}", generator_run.arms[0], "It has one: make a new trial for this one."
            )
        self._admit(generator_run.arms)
        self.generator_run = generator_run
        return self

    def _by_arm(self, results: Results) -> Mapping[str, Any]:
        if self.arm is None:
            raise InvalidValueError(f"arm of {self._label}", None, "Give it one first: add_arm(Arm(...)).")
        return {self.arm.name: results}

    def __repr__(self) -> str:
        return f"Trial(index={self.index}, status={self._status.name}, arm={self.arm!r})"


def _run_remedy(given: object) -> str:
    if isinstance(given, Mapping):
        return f"Name the argument: new_trial(parameters={short_repr(given)})."
    if isinstance(given, Arm):
        return "Add an arm to the new trial: new_trial().add_arm(arm)."
    return "Give a GeneratorRun of one arm; new_batch_trial takes more."
