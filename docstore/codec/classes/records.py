"""Objects encoded and decoded field by field: one JSON member for each stored field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final, NoReturn, TypeAlias

from docstore.codec import side_data
from docstore.codec.classes import class_fields, construct, generated, stored_fields
from docstore.codec.classes.class_fields import left_out
from docstore.codec.classes.generated import FieldCode
from docstore.codec.classes.pydantic_objects import fields_beside, values_beside
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.classes.validators import Check, accepting
from docstore.codec.errors_at import ENOUGH, REFUSALS, Step, errors_of, fail, inside, with_the_rest
from docstore.codec.registry import Entry
from docstore.codec.values.by_annotation import Plain, Shape, ordered, shape_of
from docstore.codec.values.tags import Encode
from docstore.documents.canonical import JSON, TAG
from docstore.errors import CodecError, DecodeError, EncodeError, short_repr

FieldShapes: TypeAlias = "dict[str, tuple[str, Shape]]"
"""By stored key: the attribute, and the shape of its annotation."""


def field_shapes(entry: Entry, plain: Plain) -> FieldShapes:
    """Return the attribute and the shape of each stored field of *entry*'s class, by its key."""
    stored = (*entry.stored_fields, *fields_beside(entry.cls))
    return {field.key: (field.name, _shape(field, plain)) for field in stored}


def without_values(entry: Entry, plain: Plain, keys: Collection[str]) -> Encode:
    """Return an encoder of instances of *entry*'s class, made bare, that writes the fields with *keys* as ``{}``."""
    fields = entry.stored_fields
    stored = tuple(replace(field, get=_nothing) if field.key in keys else field for field in fields)
    return _encode(entry, stored, field_shapes(entry, plain), plain, bare=True)


def _nothing(owner: Any) -> dict[str, Any]:
    return {}


def _shape(field: StoredField, plain: Plain) -> Shape:
    shape = shape_of(field.annotation, plain)
    return ordered(shape, plain) if field.keeps_order else shape


def record_shape(entry: Entry, plain: Plain) -> Shape:
    """Return the encoder and decoder of instances of *entry*'s class, field by field.

    An instance that the validation of Pydantic or attrs refuses is not written, as it could never be read. What other
    code of a class does is checked by ``round_trip``.

    Raises:
        RegistryError: instances could be written, but never read.
    """
    shapes, bare = field_shapes(entry, plain), construct.is_bare(entry.cls, entry.skips_constructor)
    if entry.decode is None and not bare:
        stored_fields.check_constructor(entry.cls, entry.stored_fields)
    # Without a constructor, nothing restores a private attribute.
    is_bare = bare or stored_fields.is_made_without_init(entry.cls)
    encode = _encode(entry, entry.stored_fields, shapes, plain, bare=is_bare)
    if fields_beside(entry.cls):
        encode = _encode_beside(encode, plain)
    check = accepting(entry.cls, entry.stored_fields) if entry.decode is None and not bare else None
    if check is not None:
        encode = _encode_accepted(encode, check)
    return Shape(encode, _decode(entry, shapes, plain, bare))


# --- encoding --------------------------------------------------------------------------------------------------------


def _encode(entry: Entry, stored: tuple[StoredField, ...], shapes: FieldShapes, plain: Plain, *, bare: bool) -> Encode:
    cls = entry.cls
    # In the order of the canonical text, which then need not be sorted.
    stored = tuple(sorted(stored, key=lambda field: field.key))
    declared = entry.unstored_names.union(*(field.names for field in (*entry.stored_fields, *fields_beside(cls))))
    allowed = declared | {side_data.CARRIED}
    slots = stored_fields.slot_names(cls) - declared
    remedy = _DECLARE if entry.fields is None else _ADD_TO_TABLE
    refuse_undeclared = partial(_refuse_undeclared, declared=allowed, slots=slots, remedy=remedy, bare=bare)

    def rest(value: Any, after: str | None) -> Iterator[Step]:
        start = 0 if after is None else [field.key for field in stored].index(after) + 1
        yield from _steps_after(value, stored[start:], shapes, entry)
        yield None, refuse_undeclared, value

    def failed(value: Any, key: str, error: Exception) -> NoReturn:
        if isinstance(error, (CodecError, RecursionError)):
            every = with_the_rest(inside(error, key), rest(value, key))
            raise every from every.__cause__
        raise CodecError.together([*errors_of(rest(value, None))] or [_unreadable(entry, error)]) from error

    def finish(value: Any, members: dict[str, JSON]) -> None:
        refuse_undeclared(value)
        members |= side_data.carried_by(value)

    return generated.encoder(
        cls,
        entry.tag,
        _table(entry, stored, shapes),
        plain,
        {
            "errors": (CodecError, RecursionError, AttributeError, _ReadError),
            "failed": failed,
            "absent": class_fields.MISSING,
            "finish": finish,
            "declared": declared,
            "slots": slots,
            "beside": side_data.BESIDE.known,
        },
    )


