"""Lazy loading: an experiment whose trials and data are read from the database when they are first asked for."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from docstore.codec.core import Unknown
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.sealing import sealed
from docstore.documents.canonical import JSON, Absent
from docstore.documents.digests import Digests, piece
from docstore.documents.kinds import HEAD, PartRule, kind_named, split_path
from docstore.documents.merge.trials import TRIALS
from docstore.errors import DamagedDocumentError, DocumentNotFoundError, StoreError
from docstore.model import Arm
from docstore.model.part_dict import is_unread, read_unread, set_unread, source_of
from docstore.sql.arms import read_arms
from docstore.sql.reader import missing_history, read_divergence, read_pieces
from docstore.sql.rows import HeadRow, digests_of, head_of
from docstore.store.context import StoreContext
from docstore.store.tracking import LoadedState


@dataclass(frozen=True, slots=True)
class PartsWanted:
    """Some parts, in the state in which an experiment has them.

    Attributes:
        digests: their digests, by path.
        version, since: the versions from which the experiment has them, as in its ``LoadedState``.
    """

    digests: Mapping[str, str]
    version: int
    since: Mapping[str, int]


class LazyLoad:
    """Reads parts of one experiment that was loaded lazily, each in the state in which the experiment has it.

    Args:
        state: what the experiment came from; a save of the experiment advances it, and holds ``lock`` meanwhile.
    """

    def __init__(self, context: StoreContext, live: LiveObject, state: LoadedState) -> None:
        self._context, self.live, self.state = context, live, state
        self.lock = threading.RLock()
        self._connections: dict[int, Connection] = {}

    def wanted(self, paths: Collection[str]) -> PartsWanted:
        """Return what the experiment has at *paths*; parts that it has no more are left out."""
        with self.lock:
            digests = {path: digest for path in paths if (digest := self.state.digest(path)) is not None}
            return PartsWanted(digests, self.state.version, self.state.since())

    @contextmanager
    def by(self, connection: Connection) -> Iterator[None]:
        """Read by *connection*, which this thread has opened to write, until the block ends."""
        thread = threading.get_ident()
        self._connections[thread] = connection
        try:
            yield
        finally:
            del self._connections[thread]

    @contextmanager
    def reading(self, what: str) -> Iterator[Connection]:
        """Give a connection by which to read *what*; an error says that it was not read yet."""
        own = self._connections.get(threading.get_ident())
        try:
            if own is not None:
                yield own
            else:
                with self._context.transactions.reading() as connection:
                    yield connection
        except StoreError as error:
            error.add_note(
                f"experiment {self.state.name!r} was loaded with lazy=True, and {what} were not read yet. Load it "
                f"again, or without lazy=True."
            )
            raise

    def bodies(self, connection: Connection, wanted: PartsWanted) -> dict[str, JSON]:
        """Return the bodies of the parts *wanted*, by path; one that others changed since is read from the history."""
        head = self._head(connection)
        bodies, now = read_pieces(connection, head, wanted.digests.keys())
        stale = [path for path, digest in wanted.digests.items() if now.get(path) != digest]
        if not stale:
            return bodies
        base = read_divergence(connection, head, wanted.version, wanted.since, stale).base
        for path in stale:
            if path not in base or piece(path, base[path]).digest != wanted.digests[path]:
                problem = f"its state at version {wanted.version} cannot be rebuilt from the history"
                raise DamagedDocumentError(head.name, where=path, problem=problem)
        return {**bodies, **{path: base[path] for path in stale}}

    def _head(self, connection: Connection) -> HeadRow:
        head = head_of(connection, self.state.id)
        if head is None:
            problem = f"the experiment {self.state.name!r} was purged since it was loaded"
            raise DocumentNotFoundError(self.state.name, kind="experiment", problem=problem)
        return head


class UnreadParts:
    """Reads the parts in one field of an experiment that was loaded lazily: the source of a ``PartDict``.

    Args:
        keys: the keys of all parts that were not read at first, in order.
    """

    def __init__(self, load: LazyLoad, rule: PartRule, keys: Sequence[int]) -> None:
        self.load, self._rule, self._keys = load, rule, keys
        self._next, self._size = 0, 1

    def with_next(self, key: int) -> Sequence[int]:
        """Return *key* and the keys to read with it: twice as many each time, if items are asked for in order."""
        place = bisect_left(self._keys, key)
        self._size = 2 * self._size if place == self._next > 0 else 1
        self._next = place + self._size
        return self._keys[place : self._next]

    def read(self, keys: Collection[Any], keep: Callable[[Any, Any], object]) -> None:
        """Read the parts at *keys* that the experiment still has, and call *keep* with each key and its part.

        Raises:
            StoreClosedError: the store was closed since.
            DocumentNotFoundError: the document was purged since.
            VersionNotFoundError: others changed a part since, and the version that the experiment has was folded.
            DamagedDocumentError: what is stored is not what was saved.
        """
        load, paths = self.load, {self._rule.path(key): key for key in keys}
        is_done = False
        while not is_done:
            wanted = load.wanted(paths)
            with load.reading(f"{len(paths)} of its {self._rule.field}") as connection:
                bodies = load.bodies(connection, wanted)
            parts = {path: load.live.decoded(path, bodies[path]) for path in wanted.digests}
            if self._rule is TRIALS:
                load.live.obj.__docstore_restore_trials__(parts.values())
            with load.lock:
                # Another thread may have saved meanwhile, and merged what others changed in a part.
                is_done = load.wanted(paths).digests == wanted.digests
                for path, part in parts.items() if is_done else ():
                    keep(paths[path], part)

    def arms(self, keys: Collection[Any]) -> Iterator[Arm]:
        """Yield the arms of the trials at *keys*; raises as ``read``.

        Cost:
            One SELECT. Trials that others changed since, and those without arms, are read whole.
        """
        load, paths = self.load, {self._rule.path(key) for key in keys}
        wanted = load.wanted(paths)
        with load.reading("the arms of its trials") as connection:
            stored = read_arms(connection, load.state.id)
            found = {path: body for path, digest, body in stored if digest == wanted.digests.get(path)}
            others = {path: digest for path, digest in wanted.digests.items() if path not in found}
            bodies = load.bodies(connection, PartsWanted(others, wanted.version, wanted.since))
        for body in found.values():
            for each in load.live.mapper.codec.decode(body):
                yield from [each] if isinstance(each, Arm) else each.arms
        for path, body in bodies.items():
            yield from load.live.decoded(path, body).arms


def load_lazily(context: StoreContext, connection: Connection, head: HeadRow, unknown: Unknown) -> Any:
    """Return the object of the newest version, whose parts are read when they are first asked for.

    It is None if its class cannot have such parts.

    Raises:
        DamagedDocumentError: what is stored is not what was saved; the body of a part is checked when it is read.

    Cost:
        A read of the head, and of the digest of each part.
    """
    if not head.digest:
        raise missing_history(head, head.version)
    pieces, _ = read_pieces(connection, head, {HEAD})
    digests = digests_of(connection, head.id)
    known, kind, mapper = Digests.of(digests), kind_named(head.kind), context.mapper(unknown)
    if known.digest() != head.digest:
        raise DamagedDocumentError(head.name, where="its rows", problem="they are not the ones that version has")
    obj = mapper.decode(pieces[HEAD])
    live = LiveObject(mapper, obj)
    if mapper.codec.registry.of_class(type(obj)) is None or not (dicts := live.part_dicts()):
        return None
    state = LoadedState(head.id, kind.name_in(pieces[HEAD]) or head.name, head.version, known, unknown=unknown)
    context.remember(obj, state, mapper)
    load, places = LazyLoad(context, live, state), [split_path(path) for path in digests if path != HEAD]
    for rule in kind.parts:
        keys = sorted(int(key) for field, key in places if field == rule.field)
        set_unread(dicts[rule.field], keys, UnreadParts(load, rule, keys))
    state.seal = sealed(LiveObject(context.mapper(), obj))
    return obj


# --- saving ----------------------------------------------------------------------------------------------------------


def lazy_load_of(live: LiveObject) -> LazyLoad | None:
    """Return what reads the parts of the object, if it was loaded lazily."""
    sources = map(source_of, (live.part_dicts() or {}).values())
    return next((source.load for source in sources if isinstance(source, UnreadParts)), None)


@contextmanager
def reading_by(connection: Connection, live: LiveObject) -> Iterator[None]:
    """Read parts of the object by *connection*, which this thread has opened to write, until the block ends."""
    load = lazy_load_of(live)
    if load is None:
        yield
    else:
        with load.by(connection):
            yield


@contextmanager
def advancing(live: LiveObject) -> Iterator[None]:
    """Keep other threads from putting a part that they have just read into the object, until the block ends."""
    load = lazy_load_of(live)
    if load is None:
        yield
    else:
        with load.lock:
            yield


def read_for_another(live: LiveObject, state: LoadedState, paths: Collection[str]) -> None:
    """Read the parts at *paths*, if others' changes in them will come by *state*, which their source does not follow.

    Another store saves the object then, or a copy of it is saved.

    Raises:
        StoreError: as ``UnreadParts.read``; nothing is saved yet.
    """
    dicts = live.part_dicts() or {}
    for field, key in map(split_path, paths):
        source = source_of(dicts[field]) if field in dicts else None
        if isinstance(source, UnreadParts) and source.load.state is not state:
            read_unread(dicts[field], [int(key)])


def to_adopt(live: LiveObject, pieces: Mapping[str, JSON | Absent]) -> dict[str, JSON | Absent]:
    """Return those of *pieces*, which others changed, that are to be written into the object now.

    A part that was not read yet is left out: it is read later, in its new state. If it was removed, it is removed here.
    """
    dicts, adopted = live.part_dicts() or {}, dict(pieces)
    for path, body in pieces.items() if lazy_load_of(live) is not None else ():
        field, key = split_path(path) if path != HEAD else ("", "")
        items = dicts.get(field)
        if items is None or not is_unread(items, int(key)):
            continue
        del adopted[path]
        if isinstance(body, Absent):
            del items[int(key)]
    if len(adopted) < len(pieces):
        live.obj.__docstore_restored__()  # its index of arms has those that these parts had before
    return adopted
