"""How the kept documents of users' classes are made: of each library, with parts, and by functions of their own.

A release adds functions; it edits none, as the documents of earlier ones are held to what they make.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from docstore.model import Arm, Experiment, Objective, OptimizationConfig
from formats.classes_0_1_0 import (
    Colour,
    Condiment,
    Course,
    Diet,
    Dough,
    Forest,
    Heat,
    Kitchen,
    Larder,
    Line,
    Menu,
    MenuBefore,
    Model,
    OldColour,
    Order,
    Oven,
    OvenRunner,
    Recipe,
    Shelf,
    Size,
    Spice,
    Step,
    TasteMetric,
    Temperature,
    Yeast,
)
from formats.of_model import START, minute, small_space, timed

ID = UUID("12345678-1234-5678-1234-567812345678")
NAMED = timezone(timedelta(hours=1), "CET")


def recipe() -> Recipe:
    """Return a document with parts of a list and of a dict."""
    steps = [Step("cut", 3.5, Heat.LOW), Step("boil \u2603", 40.0), Step("eat")]
    notes = {"by": "Ann", "a/b~c": (1, 1.0), "": {1: 2}, "when": START, "step": Step("again")}
    return Recipe("pea soup", Course.CAKE, "done", steps, notes, {"course": Course.SOUP, "size": Size(1.5)})


def recipe_of_defaults() -> Recipe:
    """Return one with nothing in its parts."""
    return Recipe("empty")


def kitchen() -> Kitchen:
    """Return a document named by a number, with parts under integers and members of an enum."""
    shelves = {-1: [Size(0.5, 0.25)], 10: [], 9: [Size(1.0), Size(math.nan)]}
    return Kitchen(12, shelves, {Course.BREAD: Step("bake", 45.0, Heat.HIGH), Course.CAKE: Step("ice")})


def larder() -> Larder:
    """Return a document in which every value is what its annotation says."""
    return Larder(
        key=ID,
        opened=START,
        best_before=date(2026, 3, 31),
        price=Decimal("1.50"),
        course=Course.BREAD,
        by_course={Course.CAKE: 2, Course.SOUP: 2**64},
        by_shelf={1: "flour", -2: "a\0", 2**63 - 1: ""},
        nested={1: {Course.SOUP: [START, minute(1)], Course.CAKE: []}, 0: {}},
        prices=[Decimal("0.10"), Decimal("-0E+5")],
        moments=(START, datetime(2026, 3, 1), START.astimezone(timezone(timedelta(hours=-3)))),
        pair=(1, "one"),
        labels={"dry", "cold", "\ud800"},
        days=frozenset({date(2026, 3, 2), date(2026, 3, 1)}),
        inner=Step("peel", -0.0, Heat.HIGH),
        items=[Step("cut"), Step("boil", 1e16)],
        size=Size(2.5),
        diet=Diet.VEGAN | Diet.NUTS,
        either=START,
        both=[1, Decimal("1"), 2**70],
        maybe=START,
        nothing=None,
        literal="cold",
        anything=[Course.SOUP, Heat.LOW, Diet(0), Size(1.0, -0.0), (START,), {Course.CAKE: 1}],
        plain={"k": (1,), "n": math.nan},
        _private=Course.CAKE,
    )


def larder_of_others() -> Larder:
    """Return one in which no value is what its annotation says, and each comes back all the same."""
    values: dict[str, Any] = {
        "key": UUID(int=7),
        "opened": START.replace(tzinfo=NAMED),
        "best_before": START,
        "price": 1.5,
        "course": "BREAD",
        "by_course": {"CAKE": 2, Course.SOUP: 1},
        "by_shelf": {2**63: "beyond 64 bits", True: "no integer"},
        "nested": {"__type": {Course.SOUP: 1}},
        "prices": [0.1, "0.10", None],
        "moments": [START, "2026-03-01"],
        "pair": [1, "one"],
        "labels": ["dry", "dry"],
        "days": {date(2026, 3, 1)},
        "inner": {"text": "a dict"},
        "items": (Step("cut"),),
        "size": (2.5, 1.0),
        "diet": 5,
        "either": b"bytes",
        "both": {"of": 1},
        "maybe": "2026-03-01T12:00:00",
        "nothing": "no UUID",
        "literal": Course.SOUP,
        "anything": None,
        "plain": {1: "one"},
        "_private": Heat.LOW,
    }
    return Larder(**values)


# --- other libraries, and functions ----------------------------------------------------------------------------------


def oven() -> Oven:
    """Return a document of an attrs class."""
    made = Oven("big", 220, ID, [Size(40.0, 35.0)], checked=START)
    made.racks.append(Size(1.0))
    return made


def order() -> Order:
    """Return a Pydantic model with fields that it does not declare, and one that was not set."""
    extras: dict[str, Any] = {"for": "Ann", "shared": (1, START)}
    return Order(table="4b", lines=[Line(dish=Course.CAKE, n=2), Line(dish=Course.SOUP)], due=START, **extras)


def shelf() -> Shelf:
    """Return a msgspec Struct with parts."""
    return Shelf(name="left", cool_until=START, boxes={3: Size(1.5, 2.5), 0: Size(0.0)}, _hidden=4)


def by_functions() -> Any:
    """Return objects that functions of the user's write, and classes as values."""
    dough = Dough(["rye", "water"])
    dough.hours = 12.5
    return {
        "one value": [Temperature(273.15), Temperature(math.inf)],
        "a dict": dough,
        "by its constructor": [Yeast(7.5, fresh=False), Yeast(0.5)],
        "enums": [Course.SOUP, Heat.HIGH, Diet.VEGAN, Diet.VEGAN | Diet.HALAL, {Course.CAKE, Heat.LOW}],
        "namedtuples": [Size(1.5), (Size(2.5, 3.5),), {Size(0.5): "key"}],
    }


