"""An experiment of Ax's classes reads like one of docstore's: their JSON has other tags, and nothing else is different.

Each experiment is in two projects, under docstore's own tags and under Ax's.
"""

from __future__ import annotations

import re
from typing import Final

import pandas as pd
import pytest
import sqlalchemy as sa
from ax_tags import AxTags
from fuzzing import fuzz

import docstore
from docstore import (
    Arm,
    Data,
    Experiment,
    FixedParameter,
    GeneratorRun,
    Metric,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterType,
    Runner,
    SearchSpace,
)
from docstore.documents.canonical import dumps, loads
from docstore.documents.diff.diff import of_documents
from docstore.documents.kinds import EXPERIMENT
from docstore.errors import ConflictError
from docstore.migrations.views import views
from docstore.registry.model_classes import optional_members
from docstore.testing.experiments import add_trial, new_experiment, observe, search_space
from docstore.testing.strategies import experiments

PROJECTS: Final = ("light", "ax")
BUNDLE: Final = AxTags()


def first_version(name: str) -> Experiment:
    objective = Objective(metric=Metric("taste", lower_is_better=False))
    experiment = new_experiment(
        name,
        trials=2,
        optimization_config=OptimizationConfig(objective, [OutcomeConstraint("cost <= 0.9 * baseline")]),
        tracking_metrics=[Metric("crumb"), Metric("crust", lower_is_better=True)],
        runner=Runner(),
        status_quo=Arm({"x": 1.0, "flour": "rye"}, "plain"),
    )
    for index, (taste, cost) in enumerate([(1.0, 3.0), (2.0, 5.0)]):
        observe(experiment, index, taste)
        observe(experiment, index, cost, "cost")
    arms = [Arm({"x": x, "flour": "spelt"}) for x in (0.25, 0.75)]
    batch = experiment.new_batch_trial(generator_runs=[GeneratorRun(arms, [1.0, 2.0])])
    batch.add_arm(Arm({"x": 1.0, "flour": "rye"}, "plain"))
    records = [
        {"trial_index": 2, "arm_name": arm.name, "metric_name": metric, "mean": mean, "step": 1}
        for arm, taste in zip(batch.arms, (4.0, 3.0, 2.0), strict=True)
        for metric, mean in {"taste": taste, "cost": 4.0}.items()
    ]
    experiment.attach_data(Data.from_records(records))
    return experiment


def edit(experiment: Experiment) -> None:
    """Change something of each sort that a diff describes in its own words."""
    experiment.search_space.update_parameter(FixedParameter("flour", ParameterType.STRING, "rye"))
    experiment.optimization_config = OptimizationConfig(Objective("-taste"), [OutcomeConstraint("cost <= 4")])
    experiment.tracking_metrics[0].lower_is_better = True
    experiment.add_tracking_metric(Metric("smell"))
    experiment.remove_tracking_metric("crust")
    experiment.runner = None
    experiment.trials[0].run_metadata["oven"] = Arm({"x": 0.5})
    experiment.trials[2].mark_arm_abandoned("2_0", reason="burnt")
    observe(experiment, 1, 7.0)
    add_trial(experiment, 0.5)


def fill(engine: sa.Engine) -> dict[str, docstore.Store]:
    """Save ``rolls`` in one version and ``cakes`` in two, in both projects; return a store of each."""
    rolls, cakes = first_version("rolls"), first_version("cakes")
    texts = [docstore.dumps(rolls), docstore.dumps(cakes)]
    edit(cakes)
    texts.append(docstore.dumps(cakes))
    stores = {project: opened(engine, project) for project in PROJECTS}
    for store in stores.values():
        for text, based_on in zip(texts, (None, None, 1), strict=True):
            store.save(docstore.loads(text), based_on=based_on)
    return stores


def opened(engine: sa.Engine, project: str) -> docstore.Store:
    return docstore.Store(engine, project=project, bundle=BUNDLE if project == "ax" else None)


def under_docstores_tags(text: str) -> str:
    return re.sub(r"""(["'])ax\.""", r"\1", text)


