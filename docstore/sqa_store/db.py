"""The database of this process, the only global state of docstore: everywhere else a ``Store`` is passed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import URL, Engine

from docstore import migrations
from docstore.documents.arguments import checked_flag
from docstore.errors import InvalidValueError, StoreError
from docstore.registry.ax_registries import is_of_ax
from docstore.registry.bundle import RegistryBundle, config_of_ax
from docstore.sqa_store.sqa_config import SQAConfig
from docstore.sql.dialects import checked_engine, committing, make_engine, shown, translated
from docstore.store.store import Store
from docstore.store.tracking import Tracker

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["create_all_tables", "get_engine", "init_engine_and_session_factory", "session_scope"]

_STORES: Final = 8


@dataclass
class _Database:
    source: object = field(repr=False)
    engine: Engine
    origins: Tracker = field(default_factory=Tracker)
    stores: list[tuple[SQAConfig, Store]] = field(default_factory=list)
    """The stores of the last few configs, kept because each has compiled how to write the classes that it met."""


_database: _Database | None = None


def init_engine_and_session_factory(
    url: str | PathLike[str] | URL | None = None,
    creator: Callable[[], Any] | None = None,
    echo: bool = False,
    force_init: bool = False,
) -> None:
    """Set the database that this package's functions use, by its URL or by a function that makes connections.

    Args:
        url: as for ``docstore.connect``, but for an Engine.
        creator: a function that makes connections, in place of a URL.

    Raises:
        StoreError: another one is set, and *force_init* is False.
        InvalidValueError: *url* is not the URL of a database that docstore knows.
    """
    global _database
    checked_flag("echo", echo)
    source = creator if url is None else url
    if not checked_flag("force_init", force_init) and _database is not None:
        if _database.source == source:
            return
        raise StoreError(
            f"this process uses {shown(_database.engine.url)} already. Pass force_init=True to use another one, or "
            f"docstore.connect(url) for each of several databases."
        )
    engine = make_engine(url, creator=creator, echo=echo)
    if _database is not None:
        _database.engine.dispose()
    _database = _Database(source, engine)
    weakref.finalize(_database, engine.dispose)


def get_engine() -> Engine:
    """Return the engine of the database that was set.

    Raises:
        StoreError: none was set.
    """
    return _current().engine


def create_all_tables(engine: Engine) -> None:
    """Make the tables, or bring older ones up to date; if they are, nothing is written."""
    migrations.ensure(checked_engine(engine))


@contextmanager
def session_scope() -> Iterator[Session]:
    """Give a SQLAlchemy session on the database: committed at the end, rolled back on any error."""
    from sqlalchemy.orm import Session

    engine = get_engine()
    with translated(engine), Session(engine) as session:
        yield session
        session.flush()
        with committing(engine):
            session.commit()


def store_of(config: SQAConfig | None = None) -> Store:
    """Return the store on the database of this process, its tables made, with the classes and enums of *config*."""
    config = SQAConfig() if config is None else checked_config(config)
    database = _current()
    for known, store in database.stores:
        if known == config:
            return store
    migrations.ensure(database.engine)
    store = Store(
        database.engine,
        bundle=config.bundle,
        experiment_type_enum=config.experiment_type_enum,
        generator_run_type_enum=config.generator_run_type_enum,
        origins=database.origins,
    )
    database.stores = [*database.stores[-_STORES + 1 :], (config, store)]
    return store


def config_of(encoder: object, decoder: object) -> SQAConfig | None:
    """Return the configuration in what Ax's calls take as *encoder* and *decoder*.

    Each may be an ``SQAConfig``, or have one as its attribute ``config``, or be None.
    """
    given = next((each for each in (encoder, decoder) if each is not None), None)
    config = getattr(given, "config", given)
    return None if config is None else checked_config(config)


def checked_config(config: object) -> SQAConfig:
    """Return *config*, docstore's own or Ax's, as docstore's.

    Raises:
        InvalidValueError: it is neither; or it has what docstore does not: see ``SQAConfig``.
    """
    if isinstance(config, SQAConfig):
        return config
    if is_of_ax(config) and hasattr(config, "class_to_sqa_class"):
        return config_of_ax(config)
    remedy = "config=bundle.sqa_config" if isinstance(config, RegistryBundle) else "config=SQAConfig(...)"
    raise InvalidValueError("config", config, f"Pass {remedy}.")


def _current() -> _Database:
    if _database is None:
        raise StoreError('no database is set. Call init_engine_and_session_factory(url="sqlite:///lab.db") first.')
    return _database
