"""Others that keep experiments, each on the experiment of ``workload``, set up as its documentation begins.

A peer says what it is asked to do; ``bench_peers`` times it. Each runs in a process of its own: some of them change how
SQLAlchemy behaves in the whole process.
"""

from __future__ import annotations

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from workload import METRIC, PARAMETERS, add_trial, experiment, mean, metadata, parameters

SEM = 0.1


class Peer(ABC):
    """A library, with a database or a file in *folder*.

    Attributes:
        title: with the call that saves one more trial, where there are several.
        keeps: what is kept of a trial's past.
        safe: whether a save has reached the disk when it returns, as it is set up by default.
    """

    title: ClassVar[str]
    keeps: ClassVar[str] = "nothing"
    safe: ClassVar[str] = "yes"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def make(self, trials: int) -> None:
        """Make the objects that are saved; not timed."""

    @abstractmethod
    def save_all(self) -> None:
        """Save all of them."""

    @abstractmethod
    def one_more(self) -> Callable[[], object]:
        """Make another trial; return what saves it, which is timed."""

    @abstractmethod
    def load_all(self) -> Callable[[], int]:
        """Forget what is in memory; return what loads all trials, which is timed, and gives their number."""

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'lab.db'}"


class Docstore(Peer):
    title = "docstore, save_trial"
    keeps = "every version"

    def make(self, trials: int) -> None:
        import docstore

        self.docstore = docstore
        self.store, self.experiment = docstore.connect(self.url), experiment(trials)

    def save_all(self) -> None:
        self.store.save(self.experiment)

    def one_more(self) -> Callable[[], object]:
        trial = add_trial(self.experiment)
        return lambda: self.store.save_trial(self.experiment, trial)

    def load_all(self) -> Callable[[], int]:
        store = self.docstore.connect(self.url)
        return lambda: len(store.load("bench").trials)


class DocstoreWhole(Docstore):
    title = "docstore, save(experiment)"

    def one_more(self) -> Callable[[], object]:
        add_trial(self.experiment)
        return lambda: self.store.save(self.experiment)


class Ax(Peer):
    """Its own objects, in the tables of its SQLAlchemy store. It decodes what it saved, to copy ids."""

    title = "Ax, save_or_update_trial"

    def make(self, trials: int) -> None:
        from ax.core import (
            Experiment,
            Metric,
            Objective,
            OptimizationConfig,
            ParameterType,
            RangeParameter,
            SearchSpace,
        )
        from ax.storage.sqa_store.db import create_all_tables, get_engine, init_engine_and_session_factory

        init_engine_and_session_factory(url=self.url)
        create_all_tables(get_engine())
        space = SearchSpace([RangeParameter(name, ParameterType.FLOAT, 0.0, 1.0) for name in PARAMETERS])
        goal = OptimizationConfig(Objective(metric=Metric(METRIC), minimize=False))
        self.experiment = Experiment(space, name="bench", optimization_config=goal)
        for _ in range(trials):
            self.add()

    def add(self) -> Any:
        import pandas
        from ax.core import Arm, Data, GeneratorRun

        index = len(self.experiment.trials)
        trial = self.experiment.new_trial(GeneratorRun([Arm(parameters(index))]))
        trial.mark_running(no_runner_required=True)
        trial.update_run_metadata(metadata(index))
        row = {"trial_index": index, "arm_name": trial.arm.name, "metric_name": METRIC, "metric_signature": METRIC}
        self.experiment.attach_data(Data(df=pandas.DataFrame([row | {"mean": mean(index), "sem": SEM}])))
        return trial.mark_completed()

    def save_all(self) -> None:
        from ax.storage.sqa_store.save import save_experiment

        save_experiment(self.experiment)

    def one_more(self) -> Callable[[], object]:
        from ax.storage.sqa_store.save import save_or_update_trial

        trial = self.add()
        return lambda: save_or_update_trial(self.experiment, trial)

    def load_all(self) -> Callable[[], int]:
        from ax.storage.sqa_store.load import load_experiment

        return lambda: len(load_experiment("bench").trials)


