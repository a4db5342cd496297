"""Prove that objects of a class are stored without loss: one is stored, and then with each of its attributes changed.

So what a class's own functions forget, round or mix up is found before there is a document that lacks it. ``variation``
makes other values for an attribute, ``exact`` says whether two values are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Final

from docstore.codec import Codec
from docstore.codec.classes import class_fields, storable, stored_fields
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.registry import Entry
from docstore.documents.canonical import dumps, loads
from docstore.errors import CodecError, DecodeError, EncodeError, InvalidValueError, RegistryError
from docstore.registry.proof import exact, variation


def prove(codec: Codec, cls: type, sample: Any = None) -> None:
    """Prove that *codec* stores objects of *cls* without loss; return if it does.

    A sample is written as text, read and compared to the bit. Then each attribute in turn is set to another value: the
    text has to change, and the value has to come back. An attribute with only one possible value (an Enum of one
    member) passes, and so does one whose other values the class refuses when they are read (so it is read).

    Args:
        sample: an object of the class; by default one made from its defaults, or all members of an Enum. The best
            sample has no attribute with its default, and no two with the same value.

    Raises:
        RegistryError: an attribute is lost, or comes back as something else; names each, with both values. Or there is
            no sample: *cls* cannot be made from its defaults.

    Cost:
        A few round trips of the sample for each of its attributes; take a small sample of a large class.
    """
    entry = codec.registry.of_class(cls)
    if entry is None:
        raise RegistryError(f"{cls.__qualname__} cannot be stored. {codec.registry.remedy(cls)}")
    samples = [*cls] if issubclass(cls, Enum) else [_sample(cls, sample)]
    problems: dict[str, str] = {}
    for each in samples:
        problems |= _Proof(codec, entry, each).run()
    if problems:
        raise RegistryError(
            f"{cls.__qualname__} would not be stored without loss. {' '.join(problems.values())} {_remedy(entry)}"
        )


def _sample(cls: type, sample: Any) -> Any:
    if sample is None:
        try:
            return cls()
        except Exception as error:  # whatever a constructor raises that needs more than its defaults
            raise RegistryError(
                f"no {cls.__qualname__} can be made of its defaults ({error}). Give one: prove({cls.__name__}, ...)."
            ) from error
    if type(sample) is not cls:
        raise RegistryError(f"the sample of {cls.__qualname__} is a {type(sample).__qualname__}: {_shown(sample)}.")
    return sample


def _remedy(entry: Entry) -> str:
    if entry.fields is not None:
        return "Have fields= name each attribute, and restored= leave these as they are."
    if entry.form != "functions":
        return "Have the class keep what its constructor is given, or register it with encode= and decode=."
    remedy = "Have encode give all of them, and decode take them as they are"
    if storable.has_fields(entry.cls):
        remedy += f"; or register {entry.cls.__name__} without the two, as its fields say it all"
    return f"{remedy}. What is worked out from others can be a property or a functools.cached_property."


# --- the parts of an object ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """One part of an object's state: an attribute, or the contents of a subclass of a built-in type."""

    name: str
    annotation: Any
    read: Callable[[Any], Any]
    vary: Callable[[Any, Any], Any] = lambda owner, value: None
    """Takes an object and a value, and returns a copy of the object with this value; None if there cannot be one."""
    is_declared: bool = True
    """False for a private attribute, which the class may derive from others."""

    def identity(self, owner: Any) -> Any:
        """Return plain data that is equal only for objects that have exactly the same in this part."""
        try:
            value = self.read(owner)
        except AttributeError:
            return "nothing"
        try:
            return exact.identity(value)
        except (InvalidValueError, RecursionError):
            return type(value)

    def shown(self, owner: Any) -> str:
        """Return the part of *owner* as text for a message."""
        try:
            return _shown(self.read(owner))
        except AttributeError:
            return "nothing"


