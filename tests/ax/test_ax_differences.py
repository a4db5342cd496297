"""Each line of the page "Where the light model differs from Ax" is what the two models do."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pytest
from ax.exceptions.core import AxError
from families import AX, LIGHT, Family

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "ax-differences.md").read_text()

REFUSED: Final = "an error"


def choice(family: Family, type_: str, values: list[Any], **options: Any) -> Any:
    return family.ChoiceParameter("c", family.ParameterType[type_], values, **options)


def int_range(family: Family) -> Any:
    return family.RangeParameter("r", family.ParameterType.INT, lower=1.0, upper=5.0)


def fixed(family: Family, value: Any) -> Any:
    return family.FixedParameter("f", family.ParameterType.INT, value)


def weights(family: Family, expression: str) -> dict[str, float]:
    """Return the weights of the parameters in a constraint."""
    return dict(family.ParameterConstraint(expression).constraint_dict)


def metrics(family: Family, expression: str) -> list[str]:
    """Return the metrics in an objective."""
    names = (expression, "m:a", "m:b")
    found: list[str] = family.Objective(
        expression, metric_name_to_signature={each: each for each in names}
    ).metric_names
    return found


def arm_in(family: Family, parameter: Any, value: Any) -> Any:
    """Return the value that an arm has in a trial."""
    experiment = family.Experiment(search_space=family.SearchSpace([parameter]), name="cakes")
    run = family.GeneratorRun([family.Arm({parameter.name: value})])
    return experiment.new_trial(run).arm.parameters[parameter.name]


def second_arm(family: Family) -> list[float]:
    trial = family.experiment().new_trial(family.run(0.25))
    trial.add_arm(family.Arm({"x": 0.5, "flour": "rye", "oven": 3}))
    return [arm.parameters["x"] for arm in trial.arms]


def data(family: Family, **columns: list[Any]) -> Any:
    """Return the data of a frame with the columns that both need, and *columns*."""
    own = {"trial_index": [0, 0], "arm_name": ["0_0", "0_0"], "metric_name": ["a", "a"], "mean": [1.0, 2.0]}
    return family.Data(df=pd.DataFrame({**own, "sem": [0.1, 0.1], **columns}))


SIGNATURES: Final = {"metric_signature": ["a", "a"]}
STEPS: Final = {**SIGNATURES, "step": [1.0, 2.0]}

Decision = tuple[str, Callable[[Family], Any], Any, Any]

DECISIONS: Final[list[Decision]] = [
    # a text in the first cell of the line, what is called, what Ax gives, what docstore gives
    ("INT, [3, 1, 2])`", lambda f: choice(f, "INT", [3, 1, 2]).values, [1, 2, 3], [3, 1, 2]),
    ("is_ordered=False)", lambda f: choice(f, "STRING", ["b", "a"], is_ordered=False).is_ordered, True, False),
    (
        "is_ordered=True, sort_values=False",
        lambda f: choice(f, "INT", [3, 1, 2], is_ordered=True, sort_values=False).values,
        REFUSED,
        [3, 1, 2],
    ),
    ("[1, 1, 2]", lambda f: choice(f, "INT", [1, 1, 2]).values, [1, 2], [1, 2]),
    (
        "lower=1.0, upper=5.0",
        lambda f: repr([int_range(f).lower, int_range(f).upper, fixed(f, 3.0).value]),
        "[1, 5, 3]",
        "[1, 5, 3]",
    ),
    ("INT, 3.7)", lambda f: fixed(f, 3.7).value, 3, REFUSED),
    ("[1, 2.5]", lambda f: choice(f, "INT", [1, 2.5]).values, [1, 2], REFUSED),
    (
        "lower=nan",
        lambda f: f.RangeParameter("r", f.ParameterType.FLOAT, lower=math.nan, upper=5.0).upper,
        5.0,
        REFUSED,
    ),
    ("an INT range", lambda f: repr(arm_in(f, int_range(f), 3.0)), "3.0", "3.0"),
    ("an INT choice", lambda f: arm_in(f, choice(f, "INT", [1, 2, 3]), 3.0), REFUSED, REFUSED),
    ('"x/2 + y <= 3"', lambda f: weights(f, "x/2 + y <= 3"), {"x/2": 1.0, "y": 1.0}, {"x": 0.5, "y": 1.0}),
    ('"0*x + y <= 3"', lambda f: weights(f, "0*x + y <= 3"), {"y": 1.0}, {"x": 0.0, "y": 1.0}),
    ('"x - x + y"', lambda f: weights(f, "x - x + y <= 3"), {"y": 1.0}, {"x": 0.0, "y": 1.0}),
    ('"m:a - m:b"', lambda f: metrics(f, "m:a - m:b"), ["m:a - m:b"], ["m:a", "m:b"]),
    ("trial.add_arm", second_arm, [0.5], REFUSED),
    ("`Data(df=frame)`", lambda f: data(f).empty, REFUSED, False),
    (
        "`Data(df=frame)`",
        lambda f: "oven" in data(f, **SIGNATURES, oven=["gas", "wood"]).full_df.columns,
        False,
        True,
    ),
    ("`data.df`", lambda f: data(f, **STEPS).df["mean"].tolist(), [2.0], [2.0]),
    ("`data.df`", lambda f: data(f, **STEPS).full_df["mean"].tolist(), [1.0, 2.0], [1.0, 2.0]),
]


@pytest.mark.parametrize(("line", "call", "ax", "light"), DECISIONS, ids=[each[0] for each in DECISIONS])
class TestALineOfThePage:
    def test_says_what_ax_does(self, line, call, ax, light):
        assert outcome(AX, call) == ax

    def test_says_what_docstore_does(self, line, call, ax, light):
        assert outcome(LIGHT, call) == light

    def test_is_there(self, line, call, ax, light):
        assert any(line in each for each in lines())


def test_each_line_is_tested():
    untested = [each for each in lines() if not any(line in each for line, *_ in DECISIONS)]

    assert untested == ["a second strategy for one experiment"]  # which is stored, or refused, by a store


def outcome(family: Family, call: Callable[[Family], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(family)
        except (AxError, ValueError):
            return REFUSED


def lines() -> list[str]:
    """Return the first cells of the lines about the models, without those about storing."""
    models = PAGE.partition("## Storing")[0]
    cells = re.findall(r"^\| (.+?) \|", models, flags=re.MULTILINE)
    return [cell for cell in cells if cell != "you write"]
