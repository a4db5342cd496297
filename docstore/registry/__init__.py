"""The classes of this process: ``document`` and ``register`` add them, ``upcast`` reads old schemas, ``prove`` tests.

A registration holds for every store and every call; a ``RegistryBundle`` adds classes for some of them only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from inspect import isclass
from threading import RLock
from types import FrameType, ModuleType
from typing import Any, Final, NewType, TypeVar, get_origin, overload

from docstore.codec import Codec
from docstore.codec.classes.annotations import remember
from docstore.codec.classes.field_tables import Field
from docstore.codec.classes.objects import check_readable
from docstore.codec.classes.storable import annotated_fields, reachable, unstorable
from docstore.codec.registry import Entry, Registry, Upcast, suggested_kind
from docstore.documents.merge_keys import KeyedBy
from docstore.errors import RegistryError, UnresolvedError, short_repr
from docstore.registry.declaration import (
    Aliases,
    Decode,
    Encode,
    Restored,
    check_fit,
    entry_declared,
    kind_of,
    with_fields,
)
from docstore.registry.model_classes import model_registry

__all__ = ["Field", "check", "document", "prove", "register", "scope", "upcast"]

C = TypeVar("C", bound=type)
U = TypeVar("U", bound=Upcast)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A class that was registered before everything its annotations name existed; *namespace* is what it could see."""

    entry: Entry
    namespace: Mapping[str, Any]


class Registrations:
    """The registrations of a process; each change makes a new ``Registry``, and the old one stays as it is."""

    def __init__(self, registry: Registry) -> None:
        self._lock = RLock()
        self._registry = registry
        self._pending: tuple[_Pending, ...] = ()

    def add(self, entry: Entry, namespace: Mapping[str, Any]) -> None:
        """Register a class, and those that its annotations name; *namespace* has the names its definition could see.

        If an annotation names something that does not exist yet, the class is pending: see ``current``.
        """
        with self._lock:
            remember(entry.cls, namespace)
            registry = self._registry.with_class(entry)
            for each in self._pending:
                # A class that is a document stays one, and its kind still has to be checked.
                if each.entry.cls is entry.cls:
                    entry = replace(entry, kind=entry.kind or each.entry.kind)
            pending = tuple(each for each in self._pending if each.entry.cls is not entry.cls)
            try:
                registry = _resolved(registry, entry)
            except UnresolvedError as error:
                registry = registry.with_flaw(entry.cls, error)
                pending += (_Pending(entry, namespace),)
            self._registry, self._pending = registry, pending

    def upcast(self, tag: str, from_: int, function: Upcast) -> None:
        """Register *function*, the upcast of *tag* from schema *from_* to the next."""
        with self._lock:
            self._registry = self._registry.with_upcast(tag, from_, function)

    def current(self) -> Registry:
        """Return the registry as it is now.

        A pending class has a flaw in it, which is raised when an object of the class is written or read; everything
        else works.

        Cost:
            For each pending class, another try to resolve its annotations.
        """
        if self._pending:
            with self._lock:
                self._pending = tuple(each for each in self._pending if self._is_still_pending(each))
        return self._registry

    def _is_still_pending(self, pending: _Pending) -> bool:
        cls = pending.entry.cls
        entry = self._registry.of_class(cls)
        if entry is None:
            return False  # it was defined again
        remember(cls, {**_in_sight(self._registry, cls), **pending.namespace})
        try:
            self._registry = _resolved(self._registry.with_flaw(cls, None), pending.entry)
        except RegistryError as error:
            if repr(error) != repr(entry.flaw):  # as long as nothing changes, neither does the registry
                self._registry = self._registry.with_flaw(cls, error)
            return True
        return False

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Drop, at the end of the block, what was registered in it."""
        with self._lock:
            before = self._registry, self._pending
        try:
            yield
        finally:
            with self._lock:
                self._registry, self._pending = before

    def forget_threads(self) -> None:
        """Replace the lock in a forked process, where no thread of the parent can release it."""
        self._lock = RLock()


_registrations: Final = Registrations(model_registry())

if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_registrations.forget_threads)


def registered() -> Registry:
    """Return the classes of docstore's model and those of this process, as they are registered now."""
    return _registrations.current()


def check() -> None:
    """Check every registered class, as when a store is opened: its objects can be written and read.

    Raises:
        RegistryError: a field of one cannot be stored.
        UnresolvedError: an annotation names something that does not exist.
    """
    for entry in registered().entries:
        entry.check()