def _parts_of(entry: Entry, sample: Any) -> Iterator[_Part]:
    cls = entry.cls
    if issubclass(cls, Enum):
        return  # a member is one value, and none of its own
    if storable.is_namedtuple(cls):
        for name, annotation in variation.attributes_of(sample):
            yield _Part(name, annotation, attrgetter(name), _replacing(name))
        return
    if variation.contents(sample) is not None:
        yield _Part("what it holds", Any, variation.contents, variation.with_contents)
    stored = {name: field for field in _stored(entry) for name in field.names}
    for name, annotation in variation.attributes_of(sample):
        if name in stored or entry.encode is not None:
            is_declared = name in stored or not name.startswith("_")
            declared = stored[name].annotation if name in stored else annotation
            yield _Part(name, declared, attrgetter(name), _varying(entry, name), is_declared)
    kept = dict(variation.attributes_of(sample))
    for field in _stored(entry):
        if kept.keys().isdisjoint(field.names) and any(hasattr(sample, name) for name in field.names):
            yield _Part(field.name, field.annotation, field.read, _varying(entry, field.name))
    if class_fields.is_model(cls):
        yield from (_Part(name, Any, attrgetter(name)) for name in ("__pydantic_fields_set__", "__pydantic_extra__"))


def _stored(entry: Entry) -> tuple[StoredField, ...]:
    try:
        return entry.stored_fields
    except RegistryError:
        if entry.encode is None:
            raise
        return ()  # a class with functions of its own need not say what it is made of


def _replacing(name: str) -> Callable[[Any, Any], Any]:
    return lambda owner, value: owner._replace(**{name: value})


def _varying(entry: Entry, name: str) -> Callable[[Any, Any], Any]:
    def vary(owner: Any, value: Any) -> Any:
        made = variation.twin(owner)
        try:
            stored_fields.assign(made, name, value)
            if getattr(made, name) is value:
                return made
        except (AttributeError, TypeError):
            pass  # a property, which only the constructor can give another value
        return _constructed(entry, owner, {name: value})

    return vary


def _constructed(entry: Entry, owner: Any, changes: dict[str, Any]) -> Any:
    """Return a new object like *owner* with *changes* to its attributes; None if the class does not make one."""
    arguments: dict[str, Any] = {}
    try:
        for field in _stored(entry):
            if field.argument:
                name = next((name for name in field.names if name in changes), None)
                arguments[field.argument] = field.read(owner) if name is None else changes[name]
        return entry.cls(**arguments)
    except Exception:  # whatever a class raises over a value that it does not take
        return None


# --- the proof for one sample ----------------------------------------------------------------------------------------


