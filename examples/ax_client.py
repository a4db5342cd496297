"""Optimize with Ax's Client, each step saved in a database: kill the program at any moment, and start it again.

Run it: ``pip install 'docstore[ax]'``, then ``python examples/ax_client.py --database lab.db``. It minimizes a function
of six numbers by 30 trials: the first by a Sobol sequence, the others by Bayesian optimization with BoTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ax.api.configs import RangeParameterConfig
from ax.utils.measurement.synthetic_functions import hartmann6

import docstore
from docstore.ax import Client

NAME = "hartmann6"
PARAMETERS = [f"x{number}" for number in range(1, 7)]


def measure(parameters: Mapping[str, object]) -> float:
    """Return what takes hours in a laboratory."""
    return float(hartmann6(*(parameters[name] for name in PARAMETERS)))


def plan(store: docstore.Store) -> Client:
    """Return the client of a new experiment, which is saved once all of it is configured."""
    client = Client(storage=store)
    with client.saved_together():
        space = [RangeParameterConfig(name=name, parameter_type="float", bounds=(0, 1)) for name in PARAMETERS]
        client.configure_experiment(space, name=NAME)
        client.configure_optimization("-value")  # the sign says that it is minimized
        client.configure_generation_strategy(method="fast")
    return client


def optimize(client: Client, trials: int) -> None:
    """Go on until there are so many *trials*."""
    for index, parameters in client.running_trials().items():
        print(f"trial {index} was running when the program was stopped")
        client.complete_trial(index, {"value": measure(parameters)})
    while client.num_trials < trials:
        for index, parameters in client.get_next_trials(1).items():
            client.complete_trial(index, {"value": measure(parameters)})
            print(f"trial {index} is saved")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--database", default="lab.db", help="the file, or the URL of a database")
    arguments.add_argument("--trials", type=int, default=30)
    options = arguments.parse_args()
    with docstore.connect(options.database) as store:
        client = Client.load(NAME, storage=store) if store.exists(NAME) else plan(store)
        optimize(client, options.trials)
        [best] = store.best(NAME)
        print(f"the best of {client.num_trials} trials is {best}")


if __name__ == "__main__":
    main()
