"""A PartDict whose items are read when they are first asked for: the trials and data of a lazily loaded experiment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, KeysView
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from docstore.model.part_dict import PartDict

V = TypeVar("V")

_MISSING: Final = object()


class Source(Protocol):
    """Reads the items of a LazyPartDict that are not in memory yet; their keys are integers."""

    @property
    def largest(self) -> int:
        """The largest key in the source of any dict that belongs to it; -1 if there are none."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """A lock to hold while the dict puts its keys in order; nothing is read meanwhile."""

    def keys(self) -> Collection[int]:
        """Return the keys of all items, in order."""

    def may_have(self, key: int) -> bool:
        """Return False if it is known, without reading anything, that there is no item at *key*."""

    def read(self, keys: Collection[int], keep: Callable[[int, Any], object]) -> None:
        """Read the items at *keys*, and call *keep* with the key of each that there is, and the item."""

    def with_next(self, key: int) -> Collection[int]:
        """Return *key*, which is asked for, and those that will probably be asked for next."""

    def arms(
        self, signature: str, name: str, is_wanted: Callable[[int], bool], *, with_others: bool
    ) -> Iterable[tuple[int, Any]]:
        """Return arms of the items at keys that are wanted, each with its key, without keeping the items.

        The arm with the *signature* at the least key is among them, and one with the *name*; and more, perhaps.

        Args:
            with_others: return those that cannot be found by signature and name, too.
        """


class _Unread:
    """The placeholder in the dict for each item that was not in memory at first, and whose key is known.

    It stays there once the item is read: two threads that read it at once both get the item that was read first.
    """

    def __repr__(self) -> str:
        return "<an item that is read when it is first asked for>"


_UNREAD: Final = _Unread()


class LazyPartDict(PartDict[int, V]):
    """A PartDict that has the items of a *source*, which are read when they are first handed out.

    Their keys are read when they are first asked for: by ``len``, ``in``, a loop, or what needs all items.

    Copies and pickles are PartDicts of all items.
    """

    __slots__ = ("_extent", "_held", "_removed", "_sorted", "_source")

    _source: Source
    _held: dict[Any, V]
    """The items that were read since."""
    _removed: set[Any] | None
    """The keys that were removed while those of the source are not known; None when they are known."""
    _sorted: set[Any]
    """The added keys that come among those of the source; the others come after them, in the order of their adding."""
    _extent: int
    """How many items were added, less how many were removed."""

    def __new__(cls, source: Source | Iterable[Any] = (), /) -> Any:
        # Some programs copy any dict by ``type(d)(d)``.
        return PartDict(source) if isinstance(source, Iterable) else super().__new__(cls)

    def __init__(self, source: Source, /) -> None:
        super().__init__()
        self._source, self._held, self._removed, self._sorted, self._extent = source, {}, set(), set(), 0

    # --- reading -----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: int, /) -> V:
        value = self._peek(key)
        self._marks.touched.add(key)
        return value

    def get(self, key: int, default: Any = None, /) -> Any:
        """Return the item at *key*, or *default*."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object, /) -> bool:
        if super().__contains__(key):
            return True
        if self._removed is None or key in self._removed:
            return False
        self._know_keys()
        return super().__contains__(key)

    def __len__(self) -> int:
        self._know_keys()
        return super().__len__()

    def __iter__(self) -> Iterator[int]:
        self._know_keys()
        return super().__iter__()

    def __reversed__(self) -> Iterator[int]:
        self._know_keys()
        return super().__reversed__()

    def keys(self) -> KeysView[int]:  # type: ignore[override]  # dict_keys, which is a KeysView, cannot be named
        """Return a view of the keys."""
        self._know_keys()
        return super().keys()

    # --- changing ----------------------------------------------------------------------------------------------------

    def __setitem__(self, key: int, value: V, /) -> None:
        self._replace(key, value)
        self._marks.touched.add(key)

    def __delitem__(self, key: int, /) -> None:
        if self._own(key) is _MISSING:  # it is not known whether there is one
            self._peek(key)
        remove_unread(self, key)

    def setdefault(self, key: int, default: Any = None, /) -> Any:
        """Return the item at *key*, which is *default* if there was none."""
        while True:
            try:
                return self[key]
            except KeyError:
                with self._source.lock:
                    if not dict.__contains__(self, key):
                        self._replace(key, default)
                        self._marks.touched.add(key)
                        return default

    def pop(self, key: int, default: Any = _MISSING, /) -> Any:
        """Remove the item at *key* and return it, or *default*."""
        try:
            self._peek(key)
            value = self._remove(key)
        except KeyError:
            if default is _MISSING:
                raise
            return default
        self._marks.touched.add(key)
        return value

    def popitem(self) -> tuple[int, V]:
        """Remove the item that was added last, and return it with its key."""
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("the dict is empty")

    def clear(self) -> None:
        """Remove all items."""
        self._know_keys()
        self._extent -= len(self._own_keys())
        super().clear()
        self._held.clear()

    def _replace(self, key: Any, value: Any) -> None:
        with self._source.lock:
            self._extent += not dict.__contains__(self, key)
            dict.__setitem__(self, key, value)
            self._held.pop(key, None)

    def _remove(self, key: Any) -> Any:
        """Remove the item at *key*; return it, if it is in memory.

        Raises:
            KeyError: there is none.
        """
        with self._source.lock:
            value = dict.pop(self, key) if self._removed is None else dict.pop(self, key, None)
            self._extent -= 1
            self._sorted.discard(key)
            if self._removed is not None:
                self._removed.add(key)
            return self._held.pop(key, None) if value is _UNREAD else value

    # --- the keys ----------------------------------------------------------------------------------------------------

    def _own_keys(self) -> list[int]:
        with self._source.lock:
            return super()._own_keys()

    def _own_pairs(self) -> list[tuple[int, Any]]:
        """Return what the dict itself has, as ``_own``."""
        with self._source.lock:
            return list(dict.items(self))

    def _own(self, key: Any) -> Any:
        """Return what the dict itself has at *key*: an item, the placeholder or _MISSING."""
        value = dict.get(self, key, _MISSING)
        if value is _MISSING:
            with self._source.lock:  # another thread may just be sorting it
                value = dict.get(self, key, _MISSING)
        return value

    def _know_keys(self) -> None:
        """Read the keys of the items that are not in memory, if they are not known yet."""
        if self._removed is None:
            return
        stored = set(self._source.keys())
        with self._source.lock:
            if self._removed is not None:
                present = dict.fromkeys(dict.keys(self))
                first = stored - self._removed | (self._sorted & present.keys())
                self._reorder([*sorted(first), *(key for key in present if key not in first)])
                self._removed = None

    def _sort(self) -> None:
        with self._source.lock:
            if self._removed is None:
                self._reorder(sorted(dict.keys(self)))
            else:
                self._sorted.update(dict.keys(self))

    def _reorder(self, keys: Iterable[Any]) -> None:
        """Put the items in the order of *keys*; at a key that is not in memory, there is a placeholder.

        The caller holds the lock, without which nobody finds a key missing meanwhile.
        """
        ordered = {key: dict.get(self, key, _UNREAD) for key in keys}
        dict.clear(self)
        dict.update(self, ordered)

    # --- the items ---------------------------------------------------------------------------------------------------

    def _peek(self, key: Any) -> V:
        value = dict.get(self, key, _MISSING)
        if value is _MISSING or value is _UNREAD:
            index = _index(key)
            if index is not None and is_unread(self, index):
                read_unread(self, self._source.with_next(index))
                read_unread(self, [index])
            value = self._own(key)
        if value is _UNREAD:
            value = self._held.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value  # type: ignore[return-value]  # an item, as it is no placeholder

    def _in_memory(self) -> list[tuple[int, V]]:
        pairs, held = self._own_pairs(), self._held
        found = [(key, held.get(key, _UNREAD) if value is _UNREAD else value) for key, value in pairs]
        return [(key, value) for key, value in found if value is not _UNREAD]

    def _read_all(self) -> None:
        self._know_keys()
        read_unread(self, self._own_keys())

    def _keep(self, key: int, item: Any) -> None:
        """Keep an *item* that was read, unless it was removed or replaced meanwhile."""
        with self._source.lock:
            if self._removed is not None and key not in self._removed:
                dict.setdefault(self, key, _UNREAD)  # type: ignore[misc]  # no item, and never handed out
            if dict.get(self, key) is _UNREAD:
                # The first of two threads that read an item gives it to both.
                self._held.setdefault(key, item)