def _table(entry: Entry, stored: tuple[StoredField, ...], shapes: FieldShapes) -> list[FieldCode]:
    computed = {field.key for field in stored_fields.computed(entry.cls, stored)}
    slots, omitted, has_dict = stored_fields.slot_names(entry.cls), entry.optional_keys, entry.cls.__dictoffset__ != 0
    return [
        FieldCode(
            field.name,
            field.key,
            field.annotation,
            shapes[field.key][1],
            field.default,
            _reading(entry.cls, field, slots, has_dict=has_dict, is_computed=field.key in computed),
            field.key in omitted,
            may_lack=field.may_lack,
            is_given=field.get is not None,
            in_dict=has_dict and _is_hidden(entry.cls, field) and field.name not in slots,
        )
        for field in stored
    ]


def _reading(
    cls: type, field: StoredField, slots: Collection[str], *, has_dict: bool, is_computed: bool
) -> Callable[[Any], Any] | None:
    """Return the function that reads *field* of an object; None if that is an attribute like any other.

    It is a function of the table's (``get``); or reads what the object itself holds, in its ``__dict__`` or a slot,
    which it may lack; or runs code of the class, as a property does; or looks for ``x`` and then for ``_x``.
    """
    if field.get is not None:
        return _guarded(field.get)
    if field.held:  # a plain read of the attribute does where no property or default of the class hides it
        if not field.may_lack:
            return field.read if _is_hidden(cls, field) or not has_dict else None
        return _or_absent(field.read) if field.name in slots or not has_dict else None
    return _guarded(field.read) if is_computed else field.read if field.maybe_private else None


def _is_hidden(cls: type, field: StoredField) -> bool:
    """Return whether *field* is an attribute that each object holds, beside a property or a default of the class."""
    return field.held and not field.may_lack and field.get is None and hasattr(cls, field.name)


