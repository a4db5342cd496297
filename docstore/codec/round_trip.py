"""Check that an object survives a round trip, if its class has code that may change the stored values.

A property, a constructor, a converter or a validator may turn a stored value into another one, at each save and load.
The JSON of such an object is therefore decoded, encoded again and compared before anything is stored. Classes without
such code are recognized once and cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from docstore.codec.classes import construct, stored_fields
from docstore.codec.classes.class_fields import is_struct, is_validated
from docstore.codec.errors_at import REFUSALS
from docstore.codec.registry import Entry, Registry
from docstore.codec.side_data import CARRIED
from docstore.codec.values.tags import Encode
from docstore.documents.canonical import JSON, TAG, dumps, join_pointer, loads, same_json
from docstore.errors import CodecError, EncodeError, short_repr

if TYPE_CHECKING:
    from docstore.codec.core import Codec

Tokens: TypeAlias = "tuple[str, ...]"

_REMEMBERED: Final = 100_000
"""How many texts of a class's objects a codec remembers as checked; each takes 16 bytes."""


def is_needed(entry: Entry) -> bool:
    """Return whether the round trip of objects of *entry*'s class has to be checked.

    It has to for classes with a user's decoder or with code of their own, and for a table of fields with a hook. It
    does not for docstore's model, each of whose fields is proved by ``tests/registry/test_no_field_is_forgotten.py``,
    nor for a user's encoder without a decoder.
    """
    cls = entry.cls
    if entry.form == "functions":
        return entry.decode is not None
    if entry.restore or entry.form != "fields":
        return False
    if entry.fields is not None:
        return entry.fields.restored is not None
    if stored_fields.computed(cls, entry.stored_fields):
        return True
    return not construct.is_bare(cls, entry.restore) and (stored_fields.runs_own_code(cls) or _has_own_call(cls))


def _has_own_call(cls: type) -> bool:
    return type(cls).__call__ is not type.__call__ and not is_struct(cls)