PART_DICTS: Final = (PartDict, LazyPartDict)
"""The classes of an experiment's dicts of trials and data: each is stored as a dict is."""


def _index(key: Any) -> int | None:
    """Return the integer that *key* equals, or None."""
    try:
        index = int(key)
    except (TypeError, ValueError, OverflowError):
        return None
    return index if index == key else None


# --- of any dict: all items of another one are in memory --------------------------------------------------------------


def source_of(items: dict[Any, Any]) -> Source | None:
    """Return the source of the items that were not in memory at first, or None if there were none."""
    return items._source if isinstance(items, LazyPartDict) else None


def are_keys_known(items: dict[Any, Any]) -> bool:
    """Return whether the keys of all items are known, so that nothing is read for their number."""
    return not isinstance(items, LazyPartDict) or items._removed is None


def is_unread(items: dict[Any, Any], key: Any) -> bool:
    """Return whether there is an item at *key*, or may be one, that is not in memory."""
    if not isinstance(items, LazyPartDict):
        return False
    value = items._own(key)
    if value is not _MISSING:
        return value is _UNREAD and key not in items._held
    removed, index = items._removed, _index(key)
    return index is not None and removed is not None and index not in removed and items._source.may_have(index)


def is_in_memory(items: dict[Any, Any], key: Any) -> bool:
    """Return whether there is an item at *key* that is in memory."""
    if not isinstance(items, LazyPartDict):
        return dict.__contains__(items, key)
    value = items._own(key)
    return value is not _MISSING and (value is not _UNREAD or key in items._held)


