"""Ax's experiments are stored, merged, searched and shown as those of docstore's own classes are.

Each scenario is written once, and runs with the classes of either. What is read without classes is compared.
"""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from ax.core.analysis_card import AnalysisCard
from ax.utils.testing import modeling_stubs
from families import AX, FAMILIES, LIGHT, Family

import docstore
from docstore.ax.analysis import belong_to
from docstore.documents.canonical import dumps
from docstore.errors import ConflictError, DocumentExistsError, DocumentNotFoundError


@pytest.fixture(params=FAMILIES, ids=repr)
def family(request: pytest.FixtureRequest) -> Family:
    """The classes that the experiment is made of."""
    made: Family = request.param
    return made


# --- read without the classes ----------------------------------------------------------------------------------------


def edit(family: Family, experiment: Any) -> None:
    """Change something of each sort that a diff describes in its own words."""
    wider = family.RangeParameter("x", family.ParameterType.FLOAT, lower=0.0, upper=2.0)
    experiment.search_space.update_parameter(wider)
    experiment.search_space.add_parameter_constraints([family.ParameterConstraint("x >= 0.01")])
    taste, crumb = family.Metric("taste", lower_is_better=False), family.Metric("crumb", lower_is_better=True)
    experiment.add_tracking_metric(family.Metric("smell", lower_is_better=True))
    experiment.optimization_config = family.goals(taste, crumb, bound=7.0)
    experiment.description = "with seeds"
    experiment.status = family.ExperimentStatus.COMPLETED
    experiment.trials[0].update_run_metadata({"oven": "gas"})
    family.observe(experiment, 1, 7.0)
    family.add_trial(experiment, 0.5, taste=3.0, crumb=1.0)


def fill(engine: sa.Engine) -> None:
    """Save ``rolls`` in one version and ``cakes`` in two, in a project for each family."""
    for family in FAMILIES:
        store = docstore.Store(engine, project=family.model)
        status_quo = family.Arm({"x": 0.75, "flour": "oat", "oven": 3}, "plain")
        cakes = family.experiment("cakes", trials=2, status_quo=status_quo, experiment_type="SWEET")
        family.add_batch(cakes, 0.25, 0.375)
        store.save(cakes)
        store.tag("cakes", "dough")
        edit(family, cakes)
        store.save(cakes)
        store.save(family.experiment("rolls", trials=1))


