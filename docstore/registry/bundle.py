"""``RegistryBundle``: a user's classes with their functions, for one store or one call; and the mapper of a bundle."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, get_args

from docstore.codec.classes.objects import check_restorable
from docstore.codec.classes.storable import no_data
from docstore.codec.core import Unknown, check_usable
from docstore.codec.mapper import Mapper
from docstore.codec.registry import Decoder, Encoder, Entry, Registry, by_fields
from docstore.documents.arguments import checked_choice, checked_enum
from docstore.errors import InvalidValueError, RegistryError
from docstore.registry import registered, with_reachable
from docstore.registry.ax_registries import is_of_ax, with_constructors, without_core
from docstore.registry.model_classes import model_registry

V = TypeVar("V")

_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


class RegistryBundle:
    """Custom metrics, runners and other classes, passed as ``bundle=`` or, registry by registry, in the seed's calls.

    The classes that their annotations name are included.

    Args:
        metric_clss: custom Metric classes, each with the integer that stands for it, or None for one from its name.
        runner_clss: the same for Runner classes.
        json_encoder_registry: for a class, a function that takes an object and returns its members as a dict. It is
            used even if docstore could write the class by itself.
        json_class_encoder_registry: for a class, a function for values that are this class itself or a subclass of it:
            it takes the class and returns a dict that identifies it. The function of the closest base is used.
        json_decoder_registry: for a tag, the class, or a function that takes the decoded members. A class is also read
            from its own name, under which it is written.
        json_class_decoder_registry: for a tag (``Type[Base]``, unless the encoder of Base names another), a function
            that takes the decoded members and returns the class.
        classes: any other classes: dataclasses, enums, namedtuples, classes that keep their arguments.

    Raises:
        RegistryError: two classes share a name, or an integer; or one has the name of one of docstore's own; or a field
            of one cannot be stored.
        InvalidValueError: a key or a value is not what its argument takes; says what to write.
    """

    def __init__(
        self,
        metric_clss: Mapping[type, int | None] = _NOTHING,
        runner_clss: Mapping[type, int | None] = _NOTHING,
        json_encoder_registry: Mapping[type, Encoder] = _NOTHING,
        json_class_encoder_registry: Mapping[type, Encoder] = _NOTHING,
        json_decoder_registry: Mapping[str, type | Decoder] = _NOTHING,
        json_class_decoder_registry: Mapping[str, Decoder] = _NOTHING,
        *,
        classes: Iterable[type] = (),
    ) -> None:
        check = check_registry
        metrics = check("metric_clss", metric_clss, METRICS)
        runners = check("runner_clss", runner_clss, RUNNERS)
        encoders = check("json_encoder_registry", json_encoder_registry, ENCODERS)
        decoders = check("json_decoder_registry", json_decoder_registry, DECODERS)
        self._class_encoders = check("json_class_encoder_registry", json_class_encoder_registry, CLASS_ENCODERS)
        self._class_decoders = check("json_class_decoder_registry", json_class_decoder_registry, CLASS_DECODERS)
        self._metric_registry, self._runner_registry = _numbered("metric", metrics), _numbered("runner", runners)
        # by_fields, and a class for a decoder, mean that the class is written by its fields, like those in `classes`.
        by_themselves = [cls for cls, encoder in encoders.items() if encoder is by_fields]
        by_themselves += [cls for cls in decoders.values() if isinstance(cls, type)]
        others = check_classes("classes", classes)
        self._classes = tuple(dict.fromkeys((*metrics, *runners, *others, *by_themselves)))
        self._encoders = {cls: encoder for cls, encoder in encoders.items() if encoder is not by_fields}
        self._decoders = {tag: d for tag, d in decoders.items() if not (isinstance(d, type) and d.__name__ == tag)}
        for cls in self._classes:
            # Another bundle, combined with this one, may have the functions; but some classes no function could store.
            if cls not in self._encoders and no_data(cls) is not None:
                check_restorable(cls)
        check_usable(self.extend(model_registry()))  # a name that is taken is an error here, not at the first save

    def extend(self, registry: Registry) -> Registry:
        """Return *registry* with these classes added."""
        # A class of docstore's own that is in the bundle too keeps docstore's entry.
        new = [Entry(cls, cls.__name__) for cls in self._classes if registry.of_class(cls) is None]
        registry = registry.with_entries(new)
        for entry in new:
            if entry.cls not in self._encoders:
                # A field may hold classes (type): the encoder of these may be in a bundle that is combined with this.
                registry = with_reachable(registry, entry.cls, also=(type,))
        instances = registry.with_encoders(self._encoders).with_decoders(self._decoders)
        return instances.with_class_encoders(self._class_encoders).with_class_decoders(self._class_decoders)

    @classmethod
    def from_registry_bundles(cls, *bundles: RegistryBundle) -> Self:
        """Return one bundle with everything in *bundles*: classes, their integers, and every registry.

        Raises:
            RegistryError: two of them differ about a class or tag, or two classes share a name or integer.
        """
        bundles = tuple(map(checked_bundle, bundles))
        return cls(
            _union("integer", [bundle._metric_registry for bundle in bundles]),
            _union("integer", [bundle._runner_registry for bundle in bundles]),
            _union("encoder", [bundle._encoders for bundle in bundles]),
            _union("class encoder", [bundle._class_encoders for bundle in bundles]),
            _union("decoder", [bundle._decoders for bundle in bundles]),
            _union("class decoder", [bundle._class_decoders for bundle in bundles]),
            classes=[each for bundle in bundles for each in bundle._classes],
        )

    @property
    def metric_registry(self) -> dict[type, int]:
        """The integer that stands for each metric class."""
        return dict(self._metric_registry)

    @property
    def runner_registry(self) -> dict[type, int]:
        """The integer that stands for each runner class."""
        return dict(self._runner_registry)

    @property
    def encoder_registry(self) -> dict[type, Encoder]:
        """What ``save_experiment(..., encoder_registry=)`` takes: by class, the encoder of its objects."""
        return {**dict.fromkeys(self._classes, by_fields), **self._encoders}

    @property
    def decoder_registry(self) -> dict[str, type | Decoder]:
        """What ``load_experiment(..., decoder_registry=)`` takes: by tag, the class, or the decoder of its objects."""
        return {**{cls.__name__: cls for cls in self._classes}, **self._decoders}

    @property
    def class_encoder_registry(self) -> dict[type, Encoder]:
        """What ``save_experiment(..., class_encoder_registry=)`` takes: the encoders of values that are classes."""
        return dict(self._class_encoders)

    @property
    def class_decoder_registry(self) -> dict[str, Decoder]:
        """What ``load_experiment(..., class_decoder_registry=)`` takes: the decoders of values that are classes."""
        return dict(self._class_decoders)

    @property
    def sqa_config(self) -> SQAConfig:
        """What ``docstore.sqa_store`` takes as ``config=``: this bundle, without enums."""
        return SQAConfig(
            json_encoder_registry=self.encoder_registry,
            json_class_encoder_registry=self.class_encoder_registry,
            json_decoder_registry=self.decoder_registry,
            json_class_decoder_registry=self.class_decoder_registry,
            metric_registry=self.metric_registry,
            runner_registry=self.runner_registry,
        )

    @property
    def encoder(self) -> SQAConfig:
        """What the calls of ``docstore.sqa_store`` take as ``encoder=``: the same as ``sqa_config``."""
        return self.sqa_config

    @property
    def decoder(self) -> SQAConfig:
        """What the calls of ``docstore.sqa_store`` take as ``decoder=``: the same as ``sqa_config``."""
        return self.sqa_config


@dataclass(frozen=True)
class SQAConfig:
    """How custom classes are written and read, and which integers types are stored as.

    Attributes:
        EXPERIMENT_TYPES_WITH_NO_DATA_STORAGE, class_to_sqa_class, auxiliary_experiment_purpose_enum: of Ax's tables,
            which docstore does not have: all data are stored, in the same tables. Leave them out.
        experiment_type_enum, generator_run_type_enum: the integer of each type.
        json_encoder_registry, json_class_encoder_registry, json_decoder_registry: as ``RegistryBundle`` has them.
        json_class_decoder_registry, metric_registry, runner_registry: as ``RegistryBundle`` has them.

    Raises:
        InvalidValueError: an enum has no members, or one without an integer; or a registry is something else; or one
            of the three is given that docstore does not have.
        RegistryError: two classes share a name, or an integer.
    """

    # In the order of Ax, whose users may pass them by position.
    EXPERIMENT_TYPES_WITH_NO_DATA_STORAGE: Collection[str] = field(default_factory=frozenset)
    class_to_sqa_class: Mapping[type, type] = field(default_factory=dict)
    experiment_type_enum: type[Enum] | None = None
    generator_run_type_enum: type[Enum] | None = None
    auxiliary_experiment_purpose_enum: type[Enum] | None = None
    json_encoder_registry: Mapping[type, Encoder] = field(default_factory=dict)
    json_class_encoder_registry: Mapping[type, Encoder] = field(default_factory=dict)
    json_decoder_registry: Mapping[str, type | Decoder] = field(default_factory=dict)
    json_class_decoder_registry: Mapping[str, Decoder] = field(default_factory=dict)
    metric_registry: Mapping[type, int | None] = field(default_factory=dict)
    runner_registry: Mapping[type, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for argument in ("EXPERIMENT_TYPES_WITH_NO_DATA_STORAGE", "class_to_sqa_class"):
            if getattr(self, argument):
                remedy = "docstore stores the data of all experiments, in tables of its own. Leave it out."
                raise InvalidValueError(argument, getattr(self, argument), remedy)
        if self.auxiliary_experiment_purpose_enum is not None:
            remedy = "Purposes are stored by the names of their enum. Leave it out."
            raise InvalidValueError("auxiliary_experiment_purpose_enum", self.auxiliary_experiment_purpose_enum, remedy)
        for argument in ("experiment_type_enum", "generator_run_type_enum"):
            enum = getattr(self, argument)
            if enum is not None:
                checked_enum(enum, argument)
        # A bundle has other names for these two, which its errors would mention.
        check_registry("metric_registry", self.metric_registry, METRICS)
        check_registry("runner_registry", self.runner_registry, RUNNERS)
        self.bundle  # noqa: B018  # made here, so that a class registered wrongly is an error at once

    @property
    def bundle(self) -> RegistryBundle:
        """The classes as a bundle."""
        return RegistryBundle(
            self.metric_registry,
            self.runner_registry,
            self.json_encoder_registry,
            self.json_class_encoder_registry,
            self.json_decoder_registry,
            self.json_class_decoder_registry,
        )


def checked_bundle(bundle: object) -> RegistryBundle:
    """Return *bundle*, which has to be a ``RegistryBundle``.

    Raises:
        InvalidValueError: it is something else, a registry perhaps; names the argument that takes it.
    """
    if isinstance(bundle, RegistryBundle):
        return bundle
    if is_of_ax(bundle) and hasattr(bundle, "encoder_registry"):
        return _bundle_of_ax(bundle)
    remedy = (
        "Give config.bundle."
        if isinstance(bundle, SQAConfig)
        else "Give a RegistryBundle(...). A registry by itself goes to the argument of its name: encoder_registry= and "
        "decoder_registry= where a call has them, json_encoder_registry= and so on of RegistryBundle."
    )
    raise InvalidValueError("bundle", bundle, remedy)


@functools.lru_cache(maxsize=16)
def _bundle_of_ax(bundle: Any) -> RegistryBundle:
    """Return the user's classes and functions in a bundle of Ax; the same object for the same bundle."""
    return config_of_ax(bundle.sqa_config).bundle


