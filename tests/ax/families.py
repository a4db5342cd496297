"""One experiment, made of docstore's own classes or of Ax's: by the same calls, with the same values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd
from ax.core import (
    arm,
    data,
    experiment,
    experiment_status,
    generator_run,
    metric,
    objective,
    optimization_config,
    outcome_constraint,
    parameter,
    parameter_constraint,
    search_space,
    trial_status,
    types,
)
from ax.runners import synthetic
from exactly import differences

from docstore import model
from docstore.testing.exact import identity

START: Final = datetime(2026, 1, 1)
"""When the experiments were made; trials an hour later each. Ax's times have no zone."""

NOTHING: Final[list[str]] = []


class Family:
    """Makes experiments of one family of classes. Both have the names of Ax, and mostly the same arguments.

    Args:
        model: of the documents: ``"docstore"`` or ``"ax"``.
        classes: the classes by name; each is an attribute.
    """

    def __init__(self, model: str, classes: Mapping[str, Any]) -> None:
        self.model: Final = model
        self._classes: Final = classes

    def __getattr__(self, name: str) -> Any:
        return self._classes[name]

    def __repr__(self) -> str:
        return self.model

    def differences(self, one: Any, other: Any) -> list[str]:
        """Return where two objects are not exactly the same; empty if they are."""
        if self.model == "ax":
            return differences(one, other)
        return NOTHING if identity(one) == identity(other) else [f"{one!r} is not {other!r}"]

    # --- experiments -------------------------------------------------------------------------------------------------

    def experiment(self, name: str = "cakes", *, trials: int = 0, **options: Any) -> Any:
        """Return an experiment with so many completed trials, each with data."""
        taste, cost = self.Metric("taste", lower_is_better=False), self.Metric("cost", lower_is_better=True)
        options.setdefault("properties", {"team": "bread"})
        made = self.Experiment(
            search_space=self.space(),
            name=name,
            optimization_config=self.goals(taste, cost, bound=9.0),
            tracking_metrics=[cost, self.Metric("crumb")],
            **options,
        )
        made.status = self.ExperimentStatus.OPTIMIZATION
        set_times(made, time_created=START)
        for number in range(trials):
            self.add_trial(made, number / 16, taste=float(number), cost=5.0)
        return made

    def space(self) -> Any:
        """Return a search space of a range, a choice, a fixed parameter and a constraint."""
        return self.SearchSpace(
            [
                self.RangeParameter("x", self.ParameterType.FLOAT, lower=0.0, upper=1.0),
                # Of two values, Ax takes a choice for ordered.
                self.ChoiceParameter("flour", self.ParameterType.STRING, ["oat", "rye", "spelt"], is_ordered=False),
                self.FixedParameter("oven", self.ParameterType.INT, 3),
            ],
            parameter_constraints=[self.ParameterConstraint("2*x <= 1.5")],
        )

    def goals(self, maximized: Any, bounded: Any, *, bound: float) -> Any:
        """Return a configuration: one metric is maximized, and the other is at most *bound*."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Ax prefers expressions, and the signatures with them
            objective = self.Objective(metric=maximized, minimize=False)
            below = self.OutcomeConstraint(metric=bounded, op=self.ComparisonOp.LEQ, bound=bound, relative=False)
        return self.OptimizationConfig(objective, outcome_constraints=[below])

    def run(self, *xs: float, type: str | None = "MANUAL") -> Any:
        """Return a generator run of an arm for each of *xs*."""
        run = self.GeneratorRun([self.Arm({"x": x, "flour": "rye", "oven": 3}) for x in xs])
        run._generator_run_type = type
        set_times(run, time_created=START)
        return run

    def add_trial(self, experiment: Any, x: float, **means: float) -> Any:
        """Add a trial that ran for half an hour, with its data."""
        trial = experiment.new_trial(self.run(x))
        made = START + timedelta(hours=trial.index)
        trial.mark_running(no_runner_required=True).mark_completed()
        set_times(trial, time_created=made, time_run_started=made, time_completed=made + timedelta(minutes=30))
        for name, mean in means.items():
            self.observe(experiment, trial.index, mean, name)
        return trial

    def add_batch(self, experiment: Any, *xs: float) -> Any:
        """Add a trial of several arms that still runs."""
        trial = experiment.new_batch_trial(generator_runs=[self.run(*xs, type=None)])
        trial.mark_running(no_runner_required=True)
        set_times(trial, time_created=START, time_run_started=START)
        return trial

    def observe(self, experiment: Any, index: int, mean: float, metric: str = "taste") -> None:
        """Attach one observation of a trial's first arm, over an earlier one of that metric."""
        name = experiment.trials[index].arms[0].name
        record = {"trial_index": index, "arm_name": name, "metric_name": metric, "mean": mean, "sem": 0.25}
        if self.model == "ax":
            record["metric_signature"] = metric
        experiment.attach_data(self.Data(df=pd.DataFrame([record])))

    def means(self, experiment: Any) -> dict[tuple[int, str], float]:
        """Return the mean of each trial and metric."""
        frame = experiment.lookup_data().df
        return {(row.trial_index, row.metric_name): row.mean for row in frame.itertuples(index=False)}


def set_times(owner: Any, **times: datetime) -> None:
    """Set times of *owner*, whatever attribute its class has for each."""
    for name, time in times.items():
        vars(owner)[f"_{name}" if f"_{name}" in vars(owner) else name] = time


_MODULES: Final = (
    *(arm, data, experiment, experiment_status, generator_run, metric, objective, optimization_config),
    *(outcome_constraint, parameter, parameter_constraint, search_space, synthetic, trial_status, types),
)

LIGHT: Final = Family("docstore", {**vars(model)})
AX: Final = Family("ax", {name: cls for module in _MODULES for name, cls in vars(module).items()})
FAMILIES: Final = (LIGHT, AX)
