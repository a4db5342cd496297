"""Ax's Client, AxClient and Orchestrator with ``storage=``: each step is saved in a store.

Ax's three classes save through the methods of one base, ``WithDBSettingsBase``, which write to Ax's own database.
``SavesSteps`` comes before it in their bases, and takes the place of all of these methods. Where Ax's classes promise a
save and make none, they are overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self, TypeAlias

from ax.api.client import Client as PlainClient
from ax.core.experiment import Experiment
from ax.core.trial_status import TrialStatus
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.orchestration.orchestrator import Orchestrator as PlainOrchestrator
from ax.orchestration.orchestrator import OrchestratorOptions
from ax.service.ax_client import AxClient as PlainAxClient

from docstore.ax.analysis import belong_to
from docstore.ax.importing import import_json
from docstore.documents.kinds import EXPERIMENT, GENERATION_STRATEGY, Kind
from docstore.documents.merge.resolve import OnConflict
from docstore.errors import ConflictError, DocstoreError, DocumentExistsError, FileFormatError, InvalidValueError

if TYPE_CHECKING:
    from docstore.store import Store

Parts: TypeAlias = "list[Any] | None"
"""The parts of an object that are saved with its head; None to save all of it."""

EARLY_STOPPING: Final = "early_stopping_strategy"
"""The property of an experiment that has the early stopping strategy of its Client."""

_ATTEMPTS: Final = 20
"""How often new trials are generated anew, as long as other clients save meanwhile; then, they are merged."""


def newest(store: Store, name: str, kind: Kind = EXPERIMENT) -> int:
    """Return the number of the newest version of the experiment of this name, or of its strategy; 0 if it has none."""
    return next((info.version for info in store.find(name=name, kind=kind.name)), 0)


def load_both(store: Store, name: str) -> tuple[Any, Any]:
    """Return the experiment of this name and its generation strategy, or None if it has none, linked as Ax does.

    Raises:
        DocumentNotFoundError, DecodeError, DamagedDocumentError: as ``Store.load``.
        InvalidValueError: the experiment is none of Ax's.
    """
    experiment = store.load(name)
    if not isinstance(experiment, Experiment):
        raise InvalidValueError("experiment", experiment, "It was saved as one of docstore's own: use store.load().")
    strategy = None
    if store.exists(name, kind=GENERATION_STRATEGY.name):
        strategy = store.load(name, kind=GENERATION_STRATEGY.name)
        strategy._experiment = experiment
    return experiment, strategy


class SavesSteps:
    """Saves what a client of Ax changes, in place of the methods of ``WithDBSettingsBase``.

    A step is saved in one transaction: the head of the experiment, the trials that changed with their data, and the
    strategy with its new runs. If another program saved the experiment since the last step, what it saved is taken
    over before new trials are generated, and after the step.
    """

    _store: Store
    _makers: ClassVar[tuple[str, ...]]
    """The class methods that make an object: called on another one, they say so."""
    _held: ClassVar[tuple[str, str]]
    """The attributes that hold the experiment and the strategy."""

    def _open(self, storage: Store) -> None:
        if not hasattr(storage, "save_together"):
            raise InvalidValueError("storage", storage, "Give a store: docstore.connect(url).")
        self._store = storage
        self._depth = 0
        self._unsaved: dict[int, tuple[Any, Parts]] = {}
        self._saved: dict[int, tuple[Any, int]] = {}
        """The objects that were saved, by id, and the number of the version of each."""
        self._saved_runs = 0
        """How many of the strategy's runs are saved."""
        self._changed: Parts = None
        """The trials that a step changes, where Ax saves all of the experiment."""
        for name in self._makers:
            vars(self)[name] = partial(_refuse, type(self).__name__, name)

    # --- steps -------------------------------------------------------------------------------------------------------

    @contextmanager
    def saved_together(self) -> Iterator[None]:
        """Save what the calls in a ``with`` block change in one transaction, when the block ends.

        After a crash, none of it is there. If the block raises, nothing is saved before the next step, which saves it.
        """
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self._save_step()

    @contextmanager
    def _one_step(self, on_conflict: OnConflict = "merge") -> Iterator[None]:
        """Save what a call of Ax's changes in one transaction; also what it changed before it raised, as Ax does."""
        self._depth += 1
        try:
            yield
        except BaseException:
            on_conflict = "merge"
            raise
        finally:
            self._depth -= 1
            self._save_step(on_conflict)

    @contextmanager
    def _step_of_trial(self, index: int) -> Iterator[None]:
        """Save what a call of Ax's changes: one trial, its data and the head, also where Ax itself saves all."""
        experiment, before = getattr(self, self._held[0]), self._changed
        trial = None if experiment is None else experiment.trials.get(index)
        self._changed = before if trial is None else [trial]
        try:
            with self._one_step():
                yield
        finally:
            self._changed = before

    def _new_trials(self, generate: Callable[[], list[Any]]) -> list[Any]:
        """Return the trials that *generate* adds, saved; generated anew if another client saved meanwhile.

        That one did not know of these trials, nor these of its own: the points could be the same.
        """
        for _ in range(_ATTEMPTS):
            trials: list[Any] = []
            self._load_if_behind()
            try:
                with self._one_step(on_conflict="merge" if self._depth or self._unsaved else "error"):
                    trials = generate()
            except ConflictError:
                if self._drop(trials):
                    continue
                self._save_step()
            return trials
        with self._one_step():
            return generate()

    def _drop(self, trials: list[Any]) -> bool:
        """Load both anew, without *trials*, which are not saved; return False if something else is not saved either."""
        experiment = getattr(self, self._held[0])
        status = self._store.status(experiment)
        new = {f"/trials/{status.numbers.get(trial.index, trial.index)}" for trial in trials}
        if not new.issuperset(change.path for change in status.changes):
            return False
        self._unsaved.clear()
        self._hold(*self._load(experiment.name))
        return True

    def _save(self, obj: Any, parts: Parts) -> bool:
        """Save all of *obj*, or its head and these *parts*, at the end of the step; all of it for the first time."""
        _, others = self._unsaved.get(id(obj), (obj, []))
        if parts is None or others is None or id(obj) not in self._saved:
            self._unsaved[id(obj)] = obj, None
        else:
            self._unsaved[id(obj)] = obj, list({id(each): each for each in [*others, *parts]}.values())
        self._save_step()
        return True

    def _save_step(self, on_conflict: OnConflict = "merge") -> None:
        """Save what is unsaved, unless another step is around this one; after an error, the next step saves it."""
        if self._depth or not self._unsaved:
            return
        # A strategy belongs to an experiment, which comes first.
        saves = sorted(self._unsaved.values(), key=lambda each: not isinstance(each[0], Experiment))
        try:
            is_behind = self._save_in_store(saves, on_conflict)
        except DocumentExistsError as error:
            remedy = (
                f"{type(self).__name__}.load({error.name!r}, storage=store) goes on with it; or choose another name."
            )
            raise DocumentExistsError(error.name, kind=error.kind, head=error.head, remedy=remedy) from error
        if is_behind:
            self._take_over()
        self._unsaved.clear()

    def _save_in_store(self, saves: Sequence[tuple[Any, Parts]], on_conflict: OnConflict = "merge") -> bool:
        """Save these together; return whether others saved something that is not here yet."""
        wanted = [obj if parts is None else (obj, parts) for obj, parts in saves]
        versions = self._store.save_together(wanted, on_conflict=on_conflict)
        is_behind = False
        for (obj, parts), version in zip(saves, versions, strict=True):
            is_behind |= parts is not None and version.number > self._saved[id(obj)][1] + 1
            self._remember(obj, version.number)
        return is_behind

    def _remember(self, obj: Any, number: int) -> None:
        """Remember that *obj* is saved, as the version of this *number*."""
        self._saved[id(obj)] = obj, number
        if isinstance(obj, GenerationStrategy):
            self._saved_runs = len(obj._generator_runs)

    def _take_over(self) -> None:
        """Bring the experiment and the strategy up to what others saved."""
        self._save_in_store([(obj, None) for obj, _ in self._saved.values()])
        for obj, _ in self._saved.values():
            if isinstance(obj, GenerationStrategy):
                # What was fitted before does not know the others' runs: Sobol would make their points again.
                for spec in [spec for node in obj._nodes for spec in node.generator_specs]:
                    spec._fitted_adapter = None

    def _load_if_behind(self) -> None:
        """Load both anew if others saved the experiment, so that new trials are generated from all that is there."""
        if self._unsaved:
            return
        for obj, number in [*self._saved.values()]:
            if not isinstance(obj, Experiment):
                continue
            # If it was renamed, a refresh gives it its new name.
            if (newest(self._store, obj.name) or self._store.refresh(obj).number) > number:
                self._take_over()  # what is changed here, and not saved yet, is saved
                self._hold(*self._load(obj.name))

    def _load(self, name: str) -> tuple[Any, Any]:
        """Return the experiment and the strategy; as ``load_both``."""
        # Asked before: an older number than that of the version that is loaded makes the next step compare all of both.
        numbers = [newest(self._store, name, kind) for kind in (EXPERIMENT, GENERATION_STRATEGY)]
        both = load_both(self._store, name)
        self._saved.clear()
        for each, number in zip(both, numbers, strict=True):
            if each is not None:
                self._remember(each, number)
        return both

    def _hold(self, experiment: Any, strategy: Any) -> None:
        for attribute, held in zip(self._held, (experiment, strategy), strict=True):
            setattr(self, attribute, held)

    # --- the methods of WithDBSettingsBase ---------------------------------------------------------------------------

    @property
    def db_settings_set(self) -> bool:
        """Whether steps are saved: not before Ax's constructor ends, which would open Ax's own database."""
        return "_store" in vars(self)

    def _save_experiment_to_db_if_possible(self, experiment: Any) -> bool:
        return self._save(experiment, self._changed)

    def _save_or_update_trials_in_db_if_possible(
        self, experiment: Any, trials: Iterable[Any], reduce_state_generator_runs: bool = False
    ) -> bool:
        return self._save(experiment, list(trials))

    def _save_generation_strategy_to_db_if_possible(self, generation_strategy: Any = None) -> bool:
        strategy = getattr(self, self._held[1]) if generation_strategy is None else generation_strategy
        return strategy is not None and self._save(strategy, strategy._generator_runs[self._saved_runs :])

    def _update_generation_strategy_in_db_if_possible(
        self, generation_strategy: Any, new_generator_runs: Iterable[Any], reduce_state_generator_runs: bool = False
    ) -> bool:
        return self._save_generation_strategy_to_db_if_possible(generation_strategy)

    def _save_or_update_trials_and_generation_strategy_if_possible(
        self,
        experiment: Any,
        trials: Iterable[Any],
        generation_strategy: Any,
        new_generator_runs: Iterable[Any],
        reduce_state_generator_runs: bool = False,
    ) -> None:
        with self._one_step():
            self._save_or_update_trials_in_db_if_possible(experiment, trials)
            self._save_generation_strategy_to_db_if_possible(generation_strategy)

    def _update_runner_on_experiment_in_db_if_possible(self, experiment: Any, runner: Any) -> bool:
        return self._save(experiment, [])

    def _update_experiment_properties_in_db(self, experiment_with_updated_properties: Any) -> bool:
        return self._save(experiment_with_updated_properties, [])

    def _save_analysis_card_to_db_if_possible(self, experiment: Any, analysis_card: Any) -> bool:
        self._save_cards(experiment, [analysis_card])
        return True

    def _save_cards(self, experiment: Any, cards: Iterable[Any]) -> None:
        """Save analysis *cards* of the experiment."""
        cards = list(cards)
        for card in cards:
            belong_to(card, experiment.name)
        self._store.save_together(cards)

    def _maybe_save_experiment_and_generation_strategy(
        self, experiment: Any, generation_strategy: Any
    ) -> tuple[bool, bool]:
        if generation_strategy._experiment is None:
            generation_strategy.experiment = experiment
        with self._one_step():
            self._save(experiment, None)
            self._save(generation_strategy, None)
        return True, True

    def _get_experiment_and_generation_strategy_db_id(self, experiment_name: str) -> tuple[None, None]:
        # Asked of an experiment that is to be made. The save raises if the name is taken.
        return None, None

    def _load_experiment_and_generation_strategy(
        self,
        experiment_name: str,
        reduced_state: bool = False,
        skip_runners_and_metrics: bool = False,
        load_auxiliary_experiments: bool = True,
    ) -> tuple[Any, Any]:
        return self._load(experiment_name)


