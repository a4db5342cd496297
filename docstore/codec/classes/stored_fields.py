"""The stored fields of a class: which attributes they are, under which keys, and how they are read and set."""

from __future__ import annotations

import dataclasses
import dis
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache, partial
from operator import attrgetter
from types import MemberDescriptorType
from typing import Any, cast, get_args, get_origin

from docstore.codec import side_data
from docstore.codec.classes import class_fields
from docstore.codec.classes.annotations import hints
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.values.by_annotation import without_none
from docstore.documents.kinds import RESERVED_KEYS
from docstore.errors import RegistryError


@dataclass(frozen=True, slots=True)
class StoredField:
    """One stored attribute: ``name`` on the object, ``key`` in the JSON."""

    name: str
    key: str
    annotation: Any
    default: Callable[[], Any] | None
    """Returns the value of a field that an older document lacks. None: a document must have it. ``left_out``, which is
    never called: the constructor computes it, or the object then lacks the attribute."""
    argument: str | None
    """The constructor's argument that sets it, if one does."""
    maybe_private: bool = False
    """Whether the attribute is named only by an argument ``x``: then it is ``x`` or ``_x``."""
    held: bool = False
    """Whether it is the attribute that the object itself holds, whatever a property of its class computes."""
    get: Callable[[Any], Any] | None = None
    """Returns the value of a field that is no attribute, and that a hook takes back."""
    keeps_order: bool = False
    """Whether the order of its dict is stored."""

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that may hold it."""
        if self.get is not None:
            return ()
        return (self.name, f"_{self.name}") if self.maybe_private else (self.name,)

    @property
    def may_lack(self) -> bool:
        """Whether an object may lack the attribute: then its document lacks the key."""
        return self.held and self.default is class_fields.left_out

    @property
    def read(self) -> Callable[[Any], Any]:
        """The function that reads it from an object."""
        if self.get is not None:
            return self.get
        if self.held:
            return partial(_held_by, name=self.name)
        if not self.maybe_private:
            return attrgetter(self.name)
        public, private = self.names
        return lambda owner: getattr(owner, public) if hasattr(owner, public) else getattr(owner, private)


def _held_by(owner: Any, name: str) -> Any:
    """Return the attribute *name* that *owner* itself holds, in its ``__dict__`` or a slot.

    Raises:
        AttributeError: it holds none.
    """
    state = getattr(owner, "__dict__", {})
    if name in state:
        return state[name]
    slot = slots_of(type(owner)).get(name)
    if slot is None:
        raise AttributeError(f"this {type(owner).__qualname__} holds no attribute {name!r}", name=name, obj=owner)
    return slot.__get__(owner)


def stored_fields(cls: type) -> tuple[StoredField, ...]:
    """Return the stored fields of *cls*, in the order of the class.

    For a dataclass, an attrs class, a Struct or a Pydantic model they are the declared fields, except those with
    ``metadata={"stored": False}``. For any other class, and where a subclass has its own ``__init__``, they are the
    arguments of ``__init__``: an argument ``x`` is kept in the attribute ``x`` or ``_x``. If ``__init__`` assigns
    ``self._x = x``, it is ``_x``, even beside a property ``x``. The key of a field is its name without one leading
    underscore.

    Raises:
        RegistryError: two fields share a key, or ``__init__`` takes ``*args`` or ``**kwargs``.
    """
    fields = {field.key: field for field in _declared(cls)}
    author = _author_of_init(cls)
    if author is not None:
        fields = {key: dataclasses.replace(field, argument=None) for key, field in fields.items()}
        # An argument that adds no field may have an annotation that only type checkers can resolve.
        names = set() if class_fields.declares(author) else {parameter.name for parameter in _parameters(cls)}
        for argument in _arguments(cls, {name for name in names if name.removeprefix("_") not in fields}):
            known = fields.get(argument.key)
            if known is not None:
                default = known.default or argument.default
                fields[argument.key] = dataclasses.replace(known, argument=argument.argument, default=default)
            elif not class_fields.declares(author):
                fields[argument.key] = argument
    for key in RESERVED_KEYS & fields.keys():
        raise RegistryError(f"{cls.__qualname__}: a field cannot be stored under the key {key!r}. Rename it.")
    return tuple(fields.values())


def stored_names(cls: type) -> dict[str, str]:
    """Return the key of each stored field by its name; works also while an annotation cannot be resolved yet."""
    if class_fields.is_model(cls):
        names = list(cls.__pydantic_fields__)  # type: ignore[attr-defined]  # a model has them
    else:
        names = [field.name for field in class_fields.declared_fields(cls) if field.stored]
    keys = {name: name.removeprefix("_") for name in names}
    author = _author_of_init(cls)
    if author is not None and not class_fields.declares(author):
        for parameter in _parameters(cls):
            key = parameter.name.removeprefix("_")
            if key not in keys.values() and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                keys[parameter.name] = key
    return keys


def none_by_default(cls: type) -> frozenset[str]:
    """Return the keys of the stored fields that *cls* declares with None as default."""
    fields = (field for field in class_fields.declared_fields(cls) if field.stored)
    return frozenset(field.name.removeprefix("_") for field in fields if class_fields.is_none(field.default))


def value_of(obj: Any, name: str) -> Any:
    """Return the value of the field *name* of *obj*, from that attribute or the one with an underscore, or None."""
    return getattr(obj, name) if hasattr(obj, name) else getattr(obj, f"_{name}", None)


def unstored_names(cls: type) -> frozenset[str]:
    """Return the attributes, beside the stored fields, that an instance may have without a save losing anything."""
    unstored = {field.name for field in class_fields.declared_fields(cls) if not field.stored}
    return class_fields.made_again(cls) | unstored


def unstored_defaults(cls: type) -> dict[str, Callable[[], Any]]:
    """Return the default of each unstored field of *cls*, for an object that is rebuilt without its constructor."""
    unstored = [field for field in class_fields.declared_fields(cls) if not field.stored]
    return {field.name: field.default for field in unstored if field.default is not None}


def slot_names(cls: type) -> frozenset[str]:
    """Return the attributes that *cls* and its bases keep in ``__slots__``."""
    return frozenset(slots_of(cls))


def slots_of(cls: type) -> Mapping[str, MemberDescriptorType]:
    """Return the descriptor of each attribute that *cls* and its bases keep in ``__slots__``."""
    return _slots_of(cast(Any, cls))


@lru_cache(maxsize=1000)
def _slots_of(cls: Any) -> Mapping[str, MemberDescriptorType]:
    return {
        name: member
        for base in reversed(cls.__mro__)
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType)
    }


# --- constructors ----------------------------------------------------------------------------------------------------


def is_rebuilt(cls: type) -> bool:
    """Return whether an instance can only be made without its constructor, as that takes an argument no field keeps.

    Such a class is a dataclass with an ``InitVar`` without a default: all of its fields are stored, so nothing is lost.
    """
    return not class_fields.is_model(cls) and _author_of_init(cls) is None and class_fields.needs_init_var(cls)


def is_made_without_init(cls: type) -> bool:
    """Return whether *cls* inherits the constructor of ``object``."""
    return cls.__init__ is object.__init__  # type: ignore[misc]  # as in _parameters


def runs_own_code(cls: type) -> bool:
    """Return whether a class's own code runs when an instance is made, such as an ``__init__`` or a validator."""
    return _author_of_init(cls) is not None or class_fields.has_hooks(cls)


