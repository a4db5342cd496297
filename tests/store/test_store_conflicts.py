"""What a store promises to several people who change one document: no update is ever lost silently."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

import docstore
from docstore import ConflictError, RegistryBundle
from docstore.documents.canonical import ABSENT
from docstore.errors import (
    DecodeError,
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
    OverwriteWarning,
    RaceLostError,
)
from docstore.sql.tables import codes, documents, versions
from docstore.testing.experiments import add_trial, new_experiment, observe

PEOPLE = 3 if settings().derandomize else 8
"""How many processes meet; in ``make fuzz`` more."""
TURNS = 10


@pytest.fixture
def two_readers(ada, bob):
    """An experiment of six trials, as each of two people loaded it."""
    ada.save(new_experiment(trials=6, properties={"a": 1, "b": 1, "list": [1, 2]}))
    return ada.load("cakes"), bob.load("cakes")


def stored(store, **options):
    """The text of what a store has."""
    return docstore.dumps(store.load("cakes", **options))


class TestTwoPeopleEditOneExperiment:
    """Both read version 1. Both change it. Bob saves, then Ada."""

    def change_description_and_trial(self, mine, theirs):
        mine.description = "with salt"
        theirs.trials[1].run_metadata["a"] = 1

    def change_two_properties(self, mine, theirs):
        mine.properties["a"] = 2
        theirs.properties["b"] = 2

    def change_two_places_of_one_trial(self, mine, theirs):
        mine.trials[1].run_metadata["a"] = 1
        theirs.trials[1].stop_metadata["b"] = 1

    def change_two_items_of_a_list(self, mine, theirs):
        mine.properties["list"][0] = 10
        theirs.properties["list"][1] = 20

    def add_and_remove(self, mine, theirs):
        add_trial(mine)
        del theirs._trials[2], theirs._data[2]

    def remove_and_add(self, mine, theirs):
        del mine._trials[2], mine._data[2]
        add_trial(theirs)

    def observe_two_trials(self, mine, theirs):
        observe(mine, 1, 0.5)
        observe(theirs, 2, 0.5)

    @pytest.fixture(
        params=[
            change_description_and_trial,
            change_two_properties,
            change_two_places_of_one_trial,
            change_two_items_of_a_list,
            add_and_remove,
            remove_and_add,
            observe_two_trials,
        ],
        ids=lambda function: function.__name__.replace("_", " "),
    )
    def apart(self, request, ada, bob, two_readers):
        mine, theirs = two_readers
        request.param(self, mine, theirs)
        bob.save(theirs)
        return mine, theirs

    def test_the_other_object_takes_it_on_when_it_is_saved_next(self, bob, ada, apart):
        mine, theirs = apart
        ada.save(mine)
        theirs.properties["c"] = 3

        bob.save(theirs)

        assert docstore.dumps(theirs) == stored(ada)

    def test_references_to_trials_stay_the_same_objects(self, ada, apart):
        mine, _ = apart
        held = dict(mine.trials)

        ada.save(mine)

        assert all(trial is held.get(index, trial) for index, trial in mine.trials.items())
        assert all(trial.experiment is mine for trial in mine.trials.values())

    def test_an_object_that_was_brought_up_to_date_names_its_arms_as_before(self, ada, bob, two_readers):
        mine, theirs = two_readers
        parameters = {"x": 0.75, "flour": "spelt"}
        theirs.new_trial(parameters=parameters)
        bob.save(theirs)
        mine.description = "with salt"
        ada.save(mine)

        assert mine.new_trial(parameters=parameters).arm.name == "6_0"

    def test_one_that_changed_nothing_gets_no_conflict_and_no_changes(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.description = "with salt"
        bob.save(theirs)

        assert ada.save(mine).number == 1
        assert mine.description is None


class TestTwoPeopleChangeOnePlace:
    """Bob saved first; Ada's save is refused, and she is told where."""

    def set_description(self, mine, theirs):
        mine.description, theirs.description = "with salt", "with pepper"

    def set_a_field_of_a_trial(self, mine, theirs):
        mine.trials[1].run_metadata["a"], theirs.trials[1].run_metadata["a"] = 1, 1.0

    def delete_what_the_other_changed(self, mine, theirs):
        del mine._trials[1]
        theirs.trials[1].run_metadata["a"] = 1

    def change_what_the_other_deleted(self, mine, theirs):
        mine.trials[1].run_metadata["a"] = 1
        del theirs._trials[1]

    def drop_a_property_the_other_changed(self, mine, theirs):
        del mine.properties["a"]
        theirs.properties["a"] = 2

    def append_to_one_list(self, mine, theirs):
        mine.properties["list"].append(3)
        theirs.properties["list"].append(4)

    CASES = (
        (set_description, "/description"),
        (set_a_field_of_a_trial, "/trials/1/run_metadata/a"),
        (delete_what_the_other_changed, "/trials/1"),
        (change_what_the_other_deleted, "/trials/1"),
        (drop_a_property_the_other_changed, "/properties/a"),
        (append_to_one_list, "/properties/list"),
    )

    @pytest.fixture(params=CASES, ids=lambda case: case[0].__name__.replace("_", " "))
    def refused(self, request, ada, bob, two_readers):
        mine, theirs = two_readers
        change, place = request.param
        change(self, mine, theirs)
        bob.save(theirs)
        before = docstore.dumps(mine), stored(ada)
        with pytest.raises(ConflictError) as caught:
            ada.save(mine)
        return mine, theirs, before, caught.value, place

    @pytest.mark.parametrize(
        ("change", "base", "his", "hers"),
        [
            (set_description, None, "with pepper", "with salt"),
            (set_a_field_of_a_trial, ABSENT, 1.0, 1),
            (drop_a_property_the_other_changed, 1, 2, ABSENT),
            (append_to_one_list, [1, 2], [1, 2, 4], [1, 2, 3]),
        ],
        ids=["set", "added", "dropped", "appended"],
    )
    def test_the_error_has_the_three_values(self, ada, bob, two_readers, change, base, his, hers):
        mine, theirs = two_readers
        change(self, mine, theirs)
        bob.save(theirs)

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        [place] = caught.value.places
        assert list(map(repr, (place.base, place.theirs, place.mine))) == list(map(repr, (base, his, hers)))

    def test_the_error_has_nothing_where_a_side_deleted_it(self, ada, bob, two_readers):
        mine, theirs = two_readers
        self.delete_what_the_other_changed(mine, theirs)
        bob.save(theirs)

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        [place] = caught.value.places
        assert (place.mine, place.base["run_metadata"], place.theirs["run_metadata"]) == (ABSENT, {}, {"a": 1})

    def test_overwriting_makes_mine_the_newest(self, ada, refused):
        mine, *_ = refused
        before = docstore.dumps(mine)

        with pytest.warns(OverwriteWarning):
            version = ada.save(mine, on_conflict="overwrite")

        assert (version.number, version.digest) == (3, docstore.digest(mine))
        assert docstore.dumps(mine) == stored(ada) == before


