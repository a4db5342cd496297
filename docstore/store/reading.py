"""What a store reads without writing: objects, JSON values, searches, tables of experiments, and damage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from docstore.codec import UnknownObject
from docstore.codec.collector import collector_paused
from docstore.codec.core import Unknown
from docstore.codec.live.live_object import LiveObject
from docstore.documents.arguments import NO_DEFAULT, checked_flag, checked_key
from docstore.documents.canonical import JSON, dumps
from docstore.documents.display import Listed
from docstore.documents.kinds import EXPERIMENT, HEAD, is_document, join, kind_named
from docstore.documents.optional_members import value_at
from docstore.errors import DecodeError, DocumentNotFoundError, InvalidValueError
from docstore.model import Experiment, SearchSpace
from docstore.registry.model_classes import optional_members
from docstore.sql.dialects import backend_of, checked_moment
from docstore.sql.enum_codes import Wanted
from docstore.sql.partial import read_place
from docstore.sql.reader import State
from docstore.sql.rows import HeadRow, id_named, kinds_in_use, live_names
from docstore.sql.version_names import chosen_version
from docstore.store.context import StoreContext
from docstore.store.lazy import load_lazily
from docstore.store.tracking import LoadedState

if TYPE_CHECKING:
    import pandas

    from docstore.progress import Report
    from docstore.search.experiments.best import BestArm
    from docstore.search.experiments.similar import Similar
    from docstore.search.query import Criteria
    from docstore.search.read import StoredDocument
    from docstore.search.results import Found
    from docstore.verify import Damage


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """Which version to read: a number, a time or a tag; without any, the current one. Only one may be given."""

    version: int | None = None
    at: datetime | None = None
    tag: str | None = None


# --- objects and values ----------------------------------------------------------------------------------------------


@collector_paused()
def load(
    context: StoreContext,
    kind: str | type,
    name: str,
    choice: VersionChoice,
    unknown: Unknown | None = None,
    *,
    lazy: bool = False,
) -> Any:
    """Return the object of a document; as ``Store.load``."""
    transactions, which = context.transactions, context.kind_name(kind)
    unknown = context.unknown if unknown is None else unknown
    with transactions.reading() as connection:
        if checked_flag("lazy", lazy) and which == EXPERIMENT.name and choice == VersionChoice():
            head = transactions.head(connection, which, name)
            obj = load_lazily(context, connection, head, unknown)
            if obj is not None:
                return _checked_class(obj, kind, head)
        head, state = transactions.state(connection, which, name, version=choice.version, at=choice.at, tag=choice.tag)
    return _checked_class(object_of(context, head, state, unknown), kind, head)


def object_of(context: StoreContext, head: HeadRow, state: State, unknown: Unknown, *, is_ours: bool = True) -> Any:
    """Return the object of a document's *state*, and remember what it came from.

    Args:
        is_ours: whether the document is of this store's project: only such an object can be saved again.
    """
    mapper = context.mapper(unknown)
    obj = mapper.decode(join(state.pieces))
    # A JSON value that was put came from no object.
    if is_ours and is_document(state.pieces[HEAD]) and not isinstance(obj, UnknownObject):
        # The name in this version: the document may have been renamed since.
        name = kind_named(head.kind).of(state.pieces[HEAD]).name_in(state.pieces[HEAD]) or head.name
        loaded = LoadedState(head.id, name, state.version, state.digests, unknown=unknown)
        context.remember(obj, loaded, mapper)
    return obj


def _checked_class(obj: Any, kind: str | type | None, head: HeadRow) -> Any:
    """Return *obj*, the object of a document of *kind*.

    Raises:
        InvalidValueError: *kind* is a class, and *obj* is of another one of the same kind.
    """
    if isinstance(kind, type) and not isinstance(obj, kind):
        found = f"{head.kind} {head.name!r} is of the class {type(obj).__qualname__}"
        raise InvalidValueError("kind", kind, f"The {found}: give that, or kind={head.kind!r}.")
    return obj


def get(context: StoreContext, kind: str, name: str, choice: VersionChoice, pointer: str, default: Any) -> Any:
    """Return the JSON value at *pointer* of a document; as ``Store.get``."""
    with context.transactions.reading() as connection:
        try:
            head = context.transactions.head(connection, kind, name)
        except DocumentNotFoundError:
            if default is NO_DEFAULT:
                raise
            return default
        number = chosen_version(connection, head, choice.version, choice.at, choice.tag)
        around = read_place(connection, head, pointer, number)
    try:
        value = value_at(around, pointer, optional_members())
    except DecodeError:
        if default is NO_DEFAULT:
            raise
        return default
    return context.raw.decode(value)


def get_json(
    context: StoreContext, kind: str, name: str, choice: VersionChoice, pointer: str, *, indent: bool
) -> bytes:
    """Return the text of the JSON value at *pointer* of a document; as ``Store.get_json``."""
    with context.transactions.reading() as connection:
        head = context.transactions.head(connection, kind, name)
        number = chosen_version(connection, head, choice.version, choice.at, choice.tag)
        around = read_place(connection, head, pointer, number)
    return dumps(value_at(around, pointer, optional_members()), indent=checked_flag("indent", indent))


# --- what is there ---------------------------------------------------------------------------------------------------


def exists(context: StoreContext, kind: str, name: str) -> bool:
    """Return whether there is a document; as ``Store.exists``."""
    kind, name = checked_key("kind", kind), checked_key("name", name)
    with context.transactions.reading() as connection:
        return id_named(connection, context.project, kind, name) is not None


def names(context: StoreContext, kind: str) -> list[str]:
    """Return the names of the documents of a kind; as ``Store.names``."""
    kind = checked_key("kind", kind)
    with context.transactions.reading() as connection:
        return sorted(live_names(connection, context.project, kind))


def kinds(context: StoreContext) -> list[str]:
    """Return the kinds of the documents of the project; as ``Store.kinds``."""
    with context.transactions.reading() as connection:
        return sorted(kind for project, kind in kinds_in_use(connection) if project == context.project)


def projects(context: StoreContext) -> list[str]:
    """Return the projects of the database; as ``Store.projects``."""
    with context.transactions.reading() as connection:
        return sorted({project for project, _ in kinds_in_use(connection)})


# --- searches --------------------------------------------------------------------------------------------------------


def find(context: StoreContext, kind: str | type | None, part: str | None, criteria: Criteria) -> Found[Any, Any]:
    """Return the documents, or the parts, that fulfil *criteria*; as ``Store.find``."""
    from docstore.search.query import SearchContext, checked_query
    from docstore.search.results import Found, Loader

    mapper = context.mapper()
    codec = mapper.codec
    search = SearchContext(context.transactions, codec.registry, context.codes, codec.encode, codec.optional_members)

    def part_of(obj: Any, path: str) -> Any:
        return LiveObject(mapper, obj).part(path)

    which = None if kind is None else context.kind_name(kind)
    loader = Loader(context.transactions, context.raw.decode, partial(_object_found, context, kind), part_of)
    return Found(loader, checked_query(search, which, part, criteria))


def _object_found(context: StoreContext, kind: str | type | None, found: StoredDocument, state: State) -> Any:
    is_ours = found.project == context.project
    obj = object_of(context, found.head, state, context.unknown, is_ours=is_ours)
    return _checked_class(obj, kind, found.head)


# --- experiments -----------------------------------------------------------------------------------------------------


@collector_paused()
def trials(context: StoreContext, name: str) -> pandas.DataFrame:
    """Return the frame of an experiment's trials; as ``Store.trials``."""
    from docstore.search.experiments.frames import trials_frame
    from docstore.search.experiments.read import read_trials

    return trials_frame(read_trials(context.transactions, name), context.project, context.raw.decode)


