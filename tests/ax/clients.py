"""A small optimization by Ax's Client, for tests and for the processes that they kill."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ax.api.configs import RangeParameterConfig

import docstore
from docstore.ax import Client

NAME = "bowl"
SPACE = [RangeParameterConfig(name=name, parameter_type="float", bounds=(-1, 1)) for name in "xy"]


def quiet() -> None:
    """Silence Ax, each module of which has a level of its own."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("ax"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


quiet()


def loss(parameters: Mapping[str, Any]) -> float:
    return float(parameters["x"] ** 2 + parameters["y"] ** 2)


def new_client(store: docstore.Store, name: str = NAME) -> Client:
    """Return the client of a new experiment, which generates points of a Sobol sequence."""
    client = Client(storage=store, random_seed=1)
    with client.saved_together():
        client.configure_experiment(SPACE, name=name)
        client.configure_optimization("-loss")
        client.configure_generation_strategy(method="random_search", initialization_random_seed=7)
    return client


def run(client: Client, trials: int) -> None:
    """Go on until there are so many trials, each completed."""
    while True:
        for index, parameters in client.running_trials().items():
            client.complete_trial(index, {"loss": loss(parameters)})
        if client.num_trials >= trials:
            return
        client.get_next_trials(1)


def trials_of(client: Client) -> dict[int, Any]:
    trials: dict[int, Any] = client._experiment.trials
    return trials


def points(client: Client) -> list[Any]:
    """Return the parameters of the trials, in their order."""
    return [trial.arm.parameters for _, trial in sorted(trials_of(client).items())]