class TestPolicies:
    """Bob changed another place than Ada."""

    @pytest.fixture
    def mine(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.trials[2].run_metadata["a"] = 1
        bob.save(theirs)
        return mine

    def test_error_refuses_it_for_a_trial_too(self, ada, mine):
        mine.trials[1].run_metadata["b"] = 1

        with pytest.raises(ConflictError) as caught:
            ada.save_trial(mine, mine.trials[1], on_conflict="error")

        assert [(place.pointer, place.mine, place.theirs) for place in caught.value.places] == [
            ("/trials/1/run_metadata/b", 1, ABSENT),
            ("/trials/2/run_metadata/a", ABSENT, 1),
        ]

    def test_overwrite_makes_an_unchanged_object_the_newest_version(self, ada, mine):
        before = docstore.dumps(mine)

        with pytest.warns(OverwriteWarning):
            version = ada.save(mine, on_conflict="overwrite")

        assert (version.number, stored(ada)) == (3, before)

    def test_overwrite_makes_an_old_version_the_newest(self, ada, mine):
        old = ada.load("cakes", version=1)

        with pytest.warns(OverwriteWarning):
            assert ada.save(old, on_conflict="overwrite").number == 3
        assert stored(ada) == stored(ada, version=1)

    def test_nonsense_is_refused_also_at_the_first_save_and_for_a_trial(self, ada, mine):
        with pytest.raises(InvalidValueError, match=r"on_conflict"):
            ada.save(new_experiment("bread"), on_conflict="replace")
        with pytest.raises(InvalidValueError, match=r"on_conflict"):
            ada.save_trial(mine, mine.trials[0], on_conflict="replace")


class TestSaveTrialBesideOthers:
    """Ada and Bob read version 1, each saves single trials."""

    @pytest.fixture
    def behind(self, ada, bob, two_readers):
        """Ada saved trial 3 after Bob had saved trial 5: she has seen version 3, and holds trial 5 as of version 1."""
        mine, theirs = two_readers
        theirs.trials[5].run_metadata["by"] = "bob"
        bob.save_trial(theirs, theirs.trials[5])
        mine.trials[3].run_metadata["by"] = "ada"
        ada.save_trial(mine, mine.trials[3])
        return mine, theirs

    def test_nothing_but_the_trial_saved_is_brought_up_to_date(self, behind):
        mine, _ = behind

        assert mine.trials[5].run_metadata == {}

    def test_a_later_save_of_all_keeps_everyones_work(self, ada, behind):
        mine, _ = behind
        mine.description = "with salt"

        ada.save(mine)

        assert ada.load("cakes").trials[5].run_metadata == {"by": "bob"}
        assert docstore.dumps(mine) == stored(ada)

    @pytest.mark.parametrize("whole", [True, False])
    def test_what_was_brought_up_to_date_can_be_changed_once_more(self, ada, behind, whole):
        mine, _ = behind
        mine.description = "with salt"
        ada.save(mine)
        mine.trials[5].run_metadata["by"] = "ada"

        ada.save(mine) if whole else ada.save_trial(mine, mine.trials[5])

        assert ada.load("cakes").trials[5].run_metadata == {"by": "ada"}

    def test_a_later_save_of_all_without_a_change_brings_it_up_to_date(self, ada, behind):
        mine, _ = behind

        version = ada.save(mine)

        assert (version.number, version.digest) == (3, docstore.digest(mine))

    @pytest.mark.parametrize("whole", [True, False])
    def test_the_others_trial_edited_from_a_stale_state_is_a_conflict(self, ada, behind, whole):
        mine, _ = behind
        mine.trials[5].run_metadata["by"] = "ada"

        with pytest.raises(ConflictError) as caught:
            ada.save(mine) if whole else ada.save_trial(mine, mine.trials[5])

        assert [(place.pointer, place.mine, place.theirs) for place in caught.value.places] == [
            ("/trials/5/run_metadata/by", "ada", "bob")
        ]
        assert caught.value.yours == 1

    @pytest.mark.parametrize("whole", [True, False])
    def test_the_others_trial_edited_elsewhere_is_merged(self, ada, behind, whole):
        mine, _ = behind
        mine.trials[5].stop_metadata["oven"] = 3

        ada.save(mine) if whole else ada.save_trial(mine, mine.trials[5])

        trial = ada.load("cakes").trials[5]
        assert (trial.run_metadata, trial.stop_metadata) == ({"by": "bob"}, {"oven": 3})
        assert docstore.dumps(mine.trials[5]) == docstore.dumps(trial)

    def test_the_others_trial_edited_twice_is_measured_from_what_i_hold(self, ada, bob, behind):
        mine, theirs = behind
        theirs.trials[5].run_metadata["by"] = "bob again"
        bob.save_trial(theirs, theirs.trials[5])
        mine.trials[3].run_metadata["n"] = 2
        ada.save_trial(mine, mine.trials[3])
        mine.trials[5].run_metadata["by"] = "ada"

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        assert [(place.base, place.theirs) for place in caught.value.places] == [(ABSENT, "bob again")]

    def test_the_others_trial_changed_and_changed_back_is_no_conflict(self, ada, bob, behind):
        mine, theirs = behind
        del theirs.trials[5].run_metadata["by"]
        bob.save_trial(theirs, theirs.trials[5])
        mine.trials[3].run_metadata["n"] = 2
        ada.save_trial(mine, mine.trials[3])
        mine.trials[5].run_metadata["by"] = "ada"

        ada.save(mine)

        assert ada.load("cakes").trials[5].run_metadata == {"by": "ada"}

    def test_a_trial_that_the_other_added_is_not_taken_out(self, ada, bob, two_readers):
        mine, theirs = two_readers
        add_trial(theirs)
        bob.save_trial(theirs, theirs.trials[6])
        mine.trials[3].run_metadata["by"] = "ada"
        ada.save_trial(mine, mine.trials[3])
        mine.description = "with salt"

        ada.save(mine)

        assert sorted(mine.trials) == sorted(ada.load("cakes").trials) == list(range(7))

    def test_a_trial_that_both_added_gets_another_number_later_too(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.new_trial(parameters={"x": 0.25, "flour": "rye"})
        bob.save_trial(theirs, theirs.trials[6])
        mine.trials[3].run_metadata["by"] = "ada"
        ada.save_trial(mine, mine.trials[3])
        added = mine.new_trial(parameters={"x": 0.5, "flour": "rye"})

        ada.save_trial(mine, added)

        assert (added.index, added.arm.name, mine.trials[7] is added) == (7, "7_0", True)
        assert docstore.dumps(mine) == stored(ada)

    def test_a_trial_that_the_other_took_out_is_taken_out_here_by_a_save_of_all(self, ada, bob, two_readers):
        mine, theirs = two_readers
        del theirs._trials[5], theirs._data[5]
        bob.save(theirs)
        mine.trials[3].run_metadata["by"] = "ada"
        ada.save_trial(mine, mine.trials[3])

        ada.save(mine)

        assert 5 not in mine.trials
        assert docstore.dumps(mine) == stored(ada)

    def test_a_trial_that_the_other_took_out_is_not_put_back_by_an_edit(self, ada, bob, two_readers):
        mine, theirs = two_readers
        del theirs._trials[5], theirs._data[5]
        bob.save(theirs)
        mine.trials[3].run_metadata["by"] = "ada"
        ada.save_trial(mine, mine.trials[3])
        mine.trials[5].run_metadata["by"] = "ada"

        with pytest.raises(ConflictError, match=r"both changed /trials/5"):
            ada.save(mine)

    def test_a_change_of_the_head_by_the_other_is_kept(self, ada, bob, two_readers):
        mine, theirs = two_readers
        theirs.description = "bob's"
        bob.save(theirs)
        mine.trials[3].run_metadata["by"] = "ada"
        ada.save_trial(mine, mine.trials[3])
        mine.properties["a"] = 2

        ada.save(mine)

        assert (mine.description, mine.properties["a"]) == ("bob's", 2)
        assert docstore.dumps(mine) == stored(ada)

    def test_overwriting_one_trial_leaves_the_others(self, ada, behind):
        mine, _ = behind
        mine.trials[5].run_metadata["by"] = "ada"

        with pytest.warns(OverwriteWarning):
            ada.save_trial(mine, mine.trials[5], on_conflict="overwrite")

        trials = ada.load("cakes").trials
        assert [trials[index].run_metadata for index in (3, 5)] == [{"by": "ada"}, {"by": "ada"}]

    def test_overwriting_all_writes_back_what_i_hold(self, ada, behind):
        mine, _ = behind
        before = docstore.dumps(mine)

        with pytest.warns(OverwriteWarning):
            ada.save(mine, on_conflict="overwrite")

        assert stored(ada) == before

    def test_a_refused_trial_can_be_saved_after_all(self, ada, behind):
        mine, _ = behind
        mine.trials[5].run_metadata["by"] = "ada"
        with pytest.raises(ConflictError):
            ada.save_trial(mine, mine.trials[5])
        mine.trials[5].run_metadata["by"] = "bob"

        ada.save_trial(mine, mine.trials[5])

        assert docstore.dumps(mine) == stored(ada)
        assert ada.verify() == []


class TestAnObjectOfAnOldVersion:
    """Loaded at version 1 of 2, and edited."""

    @pytest.fixture
    def old(self, ada):
        experiment = new_experiment(trials=2)
        ada.save(experiment)
        experiment.description = "second"
        ada.save(experiment)
        return ada.load("cakes", version=1)

    def test_conflicts_with_what_came_since(self, ada, old):
        old.description = "another"

        with pytest.raises(
            ConflictError, match=r"is at version 2; you changed version 1, and both changed /description"
        ):
            ada.save(old)


class TestADocumentThatIsGoneUnderTheObject:
    """Ada read it, Bob deleted or purged it."""

    @pytest.fixture
    def mine(self, ada):
        mine = new_experiment(trials=2)
        ada.save(mine)
        return mine

    def save_all(self, store, experiment):
        experiment.description = "with salt"
        store.save(experiment)

    def save_unchanged(self, store, experiment):
        store.save(experiment)

    def save_a_trial(self, store, experiment):
        experiment.trials[0].run_metadata["a"] = 1
        store.save_trial(experiment, experiment.trials[0])

    SAVES = (save_all, save_unchanged, save_a_trial)

    @pytest.mark.parametrize("save", SAVES)
    def test_deleted_it_is_not_saved_to(self, ada, bob, mine, save):
        bob.delete("cakes")

        with pytest.raises(
            DocumentNotFoundError, match=r"deleted after you read it; undelete\('cakes'\) brings it back"
        ):
            save(self, ada, mine)

    @pytest.mark.parametrize("save", SAVES)
    def test_purged_it_is_not_saved_to(self, ada, bob, mine, save):
        bob.purge("cakes")

        with pytest.raises(
            DocumentNotFoundError, match=r"purged after you read it; save\(\.\.\., as_new=True\) makes a new one"
        ):
            save(self, ada, mine)

    @pytest.mark.parametrize("save", SAVES)
    @pytest.mark.parametrize("gone", ["delete", "purge"])
    def test_its_name_given_to_another_that_one_is_not_saved_over(self, ada, bob, mine, save, gone):
        getattr(bob, gone)("cakes")
        other = new_experiment(description="another")
        bob.save(other)

        with pytest.raises(DocumentNotFoundError):
            save(self, ada, mine)

        assert stored(bob) == docstore.dumps(other)


def backup(database: str, folder: Path) -> Callable[[], None]:
    """Back *database* up; what is returned puts it back as it was. It must not be in use meanwhile."""
    engine = sa.create_engine(database)
    if engine.dialect.name == "sqlite":
        file = Path(engine.url.database)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM INTO '{folder / 'backup.db'}'")
        engine.dispose()

        def put_back() -> None:
            for part in file.parent.glob(f"{file.name}*"):
                part.unlink()
            (folder / "backup.db").rename(file)

        return put_back
    with engine.begin() as connection:
        kept = {table: connection.execute(table.select()).mappings().all() for table in (documents, versions, codes)}

    def put_back() -> None:
        with engine.begin() as connection:
            for table, rows in kept.items():
                connection.execute(table.delete())
                connection.execute(table.insert(), [dict(row) for row in rows])
        engine.dispose()

    return put_back


class TestADatabasePutBackFromABackup:
    """Ada saved version 3; then the database was put back to version 1."""

    @pytest.fixture
    def mine(self, tmp_path, database, ada, bob):
        mine = new_experiment(trials=2)
        ada.save(mine)
        put_back = backup(database, tmp_path)
        for number in (2, 3):
            mine.description = f"version {number}"
            ada.save(mine)
        for store in (ada, bob):
            store.engine.dispose()
        put_back()
        return mine

    def test_it_is_as_it_was(self, bob, mine):
        assert [version.number for version in bob.history("cakes")] == [1]
        assert (bob.load("cakes").description, bob.verify()) == (None, [])

    @pytest.mark.parametrize("others", [0, 2, 3], ids=["nobody saved", "somebody to version 3", "somebody further"])
    def test_what_she_saved_since_is_not_taken_for_stored(self, ada, bob, mine, others):
        theirs = bob.load("cakes")
        for number in range(others):
            theirs.properties["n"] = number
            bob.save(theirs)
        mine.trials[1].run_metadata["a"] = 1

        with pytest.raises(ConflictError, match=rf"is at version {others + 1}; you changed version 3"):
            ada.save(mine)

        assert ada.verify() == []

    @pytest.mark.parametrize("given", [lambda mine: mine, copy.copy], ids=["it", "a copy"])
    def test_her_object_becomes_the_newest_version_by_overwriting(self, ada, mine, given):
        with pytest.warns(OverwriteWarning):
            ada.save(given(mine), on_conflict="overwrite")

        assert stored(ada) == docstore.dumps(mine)


class TestTheOthersUsesAClassThatIsNotRegisteredHere:
    def test_nothing_is_written_that_the_object_could_not_take_on(self, database, connect, ada):
        class Taste(docstore.Metric):
            pass

        ada.save(new_experiment())
        mine = ada.load("cakes")
        bob = connect(database, bundle=RegistryBundle({Taste: None}))
        theirs = bob.load("cakes")
        theirs.add_tracking_metric(Taste("sweet"))
        bob.save(theirs)
        mine.description = "with salt"
        before = docstore.dumps(mine)

        with pytest.raises(DecodeError, match=r"no class is registered for the tag 'Taste'"):
            ada.save(mine)

        assert (docstore.dumps(mine), len(bob.history("cakes"))) == (before, 2)


class TestARaceThatIsLost:
    """The database lets one of two writers make a version. The other reads again and makes the next."""

    @pytest.fixture
    def rival(self, database):
        engine = sa.create_engine(database, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    @pytest.fixture
    def lose(self, ada, rival):
        """Lets Ada find her next version taken so many times, by a row that is gone when she tries again."""
        lost = []
        columns = [versions.c.version + 1 if column is versions.c.version else column for column in versions.c]
        next_version = versions.insert().from_select(list(versions.c.keys()), sa.select(*columns))

        def take(connection, cursor, statement, parameters, context, executemany):
            if "INSERT INTO versions" not in statement:
                return
            if ada.engine.dialect.name == "sqlite":
                # While Ada writes nobody else can: what makes her lose is in her own transaction, and goes with it.
                if len(lost) < self.times:
                    cursor.execute(statement, parameters)
            else:
                rival.execute(versions.delete().where(versions.c.version > 1))
                if len(lost) < self.times:
                    rival.execute(next_version)
            lost.append(statement)

        def lose(times):
            self.times = times
            sa.event.listen(ada.engine, "before_cursor_execute", take)
            return lost

        return lose

    @pytest.fixture
    def mine(self, ada):
        mine = new_experiment(trials=2)
        ada.save(mine)
        mine.description = "with salt"
        return mine

    def test_is_run_again(self, ada, mine, lose):
        tries = lose(3)

        version = ada.save(mine)

        assert (len(tries), version.number, version.digest) == (4, 2, docstore.digest(mine))
        assert (stored(ada), ada.verify()) == (docstore.dumps(mine), [])

    def test_takes_none_of_the_programs_own_random_numbers(self, ada, mine, lose):
        lose(3)
        before = random.getstate()

        ada.save(mine)

        assert random.getstate() == before

    @pytest.mark.usefixtures("no_backoff")
    def test_is_given_up_at_last_and_nothing_is_changed(self, ada, mine, lose):
        before = stored(ada)
        tries = lose(10**6)

        with pytest.raises(
            RaceLostError, match=r"20 tries to write were refused: (?s:.*)Another writer was first.*Nothing was changed"
        ):
            ada.save(mine)

        assert (len(tries), stored(ada)) == (20, before)


class TestARaceToBeTheFirst:
    """Bob saves in the middle of Ada's save, where there is no row yet for which one of them would wait."""

    # On SQLite Bob would wait until Ada is done, whatever there is.
    @pytest.fixture(params=["postgresql", "mariadb"])
    def backend(self, request):
        return request.param

    @pytest.fixture(autouse=True)
    def _integers_of_statuses(self, ada):
        """Are known: else Bob would wait for Ada, who is giving them."""
        ada.save(new_experiment("the first of all", trials=1))
        ada.purge("the first of all")

    def meanwhile(self, store, sign, work):
        """Let *work* be done once, just before the store's next statement that begins with *sign*."""
        works = [work]

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def interpose(connection, cursor, statement, parameters, context, executemany):
            if works and statement.startswith(sign):
                works.pop()()

    def test_of_a_name_is_lost_to_who_has_it(self, ada, bob):
        theirs = new_experiment(description="bob's")
        self.meanwhile(ada, "INSERT INTO names", lambda: bob.save(theirs))

        with pytest.raises(DocumentExistsError, match=r"'cakes' is stored already, at version 1"):
            ada.save(new_experiment(description="ada's", trials=2))

        assert (stored(ada), ada.verify()) == (docstore.dumps(theirs), [])

    def test_of_a_name_can_be_won_by_overwriting(self, ada, bob):
        self.meanwhile(ada, "INSERT INTO names", lambda: bob.save(new_experiment(description="bob's")))
        mine = new_experiment(description="ada's", trials=2)

        with pytest.warns(OverwriteWarning):
            version = ada.save(mine, on_conflict="overwrite")

        assert (version.number, stored(ada), ada.verify()) == (2, docstore.dumps(mine), [])

    def test_of_a_note_puts_one_after_the_other(self, ada, bob):
        self.meanwhile(ada, "INSERT INTO names", lambda: bob.put("note", "n1", "bob's"))

        version = ada.put("note", "n1", "ada's")

        assert version.number == 2
        assert [ada.get("n1", kind="note", version=number) for number in (1, 2)] == ["bob's", "ada's"]

    def test_of_a_type_gives_each_its_own_integer(self, ada, bob):
        bread = new_experiment("bread", experiment_type="BREAD")
        self.meanwhile(ada, "INSERT INTO codes", lambda: bob.save(bread))

        ada.save(new_experiment("cakes", experiment_type="CAKE"))

        assert [ada.find(kind="experiment", type=number)[0].type for number in (0, 1)] == ["BREAD", "CAKE"]
        assert ada.verify() == []

    def test_of_one_type_is_won_by_both(self, ada, bob):
        self.meanwhile(ada, "INSERT INTO codes", lambda: bob.save(new_experiment("bread", experiment_type="CAKE")))

        ada.save(new_experiment("cakes", experiment_type="CAKE"))

        assert [info.name for info in ada.find(kind="experiment", type=0)] == ["bread", "cakes"]
        assert ada.verify() == []

    # On MariaDB Bob waits until Ada is done: the row of the deleted document stands in the index of names too.
    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_of_a_deleted_name_that_comes_back_is_lost_to_who_has_it(self, ada, bob):
        ada.save(new_experiment(description="deleted"))
        ada.delete("cakes")
        theirs = new_experiment(description="bob's")
        self.meanwhile(ada, "UPDATE documents", lambda: bob.save(theirs))

        with pytest.raises(DocumentExistsError, match=r"before undelete\(\)"):
            ada.undelete("cakes")

        assert (stored(ada), ada.verify()) == (docstore.dumps(theirs), [])


class TestSomeoneWhoseClockIsAhead:
    def test_does_not_make_a_later_version_an_earlier_one(self, ada):
        experiment = new_experiment()
        ada.save(experiment)
        ahead = datetime(2999, 1, 1, tzinfo=UTC)
        with ada.engine.connect() as connection:
            connection.execute(documents.update().values(updated_at=ahead))
            connection.commit()
        experiment.description = "with salt"

        assert ada.save(experiment).created_at == ahead + timedelta(microseconds=1)


# --- real processes --------------------------------------------------------------------------------------------------

PREAMBLE = """
import sys
import docstore
from docstore import ConflictError
from docstore.testing.experiments import add_trial, new_experiment

url, me = sys.argv[1], int(sys.argv[2])
store = docstore.connect(url, author=f"p{me}")
"""

ADD_TRIALS = """
for turn in range(int(sys.argv[3])):
    while True:
        experiment = store.load("cakes")
        experiment.new_trial(parameters={"x": 0.5, "flour": "rye"}).run_metadata["by"] = [me, turn]
        try:
            store.save(experiment)
            break
        except ConflictError:
            pass
"""

SAVE_OWN_TRIAL = """
experiment = store.load("cakes")
trial = experiment.trials[me]
for turn in range(int(sys.argv[3])):
    trial.run_metadata[str(turn)] = me
    store.save_trial(experiment, trial)
"""

CREATE = """
try:
    print(store.save(new_experiment(description=str(me))).number)
except docstore.errors.DocumentExistsError:
    print("taken")
"""

CONNECT = "print(store.find())\n"


def run(script: str, database: str, *arguments: object) -> list[str]:
    """Run *script* in several processes at once, and return what they printed; an error in one is one here."""
    command = [sys.executable, "-W", "error", "-c", PREAMBLE + script, database]
    support = Path(__file__).parents[1] / "support"
    processes = [
        subprocess.Popen(
            [*command, str(number), *map(str, arguments)],
            env={"PYTHONPATH": f"{support.parents[1]}:{support}", "PATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PEOPLE)
    ]
    outcomes = [process.communicate() for process in processes]
    assert [errors for _, errors in outcomes if errors] == []
    return [printed.strip() for printed, _ in outcomes]


@pytest.mark.fuzz
class TestSeveralProcesses:
    """At once, on one database."""

    def test_add_trials_to_one_experiment_and_none_is_lost(self, database, ada):
        ada.save(new_experiment())

        run(ADD_TRIALS, database, TURNS)

        added = [tuple(trial.run_metadata["by"]) for trial in ada.load("cakes").trials.values()]
        assert sorted(added) == [(who, turn) for who in range(PEOPLE) for turn in range(TURNS)]
        assert len(ada.history("cakes")) == 1 + PEOPLE * TURNS
        assert ada.verify() == []

    def test_save_a_trial_each_and_none_is_refused(self, database, ada):
        ada.save(new_experiment(trials=PEOPLE))

        run(SAVE_OWN_TRIAL, database, TURNS)

        saved = [trial.run_metadata for trial in ada.load("cakes").trials.values()]
        assert saved == [{str(turn): who for turn in range(TURNS)} for who in range(PEOPLE)]
        assert ada.verify() == []

    def test_create_one_name_and_one_of_them_wins(self, database, ada):
        printed = run(CREATE, database)

        assert sorted(printed) == ["1", *["taken"] * (PEOPLE - 1)]
        assert len(ada.find()) == 1

    def test_connect_to_a_new_database(self, empty_database):
        assert run(CONNECT, empty_database) == ["[]"] * PEOPLE
