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
from docstore.registry.proof import variation
from docstore.registry.proof.exact import identity


def prove(codec: Codec, cls: type, sample: Any = None) -> None:
    """Prove that *codec* stores objects of *cls* without loss; return if it does.

    A sample is written as text, read and compared to the bit. Then, one attribute at a time, it is given another value:
    that has to make a difference to the text, and to come back. An attribute that has but one value, as an Enum of one
    member, and one whose other values the class refuses when it is read (so it is read), pass as they are.

    Args:
        sample: an object of the class; by default one made of its defaults, and of an Enum all members. Best is one in
            which no attribute has its default, and no two have the same value.

    Raises:
        RegistryError: an attribute is lost, or comes back as something else; names each, with both values. Or there is
            no sample: *cls* cannot be made of its defaults.

    Cost:
        A few round trips of the sample for each of its attributes; what is large is better proved with a small sample.
    """
    entry = codec.registry.of_class(cls)
    if entry is None:
        raise RegistryError(
            f"{cls.__qualname__} is not registered, so it cannot be stored. {codec.registry.remedy(cls)}"
        )
    samples = [*cls] if issubclass(cls, Enum) else [_sample(cls, sample)]
    problems: dict[str, str] = {}
    for each in samples:
        problems |= _Trial(codec, entry, each).run()
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
    if entry.encode is None and entry.decode is None:
        return "Have the class keep what its constructor is given, or register it with encode= and decode=."
    remedy = "Have encode give all of them, and decode take them as they are"
    if storable.has_fields(entry.cls):
        remedy += f"; or register {entry.cls.__name__} without the two, as its fields say it all"
    return f"{remedy}. What is worked out from others can be a property or a functools.cached_property."


# --- what an object keeps --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """One thing that an object keeps: an attribute, or what a subclass of a built-in type holds."""

    name: str
    annotation: Any
    read: Callable[[Any], Any]
    vary: Callable[[Any, Any], Any] = lambda owner, value: None
    """Takes an object and a value, and gives a copy of it that has this value; None where there can be none."""
    is_declared: bool = True
    """Otherwise, a private attribute that the class may work out from others."""

    def told(self, owner: Any) -> Any:
        """Return what tells the part of *owner* from that of another."""
        try:
            value = self.read(owner)
        except AttributeError:
            return "nothing"
        try:
            return identity(value)
        except (InvalidValueError, RecursionError):
            return type(value)

    def shown(self, owner: Any) -> str:
        """Return the part of *owner* as a message shows it."""
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
            yield _Part(name, annotation, attrgetter(name), _varying(entry, name), is_declared)
    kept = dict(variation.attributes_of(sample))
    for field in _stored(entry):
        if kept.keys().isdisjoint(field.names) and any(hasattr(sample, name) for name in field.names):
            yield _Part(field.name, field.annotation, field.read, _varying(entry, field.name))
    if class_fields.is_model(cls):
        yield from (_Part(name, Any, attrgetter(name)) for name in ("__pydantic_fields_set__", "__pydantic_extra__"))


def _stored(entry: Entry) -> tuple[StoredField, ...]:
    try:
        return stored_fields.stored_fields(entry.cls)
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


# --- a sample put to the proof ---------------------------------------------------------------------------------------


class _Trial:
    """One sample, and what is found of its parts, by name: a sentence for each that is lost."""

    def __init__(self, codec: Codec, entry: Entry, sample: Any) -> None:
        self.found: dict[str, str] = {}
        # Without the codec's own comparison, so that each attribute that is lost can be named.
        self._codec, self._entry, self._sample = codec.uncompared, entry, sample
        self._parts = list(_parts_of(entry, sample))
        self._kept: list[tuple[_Part, Any, Any]] = []
        """The part that was changed, the object with the change, and what came back of it."""
        self._silent: list[tuple[_Part, Any]] = []
        """Private attributes that are not in the text, and a value that was tried."""

    def run(self) -> dict[str, str]:
        """Return what is found."""
        if self._comes_back_as_it_is():
            for part in self._parts:
                if part.name not in self.found:
                    self._change(part)
            self._look_at_the_silent()
            self._look_at_the_company()
        return self.found

    def _comes_back_as_it_is(self) -> bool:
        """Return whether an object of the class comes back at all, and note which of its parts do not."""
        shown = f"{self._entry.cls.__qualname__}: {_shown(self._sample)}"
        before = {part.name: part.told(self._sample) for part in self._parts}
        try:
            self._text = self._written(self._sample)
            came_back = self._read(self._text)
        except CodecError as error:
            doing = "written" if isinstance(error, EncodeError) else "read again"
            raise RegistryError(f"{shown} cannot be {doing}: {error}") from error
        if type(came_back) is not type(self._sample) or (not before and identity(came_back) != identity(self._sample)):
            self.found[shown] = f"{shown} comes back as {_shown(came_back)}."
            return False
        for part in self._parts:
            if part.told(came_back) != before[part.name]:
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
        """Return what to try: other values than the sample's, and the default, which a choosy class takes for sure."""
        present = part.read(self._sample)
        makers = [field.default for field in _stored(self._entry) if part.name in field.names]
        defaults = [make() for make in makers if make is not None and make is not class_fields.left_out]
        return [*variation.others(present, part.annotation), *variation.different(defaults, present)]

    def _compare(self, part: _Part, changed: Any, text: bytes) -> None:
        try:
            came_back = self._read(text)
        except DecodeError:
            return  # the class does not take this value; and what is refused has been read
        if part.told(came_back) == part.told(changed):
            self._kept.append((part, changed, came_back))
        elif not self._is_refused(part, part.read(changed)):
            self._note_change(part, changed, came_back)

    def _is_refused(self, part: _Part, value: Any) -> bool:
        """Return whether the constructor takes the sample's value as it is and *value* not: then no object has it."""
        if not any(part.name in field.names for field in _stored(self._entry) if field.argument):
            return False
        control = _constructed(self._entry, self._sample, {})
        if control is None or part.told(control) != part.told(self._sample):
            return False
        made = _constructed(self._entry, self._sample, {part.name: value})
        return made is None or part.told(made) != part.told(part.vary(self._sample, value))

    def _look_at_the_silent(self) -> None:
        """Note each private attribute that is not in the text, and that nothing in the text is seen to decide."""
        for part, value in self._silent:
            before = part.told(self._sample)
            if all(part.told(came_back) == before for _, _, came_back in self._kept):
                self._note_silence(part, value)

    def _look_at_the_company(self) -> None:
        """Note each part that changes with another, unless something else explains it."""
        for part, changed, came_back in [] if self.found else self._kept:
            for other in self._parts:
                if other.is_declared and other.told(came_back) != other.told(changed):
                    self._note_change(other, changed, came_back, f"with another {part.name}, ")


def _shown(value: object) -> str:
    """Return the repr of *value*, cut where it is long: the sample is the caller's own, and may be spelled whole."""
    try:
        text = repr(value)
    except Exception:  # of an object in which one value was changed for another that it cannot spell
        return f"<{type(value).__qualname__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST: Final = 120
