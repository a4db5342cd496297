"""Many documents saved at once: the rows that ``save`` would write one after the other, by few statements."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import re
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import pytest
import sqlalchemy as sa
from counting import statements_of
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import in_memory

import docstore
from docstore import AnalysisCard, GenerationNode, GenerationStrategy, registry
from docstore.errors import (
    DocumentExistsError,
    DocumentNotFoundError,
    EncodeError,
    InvalidValueError,
    NameChangedError,
    UnknownCodeError,
)
from docstore.sql.tables import codes, documents, versions
from docstore.testing.experiments import add_trial, new_experiment, new_multi_type_experiment

OF_ITS_OWN = {"id", "created_at", "updated_at", "chain"}
"""The columns in which two saves of one object differ."""


def tables(store):
    """Every row of the store's tables but for what is of its own at each save; a document's id by its kind and name."""
    with store.engine.connect() as connection:
        found = {
            table.name: [row._asdict() for row in connection.execute(sa.select(table))]
            for table in (documents, versions, codes)
        }
    named = {row["id"]: f"{row['kind']} {row['name']}" for row in found["documents"] if row["path"] == ""}
    told = {
        name: [
            {
                "of": named.get(row.get("id")),
                **{key: value for key, value in row.items() if key not in OF_ITS_OWN},
                **({"owner": named.get(row["owner"])} if "owner" in row else {}),
            }
            for row in rows
        ]
        for name, rows in found.items()
    }
    return {name: sorted(rows, key=lambda row: json.dumps(row, default=str)) for name, rows in told.items()}


def several(number, **options):
    """So many experiments, ``n0``, ``n1`` and so on, each of two trials with data."""
    return [new_experiment(f"n{index}", trials=2, **options) for index in range(number)]


def stored(store):
    """The names of the experiments that are stored, in order."""
    return list(versions_stored(store))


def versions_stored(store):
    """The version of each experiment that is stored, by name, in order."""
    return {info.name: info.version for info in store.find(kind="experiment")}


@dataclass
class Recipe:
    id: str
    category: str
    steps: list[str]


@dataclass
class Loaf:
    id: str
    weight: int


@pytest.fixture
def _recipes():
    with registry.scope():
        docstore.document(kind="recipe", name="id", type="category", parts=["/steps/*"])(Recipe)
        yield


def a_strategy(name, experiment):
    return GenerationStrategy([GenerationNode("Sobol")], name=name, experiment_name=experiment)


def a_card(name, experiment):
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return AnalysisCard(name, experiment_name=experiment, document_name=name, timestamp=moment)


def mixed():
    """Documents of every kind, some of them owned, and types whose integers depend on the order."""
    return [
        new_experiment("b", trials=3, experiment_type="zebra"),
        a_strategy("before its experiment", "later"),
        new_experiment("later", trials=1, experiment_type="ant"),
        a_card("after its experiment", "later"),
        a_strategy("of none", None),
        Recipe("pea", "soup", ["cut", "boil"]),
        new_multi_type_experiment("two types"),
        Recipe("b", "cake", []),
        new_experiment("a", experiment_type="zebra", properties={"text": "\x00'\"\\%"}),
        new_experiment("large", trials=1, description="ü" * 70_000),
    ]


@pytest.mark.usefixtures("_recipes")
class TestTheRows:
    """Of documents of every kind."""

    @pytest.mark.parametrize("batch", [1, 3, 500])
    def test_are_those_of_one_save_after_the_other(self, backend, fresh_database, connect, batch):
        one_by_one, together = (connect(fresh_database(backend), author="ada") for _ in range(2))
        objects = mixed()
        for each in objects:
            one_by_one.save(each, message="all")

        together.save_many(objects, message="all", batch=batch)

        assert tables(together) == tables(one_by_one)

    def test_stand_the_proof(self, store):
        objects = mixed()
        store.save_many(objects)

        assert store.verify() == []
        assert docstore.dumps(store.load("b")) == docstore.dumps(objects[0])
        assert docstore.dumps(store.load("pea", kind="recipe")) == docstore.dumps(objects[5])

    def test_have_the_integers_of_the_enum(self, database, connect):
        class Kinds(Enum):
            ZEBRA = 7
            ANT = 3

        store = connect(database, experiment_type_enum=Kinds)

        store.save_many(several(2, experiment_type="ANT"))

        assert [row["type"] for row in tables(store)["documents"] if row["path"] == ""] == [3, 3]
        with pytest.raises(UnknownCodeError, match="BEE = 8"):
            store.save_many([new_experiment("c", experiment_type="BEE")])


@settings(max_examples=40)  # each fills two databases
@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["as it is", "described", "renamed", "tried"]))),
    batch=st.integers(1, 4),
)
def test_objects_given_again_and_again_make_the_versions_of_one_save_after_the_other(steps, batch):
    """A generator gives one object or another, and changes it before, or not."""

    def given(objects):
        for number, (index, change) in enumerate(steps):
            if change == "described":
                objects[index].description = str(number)
            elif change == "renamed":
                objects[index] = docstore.loads(docstore.dumps(objects[index]))
                objects[index].name = f"n{index}, {number}"
            elif change == "tried":
                objects[index].trials[0].run_metadata["number"] = number
            yield objects[index]

    with in_memory() as one_by_one, in_memory() as together:
        objects = several(4)
        for each in given(copy.deepcopy(objects)):
            one_by_one.save(each)

        assert together.save_many(given(objects), batch=batch) == len(steps)

        assert tables(together) == tables(one_by_one)
        assert together.verify() == []


class TestTheCall:
    def test_gives_how_many_there_were(self, store):
        assert store.save_many(several(5), batch=2) == 5
        assert stored(store) == ["n0", "n1", "n2", "n3", "n4"]

    def test_of_nothing_saves_nothing(self, store):
        assert store.save_many([]) == 0

    def test_reads_an_iterable_as_it_goes(self, store):
        """When the fifth is asked for, the first batch is there."""

        def made():
            for each in several(5):
                seen.append(len(stored(store)))
                yield each

        seen = []
        store.save_many(made(), batch=2)

        assert seen == [0, 0, 2, 2, 4]

    def test_ends_a_batch_early_that_holds_much_text(self, store, monkeypatch):
        monkeypatch.setattr("docstore.store.saving.bulk._ENOUGH", 3_000)

        def made():
            for each in several(3):
                seen.append(len(stored(store)))
                yield each

        seen = []
        store.save_many(made(), batch=500)

        assert seen != [0, 0, 0]

    def test_keeps_author_and_message(self, store):
        store.save_many(several(1), author="ada", message="first")

        (version,) = store.history("n0")
        assert (version.author, version.message, version.number) == ("ada", "first", 1)

    @pytest.mark.parametrize("batch", [0, -1, 10_001, True, 2.0, "2", None])
    def test_refuses_a_batch_that_is_none(self, store, batch):
        with pytest.raises(InvalidValueError, match="from 1 to 10,000"):
            store.save_many([], batch=batch)

    @pytest.mark.parametrize("objects", [None, 1, "cakes", new_experiment()], ids=repr)
    def test_refuses_what_is_not_several(self, store, objects):
        with pytest.raises(InvalidValueError, match=r"save_many\(\[experiment\]\)"):
            store.save_many(objects)

    def test_refuses_a_dict_of_objects(self, store):
        with pytest.raises(InvalidValueError, match=r"a dict gives its keys.*values\(\)"):
            store.save_many({"cakes": new_experiment("cakes")})


class TestTheStatements:
    """They are counted for a batch, and do not grow with it."""

    def test_are_as_many_for_ten_as_for_two(self, store):
        store.save(new_experiment("first", trials=1))  # so that the integers of the statuses are known

        of_two = statements_of(store.engine, store.save_many, [new_experiment(f"a{i}") for i in range(2)])
        of_ten = statements_of(store.engine, store.save_many, [new_experiment(f"b{i}") for i in range(10)])

        assert len(of_ten) == len(of_two) == 4

    def test_are_as_many_for_each_batch(self, store):
        store.save(new_experiment("first", trials=1))

        sent = statements_of(store.engine, store.save_many, several(6), batch=2)

        assert len(sent) == 3 * 4

    @pytest.mark.parametrize("limits", [(10, 1 << 20), (1000, 5_000)], ids=["rows", "text"])
    def test_are_more_for_pieces_of_which_few_are_to_be_rows_at_once(self, store, monkeypatch, limits):
        monkeypatch.setattr("docstore.sql.rows._BATCH", limits)
        objects = several(6)

        sent = statements_of(store.engine, store.save_many, objects)

        assert len([each for each in sent if "documents" in each and each.split()[0] in ("INSERT", "COPY")]) > 2
        assert store.verify() == []
        assert [docstore.dumps(store.load(each.name)) for each in objects] == list(map(docstore.dumps, objects))

    def test_are_two_more_for_owners_of_any_number(self, store):
        store.save(new_experiment("first", trials=1))
        cards = [a_card(f"c{i}", f"n{i % 3}") for i in range(9)]

        sent = statements_of(store.engine, store.save_many, [*several(3), *cards])

        assert len(sent) == 6

    def test_take_the_names_in_one_order_so_that_no_two_writers_wait_for_each_other(self, store):
        taken = []

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, *rest):
            if statement.startswith("INSERT INTO names"):
                taken.extend(re.findall(r"name-\d", repr((statement, parameters))))

        store.save_many([new_experiment(name) for name in ("name-3", "name-1", "name-2")])

        assert taken == ["name-1", "name-2", "name-3"]

    def test_are_one_for_all_that_are_as_they_were(self, store):
        objects = several(9)
        store.save_many(objects)

        assert len(statements_of(store.engine, store.save_many, objects)) == 1


class TestTheObjects:
    """They know where they came from, as after ``save``."""

    def test_go_on(self, store):
        objects = several(3)
        store.save_many(objects, batch=2)
        for each in objects:
            add_trial(each)

        assert [store.save(each).number for each in objects] == [2, 2, 2]
        assert store.verify() == []

    def test_write_what_changed_alone(self, store):
        (experiment,) = several(1)
        store.save_many([experiment])
        experiment.description = "with salt"
        store.save(experiment)

        assert next(iter(store.history("n0"))).places == ("/description",)

    def test_are_merged_with_what_others_saved(self, ada, bob):
        (experiment,) = several(1)
        ada.save_many([experiment])
        theirs = bob.load("n0")
        theirs.trials[0].run_metadata["by"] = "bob"
        bob.save(theirs)
        experiment.trials[1].run_metadata["by"] = "ada"

        ada.save_many([experiment])

        assert [trial.run_metadata for trial in experiment.trials.values()] == [{"by": "bob"}, {"by": "ada"}]
        assert [version.number for version in ada.history("n0")] == [3, 2, 1]


class TestThoseThatAreSavedAlready:
    def test_make_no_version_if_they_are_as_they_were(self, store):
        objects = several(3)
        store.save(objects[1])

        assert store.save_many(objects) == 3
        assert list(versions_stored(store).values()) == [1, 1, 1]

    def test_make_the_next_version_if_they_changed(self, store):
        objects = several(3)
        store.save(objects[1])
        objects[1].description = "with salt"

        assert store.save_many(objects) == 3
        assert list(versions_stored(store).values()) == [1, 2, 1]

    def test_are_encoded_as_often_as_by_save_and_the_first_after_a_batch_once_more(self, store):
        encoded = []

        def encode(loaf):
            encoded.append(loaf.id)
            return vars(loaf)

        with registry.scope():
            docstore.document(kind="loaf", name="id")(Loaf)
            docstore.register(Loaf, encode=encode, decode=lambda members: Loaf(**members))
            loaves = [Loaf(name, 1) for name in ("a", "b", "c", "d")]
            store.save_many(loaves)
            encoded.clear()
            loaves[1].weight = 2
            store.save(loaves[1])
            by_save = len(encoded)
            encoded.clear()
            for loaf in loaves[1:]:
                loaf.weight = 3

            assert store.save_many(loaves) == 4

        assert Counter(encoded) == {"a": 1, "b": 1 + by_save, "c": by_save, "d": by_save}

    def test_are_saved_as_they_are_each_time_they_are_given(self, store):
        """A generator that hands out one object, again and again, as it grows."""

        def growing():
            experiment = new_experiment("n", trials=1)
            yield experiment
            for _ in range(2):
                add_trial(experiment)
                yield experiment

        assert store.save_many(growing()) == 3
        assert [version.number for version in store.history("n")] == [3, 2, 1]
        assert store.verify() == []

    def test_are_refused_under_two_names(self, store):
        experiment = new_experiment("a")

        def renamed():
            yield experiment
            experiment.name = "b"
            yield experiment

        with pytest.raises(NameChangedError, match=r"rename\('a', 'b'\)") as caught:
            store.save_many(renamed())

        assert (caught.value.saved, stored(store)) == (1, ["a"])

    def test_are_missed_if_they_were_deleted(self, store):
        objects = several(2)
        store.save_many(objects)
        store.delete("n1")

        with pytest.raises(DocumentNotFoundError, match="undelete"):
            store.save_many(objects)


class TestANameThatIsTaken:
    def test_by_a_stored_document_is_told(self, store):
        store.save(new_experiment("n2"))

        with pytest.raises(DocumentExistsError, match="'n2' is stored already") as caught:
            store.save_many(several(5), batch=2)

        assert (caught.value.name, caught.value.kind, caught.value.head) == ("n2", "experiment", 1)
        assert stored(store) == ["n0", "n1", "n2"]

    def test_in_the_batch_is_told_and_the_first_of_the_name_is_kept(self, store):
        objects = several(3)
        objects[2].name = "n0"

        with pytest.raises(DocumentExistsError, match="'n0' is stored already") as caught:
            store.save_many(objects)

        assert caught.value.saved == 2
        assert docstore.dumps(store.load("n0")) == docstore.dumps(objects[0])

    def test_by_another_kind_or_by_a_deleted_one_is_free(self, store):
        store.put("note", "n0", 1)
        store.save(new_experiment("n1"))
        store.delete("n1")

        assert store.save_many(several(2)) == 2

    def test_by_one_who_was_first_is_told(self, database, connect):
        """Bob takes it after Ada's names were looked up, where he need not wait for her to end."""
        ada, bob = connect(database), connect(database)
        ada.save(new_experiment("first"))
        left = [new_experiment("n1")]

        # SQLite gives a writer the whole database: there Bob is first before she begins.
        @sa.event.listens_for(ada.engine, "engine_connect" if ada.engine.name == "sqlite" else "before_cursor_execute")
        def take(*arguments):
            if left and (len(arguments) == 1 or arguments[2].startswith("INSERT INTO names")):
                bob.save(left.pop())

        with pytest.raises(DocumentExistsError, match="n1"):
            ada.save_many(several(3))

        assert stored(ada) == ["first", "n1"]