class TestReadWithoutTheClasses:
    @pytest.fixture
    def engine(self, shared_stores, backend):
        with shared_stores.filled(backend, "both families", lambda store: fill(store.engine)) as store:
            yield store.engine

    @pytest.fixture
    def both(self, engine) -> tuple[docstore.Store, docstore.Store]:
        """The store of docstore's own classes, and that of Ax's."""
        light, ax = (docstore.Store(engine, project=family.model) for family in FAMILIES)
        return light, ax

    @pytest.mark.parametrize("name", ["cakes", "rolls"])
    def test_the_best_arms_are_the_same(self, both, name):
        light, ax = (store.best(name, 9) for store in both)

        assert ax == light != []

    def test_the_experiments_are_similar_to_the_same_search_space(self, both):
        light, ax = ([each[:3] for each in store.similar(LIGHT.space())] for store in both)

        assert [each[0] for each in ax] == ["rolls", "cakes"]
        assert ax == light == [each[:3] for each in both[1].similar(AX.space())]

    @pytest.mark.parametrize("frame", ["trials", "observations"])
    def test_the_frames_are_the_same(self, both, frame):
        frames = [getattr(store, frame)("cakes").drop(columns=["project", "id"]) for store in both]

        pd.testing.assert_frame_equal(*frames)

    @pytest.mark.parametrize(
        "view", ["experiments", "trials", "arms", "parameters_long", "observations", "search_space", "versions_log"]
    )
    def test_the_rows_of_the_views_are_the_same(self, engine, view):
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {view}")).mappings()]

        light, ax = (sorted(map(shown, rows_of(rows, family)), key=repr) for family in FAMILIES)
        assert ax == light != []

    def test_the_view_of_generator_runs_has_the_same_columns_but_for_the_json(self, engine):
        with engine.connect() as connection:
            columns = "project, experiment, trial_index, position, type_name, type, generator_key, arms"
            rows = [
                dict(row) for row in connection.execute(sa.text(f"SELECT {columns} FROM generator_runs")).mappings()
            ]

        light, ax = (sorted(map(shown, rows_of(rows, family)), key=repr) for family in FAMILIES)
        assert ax == light != []

    def test_the_class_of_a_parameter_is_named_without_its_library(self, engine):
        with engine.connect() as connection:
            found = connection.execute(sa.text("SELECT DISTINCT class FROM search_space WHERE project = 'ax'"))

        assert set(found.scalars()) == {"range", "choice", "fixed"}

    def test_the_view_of_documents_has_the_text_of_the_file(self, engine, both):
        query = sa.text("SELECT json FROM document_json WHERE project = 'ax' AND name = 'cakes'")
        with engine.connect() as connection:
            json = connection.execute(query).scalar_one()

        # PostgreSQL's driver reads it.
        text = json.encode() if isinstance(json, str) else dumps(json)
        assert text == docstore.dumps(both[1].load("cakes"))

    def test_the_diff_has_the_same_words(self, both):
        light, ax = (store.diff("cakes", "dough", 2).words for store in both)

        # An objective of Ax knows the names of its metrics only.
        assert list(ax) == [line for line in light if not line.startswith("objective: metric")]
        assert "trial 1: mean of taste 1.0 -> 7.0" in ax
        assert "ax." not in "".join(ax)

    def test_a_version_is_loaded_and_read_from_a_place(self, both):
        light, ax = both

        assert ax.load("cakes", version=1).num_trials == light.load("cakes", version=1).num_trials == 3
        assert ax.load("cakes", tag="dough").description is None
        assert ax.get("cakes", pointer="/description") == light.get("cakes", pointer="/description") == "with seeds"

    def test_history_and_blame_say_the_same(self, both):
        histories = [[(each.number, each.author, each.message) for each in store.history("cakes")] for store in both]
        blames = [[each.version.number for each in store.blame("cakes", "/description")] for store in both]

        assert histories[1] == histories[0]
        assert blames[1] == blames[0] == [2, 1]

    @pytest.mark.parametrize(
        "question",
        [
            {"type": "SWEET"},
            {"status": "OPTIMIZATION"},
            {"where": {"/properties/team": "bread"}},
            {"where": {"/description": None}},
            {"where": {"/runner": None}},
            {"where": docstore.q("/description") == "with seeds"},
        ],
        ids=repr,
    )
    def test_the_same_experiments_are_found(self, both, question):
        light, ax = ([info.name for info in store.find("experiment", **question)] for store in both)

        assert ax == light != []

    def test_the_same_trials_are_found(self, both):
        light, ax = (
            [(info.name, info.path) for info in store.find("experiment", part="trial", status="RUNNING")]
            for store in both
        )

        assert ax == light == [("cakes", "/trials/2")]

    def test_nothing_is_damaged(self, both):
        assert both[1].verify(decode=True) == []


