"""A dict that notes which of its items may have changed: a save encodes only those again."""

from __future__ import annotations

from collections.abc import Hashable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any, Final, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_NEVER: Final = object()
_NONE: Final = object()


class Marks:
    """Which items of a ``PartDict`` may differ from what they were saved as.

    Attributes:
        base: stands for the saved state that the marks are about; a save from another state looks at every item.
        touched: the keys of the items that were handed out, added, replaced or removed since.
        pending: the keys of the items that a save is looking at. If it fails, they count as touched.
    """

    __slots__ = ("base", "pending", "touched")

    def __init__(self) -> None:
        self.base: object = _NEVER
        self.touched: set[Any] = set()
        self.pending: set[Any] = set()

    def begin(self) -> set[Any]:
        """Begin to look at what may have changed; return the keys. Each is no longer touched from now on."""
        self.pending |= self.touched
        # One by one, as another thread may touch one just now.
        for key in self.pending:
            self.touched.discard(key)
        return set(self.pending)

    def end(self, base: object) -> None:
        """Note that the items that were looked at are saved, as a part of *base*."""
        self.base = base
        self.pending.clear()


class PartDict(dict[K, V]):
    """A dict that knows which of its items may have changed since they were saved: an experiment's trials and data.

    To hand out an item is to touch it: whoever has it may change it at any time, and a save looks at it again. A method
    first takes the item, then notes its key, then returns it, so that a save in another thread sees either the
    reference or the note. ``dict(d)``, ``{**d}`` and copies go through these methods too, as ``__iter__`` is not the
    one of ``dict``; ``dict.__getitem__(d, key)`` does not, nor does an extension in C that reads the dict's memory.

    Copies and pickles are PartDicts all of whose items count as touched; ``copy()`` and ``|`` give a plain dict.
    """

    __slots__ = ("_marks",)

    _marks: Marks

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> None:
        self._marks = Marks()
        super().__init__(items)

    # --- reading -----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: K, /) -> V:
        value = super().__getitem__(key)
        self._marks.touched.add(key)
        return value

    def get(self, key: K, default: Any = None, /) -> Any:
        """Return the item at *key*, or *default*."""
        value = super().get(key, _NONE)
        if value is _NONE:
            return default
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

    __hash__ = None

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # The items come last, as they may refer to what holds the dict.
        return type(self), (), None, None, iter(self.items())

    def __reduce_ex__(self, protocol: Any, /) -> tuple[Any, ...]:
        return self.__reduce__()

    # --- changing ----------------------------------------------------------------------------------------------------

    def __setitem__(self, key: K, value: V, /) -> None:
        super().__setitem__(key, value)
        self._marks.touched.add(key)

    def __delitem__(self, key: K, /) -> None:
        super().__delitem__(key)
        self._marks.touched.add(key)

    def setdefault(self, key: K, default: Any = None, /) -> Any:
        """Return the item at *key*, which is *default* if there was none."""
        value = super().setdefault(key, default)
        self._marks.touched.add(key)
        return value

    def pop(self, key: K, default: Any = _NONE, /) -> Any:
        """Remove the item at *key* and return it, or *default*."""
        value = super().pop(key, _NONE)
        if value is _NONE:
            if default is _NONE:
                raise KeyError(key)
            return default
        self._marks.touched.add(key)
        return value

    def popitem(self) -> tuple[K, V]:
        """Remove the item that was added last, and return it with its key."""
        key, value = super().popitem()
        self._marks.touched.add(key)
        return key, value

    def clear(self) -> None:
        """Remove all items."""
        keys = list(self)
        super().clear()
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

    def __iter__(self) -> Iterator[V]:
        for _, value in _handed_out(self._mapping):  # type: ignore[attr-defined]  # a MappingView has it
            yield value

    def __reversed__(self) -> Iterator[V]:
        items = self._mapping  # type: ignore[attr-defined]  # as above
        return (items[key] for key in reversed(items))


class _Items(ItemsView[K, V]):
    """The keys and the items of a PartDict."""

    __slots__ = ()

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return _handed_out(self._mapping)  # type: ignore[attr-defined]  # a MappingView has it

    def __reversed__(self) -> Iterator[tuple[K, V]]:
        items = self._mapping  # type: ignore[attr-defined]  # as above
        return ((key, items[key]) for key in reversed(items))


def _handed_out(items: PartDict[K, V]) -> Iterator[tuple[K, V]]:
    # Copied at once, as other threads may add items.
    for pair in list(dict.items(items)):
        items._marks.touched.add(pair[0])
        yield pair


# --- for a save ------------------------------------------------------------------------------------------------------


def peek(items: Any, key: Any) -> Any:
    """Return the item at *key* of any container; of a PartDict, without touching it.

    It is for code that neither changes the item nor lets it out.
    """
    return dict.__getitem__(items, key) if isinstance(items, PartDict) else items[key]


def peek_pairs(items: dict[K, V]) -> list[tuple[K, V]]:
    """Return the keys and the items without touching them, as ``peek``; copied at once, as other threads may add."""
    return list(dict.items(items))


def marks_of(items: PartDict[Any, Any]) -> Marks:
    """Return the marks of *items*."""
    return items._marks


def renew_marks(items: PartDict[Any, Any]) -> Marks:
    """Return new marks of *items*, by which every item is being looked at now."""
    marks = Marks()
    # From here on, whoever takes an item touches it in these marks; who took one before has a reference to it.
    items._marks = marks
    marks.pending.update(items)
    return marks
