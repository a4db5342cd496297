"""Bundles with functions of a user's own for docstore's classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docstore import (
    Arm,
    BatchTrial,
    Data,
    Experiment,
    GeneratorRun,
    Metric,
    OptimizationConfig,
    RangeParameter,
    RegistryBundle,
    Runner,
    SearchSpace,
    Trial,
    TrialStatus,
)
from docstore.codec.classes.stored_fields import unstored_defaults, unstored_names


def in_a_state(value: Any) -> dict[str, Any]:
    """Write any object of the model otherwise than docstore does."""
    unstored = unstored_names(type(value))
    return {"state": {name: item for name, item in vars(value).items() if name not in unstored}}


def of_a_state(cls: type) -> Callable[[dict[str, Any]], Any]:
    def make(members: dict[str, Any]) -> Any:
        made = object.__new__(cls)
        vars(made).update({name: default() for name, default in unstored_defaults(cls).items()}, **members["state"])
        return made

    return make


def experiment_in_a_state(experiment: Experiment) -> dict[str, Any]:
    """Write an experiment with no part of its own: its trials stand somewhere else."""
    return {"name": experiment.name, **in_a_state(experiment)}


def experiment_in_parts(experiment: Experiment) -> dict[str, Any]:
    """Write an experiment with its trials and data where docstore has them."""
    state = in_a_state(experiment)["state"]
    trials, data = state.pop("_trials"), state.pop("_data")
    texts = {
        field: {str(key): item for key, item in items.items()} for field, items in (("trials", trials), ("data", data))
    }
    return {"name": experiment.name, "state": state, **texts}


def experiment_of_a_state(members: dict[str, Any]) -> Experiment:
    made = of_a_state(Experiment)(members)
    for field in members.keys() & {"trials", "data"}:
        vars(made)[f"_{field}"] = {int(key): item for key, item in members[field].items()}
    made.__docstore_restored__()
    return made


def functions(cls: type) -> RegistryBundle:
    return RegistryBundle(
        json_encoder_registry={cls: in_a_state}, json_decoder_registry={cls.__name__: of_a_state(cls)}
    )


WHOLE = RegistryBundle(
    json_encoder_registry={Experiment: experiment_in_a_state},
    json_decoder_registry={"Experiment": experiment_of_a_state},
)


PARTED = RegistryBundle(
    json_encoder_registry={Experiment: experiment_in_parts},
    json_decoder_registry={"Experiment": experiment_of_a_state},
)


STATUS = RegistryBundle(
    json_encoder_registry={TrialStatus: lambda status: {"state": status.name.lower()}},
    json_decoder_registry={"TrialStatus": lambda members: TrialStatus[members["state"].upper()]},
)


MODEL = (Trial, BatchTrial, GeneratorRun, Arm, Data, Metric, Runner, SearchSpace, RangeParameter, OptimizationConfig)


BUNDLES = {cls.__name__: functions(cls) for cls in MODEL} | {"TrialStatus": STATUS, "Experiment": WHOLE}
