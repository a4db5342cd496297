"""The classes of this process: which are documents, which have functions of their own, and what lifts old ones.

What is registered here holds for every store and every call; a ``RegistryBundle`` adds classes for some of them only.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from threading import RLock
from types import FrameType, ModuleType
from typing import Any, Final, NewType, TypeAlias, TypeVar, get_origin, overload

from docstore import proof
from docstore.codec import Codec
from docstore.codec.annotations import reachable, remember, unstorable
from docstore.declaration import Aliases, entry_declared, kind_of
from docstore.entries import Decoder, Encoder, Entry, Registry, Upcast
from docstore.errors import RegistryError, UnresolvedError
from docstore.model_registry import model_registry

C = TypeVar("C", bound=type)
U = TypeVar("U", bound=Upcast)

Encode: TypeAlias = Callable[[Any], Any]
"""Gives what stands for an object."""

Decode: TypeAlias = Callable[[Any], Any]
"""Takes what stands for an object, and gives the object."""


class Registrations:
    """What has been registered; each change makes a new ``Registry``, and the old one stays as it is."""

    def __init__(self, registry: Registry) -> None:
        self._lock = RLock()
        self._registry = registry
        self._unresolved: tuple[tuple[type, Mapping[str, Any]], ...] = ()

    def add(self, entry: Entry, namespace: Mapping[str, Any]) -> None:
        """Register a class, and those that its annotations name; *namespace* is what its definition could see."""
        with self._lock:
            before = self._registry
            try:
                self._registry = _with_class(before, entry)
                self._resolve(entry.cls, namespace)
            except BaseException:
                self._registry = before
                raise

    def _resolve(self, cls: type, namespace: Mapping[str, Any]) -> None:
        """Register what the annotations of *cls* name, now or, if they name what is defined later, at first use."""
        remember(cls, namespace)
        try:
            self._registry = with_reachable(self._registry, cls)
        except UnresolvedError:
            self._unresolved += ((cls, namespace),)

    def upcast(self, tag: str, from_: int, lift: Upcast) -> None:
        """Register what lifts *tag* from one schema to the next."""
        with self._lock:
            self._registry = self._registry.with_upcast(tag, from_, lift)

    def current(self) -> Registry:
        """Return the registry as it is now.

        Raises:
            RegistryError: an annotation of a class cannot be resolved, or names what cannot be stored.
        """
        while self._unresolved:
            with self._lock:
                (cls, namespace), *later = self._unresolved
                here = {entry.cls.__name__: entry.cls for entry in self._registry.entries}
                remember(cls, {**here, **namespace})
                if self._registry.of_class(cls) is not None:
                    self._registry = with_reachable(self._registry, cls)
                self._unresolved = tuple(later)
        return self._registry

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget at the end what was registered since the beginning."""
        before = self._registry, self._unresolved
        try:
            yield
        finally:
            self._registry, self._unresolved = before


_registrations: Final = Registrations(model_registry())


def registered() -> Registry:
    """Return the classes of docstore's model and those of this process, as they are registered now."""
    return _registrations.current()


def scope() -> AbstractContextManager[None]:
    """Give a ``with`` block at whose end what was registered in it is forgotten: for tests.

    Stores and documents made inside go on with the classes they know until they are asked for something again.
    """
    return _registrations.scope()


def document(
    *,
    kind: str,
    name: str = "name",
    type: str | None = None,
    status: str | None = None,
    parts: Iterable[str] = (),
    version: int = 1,
    tag: str | None = None,
    aliases: Aliases = (),
    compatible_from: int | None = None,
) -> Callable[[C], C]:
    """Make a dataclass, attrs class, Pydantic model or msgspec Struct a document of its own: a class decorator.

    Args:
        kind: what sort of document it is; names are unique within it.
        name, type, status: the fields by which it is found; type and status are an Enum, or text.
        parts: fields like ``/steps/*``, dicts or lists of which each item has a row of its own: for large documents.
        version: the schema number. Count it up when the class's stored form changes, and write an ``upcast``.
        tag: what names the class in JSON; by default its name.
        aliases: tags that it had in older documents.
        compatible_from: the oldest schema whose programs may read what this one writes; see ``upcast``.

    Raises:
        RegistryError: a field cannot be stored, or is not there; or the tag or kind is another class's.
    """
    namespace = _visible(sys._getframe(1))

    def decorate(cls: C) -> C:
        entry = entry_declared(cls, tag, aliases, version, compatible_from)
        remember(cls, namespace)
        declared = kind_of(cls, kind=kind, name=name, type=type, status=status, parts=parts)
        entry = dataclasses.replace(entry, kind=declared)
        _registrations.add(entry, namespace)
        return cls

    return decorate