class TestReadWithoutTheClasses:
    """By a program that has not imported Ax."""

    @pytest.fixture
    def light(self, shared_stores, backend):
        """The store of the project of docstore's tags, which all these tests read."""
        with shared_stores.filled(backend, "tags of Ax", lambda store: fill(store.engine)) as store:
            yield docstore.Store(store.engine, project="light")

    @pytest.fixture
    def ax(self, light):
        """A store of the project of Ax's tags, in which no class has them."""
        return docstore.Store(light.engine, project="ax")

    def test_its_json_differs_by_the_tags_only(self, light, ax):
        one, other = (dumps(store.get("cakes")).decode() for store in (light, ax))

        assert '"__type":"ax.Trial"' in other
        assert under_docstores_tags(other) == one

    @pytest.mark.parametrize("name", ["rolls", "cakes"])
    def test_its_best_arms_are_the_same(self, light, ax, name):
        assert ax.best(name, 9) == light.best(name, 9) != []

    def test_it_is_found_as_similar(self, light, ax):
        one, other = ([each[:3] for each in store.similar(search_space())] for store in (light, ax))

        assert other == one == [("cakes", ("x", "flour"), 1.0), ("rolls", ("x", "flour"), 1.0)]

    @pytest.mark.parametrize("frame", ["trials", "observations"])
    def test_its_frames_are_the_same(self, light, ax, frame):
        frames = [getattr(store, frame)("cakes").drop(columns=["project", "id"]) for store in (light, ax)]

        pd.testing.assert_frame_equal(*frames)

    def test_its_diff_has_the_same_words(self, light, ax):
        words = ax.diff("cakes", 1, 2).words

        assert words == light.diff("cakes", 1, 2).words
        assert "metric crumb: lower_is_better null -> true" in words
        assert "runner: removed, Runner()" in words

    def test_a_member_that_is_none_is_not_written_and_is_found(self, ax):
        assert ax.get("cakes", pointer="/runner") is None
        assert [each.name for each in ax.find("experiment", where={"/runner": None})] == ["cakes"]

    def test_it_is_whole(self, light, ax):
        assert ax.verify() == opened(light.engine, "ax").verify(decode=True) == []

    @pytest.mark.parametrize("view", sorted(views("sqlite").keys() - {"versions_log"}))
    def test_a_view_shows_the_same(self, light, view):
        query = sa.text(f"SELECT * FROM {view} WHERE project = :project")
        with light.engine.connect() as connection:
            one, other = (connection.execute(query, {"project": each}).mappings().all() for each in PROJECTS)

        assert sorted(map(shown, other)) == sorted(map(shown, one)) != []


def shown(row):
    """What two projects have in common in a row."""
    left_out = ("project", "id", "model", "created_at", "updated_at")
    return under_docstores_tags(repr({name: value for name, value in row.items() if name not in left_out}))


def test_a_parameter_of_another_class_of_ax_is_shown_under_the_name_of_the_class(store, forgotten):
    stepped = docstore.register(type("Stepped", (FixedParameter,), {}), tag="ax.SteppedParameter")
    store.save(Experiment(SearchSpace([stepped("x", ParameterType.FLOAT, 1.0)]), "cakes"))

    with store.engine.connect() as connection:
        shown = connection.execute(sa.text("SELECT class FROM search_space")).scalar_one()

    assert shown == "SteppedParameter"


@pytest.mark.fuzz
def test_any_two_experiments_differ_in_the_same_words():
    """Whatever is in them."""

    def law(one: Experiment, other: Experiment) -> None:
        diffs = [
            of_documents(
                EXPERIMENT, *(loads(docstore.dumps(each, bundle)) for each in (one, other)), optional_members()
            )
            for bundle in (None, BUNDLE)
        ]
        assert diffs[0].words == diffs[1].words

    fuzz(law, experiments(), experiments(), in_ci=3)


class TestTwoPeopleSaveIt:
    @pytest.fixture
    def engine(self, store):
        fill(store.engine)
        return store.engine

    @pytest.fixture
    def sides(self, engine):
        """By project, two stores, each with the newest version."""
        stores = {project: [opened(engine, project) for _ in range(2)] for project in PROJECTS}
        return {project: [(store, store.load("cakes")) for store in pair] for project, pair in stores.items()}

    def test_trials_of_one_number_are_both_kept(self, sides):
        found = {}
        for project, pair in sides.items():
            for x, (store, experiment) in enumerate(pair):
                experiment.new_trial(parameters={"x": x / 4, "flour": "rye"})
                store.save(experiment)
            found[project] = {index: [arm.name for arm in trial.arms] for index, trial in experiment.trials.items()}

        assert found["ax"] == found["light"]
        assert list(found["ax"]) == [0, 1, 2, 3, 4, 5]

    def test_a_place_that_both_changed_is_named(self, sides):
        errors = {}
        for project, ((one, mine), (other, theirs)) in sides.items():
            theirs.tracking_metrics[0].lower_is_better = None
            other.save(theirs)
            mine.tracking_metrics[0].lower_is_better = False
            with pytest.raises(ConflictError) as caught:
                one.save(mine)
            errors[project] = str(caught.value)

        assert errors["ax"] == errors["light"]

    def test_branches_are_merged_without_the_classes(self, sides, engine):
        words = {}
        for project, ((store, cakes), _) in sides.items():
            store.branch("cakes", "buns")
            buns = store.load("buns")
            for experiment in (buns, cakes):
                add_trial(experiment, 0.25)
                store.save(experiment)
            plain = docstore.Store(engine, project=project)
            number = plain.merge("buns", into="cakes").number
            words[project] = plain.diff("cakes", number - 1, number).words

        assert words["ax"] == words["light"]
        assert words["ax"][0].startswith("trial 5: added, COMPLETED")