def computed(cls: type, stored: tuple[StoredField, ...]) -> tuple[StoredField, ...]:
    """Return those of the *stored* fields of *cls* whose reading runs code of the class, such as a property."""
    if cls.__getattribute__ is not object.__getattribute__:  # type: ignore[comparison-overlap]  # mypy: never
        return tuple(field for field in stored if not field.held)
    return tuple(field for field in stored if _is_computed(cls, field))


def _is_computed(cls: type, field: StoredField) -> bool:
    member = inspect.getattr_static(cls, field.name, None)
    if field.held or field.get is not None or isinstance(member, MemberDescriptorType):
        return False
    if hasattr(type(member), "__set__") or isinstance(member, cached_property):
        return True
    # An instance attribute of that name would take precedence, but for a constructor argument there need not be one.
    return field.maybe_private and (hasattr(type(member), "__get__") or hasattr(cls, "__getattr__"))


def check_constructor(cls: type, fields: tuple[StoredField, ...]) -> None:
    """Check that stored fields give every argument that the constructor of *cls* needs, so that it can be read again.

    Raises:
        RegistryError: one is missing; names the argument, and the remedy.
    """
    if class_fields.is_validated(cls):
        return
    given = {field.argument for field in fields}
    for parameter in _parameters(cls):
        if parameter.default is parameter.empty and parameter.name not in given:
            raise RegistryError(
                f"{cls.__qualname__}.__init__ needs {parameter.name!r}, which no field of the class keeps, so it could "
                f"not be loaded again. Give it a default, make it a field, or register the class with a decoder."
            )


