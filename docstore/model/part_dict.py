"""A dict that notes which of its items may have changed: a save encodes only those again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import AbstractContextManager
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NEVER: Final = object()
_MISSING: Final = object()


class Source(Protocol):
    """Reads the items of a PartDict that are not in memory yet; their keys are integers."""

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


class Marks:
    """Which items of a ``PartDict`` may differ from what was saved.

    Attributes:
        base: identifies the saved state that the marks refer to; a save from another state looks at every item.
        touched: the keys of the items that were handed out, added, replaced or removed since.
        pending: the keys of the items that a save is looking at; if it fails, they count as touched.
    """

    __slots__ = ("base", "pending", "touched")

    def __init__(self) -> None:
        self.base: object = _NEVER
        self.touched: set[Any] = set()
        self.pending: set[Any] = set()

    def begin(self) -> set[Any]:
        """Return the keys of what may have changed, for a save to look at; they no longer count as touched."""
        self.pending |= self.touched
        # One by one, as another thread may touch one just now.
        for key in self.pending:
            self.touched.discard(key)
        return set(self.pending)

    def end(self, base: object) -> None:
        """Note that the items that a save looked at are saved, in the state *base*."""
        self.base = base
        self.pending.clear()


class PartDict(dict[K, V]):
    """A dict that knows which of its items may have changed since they were saved: an experiment's trials and data.

    An item that is handed out counts as touched: whoever has it may change it at any time, so a save looks at it again.
    A method first takes the item, then notes its key, then returns it, so that a save in another thread sees either the
    reference or the note. ``dict(d)``, ``{**d}`` and copies call these methods too, since ``__iter__`` is overridden.
    ``dict.__getitem__(d, key)`` does not, nor does an extension in C that reads the dict's memory.

    ``values()`` and ``items()`` go over the items that there were when the loop began; it may add, replace and remove
    some. A loop over the keys is that of ``dict``, which refuses that.

    Copies and pickles are PartDicts whose items all count as touched; ``copy()`` and ``|`` return a plain dict.

    Some items may be read from their source only when they are handed out: see ``set_unread``. Their keys are read when
    they are first asked for: by ``len``, ``in``, a loop, or what needs all items.
    """

    __slots__ = ("_extent", "_held", "_marks", "_removed", "_sorted", "_source")

    _marks: Marks
    _source: Source | None
    _held: dict[K, V]
    """The items that were read since."""
    _removed: set[K] | None
    """The keys that were removed while those of the source are not known; None when they are known."""
    _sorted: set[K]
    """The added keys that come among those of the source; the others come after them, in the order of their adding."""
    _extent: int
    """How many items were added since the source was set, less how many were removed."""

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> None:
        self._marks, self._source, self._held = Marks(), None, {}
        self._removed, self._sorted, self._extent = None, set(), 0
        super().__init__(items)

    # --- reading -----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: K, /) -> V:
        value: V = _in_memory(self, key, super().get(key, _MISSING))
        self._marks.touched.add(key)
        return value

    def get(self, key: K, default: Any = None, /) -> Any:
        """Return the item at *key*, or *default*."""
        value = super().get(key, _MISSING)
        if value is _MISSING and self._source is None:
            return default
        try:
            value = _in_memory(self, key, value)
        except KeyError:
            return default
        self._marks.touched.add(key)
        return value

    def __contains__(self, key: object, /) -> bool:
        if super().__contains__(key):
            return True
        if self._removed is None or key in self._removed:
            return False
        know_keys(self)
        return super().__contains__(key)

    def __len__(self) -> int:
        know_keys(self)
        return super().__len__()

    def __iter__(self) -> Iterator[K]:
        know_keys(self)
        return super().__iter__()

    def __reversed__(self) -> Iterator[K]:
        know_keys(self)
        return super().__reversed__()

    def keys(self) -> KeysView[K]:  # type: ignore[override]  # dict_keys, which is a KeysView, cannot be named
        """Return a view of the keys."""
        know_keys(self)
        return super().keys()

    def values(self) -> ValuesView[V]:  # type: ignore[override]  # not the view of dict, which would note nothing
        """Return a view of the items; each is touched when the view hands it out."""
        return _Values(self)

    def items(self) -> ItemsView[K, V]:  # type: ignore[override]  # as values
        """Return a view of the keys and the items; each is touched when the view hands it out."""
        return _Items(self)

    def copy(self) -> dict[K, V]:
        """Return a plain dict of the same items."""
        return dict(self)

    def __or__(self, other: Any, /) -> Any:
        return {**self, **other} if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any, /) -> Any:
        return {**other, **self} if isinstance(other, dict) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dict):
            return NotImplemented
        return dict(self) == (dict(other) if isinstance(other, PartDict) else other)

    def __ne__(self, other: object) -> bool:
        # The one of dict compares what is in memory.
        return not self == other if isinstance(other, dict) else NotImplemented

    __hash__ = None

    def __repr__(self) -> str:
        return repr(dict(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # As IPython shows a dict, an item a line.
        printer.pretty(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # The items come last, as they may refer to what holds the dict.
        return type(self), (), None, None, iter(self.items())

    def __reduce_ex__(self, protocol: Any, /) -> tuple[Any, ...]:
        return self.__reduce__()

    # --- changing ----------------------------------------------------------------------------------------------------

    def __setitem__(self, key: K, value: V, /) -> None:
        if self._source is not None:
            _replace(self, key, value)
        else:
            super().__setitem__(key, value)
        self._marks.touched.add(key)

    def __delitem__(self, key: K, /) -> None:
        if self._source is None:
            super().__delitem__(key)
        else:
            if _raw(self, key) is _MISSING:  # it is not known whether there is one
                _in_memory(self, key, _MISSING)
            _remove(self, key)
        self._marks.touched.add(key)

    def setdefault(self, key: K, default: Any = None, /) -> Any:
        """Return the item at *key*, which is *default* if there was none."""
        value = super().setdefault(key, default) if self._source is None else _added(self, key, default)
        self._marks.touched.add(key)
        return value

    def pop(self, key: K, default: Any = _MISSING, /) -> Any:
        """Remove the item at *key* and return it, or *default*."""
        value = super().pop(key, _MISSING) if self._source is None else _taken_out(self, key)
        if value is _MISSING:
            if default is _MISSING:
                raise KeyError(key)
            return default
        self._marks.touched.add(key)
        return value

    def popitem(self) -> tuple[K, V]:
        """Remove the item that was added last, and return it with its key."""
        if self._source is None:
            key, value = super().popitem()
        else:
            for key in reversed(self):
                value = _taken_out(self, key)
                break
            else:
                raise KeyError("the dict is empty")
        self._marks.touched.add(key)
        return key, value

    def clear(self) -> None:
        """Remove all items."""
        keys = _keys(self)
        super().clear()
        self._held.clear()
        self._extent -= len(keys)
        self._marks.touched.update(keys)

    def update(self, other: Any = (), /, **items: Any) -> None:
        """Add or replace items."""
        added: dict[Any, Any] = dict(other, **items)
        for key, value in added.items():
            self[key] = value

    def __ior__(self, other: Any, /) -> Any:
        self.update(other)
        return self


class _Values(ValuesView[V]):
    """The items of a PartDict."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(dict(self._mapping).values())  # type: ignore[attr-defined]  # a MappingView has it

    @property
    def mapping(self) -> Mapping[Any, V]:
        """The PartDict, to be read only."""
        return MappingProxyType(self._mapping)  # type: ignore[attr-defined]  # as above

    def __iter__(self) -> Iterator[V]:
        for _, value in _handed_out(self._mapping):  # type: ignore[attr-defined]  # a MappingView has it
            yield value

    def __contains__(self, value: object) -> bool:
        return any(each is value or each == value for each in self)

    def __reversed__(self) -> Iterator[V]:
        items = self._mapping  # type: ignore[attr-defined]  # as above
        read_unread(items)
        return (items[key] for key in reversed(items))


