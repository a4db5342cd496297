"""Metrics and runners of a user's own, which inherit from Ax's: registered by one call, and stored exactly."""

from __future__ import annotations

from typing import Any

import pytest
from ax.core.metric import Metric
from ax.core.runner import Runner
from ax.utils.testing import core_stubs
from exactly import differences

import docstore
from docstore import RegistryBundle, registry
from docstore.errors import EncodeError


class OvenTemperature(Metric):
    def __init__(self, name: str, oven: str, probes: int = 2, **options: Any) -> None:
        super().__init__(name, **options)
        self.oven = oven
        self._probes = probes


class Oven(Runner):
    def __init__(self, address: str) -> None:
        self.address = address

    def run(self, trial: Any) -> dict[str, Any]:
        return {"oven": self.address}


class Forgetful(Metric):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.notes = ["not an argument"]


@pytest.fixture(autouse=True)
def _scope():
    with registry.scope():
        yield


def baking() -> Any:
    experiment = core_stubs.get_branin_experiment()
    experiment.name = "baking"
    experiment.add_tracking_metric(OvenTemperature("heat", "left", probes=3, lower_is_better=True))
    experiment.runner = Oven("10.0.0.7")
    return experiment


def test_registered_classes_come_back_exactly():
    docstore.register(OvenTemperature)
    docstore.register(Oven)
    experiment = baking()

    loaded = docstore.loads(docstore.dumps(experiment))

    assert differences(experiment, loaded) == []
    assert vars(loaded.metrics["heat"])["_probes"] == 3


def test_classes_in_a_bundle_come_back_exactly():
    bundle = RegistryBundle(metric_clss={OvenTemperature: None}, runner_clss={Oven: None})
    store, experiment = docstore.connect("sqlite://", bundle=bundle), baking()
    store.save(experiment)

    assert differences(experiment, store.load("baking")) == []


def test_a_class_that_is_not_registered_is_refused_with_the_remedy():
    with pytest.raises(EncodeError, match=r"docstore\.register\(OvenTemperature\)"):
        docstore.dumps(baking())


def test_an_attribute_that_is_no_argument_is_refused_by_name():
    docstore.register(Forgetful)

    with pytest.raises(EncodeError, match="'notes', which is not one of its fields"):
        docstore.dumps(Forgetful("f"))


def test_a_field_can_be_added_to_those_of_ax():
    docstore.register(Forgetful, fields=["notes"])
    metric = Forgetful("f")

    assert differences(metric, docstore.loads(docstore.dumps(metric))) == []