def check_hashable(cls: type, fields: tuple[StoredField, ...]) -> None:
    """Check that no field of *cls* is annotated as a set of items, or a dict by keys, that Python cannot hash.

    Raises:
        RegistryError: one is; names the field, its annotation, and the remedy.
    """
    for field in fields:
        if never := _never_hashed(field.annotation):
            raise RegistryError(
                f"{cls.__qualname__}.{field.name} cannot be of type {field.annotation}: a {never.__name__} can be no "
                f"item of a set and no key of a dict. Use tuples or frozensets there, or a list in place of the set."
            )


def _never_hashed(annotation: Any) -> type | None:
    """Return the type of items or keys in *annotation* that Python never hashes, or None."""
    annotation = without_none(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (set, frozenset, dict):
        hashed = without_none(arguments[0])
        if (found := get_origin(hashed) or hashed) in (list, set, dict, bytearray):
            return found  # type: ignore[no-any-return]  # one of these four
    if origin not in (list, tuple, set, frozenset, dict):
        return None
    return next((found for each in arguments if (found := _never_hashed(each))), None)


def _parameters(cls: type) -> list[inspect.Parameter]:
    init = cls.__init__  # type: ignore[misc]  # the constructor of this very class is what is asked about
    return [] if init is object.__init__ else list(inspect.signature(init).parameters.values())[1:]


def _author_of_init(cls: type) -> type | None:
    """Return the class that wrote the constructor of *cls* by hand, or None where a library wrote it."""
    if class_fields.is_model(cls):
        return None
    author = next(base for base in cls.__mro__ if "__init__" in vars(base))
    return None if author is object or class_fields.wrote_init(author) else author


def _declared(cls: type) -> Iterator[StoredField]:
    fields = [field for field in class_fields.declared_fields(cls) if field.stored]
    annotated = hints(cls, only={field.name for field in fields if field.annotation is None})
    taken = {parameter.name for parameter in _parameters(cls)}
    has_any = class_fields.is_struct(cls) or class_fields.is_validated(cls)
    keys: dict[str, str] = {}
    for field in fields:
        key = field.name.removeprefix("_")
        if key in keys:
            raise RegistryError(
                f"{cls.__qualname__}: the fields {keys[key]!r} and {field.name!r} share the key {key!r}. Rename one."
            )
        keys[key] = field.name
        annotation = annotated.get(field.name, Any) if field.annotation is None else field.annotation
        argument = field.argument if has_any or field.argument in taken else None
        yield StoredField(field.name, key, annotation, field.default, argument)


def _arguments(cls: type, guided: Collection[str]) -> Iterator[StoredField]:
    annotated = hints(cls.__init__, owner=cls, only=guided)  # type: ignore[misc]  # as in _parameters
    private = _kept_behind_underscore(cls.__init__)  # type: ignore[misc]  # as in _parameters
    for parameter in _parameters(cls):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise RegistryError(
                f"{cls.__qualname__}.__init__ takes {parameter}, so its stored fields are unknown. "
                f"Name its arguments, or register the class with an encoder and a decoder."
            )
        annotation = annotated.get(parameter.name, Any)
        key = parameter.name.removeprefix("_")
        name = f"_{parameter.name}" if (is_private := parameter.name in private) else parameter.name
        yield StoredField(name, key, annotation, _argument_default(parameter), parameter.name, not is_private)


def kept_arguments(cls: type) -> list[str]:
    """Return the attributes in which the constructor of *cls* keeps its arguments, as far as their names tell."""
    private = _kept_behind_underscore(cls.__init__)  # type: ignore[misc]  # as in _parameters
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [parameter.name for parameter in _parameters(cls) if parameter.kind not in variable]
    return [f"_{name}" if name in private else name for name in names]


def _kept_behind_underscore(init: Any) -> frozenset[str]:
    """Return each argument ``x`` of *init* that its code only assigns by ``self._x = x``, once, and never rebinds.

    Such an attribute ``_x`` is what the constructor was given, whatever a property ``x`` computes.
    """
    code = getattr(init, "__code__", None)
    if code is None:
        return frozenset()
    loaded: list[str] = []
    sources: dict[str, list[list[str]]] = {}
    bound_again: set[str] = set()
    for step in dis.get_instructions(code):
        # One instruction may load two variables; the names of instructions vary between versions of Python.
        names = [*step.argval] if isinstance(step.argval, tuple) else [step.argval]
        if step.opname.startswith("LOAD_FAST"):
            loaded = [*loaded, *names][-2:]
            continue
        if step.opname == "STORE_ATTR":
            sources.setdefault(step.argval, []).append(loaded)
        elif step.opname.startswith("STORE_FAST"):
            bound_again.update(map(str, names))
        loaded = []
    owner, *arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return frozenset(
        name
        for name in arguments
        if sources.get(f"_{name}") == [[name, owner]] and name not in sources and name not in bound_again
    )


def _argument_default(parameter: inspect.Parameter) -> Callable[[], Any] | None:
    value = parameter.default
    return None if value is parameter.empty else class_fields.Always(value)


# --- attributes of an instance ---------------------------------------------------------------------------------------


def setter(cls: type) -> Callable[[Any, str, Any], None]:
    """Return a function that sets an attribute of an instance of *cls*, even a frozen one, without calling its code."""
    if class_fields.is_struct(cls):
        force: Callable[[Any, str, Any], None] = sys.modules["msgspec"].structs.force_setattr
        return force
    return object.__setattr__


def put(instance: Any, field: StoredField, value: Any) -> None:
    """Set *value* where ``field.read`` reads it, if the constructor has set something else."""
    name = field.name
    if field.maybe_private:
        # A property computes its value from what the constructor kept; only an instance attribute can be set.
        name = next((name for name in field.names if hasattr(instance, name)), field.name)
        if name not in getattr(instance, "__dict__", ()) and name not in slots_of(type(instance)):
            return
    if getattr(instance, name, MISSING) is not value:
        setter(type(instance))(instance, name, value)


def assign(obj: Any, name: str, value: Any) -> None:
    """Set the stored attribute *name* of *obj*, which may be frozen or have slots, without calling code of its class.

    A Pydantic model counts it among the fields that were set.
    """
    cls = type(obj)
    name = _holder(obj, name)
    if class_fields.is_model(cls) and name not in slots_of(cls):
        obj.__pydantic_fields_set__.add(name)
        extra = obj.__pydantic_extra__
        if extra is not None and name not in cls.__pydantic_fields__:
            extra[name] = value
            return
    setter(cls)(obj, name, value)


def state_of(value: Any) -> dict[str, Any]:
    """Return the instance attributes of *value*, without calling code of its class."""
    state = dict(getattr(value, "__dict__", ()))
    for name, slot in slots_of(type(value)).items():
        with suppress(AttributeError):  # it was never set
            state[name] = slot.__get__(value)
    return state


def consists_of_attributes(value: Any) -> bool:
    """Return whether *value* consists of its attributes only, so that ``replace_attributes`` can change all of it."""
    cls = type(value)
    if isinstance(value, Enum) or any(base.__module__ == "builtins" for base in cls.__mro__ if base is not object):
        return False
    return hasattr(value, "__dict__") or bool(slots_of(cls))


def replace_attributes(target: Any, source: Any, keep: Collection[str] = frozenset()) -> None:
    """Give *target* all attributes of *source*, an object of the same class, except for those in *keep*.

    Both may be frozen or have slots; no code of their class is called. The values are shared: do not use *source* any
    more.
    """
    kept = {_holder(target, name) for name in keep}
    if class_fields.is_model(type(target)):
        _replace_model_state(target, source, kept)
        kept = kept | {"__pydantic_fields_set__", "__pydantic_extra__"}
    force = setter(type(target))
    for name, slot in slots_of(type(target)).items():
        if name in kept:
            continue
        try:
            value = slot.__get__(source)
        except AttributeError:
            with suppress(AttributeError):  # it is not there either
                slot.__delete__(target)
        else:
            force(target, name, value)
    held = getattr(target, "__dict__", None)
    if held is not None:
        own = {name: value for name, value in held.items() if name in kept or name == class_fields.ORIGIN}
        taken = {name: value for name, value in vars(source).items() if name not in kept and name not in own}
        held.clear()
        held.update({**own, **taken})  # the origin stays the first, as ``LiveObject.mark_origin`` puts it
    side_data.pass_on(source, target)


def _replace_model_state(target: Any, source: Any, kept: set[str]) -> None:
    for name in ("__pydantic_fields_set__", "__pydantic_extra__"):
        own, other = getattr(target, name), getattr(source, name)
        if isinstance(other, dict):
            merged: Any = {key: item for key, item in other.items() if key not in kept}
            merged |= {key: item for key, item in (own or {}).items() if key in kept}
        else:
            merged = None if other is None else (other - kept) | (own & kept)
        object.__setattr__(target, name, merged)


def _holder(obj: Any, name: str) -> str:
    """Return the attribute that holds the field *name*: itself, or the one with an underscore."""
    names = (name, f"_{name}")
    return next((each for each in names if each in getattr(obj, "__dict__", ()) or each in slots_of(type(obj))), name)