@overload
def register(
    cls: C,
    *,
    tag: str | None = None,
    encode: Encode | None = None,
    decode: Decode | None = None,
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
    version: int = 1,
    aliases: Aliases = (),
    compatible_from: int | None = None,
) -> C | Callable[[C], C]:
    """Register a class whose instances may stand in documents; return it, so that this is a decorator too.

    Args:
        encode: gives what stands for an object: its members as a dict, or any one value that can be stored.
        decode: takes the same, and gives the object. Without the two, a class is stored by its fields.
        tag, version, aliases, compatible_from: as for ``document``. Of an enum, *aliases* may map the former name of a
            member to the present one.

    Raises:
        RegistryError: the class cannot be stored by its fields; or one of its fields cannot be; or the tag is taken.
    """
    namespace = _visible(sys._getframe(1))

    def decorate(cls: C) -> C:
        if (encode is None) != (decode is None):
            raise RegistryError(f"register({cls.__name__}): give encode and decode both, each for the other's result.")
        entry = entry_declared(cls, tag, aliases, version, compatible_from)
        if encode is not None and decode is not None:
            entry = dataclasses.replace(entry, encode=_members_of(encode), decode=_of_members(decode))
        _registrations.add(entry, namespace)
        return cls

    return decorate if cls is None else decorate(cls)


def upcast(tag: str, *, from_: int) -> Callable[[U], U]:
    """Register a function that lifts the JSON of *tag* from schema *from_* to the next: a decorator.

    It takes a dict of the members as they were stored, without the tag, which it may change, and gives those of the
    next schema. Functions follow one another up to the class's ``version``, wherever in a document the object stands;
    what is stored is not rewritten. Where a step is missing, the first use of a store or of ``loads`` says so.
    """
    if type(from_) is not int or from_ < 1:
        raise RegistryError(f"upcast({tag!r}, from_={from_!r}): schemas are counted from 1.")

    def decorate(lift: U) -> U:
        _registrations.upcast(tag, from_, lift)
        return lift

    return decorate


def prove(cls: type, sample: Any = None) -> None:
    """Prove that what is registered stores an object of *cls* without loss, changing one field at a time.

    Args:
        sample: an object of the class; by default one made of its defaults.

    Raises:
        RegistryError: a field is lost or comes back as something else; names each of them.
    """
    proof.prove(Codec(registered()), cls, sample)


def with_reachable(registry: Registry, cls: type, *, also: Collection[type] = ()) -> Registry:
    """Return *registry* with the classes that the annotations of *cls* name.

    Args:
        also: what else can be stored.

    Raises:
        RegistryError: a field cannot be stored.
    """
    entry = registry.of_class(cls)
    if issubclass(cls, Enum) or (entry is not None and entry.encode is not None):
        return registry

    def known(other: type) -> bool:
        return registry.of_class(other) is not None or other in also

    others = reachable(cls, known=known)
    for other in others:
        registry = _with_class(registry, Entry(other, other.__name__))
    problems = [problem for each in (cls, *others) for problem in unstorable(each, known)]
    if problems:
        raise RegistryError("\n".join(problems))
    return registry


# --- how a class is registered ---------------------------------------------------------------------------------------


def _with_class(registry: Registry, entry: Entry) -> Registry:
    """Return *registry* with *entry*; a class that was defined again, as in a notebook, takes its own place."""
    for known in registry.entries:
        if known.cls is not entry.cls and _place(known.cls) == _place(entry.cls):
            registry = registry.without(known.cls)
    known_kind = registry.kind_named(entry.kind.name) if entry.kind else None
    if entry.kind and known_kind and known_kind != entry.kind:
        name, kind = entry.cls.__name__, entry.kind.name
        raise RegistryError(f"{name}: another class is of kind {kind!r}, and laid out otherwise. Choose another kind.")
    return registry.with_entries([entry])


def _place(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


def _visible(frame: FrameType) -> dict[str, Any]:
    """Return what a class defined in *frame* may name in its annotations, beside what its module has."""
    if frame.f_locals is frame.f_globals:
        return {}
    # Only what annotations are made of: a function's data would else live as long as the class.
    return {name: each for name, each in frame.f_locals.items() if isinstance(each, _NAMED) or get_origin(each)}


_NAMED: Final = (type, ModuleType, TypeVar, NewType)


_VALUE: Final = "__value"
"""The member that holds what an encoder gave, where that was no dict."""


def _members_of(encode: Encode) -> Encoder:
    def members(value: Any) -> dict[str, Any]:
        given = encode(value)
        are_members = type(given) is dict and _VALUE not in given and all(type(key) is str for key in given)
        return given if are_members else {_VALUE: given}

    return members


def _of_members(decode: Decode) -> Decoder:
    return lambda members: decode(members.get(_VALUE, members))
