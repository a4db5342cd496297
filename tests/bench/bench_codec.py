"""The time to turn trials with their data into JSON values and back, beside cattrs, Pydantic and msgspec.

The others have classes with the same fields as docstore's trials and data, made from one table, and give the same JSON
but for docstore's tags. They do less: no pointer in an error, no kept unknown members, no tagged values. The garbage
collector is off, as it would visit what other rounds made.
"""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.util import find_spec
from typing import Annotated, Any

from harness import Goal, Operation, Patience, Row, Spread, always, measured
from workload import experiment

from docstore import TrialStatus
from docstore.registry.bundle import mapper_of

GOALS = {"encode": Goal(10, "us"), "decode": Goal(15, "us")}

Fields = dict[str, Any]
"""The fields of a class, each with its annotation; all of them may be None."""


def classes(define: Callable[[str, Fields], type]) -> tuple[type, type]:
    """Return the classes of a trial and of data; *define* makes each of them, the inner ones first."""
    arm = define("Arm", {"name": str, "parameters": dict[str, float]})
    run = define(
        "GeneratorRun",
        {"arms": list[arm], "weights": list[float], "time_created": datetime}  # type: ignore[valid-type]
        | dict.fromkeys(("best_arm_predictions", "candidate_metadata_by_arm_signature", "gen_metadata"), Any)
        | dict.fromkeys(("model_predictions", "generator_run_type"), Any)
        | dict.fromkeys(("generation_node_name", "generator_key"), str)
        | dict.fromkeys(("fit_time", "gen_time"), float),
    )
    trial = define(
        "Trial",
        {"index": int, "status": TrialStatus, "generator_run": run, "ttl_seconds": float}
        | dict.fromkeys(("properties", "run_metadata", "stop_metadata"), dict[str, Any])
        | dict.fromkeys(("status_reason", "trial_type"), str)
        | dict.fromkeys(("time_created", "time_run_started", "time_completed", "time_staged"), datetime),
    )
    return trial, define("Data", {"records": list[dict[str, Any]]})


@dataclasses.dataclass(frozen=True)
class Codec:
    """How a library encodes a pair of trial and data, and decodes it."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any, type], Any]
    classes: tuple[type, type]


def of_cattrs() -> Codec:
    from cattrs.preconf.orjson import make_converter

    def define(name: str, fields: Fields) -> type:
        return dataclasses.make_dataclass(
            name, [(each, type_ | None, None) for each, type_ in fields.items()], slots=True
        )

    converter = make_converter()
    converter.register_unstructure_hook(TrialStatus, lambda status: status.name)
    converter.register_structure_hook(TrialStatus, lambda name, _: TrialStatus[name])
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    return Codec(converter.unstructure, converter.structure, classes(define))


def of_pydantic() -> Codec:
    from pydantic import BeforeValidator, PlainSerializer, create_model

    by_name = BeforeValidator(lambda name: TrialStatus[name]), PlainSerializer(lambda status: status.name)

    def define(name: str, fields: Fields) -> type:
        types = {each: Annotated[type_, *by_name] if type_ is TrialStatus else type_ for each, type_ in fields.items()}
        return create_model(name, **{each: (type_ | None, None) for each, type_ in types.items()})

    return Codec(lambda obj: obj.model_dump(mode="json"), lambda value, cls: cls.model_validate(value), classes(define))


def of_msgspec() -> Codec:
    """The status stays a text: msgspec knows enums by their values, and docstore stores their names."""
    import msgspec

    def define(name: str, fields: Fields) -> type:
        types = {each: str if type_ is TrialStatus else type_ for each, type_ in fields.items()}
        return msgspec.defstruct(name, [(each, type_ | None, None) for each, type_ in types.items()])

    return Codec(msgspec.to_builtins, msgspec.convert, classes(define))


LIBRARIES = {"cattrs": of_cattrs, "pydantic": of_pydantic, "msgspec": of_msgspec}


def operations(trials: int) -> Iterator[Operation]:
    """Yield encoding and decoding of so many trials with their data, beside each library that is installed."""
    mapper, made = mapper_of(), experiment(trials)
    encoded = mapper.encode(made)
    pairs = [(encoded["trials"][key], encoded["data"][key]) for key in encoded["trials"]]
    goals = dict(GOALS)  # each is judged once, beside the first library
    for library in filter(find_spec, LIBRARIES):
        codec = LIBRARIES[library]()
        objects = [
            codec.decode(plain(value), cls) for pair in pairs for value, cls in zip(pair, codec.classes, strict=True)
        ]
        values = [codec.encode(obj) for obj in objects]
        typed = list(zip(values, codec.classes * trials, strict=True))
        yield Operation(
            "encode",
            always(lambda: mapper.encode(made)),
            library,
            always(lambda codec=codec, objects=objects: [codec.encode(obj) for obj in objects]),
            goals.pop("encode", None),
        )
        yield Operation(
            "decode",
            always(lambda: mapper.decode(encoded)),
            library,
            always(lambda codec=codec, typed=typed: [codec.decode(value, cls) for value, cls in typed]),
            goals.pop("decode", None),
        )


def plain(value: Any) -> Any:
    """Return a JSON value of docstore's without its tags."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "__type"}
    return [plain(item) for item in value] if isinstance(value, list) else value


def without_collector(row: Callable[[], Row]) -> Row:
    """Return what *row* returns, with the garbage collector off."""
    gc.disable()
    try:
        return row()
    finally:
        gc.enable()


def rows(trials: int, patience: Patience) -> Iterator[Row]:
    """Yield the rows, in microseconds for one trial with its data."""
    for operation in operations(trials):
        row = without_collector(lambda operation=operation: measured(operation, patience))
        micro = 1000 / trials
        yield dataclasses.replace(row, ours=scaled(row.ours, micro), floor=scaled(row.floor, micro), unit="us")


def scaled(spread: Spread, factor: float) -> Spread:
    return Spread(spread.median * factor, spread.low * factor, spread.high * factor)
