"""What a bundle of classes is made of, refused where it is wrong, with what to write in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from docstore.errors import InvalidValueError

V = TypeVar("V")

LARGEST: Final = 2**31 - 1
"""The largest integer that can stand for a class: columns have 32 bits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one of a bundle's registries is like.

    Attributes:
        attribute: the property of a bundle that gives it.
        example: what to write.
        value: what its values are, in words; empty where they are integers.
        by_tag: whether its keys are tags, and not classes.
        takes_classes: whether a class may stand for a function.
    """

    attribute: str
    example: str
    value: str = ""
    by_tag: bool = False
    takes_classes: bool = True


METRICS: Final = Rule("metric_registry", "{MyMetric: None}")
RUNNERS: Final = Rule("runner_registry", "{MyRunner: None}")
ENCODERS: Final = Rule(
    "encoder_registry", "{MyClass: function}", "a function that takes an object and gives its members as a dict"
)
DECODERS: Final = Rule(
    "decoder_registry", "{'MyClass': MyClass}", "the class, or a function that makes an object of the members", True
)
CLASS_ENCODERS: Final = Rule(
    "class_encoder_registry", "{MyBase: function}", "a function that takes a class and gives what tells it as a dict"
)
CLASS_DECODERS: Final = Rule(
    "class_decoder_registry",
    "{'Type[MyBase]': function}",
    "a function that finds the class by the members, as in lambda members: MyBase",
    True,
    takes_classes=False,
)


def check_registry(argument: str, registry: Mapping[Any, V], rule: Rule) -> dict[Any, V]:
    """Return a copy of *registry*, given as *argument*, if it is as *rule* says.

    Raises:
        InvalidValueError: it is something else, a whole bundle perhaps, or one of its keys or values is.
    """
    if not isinstance(registry, Mapping):
        raise InvalidValueError(argument, registry, _instead_of(argument, registry, rule))
    for key, value in registry.items():
        _check_key(argument, key, rule)
        if rule.value and (not callable(value) or (isinstance(value, type) and not rule.takes_classes)):
            raise InvalidValueError(f"{argument}[{_shown(key)}]", value, f"Give {rule.value}.")
        if not rule.value:
            _check_integer(f"{argument}[{_shown(key)}]", value)
    return dict(registry)


def _instead_of(argument: str, value: object, rule: Rule) -> str:
    if hasattr(value, rule.attribute):
        return (
            f"It is a whole bundle: give the registry in it, {argument}=bundle.{rule.attribute}. A bundle itself goes "
            f"to bundle=, as bundle.sqa_config to config=, and with others to RegistryBundle.from_registry_bundles()."
        )
    return f"Give a dict, as in {argument}={rule.example}."


def _check_key(argument: str, key: object, rule: Rule) -> None:
    if rule.by_tag and not isinstance(key, str):
        other = argument.replace("decoder", "encoder")
        remedy = f"A registry by class goes to {other}." if isinstance(key, type) else f"As in {rule.example}."
        raise InvalidValueError(f"a key of {argument}", key, f"Its keys are tags, which are texts. {remedy}")
    if rule.by_tag or isinstance(key, type):
        return
    if isinstance(key, str) and rule.value:
        other = argument.replace("encoder", "decoder")
        raise InvalidValueError(
            f"a key of {argument}", key, f"Its keys are classes. A registry by tag goes to {other}."
        )
    raise InvalidValueError(
        f"a key of {argument}", key, f"Give the class itself: {argument}={{{_class_of(key)}: ...}}."
    )


def _check_integer(thing: str, number: object) -> None:
    if number is not None and (type(number) is not int or not 0 <= number <= LARGEST):
        raise InvalidValueError(
            thing, number, f"Give an integer from 0 to {LARGEST}, or None for one that is made of the class's name."
        )


def check_classes(argument: str, classes: Iterable[type]) -> tuple[type, ...]:
    """Return *classes*, given as *argument*, if they are.

    Raises:
        InvalidValueError: they are not several, or one is an object or a name.
    """
    if isinstance(classes, (type, str)) or not isinstance(classes, Iterable):
        raise InvalidValueError(argument, classes, f"Give several, as in {argument}=[{_class_of(classes)}].")
    several = tuple(classes)
    for each in several:
        if not isinstance(each, type):
            raise InvalidValueError(argument, each, f"Give the class itself: {argument}=[{_class_of(each)}].")
    return several


def _class_of(value: object) -> str:
    """Return what to write for the class that was meant by *value*: itself, its name, or an instance of it."""
    return value if isinstance(value, str) else _shown(value if isinstance(value, type) else type(value))


def _shown(key: object) -> str:
    return key.__name__ if isinstance(key, type) else repr(key)