def config_of_ax(config: Any) -> SQAConfig:
    """Return Ax's own ``SQAConfig`` as docstore's: without what Ax itself has in its registries.

    Raises:
        InvalidValueError: it has tables, or another enum of purposes, of the user's own.
    """
    default = type(config)()
    own: dict[str, Any] = {
        name: getattr(config, name)
        for name in ("class_to_sqa_class", "auxiliary_experiment_purpose_enum", "generator_run_type_enum")
        if getattr(config, name) != getattr(default, name)
    }
    rules = {f"json_{rule.attribute}": rule for rule in (ENCODERS, CLASS_ENCODERS, DECODERS, CLASS_DECODERS)}
    rules |= {rule.attribute: rule for rule in (METRICS, RUNNERS)}
    own |= {name: without_core(rule.attribute, getattr(config, name)) for name, rule in rules.items()}
    own["json_decoder_registry"] = with_constructors(own["json_encoder_registry"], own["json_decoder_registry"])
    return SQAConfig(
        frozenset(config.EXPERIMENT_TYPES_WITH_NO_DATA_STORAGE),
        experiment_type_enum=config.experiment_type_enum,
        **own,
    )


def bundle_of(
    bundle: RegistryBundle | None,
    *,
    encoder_registry: Mapping[type, Encoder] | None = None,
    class_encoder_registry: Mapping[type, Encoder] | None = None,
    decoder_registry: Mapping[str, type | Decoder] | None = None,
    class_decoder_registry: Mapping[str, Decoder] | None = None,
) -> RegistryBundle | None:
    """Return *bundle* and the registries that were passed to a call as one bundle, or None if nothing was passed.

    Raises:
        InvalidValueError: one is something else; names the argument that takes it.
        RegistryError: *bundle* and a registry differ about a class or tag.
    """
    rules = (ENCODERS, CLASS_ENCODERS, DECODERS, CLASS_DECODERS)
    given = (encoder_registry, class_encoder_registry, decoder_registry, class_decoder_registry)
    found: dict[str, Any] = {
        f"json_{rule.attribute}": check_registry(rule.attribute, registry, rule)
        for rule, registry in zip(rules, given, strict=True)
        if registry is not None
    }
    if not found:
        return None if bundle is None else checked_bundle(bundle)
    bundles = [] if bundle is None else [checked_bundle(bundle)]
    return RegistryBundle.from_registry_bundles(*bundles, RegistryBundle(**found))