def scope() -> AbstractContextManager[None]:
    """Return a ``with`` block at whose end the registrations made in it are dropped: for tests.

    Stores that were opened inside keep these classes until their next call.
    """
    return _registrations.scope()


def document(
    kind: str,
    *,
    name: str = "name",
    type: str | None = None,
    status: str | None = None,
    parts: Iterable[str] = (),
    keyed: KeyedBy | None = None,
    version: int = 1,
    tag: str | None = None,
    aliases: Aliases = (),
    compatible_from: int | None = None,
) -> Callable[[C], C]:
    """Make a dataclass, attrs class, Pydantic model or msgspec Struct a document of its own: a class decorator.

    Args:
        kind: what sort of document it is; names are unique within it, also where several classes are of one kind.
        name, type, status: the fields by which it is found; type and status are an Enum, or text.
        parts: fields like ``/steps/*``, dicts or lists whose items each have a row of their own: for large documents.
        keyed: by patterns like ``/steps/*/readings``, the members that identify an item: such lists merge item by item.
        version: the schema number. Count it up when the class's stored form changes, and write an ``upcast``.
        tag: what names the class in JSON; by default its name.
        aliases: tags that it had in older documents.
        compatible_from: the oldest schema whose programs may read what this one writes; see ``upcast``.

    Annotations may name what is defined later; then the class is checked when an object of it is first written or read,
    and when a store is opened.

    Raises:
        RegistryError: a field cannot be stored, or does not exist; or another class has the tag; or one of the kind has
            its name, type, status or parts in other fields.
    """
    if isclass(kind):
        raise RegistryError(f"{kind.__name__} needs a kind: @docstore.document(kind={suggested_kind(kind)!r}).")
    namespace = _visible(sys._getframe(1))

    def decorate(cls: C) -> C:
        entry = _as_registered(entry_declared(cls, tag, aliases, version, compatible_from))
        declared = kind_of(entry, kind=kind, name=name, type=type, status=status, parts=parts, keyed=keyed)
        _registrations.add(replace(entry, kind=declared), namespace)
        return cls

    return decorate


@overload
def register(
    cls: C,
    *,
    tag: str | None = None,
    encode: Encode | None = None,
    decode: Decode | None = None,
    fields: Iterable[str | Field] | None = None,
    restored: Restored | None = None,
    version: int = 1,
    aliases: Aliases = (),
    compatible_from: int | None = None,
) -> C: ...
@overload
def register(
    *,
    tag: str | None = None,
    encode: Encode | None = None,
    decode: Decode | None = None,
    fields: Iterable[str | Field] | None = None,
    restored: Restored | None = None,
    version: int = 1,
    aliases: Aliases = (),
    compatible_from: int | None = None,
) -> Callable[[C], C]: ...
def register(
    cls: C | None = None,
    *,
    tag: str | None = None,
    encode: Encode | None = None,
    decode: Decode | None = None,
    fields: Iterable[str | Field] | None = None,
    restored: Restored | None = None,
    version: int = 1,
    aliases: Aliases = (),
    compatible_from: int | None = None,
) -> C | Callable[[C], C]:
    """Register a class whose instances may be in documents; return it, so that this is a decorator too.

    Args:
        encode: returns what represents an object: its members as a dict by text, or any one value that can be stored.
            Such a value is the member ``__value`` in the JSON, and an ``upcast`` of the tag gets it under that key.
        decode: takes the same, and returns the object. Without the two, a class is stored by its fields.
        fields: the attributes of a class that declares no fields, such as one of a library: each its name, or a
            ``Field``. An object is written from these attributes and read without its constructor; one that has other
            attributes is refused. A subclass has the fields of its base too; if it gives none, also the arguments of
            its constructor.
        restored: with *fields*, a function that is called with an object that was read, once these attributes are set,
            and works out the others.
        tag, version, aliases, compatible_from: as for ``document``. For an enum, *aliases* may map the former name of a
            member to the present one.

    Raises:
        RegistryError: the class cannot be stored by its fields; or one of its fields cannot be; or the tag is taken.
    """
    namespace = _visible(sys._getframe(1))

    def decorate(cls: C) -> C:
        entry = entry_declared(cls, tag, aliases, version, compatible_from, encode=encode, decode=decode)
        _registrations.add(with_fields(entry, fields, restored), namespace)
        return cls

    return decorate if cls is None else decorate(cls)