@collector_paused()
def observations(context: StoreContext, name: str) -> pandas.DataFrame:
    """Return the frame of an experiment's observations; as ``Store.observations``."""
    from docstore.search.experiments.frames import observations_frame
    from docstore.search.experiments.read import read_experiment

    stored = read_experiment(context.transactions, name, "data")
    return observations_frame(stored, context.project, context.raw.decode)


@collector_paused()
def best(context: StoreContext, name: str, n: int, choice: VersionChoice) -> list[BestArm]:
    """Return the *n* best arms of an experiment; as ``Store.best``."""
    from docstore.search.experiments.best import best_arms, goal_of
    from docstore.search.experiments.read import read_experiment

    n = _checked_count(n)
    stored = read_experiment(context.transactions, name, number=choice.version, at=choice.at, tag=choice.tag)
    decode = context.raw.decode
    return Listed(best_arms(stored, goal_of(stored, decode), decode, n))


def similar(
    context: StoreContext,
    like: SearchSpace | Experiment,
    n: int,
    overlap: float,
    types: Wanted,
    since: datetime | None,
) -> list[Similar]:
    """Return the *n* experiments that are most like *like*; as ``Store.similar``."""
    from docstore.search.experiments.similar import AT_MOST, find_similar, target_parameters

    n = _checked_count(n, most=AT_MOST)
    parameters = target_parameters(like, overlap)
    moment = None if since is None else checked_moment("since", since)
    experiments = find(context, "experiment", None, {"type": types, "updated": (moment, None)}).select()
    with context.transactions.reading() as connection:
        return Listed(find_similar(connection, experiments, parameters, n))


def _checked_count(n: Any, most: int | None = None) -> int:
    if type(n) is not int or n < 1 or (most is not None and n > most):
        raise InvalidValueError("n", n, f"Give how many, from 1{f' to {most:,}' if most else ''}.")
    return n


# --- damage ----------------------------------------------------------------------------------------------------------


def verify(
    context: StoreContext, name: str | None, kind: str | None, *, decode: bool, progress: bool | Report
) -> list[Damage]:
    """Return the damage of a document, of a kind or of the whole project; as ``Store.verify``."""
    from docstore.progress import reporting
    from docstore.search.kinds import check_kind
    from docstore.verify import VerifyOptions, find_damage, find_id

    name = None if name is None else checked_key("name", name)
    kind = None if kind is None else checked_key("kind", kind)
    mapper = context.mapper() if checked_flag("decode", decode) else None

    def decoded(value: JSON) -> object:
        # A JSON value that was put came from no object.
        return mapper.decode(value) if mapper and is_document(value) else context.raw.decode(value)

    transactions = context.transactions
    with (
        reporting(progress) as report,
        transactions.reading() as connection,
        backend_of(connection).long_read_timeout(connection),
    ):
        if kind is not None and name is None:
            check_kind(connection, context.mapper().codec.registry, kind)
        id = None if name is None else find_id(connection, context.project, kind or "experiment", name)
        if name is not None and id is None:
            # Raises the error that says which documents there are instead.
            transactions.head(connection, kind or "experiment", name)
        options = VerifyOptions(decoded if decode else None, report)
        return list(find_damage(connection, context.project, id, kind, options))
