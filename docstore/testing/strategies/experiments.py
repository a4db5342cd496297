"""Strategies for experiments: made by the model's own calls, as a user makes them, with odd values wherever any fit."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from docstore.model import (
    Arm,
    AuxiliaryExperiment,
    AuxiliaryExperimentPurpose,
    BatchTrial,
    Data,
    Experiment,
    ExperimentStatus,
    GeneratorRun,
    Metric,
    MultiTypeExperiment,
    OptimizationConfig,
    Runner,
    SearchSpace,
    Trial,
    TrialStatus,
)
from docstore.testing.strategies.goals import metric_names, metrics, optimization_configs
from docstore.testing.strategies.spaces import parameterizations, search_spaces
from docstore.testing.strategies.values import INSIDE, floats, integers, json_documents, keys, moments, names, texts

AnyTrial: TypeAlias = Trial | BatchTrial

_METADATA: Final = st.dictionaries(keys(), json_documents(INSIDE), max_size=2)
_MOMENT: Final = st.none() | moments()
_SECONDS: Final = st.none() | floats()
# The integers of types are kept for good, so there are few; they differ in what an index may not tell apart.
_TYPES: Final = st.sampled_from([None, "MANUAL", "manual", "MANUAL ", "\u00e9", "e\u0301", "%", "\U0001f370" * 50])
_STATUSES: Final = st.sampled_from(list(TrialStatus))


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Draw an experiment, of one or of several types of trials, that a store takes: anything that the model allows.

    Its name is any name, its search space has parameters of all sorts, its trials are of one arm or of several and in
    any status, their data hold NaN and infinities, their metadata any value that docstore writes.
    """
    space = draw(search_spaces())
    arms = draw(st.lists(parameterizations(space), min_size=1, max_size=4))
    experiment = draw(_EMPTY)(space, draw(names()), draw(st.none() | optimization_configs()))
    _describe(draw, experiment)
    if draw(st.booleans()):
        experiment.status_quo = Arm(arms[0], draw(st.none() | st.just("as it is \u2603")))
    for parameters in arms[: draw(st.integers(0, 3))]:
        _add_trial(draw, experiment, [parameters, *arms])
    return experiment


def _plain(space: SearchSpace, name: str, config: OptimizationConfig | None) -> Experiment:
    return Experiment(space, name, config)


def _of_several_types(space: SearchSpace, name: str, config: OptimizationConfig | None) -> Experiment:
    experiment = MultiTypeExperiment(name, space, "oven", Runner(), config)
    experiment.add_trial_type("simulator \u2603", None)
    experiment.add_tracking_metric(Metric("simulated"), "simulator \u2603", "real")
    return experiment


_EMPTY: Final = st.sampled_from([_plain, _of_several_types])


def _describe(draw: st.DrawFn, experiment: Experiment) -> None:
    """Give *experiment* all that it has beside its search space and its trials."""
    experiment.description = draw(st.none() | texts())
    experiment.experiment_type = draw(_TYPES)
    experiment.status = draw(st.none() | st.sampled_from(ExperimentStatus))
    experiment.is_test = draw(st.booleans())
    experiment.time_created = draw(moments())
    experiment.properties = draw(_METADATA)
    experiment.runner = draw(st.none() | st.builds(Runner))
    known = {"simulated"}
    for metric in draw(st.lists(metrics(texts().filter(bool)), max_size=2, unique_by=lambda each: each.name)):
        if metric.name not in known:
            experiment.add_tracking_metrics([metric])
    for purpose in draw(st.lists(st.sampled_from(AuxiliaryExperimentPurpose), max_size=1)):
        experiment.add_auxiliary_experiment(purpose, draw(_auxiliary_experiments()))


@st.composite
def _auxiliary_experiments(draw: st.DrawFn) -> AuxiliaryExperiment:
    other = Experiment(SearchSpace([]), draw(st.none() | names()))
    other.time_created = draw(moments())
    other.properties = draw(_METADATA)
    return AuxiliaryExperiment(other, draw(st.booleans()), Data(draw(st.lists(_records(0, "0_0"), max_size=1))))


# --- trials ----------------------------------------------------------------------------------------------------------