def upcast(tag: str, *, from_: int) -> Callable[[U], U]:
    """Register a function that converts the JSON of *tag* from schema *from_* to the next: a decorator.

    The function takes a dict of the members as they were stored, without the tag, which it may change, and returns
    those of the next schema. Functions are applied one after the other up to the class's ``version``, wherever the
    object is in a document; what is stored is not rewritten. If a step is missing, the first use of a store or of
    ``loads`` raises an error.
    """
    if type(tag) is not str:
        raise RegistryError(f"upcast({short_repr(tag)}, from_={short_repr(from_)}): the tag should be a text.")
    if type(from_) is not int or from_ < 1:
        raise RegistryError(f"upcast({tag!r}, from_={short_repr(from_)}): schemas are counted from 1.")

    def decorate(function: U) -> U:
        if not callable(function):
            raise RegistryError(f"upcast({tag!r}, from_={from_}): {short_repr(function)} is no function.")
        _registrations.upcast(tag, from_, function)
        return function

    return decorate


def prove(cls: type, sample: Any = None) -> None:
    """Prove that objects of *cls* are stored without loss: a sample, and the sample with each field changed in turn.

    Args:
        sample: an object of the class; by default one made from its defaults.

    Raises:
        RegistryError: a field is lost or comes back as something else; names each of them.
    """
    if not isinstance(cls, type):
        raise RegistryError(f"{short_repr(cls)} is no class. Give the class itself.")
    from docstore.registry import proof  # a tool for tests: not part of `import docstore`

    proof.prove(Codec(registered()), cls, sample)


def with_reachable(registry: Registry, cls: type, *, also: Collection[type] = ()) -> Registry:
    """Return *registry* with the classes that the annotations of *cls* name.

    Args:
        also: further classes that can be stored.

    Raises:
        RegistryError: a field cannot be stored.
    """
    entry = registry.of_class(cls)
    if issubclass(cls, Enum) or (entry is not None and entry.encode is not None):
        return registry

    def known(other: type) -> bool:
        return registry.of_class(other) is not None or other in also

    def fields(owner: type) -> list[tuple[str, Any]]:
        of_owner = registry.of_class(owner)
        table = None if of_owner is None else of_owner.fields
        return annotated_fields(owner) if table is None else [(each.name, each.annotation) for each in table.stored]

    others = reachable(cls, known=known, fields=fields)
    for other in others:
        registry = registry.with_class(Entry(other, other.__name__, implied=True))
    problems = [problem for each in (cls, *others) for problem in unstorable(each, known, fields)]
    if problems:
        raise RegistryError("\n".join(problems))
    return registry


# --- how a class is registered ---------------------------------------------------------------------------------------


def _resolved(registry: Registry, declared: Entry) -> Registry:
    """Return *registry*, which has the class of *declared*, with the classes that its annotations name.

    Raises:
        RegistryError: a field cannot be stored, or does not fit the kind; or objects could not be read again.
        UnresolvedError: an annotation names something that does not exist.
    """
    made = with_reachable(registry, declared.cls)
    if declared.kind is not None and declared.encode is None:
        check_fit(declared, declared.kind)
    for entry in made.entries:
        if entry.cls is declared.cls or registry.of_class(entry.cls) is None:
            check_readable(entry)
    return made


def _in_sight(registry: Registry, cls: type) -> dict[str, type]:
    """Return the classes that *cls* may name though its module lacks them: those of its function and outer ones."""
    scope = _scope(cls)
    found = [entry.cls for entry in registry.entries if entry.cls.__module__ == cls.__module__]
    # The innermost last, as it hides the others.
    found.sort(key=lambda other: len(_scope(other)))
    return {other.__name__: other for other in found if _is_around(_scope(other), scope)}


def _is_around(outer: str, scope: str) -> bool:
    return not outer or (outer.endswith("<locals>") and f"{scope}.".startswith(f"{outer}."))


def _scope(cls: type) -> str:
    return cls.__qualname__.rpartition(".")[0]


def _as_registered(entry: Entry) -> Entry:
    """Return *entry* with the functions or the table of fields that its class was registered with before."""
    known = registered().of_class(entry.cls)
    return entry if known is None else replace(entry, encode=known.encode, decode=known.decode, fields=known.fields)


def _visible(frame: FrameType) -> dict[str, Any]:
    """Return what a class defined in *frame* may name in its annotations, beside the names of its module."""
    if frame.f_locals is frame.f_globals:
        return {}
    # Only types and modules: otherwise the function's data would live as long as the class.
    return {name: each for name, each in frame.f_locals.items() if isinstance(each, _NAMED) or get_origin(each)}


_NAMED: Final = (type, ModuleType, TypeVar, NewType)