def has_unread(items: dict[Any, Any]) -> bool:
    """Return whether some items are not in memory, or may not be."""
    return isinstance(items, LazyPartDict) and (
        items._removed is not None
        or any(value is _UNREAD and key not in items._held for key, value in items._own_pairs())
    )


def read_unread(items: dict[Any, Any], keys: Iterable[Any]) -> None:
    """Read those of the items at *keys* that are not in memory; all of them at once."""
    if isinstance(items, LazyPartDict):
        found = [_index(key) for key in keys if is_unread(items, key)]
        if unread := [key for key in found if key is not None]:
            items._source.read(unread, items._keep)


def remove_unread(items: dict[int, Any], key: int) -> None:
    """Remove the item at *key*, which is not in memory, without reading it."""
    if isinstance(items, LazyPartDict):
        items._remove(key)
        items._marks.touched.add(key)


def extent(items: dict[Any, Any]) -> int:
    """Return a number that changes with each item that is added or removed, without reading the keys."""
    return items._extent if isinstance(items, LazyPartDict) else len(items)


def next_key(*dicts: dict[int, Any]) -> int:
    """Return the least key above all those of *dicts*, which have one source, if any.

    Their keys are read only if one was removed.
    """
    lazy = [items for items in dicts if isinstance(items, LazyPartDict) and items._removed == set()]
    if len(lazy) < len(dicts):
        # The largest key of the source may be one that was removed here.
        return max((key for items in dicts for key in _all_keys(items)), default=-1) + 1
    return max((key for items in lazy for key in (items._source.largest, *items._own_keys())), default=-1) + 1


def _all_keys(items: dict[Any, Any]) -> list[Any]:
    """Return the keys of all items, copied at once, as another thread may be adding to this dict."""
    if isinstance(items, LazyPartDict):
        items._know_keys()
        return items._own_keys()
    return list(dict.keys(items))


def arms_not_in_memory(
    items: LazyPartDict[Any], signature: str, name: str, *, with_others: bool
) -> Iterable[tuple[int, Any]]:
    """Return arms of the trials that are not in memory, as ``Source.arms``, without reading all trials."""
    return items._source.arms(signature, name, partial(is_unread, items), with_others=with_others)