def _add_trial(draw: st.DrawFn, experiment: Experiment, parameters: list[dict[str, Any]]) -> None:
    """Add a trial of one arm, or of several, with data of its arms."""
    trial_type = experiment.default_trial_type
    if isinstance(experiment, MultiTypeExperiment) and draw(st.booleans()):
        trial_type = "simulator \u2603"
    ttl = draw(st.none() | st.integers(1, 2**70))
    trial: AnyTrial
    if draw(st.booleans()):
        trial = experiment.new_trial(trial_type=trial_type, ttl_seconds=ttl)
        if draw(st.integers(0, 5)):
            trial.add_generator_run(_run(draw, [Arm(parameters[0])]))
    else:
        with_status_quo = experiment.status_quo is not None and draw(st.booleans())
        trial = experiment.new_batch_trial(
            trial_type=trial_type, ttl_seconds=ttl, should_add_status_quo_arm=with_status_quo
        )
        for count in draw(st.lists(st.integers(0, len(parameters)), max_size=2)):
            trial.add_generator_run(_run(draw, [Arm(each) for each in parameters[:count]]))
    _live(draw, trial)
    for arm in trial.arms[:2]:
        records = draw(st.lists(_records(trial.index, arm.name), max_size=2))
        if records:
            experiment.attach_data(Data(records))


def _live(draw: st.DrawFn, trial: AnyTrial) -> None:
    """Give *trial* a status and all that is noted of a trial's life, whether or not one could lead to the other."""
    if isinstance(trial, BatchTrial) and trial.arms and draw(st.booleans()):
        trial.mark_arm_abandoned(trial.arms[0].name, draw(st.none() | texts()))
        trial.abandoned_arms_metadata[0].time = draw(moments())
    status = draw(_STATUSES)
    if status is TrialStatus.DISPATCHED:
        trial._status = status  # old experiments hold it, though nothing leads to it any more
    elif status is not TrialStatus.CANDIDATE:
        trial.mark_as(status, unsafe=True)
    trial.status_reason = draw(st.none() | texts())
    trial.time_created = draw(moments())
    trial.time_staged, trial.time_run_started, trial.time_completed = draw(st.tuples(_MOMENT, _MOMENT, _MOMENT))
    trial.run_metadata, trial.stop_metadata, trial.properties = draw(st.tuples(_METADATA, _METADATA, _METADATA))


def _run(draw: st.DrawFn, arms: list[Arm]) -> GeneratorRun:
    """Return a generator run of *arms*, with all that is known of how they were made."""
    weights = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**40)
    means = st.dictionaries(texts(), st.lists(floats(), max_size=2), max_size=1)
    run = GeneratorRun(
        arms,
        draw(st.none() | st.lists(weights, min_size=len(arms), max_size=len(arms))),
        type=draw(_TYPES),
        time_created=draw(moments()),
        fit_time=draw(_SECONDS),
        gen_time=draw(_SECONDS),
        generator_key=draw(st.none() | texts()),
        generation_node_name=draw(st.none() | texts()),
        gen_metadata=draw(st.none() | _METADATA),
        candidate_metadata_by_arm_signature=draw(st.none() | _METADATA),
        model_predictions=draw(st.none() | st.tuples(means, st.dictionaries(texts(), means, max_size=1))),
    )
    if draw(st.booleans()) and arms:
        run.best_arm_predictions = (arms[0].clone(clear_name=True), draw(json_documents(INSIDE)))
    return run


@st.composite
def _records(draw: st.DrawFn, index: int, arm: str) -> dict[str, Any]:
    """Draw an observation: a mean that may be anything a float can be, and columns of the user's own."""
    record: dict[str, Any] = draw(st.dictionaries(keys(), json_documents(INSIDE), max_size=1))
    record |= {"trial_index": index, "arm_name": arm, "metric_name": draw(metric_names())}
    record["mean"] = draw(floats() | integers())
    record["sem"] = draw(st.none() | st.sampled_from([0.0, -0.0, math.nan, math.inf]) | st.floats(0))
    record |= draw(st.fixed_dictionaries({}, optional={"step": floats() | integers(), "end_time": moments()}))
    return record