class RoundTrip:
    """Encodes objects of one class, and refuses those that would be decoded to something else.

    Args:
        encode: encodes such an object; objects inside it are checked by a RoundTrip of their own.
        codec: decodes and encodes without this check.

    Cost:
        A serialization, to recognize a text that was checked before. For any other text, a decoding and a second
        encoding; nested objects of such classes are decoded once for each level.
    """

    def __init__(self, entry: Entry, encode: Encode, codec: Codec) -> None:
        self._entry, self._encode, self._codec = entry, encode, codec
        self._known: set[bytes] = set()
        stored = entry.stored_fields if entry.form == "fields" else ()
        self._computed = stored_fields.computed(entry.cls, stored)
        self._names = entry.unstored_names.union({CARRIED}, *(field.names for field in stored))
        is_constructed = not (construct.is_bare(entry.cls, entry.skips_constructor) or is_validated(entry.cls))
        self._arguments = tuple(field for field in stored if field.argument) if is_constructed else ()

    def encode(self, value: Any) -> JSON:
        """Return the JSON of *value*.

        Raises:
            EncodeError: it cannot be written, or would be loaded as something else or not at all; with both values.
        """
        written = self._encode(value)
        text = dumps(written)
        key = blake2b(text, digest_size=16).digest()
        is_known = key in self._known
        beside: dict[str, Any] = {}
        if self._computed or not is_known:
            beside = self._beside(value, None if is_known else written)
        if beside or not is_known:
            self._compare(written, text, beside)
        if not beside and len(self._known) < _REMEMBERED:
            self._known.add(key)
        return written

    def _beside(self, value: Any, written: JSON) -> dict[str, Any]:
        """Return the private attributes of *value* that have to be compared too, since the JSON does not show them.

        For a computed field ``x``, these are ``_x`` and an ``x`` that the property hides, unless the property returns
        that very object. If there is neither, or if the constructor keeps another value than its argument, it may
        derive other attributes from it: then they are all private attributes.

        Args:
            written: the JSON of *value*; None if the constructor is known to keep what it is given.
        """
        state = stored_fields.state_of(value)
        private = {name: item for name, item in state.items() if name not in self._names}
        found: dict[str, Any] = {}
        holds_all = True
        for field in self._computed:
            held = {name: state[name] for name in (field.name, f"_{field.name}") if name in state}
            given = field.read(value)
            found |= {name: item for name, item in held.items() if item is not given}
            holds_all = holds_all and bool(held)
        if not holds_all or (private and written and self._arguments and self._is_changed(written)):
            return private | found
        return found

    def _is_changed(self, written: JSON) -> bool:
        """Return whether the constructor keeps another value than the argument it is given by *written*.

        A container that it changes in place does not count, as it is restored after a load: see ``preserving``.
        """
        assert isinstance(written, dict)  # an object's is
        shapes = self._codec.fields_of(self._entry.cls)
        try:
            given = {str(field.argument): shapes[field.key][1].decode(written[field.key]) for field in self._arguments}
            made = self._entry.cls(**given)
            kept = [(field, field.read(made)) for field in self._arguments]
            others = [(field.key, item) for field, item in kept if item is not given[str(field.argument)]]
            return any(not same_json(shapes[key][1].encode(item), written[key]) for key, item in others)
        except REFUSALS:
            return False  # the comparison that follows reports it

    def _compare(self, written: JSON, text: bytes, beside: dict[str, Any]) -> None:
        try:
            loaded = self._codec.decode(loads(text))
            again = self._codec.encode(loaded)
        except CodecError as error:
            if not _has_unread(written, self._codec.registry):
                raise CodecError.together([*self._complaints(error)]) from error
            return
        if dumps(again) != text:
            raise self._changed(*_difference(written, again))
        if beside:
            self._compare_beside(beside, stored_fields.state_of(loaded))

    def _compare_beside(self, state: dict[str, Any], after: dict[str, Any]) -> None:
        """Refuse an object whose private attributes *state* are not the same in *after*."""
        for name, item in state.items():
            text, again = self._text(item), self._text(after.get(name))
            # An attribute that cannot be encoded, such as a lock, does not hold an argument.
            if text is not None and text != again:
                raise self._changed((name,), item, after.get(name), pointer="")

    def _text(self, value: Any) -> bytes | None:
        try:
            return dumps(self._codec.encode(value))
        except CodecError:
            return None

    def _complaints(self, error: CodecError) -> Iterator[EncodeError]:
        for each in error.errors:
            yield EncodeError(
                f"{_name(self._entry.cls)} could be written but not loaded: {each.problem.rstrip('.')}. "
                f"{self._remedy()}",
                pointer=each.pointer,
            )

    def _changed(self, tokens: Tokens, before: Any, after: Any, *, pointer: str | None = None) -> EncodeError:
        name = ".".join((_name(self._entry.cls), *tokens[:1]))
        return EncodeError(
            f"{name}: {short_repr(before)} would come back as {short_repr(after)}. {self._remedy()}",
            pointer=join_pointer(tokens) if pointer is None else pointer,
        )

    def _remedy(self) -> str:
        name = self._entry.cls.__name__
        if self._entry.decode is not None:
            return f"The decoder of {name} has to return what its encoder was given."
        return (
            f"Code of the class (a property, its constructor, a validator) changes the stored value. Have the "
            f"constructor keep what it is given, or register functions that restore it: docstore.register({name}, "
            f"encode=..., decode=...)."
        )


def _name(cls: type) -> str:
    return cls.__qualname__.rpartition("<locals>.")[2]


def _difference(before: JSON, after: JSON, tokens: Tokens = ()) -> tuple[Tokens, JSON, JSON]:
    """Return the place of the first difference between two values, and what each has there."""
    pairs: list[tuple[str, JSON, JSON]] = []
    if isinstance(before, dict) and isinstance(after, dict) and before.get(TAG) == after.get(TAG):
        pairs = [(key, before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys())]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(str(n), one, other) for n, (one, other) in enumerate(zip(before, after, strict=True))]
    different = (pair for pair in pairs if dumps(pair[1]) != dumps(pair[2]))
    for key, one, other in different:
        return _difference(one, other, (*tokens, key))
    return tokens, before, after


def _has_unread(value: JSON, registry: Registry) -> bool:
    """Return whether *value* contains an object that has a registered encoder and no decoder."""
    if isinstance(value, list):
        return any(_has_unread(item, registry) for item in value)
    if not isinstance(value, dict):
        return False
    entry = registry.of_tag(str(value.get(TAG)))
    if entry is not None and entry.encode is not None and entry.decode is None:
        return True
    return any(_has_unread(item, registry) for item in value.values())
