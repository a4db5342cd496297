"""Every object that Ax's own stubs and storage tests make comes back exactly, from JSON text."""

from __future__ import annotations

import pytest
from ax.utils.testing.core_stubs import CustomTestMetric, CustomTestRunner
from ax_samples import samples
from exactly import differences

import docstore
from docstore import registry
from docstore.ax.core import METRIC

SAMPLES = samples()


@pytest.fixture(scope="module", autouse=True)
def _users_classes():
    """Register the metric and the runner of Ax's tests, which stand for a user's."""
    with registry.scope():
        docstore.register(CustomTestMetric, fields=[*METRIC, "test_attribute"])
        docstore.register(CustomTestRunner, fields=["test_attribute"])
        yield


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_an_object_of_ax_comes_back_exactly(make):
    made = make()

    loaded = docstore.loads(docstore.dumps(made))

    assert differences(made, loaded) == []
    assert differences(loaded, made) == []


def test_all_of_them_are_found():
    assert len(SAMPLES) >= 289
