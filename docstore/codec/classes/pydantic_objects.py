"""Pydantic models and dataclasses: what a model holds beside its fields, and how Pydantic validates and makes one.

Pydantic is not imported here: if there is a class of it, it is loaded already.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from docstore.codec.classes import class_fields, stored_fields
from docstore.codec.classes.class_fields import MISSING, left_out
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.errors_at import REFUSALS
from docstore.documents.canonical import EXTRA, FIELDS_SET, join_pointer
from docstore.errors import CodecError, DecodeError, EncodeError, short_repr

_EXTRA: Final = StoredField("__pydantic_extra__", EXTRA, Any, left_out, None)
"""The extra members of a model that allows them; written only if it has some."""
_SET: Final = StoredField("__pydantic_fields_set__", FIELDS_SET, Any, left_out, None)
"""The fields that were set; written only if not all of them were."""


def fields_beside(cls: type) -> tuple[StoredField, ...]:
    """Return what an instance of *cls* may hold beside its fields, as fields with keys that a model cannot declare."""
    return (_EXTRA, _SET) if class_fields.is_model(cls) else ()


def values_beside(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the key and value of what a model holds beside its fields, if a new model would have something else.

    Raises:
        EncodeError: it has private attributes that only its ``__init__`` can make, and that cannot be called again.
    """
    extra, were_set = _extra_of(value), value.__pydantic_fields_set__ - {class_fields.ORIGIN}
    if extra:
        yield _EXTRA.key, extra
    if were_set != {*type(value).__pydantic_fields__, *extra}:
        yield _SET.key, sorted(were_set)
    if value.__pydantic_private__ and _keywords(type(value)) is None:
        private = next(iter(value.__pydantic_private__))
        raise EncodeError(
            f"this {type(value).__qualname__} has the private attribute {private!r}, which would be lost: its __init__ "
            f"cannot be called with its fields by name. Let __init__ take **data, or make it in model_post_init."
        )


def _extra_of(value: Any) -> dict[str, Any]:
    """Return the extra members of a model that are the user's; none for a dataclass.

    ``Model(**other.__dict__)`` makes one of what docstore keeps in a ``__dict__``.
    """
    extra = getattr(value, _EXTRA.name, None) or {}
    return {name: item for name, item in extra.items() if name != class_fields.ORIGIN}


def validating(cls: type, stored: tuple[StoredField, ...]) -> Callable[[dict[str, Any]], Any]:
    """Return a function that makes an instance of *cls* by its validation, then sets each value as it was stored.

    A value that equals its field's default is not validated, as a default need not be valid.

    Raises, when it is called:
        DecodeError: the validation refuses what was stored; has each error, with its pointer.
    """
    construct = _constructor(cls)

    def make(state: dict[str, Any]) -> Any:
        extra, were_set = _beside(cls, state.pop(_EXTRA.name, MISSING), state.pop(_SET.name, MISSING))
        try:
            instance = construct({**extra, **_given(cls, stored, state)})
            for field in stored:
                if field.name in state:
                    stored_fields.put(instance, field, state[field.name])
        except REFUSALS as error:
            raise CodecError.together(_errors_of(cls, error, "what was stored", DecodeError)) from error
        if class_fields.is_model(cls):
            _put_beside(instance, extra, {*state, *extra} if were_set is None else were_set)
        return instance

    return make


def revalidating(cls: type, stored: tuple[StoredField, ...]) -> Callable[[Any], None]:
    """Return a function that validates the values of an instance of *cls* as a load would.

    Raises, when it is called:
        EncodeError: the validation refuses them; has each error, with its pointer.
    """
    construct = _constructor(cls)

    def check(value: Any) -> None:
        try:
            construct({**_extra_of(value), **_given(cls, stored, {field.name: field.read(value) for field in stored})})
        except REFUSALS as error:
            raise CodecError.together(_errors_of(cls, error, "this when it is loaded", EncodeError)) from error

    return check


def _given(cls: type, stored: tuple[StoredField, ...], state: dict[str, Any]) -> dict[str, Any]:
    """Return the members of *state* that have to be validated."""
    arguments = [field.name for field in stored if field.argument and field.name in state]
    return {name: state[name] for name in arguments if not _is_default(cls, name, state[name])}


def _put_beside(instance: Any, extra: dict[str, Any], were_set: set[str]) -> None:
    if extra:
        object.__setattr__(instance, _EXTRA.name, extra)
    object.__setattr__(instance, _SET.name, were_set)


