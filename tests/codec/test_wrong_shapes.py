"""A text that a person wrote has a value of another type where an experiment cannot do without the right one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

import pytest

import docstore
from docstore import (
    Arm,
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    Runner,
    SearchSpace,
)
from docstore.errors import DecodeError

SPOILT = [
    ("/trials", [], "no JSON object"),
    ("/trials/0", 7, "should be a BaseTrial, and is 7"),
    ("/trials/0/generator_run", 5, "should be a GeneratorRun, and is 5"),
    ("/trials/0/generator_run/arms", 5, "should be a list, and is 5"),
    ("/trials/0/generator_run/arms/0", {"name": "0_0"}, "should be an Arm, and is {'name': '0_0'}"),
    ("/trials/0/generator_run/arms/0/parameters", None, "should be a JSON object, and is None"),
    ("/trials/0/generator_run/best_arm_predictions", [5, None], "/0: should be an Arm, and is 5"),
    ("/search_space", None, "should be a SearchSpace, and is None"),
    ("/search_space/parameters", {"x": 1}, "should be a list, and is {'x': 1}"),
    ("/search_space/parameters/0", 5, "should be a Parameter, and is 5"),
    ("/optimization_config/objective/metrics/0", "m", "should be a Metric, and is 'm'"),
    ("/status_quo", [], "should be an Arm, and is []"),
]


@pytest.fixture
def members() -> Any:
    """The members of an experiment with one trial, which a test may spoil."""
    x = RangeParameter(name="x", parameter_type=ParameterType.FLOAT, lower=0.0, upper=1.0)
    goal = OptimizationConfig(Objective(metric=Metric("m"), minimize=True))
    experiment = Experiment(SearchSpace([x]), "bread", optimization_config=goal, status_quo=Arm({"x": 0.25}, name="sq"))
    experiment.new_trial(parameters={"x": 0.5})
    return json.loads(docstore.dumps(experiment))


def put(members: Any, pointer: str, value: Any) -> str:
    """Return the text of *members* with *value* at *pointer*."""
    *path, last = pointer.split("/")[1:]
    owner = members
    for token in path:
        owner = owner[int(token) if isinstance(owner, list) else token]
    owner[int(last) if isinstance(owner, list) else last] = value
    return json.dumps(members)


class TestAValueOfAnotherTypeThanAnExperimentNeeds:
    @pytest.mark.parametrize(("pointer", "value", "told"), SPOILT, ids=[pointer for pointer, _, _ in SPOILT])
    def test_is_refused_at_its_place_with_what_was_expected(self, members, pointer, value, told):
        with pytest.raises(DecodeError) as caught:
            docstore.loads(put(members, pointer, value))

        assert caught.value.pointer.startswith(pointer)
        assert told in str(caught.value)

    def test_is_found_beside_an_object_that_cannot_be_looked_into(self, members, forgotten):
        @dataclass(init=False)
        class Watchdog(Runner):
            pid: int

            def __init__(self, **given: int) -> None:
                self.pid = given["pid"]

        docstore.register(Watchdog, encode=lambda dog: {"pid": 1}, decode=lambda given: Watchdog(**given))
        put(members, "/runner", {"__type": "Watchdog", "pid": 1})

        with pytest.raises(DecodeError, match="at /status_quo: should be an Arm, and is 5"):
            docstore.loads(put(members, "/status_quo", 5))

    def test_is_refused_together_with_the_others(self, members):
        put(members, "/status_quo", 5)

        with pytest.raises(DecodeError) as caught:
            docstore.loads(put(members, "/trials/0", 7))

        assert [error.pointer for error in caught.value.errors] == ["/status_quo", "/trials/0"]


class Opts(TypedDict):
    depth: int


class Sized(Protocol):
    size: int


@dataclass
class Box:
    """A class whose hook refuses what is negative, and cannot do without a number."""

    k: int
    n: int
    opts: Opts | None = None
    other: Sized | None = None

    def __docstore_restored__(self) -> None:
        if self.n < 0:
            raise ValueError("n is negative")
        if self.n == 13:
            raise TypeError("n is unlucky")


class TestAHookThatRefusesWhatWasStored:
    @pytest.fixture
    def load(self, forgotten):
        docstore.register(Box)
        return lambda **members: docstore.loads(json.dumps({"__type": "Box", **members}))

    def test_is_an_error_beside_types_that_no_value_can_be_checked_for(self, load):
        with pytest.raises(DecodeError, match="at /n: should be an integer, and is 'x'"):
            load(k=1, n="x", opts={"depth": 1}, other={"size": 1})

    def test_gives_its_reason_and_no_value_of_another_type_that_is_harmless(self, load):
        assert load(k=2.5, n=1).k == 2.5

        with pytest.raises(DecodeError, match="at the root: Box cannot be made of what was stored: n is negative"):
            load(k=2.5, n=-1)

    def test_gives_its_reason_also_after_a_value_of_another_type(self, load):
        with pytest.raises(DecodeError, match=r"at /k: .* is 2\.5\. Box cannot be made .*: n is unlucky"):
            load(k=2.5, n=13)
