"""The fields of a class that does not declare them, such as one of a library, in a table: one ``Field`` an attribute.

An object is written from its attributes as they are, and made again without its constructor. So the table has to name
every attribute, and one that it lacks is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

from docstore.codec.classes.class_fields import Always, left_out
from docstore.codec.classes.stored_fields import StoredField, kept_arguments
from docstore.codec.values.by_annotation import without_none
from docstore.documents.kinds import RESERVED_KEYS
from docstore.errors import RegistryError, short_repr


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute in ``register(cls, fields=[...])``: under which key it is stored, and how.

    An object that lacks the attribute is stored without it, and read without it.

    Args:
        attribute: its name in the object, such as ``"_name"``.
        annotation: its type, as in a dataclass. Without one, a value is stored by its own type.
        key: its name in the JSON; by default *attribute* without the underscore, or the prefix ``_Class__``.
        stored: False for an attribute that is worked out of the others: it is neither written nor read.
        factory: makes the value where a document lacks the key, and of an attribute that is not stored. Then every
            object has to have the attribute.
        omits_none: whether None is not written: a document that lacks the key means None. Then every object has to have
            the attribute.
        keeps_order: whether the order of its dict is kept, which is stored as pairs then.
        get: returns the value of a key that is no attribute. It is passed to ``restored=`` by the name *attribute*.
    """

    attribute: str
    annotation: Any = Any
    key: str | None = None
    stored: bool = True
    factory: Callable[[], Any] | None = None
    omits_none: bool = False
    keeps_order: bool = False
    get: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The fields of one class, made by ``field_table``.

    Attributes:
        stored: the fields that are written and read.
        unstored: the other attributes that an object may have.
        defaults: what makes the value of some of these when an object is read.
        omitted: the keys of the fields that are not written if they are None.
        restored: called with an object whose attributes are set, and the values of the fields that are none.
    """

    stored: tuple[StoredField, ...]
    unstored: frozenset[str]
    defaults: Mapping[str, Callable[[], Any]]
    omitted: frozenset[str]
    restored: Callable[..., object] | None

    def given(self, but: Collection[str] = ()) -> list[StoredField]:
        """Return the fields that are no attributes, and that ``restored`` takes back, without those named *but*."""
        return [field for field in self.stored if field.get is not None and field.name not in but]

    def values(self, owner: Any, but: Collection[str] = ()) -> dict[str, Any]:
        """Return the values of these fields of *owner*, by the names under which ``restored`` takes them."""
        return {field.name: field.read(owner) for field in self.given(but)}


def field_table(cls: type, fields: Iterable[str | Field], restored: Callable[..., object] | None = None) -> FieldTable:
    """Return the table of the *fields* of *cls*; a text stands for a ``Field`` of that attribute.

    Raises:
        RegistryError: two fields are of one attribute or have one key, or one contradicts itself; names it.
    """
    if isinstance(fields, (str, Field, Mapping)) or not isinstance(fields, Iterable):
        given = short_repr(fields)
        raise RegistryError(f"{cls.__name__}: fields={given}: give a list of names and Fields: fields=['x', 'y'].")
    if restored is not None and not callable(restored):
        raise RegistryError(f"{cls.__name__}: restored={short_repr(restored)} is no function.")
    known: dict[str, Field] = {}
    keys: dict[str, Field] = {}
    for each in fields:
        field = _checked(cls, Field(each) if isinstance(each, str) else each)
        key = _key(cls, field)
        other = known.get(field.attribute) or (keys.get(key) if field.stored else None)
        if other is not None:
            raise RegistryError(
                f"{cls.__name__}: the fields {other.attribute!r} and {field.attribute!r} share the key {key!r}. Give "
                f"one of them another: Field({field.attribute!r}, key=...)."
            )
        known[field.attribute] = field
        if field.stored:
            keys[key] = field
    if restored is None and any(field.get for field in keys.values()):
        raise RegistryError(f"{cls.__name__}: fields with get= need restored=, a function that takes them back.")
    unstored = [field for field in known.values() if not field.stored]
    return FieldTable(
        tuple(_stored(key, field) for key, field in keys.items()),
        frozenset(field.attribute for field in unstored),
        {field.attribute: field.factory for field in unstored if field.factory is not None},
        frozenset(key for key, field in keys.items() if field.omits_none),
        restored,
    )


def subclass_table(cls: type, base: FieldTable, own: FieldTable | None) -> FieldTable:
    """Return the table of *cls*, a subclass of a class with the table *base*: those fields, and its *own*.

    Without a table of its own, these are the arguments of its constructor that *base* has no field for. A field, or a
    hook, of its own takes the place of that of *base*.
    """
    if own is None:
        known = base.unstored.union({field.key for field in base.stored}, {field.name for field in base.stored})
        own = field_table(cls, [name for name in kept_arguments(cls) if known.isdisjoint({name, name.lstrip("_")})])
    names = own.unstored.union(field.name for field in own.stored)
    keys = {field.key for field in own.stored}
    inherited = [field for field in base.stored if field.name not in names and field.key not in keys]
    return FieldTable(
        (*inherited, *own.stored),
        own.unstored | (base.unstored - {field.name for field in own.stored}),
        {**{name: make for name, make in base.defaults.items() if name not in names}, **own.defaults},
        own.omitted.union(field.key for field in inherited if field.key in base.omitted),
        own.restored or base.restored,
    )


def _checked(cls: type, field: object) -> Field:
    """Return *field*, one that says what it means.

    Raises:
        RegistryError: it is no Field, or contradicts itself.
    """
    if not isinstance(field, Field) or type(field.attribute) is not str:
        raise RegistryError(f"{cls.__name__}: {short_repr(field)} is no field. Give the attribute's name, or a Field.")
    name = f"{cls.__name__}: Field({field.attribute!r})"
    if isinstance(field.annotation, str):
        raise RegistryError(f"{name} is annotated {field.annotation!r}, a text. Give the type itself.")
    if not field.stored and (field.key, field.get, field.omits_none, field.keeps_order) != (None, None, False, False):
        raise RegistryError(f"{name} is not stored, and so has no key, get=, omits_none= or keeps_order=.")
    if field.omits_none and field.factory is not None:
        raise RegistryError(
            f"{name}: a document that lacks it means None, or what factory= makes. Give one of the two."
        )
    annotation = without_none(field.annotation)
    if field.keeps_order and annotation is not Any and (get_origin(annotation) or annotation) is not dict:
        raise RegistryError(f"{name} is annotated {field.annotation!r}, and keeps_order= is for a dict.")
    return field


def _key(cls: type, field: Field) -> str:
    """Return the key of *field*: the one that it says, or its attribute's name without what marks it as private."""
    if field.key is not None:
        key = field.key
    else:
        prefixes = [f"_{base.__name__.lstrip('_')}__" for base in cls.__mro__]
        prefix = next((prefix for prefix in prefixes if field.attribute.startswith(prefix)), "_")
        key = field.attribute.removeprefix(prefix)
    if type(key) is not str or not key or key in RESERVED_KEYS:
        raise RegistryError(
            f"{cls.__name__}: the field {field.attribute!r} cannot be stored under the key {short_repr(key)}. Give it "
            f"another: Field({field.attribute!r}, key=...)."
        )
    return key


def _stored(key: str, field: Field) -> StoredField:
    default = Always(None) if field.omits_none else field.factory or left_out
    held = field.get is None
    return StoredField(
        field.attribute, key, field.annotation, default, None, held=held, get=field.get, keeps_order=field.keeps_order
    )