class TestAnErrorInTheMiddle:
    """Of seven, in batches of two, it comes with the sixth."""

    def broken(self, error):
        for index, each in enumerate(several(7)):
            if index == 5:
                raise error
            yield each

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
    def test_keeps_the_batches_before_it_and_says_how_many(self, store, error):
        with pytest.raises(error) as caught:
            store.save_many(self.broken(error), batch=2)

        assert stored(store) == ["n0", "n1", "n2", "n3"]
        assert caught.value.saved == 4
        assert caught.value.__notes__ == ["save_many: the first 4 objects are saved, and none after them."]

    def test_of_an_object_keeps_nothing_of_its_batch(self, store):
        objects = several(7)
        objects[5].description = object()

        with pytest.raises(EncodeError, match="/description") as caught:
            store.save_many(objects, batch=2)

        assert stored(store) == ["n0", "n1", "n2", "n3"]
        assert caught.value.saved == 4

    def test_tells_in_another_process_too(self, store):
        store.save(new_experiment("n1"))
        with pytest.raises(DocumentExistsError) as caught:
            store.save_many(several(3), batch=1)

        sent = pickle.loads(pickle.dumps(caught.value))

        assert (sent.saved, sent.__notes__) == (1, caught.value.__notes__)

    def test_is_made_good_with_the_same_objects(self, store):
        objects = several(7)
        objects[5].description = object()
        with pytest.raises(EncodeError):
            store.save_many(objects, batch=2)
        objects[5].description = None

        assert store.save_many(objects, batch=2) == 7
        assert list(versions_stored(store).values()) == [1] * 7

    def test_is_made_good_with_the_rest_of_a_generator(self, store):
        with pytest.raises(RuntimeError) as caught:
            store.save_many(self.broken(RuntimeError), batch=2)

        assert store.save_many(itertools.islice(iter(several(7)), caught.value.saved, None), batch=2) == 3
        assert len(stored(store)) == 7

    @pytest.mark.parametrize("sign", ["INSERT INTO documents", "INSERT INTO versions"])
    def test_while_a_batch_is_written_leaves_nothing_of_it(self, store, sign):
        objects, passed = several(4), []

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def interrupt(connection, cursor, statement, *rest):
            if statement.startswith(sign):
                passed.append(statement)
                if len(passed) == 2:
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) as caught:
            store.save_many(objects, batch=2)

        assert (stored(store), caught.value.saved) == (["n0", "n1"], 2)
        sa.event.remove(store.engine, "before_cursor_execute", interrupt)
        assert store.save_many(objects) == 4
        assert store.verify() == []

    def test_when_it_is_committed_counts_the_batch(self, store, interruptible):
        """Ctrl-C while the connection goes back to the pool."""
        objects, left = several(4), [None, signal.SIGINT]
        store.save(new_experiment("first"))

        @sa.event.listens_for(store.engine, "reset")
        def interrupt(connection, record, state):
            number = left.pop(0) if left else None
            if number:
                signal.raise_signal(number)

        with pytest.raises(KeyboardInterrupt) as caught:
            store.save_many(objects, batch=2)

        assert (stored(store), caught.value.saved) == (["first", "n0", "n1", "n2", "n3"], 4)
        assert store.save_many(objects) == 4
        assert store.verify() == []
