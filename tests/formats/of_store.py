"""How the kept databases are made: the saves of several documents, with whatever a history can hold.

Never edited, like the databases: each version in them is held to what these saves make today.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import docstore
from docstore.model import AnalysisCard, Data, Experiment, ExperimentStatus, GenerationStrategy, Metric, Trial
from formats.classes_0_1_0 import BakingType, Course, Heat, Kitchen, Menu, Recipe, Size, SourceType, Step
from formats.of_model import START, arm, generation_strategy, minute, run, small_space, timed
from formats.of_users import recipe

PROJECTS = ("default", "elsewhere")

OPTIONS = {"experiment_type_enum": BakingType, "generator_run_type_enum": SourceType, "author": "Ann \u2603"}


def fill(connect: Callable[[str], docstore.Store]) -> None:
    """Save everything; *connect* gives the store of a project, on one database for all."""
    store, elsewhere = map(connect, PROJECTS)
    for saves in (_bread, _burnt, _strategy, _card, _recipe, _kitchen, _note, _menu, _rolls):
        saves(store)
    _elsewhere(elsewhere)


def _experiment(name: str) -> Experiment:
    made = Experiment(small_space(), name, tracking_metrics=[Metric("taste", False)], experiment_type="BREAD")
    made.time_created = START
    return made


def _trial(experiment: Experiment, x: float) -> Trial:
    """Add a trial, with the times of the others left as they are."""
    trial = experiment.new_trial(run([arm(x)]))
    trial.time_created = minute(trial.index)
    return trial


def _observe(experiment: Experiment, trial: Trial, mean: float) -> None:
    record = {"trial_index": trial.index, "arm_name": trial.arms[0].name, "metric_name": "taste"}
    experiment.attach_data(Data.from_records([{**record, "mean": mean, "sem": None}]))


def _bread(store: docstore.Store) -> None:
    """Parts are added, changed and removed, and the head; then an older state is the newest."""
    bread = _experiment("bread")
    store.save(bread, message="an empty oven")
    first = _trial(bread, 0.25).mark_running(started_time=minute(5))
    store.save_trial(bread, first)
    _observe(bread, first, math.nan)
    first.mark_completed(time_completed=minute(6))
    bread.description, bread.status = "a stone oven", ExperimentStatus.OPTIMIZATION
    bread.properties = {"oven": (1, 2.5), "gone": {"a/b": 1}}
    store.save(bread, message="first loaf")
    bread.new_batch_trial(generator_runs=[run([arm(0.5), arm(0.75)], type="MANUAL"), run([arm(0.875)])])
    timed(bread)
    _observe(bread, first, 0.71)
    del bread.properties["gone"]
    bread.properties["new"] = -0.0
    store.save(bread, author="Bob")
    bread._trials.pop(1)
    bread.experiment_type = None
    store.save(bread)
    store.revert("bread", 3)


def _burnt(store: docstore.Store) -> None:
    """A document is deleted, and another has its name."""
    burnt = _experiment("burnt")
    for description in ("first", None, "second", None):
        burnt.description = description
        store.save(burnt, message=f"{description}")
    store.delete("burnt")
    again = _experiment("burnt")
    again.experiment_type = "CAKE"
    store.save(again)


def _strategy(store: docstore.Store) -> None:
    """A document that belongs to another."""
    strategy: GenerationStrategy = generation_strategy()
    strategy.experiment_name = "bread"
    store.save(strategy)
    strategy.current_node_name = "Sobol"
    store.save(strategy)
    for x in (0.125, 0.375):
        strategy.add_generator_run(run([arm(x)], generation_node_name=None))
        store.save(strategy)


def _card(store: docstore.Store) -> None:
    """A document without parts, whose list becomes longer and shorter."""
    card = AnalysisCard("effects", "Effects", df=[{"x": 1.0}], timestamp=START)
    store.save(card)
    for rows in ([{"x": 1.0}, {"x": math.inf}], [{"x": math.inf}], []):
        card.df = rows
        store.save(card)


def _recipe(store: docstore.Store) -> None:
    """Items of a list that are parts: the last one added, the first one removed, one changed, all reversed."""
    soup: Recipe = recipe()
    store.save(soup)
    soup.steps.append(Step("wash", heat=Heat.HIGH))
    store.save(soup)
    soup.steps.pop(0)
    del soup.notes["a/b~c"]
    store.save(soup)
    soup.steps[0].minutes = 1e16
    soup.state, soup.category, soup.notes["new"] = "draft", Course.SOUP, [None]
    store.save(soup)
    soup.steps.reverse()
    store.save(soup)
    store.revert("pea soup", 2, kind="recipe")


def _kitchen(store: docstore.Store) -> None:
    """Parts under integers and under the members of an enum."""
    kitchen = Kitchen(12, {1: [Size(0.5)]})
    store.save(kitchen)
    kitchen.shelves[-3], kitchen.menus[Course.CAKE] = [], Step("ice")
    store.save(kitchen)
    kitchen.shelves[1].append(Size(2.5, -0.0))
    store.save(kitchen)
    del kitchen.shelves[1], kitchen.menus[Course.CAKE]
    store.save(kitchen)


def _note(store: docstore.Store) -> None:
    """A JSON value that no class makes, and that becomes one of another type."""
    store.put("note", "flour \u2603", {"supplier": "mill", "protein": 0.125})
    store.put("note", "flour \u2603", {"supplier": None, "protein": (0.125, math.nan), "when": START})
    store.put("note", "flour \u2603", {"protein": 1e16, "deep": [{"a": [1, 2, 3]}]})
    store.put("note", "flour \u2603", {"protein": Decimal("1e16"), "deep": [{"a": [3]}, "\0"]})
    store.put("note", "flour \u2603", ["no object", 2**64])


def _menu(store: docstore.Store) -> None:
    """A class of schema 3."""
    menu = Menu("monday", 450)
    store.save(menu)
    for cents in (475, 500, 525):
        menu.cents, menu.price = cents, Decimal(cents) / 100
        menu.extras.append(cents)
        store.save(menu)


def _elsewhere(store: docstore.Store) -> None:
    """A document of a name that another project has too."""
    bread = _experiment("bread")
    store.save(bread)
    for x in (0.25, 0.5, 0.75):
        trial = _trial(bread, x)
        store.save_trial(bread, trial)
    bread.is_test = True
    store.save(bread)


def _rolls(store: docstore.Store) -> None:
    """A document is tagged, branched, merged with a trial of one number, and folded."""
    rolls = _experiment("rolls")
    _observe(rolls, _trial(rolls, 0.25), 0.5)
    for salt in range(4):
        rolls.properties["salt"] = salt
        store.save(rolls)
    store.tag("rolls", "published \u2603", version=2)
    store.branch("rolls", "rolls, sweet", message="with sugar")
    sweet = store.load("rolls, sweet")
    for experiment, x in ((rolls, 0.5), (sweet, 0.75)):
        _observe(experiment, _trial(experiment, x), x)
        store.save(experiment)
    store.merge("rolls, sweet", into="rolls")
    store.compact("rolls", keep=2)