def _beside(cls: Any, extra: Any, were_set: Any) -> tuple[dict[str, Any], set[str] | None]:
    """Return the extras of a model and, if the document says it, which fields were set; both checked."""
    if extra is MISSING:
        extra = {}
    elif type(extra) is not dict or not extra or cls.model_config.get("extra") != "allow":
        raise DecodeError(f"{cls.__qualname__} takes no such extra members: {short_repr(extra)}", pointer=f"/{EXTRA}")
    if were_set is MISSING:
        return extra, None
    if type(were_set) is not list or any(type(name) is not str for name in were_set):
        raise DecodeError(
            f"it should be a list of the fields that were set, and is {short_repr(were_set)}", pointer=f"/{FIELDS_SET}"
        )
    return extra, set(were_set)


def _is_default(cls: Any, name: str, value: Any) -> bool:
    info = cls.__pydantic_fields__[name]
    if info.is_required():
        return False
    try:
        default = info.get_default(call_default_factory=True)
        return type(default) is type(value) and bool(default == value)
    except Exception:  # a factory that takes the other values, an array that is equal in parts
        return False


# --- how Pydantic is called ------------------------------------------------------------------------------------------


def _constructor(cls: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a function that validates fields by their names, whatever their aliases, and returns an instance."""
    construct = _validator(cls)

    def make(given: dict[str, Any]) -> Any:
        instance = construct(given)
        if type(instance) is not cls:
            raise TypeError(f"it makes a {type(instance).__qualname__} of it")
        return instance

    return make


def _validator(cls: Any) -> Callable[[dict[str, Any]], Any]:
    validate, keywords = cls.__pydantic_validator__.validate_python, _keywords(cls)
    if keywords is not None and _has_own_init(cls):
        return lambda given: cls(**{keywords.get(name, name): value for name, value in given.items()})
    by_name = {"by_alias": False, "by_name": True} if any(map(_alias, cls.__pydantic_fields__.values())) else {}
    if getattr(cls, "__pydantic_root_model__", False):
        undefined = sys.modules["pydantic_core"].PydanticUndefined
        return lambda given: validate(given.get("root", undefined), self_instance=cls.__new__(cls))
    return lambda given: validate(given, self_instance=cls.__new__(cls), **by_name)


def _alias(info: Any) -> Any:
    return info.validation_alias


def _has_own_init(cls: Any) -> bool:
    return bool(getattr(cls, "__pydantic_custom_init__", False)) and not cls.__pydantic_root_model__


def _keywords(cls: Any) -> dict[str, str] | None:
    """Return the argument of ``__init__`` for each field of a model, or None if a user's ``__init__`` lacks some."""
    keywords = {name: _keyword(cls, name, info) for name, info in cls.__pydantic_fields__.items()}
    if _has_own_init(cls):
        try:
            inspect.signature(cls.__init__).bind(None, **dict.fromkeys(keywords.values()))
        except TypeError:
            return None
    return keywords


def _keyword(cls: Any, name: str, info: Any) -> str:
    config, alias = getattr(cls, "model_config", {}), _alias(info)
    if alias is None or config.get("populate_by_name") or config.get("validate_by_name"):
        return name
    return next((each for each in getattr(alias, "choices", [alias]) if isinstance(each, str)), name)


def _errors_of(cls: Any, error: Exception, thing: str, kind: type[CodecError]) -> list[CodecError]:
    """Return each error of a validation of *thing*, with the pointer of its field."""
    opening = f"{cls.__qualname__}(...) {'refuses' if kind is DecodeError else 'will refuse'} {thing}"
    remedy = "" if kind is DecodeError else ". Set what it takes, or change its validation"
    if not isinstance(error, sys.modules["pydantic_core"].ValidationError):
        return [kind(f"{opening}: {error}{remedy}")]
    hides = getattr(cls, "model_config", {}).get("hide_input_in_errors", False)
    return [
        kind(
            f"{opening}{_further(cls, each['loc'])}: {each['msg']}"
            + ("" if hides else f", and this is {short_repr(each['input'])}")
            + remedy,
            pointer=_place(cls, each["loc"]),
        )
        for each in error.errors(include_url=False, include_context=False)
    ]


def _place(cls: Any, location: tuple[Any, ...]) -> str:
    """Return the pointer of the field in *location*; Pydantic does not know how the field's JSON is nested."""
    if getattr(cls, "__pydantic_root_model__", False):
        return "/root"
    if not location:
        return ""
    key = str(location[0])
    # A user's __init__ is called by aliases, and then Pydantic's errors name these.
    named = next((name for name, keyword in (_keywords(cls) or {}).items() if key in (name, keyword)), None)
    return join_pointer((_EXTRA.key, key) if named is None else (named,))


def _further(cls: Any, location: tuple[Any, ...]) -> str:
    inner = location if getattr(cls, "__pydantic_root_model__", False) else location[1:]
    return f" ({' > '.join(map(str, inner))})" if inner else ""