def _or_absent(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_if_there(value: Any) -> Any:
        try:
            return read(value)
        except AttributeError:
            return class_fields.MISSING

    return read_if_there


def _steps_after(value: Any, stored: tuple[StoredField, ...], shapes: FieldShapes, entry: Entry) -> Iterator[Step]:
    """Yield the steps that encode these fields of *value*, or fail because an attribute is missing."""
    for field in stored:
        try:
            item = field.read(value)
        except AttributeError as error:
            if not field.may_lack:
                yield None, fail, _unreadable(entry, error)
        except REFUSALS as error:
            yield field.key, fail, _unreadable(entry, error)
        else:
            if item is not None:
                yield field.key, shapes[field.key][1].encode, item


def _encode_beside(encode_fields: Encode, plain: Plain) -> Encode:
    """Return an encoder of a Pydantic model: its fields by *encode_fields*, and what it holds beside them."""

    def steps(value: Any) -> Iterator[Step]:
        return ((key, plain.encode, item) for key, item in values_beside(value))

    def encode(value: Any) -> JSON:
        try:
            members: dict[str, JSON] = encode_fields(value)  # type: ignore[assignment]  # a record's is a dict
        except CodecError as error:
            every = with_the_rest(error, steps(value))
            raise every from every.__cause__
        key = ""
        try:
            for key, item in values_beside(value):
                members[key] = plain.encode(item)
        except RecursionError as error:
            raise inside(error, key) from None
        except CodecError as error:
            raise inside(error, key) if key else error from error.__cause__
        return members

    return encode


def _encode_accepted(encode_any: Encode, check: Check) -> Encode:
    """Return an encoder that refuses an object which its class would not accept at a load."""

    def encode(value: Any) -> JSON:
        written = encode_any(value)
        check(value)
        return written

    return encode


def _unreadable(entry: Entry, error: Exception) -> EncodeError:
    cls = entry.cls
    if not isinstance(error, AttributeError):
        return EncodeError(
            f"this field of {cls.__qualname__} cannot be read: {type(error).__name__}: {error!s:.200}. Fix the "
            f"property that computes it, or register the class with an encoder and a decoder."
        )
    if entry.fields is not None:
        return EncodeError(
            f"this {cls.__qualname__} has no attribute {error.name!r}, and its Field says that every object has one. "
            f"Set the attribute, or leave out factory= and omits_none=."
        )
    return EncodeError(
        f"{cls.__qualname__} keeps no attribute {error.name!r}, though that is one of its fields, or an argument of "
        f"its constructor ({error}). Keep it under that name, or register the class with an encoder and a decoder."
    )


def _guarded(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return *read*, which reads a property, with a _ReadError in place of any error except AttributeError."""

    def read_guarded(value: Any) -> Any:
        try:
            return read(value)
        except AttributeError:
            raise
        except REFUSALS as error:
            raise _ReadError(error) from error

    return read_guarded


class _ReadError(Exception):
    """A property of a class raised an error when a field was read."""


_DECLARE: Final = "Declare it as a field, make it an argument of __init__, or keep it in a field such as properties."
_ADD_TO_TABLE: Final = (
    "Name it where its class is registered: register(..., fields=[..., {0!r}]), or Field({0!r}, stored=False) if it is "
    "worked out of the others."
)


def _refuse_undeclared(value: Any, declared: frozenset[str], slots: frozenset[str], remedy: str, *, bare: bool) -> None:
    """Refuse attributes that are no fields, as they would be lost; a constructor makes private ones again.

    Args:
        bare: whether objects are made without a constructor, so that private attributes would be lost too.
    """
    present = [*getattr(value, "__dict__", ()), *(name for name in sorted(slots) if hasattr(value, name))]
    undeclared = [name for name in present if name not in declared and (bare or name[0] != "_")]
    if undeclared:
        errors = [
            EncodeError(
                f"this {type(value).__qualname__} has the attribute {name!r}, which is not one of its fields and would "
                f"be lost. {remedy.format(name)}"
            )
            for name in undeclared
        ]
        raise CodecError.together(errors)


# --- decoding --------------------------------------------------------------------------------------------------------


def _decode(entry: Entry, shapes: FieldShapes, plain: Plain, bare: bool) -> Callable[[Any], Any]:
    cls, made_of = entry.cls, entry.stored_fields
    stored = (*(_needed(field) if bare else field for field in made_of), *fields_beside(cls))

    def failed(value: Any, key: str, error: Exception) -> NoReturn:
        refused = error if isinstance(error, CodecError) else _refusal_of(value, key, shapes)
        if refused is None:
            raise error
        every = with_the_rest(inside(refused, key), _members_after(value, key, stored, shapes, entry))
        raise every from every.__cause__

    new = bare and construct.takes_attributes(entry)
    return generated.decoder(
        cls,
        _table(entry, stored, shapes),
        plain,
        {
            "CodecError": CodecError,
            "failed": failed,
            "missing": lambda: _missing(entry),
            "unknown": lambda value: _refuse_unknown_members(value, shapes, entry),
            "make": construct.hook_caller(entry) if new else construct.maker(entry, bare=bare),
            "unstored": entry.unstored_defaults,
        },
        new=new,
    )


def _refusal_of(value: dict[str, JSON], key: str, shapes: FieldShapes) -> CodecError | None:
    """Return the decoder's own error for the member *key*, at which another error was raised; None if it raises none.

    Text of the usual form is read without the decoder: ``datetime.fromisoformat`` raises a ValueError.
    """
    try:
        shapes[key][1].decode(value[key])
    except (CodecError, KeyError) as error:
        return error if isinstance(error, CodecError) else None
    return None


def _needed(field: StoredField) -> StoredField:
    """Return *field*, required to be in a document if only a constructor could compute its default."""
    return replace(field, default=None) if field.default is left_out and not field.may_lack else field


def _members_after(
    value: Any, key: str, stored: tuple[StoredField, ...], shapes: FieldShapes, entry: Entry
) -> Iterator[Step]:
    """Yield the steps that decode the members of *value* after *key*, or fail because one is missing."""
    start = [field.key for field in stored].index(key) + 1
    for field in stored[start:]:
        if field.key in value:
            yield field.key, shapes[field.key][1].decode, value[field.key]
        elif field.default is None:
            yield field.key, fail, _missing(entry)
    yield None, lambda value: _refuse_unknown_members(value, shapes, entry), value


def _missing(entry: Entry) -> DecodeError:
    return DecodeError(
        f"{entry.cls.__qualname__} needs it, and it is missing. Load it with the version of the class that wrote it, "
        f"or give the field a default, or count up the class's version and write an upcast."
    )


def _refuse_unknown_members(value: dict[str, JSON], shapes: FieldShapes, entry: Entry) -> None:
    unknown = sorted(key for key in value if key != TAG and key not in shapes)
    if unknown:
        errors = [
            DecodeError(
                f"{entry.tag} has the member {short_repr(key)}, which {entry.cls.__qualname__} lacks here and would "
                f"lose. Load it with the version of the class that wrote it, or add the field, or count up the class's "
                f"version and write an upcast."
            )
            for key in unknown[:ENOUGH]
        ]
        raise CodecError.together(errors)
