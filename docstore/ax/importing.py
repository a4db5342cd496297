"""Import what Ax's own storage holds: JSON files, and databases of its ``sqa_store``. Ax's loaders read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, tzinfo
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

import pandas as pd
import sqlalchemy as sa
from ax.core.experiment import Experiment
from ax.exceptions.core import ObjectNotFoundError
from ax.generation_strategy.external_generation_node import ExternalGenerationNode
from ax.storage.json_store.decoder import generation_strategy_from_json, object_from_json
from ax.storage.metric_registry import CORE_METRIC_REGISTRY
from ax.storage.registry_bundle import RegistryBundleBase
from ax.storage.runner_registry import CORE_RUNNER_REGISTRY
from ax.storage.sqa_store.db import Base, session_context
from ax.storage.sqa_store.load import (
    load_analysis_cards_by_experiment_name,
    load_experiment,
    load_generation_strategy_by_experiment_name,
)
from ax.storage.sqa_store.sqa_config import SQAConfig
from ax.storage.sqa_store.timestamp import IntTimestamp
from sqlalchemy.orm.attributes import set_committed_value

from docstore.ax.analysis import belong_to
from docstore.ax.storage_copy import copied
from docstore.errors import FileAccessError, FileFormatError, MissingFileError
from docstore.progress import Progress, Report, reporting
from docstore.registry.bundle import mapper_of
from docstore.store.importing import Importer, ImportReport, checked_zone

if TYPE_CHECKING:
    from docstore.store.store import Store

MESSAGE: Final = "imported from Ax"
"""The message of the versions that ``import_sql`` saves, by which it knows them again."""

_REMEDY: Final = "It was not imported from Ax. Rename it"

_FIRST_DAY: Final = 10**14
"""Nanoseconds since 1970, a little more than a day: less is a number of milliseconds, of a time before 5138."""


# --- JSON ------------------------------------------------------------------------------------------------------------


def import_json(path: str | PathLike[str], *, bundle: RegistryBundleBase | None = None) -> list[Any]:
    """Return what a JSON file of Ax holds, as objects of Ax: ``store.save_together(import_json(path))`` saves them.

    It is the experiment of ``ax.storage.json_store.save_experiment``; the experiment and the generation strategy, if
    there is one, of a snapshot of ``Client`` or ``AxClient``; or any other object that Ax encoded.

    Args:
        bundle: Ax's ``RegistryBundle`` of your own metrics and runners. To save them, register each of these classes
            with docstore, too: ``docstore.register(MyMetric)``.

    Raises:
        MissingFileError, FileAccessError: it cannot be read.
        FileFormatError: it is not JSON, or Ax's decoder refuses it; the decoder's error is the cause.
    """
    content = _content(path)
    config = _config(bundle)
    registries = config.json_decoder_registry, config.json_class_decoder_registry
    try:
        is_snapshot = "__type" not in content and "experiment" in content
        read = object_from_json(content["experiment"] if is_snapshot else content, *registries)
        strategy = content.get("generation_strategy") if is_snapshot else None
        others = [] if strategy is None else [generation_strategy_from_json(strategy, read, *registries)]
    except Exception as error:  # Ax's decoders raise errors of all classes
        raise FileFormatError(str(path), f"Ax cannot read it: {_reason(error)}") from error
    if isinstance(read, Experiment):
        _correct_times_of_data(read)
    return [read, *others]


def import_json_file(
    path: str | PathLike[str], store: Store, *, bundle: RegistryBundleBase | None = None
) -> ImportReport:
    """Save in *store* what a JSON file of Ax holds: an experiment, and its generation strategy if there is one.

    Called again, with a later state of the file, it saves what is new: as further versions, merged with what was saved
    in the store meanwhile.

    Args:
        bundle: as for ``import_json``.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: as ``import_json``.
        DatabaseError: the store's database cannot be used.
    """
    documents, importer = import_json(path, bundle=bundle), Importer(store, MESSAGE, _REMEDY)
    for strategy in documents[1:]:
        _forget_fit_times(strategy)
    importer.enter(str(getattr(documents[0], "name", path)), lambda: _save(importer, documents))
    return importer.report


def _content(path: str | PathLike[str]) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(str(path), "there is no such file") from error
    except OSError as error:
        raise FileAccessError(str(path), error.strerror or str(error)) from error
    except ValueError as error:
        raise FileFormatError(str(path), f"it is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise FileFormatError(str(path), "it is JSON, but not of Ax: an object with a '__type' is expected")
    return content


def _config(bundle: RegistryBundleBase | None) -> SQAConfig:
    """Return Ax's settings for reading, with the classes of *bundle* beside Ax's own, which a bundle lacks."""
    if bundle is None:
        return SQAConfig()
    own = bundle.sqa_config
    return replace(
        own,
        metric_registry={**CORE_METRIC_REGISTRY, **own.metric_registry},
        runner_registry={**CORE_RUNNER_REGISTRY, **own.runner_registry},
    )


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


# --- SQL -------------------------------------------------------------------------------------------------------------


def import_sql(
    url: Any,
    store: Store,
    *,
    zone: tzinfo | str | None = None,
    bundle: RegistryBundleBase | None = None,
    progress: bool | Report = False,
) -> ImportReport:
    """Save every experiment of a database of Ax in *store*, with its generation strategy and analysis cards.

    The source is copied to a temporary SQLite file by one transaction that cannot write, and Ax's own loaders read the
    copy. A new experiment is saved with all that belongs to it in one transaction; one that fails is reported, and the
    next one follows. Called again, after an interruption or while Ax is still in use, it saves what is new: as further
    versions, merged with what was saved in the store meanwhile.

    Args:
        url: of the source, as for ``docstore.connect``; or an Engine. Its tables may be of an older Ax: a column that
            they lack counts as empty.
        zone: the time zone in which the experiments ran, ``"Europe/Vienna"``. Ax stores when an experiment, a trial, a
            generator run or a card was made, and gives it back as naive local time of the machine that reads it. With a
            zone, it is that zone's. Times within data are not shifted: Ax stores them as naive.
        bundle: Ax's ``RegistryBundle`` of your own metrics and runners, which are registered with docstore, too.
            Unknown metrics become plain ones whose ``properties`` have what was stored; unknown runners are left out.
        progress: as for ``Store.verify``: told after each experiment.

    Raises:
        MissingFileError: there is no such file of a source.
        DatabaseError: one of the two databases cannot be used. What was imported before is kept.
        InvalidValueError: there is no such zone.

    Cost:
        The copy takes as much space as the source. Of each experiment, a load by Ax, and a save. Meanwhile Ax's own
        calls in this process use the copy, as Ax has one database for a process.
    """
    config = _config(bundle)
    with (
        reporting(progress, "experiments") as report,
        copied(url, config) as copy,
        session_context(url=copy.url),
        _times_in(checked_zone(zone)),
    ):
        importer = Importer(store, MESSAGE, _REMEDY, report=ImportReport(renamed=copy.renamed))
        for number, name in enumerate(copy.names, 1):
            _import(importer, name, config, copy.left_out.get(name, []))
            report(Progress(number, len(copy.names), name))
    return importer.report


def _import(importer: Importer, name: str, config: SQAConfig, left_out: list[str]) -> None:
    """Import one experiment, and enter in the report what became of it."""
    report = importer.report
    try:
        documents, unread = _read(name, config)
    except Exception as error:  # Ax's decoders raise errors of all classes
        report.failed[name] = f"Ax cannot read it: {_reason(error)}"
        return
    importer.enter(name, lambda: _save(importer, documents))
    if name not in report.failed and (what := [*left_out, *unread]):
        report.left_out[name] = what


def _read(name: str, config: SQAConfig) -> tuple[list[Any], list[str]]:
    """Return the experiment *name* and what belongs to it, and in words what of that Ax cannot read."""
    experiment = load_experiment(name, config)
    _correct_times_of_data(experiment)
    documents, unread = [experiment], []
    others: dict[str, Callable[[], list[Any]]] = {
        "its generation strategy": lambda: _strategy(experiment, config),
        "its analysis cards": lambda: _cards(name, config),
    }
    for what, load in others.items():
        try:
            documents += load()
        except Exception as error:  # Ax's decoders raise errors of all classes
            unread.append(f"{what}, which Ax cannot read: {_reason(error)}")
    return documents, unread


def _strategy(experiment: Any, config: SQAConfig) -> list[Any]:
    try:
        strategy = load_generation_strategy_by_experiment_name(experiment.name, config, experiment)
    except ObjectNotFoundError:
        return []
    _forget_fit_times(strategy)
    return [strategy]


def _forget_fit_times(strategy: Any) -> None:
    for node in strategy._nodes:
        if isinstance(node, ExternalGenerationNode):
            # Ax does not store it: it is the time that the constructor took just now, another one in each import.
            node.fit_time_since_gen = 0.0


def _cards(name: str, config: SQAConfig) -> list[Any]:
    """Return the cards of an experiment. Each has the same document name in every import: Ax only appends cards."""
    cards: list[Any] = load_analysis_cards_by_experiment_name(name, config)
    for number, card in enumerate(cards):
        belong_to(card, name, number=uuid5(NAMESPACE_URL, f"{name}/{number}").hex)
    return cards


def _save(importer: Importer, documents: list[Any]) -> bool:
    """Save an experiment and what belongs to it; return whether there was something new."""
    if not importer.store.exists(documents[0].name):
        importer.store.save_together(documents, message=MESSAGE)
        return True
    are_new = [_save_again(importer, document) for document in documents]
    return any(are_new)


def _save_again(importer: Importer, document: Any) -> bool:
    kind, name, _ = mapper_of().identify(document)
    return importer.save(name, lambda _: document, kind=kind.name)


# --- times of data ---------------------------------------------------------------------------------------------------


def _correct_times_of_data(experiment: Experiment) -> None:
    """Give the rows of data, also of auxiliary experiments, the start and end times that were stored.

    Ax stores milliseconds, and with pandas 3 it reads them as nanoseconds.
    """
    for row in experiment.data._data_rows:
        row.start_time, row.end_time = _corrected(row.start_time), _corrected(row.end_time)
    experiment.data._memo_df = None
    vars(experiment.data).pop("full_df", None)
    for auxiliaries in experiment.auxiliary_experiments_by_purpose.values():
        for auxiliary in auxiliaries:
            _correct_times_of_data(auxiliary.experiment)


def _corrected(time: Any) -> Any:
    is_misread = isinstance(time, pd.Timestamp) and time.as_unit("ns").value < _FIRST_DAY
    return pd.Timestamp(time.as_unit("ns").value, unit="ms").as_unit("ns") if is_misread else time


# --- other times, in a zone -------------------------------------------------------------------------------------------


@contextmanager
def _times_in(zone: tzinfo | None) -> Iterator[None]:
    """Have the naive times of rows that Ax loads in *zone*, and not in that of this machine."""
    if zone is None:
        yield
        return

    def shift(row: Any, _: object) -> None:
        for attribute in sa.inspect(type(row)).column_attrs:
            value = vars(row).get(attribute.key)
            if isinstance(attribute.columns[0].type, IntTimestamp) and isinstance(value, datetime):
                # Aware, it is an instant again: Ax made it of one, in the local time of this machine.
                set_committed_value(row, attribute.key, value.astimezone(zone).replace(tzinfo=None))

    classes = [mapper.class_ for mapper in Base.registry.mappers]
    for cls in classes:
        sa.event.listen(cls, "load", shift)
    try:
        yield
    finally:
        for cls in classes:
            sa.event.remove(cls, "load", shift)