class AxWhole(Ax):
    title = "Ax, save_experiment"

    def one_more(self) -> Callable[[], object]:
        self.add()
        return self.save_all


class OptunaRDB(Peer):
    """A study's trials are added as they are. A trial is never changed after it is complete."""

    title = "Optuna, RDB"

    def make(self, trials: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.count = optuna, 0
        self.study = optuna.create_study(storage=self.storage(), study_name="bench", direction="maximize")
        self.trials = [self.add() for _ in range(trials)]

    def storage(self) -> Any:
        return self.optuna.storages.RDBStorage(self.url)

    def add(self) -> Any:
        index, self.count = self.count, self.count + 1
        between = self.optuna.distributions.FloatDistribution(0.0, 1.0)
        return self.optuna.trial.create_trial(
            params=parameters(index),
            distributions=dict.fromkeys(PARAMETERS, between),
            value=mean(index),
            user_attrs={**metadata(index), "sem": SEM},
        )

    def save_all(self) -> None:
        self.study.add_trials(self.trials)

    def one_more(self) -> Callable[[], object]:
        trial = self.add()
        return lambda: self.study.add_trial(trial)

    def load_all(self) -> Callable[[], int]:
        return lambda: len(self.optuna.load_study(storage=self.storage(), study_name="bench").trials)


class OptunaJournal(OptunaRDB):
    """A file to which each operation is appended, and which is read from its beginning."""

    title = "Optuna, journal"
    keeps = "a log of operations"

    def storage(self) -> Any:
        from optuna.storages.journal import JournalFileBackend

        return self.optuna.storages.JournalStorage(JournalFileBackend(str(self.folder / "lab.log")))


class Tiny(Peer):
    """A JSON file, written anew at each save; dicts, no objects."""

    title = "TinyDB"
    safe = "yes, but a crash while it writes loses the file"

    def make(self, trials: int) -> None:
        from tinydb import TinyDB

        self.open = lambda: TinyDB(self.folder / "lab.json")
        self.db, self.trials = self.open(), [trial_dict(index) for index in range(trials)]

    def save_all(self) -> None:
        self.db.insert_multiple(self.trials)

    def one_more(self) -> Callable[[], object]:
        trial = trial_dict(len(self.trials))
        self.trials.append(trial)
        return lambda: self.db.insert(trial)

    def load_all(self) -> Callable[[], int]:
        db = self.open()
        return lambda: len(db.all())


class Zodb(Peer):
    """Pickles of persistent objects in a file, by their ids. Reading them runs what the pickles name."""

    title = "ZODB"
    keeps = "until the file is packed"

    def make(self, trials: int) -> None:
        import ZODB.FileStorage
        from BTrees.IOBTree import IOBTree

        self.open = lambda **options: ZODB.DB(ZODB.FileStorage.FileStorage(str(self.folder / "lab.fs"), **options))
        self.root = self.open().open().root()
        self.new, self.trials = IOBTree, [persistent_trial(index) for index in range(trials)]

    def save_all(self) -> None:
        import transaction

        self.root["trials"] = self.new(dict(enumerate(self.trials)))
        transaction.commit()

    def one_more(self) -> Callable[[], object]:
        import transaction

        trials = self.root["trials"]
        trials[len(trials)] = persistent_trial(len(trials))
        return transaction.commit

    def load_all(self) -> Callable[[], int]:
        root = self.open(read_only=True).open().root()
        return lambda: sum(trial.mean >= 0 for trial in root["trials"].values())


class Orm(Peer):
    """A mapped class with a column for each member, JSON for parameters and metadata."""

    title = "SQLAlchemy ORM"
    options: ClassVar[dict[str, Any]] = {}

    def make(self, trials: int) -> None:
        import sqlalchemy as sa
        from sqlalchemy import orm

        class Base(orm.DeclarativeBase):
            pass

        columns = {
            "id": sa.Integer,
            "name": sa.String,
            "parameters": sa.JSON,
            "metadata_": sa.JSON,
            "status": sa.String,
        }
        columns |= {"mean": sa.Float, "sem": sa.Float}
        mapped = {name: sa.Column(type_, primary_key=name == "id") for name, type_ in columns.items()}
        self.cls: Any = type("Trial", (Base,), {"__tablename__": "trials", **self.options, **mapped})
        orm.configure_mappers()
        self.engine = sa.create_engine(self.url)
        Base.metadata.create_all(self.engine)
        self.sa, self.orm, self.session = sa, orm, orm.Session(self.engine, expire_on_commit=False)
        self.trials = [self.add(index) for index in range(trials)]

    def add(self, index: int) -> Any:
        facts = {"name": f"{index}_0", "status": "COMPLETED", "mean": mean(index), "sem": SEM}
        return self.cls(id=index, parameters=parameters(index), metadata_=metadata(index), **facts)

    def save_all(self) -> None:
        self.session.add_all(self.trials)
        self.session.commit()

    def one_more(self) -> Callable[[], object]:
        trial = self.add(len(self.trials))
        self.trials.append(trial)

        def save() -> None:
            self.session.add(trial)
            self.session.commit()

        return save

    def load_all(self) -> Callable[[], int]:
        session = self.orm.Session(self.engine)
        return lambda: len(session.scalars(self.sa.select(self.cls)).all())


class Continuum(Orm):
    """The same class, with a second table of its versions."""

    title = "SQLAlchemy ORM with Continuum"
    keeps = "every version of a row"
    options: ClassVar[dict[str, Any]] = {"__versioned__": {}}

    def make(self, trials: int) -> None:
        from sqlalchemy_continuum import make_versioned

        make_versioned(user_cls=None)
        super().make(trials)


class MLflow(Peer):
    """A run for each trial, by the client, in its SQLAlchemy store."""

    title = "MLflow"

    def make(self, trials: int) -> None:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.tracking import MlflowClient

        logging.getLogger("alembic").setLevel(logging.WARNING)
        self.kinds = Metric, Param, RunTag
        self.client = MlflowClient(tracking_uri=self.url)
        self.id, self.count = self.client.create_experiment("bench"), trials

    def save(self, index: int) -> None:
        metric, param, tag = self.kinds
        run = self.client.create_run(self.id).info.run_id
        self.client.log_batch(
            run,
            metrics=[metric(METRIC, mean(index), 0, 0), metric("sem", SEM, 0, 0)],
            params=[param(name, str(value)) for name, value in parameters(index).items()],
            tags=[tag(name, str(value)) for name, value in metadata(index).items()],
        )
        self.client.set_terminated(run)

    def save_all(self) -> None:
        for index in range(self.count):
            self.save(index)

    def one_more(self) -> Callable[[], object]:
        self.count += 1
        return lambda: self.save(self.count - 1)

    def load_all(self) -> Callable[[], int]:
        def load() -> int:
            page = self.client.search_runs([self.id])
            found = len(page)
            while page.token:
                page = self.client.search_runs([self.id], page_token=page.token)
                found += len(page)
            return found

        return load


def trial_dict(index: int) -> dict[str, Any]:
    """Return a trial as a dict, for those that keep no objects."""
    facts = {"index": index, "arm": f"{index}_0", "status": "COMPLETED", "mean": mean(index), "sem": SEM}
    return facts | {"parameters": parameters(index), "metadata": metadata(index)}


def persistent_trial(index: int) -> Any:
    """Return a trial as an object of a class of ZODB's."""
    from zodb_trial import Trial

    trial = Trial()
    trial.__dict__.update(trial_dict(index))
    return trial


PEERS: dict[str, type[Peer]] = {
    each.__name__: each
    for each in (
        Docstore,
        DocstoreWhole,
        Ax,
        AxWhole,
        OptunaRDB,
        OptunaJournal,
        Tiny,
        Zodb,
        Orm,
        Continuum,
        MLflow,
    )
}

warnings.simplefilter("ignore")  # those of the peers are not ours