class _Proof:
    """The proof for one sample; finds a sentence for each part that is lost, by the part's name."""

    def __init__(self, codec: Codec, entry: Entry, sample: Any) -> None:
        self.found: dict[str, str] = {}
        # Without the codec's own comparison, so that each attribute that is lost can be named.
        self._codec, self._entry, self._sample = codec.uncompared, entry, sample
        self._parts = list(_parts_of(entry, sample))
        self._kept: list[tuple[_Part, Any, Any]] = []
        """Each part that was changed, the object with the change, and the object that came back."""
        self._silent: list[tuple[_Part, Any]] = []
        """Private attributes that are not in the text, each with a value that was tried."""

    def run(self) -> dict[str, str]:
        """Return what is found: a sentence for each lost part, by name."""
        if self._comes_back_as_it_is():
            for part in self._parts:
                if part.name not in self.found:
                    self._change(part)
            self._check_silent()
            self._check_side_effects()
        return self.found

    def _comes_back_as_it_is(self) -> bool:
        """Return whether an object of the class comes back at all, and note which of its parts do not."""
        shown = f"{self._entry.cls.__qualname__}: {_shown(self._sample)}"
        before = {part.name: part.identity(self._sample) for part in self._parts}
        try:
            self._text = self._written(self._sample)
            came_back = self._read(self._text)
        except CodecError as error:
            doing = "written" if isinstance(error, EncodeError) else "read again"
            raise RegistryError(f"{shown} cannot be {doing}: {error}") from error
        if type(came_back) is not type(self._sample) or (
            not before and exact.identity(came_back) != exact.identity(self._sample)
        ):
            self.found[shown] = f"{shown} comes back as {_shown(came_back)}."
            return False
        for part in self._parts:
            if part.identity(came_back) != before[part.name]:
                self._note_change(part, self._sample, came_back)
        return True

    def _written(self, value: Any) -> bytes:
        return dumps(self._codec.encode(value))

    def _read(self, text: bytes) -> Any:
        return self._codec.decode(loads(text))

    def _note_change(self, part: _Part, went_in: Any, came_out: Any, opening: str = "") -> None:
        sentence = f"{opening}{part.name}: {part.shown(went_in)} comes back as {part.shown(came_out)}."
        self.found.setdefault(part.name, sentence)

    def _note_silence(self, part: _Part, value: Any) -> None:
        self.found[part.name] = f"{part.name}: {_shown(value)} makes no difference to the text."

    def _change(self, part: _Part) -> None:
        """Try a part with other values until one is lost."""
        refusal: EncodeError | None = None
        is_seen = False
        for value in self._values(part):
            changed = part.vary(self._sample, value)
            if changed is None or part.name in self.found:
                continue
            try:
                text = self._written(changed)
            except EncodeError as error:
                refusal = error
                continue
            is_seen = True
            if text != self._text:
                self._compare(part, changed, text)
            elif not part.is_declared:
                self._silent.append((part, value))
            elif not self._is_refused(part, value):
                self._note_silence(part, value)
        if refusal is not None and not is_seen:
            self.found[part.name] = (
                f"{part.name}: no other value can be written, to see whether it is stored: {refusal}. Give a sample in "
                f"which it has one."
            )

    def _values(self, part: _Part) -> list[Any]:
        """Return the values to try: others than the sample's, and the default, which the class surely accepts."""
        present = part.read(self._sample)
        makers = [field.default for field in _stored(self._entry) if part.name in field.names]
        defaults = [make() for make in makers if make is not None and make is not class_fields.left_out]
        return [*variation.others(present, part.annotation), *variation.different(defaults, present)]

    def _compare(self, part: _Part, changed: Any, text: bytes) -> None:
        try:
            came_back = self._read(text)
        except DecodeError:
            return  # the class does not take this value; and what is refused has been read
        if part.identity(came_back) == part.identity(changed):
            self._kept.append((part, changed, came_back))
        elif not self._is_refused(part, part.read(changed)):
            self._note_change(part, changed, came_back)

    def _is_refused(self, part: _Part, value: Any) -> bool:
        """Return whether the constructor takes the sample's value as it is and *value* not: then no object has it."""
        if not any(part.name in field.names for field in _stored(self._entry) if field.argument):
            return False
        control = _constructed(self._entry, self._sample, {})
        if control is None or part.identity(control) != part.identity(self._sample):
            return False
        made = _constructed(self._entry, self._sample, {part.name: value})
        return made is None or part.identity(made) != part.identity(part.vary(self._sample, value))

    def _check_silent(self) -> None:
        """Note each private attribute that is not in the text, and does not change with any part that is."""
        for part, value in self._silent:
            before = part.identity(self._sample)
            if all(part.identity(came_back) == before for _, _, came_back in self._kept):
                self._note_silence(part, value)

    def _check_side_effects(self) -> None:
        """Note each part that changes together with another one, if no other problem was found that explains it."""
        for part, changed, came_back in [] if self.found else self._kept:
            for other in self._parts:
                if other.is_declared and other.identity(came_back) != other.identity(changed):
                    self._note_change(other, changed, came_back, f"with another {part.name}, ")


def _shown(value: object) -> str:
    """Return the repr of *value*, cut where it is long; the sample is the caller's own, so its repr may be called."""
    try:
        text = repr(value)
    except Exception:  # the repr may not expect the value that was put in for another
        return f"<{type(value).__qualname__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST: Final = 120