# --- the mapper of a bundle ------------------------------------------------------------------------------------------


def mapper_of(bundle: RegistryBundle | None = None, *, unknown: Unknown = "error") -> Mapper:
    """Return the mapper of all classes that are registered now, and of those in *bundle*.

    Raises:
        RegistryError: a class is registered wrongly, or lacks an upcast.
        InvalidValueError: *unknown* is none of the choices.
    """
    checked_choice("unknown", unknown, get_args(Unknown), "Use 'error' or 'keep'.")
    return _mapper(registered(), None if bundle is None else checked_bundle(bundle), unknown)


@functools.lru_cache(maxsize=16)
def _mapper(registry: Registry, bundle: RegistryBundle | None, unknown: Unknown) -> Mapper:
    # Cached, as its codec works out once how to encode each class. A class that is registered later makes a new one.
    return Mapper(registry if bundle is None else bundle.extend(registry), unknown=unknown)


# --- bundles put together, and the integers of classes ---------------------------------------------------------------


LARGEST: Final = 2**31 - 1
"""The largest integer that can stand for a class: columns have 32 bits."""


def _union(what: str, registries: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    """Return the union of *registries*, which may share a key only with the same value.

    Raises:
        RegistryError: two have different values, *what*, for a key.
    """
    found: dict[Any, Any] = {}
    for key, value in itertools.chain.from_iterable(registry.items() for registry in registries):
        if found.setdefault(key, value) != value:
            name = key.__qualname__ if isinstance(key, type) else repr(key)
            raise RegistryError(
                f"{name} has two {what}s, {_shown(found[key])} and {_shown(value)}, in the bundles that are to be one. "
                f"Take one of them out."
            )
    return found


def _shown(value: object) -> str:
    return f"{getattr(value, '__module__', '')}.{value.__qualname__}" if hasattr(value, "__qualname__") else repr(value)


def _numbered(what: str, classes: Mapping[type, int | None]) -> dict[type, int]:
    numbers = {cls: _number_of(cls.__name__) if number is None else number for cls, number in classes.items()}
    owners: dict[int, type] = {}
    for cls, number in numbers.items():
        owner = owners.setdefault(number, cls)
        if owner is not cls:
            later = itertools.chain(range(number + 1, LARGEST + 1), itertools.count())
            free = next(other for other in later if other not in numbers.values())
            raise RegistryError(
                f"the {what} classes {owner.__name__} and {cls.__name__} share the integer {number}. "
                f"Give one of them another: {{{cls.__name__}: {free}}}."
            )
    return numbers


def _number_of(name: str) -> int:
    """Return an integer that depends only on *name*: not on the process, the machine or the order of imports."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % LARGEST + 1


# --- the arguments of a bundle, checked ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """What the keys and values of one of a bundle's registries have to be.

    Attributes:
        attribute: the property of a bundle that returns the registry.
        example: what to write.
        value: what its values are, in words; empty for integers.
        by_tag: whether its keys are tags, not classes.
        takes_classes: whether a value may be a class in place of a function.
    """

    attribute: str
    example: str
    value: str = ""
    by_tag: bool = False
    takes_classes: bool = True


METRICS: Final = Rule("metric_registry", "{MyMetric: None}")
RUNNERS: Final = Rule("runner_registry", "{MyRunner: None}")
ENCODERS: Final = Rule(
    "encoder_registry", "{MyClass: function}", "a function that takes an object and returns its members as a dict"
)
DECODERS: Final = Rule(
    "decoder_registry", "{'MyClass': MyClass}", "the class, or a function that makes an object of the members", True
)
CLASS_ENCODERS: Final = Rule(
    "class_encoder_registry",
    "{MyBase: function}",
    "a function that takes a class and returns a dict that identifies it",
)
CLASS_DECODERS: Final = Rule(
    "class_decoder_registry",
    "{'Type[MyBase]': function}",
    "a function that finds the class by the members, as in lambda members: MyBase",
    True,
    takes_classes=False,
)


def check_registry(argument: str, registry: Mapping[Any, V], rule: Rule) -> dict[Any, V]:
    """Return a copy of *registry*, given as *argument*, which has to follow *rule*; without what is in it of Ax's own.

    Raises:
        InvalidValueError: it is something else, a whole bundle perhaps, or one of its keys or values is.
    """
    if not isinstance(registry, Mapping):
        raise InvalidValueError(argument, registry, _instead_of(argument, registry, rule))
    for key, value in registry.items():
        _check_key(argument, key, rule)
        if rule.value and (not callable(value) or (isinstance(value, type) and not rule.takes_classes)):
            raise InvalidValueError(f"{argument}[{_name_of_key(key)}]", value, f"Give {rule.value}.")
        if not rule.value:
            _check_integer(f"{argument}[{_name_of_key(key)}]", value)
    return without_core(rule.attribute, registry)


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
    """Return *classes*, given as *argument*, as a tuple.

    Raises:
        InvalidValueError: it is a single class, or an item is an object or a name.
    """
    if isinstance(classes, (type, str)) or not isinstance(classes, Iterable):
        raise InvalidValueError(argument, classes, f"Give several, as in {argument}=[{_class_of(classes)}].")
    several = tuple(classes)
    for each in several:
        if not isinstance(each, type):
            raise InvalidValueError(argument, each, f"Give the class itself: {argument}=[{_class_of(each)}].")
    return several


def _class_of(value: object) -> str:
    """Return the name of the class that was meant by *value*: the class itself, its name, or an instance."""
    return value if isinstance(value, str) else _name_of_key(value if isinstance(value, type) else type(value))


def _name_of_key(key: object) -> str:
    return key.__name__ if isinstance(key, type) else repr(key)
