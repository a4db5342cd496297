"""How the kept documents of docstore's own model are made: each class, each field with a value that is not its default.

A release adds functions; it edits none, as the documents of earlier ones are held to what they make.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from docstore.model import (
    AnalysisCard,
    AnalysisCardGroup,
    Arm,
    Artifact,
    AuxiliaryExperiment,
    AuxiliaryExperimentPurpose,
    ChoiceParameter,
    ComparisonOp,
    Data,
    DerivedParameter,
    Experiment,
    ExperimentStatus,
    FixedParameter,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    GeneratorRunType,
    MapMetric,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    MultiTypeExperiment,
    Objective,
    ObjectiveThreshold,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    Runner,
    ScalarizedObjective,
    ScalarizedOutcomeConstraint,
    SearchSpace,
    TrialStatus,
)

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)

MEMBERS: dict[type[Any], str] = {
    AuxiliaryExperimentPurpose: "BO_EXPERIMENT PE_EXPERIMENT TRANSFERABLE_EXPERIMENT",
    ComparisonOp: "GEQ LEQ",
    ExperimentStatus: "DRAFT INITIALIZATION OPTIMIZATION COMPLETED",
    GeneratorRunType: "STATUS_QUO MANUAL",
    ParameterType: "BOOL INT FLOAT STRING",
    TrialStatus: "CANDIDATE STAGED FAILED COMPLETED RUNNING ABANDONED DISPATCHED EARLY_STOPPED STALE",
}
"""By enum, its members in 0.1.0: one that is added later stands in a later document."""


def members_of(enum: type[Any]) -> list[Any]:
    """Return the members that *enum* had in 0.1.0."""
    return [enum[name] for name in MEMBERS[enum].split()]


def minute(count: float) -> datetime:
    """Return a time so many minutes after the first."""
    return START + timedelta(minutes=count)


def timed(experiment: Experiment) -> Experiment:
    """Return *experiment* with fixed times in place of those of the clock."""
    ticks = itertools.count(1)
    experiment.time_created = START
    for trial in experiment.trials.values():
        trial.time_created = minute(next(ticks))
        for run in trial.generator_runs:
            run.time_created = minute(next(ticks))
        for name in ("time_staged", "time_run_started", "time_completed"):
            if getattr(trial, name) is not None:
                setattr(trial, name, minute(next(ticks)))
        for abandoned in getattr(trial, "abandoned_arms_metadata", ()):
            abandoned.time = minute(next(ticks))
    return experiment


# --- search spaces and arms ------------------------------------------------------------------------------------------


def search_space() -> SearchSpace:
    """Return a search space with parameters of every sort."""
    return SearchSpace(
        [
            RangeParameter("x", ParameterType.FLOAT, 0.001, 1000.0, log_scale=True, digits=4),
            RangeParameter("share", ParameterType.FLOAT, 0.01, 0.99, logit_scale=True),
            RangeParameter("steps", ParameterType.INT, -10, 20, step_size=5, is_fidelity=True, target_value=20),
            RangeParameter("late", ParameterType.FLOAT, -1.5, 1e16, backfill_value=0.5, default_value=0.25),
            ChoiceParameter("flour", ParameterType.STRING, ["rye", "spelt", "état \u2603"], False, True),
            ChoiceParameter("grams", ParameterType.INT, [100, 2**63, 500], True, sort_values=False, log_scale=True),
            ChoiceParameter("stone", ParameterType.BOOL, [True, False], dependents={True: ["steps"], False: ["share"]}),
            ChoiceParameter(
                "ratio", ParameterType.FLOAT, [0.5, -0.25], is_fidelity=True, target_value=0.5, backfill_value=-0.25
            ),
            ChoiceParameter("mill", ParameterType.STRING, ["a", "b"], default_value="b"),
            FixedParameter("salt", ParameterType.STRING, "sea", dependents={"sea": ["x"]}),
            FixedParameter("batch", ParameterType.INT, 7, is_fidelity=True, target_value=7, backfill_value=7),
            FixedParameter("on", ParameterType.BOOL, True, default_value=True),
            DerivedParameter(
                "both",
                ParameterType.FLOAT,
                "2*share - late + 0.5",
                is_fidelity=True,
                target_value=1.5,
                backfill_value=0.0,
                default_value=2.5,
            ),
            DerivedParameter("copy", ParameterType.STRING, "flour"),
        ],
        [
            ParameterConstraint("share + 2*late <= 1e17"),
            ParameterConstraint(equality="share - late == -0.125"),
            ParameterConstraint(constraint_dict={"share": -0.0, "steps": 1.0}, bound=40.5),
        ],
    )


def small_space() -> SearchSpace:
    """Return a search space of two parameters."""
    return SearchSpace(
        [
            RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
            ChoiceParameter("flour", ParameterType.STRING, ["rye", "spelt"]),
        ]
    )


def arm(x: float, name: str | None = None) -> Arm:
    """Return an arm in the small search space."""
    return Arm({"x": x, "flour": "rye"}, name)


def _status_quo() -> Arm:
    values: dict[str, Any] = {"x": 0.5, "share": 0.375, "steps": 5, "late": 0.5, "flour": "rye", "grams": 500}
    return Arm({**values, "stone": True, "ratio": 0.5, "mill": "a", "salt": "sea", "batch": 7, "on": True}, "as it is")


def run(arms: Iterable[Arm], weights: list[float] | None = None, **options: Any) -> GeneratorRun:
    """Return a generator run with a value in every field."""
    arms = list(arms)
    usual: dict[str, Any] = {
        "type": "SOBOL",
        "fit_time": 0.125,
        "gen_time": 1e-7,
        "generator_key": "Sobol",
        "generation_node_name": "first",
        "gen_metadata": {"seed": 3, "of": (1, 2.5), "nan": math.nan},
        "candidate_metadata_by_arm_signature": {arms[0].signature: {"rank": 1}},
        "model_predictions": ({"taste": [0.5, math.inf]}, {"taste": {"taste": [0.25, -0.0]}}),
        "best_arm_predictions": (arms[0].clone(clear_name=True), ({"taste": 1.5}, {"taste": {"taste": 0.5}})),
        "time_created": START,
    }
    return GeneratorRun(arms, weights, **{**usual, **options})


# --- experiments -----------------------------------------------------------------------------------------------------


def experiment() -> Experiment:
    """Return an experiment with a value in every field."""
    made = Experiment(
        search_space(),
        "every field \u2603",
        OptimizationConfig(
            Objective(
                metric=Metric("taste", False, {"scale": {1: "bad", 2: "good"}}, "taste (of ten)"),
                metric_name_to_signature={"taste": "taste (of ten)"},
            ),
            [
                OutcomeConstraint("crust >= 0.5*baseline", metric_name_to_signature={"crust": "c"}),
                OutcomeConstraint(metric=Metric("price", True), op=ComparisonOp.LEQ, bound=2.5, relative=False),
            ],
        ),
        [Metric("crust", True), MapMetric("rise", False, {"unit": "cm"}, "rise in cm")],
        Runner(),
        _status_quo(),
        "Brot \u00e0 la carte\nin two lines",
        True,
        "BAKING",
        {enum.__name__: members_of(enum) for enum in MEMBERS} | {"of": {"any": ("type", None, {1, 2}, math.nan)}},
        default_trial_type="oven",
    )
    made.status = ExperimentStatus.OPTIMIZATION
    for purpose in members_of(AuxiliaryExperimentPurpose):
        made.add_auxiliary_experiment(purpose, AuxiliaryExperiment(experiment_of_one_trial(purpose.value), False))
    made.add_auxiliary_experiment(AuxiliaryExperimentPurpose.PE_EXPERIMENT, AuxiliaryExperiment(bare_experiment()))
    return timed(made)


def experiment_of_one_trial(name: str = "one trial") -> Experiment:
    """Return an experiment with a trial in which every field has a value, and data with every column."""
    made = Experiment(small_space(), name, tracking_metrics=[Metric("taste")], default_trial_type="oven")
    made.status = ExperimentStatus.COMPLETED
    trial = made.new_trial(run([arm(0.5)]), ttl_seconds=2**65)
    trial.mark_staged().mark_running().mark_failed("the oven was \u201coff\u201d\x00")
    trial.run_metadata = {"host": "oven-3", "log": b"\x00\xff"}
    trial.stop_metadata = {"by": ("Ann", 1)}
    trial.properties = {"nested": {"list": [1, 1.0, True, None]}}
    record = {"trial_index": 0, "arm_name": trial.arms[0].name, "metric_name": "taste"}
    made.attach_data(
        Data.from_records(
            [
                {**record, "mean": 0.71, "sem": 0.04, "step": 0, "start_time": START, "end_time": minute(90)},
                {**record, "mean": math.nan, "sem": None, "step": 0.5, "note": "burnt"},
                {**record, "mean": -math.inf, "sem": math.nan, "step": 1e16, "n": 2**64},
                {**record, "mean": 3, "sem": -0.0, "frac": (1, 3)},
            ]
        )
    )
    return timed(made)


def trials_of_every_status() -> Experiment:
    """Return an experiment with a trial in each status, one of them without an arm."""
    made = Experiment(small_space(), "every status")
    made.status = ExperimentStatus.INITIALIZATION
    for position, status in enumerate(members_of(TrialStatus)):
        trial = made.new_trial(parameters={"x": position / 8, "flour": "spelt"})
        if status is TrialStatus.DISPATCHED:
            trial._status = status  # old experiments hold it, though nothing leads to it any more
        elif status is not TrialStatus.CANDIDATE:
            trial.mark_as(status, unsafe=True)
    made.new_trial()
    return timed(made)


def batch_trials() -> Experiment:
    """Return an experiment of several objectives, whose trials have several arms."""
    taste, price, time = Metric("taste", False), Metric("price", True), Metric("time / min", True)
    made = Experiment(
        small_space(),
        "batches",
        MultiObjectiveOptimizationConfig(
            MultiObjective([Objective(metric=taste), Objective(metric=price)]),
            [
                ScalarizedOutcomeConstraint(
                    [time, Metric("crust")], ComparisonOp.GEQ, -1.5, relative=False, weights=[0.5, -2.0]
                ),
                ScalarizedOutcomeConstraint([Metric("smell"), Metric("rise")], ComparisonOp.LEQ, 5.0, relative=True),
            ],
            [ObjectiveThreshold(taste, 0.25), ObjectiveThreshold(price, 3.0, relative=False, op=ComparisonOp.LEQ)],
        ),
        status_quo=arm(0.125, "now"),
    )
    made.optimization_config.objective.metric_name_to_signature = {"taste": "t"}
    for constraint in made.optimization_config.all_constraints:
        constraint.metric_name_to_signature = {"taste": "t"}
    first = made.new_batch_trial(
        generator_runs=[run([arm(0.25), arm(0.75)], [1.5, 0.0]), run([arm(0.875)], type="MANUAL")],
        should_add_status_quo_arm=True,
        ttl_seconds=3600,
    )
    first.mark_arm_abandoned(first.arms[0].name, "too salty")
    first.mark_arm_abandoned(first.arms[1].name)
    first.mark_running().mark_abandoned("all of it")
    first.run_metadata, first.stop_metadata, first.properties = {"a": 1}, {"b": 2}, {"c": 3}
    first.trial_type = "by hand"
    first.time_staged = START
    made.new_batch_trial(run([arm(0.25)], [2**70])).mark_early_stopped("enough", unsafe=True)
    made.new_batch_trial()
    return timed(made)


def scalarized() -> Experiment:
    """Return an experiment whose objective is a weighted sum of metrics."""
    metrics: list[Metric] = [Metric("taste"), MapMetric("a metric, with operators / 2", properties={"k": [1]})]
    objective = ScalarizedObjective(metrics, [0.5, 2e-300], minimize=True)
    objective.metric_name_to_signature = {"taste": "t"}
    return timed(Experiment(small_space(), "weighted", OptimizationConfig(objective)))


def expressions() -> Experiment:
    """Return an experiment whose objectives are an expression."""
    config = MultiObjectiveOptimizationConfig(
        Objective("2*recall + 1e-3*f1, -loss"), [OutcomeConstraint("latency + 2*queue <= 150")]
    )
    return timed(Experiment(small_space(), "expressions", config))


def bare_experiment() -> Experiment:
    """Return an experiment with nothing in any field that may be empty: also no name."""
    made = Experiment(SearchSpace([]))
    made.status = None
    return timed(made)


def experiment_of_several_types() -> MultiTypeExperiment:
    """Return an experiment whose trials are of several types, with a value in every field."""
    made = MultiTypeExperiment(
        "types",
        small_space(),
        "oven",
        Runner(),
        OptimizationConfig(Objective("taste")),
        [Metric("taste")],
        arm(0.5),
        "of two types",
        True,
        "BAKING",
        {"a": 1},
    )
    made.add_trial_type("simulator", None)
    made.add_tracking_metric(Metric("simulated taste"), "simulator", "taste")
    made.status = ExperimentStatus.COMPLETED
    made.add_auxiliary_experiment(
        AuxiliaryExperimentPurpose.BO_EXPERIMENT, AuxiliaryExperiment(experiment_of_one_trial())
    )
    made.new_trial(trial_type="simulator", parameters={"x": 0.25, "flour": "rye"})
    made.new_trial(parameters={"x": 0.75, "flour": "rye"})
    record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "simulated taste", "mean": 0.5, "sem": 0.0}
    made.attach_data(Data.from_records([record]))
    return timed(made)


# --- the other kinds -------------------------------------------------------------------------------------------------


def generation_strategy() -> GenerationStrategy:
    """Return a strategy at its second node."""
    made = GenerationStrategy(
        [
            GenerationNode("Sobol"),
            GenerationNode(
                "BO",
                [{"generator": "BoTorch", "kwargs": {"acq": ("qNEI", 2**64)}}],
                [{"class": "MinTrials", "threshold": 5}],
                True,
                "Sobol",
                "oven",
                ExperimentStatus.OPTIMIZATION,
                {"device": "cpu", "of": {1: 2}},
            ),
        ],
        "first Sobol",
        "one trial",
    )
    made.add_generator_run(run([arm(0.5)], generation_node_name=None))
    made.current_node_name = "BO"
    made.add_generator_run(run([arm(0.25, "0_0"), arm(0.75)], [0.5, 0.5], generation_node_name=None))
    return made


def experiment_with_artifacts() -> Experiment:
    """Return an experiment that refers to files beside its store."""
    picture = Artifact(f"artifact:{10**70:064x}", 2**40, "image/png", "cr\u00eape.png")
    return timed(
        Experiment(SearchSpace([]), "bread", properties={"files": [Artifact(f"artifact:{0:064x}", 0), picture]})
    )


def analysis_card() -> AnalysisCard:
    """Return a card with a table of values of several types."""
    rows: list[dict[str, Any]] = [
        {"arm": "0_0", "mean": 0.5, "when": START},
        {"arm": "0_1", "mean": math.nan, "n": 2**64, "interval": (0.25, 0.75)},
    ]
    return AnalysisCard("effects", "Effects of the flour", "\u03b1 = 5 %", rows, '{"data": []}', timestamp=START)


def analysis_card_group() -> AnalysisCardGroup:
    """Return cards in a group within a group."""
    bare = AnalysisCard("bare", timestamp=minute(1))
    inner = AnalysisCardGroup("inner", "Within", "a group", [bare], timestamp=minute(2))
    return AnalysisCardGroup("all", "Everything", "that was found", [analysis_card(), inner], timestamp=minute(3))


def cards_of_an_experiment() -> AnalysisCardGroup:
    """Return cards that belong to an experiment, each under a name of its own, in a group that does."""
    owned = {"experiment_name": "bread", "timestamp": START}
    card = AnalysisCard("effects", document_name="effects 1", **owned)
    return AnalysisCardGroup("all", children=[card], document_name="all 2", **owned)


def enums() -> dict[str, Any]:
    """Return every member of every enum, as values, keys and items."""
    members = [member for enum in MEMBERS for member in members_of(enum)]
    return {
        "values": members,
        "keys": {TrialStatus.STALE: 1, ComparisonOp.GEQ: 2},
        "set": {*members_of(ExperimentStatus)},
    }
