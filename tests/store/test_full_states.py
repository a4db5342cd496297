"""Full states: an old version is rebuilt from a copy of the document near it, never from far away."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from counting import rows_of

import docstore
from docstore.documents.canonical import digest
from docstore.errors import DamagedDocumentError, VersionNotFoundError
from docstore.sql.full_states import LEAST
from docstore.sql.tables import states, versions
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]


@pytest.fixture
def store(ready):
    return ready.store()


def put(store, count, name="count", members=3):
    """Write *count* versions of a note; each changes another of its members."""
    note = {f"m{index}": 0 for index in range(members)}
    for number in range(1, count + 1):
        note[f"m{number % members}"] = number
        store.put("note", name, note)


def each_version(store, name="count", kind="note"):
    numbers = [each.number for each in store.history(name, kind=kind)]
    return [docstore.dumps(store.get(name, kind=kind, version=number)) for number in numbers]


def whole(store):
    """The versions that have a full state, of all documents together."""
    with store.engine.connect() as connection:
        return sorted(connection.execute(sa.select(states.c.version).distinct()).scalars())


def count_of(store, table):
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()


def without(store, *conditions):
    with store.engine.begin() as connection:
        connection.execute(states.delete().where(*conditions))


def rows_read(store, call):
    """How many rows of history *call* reads, and how many of full states."""
    return tuple(len(rows_of(store.engine, f"SELECT {table}.", call)) for table in ("versions", "states"))


class TestANoteOfManyVersions:
    """Every version changes one of three members."""

    @pytest.fixture
    def state(self):
        return lambda store: put(store, 5 * LEAST + 3)

    def test_has_a_full_state_now_and_then(self, store):
        assert whole(store) == [LEAST * each for each in range(1, 6)]

    def test_loads_each_version_as_it_was_saved(self, store):
        found = each_version(store)
        without(store)

        assert found == each_version(store)

    @pytest.mark.parametrize("version", [1, 3, LEAST, LEAST + 1, 4 * LEAST + 5])
    def test_reads_few_versions_to_load_one(self, store, version):
        history, full = rows_read(store, lambda: store.get("count", kind="note", version=version))

        assert history <= LEAST
        assert full == 1

    def test_loads_one_that_is_stored_whole_with_its_row_alone(self, store):
        assert rows_read(store, lambda: store.get("count", kind="note", version=2 * LEAST)) == (1, 1)

    def test_loads_the_newest_without_them(self, store):
        assert rows_read(store, lambda: store.get("count", kind="note")) == (0, 0)

    def test_is_verified(self, store):
        assert store.verify() == []

    def test_is_purged_with_them(self, store):
        store.purge("count", kind="note")

        assert count_of(store, states) == 0


class TestAnExperimentWhoseTrialsChange:
    """Three trials, one of which changes in each version; and one more trial at times, and one less."""

    @pytest.fixture
    def state(self):
        def save(store):
            experiment = new_experiment(trials=3)
            store.save(experiment)
            for number in range(4 * LEAST):
                experiment.trials[number % 3].run_metadata["attempt"] = number
                if number % 11 == 5:
                    add_trial(experiment, 0.5)
                if number == 20:
                    del experiment._data[1]
                store.save(experiment)

        return save

    def test_loads_each_version_as_it_was_saved(self, store):
        found = each_version(store, "cakes", "experiment")
        assert whole(store)
        without(store)

        assert found == each_version(store, "cakes", "experiment")

    @pytest.mark.parametrize("pointer", ["/trials/1/run_metadata", "/trials", "/name", "/data/1"])
    def test_gives_a_place_as_the_whole_document_has_it(self, store, pointer):
        for number in range(1, 4 * LEAST, 3):
            found = store.get("cakes", version=number, pointer=pointer, default=None)
            document = store.get("cakes", version=number)
            first, *rest = pointer[1:].split("/")
            for token in (first, *rest):
                document = document.get(token) if isinstance(document, dict) else document

            assert docstore.dumps(found) == docstore.dumps(document)

    def test_compares_two_versions_as_before(self, store):
        found = store.diff("cakes", 2, 3 * LEAST).changes
        without(store)

        assert found == store.diff("cakes", 2, 3 * LEAST).changes

    def test_reverts_to_one(self, store):
        expected = store.get("cakes", version=3)

        store.revert("cakes", 3)

        assert docstore.dumps(store.get("cakes")) == docstore.dumps(expected)

    def test_is_verified(self, store):
        assert store.verify() == []


class TestAnExperimentsDamagedFullState:
    """A row of the full state of version 8 is missing, is at another path, or has another digest."""

    @pytest.fixture
    def state(self):
        def save(store):
            experiment = new_experiment(trials=2)
            store.save(experiment)
            for number in range(2 * LEAST):
                experiment.trials[0].run_metadata["attempt"] = number
                store.save(experiment)

        return save

    def test_is_found_if_a_row_is_missing(self, store):
        without(store, states.c.version == LEAST, states.c.path == "/trials/1")

        [damage] = store.verify()

        assert damage.where == f"the full state of version {LEAST}"
        assert "delete its rows" in damage.problem
        with pytest.raises(DamagedDocumentError, match=f"full state of version {LEAST}"):
            store.load("cakes", version=3)

    @pytest.mark.parametrize("change", [{"path": "/trials/7"}, {"digest": "0" * 64}], ids=["path", "digest"])
    def test_is_found_if_a_row_was_changed(self, store, change):
        with store.engine.begin() as connection:
            connection.execute(
                states.update().where(states.c.version == LEAST, states.c.path == "/trials/1").values(change)
            )

        assert [damage.where for damage in store.verify()] == [f"the full state of version {LEAST}"]


class TestTrialsThatAreOnlyAdded:
    def test_write_no_full_state(self, store):
        experiment = new_experiment()
        store.save(experiment)
        for number in range(4 * LEAST):
            store.save_trial(experiment, add_trial(experiment, number / 100))

        assert whole(store) == []


class TestALargeDocumentWithSmallChanges:
    def test_has_few_full_states(self, store):
        """One is made when the changes since the last are as long as the document."""
        note = {"text": "x" * 40_000, "n": 0}
        for number in range(10 * LEAST):
            store.put("note", "large", {**note, "n": number})

        assert len(whole(store)) == 1


class TestABranch:
    @pytest.fixture
    def state(self):
        return lambda store: put(store, 3 * LEAST)

    def test_has_those_of_the_past_that_it_shares(self, store):
        expected = each_version(store)[LEAST - 2 :]
        store.branch("count", "other", version=2 * LEAST + 2, kind="note")
        store.purge("count", kind="note")

        assert whole(store) == [LEAST, 2 * LEAST]
        assert each_version(store, "other")[1:] == expected
        assert store.verify() == []


class TestCompaction:
    @pytest.fixture
    def state(self):
        return lambda store: put(store, 4 * LEAST)

    def test_keeps_those_of_the_versions_that_stay(self, store):
        store.compact("count", kind="note", keep=LEAST + 1)

        assert whole(store) == [3 * LEAST, 4 * LEAST]
        assert store.verify() == []

    def test_leads_back_past_those_that_were_folded(self, store):
        expected = store.get("count", kind="note", version=LEAST - 1)
        store.tag("count", "old", version=LEAST - 1, kind="note")
        store.compact("count", kind="note", keep=1)

        assert store.get("count", kind="note", tag="old") == expected
        with pytest.raises(VersionNotFoundError):
            store.get("count", kind="note", version=LEAST)


class TestACopy:
    @pytest.fixture
    def state(self):
        return lambda store: put(store, 2 * LEAST + 1)

    @pytest.fixture
    def target(self, tmp_path, connect):
        return connect(f"sqlite:///{tmp_path}/target.db")

    def test_has_them_too(self, store, target):
        store.copy_to(target)

        assert whole(target) == whole(store)
        assert each_version(target) == each_version(store)
        assert target.verify() == []

    def test_gets_those_of_later_versions(self, store, target):
        store.copy_to(target)
        put(store, LEAST)

        store.copy_to(target)

        assert whole(target) == [LEAST, 2 * LEAST, 3 * LEAST]

    def test_of_a_damaged_one_is_refused(self, store, target):
        with store.engine.begin() as connection:
            connection.execute(states.update().where(states.c.version == LEAST).values(digest="0" * 64))

        with pytest.raises(DamagedDocumentError, match=f"full state of version {LEAST}"):
            store.copy_to(target)

        assert count_of(target, versions) == 0

    def test_of_one_of_a_folded_version_is_refused(self, store, target):
        """It has text that compact() was to erase."""
        with store.engine.begin() as connection:
            rows = [row._asdict() for row in connection.execute(sa.select(states).where(states.c.version == LEAST))]
        store.compact("count", kind="note", keep=1)
        with store.engine.begin() as connection:
            connection.execute(states.insert(), rows)

        with pytest.raises(DamagedDocumentError, match=f"full state of version {LEAST}: that version was folded"):
            store.copy_to(target)

        assert count_of(target, states) == 0


class TestADamagedFullState:
    """It is never read as if it were right; without it, every version is rebuilt from a newer one."""

    @pytest.fixture
    def state(self):
        return lambda store: put(store, 3 * LEAST)

    @pytest.fixture(params=["body", "both"])
    def damaged(self, store, request):
        body = docstore.dumps({"m0": 7})
        change = {"body": body.decode()}
        if request.param == "both":
            change["digest"] = digest(body)
        with store.engine.begin() as connection:
            connection.execute(states.update().where(states.c.version == LEAST).values(change))
        return store

    @pytest.mark.parametrize("pointer", ["", "/m0"])
    def test_is_reported_with_its_version(self, damaged, pointer):
        with pytest.raises(DamagedDocumentError, match=f"full state of version {LEAST}"):
            damaged.get("count", kind="note", version=3, pointer=pointer)

    def test_is_found_by_verify(self, damaged):
        [damage] = damaged.verify()

        assert (damage.table, damage.key["version"]) == ("states", LEAST)
        assert damage.where == f"the full state of version {LEAST}"

    def test_can_be_deleted(self, damaged):
        without(damaged, states.c.version == LEAST)

        assert damaged.verify() == []
        assert sorted(damaged.get("count", kind="note", version=3).values()) == [1, 2, 3]

    def test_of_no_version_is_found_by_verify(self, store):
        with store.engine.begin() as connection:
            connection.execute(states.update().where(states.c.version == LEAST).values(version=900))

        assert [(each.table, each.where) for each in store.verify()] == [("states", "the full state of version 900")]

    def test_of_no_document_is_found_by_verify(self, store):
        store.purge("count", kind="note")
        with store.engine.begin() as connection:
            connection.execute(states.insert().values(id="0" * 32, version=8, path="", digest="0" * 64, body="{}"))

        assert [each.name for each in store.verify()] == ["0" * 32]