class _Items(ItemsView[K, V]):
    """The keys and the items of a PartDict."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(dict(self._mapping).items())  # type: ignore[attr-defined]  # a MappingView has it

    @property
    def mapping(self) -> Mapping[K, V]:
        """The PartDict, to be read only."""
        return MappingProxyType(self._mapping)  # type: ignore[attr-defined]  # as above

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return _handed_out(self._mapping)  # type: ignore[attr-defined]  # a MappingView has it

    def __reversed__(self) -> Iterator[tuple[K, V]]:
        items = self._mapping  # type: ignore[attr-defined]  # as above
        read_unread(items)
        return ((key, items[key]) for key in reversed(items))


def _handed_out(items: PartDict[K, V]) -> Iterator[tuple[K, V]]:
    # Copied at once, as other threads may add items.
    for pair in peek_pairs(items):
        items._marks.touched.add(pair[0])
        yield pair


# --- for a save ------------------------------------------------------------------------------------------------------


def peek(items: Any, key: Any) -> Any:
    """Return the item at *key* of any container; of a PartDict, without touching it.

    It is for code that neither changes the item nor lets it out.
    """
    return _in_memory(items, key, dict.get(items, key, _MISSING)) if isinstance(items, PartDict) else items[key]


def peek_pairs(items: dict[K, V]) -> list[tuple[K, V]]:
    """Return the keys and the items without touching them, as ``peek``; a copy, since other threads may add items."""
    if not isinstance(items, PartDict) or items._source is None:
        return list(dict.items(items))
    read_unread(items)
    return in_memory(items)


def sort_keys(items: dict[int, Any]) -> None:
    """Sort *items* by key, in place, as another thread may be adding to this dict; no item is touched or read."""
    if isinstance(items, PartDict) and items._source is not None:
        with items._source.lock:
            if items._removed is None:
                _reorder(items, sorted(dict.keys(items)))
            else:
                items._sorted.update(dict.keys(items))
        return
    keys = _keys(items)
    ordered = sorted(keys)
    for key in ordered if keys != ordered else ():
        if key in items:
            dict.__setitem__(items, key, dict.pop(items, key))


def marks_of(items: PartDict[Any, Any]) -> Marks:
    """Return the marks of *items*."""
    return items._marks


def renew_marks(items: PartDict[Any, Any]) -> Marks:
    """Return new marks of *items*, in which every item is pending."""
    marks = Marks()
    # Whoever takes an item from here on touches it in these marks; whoever took one before has a reference to it.
    items._marks = marks
    marks.pending.update(key for key, _ in _pairs(items))
    return marks


# --- items that are read when they are first asked for ----------------------------------------------------------------


def set_unread(items: PartDict[int, Any], source: Source) -> None:
    """Give *items*, which are empty, the items of *source*: their keys and they are read when they are asked for."""
    items._source, items._removed = source, set()


def source_of(items: PartDict[Any, Any]) -> Source | None:
    """Return the source of the items that were not in memory at first, or None if there were none."""
    return items._source


def are_keys_known(items: dict[Any, Any]) -> bool:
    """Return whether the keys of all items are known, so that nothing is read for their number."""
    return not isinstance(items, PartDict) or items._removed is None


def know_keys(items: PartDict[Any, Any]) -> None:
    """Read the keys of the items that are not in memory, if they are not known yet."""
    if items._source is None or items._removed is None:
        return
    stored = set(items._source.keys())
    with items._source.lock:
        if items._removed is not None:
            present = dict.fromkeys(dict.keys(items))
            first = stored - items._removed | (items._sorted & present.keys())
            _reorder(items, [*sorted(first), *(key for key in present if key not in first)])
            items._removed = None


def _reorder(items: PartDict[Any, Any], keys: Iterable[Any]) -> None:
    """Put *items* in the order of *keys*; at a key that is not in memory, there is a placeholder.

    The caller holds the lock, without which nobody finds a key missing meanwhile.
    """
    ordered = {key: dict.get(items, key, _UNREAD) for key in keys}
    dict.clear(items)
    dict.update(items, ordered)


def is_unread(items: PartDict[Any, Any], key: Any) -> bool:
    """Return whether there is an item at *key*, or may be one, that is not in memory."""
    value = _raw(items, key)
    if value is not _MISSING:
        return value is _UNREAD and key not in items._held
    removed, index = items._removed, _index(key)
    return index is not None and removed is not None and index not in removed and _may_have(items, index)


def _may_have(items: PartDict[Any, Any], key: int) -> bool:
    return items._source is not None and items._source.may_have(key)


def is_in_memory(items: PartDict[Any, Any], key: Any) -> bool:
    """Return whether there is an item at *key* that is in memory."""
    value = _raw(items, key)
    return value is not _MISSING and (value is not _UNREAD or key in items._held)


def has_unread(items: dict[Any, Any]) -> bool:
    """Return whether some items are not in memory, or may not be."""
    if not isinstance(items, PartDict) or items._source is None:
        return False
    return items._removed is not None or any(
        value is _UNREAD and key not in items._held for key, value in _pairs(items)
    )


def read_unread(items: PartDict[Any, Any], keys: Iterable[Any] | None = None) -> None:
    """Read those of the items at *keys*, or of all, that are not in memory; all of them at once."""
    source = items._source
    if source is None:
        return
    found = [_index(key) for key in (_keys(items) if keys is None else keys) if is_unread(items, key)]
    if unread := [key for key in found if key is not None]:
        source.read(unread, partial(_keep, items))


def _keep(items: PartDict[Any, Any], key: int, item: Any) -> None:
    """Keep an *item* that was read, unless it was removed or replaced meanwhile."""
    assert items._source is not None  # it was read from it
    with items._source.lock:
        if items._removed is not None and key not in items._removed:
            dict.setdefault(items, key, _UNREAD)
        if dict.get(items, key) is _UNREAD:
            # The first of two threads that read an item gives it to both.
            items._held.setdefault(key, item)


def remove_unread(items: PartDict[int, Any], key: int) -> None:
    """Remove the item at *key*, which is not in memory, without reading it."""
    _remove(items, key)
    items._marks.touched.add(key)


def in_memory(items: dict[K, V]) -> list[tuple[K, V]]:
    """Return the keys and the items that are in memory, as ``peek_pairs``."""
    if not isinstance(items, PartDict) or items._source is None:
        return list(dict.items(items))
    held = items._held
    found = [(key, held.get(key, _UNREAD) if value is _UNREAD else value) for key, value in _pairs(items)]
    return [(key, value) for key, value in found if value is not _UNREAD]


def extent(items: dict[Any, Any]) -> int:
    """Return a number that changes with each item that is added or removed, without reading the keys."""
    return items._extent if isinstance(items, PartDict) and items._source is not None else len(items)


def next_key(*dicts: dict[int, Any]) -> int:
    """Return the least key above all those of *dicts*, which have one source, if any.

    Their keys are read only if one was removed.
    """
    sources = [items._source for items in dicts if isinstance(items, PartDict) and items._removed == set()]
    if len(sources) < len(dicts):
        # The largest key of the source may be one that was removed here.
        return max((key for items in dicts for key in _keys(items)), default=-1) + 1
    largest = [source.largest for source in sources if source is not None]
    return max((*largest, *(key for items in dicts for key, _ in _pairs(items))), default=-1) + 1


def arms_not_in_memory(
    items: PartDict[Any, Any], signature: str, name: str, *, with_others: bool
) -> Iterable[tuple[int, Any]]:
    """Return arms of the trials that are not in memory, as ``Source.arms``, without reading all trials."""
    source = items._source
    return () if source is None else source.arms(signature, name, partial(is_unread, items), with_others=with_others)


def _index(key: Any) -> int | None:
    """Return the integer that *key* equals, or None."""
    try:
        index = int(key)
    except (TypeError, ValueError, OverflowError):
        return None
    return index if index == key else None


def _raw(items: PartDict[Any, Any], key: Any) -> Any:
    """Return what the dict itself has at *key*: an item, the placeholder or _MISSING."""
    value = dict.get(items, key, _MISSING)
    if value is _MISSING and items._source is not None:
        with items._source.lock:  # another thread may just be sorting it
            value = dict.get(items, key, _MISSING)
    return value


def _pairs(items: dict[K, Any]) -> list[tuple[K, Any]]:
    """Return what the dict itself has, as ``_raw``."""
    if not isinstance(items, PartDict) or items._source is None:
        return list(dict.items(items))
    with items._source.lock:
        return list(dict.items(items))


def _keys(items: dict[K, Any]) -> list[K]:
    """Return the keys of all items, copied at once, as another thread may be adding to this dict."""
    if isinstance(items, PartDict):
        know_keys(items)
    return [key for key, _ in _pairs(items)]


def _in_memory(items: PartDict[Any, Any], key: Any, value: Any) -> Any:
    """Return *value*, which the dict itself has at *key*; if that is no item, the item, read if need be.

    Raises:
        KeyError: there is none.
    """
    if value is not _UNREAD and value is not _MISSING:
        return value
    if items._source is None:
        raise KeyError(key)
    index = _index(key)
    if index is not None and is_unread(items, index):
        read_unread(items, items._source.with_next(index))
        read_unread(items, [index])
    found = _raw(items, key)
    if found is _UNREAD:
        found = items._held.get(key, _MISSING)
    if found is _MISSING or found is _UNREAD:
        raise KeyError(key)
    return found


def _replace(items: PartDict[Any, Any], key: Any, value: Any) -> None:
    assert items._source is not None  # see the callers
    with items._source.lock:
        items._extent += not dict.__contains__(items, key)
        dict.__setitem__(items, key, value)
        items._held.pop(key, None)


def _added(items: PartDict[Any, Any], key: Any, value: Any) -> Any:
    """Return the item at *key*, which is *value* if there was none."""
    assert items._source is not None  # see the callers
    while True:
        try:
            return _in_memory(items, key, dict.get(items, key, _MISSING))
        except KeyError:
            with items._source.lock:
                if not dict.__contains__(items, key):
                    _replace(items, key, value)
                    return value


def _taken_out(items: PartDict[Any, Any], key: Any) -> Any:
    """Remove the item at *key* and return it, or _MISSING if there is none."""
    try:
        _in_memory(items, key, dict.get(items, key, _MISSING))
        return _remove(items, key)
    except KeyError:
        return _MISSING


def _remove(items: PartDict[Any, Any], key: Any) -> Any:
    """Remove the item at *key*; return it, if it is in memory.

    Raises:
        KeyError: there is none.
    """
    assert items._source is not None  # see the callers
    with items._source.lock:
        value = dict.pop(items, key) if items._removed is None else dict.pop(items, key, None)
        items._extent -= 1
        items._sorted.discard(key)
        if items._removed is not None:
            items._removed.add(key)
        return items._held.pop(key, None) if value is _UNREAD else value
