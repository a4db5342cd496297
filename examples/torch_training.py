"""Two networks of PyTorch in training: the loss of each epoch is stored with its step, the weights as an artifact.

Run it: ``pip install docstore torch``, then ``python examples/torch_training.py``, with ``--folder DIR`` to choose
where the files go. A network is saved every few epochs, each time as one version: what is stored of it grows as it
learns.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

import torch
from torch import nn

import docstore
from docstore import (
    Data,
    Experiment,
    MapMetric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
)

NAME = "sine"
EPOCHS = 20
EVERY = 5
"""After so many epochs, what was measured is saved."""


def new_experiment() -> Experiment:
    """Return the experiment without trials."""
    space = SearchSpace([RangeParameter("lr", ParameterType.FLOAT, 1e-3, 1e-1, log_scale=True)])
    return Experiment(
        space, NAME, optimization_config=OptimizationConfig(Objective(metric=MapMetric("loss"), minimize=True))
    )


def train(store: docstore.Store, experiment: Experiment, lr: float) -> tuple[Trial, nn.Module]:
    """Train a network at a learning rate, save its curve and its weights, and return its trial and itself."""
    trial = experiment.new_trial(parameters={"lr": lr}).mark_running()
    torch.manual_seed(0)
    x = torch.linspace(-3, 3, 64).unsqueeze(1)
    y = torch.sin(x)
    network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    for epoch in range(1, EPOCHS + 1):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(network(x), y)
        loss.backward()
        optimizer.step()
        record = {"trial_index": trial.index, "arm_name": trial.arm.name, "metric_name": "loss", "step": epoch}
        experiment.attach_data(Data([{**record, "mean": loss.item()}]))
        if epoch % EVERY == 0 and epoch < EPOCHS:
            store.save_trial(experiment, trial, message=f"trial {trial.index}, epoch {epoch}")
    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    weights = store.artifacts.put(content.getvalue(), name="weights.pt", media_type="application/octet-stream")
    trial.update_run_metadata({"weights": weights})
    trial.mark_completed()
    store.save_trial(experiment, trial, message=f"trial {trial.index} has ended")
    return trial, network


def weights_of(store: docstore.Store, trial: Trial) -> dict[str, torch.Tensor]:
    """Return the weights that were stored for a trial."""
    with store.artifacts.open(trial.run_metadata["weights"]) as file:
        weights: dict[str, torch.Tensor] = torch.load(file, weights_only=True)
    return weights


def main() -> None:
    """Train two networks, and read them back."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files go; by default a temporary folder")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="docstore-"))
    folder.mkdir(parents=True, exist_ok=True)
    with docstore.connect(f"sqlite:///{folder / 'sine.db'}", artifacts=folder / "artifacts") as store:
        experiment = store.load_or_create(NAME, new_experiment)
        for lr in (0.003, 0.03):
            trial, network = train(store, experiment, lr)

            stored = store.load(NAME).trials[trial.index]
            curve = [record["mean"] for record in stored.lookup_data().records]
            print(
                f"trial {trial.index}, lr {lr}: loss {curve[0]:.3f} at first, {curve[-1]:.3f} after {len(curve)} epochs"
            )
            same = all(weights_of(store, stored)[name].equal(value) for name, value in network.state_dict().items())
            print(f"  {stored.run_metadata['weights'].name} has the same weights: {same}")
        print("Its history:")
        for version in store.history(NAME):
            print(f"  version {version.number}: {version.message or 'the experiment'}")
        assert store.verify() == []
    print(f"The database is {folder / 'sine.db'}")


if __name__ == "__main__":
    main()
