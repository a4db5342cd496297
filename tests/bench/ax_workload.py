"""The experiment of Ax's own classes that is saved and loaded, and its generation strategy."""

from __future__ import annotations

from typing import Any

import pandas as pd
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.core.metric import Metric
from ax.core.objective import Objective
from ax.core.optimization_config import OptimizationConfig
from ax.core.outcome_constraint import OutcomeConstraint
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.utils.testing.modeling_stubs import get_generation_strategy
from workload import METRIC, PARAMETERS, mean, metadata, parameters

LATENCY = "latency"


def experiment(trials: int, name: str = "bench") -> Experiment:
    """Return an experiment of so many completed trials, each with the data of two metrics."""
    goal = Objective(metric=Metric(METRIC), minimize=False)
    bound = OutcomeConstraint(expression=f"{LATENCY} <= 10", metric_name_to_signature={LATENCY: LATENCY})
    made = Experiment(
        name=name,
        search_space=SearchSpace([RangeParameter(each, ParameterType.FLOAT, 0.0, 1.0) for each in PARAMETERS]),
        optimization_config=OptimizationConfig(goal, outcome_constraints=[bound]),
    )
    for _ in range(trials):
        _add(made)
    made.attach_data(Data(df=pd.DataFrame([row for index in range(trials) for row in _rows(index)])))
    return made


def add_trial(made: Experiment) -> Any:
    """Return a new completed trial of *made*, with data."""
    trial = _add(made)
    made.attach_data(Data(df=pd.DataFrame(_rows(trial.index))))
    return trial


def _add(made: Experiment) -> Any:
    trial = made.new_trial(run(made, len(made.trials)))
    trial.mark_running(no_runner_required=True)
    trial.update_run_metadata(metadata(trial.index))
    return trial.mark_completed()


def run(of: Experiment, index: int) -> GeneratorRun:
    """Return the generator run of the trial of this index, as a model makes it for Ax's ``Client``.

    It has a copy of the search space and of the goals that it was made for.
    """
    arm = Arm(parameters(index))
    predicted = {METRIC: [mean(index)], LATENCY: [1.0]}
    covariances = {one: {other: [0.1] for other in predicted} for one in predicted}
    return GeneratorRun(
        [arm],
        search_space=of.search_space.clone(),
        optimization_config=of.optimization_config.clone(),
        model_predictions=(predicted, covariances),
        best_arm_predictions=(arm, ({METRIC: mean(index), LATENCY: 1.0}, None)),
        fit_time=0.5,
        gen_time=0.25,
        generator_key="BoTorch",
        generator_kwargs={"torch_device": None, "transforms": None},
        adapter_kwargs={"transform_configs": None},
        gen_metadata={"expected_acquisition_value": [0.125]},
        generation_node_name="MBM",
    )


def _rows(index: int) -> list[dict[str, Any]]:
    shared = {"trial_index": index, "arm_name": f"{index}_0", "sem": 0.1}
    return [
        {**shared, "metric_name": name, "metric_signature": name, "mean": value}
        for name, value in ((METRIC, mean(index)), (LATENCY, 1.0))
    ]


def strategy(runs: int, of: Experiment) -> GenerationStrategy:
    """Return the strategy of the experiment *of*, with so many runs."""
    made = get_generation_strategy()
    made._experiment = of
    made._generator_runs = [run(of, index) for index in range(runs)]
    return made
