"""Lazy loading: an experiment whose trials and data are read from the database when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.engine import Connection

from docstore.codec.core import Unknown
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.sealing import sealed
from docstore.documents.canonical import ABSENT, JSON, Absent
from docstore.documents.digests import Digests, piece, whole_digest
from docstore.documents.kinds import HEAD, PartRule, kind_named, position_of, split_path
from docstore.documents.merge.trials import TRIALS
from docstore.errors import DamagedDocumentError, DocumentNotFoundError, StoreError
from docstore.model import Arm
from docstore.model.lazy_part_dict import LazyPartDict, is_unread, read_unread, remove_unread, source_of
from docstore.sql.arms import trials_of_arm
from docstore.sql.reader import Divergence, checked_body, has_version, missing_history, read_divergence, read_pieces
from docstore.sql.rows import (
    HeadRow,
    PieceRow,
    VersionedPiece,
    head_of,
    largest_position,
    part_digests,
    part_paths,
    versioned_pieces,
)
from docstore.store.context import StoreContext
from docstore.store.tracking import LoadedState

_OTHERS: Final = "its rows are not the ones that version has"


@dataclass(frozen=True, slots=True)
class VersionInMemory:
    """The version of an experiment in memory, at one moment.

    Attributes:
        number, digest, count: of the version, its digest and the number of its parts, as of its ``LoadedState``.
        behind: the parts that the experiment has as they were at an older version: that version, and their digests.
        saved: those of *behind* that are as no version has them.
    """

    number: int
    digest: str
    count: int
    behind: Mapping[str, tuple[int, str | None]]
    saved: frozenset[str]


class Reading:
    """A transaction in which parts are read as of the version of an experiment in memory.

    A stored part is as that version has it, if its row was last changed by that version or before. Other parts are
    rebuilt from the history.

    Raises:
        DocumentNotFoundError: the document was purged.
        DamagedDocumentError: the database has another version of that number: it was put back to an older state, say.
    """

    def __init__(self, connection: Connection, name: str, id: str, version: VersionInMemory) -> None:
        head = head_of(connection, id)
        if head is None:
            problem = f"the experiment {name!r} was purged since it was loaded"
            raise DocumentNotFoundError(name, kind="experiment", problem=problem)
        if not has_version(connection, head, version.number, version.digest):
            problem = "the database does not have it as it was loaded: it was put back to an older state"
            raise DamagedDocumentError(head.name, where=f"version {version.number}", problem=problem)
        self.connection, self.head, self.version = connection, head, version

    @property
    def is_newest(self) -> bool:
        """Whether all stored parts are as the experiment has them."""
        return self.head.version == self.version.number and not self.version.behind

    def is_current(self, path: str, version: int | None) -> bool:
        """Return whether a part is as the experiment has it, by the *version* in its row; None if there is no row."""
        if path in self.version.behind:
            return False
        return self.head.version == self.version.number if version is None else version <= self.version.number

    def bodies(self, field: str, paths: Collection[str]) -> dict[str, JSON]:
        """Return the bodies of those of *paths*, all in *field*, that there are.

        Raises:
            VersionNotFoundError: others changed one, and the version that the experiment has of it was folded.
        """
        rows = {row.path: row for row in versioned_pieces(self.connection, self.head.id, field, paths)}
        stale = [path for path in paths if not self.is_current(path, rows[path].version if path in rows else None)]
        past = self.past(stale)
        found = {path: self.body(row) for path, row in rows.items() if path not in past}
        return found | {path: body for path, body in past.items() if not isinstance(body, Absent)}

    def body(self, row: VersionedPiece) -> JSON:
        """Return the body in a row, checked against its digest."""
        return checked_body(self.head.name, PieceRow(row.path, row.digest, row.body))

    def past(self, paths: Collection[str] = (), *, with_changed: bool = False) -> dict[str, JSON | Absent]:
        """Return the parts at *paths* as the experiment has them, rebuilt from the history.

        Args:
            with_changed: return all parts that others changed, too.

        Cost:
            In proportion to what others changed since.
        """
        if not paths and (not with_changed or self.is_newest):
            return {}
        number, since = self.version.number, {path: version for path, (version, _) in self.version.behind.items()}
        divergence = read_divergence(self.connection, self.head, number, since, paths)
        self._check(divergence)
        wanted = {*paths, *divergence.digests, *since} - {HEAD} if with_changed else set(paths)
        return {path: divergence.base.get(path, ABSENT) for path in wanted}

    def _check(self, divergence: Divergence) -> None:
        """Check what was rebuilt by the digests that are known.

        Raises:
            DamagedDocumentError: a part has another digest; or, with those that others changed, the whole document has.
        """
        then = {path: piece(path, body).digest for path, body in divergence.base.items()}
        known = {path: digest for path, (_, digest) in self.version.behind.items() if path not in self.version.saved}
        where = next((path for path, digest in known.items() if then.get(path) != digest), None)
        if where is None and not self.version.behind and self._digest_before(divergence, then) != self.version.digest:
            where = f"version {self.version.number}"
        if where is not None:
            problem = "the state that is rebuilt from the history has another digest"
            raise DamagedDocumentError(self.head.name, where=where, problem=problem)

    def _digest_before(self, divergence: Divergence, then: Mapping[str, str]) -> str:
        """Return the digest of the document as it was before others changed it; *then* has the digests of that time."""
        now = Digests("", dict(divergence.digests), 0, 0)
        stored = Digests.stored(piece(HEAD, divergence.theirs[HEAD]).digest, self.head.parts_digest, now)
        return stored.with_changed({path: then.get(path) for path in divergence.digests}).digest()


class StoredParts:
    """What is stored of one experiment that was loaded lazily, as of the version that it has: the digests of its parts.

    It does not refer to the experiment, whose loaded state refers to it.

    Attributes:
        state: what the experiment came from; a save of the experiment advances it, and holds ``lock`` meanwhile.
        largest: the largest number of a part at the version that was loaded.
    """

    def __init__(self, context: StoreContext, head: HeadRow, name: str, digest: str, largest: int) -> None:
        self._context, self.largest, self.lock = context, largest, threading.RLock()
        self.state = LoadedState(head.id, name, head.version, Digests.stored(digest, head.parts_digest, self))
        self._connections: dict[int, Connection] = {}
        self._digests: dict[str, str | None] = {}
        self._has_all = False
        self._changed: tuple[object, dict[str, JSON | Absent]] | None = None

    def version(self) -> VersionInMemory:
        """Return the version that the experiment has now."""
        with self.lock:
            state = self.state
            return VersionInMemory(
                state.version, state.digests.digest(), state.digests.count, dict(state.behind), frozenset(state.saved)
            )

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
    def reading(self, what: str) -> Iterator[Reading]:
        """Begin a transaction in which to read *what*; an error says that it was not read yet."""
        own, state = self._connections.get(threading.get_ident()), self.state
        try:
            if own is not None:
                yield Reading(own, state.name, state.id, self.version())
            else:
                with self._context.transactions.reading() as connection:
                    yield Reading(connection, state.name, state.id, self.version())
        except StoreError as error:
            error.add_note(
                f"experiment {state.name!r} was loaded with lazy=True, and {what} were not read yet. Load it again, or "
                f"without lazy=True."
            )
            raise

    def changed(self, reading: Reading) -> dict[str, JSON | Absent]:
        """Return the parts that others changed since, as the experiment has them.

        Cost:
            In proportion to what they changed, once for each version of theirs.
        """
        key = reading.head.version, reading.version
        if self._changed is None or self._changed[0] != key:
            self._changed = key, reading.past(with_changed=True)
        return self._changed[1]

    # --- digests of the parts that the state itself does not know, as they did not change since the load --------------

    def get(self, path: str) -> str | None:
        """Return the digest of the part at *path*, or None if there is no such part."""
        self.look_up([path])
        return self._digests.get(path)

    def look_up(self, paths: Collection[str]) -> None:
        """Read the digests at *paths*, if they are not known, at once."""
        unknown = [path for path in paths if path not in self._digests and not self.is_known_absent(path)]
        if unknown:
            with self.reading("digests of its parts") as reading:
                self._digests |= self._read_digests(reading, unknown)

    def paths(self) -> list[str]:
        """Return the paths of all parts.

        Raises:
            DamagedDocumentError: a row is missing, surplus, or has another digest.

        Cost:
            At first, a SELECT of all digests.
        """
        if not self._has_all:
            with self.reading("digests of its parts") as reading:
                found = self._read_digests(reading, None)
                self._digests |= found
                self._has_all = True
            self._check_all(reading)
        return [path for path, digest in list(self._digests.items()) if digest is not None]

    def _check_all(self, reading: Reading) -> None:
        digests = self.state.digests
        found = {path: digest for path in digests.paths() if (digest := digests.get(path)) is not None}
        # A save in another thread may have advanced it meanwhile.
        if Digests.of(found).digest() != reading.version.digest == digests.digest():
            self._has_all = False
            raise DamagedDocumentError(reading.head.name, where=f"version {reading.version.number}", problem=_OTHERS)

    def _read_digests(self, reading: Reading, paths: Collection[str] | None) -> dict[str, str | None]:
        rows = part_digests(reading.connection, reading.head.id, paths)
        wanted = rows if paths is None else paths
        stale = [path for path in wanted if not reading.is_current(path, rows[path][0] if path in rows else None)]
        past = reading.past(stale, with_changed=paths is None)
        found: dict[str, str | None] = {path: rows[path][1] if path in rows else None for path in wanted}
        return found | {
            path: None if isinstance(body, Absent) else piece(path, body).digest for path, body in past.items()
        }

    def is_known_absent(self, path: str) -> bool:
        """Return whether it is known, without reading anything, that the version that was loaded has no such part."""
        position = position_of(path)
        if path in self._digests or self._has_all:
            return self._digests.get(path) is None
        return position is not None and position > self.largest


class UnreadParts:
    """Reads the parts in one field of an experiment that was loaded lazily: the source of a ``LazyPartDict``."""

    def __init__(self, stored: StoredParts, live: LiveObject, rule: PartRule) -> None:
        self.stored, self._live, self._rule = stored, live, rule
        self._next, self._size = -1, 1

    @property
    def lock(self) -> threading.RLock:
        """Held while the dict puts its keys in order."""
        return self.stored.lock

    @property
    def largest(self) -> int:
        """The largest key of all fields at the version that was loaded."""
        return self.stored.largest

    def keys(self) -> list[int]:
        """Return the keys of all parts of the field that the experiment had when it was loaded, in order.

        Raises:
            DamagedDocumentError: a row of a part is missing, or surplus.

        Cost:
            One SELECT of the paths of all parts, by an index.
        """
        stored = self.stored
        if stored._has_all:
            paths = stored.state.paths()
        else:
            with stored.reading(f"the keys of its {self._rule.field}") as reading:
                paths = part_paths(reading.connection, reading.head.id)
                if reading.is_newest and len(paths) != reading.version.count:
                    raise DamagedDocumentError(reading.head.name, where="its rows", problem=_OTHERS)
                past = self.stored.changed(reading)
            paths = paths - past.keys() | {path for path, body in past.items() if not isinstance(body, Absent)}
        return sorted(int(key) for field, key in map(split_path, paths - {HEAD}) if field == self._rule.field)

    def may_have(self, key: int) -> bool:
        """Return False if it is known, without reading anything, that there is no part at *key*."""
        return not self.stored.is_known_absent(self._rule.path(key))

    def with_next(self, key: int) -> range:
        """Return *key* and the keys to read with it: twice as many each time, if items are asked for in order."""
        self._size = 2 * self._size if key == self._next else 1
        self._next = key + self._size
        return range(key, self._next)

    def read(self, keys: Collection[int], keep: Callable[[int, Any], object]) -> None:
        """Read the parts at *keys* that the experiment has, and call *keep* with each key and its part.

        Raises:
            StoreClosedError: the store was closed since.
            DocumentNotFoundError: the document was purged since.
            VersionNotFoundError: others changed a part since, and the version that the experiment has was folded.
            DamagedDocumentError: what is stored is not what was saved.
        """
        paths = {self._rule.path(key): key for key in keys}
        is_done = False
        while not is_done:
            with self.stored.reading(f"{len(paths)} of its {self._rule.field}") as reading:
                bodies = reading.bodies(self._rule.field, paths)
            parts = {path: self._live.decoded(path, body) for path, body in bodies.items()}
            with self.lock:
                # Another thread may have saved meanwhile, and merged what others changed in a part.
                is_done = self.stored.version() == reading.version
                if is_done and self._rule is TRIALS:
                    self._live.obj.__docstore_restore_trials__(parts.values())
                for path, part in parts.items() if is_done else ():
                    keep(paths[path], part)

    def arms(
        self, signature: str, name: str, is_wanted: Callable[[int], bool], *, with_others: bool
    ) -> Iterator[tuple[int, Arm]]:
        """Yield arms of trials at keys that are wanted, as ``Source.arms``; raises as ``read``.

        Cost:
            A SELECT of the trials with such an arm, by an index. Trials that others changed since are read from the
            history.
        """
        with self.stored.reading("the arms of its trials") as reading:
            past = self.stored.changed(reading)
            rows = trials_of_arm(
                reading.connection,
                reading.head.id,
                signature,
                name,
                lambda row: row.path not in past and is_wanted(_number(row.path)),
                with_others=with_others,
            )
            bodies = {row.path: reading.body(row) for row in rows}
        changed = {path: body for path, body in past.items() if split_path(path)[0] == self._rule.field}
        for path, body in {**bodies, **changed}.items():
            if not isinstance(body, Absent) and is_wanted(_number(path)):
                for arm in self._live.decoded(path, body).arms:
                    yield _number(path), arm


def _number(path: str) -> int:
    return int(split_path(path)[1])


def load_lazily(context: StoreContext, connection: Connection, head: HeadRow, unknown: Unknown) -> Any:
    """Return the object of the newest version, whose parts are read when they are first asked for.

    It is None if its class cannot have such parts.

    Raises:
        DamagedDocumentError: what is stored is not what was saved; a part is checked when it is read.

    Cost:
        A read of the head, however many parts there are.
    """
    if not head.digest:
        raise missing_history(head, head.version)
    pieces, digests = read_pieces(connection, head, {HEAD})
    if HEAD not in pieces or whole_digest(digests[HEAD], head.parts_digest) != head.digest:
        raise DamagedDocumentError(head.name, where="its head", problem="it is not the one that version has")
    kind, mapper = kind_named(head.kind), context.mapper(unknown)
    obj = mapper.decode(pieces[HEAD])
    live = LiveObject(mapper, obj)
    if mapper.codec.registry.of_class(type(obj)) is None or not live.part_dicts():
        return None
    name = kind.name_in(pieces[HEAD]) or head.name
    stored = StoredParts(context, head, name, digests[HEAD], largest_position(connection, head.id))
    stored.state.unknown = unknown
    for rule in kind.parts:
        setattr(obj, mapper.codec.attribute(type(obj), rule.field), LazyPartDict(UnreadParts(stored, live, rule)))
    context.remember(obj, stored.state, mapper)
    stored.state.seal = sealed(LiveObject(context.mapper(), obj))
    return obj


# --- saving ----------------------------------------------------------------------------------------------------------


def stored_parts_of(live: LiveObject) -> StoredParts | None:
    """Return what is stored of the object, if it was loaded lazily."""
    sources = map(source_of, (live.part_dicts() or {}).values())
    return next((source.stored for source in sources if isinstance(source, UnreadParts)), None)


@contextmanager
def reading_by(connection: Connection, live: LiveObject) -> Iterator[None]:
    """Read parts of the object by *connection*, which this thread has opened to write, until the block ends."""
    stored = stored_parts_of(live)
    if stored is None:
        yield
    else:
        with stored.by(connection):
            yield


@contextmanager
def advancing(live: LiveObject) -> Iterator[None]:
    """Keep other threads from putting a part that they have just read into the object, until the block ends."""
    stored = stored_parts_of(live)
    if stored is None:
        yield
    else:
        with stored.lock:
            yield


def read_for_another(live: LiveObject, state: LoadedState, paths: Collection[str]) -> None:
    """Read the parts at *paths*, if others' changes in them will come by *state*, which their source does not follow.

    Another store saves the object then, or a copy of it is saved.

    Raises:
        StoreError: as ``UnreadParts.read``; nothing is saved yet.
    """
    dicts = live.part_dicts() or {}
    for field, key in map(split_path, paths):
        source: Any = source_of(dicts[field]) if field in dicts else None
        if isinstance(source, UnreadParts) and source.stored.state is not state:
            read_unread(dicts[field], [int(key)])


def to_adopt(live: LiveObject, pieces: Mapping[str, JSON | Absent]) -> dict[str, JSON | Absent]:
    """Return those of *pieces*, which others changed, that are to be written into the object now.

    A part that was not read yet is left out: it is read later, in its new state. If it was removed, it is removed here.
    """
    dicts, adopted = live.part_dicts() or {}, dict(pieces)
    for path, body in pieces.items() if stored_parts_of(live) is not None else ():
        field, key = split_path(path) if path != HEAD else ("", "")
        items = dicts.get(field)
        if items is None or not is_unread(items, int(key)):
            continue
        del adopted[path]
        if isinstance(body, Absent):
            remove_unread(items, int(key))
    if len(adopted) < len(pieces):
        live.obj.__docstore_restored__()  # its index of arms has those that these parts had before
    return adopted
