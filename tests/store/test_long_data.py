"""A trial with many observations: one more is saved as one more, and whatever else changed in it is saved too."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from docstore.errors import DamagedDocumentError
from docstore.model import Data
from docstore.sql.tables import documents
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]

MANY = 1_000


def observe(experiment, *steps, mean=0.5):
    record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "taste", "sem": None, "mean": mean}
    experiment.attach_data(Data([{**record, "step": step} for step in steps]))


@pytest.fixture
def state():
    def state(store):
        experiment = new_experiment()
        add_trial(experiment)
        observe(experiment, *range(MANY), mean=1 / 3)
        store.save(experiment)

    return state


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def experiment(store):
    return store.load("cakes")


def places(version):
    return [(change.op, change.path) for change in version.changes]


class TestATrialWithManyObservations:
    def test_is_saved_with_one_change_for_each_one_more(self, store, experiment):
        observe(experiment, MANY, MANY + 1)

        version = store.save_trial(experiment, experiment.trials[0])

        assert places(version) == [("add", f"/data/0/records/{MANY + place}") for place in (1, 2)]
        assert identity(store.load("cakes")) == identity(experiment)
        assert len(store.load("cakes", version=1).data) == MANY + 1
        assert store.verify() == []

    def test_is_saved_with_one_that_is_measured_again(self, store, experiment):
        observe(experiment, 7, mean=0.125)

        version = store.save(experiment)

        assert places(version) == [("replace", "/data/0/records/8/mean")]
        assert identity(store.load("cakes")) == identity(experiment)

    def test_is_saved_with_one_more_and_one_that_is_measured_again(self, store, experiment):
        observe(experiment, 7, MANY, mean=0.125)

        version = store.save(experiment)

        assert places(version) == [("add", f"/data/0/records/{MANY + 1}"), ("replace", "/data/0/records/8/mean")]
        assert store.verify() == []

    def test_is_merged_with_what_another_observed(self, store, experiment):
        theirs = store.load("cakes")
        observe(theirs, MANY)
        store.save(theirs)
        observe(experiment, MANY + 1)

        store.save(experiment)

        assert [each.get("step") for each in store.load("cakes").data.records[-2:]] == [MANY, MANY + 1]
        assert store.verify() == []

    def test_is_not_saved_over_damage(self, store, experiment):
        observe(experiment, MANY)
        c = documents.c
        with store.engine.begin() as connection:
            body = sa.select(c.body).where(c.path == "/data/0")
            damaged = connection.execute(body).scalar_one().replace('"step":7,', '"step":8,')
            connection.execute(documents.update().where(c.path == "/data/0").values(body=damaged))

        with pytest.raises(DamagedDocumentError, match="its body is not what was saved"):
            store.save(experiment)