def rows_of(rows: list[dict[str, Any]], family: Family) -> list[dict[str, Any]]:
    return [row for row in rows if row["project"] == family.model]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what is another in each project, or at each save."""
    others = {"project", "id", "model", "created_at", "updated_at", "digest", "changes"}
    # Ax says of a choice, too, whether it is on a log scale.
    alike = {"log_scale": bool(row["log_scale"])} if "log_scale" in row else {}
    return {key: value for key, value in row.items() if key not in others} | alike


# --- two writers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mine(family, ada):
    """An experiment of three trials, saved by Ada; the last one is a batch that still runs."""
    made = family.experiment(trials=2)
    family.add_batch(made, 0.25, 0.375)
    ada.save(made)
    return made


@pytest.fixture
def they_save(bob, mine) -> Callable[..., Any]:
    """Lets Bob change the experiment, and save it: ``they_save(lambda theirs: ...)``."""

    def they_save(*changes: Callable[[Any], Any]) -> Any:
        theirs = bob.load("cakes")
        for change in changes:
            change(theirs)
        bob.save(theirs)
        return theirs

    return they_save


class TestBothChangedOneExperiment:
    def test_it_is_brought_up_to_date_in_place(self, family, ada, mine, they_save):
        trials, space = dict(mine.trials), mine.search_space
        theirs = they_save(
            lambda each: each.trials[2].mark_completed(),
            lambda each: each.trials[2].update_run_metadata({"oven": "gas"}),
            lambda each: family.add_trial(each, 0.5, taste=3.0, cost=1.0),
        )
        mine.description = "mine"

        ada.save(mine)

        assert mine.search_space is space
        assert all(mine.trials[index] is trial for index, trial in trials.items())
        assert mine.trials[2].run_metadata == {"oven": "gas"}
        assert mine.trials[3] is not theirs.trials[3]
        assert mine.trials[3].experiment is mine
        assert family.means(mine)[3, "taste"] == 3.0
        assert family.differences(ada.load("cakes"), mine) == []

    def test_new_trials_get_the_next_numbers(self, family, ada, mine, they_save):
        they_save(lambda each: family.add_trial(each, 0.5, taste=3.0))
        trial = family.add_trial(mine, 0.625, taste=4.0)

        ada.save(mine)

        assert mine.trials[4] is trial
        assert (trial.index, trial.arm.name, mine.arms_by_name["4_0"]) == (4, "4_0", trial.arm)
        assert {key: mean for key, mean in family.means(mine).items() if key[0] > 2} == {
            (3, "taste"): 3.0,
            (4, "taste"): 4.0,
        }
        assert family.differences(ada.load("cakes"), mine) == []

    def test_an_arm_of_the_same_parameters_has_one_name(self, family, ada, mine, they_save):
        they_save(lambda each: family.add_trial(each, 0.5))
        trial = family.add_trial(mine, 0.5)

        ada.save(mine)

        assert trial.arm.name == mine.trials[3].arm.name
        assert family.differences(ada.load("cakes"), mine) == []

    def test_a_runner_of_one_and_a_description_of_the_other_are_kept(self, family, ada, mine, they_save):
        they_save(lambda each: setattr(each, "runner", family.SyntheticRunner() if family is AX else family.Runner()))
        mine.description = "mine"

        ada.save(mine)

        assert (mine.description, type(mine.runner).__name__) == ("mine", runner_of(family))
        assert family.differences(ada.load("cakes"), mine) == []
        assert ada.save(mine).number == 3

    def test_a_description_of_one_and_a_runner_of_the_other_are_kept(self, family, ada, mine, they_save):
        they_save(lambda each: setattr(each, "description", "theirs"))
        mine.runner = family.SyntheticRunner() if family is AX else family.Runner()

        ada.save(mine)

        assert (mine.description, type(mine.runner).__name__) == ("theirs", runner_of(family))
        assert family.differences(ada.load("cakes"), mine) == []

    def test_members_that_are_none_stay_unwritten(self, family, ada, mine, they_save):
        they_save(lambda each: each.trials[2].mark_arm_abandoned("2_0"))
        mine.trials[2].mark_arm_abandoned("2_1")

        ada.save(mine)

        assert [arm.name for arm in mine.trials[2].abandoned_arms] == ["2_0", "2_1"]
        assert family.differences(ada.load("cakes"), mine) == []
        assert ada.save(mine).number == 3

    def test_parameters_and_metrics_that_each_added_are_there(self, family, ada, mine, they_save):
        def add_salt(each: Any) -> None:
            each.search_space.add_parameter(family.FixedParameter("salt", family.ParameterType.BOOL, True))

        they_save(add_salt, lambda each: each.add_tracking_metric(family.Metric("theirs")))
        mine.add_tracking_metric(family.Metric("mine"))

        ada.save(mine)

        assert "salt" in mine.search_space.parameters
        assert {"mine", "theirs"} <= mine.metrics.keys()
        assert family.differences(ada.load("cakes"), mine) == []

    def test_a_bound_of_one_and_a_metric_of_the_other_are_kept(self, family, ada, mine, they_save):
        they_save(lambda each: each.add_tracking_metric(family.Metric("theirs")))
        taste, cost = family.Metric("taste", lower_is_better=False), family.Metric("cost", lower_is_better=True)
        mine.optimization_config = family.goals(taste, cost, bound=7.0)

        ada.save(mine)

        assert "theirs" in mine.metrics
        assert [each.bound for each in mine.optimization_config.outcome_constraints] == [7.0]
        assert family.differences(ada.load("cakes"), mine) == []

    def test_a_constraint_that_each_added_is_there(self, family, ada, mine, they_save):
        they_save(lambda each: add_constraint(family, each, "theirs", 1.0))
        add_constraint(family, mine, "mine", 2.0)

        ada.save(mine)

        assert sorted(each.bound for each in mine.optimization_config.outcome_constraints) == [1.0, 2.0, 9.0]
        assert family.differences(ada.load("cakes"), mine) == []

    @pytest.mark.parametrize(
        ("place", "change"),
        [
            ("/description", lambda each, value: setattr(each, "description", value)),
            ("/properties/team", lambda each, value: properties_of(each).update(team=value)),
            ("/trials/0/run_metadata/oven", lambda each, value: each.trials[0].update_run_metadata({"oven": value})),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_one_place_is_a_conflict_with_its_three_values(self, family, ada, mine, they_save, place, change):
        they_save(lambda each: change(each, "theirs"))
        change(mine, "mine")

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        [conflict] = caught.value.places
        assert (conflict.pointer, conflict.mine, conflict.theirs) == (place, "mine", "theirs")

    def test_one_observation_is_a_conflict_at_its_mean(self, family, ada, mine, they_save):
        they_save(lambda each: family.observe(each, 0, 7.0))
        family.observe(mine, 0, 8.0)

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        [conflict] = caught.value.places
        assert re.fullmatch(r"/data/0/records/\d+/mean", conflict.pointer)
        assert (conflict.mine, conflict.theirs) == (8.0, 7.0)

    def test_a_function_decides(self, family, ada, mine, they_save):
        they_save(lambda each: setattr(each, "description", "theirs"))
        mine.description = "mine"

        ada.save(mine, on_conflict=lambda conflict: f"{conflict.mine} and {conflict.theirs}")

        assert mine.description == "mine and theirs"
        assert family.differences(ada.load("cakes"), mine) == []

    def test_status_says_what_a_save_would_do(self, family, ada, mine, they_save):
        they_save(
            lambda each: family.add_trial(each, 0.5, taste=3.0), lambda each: setattr(each, "description", "theirs")
        )
        family.add_trial(mine, 0.625, taste=4.0)
        mine.description = "mine"

        status = ada.status(mine)

        assert (status.version, status.newest, status.numbers) == (1, 2, {3: 4})
        assert [each.pointer for each in status.conflicts] == ["/description"]

    def test_a_refresh_brings_it_up_to_date_and_saves_nothing(self, family, ada, mine, they_save):
        theirs = they_save(
            lambda each: each.trials[2].mark_completed(), lambda each: family.add_trial(each, 0.5, taste=3.0)
        )
        running, trial = mine.trials[2], family.add_trial(mine, 0.625, taste=4.0)
        mine.description = "mine"

        assert ada.refresh(mine).number == 2

        assert (mine.trials[2], mine.trials[4]) == (running, trial)
        assert (running.status.name, trial.arm.name, mine.description) == ("COMPLETED", "4_0", "mine")
        assert family.differences(ada.load("cakes"), theirs) == []
        assert ada.save(mine).number == 3
        assert family.differences(ada.load("cakes"), mine) == []

    def test_a_trial_alone_is_saved_and_merged(self, family, ada, mine, they_save):
        they_save(lambda each: each.trials[0].update_run_metadata({"oven": "gas"}))
        mine.trials[0].update_run_metadata({"hours": 2})
        mine.description = "not saved"

        ada.save_trial(mine, mine.trials[0])

        assert mine.trials[0].run_metadata == {"oven": "gas", "hours": 2}
        assert (ada.load("cakes").description, mine.description) == (None, "not saved")


def add_constraint(family: Family, experiment: Any, name: str, bound: float) -> None:
    """Add a metric, and a constraint on it."""
    metric, config = family.Metric(name), experiment.optimization_config
    experiment.add_tracking_metric(metric)
    extra = family.goals(family.Metric("taste"), metric, bound=bound).outcome_constraints
    both = [*config.outcome_constraints, *extra]
    experiment.optimization_config = family.OptimizationConfig(config.objective, outcome_constraints=both)


def runner_of(family: Family) -> str:
    return "SyntheticRunner" if family is AX else "Runner"


def properties_of(experiment: Any) -> dict[str, Any]:
    state = vars(experiment)
    return state["_properties" if "_properties" in state else "properties"]


# --- the life of a document ------------------------------------------------------------------------------------------


class TestADocument:
    def test_is_the_same_in_a_file(self, family, mine):
        assert family.differences(mine, docstore.loads(docstore.dumps(mine))) == []

    def test_unchanged_makes_no_version(self, ada, bob, mine):
        assert (ada.save(mine).number, bob.save(bob.load("cakes")).number) == (1, 1)

    def test_loaded_lazily_is_the_same(self, family, ada, mine):
        loaded = ada.load("cakes", lazy=True)

        assert family.differences(mine, loaded) == []
        loaded.trials[0].update_run_metadata({"oven": "gas"})
        assert [change.path for change in ada.save(loaded).changes] == ["/trials/0/run_metadata/oven"]

    def test_is_put_back_to_an_older_version(self, family, ada, mine):
        mine.description = "changed"
        ada.save(mine)

        ada.revert("cakes", 1)

        assert ada.load("cakes").description is None
        assert family.differences(ada.load("cakes", version=2), mine) == []

    def test_is_branched_and_merged(self, family, ada, mine):
        ada.branch("cakes", "buns")
        buns = ada.load("buns")
        family.add_trial(buns, 0.5, taste=3.0)
        ada.save(buns)
        trial = family.add_trial(mine, 0.625, taste=4.0)
        ada.save(mine)

        ada.merge("buns", into="cakes")

        merged = ada.load("cakes")
        assert (merged.trials[3].arm.parameters["x"], merged.trials[4].arm.parameters["x"]) == (0.625, 0.5)
        assert {key: mean for key, mean in family.means(merged).items() if key[0] > 2} == {
            (3, "taste"): 4.0,
            (4, "taste"): 3.0,
        }
        assert trial.index == 3

    def test_is_deleted_brought_back_and_purged(self, family, ada, mine):
        ada.delete("cakes")
        assert ada.names() == []

        ada.undelete("cakes")
        assert family.differences(ada.load("cakes"), mine) == []

        ada.purge("cakes")
        with pytest.raises(DocumentNotFoundError):
            ada.undelete("cakes")

    def test_is_renamed_with_its_object(self, ada, mine):
        ada.rename("cakes", "buns")
        mine.description = "mine"

        ada.save(mine)

        assert mine.name == "buns"
        assert ada.load("buns").description == "mine"

    def test_is_copied_with_its_history(self, family, ada, mine, connect):
        mine.description = "mine"
        ada.save(mine)
        other = connect("sqlite://")

        ada.copy_to(other)

        assert family.differences(other.load("cakes"), mine) == []
        assert family.differences(other.load("cakes", version=1), ada.load("cakes", version=1)) == []
        assert other.verify(decode=True) == []

    def test_is_saved_with_many(self, family, store):
        many = [family.experiment(f"cakes {number}", trials=1) for number in range(3)]

        assert store.save_many(many) == 3
        many[1].description = "changed"
        assert store.save_many(many) == 3

        assert [len(store.history(each.name)) for each in many] == [1, 2, 1]
        assert family.differences(store.load("cakes 1"), many[1]) == []


# --- copies ----------------------------------------------------------------------------------------------------------

COPIES = {"deep copy": copy.deepcopy, "pickle": lambda obj: pickle.loads(pickle.dumps(obj))}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
class TestACopy:
    """It says itself what it came from, in any store on the database."""

    def test_of_a_saved_object_is_merged_with_what_others_saved(self, family, mine, they_save, bob, duplicate):
        twin = duplicate(mine)
        they_save(lambda each: family.add_trial(each, 0.5, taste=3.0))
        family.add_trial(twin, 0.625, taste=4.0)

        assert bob.save(twin).number == 3

        assert twin.trials[4].arm.parameters["x"] == 0.625
        assert family.differences(bob.load("cakes"), twin) == []

    def test_of_a_loaded_object_is_refused_where_both_changed_one_place(self, ada, bob, mine, they_save, duplicate):
        twin = duplicate(bob.load("cakes"))
        they_save(lambda each: setattr(each, "description", "theirs"))
        twin.description = "mine"

        with pytest.raises(ConflictError, match="both changed /description"):
            ada.save(twin)

    def test_saves_a_trial_alone(self, bob, mine, they_save, duplicate):
        twin = duplicate(mine)
        they_save(lambda each: each.trials[0].update_run_metadata({"oven": "gas"}))
        twin.trials[0].update_run_metadata({"hours": 2})

        bob.save_trial(twin, twin.trials[0])

        assert twin.trials[0].run_metadata == {"oven": "gas", "hours": 2}


class TestAnObjectOfAnotherStore:
    def test_is_saved_by_both_in_turn(self, family, ada, bob, mine):
        for number, store in enumerate((bob, ada, bob, ada)):
            mine.trials[0].update_run_metadata({str(number): store.author})
            assert store.save(mine).number == number + 2

        assert family.differences(bob.load("cakes"), mine) == []


# --- Ax alone --------------------------------------------------------------------------------------------------------


def test_a_node_of_a_strategy_that_both_changed_keeps_its_members_that_are_none(ada, bob):
    strategy = modeling_stubs.get_generation_strategy(with_experiment=True)
    strategy._experiment._name = "cakes"
    ada.save(strategy)
    theirs = bob.load("cakes", kind="generation_strategy")
    theirs._name = "theirs"
    bob.save(theirs)
    strategy._nodes[0].should_deduplicate = not strategy._nodes[0].should_deduplicate

    ada.save(strategy)

    assert AX.differences(strategy, ada.load("cakes", kind="generation_strategy")) == []
    assert strategy._nodes[0]._previous_node_name is None


def test_what_ax_keeps_beside_the_trials_is_right_after_a_merge(ada, bob):
    mine = AX.experiment(trials=2)
    ada.save(mine)
    theirs = bob.load("cakes")
    theirs.runner = AX.SyntheticRunner()
    theirs.trials[0].mark_failed("burnt", unsafe=True)
    AX.add_trial(theirs, 0.5)
    theirs.new_trial(AX.run(0.625), ttl_seconds=60)
    bob.save(theirs)
    AX.add_trial(mine, 0.6875)

    ada.save(mine)

    arms = [trial.arm for trial in mine.trials.values()]
    status = mine.trial_indices_by_status
    assert mine._trial_type_to_runner == {None: mine.runner}
    assert mine._trial_type_to_runner[None] is mine.runner
    assert all(mine.arms_by_name[arm.name] is arm is mine.arms_by_signature[arm.signature] for arm in arms)
    assert len(arms) == len(mine.arms_by_name) == len(mine.arms_by_signature) == 5
    assert (status[AX.TrialStatus.FAILED], status[AX.TrialStatus.COMPLETED]) == ({0}, {1, 2, 4})
    assert (status[AX.TrialStatus.CANDIDATE], mine._trials_have_ttl) == ({3}, True)


class TestRowsOfSeveralTrialsThatInterleave:
    """Ax keeps them in the order in which they came."""

    def test_of_others_are_put_in_their_places(self, ada, bob):
        mine = AX.experiment(trials=2)
        ada.save(mine)
        theirs = bob.load("cakes")
        AX.add_trial(theirs, 0.5, taste=3.0)
        AX.observe(theirs, 0, 7.0, "crumb")
        bob.save(theirs)
        mine.description = "mine"

        ada.save(mine)

        assert AX.differences(ada.load("cakes"), mine) == []
        assert [row.trial_index for row in mine.data._data_rows] == [0, 0, 1, 1, 2, 0]

    def test_of_a_trial_that_gets_another_number_are_stored_in_their_places(self, ada, bob):
        mine = AX.experiment(trials=2)
        ada.save(mine)
        theirs = bob.load("cakes")
        AX.add_batch(theirs, 0.25, 0.375)
        bob.save(theirs)
        AX.add_trial(mine, 0.5, taste=3.0)
        AX.observe(mine, 0, 7.0, "crumb")

        ada.save(mine)

        assert [row.trial_index for row in ada.load("cakes").data._data_rows] == [0, 0, 1, 1, 3, 0]


class TestWhatAnObjectOfAxCameFrom:
    def test_is_no_attribute_of_it(self, ada):
        made = AX.experiment(trials=1)
        before = copy.deepcopy(made)
        ada.save(made)

        assert vars(made).keys() == vars(before).keys()
        assert made == before
        assert before == made

    def test_is_not_what_a_clone_came_from(self, ada):
        made = AX.experiment(trials=1)
        ada.save(made)
        clone = made.clone_with(name="cakes")

        with pytest.raises(DocumentExistsError):
            ada.save(clone)


def test_a_copy_of_a_strategy_that_was_loaded_alone_belongs_to_its_experiment(ada, bob):
    strategy = modeling_stubs.get_generation_strategy(with_experiment=True)
    strategy._experiment._name = "cakes"
    ada.save(strategy)
    twin = copy.deepcopy(ada.load("cakes", kind="generation_strategy"))
    twin._generator_runs.append(AX.run(0.5))

    assert bob.save(twin).number == 2


def test_a_copy_of_a_card_is_the_same_document(ada, bob):
    card = AnalysisCard("Sweep", "", "", pd.DataFrame(), "a")
    belong_to(card, "cakes")
    ada.save(card)
    twin = pickle.loads(pickle.dumps(card))
    twin.title = "changed"

    assert bob.save(twin).number == 2