def _snapshot(path: str) -> list[Any]:
    """Return the experiment of a snapshot, and the strategy if it has one.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: as ``import_json``; or it has no experiment.
    """
    found = import_json(path)
    if not isinstance(found[0], Experiment):
        raise FileFormatError(path, "it is JSON, but no snapshot of a client of Ax: it has no experiment")
    return found


def _refuse(cls: str, name: str, *_: object, **__: object) -> NoReturn:
    remedy = f"It makes a new object, and would leave this one as it is. Call it on the class: {cls}.{name}(...)."
    raise InvalidValueError(name, f"an object of {cls}", remedy)


# --- Ax's classes ----------------------------------------------------------------------------------------------------


class Client(SavesSteps, PlainClient):  # type: ignore[misc]  # Ax's class is Any where Ax is not installed
    """Ax's ``Client``, each call of which is saved in *storage*, a store, before it returns.

    Args:
        storage: where it is saved: ``docstore.connect(url)``.
        random_seed: as for Ax's ``Client``.
    """

    _makers = ("load", "load_from_database", "load_from_json_file")
    _held = ("_maybe_experiment", "_maybe_generation_strategy")
    _maybe_experiment: Any
    _maybe_generation_strategy: Any

    def __init__(self, *, storage: Store, random_seed: int | None = None) -> None:
        super().__init__(random_seed=random_seed)
        self._open(storage)

    @classmethod
    def load(cls, experiment_name: str, *, storage: Store, random_seed: int | None = None) -> Self:
        """Return a client that goes on where the one that saved the experiment stopped; running trials still run.

        Raises:
            DocumentNotFoundError: there is no experiment of this name.
            InvalidValueError: it is called on an instance.
        """
        client = cls(storage=storage, random_seed=random_seed)
        client._hold(*client._load(experiment_name))
        return client

    def _hold(self, experiment: Any, strategy: Any) -> None:
        super()._hold(experiment, strategy)
        self._maybe_early_stopping_strategy = experiment._properties.get(EARLY_STOPPING)

    @classmethod
    def load_from_database(
        cls, experiment_name: str, storage_config: None = None, *, storage: Store | None = None
    ) -> Self:
        """Return the client of a stored experiment; as ``load``, under Ax's name."""
        if storage is None or storage_config is not None:
            raise InvalidValueError("storage", storage, "Give the store: Client.load(experiment_name, storage=store).")
        return cls.load(experiment_name, storage=storage)

    @classmethod
    def load_from_json_file(
        cls, filepath: str = "ax_client_snapshot.json", storage_config: None = None, *, storage: Store | None = None
    ) -> Self:
        """Return the client of a snapshot of ``Client`` or ``AxClient`` in a file of Ax's, and save it in *storage*.

        Raises:
            MissingFileError, FileAccessError, FileFormatError: as ``import_json``.
            DocumentExistsError: the store has an experiment of this name; ``Client.load`` goes on with it.
        """
        if storage is None or storage_config is not None:
            raise InvalidValueError("storage", storage, "Give the store: load_from_json_file(path, storage=store).")
        experiment, *strategies = _snapshot(filepath)
        client = cls(storage=storage)
        with client.saved_together():
            client.set_experiment(experiment)
            for strategy in strategies:
                client.set_generation_strategy(strategy)
        return client

    def configure_experiment(self, *args: Any, **kwargs: Any) -> None:
        """Make the experiment; as Ax's ``Client.configure_experiment``.

        Raises:
            DocumentExistsError: the store has an experiment of this name; ``Client.load`` goes on with it.
        """
        is_new = self._maybe_experiment is None
        try:
            super().configure_experiment(*args, **kwargs)
        except DocstoreError:
            if is_new:  # it is not stored, so that another name may be given
                self._unsaved.clear()
                self._maybe_experiment = None
            raise

    @property
    def num_trials(self) -> int:
        """How many trials there are."""
        return len(self._experiment.trials)

    def running_trials(self) -> dict[int, Any]:
        """Return the parameters of the trials that are running, by their numbers; after a load, those still to run."""
        return {trial.index: trial.arm.parameters for trial in self._experiment.trials_by_status[TrialStatus.RUNNING]}

    def set_early_stopping_strategy(self, early_stopping_strategy: Any) -> None:
        """Set the strategy, and save it as a property of the experiment."""
        super().set_early_stopping_strategy(early_stopping_strategy)
        self._experiment._properties[EARLY_STOPPING] = early_stopping_strategy
        self._update_experiment_properties_in_db(self._experiment)

    def set_generation_strategy(self, generation_strategy: Any) -> None:
        """Set the strategy; it replaces the one that is stored, which stays in the history."""
        former = self._maybe_generation_strategy
        if former is not generation_strategy and id(former) in self._saved:
            generation_strategy._experiment = self._experiment
            _, number = self._saved.pop(id(former))
            self._remember(generation_strategy, self._store.save(generation_strategy, based_on=number).number)
        self._unsaved.pop(id(former), None)
        super().set_generation_strategy(generation_strategy)

    def get_next_trials(self, max_trials: int, fixed_parameters: Any = None) -> dict[int, Any]:
        """Return new trials, saved with the runs that made them; as Ax's ``Client.get_next_trials``."""
        generate = super().get_next_trials

        def new_trials() -> list[Any]:
            return [self._experiment.trials[index] for index in generate(max_trials, fixed_parameters)]

        # If others took their numbers meanwhile, they have got new ones.
        return {trial.index: trial.arm.parameters for trial in self._new_trials(new_trials)}

    def attach_trial(self, parameters: Any, arm_name: str | None = None) -> int:
        """Attach a trial, and return its number; as Ax's ``Client.attach_trial``."""
        with self._one_step():
            trial = self._experiment.trials[super().attach_trial(parameters, arm_name)]
        return int(trial.index)

    def complete_trial(self, trial_index: int, raw_data: Any = None, progression: int | None = None) -> Any:
        """Complete a trial, saved with its data at once; as Ax's ``Client.complete_trial``."""
        with self._step_of_trial(trial_index):
            return super().complete_trial(trial_index, raw_data, progression)

    def attach_data(self, trial_index: int, raw_data: Any, progression: int | None = None) -> None:
        """Attach data to a trial; as Ax's ``Client.attach_data``."""
        with self._step_of_trial(trial_index):
            super().attach_data(trial_index, raw_data, progression)

    def attach_baseline(self, parameters: Any, arm_name: str | None = None) -> int:
        """Attach a trial that is the baseline, and return its number; as Ax's ``Client.attach_baseline``."""
        with self._one_step():
            trial = self._experiment.trials[super().attach_baseline(parameters, arm_name)]
        return int(trial.index)

    def run_trials(
        self,
        max_trials: int,
        parallelism: int = 1,
        tolerated_trial_failure_rate: float = 0.5,
        initial_seconds_between_polls: int = 1,
    ) -> None:
        """Run trials, each saved as it starts and ends; as Ax's ``Client.run_trials``."""
        options = OrchestratorOptions(
            max_pending_trials=parallelism,
            tolerated_trial_failure_rate=tolerated_trial_failure_rate,
            init_seconds_between_polls=initial_seconds_between_polls,
        )
        strategy = self._generation_strategy_or_choose()
        orchestrator = Orchestrator(self._experiment, strategy, options, storage=self._store)
        try:
            orchestrator.run_n_trials(max_trials=max_trials)
        finally:
            self._saved, self._saved_runs = orchestrator._saved, orchestrator._saved_runs

    def compute_analyses(self, analyses: Sequence[Any] | None = None, display: bool = True) -> list[Any]:
        """Return the cards of analyses, saved as cards of the experiment; as Ax's ``Client.compute_analyses``."""
        cards: list[Any] = super().compute_analyses(analyses, display)
        self._save_cards(self._experiment, cards)
        return cards


