"""Strategies for experiments: made by the model's own calls, as a user makes them, with odd values wherever any fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from docstore.model import (
    Arm,
    AuxiliaryExperiment,
    AuxiliaryExperimentPurpose,
    BatchTrial,
    ChoiceParameter,
    ComparisonOp,
    Data,
    DerivedParameter,
    Experiment,
    ExperimentStatus,
    FixedParameter,
    GeneratorRun,
    MapMetric,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    MultiTypeExperiment,
    Objective,
    ObjectiveThreshold,
    OptimizationConfig,
    OutcomeConstraint,
    Parameter,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    Runner,
    ScalarizedObjective,
    ScalarizedOutcomeConstraint,
    SearchSpace,
    TParamValue,
    Trial,
    TrialStatus,
)
from docstore.testing.strategies.values import INSIDE, floats, integers, json_documents, keys, moments, names, texts

# Strategies for what an experiment is after: metrics, objectives of every sort, and constraints on outcomes.

_NAMES: Final = ("accuracy", "train/loss", "\u00e9tat", "e\u0301tat", "val-loss, mean", "qps ", "QPS", "\U0001f370 (%)")
_FINITE: Final = st.floats(allow_nan=False, allow_infinity=False)
_WEIGHTS: Final = _FINITE | st.integers(-(2**70), 2**70)


def metric_names() -> SearchStrategy[str]:
    """Draw the name of a metric, often one that an expression needs care with."""
    return st.sampled_from(_NAMES)


def metrics(named: SearchStrategy[str]) -> SearchStrategy[Metric]:
    """Draw a metric of one of these names, measured once or at several steps."""
    better, properties = (
        st.sampled_from([None, True, False]),
        st.dictionaries(keys(), json_documents(INSIDE), max_size=1),
    )
    return st.one_of(*(st.builds(cls, named, better, properties, st.none() | texts()) for cls in (Metric, MapMetric)))


@st.composite
def optimization_configs(draw: st.DrawFn) -> OptimizationConfig:
    """Draw one objective or several, with constraints on other metrics."""
    unused = iter(draw(st.permutations(_NAMES)))

    def two() -> list[Metric]:
        return [draw(metrics(st.just(next(unused)))) for _ in range(2)]

    objective = draw(st.sampled_from([_single, _expression, _weighted, _multiple]))(draw, two())
    constraints = [draw(_CONSTRAINTS)(draw, two()) for _ in range(draw(st.integers(0, 2)))]
    objective.metric_name_to_signature = draw(st.dictionaries(texts(), texts(), max_size=1))
    if not objective.is_multi_objective:
        return OptimizationConfig(objective, constraints)
    return MultiObjectiveOptimizationConfig(objective, constraints, draw(_thresholds(objective)))


# --- objectives ------------------------------------------------------------------------------------------------------


def _direction(draw: st.DrawFn, metric: Metric) -> bool:
    return draw(st.booleans()) if metric.lower_is_better is None else metric.lower_is_better


def _single(draw: st.DrawFn, several: list[Metric]) -> Objective:
    return Objective(metric=several[0], minimize=_direction(draw, several[0]))


def _expression(draw: st.DrawFn, several: list[Metric]) -> Objective:
    return Objective(draw(st.sampled_from(["-loss", "2*recall + 1e-300*test/loss", "\u00fcber, -5e-324*loss"])))


def _weighted(draw: st.DrawFn, several: list[Metric]) -> Objective:
    minimize = draw(st.booleans())
    for metric in several:
        metric.lower_is_better = None
    return ScalarizedObjective(several, draw(st.lists(_WEIGHTS, min_size=2, max_size=2).filter(any)), minimize)


def _multiple(draw: st.DrawFn, several: list[Metric]) -> Objective:
    return MultiObjective([Objective(metric=metric, minimize=_direction(draw, metric)) for metric in several])


@st.composite
def _thresholds(draw: st.DrawFn, objective: Objective) -> list[OutcomeConstraint]:
    found: list[OutcomeConstraint] = []
    for name, weight in objective.metric_weights:
        if draw(st.booleans()):
            op = ComparisonOp.LEQ if weight < 0 else ComparisonOp.GEQ
            found.append(ObjectiveThreshold(Metric(name), draw(_FINITE), draw(st.booleans()), op))
    return found


# --- constraints on outcomes -----------------------------------------------------------------------------------------


def _bound(draw: st.DrawFn, several: list[Metric]) -> OutcomeConstraint:
    options: dict[str, Any] = {"op": draw(st.sampled_from(ComparisonOp)), "bound": draw(_FINITE)}
    return OutcomeConstraint(metric=several[0], relative=draw(st.booleans()), **options)


def _weighted_bound(draw: st.DrawFn, several: list[Metric]) -> OutcomeConstraint:
    weights = draw(st.none() | st.lists(_WEIGHTS, min_size=len(several), max_size=len(several)))
    op, bound = draw(st.sampled_from(ComparisonOp)), draw(_FINITE)
    return ScalarizedOutcomeConstraint(several, op, bound, draw(st.booleans()), weights)


_CONSTRAINTS: Final = st.sampled_from([_bound, _weighted_bound])


# Strategies for search spaces with parameters of every sort, and for arms that lie in them.

# The model compares bounds in floats: of larger ones it may refuse the very bound as a value.
_COUNTABLE: Final = st.integers(-(2**53), 2**53)
_VALUES: Final[dict[ParameterType, SearchStrategy[Any]]] = {
    ParameterType.BOOL: st.booleans(),
    ParameterType.INT: integers(),
    ParameterType.FLOAT: st.floats(allow_nan=False),
    ParameterType.STRING: texts(),
}


@st.composite
def search_spaces(draw: st.DrawFn) -> SearchSpace:
    """Draw a search space of 0 to 5 parameters, with constraints between those that are numbers."""
    named = draw(st.lists(texts().filter(bool), max_size=4, unique=True))
    parameters = [draw(draw(_PARAMETERS)(name)) for name in named]
    parameters += draw(_RELATED)(parameters)
    return SearchSpace(parameters, draw(_constraints(parameters)))


# --- single parameters -----------------------------------------------------------------------------------------------


def _options(kind: ParameterType) -> SearchStrategy[dict[str, Any]]:
    """Draw what any parameter of that type may have besides: a target of a fidelity, a backfill, a default."""
    value = _VALUES[kind]
    return st.fixed_dictionaries({}, optional={"backfill_value": value, "default_value": value}) | st.builds(
        lambda target: {"is_fidelity": True, "target_value": target}, value
    )


def _bounds(numbers: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def _ranges(draw: st.DrawFn, name: str) -> RangeParameter:
    kind = draw(st.sampled_from([ParameterType.INT, ParameterType.FLOAT]))
    lower, upper = draw(_bounds(_FINITE if kind is ParameterType.FLOAT else _COUNTABLE))
    scales: list[dict[str, Any]] = [{}, {"digits": draw(st.integers(0, 20))}]
    if lower > 0:
        scales.append({"log_scale": True})
    if 0 < lower < upper < 1:
        scales.append({"logit_scale": True})
    options = draw(_options(kind)) | draw(st.sampled_from(scales))
    return RangeParameter(name, kind, lower, upper, **options)


@st.composite
def _stepped(draw: st.DrawFn, name: str) -> RangeParameter:
    lower, step, count = (
        draw(st.integers(-(2**20), 2**20)),
        draw(st.sampled_from([1, 3, 0.25])),
        draw(st.integers(1, 9)),
    )
    return RangeParameter(name, ParameterType.FLOAT, lower, lower + step * count, step_size=step)


@st.composite
def _choices(draw: st.DrawFn, name: str) -> ChoiceParameter:
    kind = draw(st.sampled_from(ParameterType))
    values = draw(st.lists(_VALUES[kind], min_size=2, max_size=3, unique=True))
    flags = st.none() | st.booleans()
    is_positive = kind.is_numeric and all(value > 0 for value in values)
    return ChoiceParameter(
        name,
        kind,
        values,
        draw(flags),
        draw(st.booleans()),
        sort_values=draw(flags),
        log_scale=draw(flags if is_positive else st.sampled_from([None, False])),
        **draw(_options(kind)),
    )


@st.composite
def _fixed(draw: st.DrawFn, name: str) -> FixedParameter:
    kind = draw(st.sampled_from(ParameterType))
    return FixedParameter(name, kind, draw(_VALUES[kind]), **draw(_options(kind)))


_Named: TypeAlias = Callable[[str], SearchStrategy[Parameter]]
_PARAMETERS: Final = st.sampled_from([_ranges, _stepped, _choices, _fixed])


# --- parameters that lean on others ----------------------------------------------------------------------------------


def _none(parameters: list[Parameter]) -> list[Parameter]:
    return []


def _derived(parameters: list[Parameter]) -> list[Parameter]:
    source = RangeParameter("x1", ParameterType.FLOAT, -0.0, 0.1)
    derived = DerivedParameter("from x1", ParameterType.FLOAT, "-2.5*x1 + 1e-7")
    return [] if "x1" in {each.name for each in parameters} else [source, derived]


def _hierarchical(parameters: list[Parameter]) -> list[Parameter]:
    names = [each.name for each in parameters]
    dependents = {True: names, False: []}
    return (
        [] if "root" in names else [ChoiceParameter("root", ParameterType.BOOL, [True, False], dependents=dependents)]
    )


_RELATED: Final = st.sampled_from([_none, _derived, _hierarchical])


@st.composite
def _constraints(draw: st.DrawFn, parameters: list[Parameter]) -> list[ParameterConstraint]:
    """Draw constraints that hold for every arm: the weight of each parameter is 0, of either sign."""
    free = [
        each.name
        for each in parameters
        if isinstance(each, RangeParameter)
        and not each.log_scale
        and all(math.isfinite(float(bound)) for bound in (each.lower, each.upper))
    ]
    if not free or draw(st.booleans()):
        return []
    weights = draw(st.dictionaries(st.sampled_from(free), st.sampled_from([0.0, -0.0]), min_size=1))
    return [ParameterConstraint(constraint_dict=weights, bound=draw(st.floats(0, allow_infinity=False)))]


# --- arms ------------------------------------------------------------------------------------------------------------


def parameterizations(space: SearchSpace) -> SearchStrategy[dict[str, TParamValue]]:
    """Draw values that lie in *space*, for all of its parameters but those that follow from others."""
    inside = {name: _inside(each) for name, each in space.parameters.items() if not isinstance(each, DerivedParameter)}
    return st.fixed_dictionaries(inside)


def _inside(parameter: Parameter) -> SearchStrategy[Any]:
    if isinstance(parameter, FixedParameter):
        return st.just(parameter.value)
    if isinstance(parameter, ChoiceParameter):
        return st.sampled_from(parameter.values)
    assert isinstance(parameter, RangeParameter)  # the others are left out above
    ends = st.sampled_from([parameter.lower, parameter.upper])
    if parameter.step_size is not None:
        return ends
    if parameter.parameter_type is ParameterType.INT:
        return ends | st.integers(int(parameter.lower), int(parameter.upper))
    return ends | st.floats(parameter.lower, parameter.upper)


AnyTrial: TypeAlias = Trial | BatchTrial

_METADATA: Final = st.dictionaries(keys(), json_documents(INSIDE), max_size=2)
_MOMENT: Final = st.none() | moments()
_SECONDS: Final = st.none() | _FINITE
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
