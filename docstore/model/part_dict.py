"""A dict that notes which of its items may have changed: a save encodes only those again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NEVER: Final = object()
_MISSING: Final = object()


class Source(Protocol):
    """Reads the items of a PartDict that are not in memory yet."""

    def read(self, keys: Collection[Any], keep: Callable[[Any, Any], object]) -> None:
        """Read the items at *keys*, and call *keep* with each key and its item."""

    def with_next(self, key: Any) -> Collection[Any]:
        """Return *key*, which is asked for, and those that will probably be asked for next."""

    def arms(self, keys: Collection[Any]) -> Iterable[Any]:
        """Return the arms in the items at *keys*, without making the items."""


class _Unread:
    """The placeholder in the dict for each item that was not in memory at first.

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

    Some items may be read from their source only when they are handed out: see ``set_unread``.
    """

    __slots__ = ("_held", "_marks", "_source")

    _marks: Marks
    _source: Source | None
    _held: dict[K, V]
    """The items that were read since."""

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> None:
        self._marks, self._source, self._held = Marks(), None, {}
        super().__init__(items)

    # --- reading -----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: K, /) -> V:
        value: V = _in_memory(self, key, super().__getitem__(key))
        self._marks.touched.add(key)
        return value

    def get(self, key: K, default: Any = None, /) -> Any:
        """Return the item at *key*, or *default*."""
        value = super().get(key, _MISSING)
        if value is _MISSING:
            return default
        value = _in_memory(self, key, value)
        self._marks.touched.add(key)
        return value

    def __iter__(self) -> Iterator[K]:
        return super().__iter__()

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
        super().__setitem__(key, value)
        self._held.pop(key, None)
        self._marks.touched.add(key)

    def __delitem__(self, key: K, /) -> None:
        super().__delitem__(key)
        self._held.pop(key, None)
        self._marks.touched.add(key)

    def setdefault(self, key: K, default: Any = None, /) -> Any:
        """Return the item at *key*, which is *default* if there was none."""
        value = _in_memory(self, key, super().setdefault(key, default))
        self._marks.touched.add(key)
        return value

    def pop(self, key: K, default: Any = _MISSING, /) -> Any:
        """Remove the item at *key* and return it, or *default*."""
        # Read before it is removed, by its own key, an integer: this one may be an equal one, such as 1.0.
        self.get(key)
        value = super().pop(key, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                raise KeyError(key)
            return default
        value = self._held.pop(key) if value is _UNREAD else value
        self._marks.touched.add(key)
        return value

    def popitem(self) -> tuple[K, V]:
        """Remove the item that was added last, and return it with its key."""
        read_unread(self, list(self)[-1:])
        key, value = super().popitem()
        value = self._held.pop(key) if value is _UNREAD else value
        self._marks.touched.add(key)
        return key, value

    def clear(self) -> None:
        """Remove all items."""
        keys = list(self)
        super().clear()
        self._held.clear()
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
    return _in_memory(items, key, dict.__getitem__(items, key)) if isinstance(items, PartDict) else items[key]


def peek_pairs(items: dict[K, V]) -> list[tuple[K, V]]:
    """Return the keys and the items without touching them, as ``peek``; a copy, since other threads may add items."""
    if not isinstance(items, PartDict) or items._source is None:
        return list(dict.items(items))
    read_unread(items)
    return in_memory(items)


def sort_keys(items: dict[int, Any]) -> None:
    """Sort *items* by key, in place, as another thread may be adding to this dict; no item is touched or read."""
    ordered = sorted(items)
    for key in ordered if list(items) != ordered else ():
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
    marks.pending.update(items)
    return marks


# --- items that are read when they are first asked for ----------------------------------------------------------------


def set_unread(items: PartDict[K, Any], keys: Iterable[K], source: Source) -> None:
    """Give *items*, which are empty, items at *keys* that *source* reads when they are handed out."""
    items._source = source
    dict.update(items, dict.fromkeys(keys, _UNREAD))


def source_of(items: PartDict[Any, Any]) -> Source | None:
    """Return the source of the items that were not in memory at first, or None if there were none."""
    return items._source


def is_unread(items: PartDict[K, Any], key: K) -> bool:
    """Return whether there is an item at *key* that is not in memory."""
    return dict.get(items, key) is _UNREAD and key not in items._held


def read_unread(items: PartDict[Any, Any], keys: Iterable[Any] | None = None) -> None:
    """Read those of the items at *keys*, or of all, that are not in memory; all of them at once."""
    if items._source is None:
        return
    unread = [key for key in (list(items) if keys is None else keys) if is_unread(items, key)]
    if unread:
        # The first of two threads that read an item gives it to both.
        items._source.read(unread, items._held.setdefault)


def in_memory(items: dict[K, V]) -> list[tuple[K, V]]:
    """Return the keys and the items that are in memory, as ``peek_pairs``."""
    pairs = list(dict.items(items))
    if not isinstance(items, PartDict) or items._source is None:
        return pairs
    held = items._held
    found = [(key, held.get(key, _UNREAD) if value is _UNREAD else value) for key, value in pairs]
    return [(key, value) for key, value in found if value is not _UNREAD]


def arms_not_in_memory(items: dict[Any, Any]) -> Iterable[Any]:
    """Return the arms of the trials that are not in memory, without reading the trials."""
    if not isinstance(items, PartDict) or items._source is None:
        return ()
    keys = [key for key in list(items) if is_unread(items, key)]
    return items._source.arms(keys) if keys else ()


def _in_memory(items: PartDict[Any, Any], key: Any, value: Any) -> Any:
    """Return *value*, which the dict has at *key*; if it is the placeholder, the item, read if need be."""
    if value is not _UNREAD:
        return value
    if key not in items._held and items._source is not None:
        read_unread(items, items._source.with_next(key))
        read_unread(items, [key])
    found = items._held.get(key, _UNREAD)
    if found is _UNREAD:  # another thread replaced it just now, or removed it
        found = dict.__getitem__(items, key)
    if found is _UNREAD:
        raise KeyError(key)
    return found