class AxClient(SavesSteps, PlainAxClient):  # type: ignore[misc]  # as Client
    """Ax's ``AxClient``, each call of which is saved in *storage*, a store, before it returns.

    Args:
        arguments: Ax's, but for ``db_settings`` and ``suppress_storage_errors``.
        storage: where it is saved: ``docstore.connect(url)``.
    """

    _makers = ("load", "load_from_json_file")
    _held = ("_experiment", "_generation_strategy")

    def __init__(self, *arguments: Any, storage: Store, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._open(storage)

    @classmethod
    def load(cls, experiment_name: str, *, storage: Store, **keywords: Any) -> Self:
        """Return a client that goes on where the one that saved the experiment stopped; running trials still run.

        Args:
            keywords: arguments of the class.

        Raises:
            DocumentNotFoundError: there is no experiment of this name.
            InvalidValueError: it is called on an instance: ``client.load_experiment_from_database(name)``.
        """
        client = cls(storage=storage, **keywords)
        client.load_experiment_from_database(experiment_name, choose_generation_strategy_kwargs={})
        return client

    @classmethod
    def load_from_json_file(
        cls, filepath: str = "ax_client_snapshot.json", *, storage: Store | None = None, **keywords: Any
    ) -> Self:
        """Return the client of a snapshot of ``AxClient`` in a file of Ax's, and save it in *storage*.

        Args:
            keywords: arguments of the class.

        Raises:
            MissingFileError, FileAccessError, FileFormatError: as ``import_json``.
            DocumentExistsError: the store has an experiment of this name; ``AxClient.load`` goes on with it.
        """
        if storage is None:
            raise InvalidValueError("storage", storage, "Give the store: load_from_json_file(path, storage=store).")
        experiment, *strategies = _snapshot(filepath)
        client = cls(storage=storage, **keywords)
        client._hold(experiment, *(strategies or [None]))
        with client.saved_together():
            client._save_experiment_to_db_if_possible(experiment)
            client._save_generation_strategy_to_db_if_possible()
        return client

    def create_experiment(self, *arguments: Any, **keywords: Any) -> None:
        """Make the experiment, saved with its strategy at once; as Ax's ``AxClient.create_experiment``.

        Raises:
            DocumentExistsError: the store has an experiment of this name; ``AxClient.load`` goes on with it.
        """
        held = [getattr(self, name) for name in self._held]
        try:
            with self.saved_together():
                super().create_experiment(*arguments, **keywords)
        except BaseException:  # it is not stored, so that it may be made again
            self._unsaved.clear()
            self._hold(*held)
            raise

    def get_next_trial(self, *arguments: Any, **keywords: Any) -> tuple[Any, int]:
        """Return the parameters and the number of a new trial, saved with its run; as Ax's ``get_next_trial``."""
        generate = super().get_next_trial
        [trial] = self._new_trials(lambda: [self.experiment.trials[generate(*arguments, **keywords)[1]]])
        return trial.arm.parameters, trial.index

    def attach_trial(self, *arguments: Any, **keywords: Any) -> tuple[Any, int]:
        """Attach a trial, and return its parameters and its number; as Ax's ``attach_trial``."""
        with self._one_step():
            parameters, index = super().attach_trial(*arguments, **keywords)
            trial = self.experiment.trials[index]
        return parameters, trial.index

    def set_status_quo(self, params: Any) -> None:
        """Set the parameters of the status quo, or None, and save them, which Ax's ``set_status_quo`` does not."""
        super().set_status_quo(params)
        self._save(self.experiment, [])

    def add_tracking_metrics(self, *arguments: Any, **keywords: Any) -> None:
        """Add metrics, and save them, which Ax's ``add_tracking_metrics`` does not."""
        super().add_tracking_metrics(*arguments, **keywords)
        self._save(self.experiment, [])

    def remove_tracking_metric(self, metric_name: str) -> None:
        """Remove a metric, and save that, which Ax's ``remove_tracking_metric`` does not."""
        super().remove_tracking_metric(metric_name)
        self._save(self.experiment, [])

    def log_trial_failure(self, trial_index: int, metadata: Any = None) -> None:
        """Mark a trial failed; as Ax's ``log_trial_failure``."""
        with self._step_of_trial(trial_index):
            super().log_trial_failure(trial_index, metadata)

    def abandon_trial(self, trial_index: int, reason: str | None = None) -> None:
        """Mark a trial abandoned, and save it, which Ax's ``abandon_trial`` does not."""
        super().abandon_trial(trial_index, reason)
        self._save_or_update_trials_in_db_if_possible(self.experiment, [self.experiment.trials[trial_index]])

    def compute_analyses(self, analyses: Iterable[Any] | None = None, display: bool = True) -> list[Any]:
        """Return the cards of analyses, saved as cards of the experiment; as Ax's ``compute_analyses``."""
        cards: list[Any] = super().compute_analyses(analyses, display)
        self._save_cards(self.experiment, cards)
        return cards


class Orchestrator(SavesSteps, PlainOrchestrator):  # type: ignore[misc]  # as Client
    """Ax's ``Orchestrator``, which saves trials in *storage*, a store, as they are made, start and end.

    An error of the store ends the run, whatever ``suppress_storage_errors_after_retries`` says.
    """

    _makers = ("from_stored_experiment",)
    _held = ("experiment", "generation_strategy")

    def __init__(
        self,
        experiment: Any,
        generation_strategy: Any,
        options: Any,
        *,
        storage: Store,
        _skip_experiment_save: bool = False,
    ) -> None:
        super().__init__(experiment, generation_strategy, options)
        self._open(storage)
        if not _skip_experiment_save:
            self._maybe_save_experiment_and_generation_strategy(experiment, generation_strategy)

    @classmethod
    def from_stored_experiment(
        cls,
        experiment_name: str,
        options: Any,
        generation_strategy: Any = None,
        *,
        storage: Store,
        **keywords: Any,
    ) -> Self:
        """Return an orchestrator that goes on with an experiment; as Ax's ``from_stored_experiment``.

        Args:
            generation_strategy: given if the experiment has none.

        Raises:
            DocumentNotFoundError: there is no experiment of this name.
            InvalidValueError: the experiment has a strategy, and another is given; or it has none, and none is given.
        """
        experiment, stored = load_both(storage, experiment_name)
        if (stored is None) is (generation_strategy is None):
            remedy = "The experiment has one: leave it out." if stored is not None else "The experiment has none yet."
            raise InvalidValueError("generation_strategy", generation_strategy, remedy)
        return cls(experiment, stored or generation_strategy, options, storage=storage, **keywords)