def of_classes() -> Any:
    """Return values that are classes."""
    return {"use": Forest, "or": [Model, (Forest, 1)]}


def experiment_of_users_classes() -> Experiment:
    """Return an experiment with a user's runner and metrics, and a user's objects in its properties."""
    taste = TasteMetric("taste", False, {"of": Course.CAKE}, "t", ("Ann", "Bob"))
    made = Experiment(
        small_space(),
        "users' classes",
        OptimizationConfig(Objective(metric=taste)),
        [TasteMetric("smell", True)],
        OvenRunner("oven-3", START),
        Arm({"x": 0.5, "flour": "rye"}, "now"),
        properties={"step": Step("cut", heat=Heat.LOW), "yeast": [Yeast(1.5)], "size": Size(1.5)},
    )
    trial = made.new_trial(parameters={"x": 0.25, "flour": "spelt"})
    trial.run_metadata = {"at": Temperature(500.0), "by": {Course.CAKE: (Step("bake"),)}}
    return timed(made)


# --- one class in two releases of the user's -------------------------------------------------------------------------


def menu() -> Menu:
    """Return a menu of schema 3."""
    extras = [Spice(2.5), {"colour": Colour.RED}]
    return Menu("monday", 450, Colour.RED, extras, Decimal("4.50"), {Course.SOUP: Spice(1.5)})


def menu_for_both() -> Menu:
    """Return one in which all that a program of schema 2 does not know is a field that it does not have."""
    return Menu("tuesday", 450, None, [Course.CAKE], Decimal("4.50"), {Course.SOUP: Spice(1.5)})


def menu_before() -> MenuBefore:
    """Return a menu of schema 2, of the user's last release."""
    return MenuBefore("monday", 450, OldColour.CRIMSON, [Condiment(2.5), {"colour": OldColour.CRIMSON}])


def menu_since() -> Menu:
    """Return what the user's next release makes of it."""
    return Menu("monday", 450, Colour.RED, [Spice(2.5), {"colour": Colour.RED}], Decimal("4.50"), {})
