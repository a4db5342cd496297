"""No attribute of a class of Ax is forgotten: each one that holds a plain value is changed in turn, and survives."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from ax.core.data import Data
from ax.utils.testing import core_stubs
from ax_samples import samples
from exactly import differences
from not_kept import NOT_KEPT, OWNERS, left_out

import docstore
from docstore.ax import REGISTRY

MADE_AGAIN = {
    "BraninTimestampMapMetric": {"decay_function_name"},
    "Data": {"has_step_column"},
    "Experiment": {"_trials_have_ttl"},
    "MultiTypeExperiment": {"_default_trial_type"},
}
"""Attributes that follow from others, or that others follow from, so that no other value alone makes sense."""


def _instances() -> dict[type, Any]:
    """Return one instance of each class with a table of fields that Ax's stubs hold, found through all attributes."""
    found: dict[type, Any] = {}
    seen: set[int] = set()
    to_visit = [make() for make in samples().values()]
    alive = list(to_visit)
    while to_visit:
        value = to_visit.pop()
        if id(value) in seen or isinstance(value, (str, int, float, type, Enum, type(None))):
            continue
        seen.add(id(value))
        alive.append(value)
        entry = REGISTRY.of_class(type(value))
        if entry is not None and entry.fields is not None:
            found.setdefault(type(value), value)
        if isinstance(value, dict):
            to_visit += [*value, *value.values()]
        elif isinstance(value, (list, tuple, set)):
            to_visit += value
        elif hasattr(value, "__dict__"):
            to_visit += vars(value).values()
    return found


def _changed(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Enum):
        members = list(type(value))
        return members[(members.index(value) + 1) % len(members)]
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    return value + "x" if isinstance(value, str) else value + 1 if isinstance(value, int) else value + 0.1


INSTANCES = _instances()


def _attributes() -> Iterator[Any]:
    for cls, instance in sorted(INSTANCES.items(), key=lambda pair: pair[0].__name__):
        skipped = left_out(cls, NOT_KEPT, OWNERS) | {
            name for base in cls.__mro__ for name in MADE_AGAIN.get(base.__name__, ())
        }
        for name, value in sorted(vars(instance).items()):
            if isinstance(value, (bool, int, float, str, datetime, Enum)) and name not in skipped:
                yield pytest.param(cls, name, id=f"{cls.__name__}.{name}")


@pytest.mark.parametrize(("cls", "name"), _attributes())
def test_an_attribute_that_is_changed_survives(cls, name):
    instance = copy.deepcopy(INSTANCES[cls])
    vars(instance)[name] = _changed(vars(instance)[name])

    loaded = docstore.loads(docstore.dumps(instance))

    assert differences(instance, loaded) == []


def test_an_attribute_that_no_table_knows_is_refused_by_name():
    arm = next(instance for cls, instance in INSTANCES.items() if cls.__name__ == "Arm").clone()
    arm.colour = "red"

    with pytest.raises(docstore.errors.EncodeError, match="'colour'"):
        docstore.dumps(arm)


class TestDataOfAnExperiment:
    """They are stored as the rows of each trial: what else they have has no place in a document."""

    @pytest.fixture
    def experiment(self) -> Any:
        return core_stubs.get_experiment_with_data()

    def test_an_attribute_is_refused_by_name(self, experiment):
        experiment.data.colour = "red"

        with pytest.raises(docstore.errors.EncodeError, match="'colour'"):
            docstore.dumps(experiment)

    def test_so_is_an_attribute_of_a_row(self, experiment):
        experiment.data._data_rows[-1].colour = "red"

        with pytest.raises(docstore.errors.EncodeError, match="'colour'"):
            docstore.dumps(experiment)

    def test_and_a_class_of_their_own(self, experiment):
        experiment.data = type("LabData", (Data,), {})(df=experiment.data.full_df)

        with pytest.raises(docstore.errors.EncodeError, match="LabData"):
            docstore.dumps(experiment)
