"""What a copy of documents into another database promises: all of each or nothing, and exactly as it was saved."""

from __future__ import annotations

import re
import sqlite3
import threading
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest
import sqlalchemy as sa

import docstore
from docstore import Arm, GenerationNode, GenerationStrategy, Metric
from docstore.documents import canonical
from docstore.errors import (
    DamagedDocumentError,
    DatabaseError,
    DivergedError,
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
    TooLargeError,
    UnknownCodeError,
    VersionNotFoundError,
)
from docstore.sql.dialects import shown
from docstore.sql.paging import PageSize
from docstore.sql.tables import IS_HEAD, documents, tags, versions
from docstore.store import copying
from docstore.store.copying import Copied
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]

# Each backend is copied from, and copied to, once at least.
PAIRS = [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "mariadb"), ("mariadb", "sqlite")]

ON_SQLITE = pytest.mark.parametrize("pair", [("sqlite", "sqlite")], indirect=True, ids="-".join)


def copy_in_pages(source, target, **size):
    """Do as ``source.copy_to(target)`` does, a little at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "_SIZE", PageSize(**size))
        return source.copy_to(target)


def the_cakes(store):
    """An experiment of odd values: one trial, then described, then two trials, then one. Returns the text of each."""
    experiment = new_experiment(trials=1, experiment_type="CAKE")
    experiment.properties["numbers"] = [1, 1.0, True, -0.0, 1e16, 1e300, 2**64]
    experiment.properties["odd"] = {"a\0b": "\ud800", "": "☃ \U0001f370"}
    store.save(experiment, message="first", author="ada")
    texts = [docstore.dumps(experiment)]
    experiment.description = 'it\'s "good" \\ \n%s'
    store.save(experiment, message="second ☃", author="bo")
    texts.append(docstore.dumps(experiment))
    add_trial(experiment)
    store.save(experiment)
    texts.append(docstore.dumps(experiment))
    del experiment._trials[0], experiment._data[0]
    store.save(experiment)
    texts.append(docstore.dumps(experiment))
    return texts


def the_cakes_and_others(store):
    """Beside the cakes: bread, what makes it, and notes, one deleted and made anew."""
    texts = the_cakes(store)
    store.save(new_experiment("bread", trials=2))
    store.save(GenerationStrategy([GenerationNode("sobol")], "makes bread", "bread"))
    store.put("note", "n1", {"a": 1})
    store.delete("n1", kind="note")
    store.put("note", "n1", [1.5, None])
    return texts


@pytest.fixture
def state(request):
    """What is in the source at first: what a test, or a fixture that it takes, asks for by name."""
    asked = request.fixturenames
    return the_cakes_and_others if "several" in asked else the_cakes if "cakes" in asked else None


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request, ready_databases, state):
    """Two databases: to copy from, and an empty one to copy to."""
    source, target = request.param
    return ready_databases.ready(source, state), ready_databases.ready(target, role="target")


@pytest.fixture
def urls(pair):
    return [each.url for each in pair]


@pytest.fixture
def source(pair):
    return pair[0].store()


@pytest.fixture
def target(pair):
    return pair[1].store()


@pytest.fixture
def cakes(pair):
    """The text of each version of an experiment in the source, the newest last."""
    return pair[0].made


@pytest.fixture
def several(cakes):
    """The same; bread, what makes it, and notes are there too."""
    return cakes


@pytest.fixture
def loaded(source, cakes):
    """The experiment at version 4."""
    return source.load("cakes")


def names_in(store):
    return [info.name for info in store.find()]


def rows_of(store, table):
    """Every row of a table, JSON in its canonical text."""
    with store.engine.connect() as connection:
        found = [row._asdict() for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
    for row in found:
        for column in {"body", "changes"} & row.keys():
            row[column] = canonical.dumps(canonical.loads(row[column]))
    return found


def everything(store):
    return rows_of(store, documents), rows_of(store, versions), rows_of(store, tags)


NOTHING = ([], [], [])


def change(store, table, document, place, /, **values):
    """Change a row behind the store's back: of the document's part *place*, or of its version."""
    info = store.find(name=document)[0]
    with store.engine.begin() as connection:
        at = (table.c.id == info.id) & ((table.c.path if table is documents else table.c.version) == place)
        done = connection.execute(table.update().where(at).values(**values) if values else table.delete().where(at))
        assert done.rowcount == 1


class Log:
    """The rows that statements of one engine wrote, by verb and table, and the most that one statement bound."""

    def __init__(self, engine):
        self.rows, self.most_rows, self.most_text = Counter(), 0, 0
        sa.event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, connection, cursor, statement, parameters, context, executemany):
        sets = [parameters] if isinstance(parameters, (dict, tuple)) else parameters
        values = [value for each in sets for value in (each.values() if isinstance(each, dict) else each)]
        self.most_text = max(self.most_text, sum(len(value) for value in values if isinstance(value, str)))
        written = re.match(r"(INSERT INTO|COPY) (\w+) \((.*?)\)|(UPDATE) (\w+)|(DELETE) FROM (\w+)", statement)
        if written:
            verb, table, *columns = filter(None, written.groups())
            verb = verb.split()[0].replace("COPY", "INSERT")
            rows = len(values) // len(columns[0].split(",")) if columns else len(sets)
            self.rows[f"{verb} {table}"] += rows
            self.most_rows = max(self.most_rows, rows if table != "codes" else 0)


@pytest.fixture
def interrupt(target):
    """Makes the target's next statement that begins so fail, as Ctrl-C would."""

    def interrupt(start, *, skip=0):
        left = [skip]

        @sa.event.listens_for(target.engine, "before_cursor_execute")
        def fail(connection, cursor, statement, parameters, context, executemany):
            if statement.startswith(start):
                left[0] -= 1
                if left[0] < 0:
                    sa.event.remove(target.engine, "before_cursor_execute", fail)
                    raise KeyboardInterrupt

    return interrupt


class TestACopiedDocument:
    """The experiment of four versions was copied into an empty database."""

    @pytest.fixture(autouse=True)
    def copied(self, source, target, cakes):
        return source.copy_to(target)

    def test_has_the_same_history(self, source, target):
        """The times, authors, messages, changes, digests and links of the chain."""
        assert target.history("cakes") == source.history("cakes")

    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    def test_is_the_same_text_at_each_version(self, source, target, number):
        versions = [docstore.dumps(store.load("cakes", version=number)) for store in (source, target)]

        assert versions[0] == versions[1]

    def test_has_the_same_rows(self, source, target):
        assert everything(target) == everything(source)

    def test_is_found_as_the_same(self, source, target):
        assert target.find(kind="experiment", type="CAKE") == source.find()

    def test_has_no_damage(self, target):
        assert target.verify() == []

    def test_is_told(self, source, copied):
        [info] = source.find()

        assert copied == [Copied("experiment", "cakes", info.id, 4, "copied")]

    def test_goes_on_in_the_target(self, target):
        experiment = target.load("cakes")
        add_trial(experiment)

        assert target.save(experiment).number == 5
        assert target.verify() == []

    def test_is_what_an_object_of_the_source_came_from(self, source, target):
        experiment = source.load("cakes")
        experiment.description = "without salt"

        assert target.save(experiment).number == 5
        assert target.verify(decode=True) == []

    def test_leaves_the_source_as_it_was(self, source, target, cakes):
        before = everything(source)

        source.copy_to(target)

        assert everything(source) == before


class TestCopyingAll:
    def test_takes_every_kind_and_the_deleted_too(self, source, target, several):
        copied = source.copy_to(target)

        assert [(each.kind, each.name) for each in copied] == [
            ("note", "n1"),
            ("experiment", "bread"),
            ("experiment", "cakes"),
            ("generation_strategy", "bread"),
            ("note", "n1"),
        ]
        assert everything(target) == everything(source)

    def test_of_one_kind_takes_no_other(self, source, target, several):
        source.copy_to(target, kind="note")

        assert [(info.kind, info.name) for info in target.find()] == [("note", "n1")]

    def test_of_an_empty_store_is_nothing(self, source, target):
        assert source.copy_to(target) == []

    def test_leaves_other_projects_where_they_are(self, urls, connect, target):
        ours, theirs = (connect(urls[0], project=project) for project in ("ours", "theirs"))
        ours.put("note", "mine", 1)
        theirs.put("note", "theirs", 1)

        ours.copy_to(target)

        assert names_in(target) == ["mine"]

    def test_puts_them_into_the_project_of_the_target(self, source, urls, connect, cakes):
        ours = connect(urls[1], project="ours")

        source.copy_to(ours)

        assert [info.project for info in ours.find()] == ["ours"]
        assert ours.history("cakes") == source.history("cakes")

    def test_needs_no_class_of_theirs(self, urls, connect, target):
        class Taste(Metric):
            pass

        bundle = docstore.RegistryBundle(metric_clss={Taste: None})
        connect(urls[0], bundle=bundle).save(new_experiment(tracking_metrics=[Taste("taste")]))

        connect(urls[0]).copy_to(target)

        assert type(connect(urls[1], bundle=bundle).load("cakes").metrics["taste"]) is Taste

    def test_takes_all_as_they_were_at_one_moment(self, source, target, several):
        before = everything(source)
        went_on = []

        @sa.event.listens_for(target.engine, "before_cursor_execute", named=True)
        def go_on(statement, **other):
            if statement.startswith("INSERT INTO") and not went_on:
                source.purge("bread", kind="generation_strategy")
                went_on.append(source.put("note", "n1", "changed meanwhile"))

        source.copy_to(target)

        assert went_on
        assert everything(target) == before

    def test_at_once_by_two_is_done_once(self, source, target, several):
        statuses = Counter()

        def copy_all():
            statuses.update(each.status for each in source.copy_to(target))

        threads = [threading.Thread(target=copy_all) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert statuses == {"copied": 5, "unchanged": 5}
        assert everything(target) == everything(source)


class TestTags:
    """The cakes, with two tags, were copied once."""

    @pytest.fixture(autouse=True)
    def copied(self, source, target, cakes):
        source.tag("cakes", "published", 2, author="ada")
        source.tag("cakes", "d\u00e9j\u00e0 vu \u2603", 2)
        source.copy_to(target)

    def status(self, source, target):
        [copied] = source.copy_to(target)
        return copied.status

    def test_are_copied_with_who_gave_them_and_when(self, source, target):
        assert len(rows_of(target, tags)) == 2
        assert everything(target) == everything(source)
        assert docstore.dumps(target.load("cakes", tag="published")) == docstore.dumps(source.load("cakes", version=2))

    def test_that_are_the_same_are_left_alone(self, source, target):
        log = Log(target.engine)

        assert self.status(source, target) == "unchanged"
        assert log.rows == {}

    @pytest.mark.parametrize(
        "change",
        [
            lambda store: store.tag("cakes", "newest"),
            lambda store: store.tag("cakes", "published", 3, move=True),
            lambda store: store.untag("cakes", "published"),
            lambda store: (store.untag("cakes", "published"), store.tag("cakes", "published", 2, author="bo")),
        ],
        ids=["added", "moved", "removed", "given anew"],
    )
    @pytest.mark.parametrize("changed", ["source", "target"])
    def test_that_differ_are_made_the_sources_and_nothing_else_is_written(self, source, target, changed, change):
        change({"source": source, "target": target}[changed])
        log = Log(target.engine)

        assert self.status(source, target) == "updated"
        assert everything(target) == everything(source)
        assert {what for what in log.rows if not what.endswith(" tags")} == {"UPDATE documents"}

    def test_come_with_new_versions(self, source, target, loaded):
        loaded.description = "without salt"
        source.save(loaded)
        source.tag("cakes", "newest")

        assert self.status(source, target) == "updated"
        assert everything(target) == everything(source)

    def test_are_not_written_by_halves(self, source, target, interrupt):
        before = everything(target)
        source.tag("cakes", "published", 3, move=True)
        interrupt("INSERT INTO tags")

        with pytest.raises(KeyboardInterrupt):
            source.copy_to(target)

        assert everything(target) == before
        assert self.status(source, target) == "updated"


class TestABranch:
    """Of the cakes at version 2, with a version of its own and one after it."""

    @pytest.fixture(autouse=True)
    def branched(self, source, cakes):
        source.branch("cakes", "pies", 2)
        pies = source.load("pies")
        add_trial(pies)
        source.save(pies)

    def test_needs_no_parent_to_be_whole(self, source, target):
        source.copy_to(target, ["pies"])

        assert names_in(target) == ["pies"]
        assert target.history("pies") == source.history("pies")
        for number in range(1, 5):
            one, other = (docstore.dumps(store.load("pies", version=number)) for store in (source, target))
            assert one == other
        assert target.verify() == []

    def test_may_follow_its_parent(self, source, target):
        source.copy_to(target, ["cakes"])

        source.copy_to(target)

        assert everything(target) == everything(source)
        assert target.verify() == []

    def test_may_be_copied_before_its_parent(self, source, target):
        source.copy_to(target, ["pies"])

        source.copy_to(target)

        assert everything(target) == everything(source)


class TestADocumentThatWasCompacted:
    """Versions that were folded in one store may be kept in the other: none is lost there, and none brought back."""

    @pytest.fixture
    def texts(self, source, cakes, loaded):
        """The text of each version of the cakes, seven in the end."""
        texts = dict(enumerate(cakes, start=1))

        def go_on():
            newest = source.history("cakes")[0].number
            for number in range(newest + 1, newest + 4):
                loaded.description = f"at {number}"
                loaded.trials[1].run_metadata["number"] = number
                source.save(loaded)
                texts[number] = self.text(source, number)

        self.go_on = go_on
        return texts

    def text(self, store, number):
        return docstore.dumps(store.load("cakes", version=number))

    def assert_kept(self, store, texts, numbers):
        for number, text in texts.items():
            if number in numbers:
                assert self.text(store, number) == text
            else:
                with pytest.raises(VersionNotFoundError, match="was folded"):
                    store.load("cakes", version=number)
        assert [version.number for version in store.history("cakes") if version.is_kept] == sorted(numbers)[::-1]
        assert store.verify() == []

    @pytest.fixture(params=[False, True], ids=["", "a row at a time"])
    def copy(self, request, source, target):
        return lambda: copy_in_pages(source, target, rows=1) if request.param else source.copy_to(target)

    def test_before_is_copied_as_it_is(self, source, target, texts, copy):
        self.go_on()
        source.tag("cakes", "third", 3)
        source.compact("cakes", keep=2)

        copy()

        assert everything(target) == everything(source)
        self.assert_kept(target, texts, {3, 6, 7})

    def test_in_the_source_alone_is_unchanged(self, source, target, texts, copy):
        copy()
        source.compact("cakes", keep=1)

        [copied] = copy()

        assert copied.status == "unchanged"
        self.assert_kept(target, texts, {1, 2, 3, 4})

    @pytest.mark.parametrize("keep", [1, 2, 3, 4, 5])
    def test_in_the_source_goes_on_from_what_the_target_kept(self, source, target, texts, copy, keep):
        copy()
        self.go_on()
        source.compact("cakes", keep=keep)

        copy()

        self.assert_kept(source, texts, set(range(8 - keep, 8)))
        self.assert_kept(target, texts, {1, 2, 3, 4, *range(8 - keep, 8)})
        assert [v.chain for v in target.history("cakes")] == [v.chain for v in source.history("cakes")]

    def test_in_the_target_goes_on_and_brings_nothing_back(self, source, target, texts, copy):
        copy()
        target.compact("cakes", keep=1)
        self.go_on()

        copy()

        self.assert_kept(source, texts, set(range(1, 8)))
        self.assert_kept(target, texts, {4, 5, 6, 7})

    def test_in_both_goes_on(self, source, target, texts, copy):
        source.tag("cakes", "second", 2)
        copy()
        target.untag("cakes", "second")
        target.tag("cakes", "third", 3)
        target.compact("cakes", keep=1)
        self.go_on()
        source.tag("cakes", "sixth", 6)
        source.compact("cakes", keep=1)

        copy()

        self.assert_kept(source, texts, {2, 6, 7})
        self.assert_kept(target, texts, {3, 4, 6, 7})
        assert source.tags("cakes") == {"second": 2, "sixth": 6}
        assert target.tags("cakes") == {"sixth": 6}
        assert [each.status for each in copy()] == ["unchanged"]

    def test_again_in_the_target_afterwards_is_whole(self, source, target, texts, copy):
        copy()
        self.go_on()
        source.compact("cakes", keep=1)
        copy()

        target.compact("cakes", keep=2)

        self.assert_kept(target, texts, {7})
        assert [each.status for each in copy()] == ["unchanged"]

    def test_in_the_source_lets_go_of_no_version_in_the_target_by_a_second_copy(self, source, target, texts, copy):
        for _ in range(2):
            copy()
            self.go_on()
            source.compact("cakes", keep=1)

        copy()

        assert [v.number for v in target.history("cakes") if v.is_kept] == [10, 7, 4, 3, 2, 1]
        assert target.verify() == []


@ON_SQLITE
class TestNames:
    def test_are_of_the_documents_copied_in_their_order_with_what_belongs_to_them(self, source, target, several):
        copied = source.copy_to(target, ["cakes", "bread", "cakes"])

        assert [(each.kind, each.name) for each in copied] == [
            ("experiment", "cakes"),
            ("experiment", "bread"),
            ("generation_strategy", "bread"),
        ]
        assert names_in(target) == ["bread", "cakes", "bread"]

    def test_take_along_that_what_belongs_to_them_was_deleted(self, source, target, several):
        source.copy_to(target, ["bread"])
        source.delete("bread", kind="generation_strategy")

        source.copy_to(target, ["bread"])

        assert target.find("generation_strategy").names() == []
        target.undelete("bread", kind="generation_strategy")
        assert target.verify() == []

    def test_are_of_experiments_unless_a_kind_is_said(self, source, target):
        source.save(new_experiment("n1"))
        source.put("note", "n1", 1)

        source.copy_to(target, ["n1"])
        source.copy_to(target, ["n1"], kind="note")

        assert [info.kind for info in target.find()] == ["experiment", "note"]

    def test_that_are_missing_are_told_before_anything_is_copied(self, source, target, several):
        with pytest.raises(DocumentNotFoundError, match=r"no experiment named 'bred'. Names like it: 'bread'"):
            source.copy_to(target, ["cakes", "bred"])

        assert names_in(target) == []

    def test_of_deleted_documents_are_missing(self, source, target, cakes):
        source.delete("cakes")

        with pytest.raises(DocumentNotFoundError, match=r"It was deleted; undelete\('cakes'\) brings it back"):
            source.copy_to(target, ["cakes"])

    def test_are_not_the_letters_of_one(self, source, target, cakes):
        with pytest.raises(InvalidValueError, match=r"names: 'cakes' .* as in names=\['cakes'\]"):
            source.copy_to(target, "cakes")

    @pytest.mark.parametrize("name", [None, 1, "", "a\0"])
    def test_are_texts(self, source, target, name):
        with pytest.raises(InvalidValueError, match="names: "):
            source.copy_to(target, [name])

    def test_may_be_none_at_all(self, source, target, cakes):
        assert source.copy_to(target, []) == []


class TestADeletedDocument:
    @pytest.fixture(autouse=True)
    def deleted(self, source, cakes):
        source.delete("cakes")

    def test_is_deleted_in_the_target_at_the_same_time(self, source, target):
        source.copy_to(target)

        assert target.find() == []
        assert target.find(deleted=True) == source.find(deleted=True)

    def test_can_be_brought_back_there(self, source, target, cakes):
        source.copy_to(target)

        target.undelete("cakes")

        assert docstore.dumps(target.load("cakes")) == cakes[-1]

    def test_does_not_need_its_name(self, source, target):
        target.save(new_experiment(description="another"))

        source.copy_to(target)

        assert target.load("cakes").description == "another"

    def test_is_brought_back_by_a_second_copy_if_it_was_in_the_source(self, source, target):
        source.copy_to(target)
        source.undelete("cakes")

        [copied] = source.copy_to(target)

        assert copied.status == "updated"
        assert everything(target) == everything(source)

    def test_is_not_brought_back_where_another_has_its_name(self, source, target):
        source.copy_to(target)
        source.undelete("cakes")
        target.save(new_experiment(description="another"))

        with pytest.raises(DocumentExistsError):
            source.copy_to(target)

    @pytest.mark.parametrize("times", range(3))
    def test_gives_its_name_to_another_in_a_second_copy_too(self, source, target, times):
        """Whichever of the two has the lesser id."""
        source.undelete("cakes")
        source.copy_to(target)
        source.delete("cakes")
        source.save(new_experiment(description="another"))

        source.copy_to(target)

        assert everything(target) == everything(source)

    def test_may_have_been_there_before_it_was_deleted(self, source, target):
        source.undelete("cakes")
        source.copy_to(target)
        source.delete("cakes")

        source.copy_to(target)

        assert target.find() == []
        assert everything(target) == everything(source)


class TestTypesAndStatuses:
    """Their integers are each database's own."""

    def types(self, store):
        with store.engine.connect() as connection:
            query = sa.text("SELECT name, type, type_name, status_name FROM experiments WHERE name = 'cakes'")
            return connection.execute(query).one()

    def test_are_found_by_name_where_the_target_gave_other_integers(self, source, target, cakes):
        target.save(new_experiment("bread", experiment_type="BREAD"))

        source.copy_to(target)

        assert (self.types(source).type, *self.types(target)) == (0, "cakes", 1, "CAKE", "DRAFT")
        assert target.verify() == []

    def test_get_the_integers_of_the_targets_enum(self, source, urls, connect, cakes):
        class ExperimentType(Enum):
            CAKE = 7

        target = connect(urls[1], experiment_type_enum=ExperimentType)

        source.copy_to(target)

        assert self.types(target).type == 7

    def test_that_the_targets_enum_lacks_are_told(self, source, urls, connect, cakes):
        class ExperimentType(Enum):
            BREAD = 0

        target = connect(urls[1], experiment_type_enum=ExperimentType)

        with pytest.raises(UnknownCodeError, match="CAKE = 1"):
            source.copy_to(target)

        assert everything(target) == NOTHING

    def test_of_each_generator_run_of_a_batch_have_one(self, source, target):
        experiment = new_experiment()
        batch = experiment.new_batch_trial()
        for value, name in ((0.1, "DEFAULT"), (0.2, "LATER")):
            batch.add_arm(Arm({"x": value, "flour": "rye"}), generator_run_type=name)
        source.save(experiment)

        source.copy_to(target)

        with target.engine.connect() as connection:
            found = connection.execute(sa.text("SELECT type_name, type FROM generator_runs ORDER BY position")).all()
        assert found == [("DEFAULT", 0), ("LATER", 1)]

    def test_are_remembered_only_once_they_are_stored(self, source, target, interrupt, cakes):
        interrupt("INSERT INTO documents")
        with pytest.raises(KeyboardInterrupt):
            source.copy_to(target)

        source.copy_to(target)

        assert target.verify() == []


class TestAnInterruptedCopy:
    """Of five documents; Ctrl-C came while the third was written."""

    @pytest.fixture(autouse=True, params=["INSERT INTO documents", "INSERT INTO versions"])
    def interrupted(self, request, source, target, several, interrupt):
        interrupt(request.param, skip=2)
        with pytest.raises(KeyboardInterrupt):
            source.copy_to(target)

    def test_leaves_those_before_whole_and_nothing_of_that_one(self, source, target):
        assert names_in(target) == ["bread"]
        assert target.history("bread") == source.history("bread")
        assert target.verify() == []

    def test_is_continued_by_another(self, source, target):
        copied = source.copy_to(target)

        assert [each.status for each in copied] == ["unchanged", "unchanged", "copied", "copied", "copied"]
        assert everything(target) == everything(source)


class TestCopyingAgain:
    """All was copied once."""

    @pytest.fixture(autouse=True)
    def copied(self, source, target, several):
        source.copy_to(target)

    def test_writes_nothing_where_nothing_changed(self, source, target):
        log = Log(target.engine)

        copied = source.copy_to(target)

        assert log.rows == {}
        assert {each.status for each in copied} == {"unchanged"}

    def test_writes_only_what_is_new(self, source, target, loaded):
        """Of one more trial with data: both parts, the head's row, and a version."""
        add_trial(loaded)
        source.save(loaded)
        log = Log(target.engine)

        copied = source.copy_to(target)

        assert log.rows == {"INSERT versions": 1, "INSERT documents": 2, "UPDATE documents": 1}
        assert [(each.name, each.versions) for each in copied if each.status == "updated"] == [("cakes", 5)]
        assert everything(target) == everything(source)

    def test_takes_away_what_is_gone(self, source, target, loaded):
        loaded._data.clear()
        source.save(loaded)

        source.copy_to(target)

        assert everything(target) == everything(source)

    def test_brings_several_versions_at_once(self, source, target, loaded):
        for number in range(3):
            loaded.description = str(number)
            source.save(loaded)

        source.copy_to(target)

        assert target.history("cakes") == source.history("cakes")
        assert target.verify() == []

    def test_leaves_objects_of_the_target_behind_as_a_save_by_others_does(self, source, target, loaded):
        theirs = target.load("cakes")
        loaded.description = "without salt"
        source.save(loaded)
        source.copy_to(target)
        add_trial(theirs)

        assert target.save(theirs).number == 6
        assert theirs.description == "without salt"

    def test_lets_saves_in_the_target_wait_for_their_turn(self, source, target, loaded):
        """They go on from what was copied."""
        theirs = target.load("cakes")
        add_trial(theirs)
        loaded.description = "without salt"
        source.save(loaded)
        saves = []

        @sa.event.listens_for(target.engine, "before_cursor_execute", named=True)
        def save(statement, **other):
            if statement.startswith("INSERT INTO versions") and not saves:
                saves.append(threading.Thread(target=target.save, args=(theirs,)))
                saves[0].start()

        source.copy_to(target)
        saves[0].join()

        assert [version.number for version in target.history("cakes")] == [6, 5, 4, 3, 2, 1]
        assert target.load("cakes").description == "without salt"
        assert target.verify() == []

    def test_mends_what_lacks_a_part_in_the_target(self, source, target):
        change(target, documents, "bread", "/trials/1")

        source.copy_to(target, ["bread"])

        assert everything(target) == everything(source)


class TestADryRun:
    def test_says_what_a_copy_then_does_and_writes_nothing(self, source, target, several, loaded):
        source.copy_to(target, ["bread"])
        source.copy_to(target, ["cakes"])
        source.tag("cakes", "best")
        before = everything(target)

        planned = source.copy_to(target, dry_run=True)

        assert everything(target) == before
        assert {each.status for each in planned} == {"copied", "updated", "unchanged"}
        assert planned == source.copy_to(target)

    def test_knows_that_a_name_becomes_free(self, source, target, cakes):
        source.copy_to(target)
        source.rename("cakes", "old cakes")
        source.save(new_experiment())

        planned = source.copy_to(target, dry_run=True)

        assert {(each.name, each.status) for each in planned} == {("old cakes", "updated"), ("cakes", "copied")}

    def test_knows_that_names_become_free_one_after_another(self, source, target):
        for name in ("a", "b", "c"):
            source.put("note", name, name)
        source.copy_to(target)
        for old, new in (("c", "d"), ("b", "c"), ("a", "b")):
            source.rename(old, new, kind="note")

        planned = source.copy_to(target, ["b", "c", "d"], kind="note", dry_run=True)

        assert [(each.name, each.status) for each in planned] == [(name, "updated") for name in ("b", "c", "d")]
        assert planned == source.copy_to(target, ["b", "c", "d"], kind="note")
        assert [target.get(name, kind="note") for name in ("b", "c", "d")] == ["a", "b", "c"]

    def test_refuses_what_a_copy_refuses(self, source, target, cakes):
        target.save(new_experiment())

        with pytest.raises(DocumentExistsError):
            source.copy_to(target, dry_run=True)

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_refuses_documents_that_exchanged_their_names_as_a_copy_does(self, source, target, dry_run):
        for name in ("n1", "n2"):
            source.put("note", name, name)
        source.copy_to(target)
        for old, new in (("n1", "n3"), ("n2", "n1"), ("n3", "n2")):
            source.rename(old, new, kind="note")

        with pytest.raises(DocumentExistsError, match="The target has it under another id"):
            source.copy_to(target, dry_run=dry_run)


class TestADocumentThatWasSavedInTheTargetToo:
    """It was copied at version 4, and got a fifth there."""

    @pytest.fixture(autouse=True)
    def saved(self, source, target, cakes):
        source.copy_to(target)
        experiment = target.load("cakes")
        experiment.description = "theirs"
        target.save(experiment)

    def test_is_refused_with_a_remedy(self, source, target):
        remedy = r"is at version 4, and at version 5 .*purge\('cakes', kind='experiment'\)"

        with pytest.raises(DivergedError, match=remedy) as caught:
            source.copy_to(target)

        assert (caught.value.name, caught.value.source, caught.value.target) == ("cakes", 4, 5)

    def test_is_merged_into_the_target_as_the_remedy_says(self, source, target, loaded):
        loaded.properties["oven"] = "ours"
        source.save(loaded)
        with pytest.raises(DivergedError, match=r"put_json\(\.\.\., based_on=N\) merges it there"):
            source.copy_to(target)

        target.put_json("experiment", "cakes", source.get_json("cakes"), based_on=4)

        merged = target.load("cakes")
        assert (merged.description, merged.properties["oven"]) == ("theirs", "ours")

    @pytest.mark.parametrize("saves", [1, 2])
    def test_is_refused_where_the_source_went_on_as_well(self, source, target, loaded, saves):
        for number in range(saves):
            loaded.description = f"mine {number}"
            source.save(loaded)

        with pytest.raises(DivergedError, match=f"is at version {4 + saves}, and at version 5"):
            source.copy_to(target)

    def test_stays_as_it_is(self, source, target):
        before = everything(target)

        with pytest.raises(DivergedError):
            source.copy_to(target)

        assert everything(target) == before

    def test_does_not_undo_what_was_copied_before(self, source, target):
        source.save(new_experiment("bread"))

        with pytest.raises(DivergedError):
            source.copy_to(target)

        assert names_in(target) == ["bread", "cakes"]

    def test_can_be_copied_the_other_way(self, source, target):
        target.copy_to(source)

        assert source.history("cakes") == target.history("cakes")


class TestANameThatIsTaken:
    """Another document of the target has it."""

    @pytest.fixture(autouse=True)
    def taken(self, source, target, cakes):
        target.save(new_experiment(description="another"))

    def test_is_refused_with_a_remedy(self, source, target):
        with pytest.raises(DocumentExistsError, match=r"delete\('cakes', kind='experiment'\)"):
            source.copy_to(target)

        assert target.load("cakes").description == "another"
        assert len(rows_of(target, versions)) == 1

    def test_is_free_once_that_was_deleted(self, source, target):
        target.delete("cakes")

        source.copy_to(target)

        assert target.history("cakes") == source.history("cakes")

    def test_does_not_count_in_another_kind(self, source, target):
        source.put("note", "cakes", 1)

        source.copy_to(target, ["cakes"], kind="note")

        assert len(target.find(name="cakes")) == 2


class TestDamage:
    """A row of the source was changed by something else; bread, which comes first, is whole."""

    @pytest.fixture
    def bread(self, source, cakes):
        source.save(new_experiment("bread", trials=1))

    @pytest.mark.parametrize(
        ("table", "place", "values", "where"),
        [
            (documents, "", {"body": "{}"}, "its head"),
            (documents, "/trials/1", {"body": '{"a":1}'}, "/trials/1"),
            (documents, "/trials/1", {"digest": "0" * 64}, "its rows"),
            (documents, "/trials/1", {}, "its rows"),
            (documents, "", {"version": 3}, "its rows"),
            (documents, "", {"version": 5}, "version 5"),
            (versions, 1, {"message": "forged"}, "version 1"),
            (versions, 2, {"author": "eve"}, "version 2"),
            (versions, 2, {"changes": "[]"}, "version 2"),
            (versions, 2, {"digest": "0" * 64}, "version 2"),
            (versions, 3, {"chain": "0" * 64}, "version 3"),
            (versions, 4, {"digest": "0" * 64}, "its rows"),
            (versions, 2, {}, "version 2"),
            (versions, 4, {}, "version 4"),
        ],
    )
    def test_is_found_and_nothing_of_the_document_is_copied(self, source, target, bread, table, place, values, where):
        change(source, table, "cakes", place, **values)

        with pytest.raises(DamagedDocumentError) as caught:
            source.copy_to(target)

        assert (caught.value.name, caught.value.where) == ("cakes", where)
        assert {row["name"] for row in rows_of(target, documents)} == {"bread", None}
        assert target.verify() == []

    def test_of_a_head_that_lags_behind_its_history_is_found(self, source, target):
        """It looks like version 1, which version 3 brought back."""
        first, *_ = (source.put("note", "n1", value) for value in ("a", "b", "a"))
        change(source, documents, "n1", "", version=1, updated_at=first.created_at)

        with pytest.raises(DamagedDocumentError, match="at version 3: the document is at version 1 only"):
            source.copy_to(target)

        assert everything(target) == NOTHING

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("name", "pies"),
            ("created_at", datetime.now(UTC)),
            ("updated_at", datetime.now(UTC)),
            ("parts_digest", None),
        ],
    )
    def test_of_a_column_of_the_head_is_found(self, source, target, cakes, column, value):
        change(source, documents, "cakes", "", **{column: value})

        with pytest.raises(DamagedDocumentError, match="at its head"):
            source.copy_to(target)

        assert everything(target) == NOTHING

    @pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
    @pytest.mark.parametrize(
        ("damage", "where"),
        [
            (tags.delete(), "tag 'published'"),
            (tags.update().values(version=1), "tag 'published'"),
            (tags.update().values(tag="recalled"), "tag 'published'"),
            (documents.update().where(IS_HEAD).values(deleted_at=datetime.now(UTC)), "its head"),
            (documents.update().where(IS_HEAD).values(seal=None), "its head"),
            (documents.update().where(IS_HEAD).values(tags="[]"), "its head"),
        ],
        ids=["lost tag", "moved tag", "renamed tag", "forged deletion", "lost seal", "tags of another type"],
    )
    def test_of_a_tag_or_a_deletion_is_found(self, source, target, cakes, damage, where, is_known):
        source.tag("cakes", "published", 2)
        if is_known:
            source.copy_to(target)
        before = everything(target)
        with source.engine.begin() as connection:
            connection.execute(damage)

        with pytest.raises(DamagedDocumentError) as caught:
            source.copy_to(target)

        assert (caught.value.where, everything(target)) == (where, before)

    def test_of_types_and_statuses_is_mended_from_the_bodies(self, source, target, cakes):
        change(source, documents, "cakes", "/trials/1", status=None)

        source.copy_to(target)

        assert target.verify() == []

    def test_of_a_text_that_is_none_is_told_of_the_source(self, tmp_path, connect):
        source, target = (connect(f"sqlite:///{tmp_path}/{name}.db") for name in ("from", "to"))
        source.put("note", "n1", "a")
        with source.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE documents SET body = CAST(x'22ff22' AS TEXT)")

        with pytest.raises(DatabaseError, match=r"from\.db"):
            source.copy_to(target)

    def test_done_by_the_target_itself_is_found_and_not_kept(self, tmp_path, source, connect, cakes):
        target = connect(f"sqlite:///{tmp_path}/meddling.db")
        with target.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER meddle AFTER INSERT ON documents WHEN new.path = '/data/1' BEGIN "
                "UPDATE documents SET body = '{}' WHERE id = new.id AND path = new.path; END"
            )

        with pytest.raises(DamagedDocumentError, match=r"at /data/1: as the target has it, its body is not what"):
            source.copy_to(target)

        assert everything(target) == NOTHING

    def test_done_to_tags_by_the_target_is_found_and_not_kept(self, tmp_path, source, connect, cakes):
        source.tag("cakes", "published", 2)
        target = connect(f"sqlite:///{tmp_path}/meddling.db")
        with target.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER meddle AFTER INSERT ON tags BEGIN UPDATE tags SET version = 1 WHERE tag = new.tag; END"
            )

        with pytest.raises(DamagedDocumentError, match="as the target has it, they are not the ones written"):
            source.copy_to(target)

        assert everything(target) == NOTHING


class TestASourceWhoseConnectionIsLost:
    """It ended while the third of five documents was read."""

    @pytest.fixture(autouse=True)
    def lost(self, source, target, several):
        used, begun = [], []

        @sa.event.listens_for(source.engine, "before_cursor_execute", named=True)
        def use(conn, **other):
            used.append(conn.connection.driver_connection)

        @sa.event.listens_for(target.engine, "before_cursor_execute", named=True)
        def lose(statement, **other):
            if statement.startswith("INSERT INTO versions"):
                begun.append(statement)
                if len(begun) == 3:
                    used[-1].close()

    def test_is_told_and_the_copy_can_be_continued(self, source, target):
        with pytest.raises(DatabaseError, match=re.escape(shown(source.engine.url))):
            source.copy_to(target)

        assert names_in(target) == ["bread"]
        assert [each.status for each in source.copy_to(target, ["bread"])] == ["unchanged", "copied"]


class TestATextThatTheTargetDoesNotTake:
    @pytest.fixture
    def small(self, tmp_path, connect):
        """A database of texts up to 200,000 bytes."""
        small = connect(f"sqlite:///{tmp_path}/small.db")
        small.engine.dispose()
        sa.event.listen(small.engine, "connect", lambda c, _: c.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 204_096))
        return small

    @pytest.mark.parametrize(("values", "where"), [(["x" * 300_000], ""), (["x" * 300_000, "y"], "version 2")])
    def test_is_told_with_its_place(self, source, small, values, where):
        for value in values:
            source.put("note", "n1", value)

        with pytest.raises(TooLargeError) as caught:
            source.copy_to(small)

        assert (caught.value.name, caught.value.pointer, caught.value.limit) == ("n1", where, 200_000)
        assert everything(small) == NOTHING


def a_large_experiment(store):
    """600 parts of 10,000 characters each, 20 of them changed since; the head has 100,000."""
    experiment = new_experiment("large", trials=0, description="x" * 100_000)
    for number in range(600):
        trial = experiment.new_trial(parameters={"x": number / 2**20, "flour": "rye"})
        trial.run_metadata["text"] = f"{number:010}" * 1_000
    store.save(experiment)
    for number in range(20):
        experiment.trials[number].run_metadata["text"] = "short"
        store.save(experiment)


class TestALargeDocument:
    """It goes over a page at a time; the rows and the text of a page are bounded."""

    @pytest.fixture
    def state(self, request):
        return a_large_experiment if "large" in request.fixturenames else None

    @pytest.fixture
    def large(self):
        """The source has it."""

    def test_is_written_by_statements_of_bounded_rows(self, source, target, large):
        log = Log(target.engine)

        copy_in_pages(source, target, rows=7)

        assert log.most_rows == 7
        assert everything(target) == everything(source)

    def test_is_written_by_statements_of_bounded_text(self, source, target):
        for number in range(100):
            source.put("note", "n1", f"{number:03}" * 1_000)
        log = Log(target.engine)

        copy_in_pages(source, target, text=10_000)

        assert 6_000 < log.most_text < 15_000
        assert everything(target) == everything(source)

    def test_is_never_held_whole(self, source, target, large):
        size = sum(len(row["body"]) for row in rows_of(source, documents))
        source.put("note", "n1", "what is imported and compiled once is")
        source.copy_to(target, ["n1"], kind="note")
        tracemalloc.start()
        try:
            copy_in_pages(source, target, text=100_000)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert size > 5_000_000
        assert peak < size / 2

    def test_fits_the_pages_of_a_store_with_thousands_of_parts(self, source, target):
        source.save(new_experiment("long", trials=1_000))
        log = Log(target.engine)

        source.copy_to(target)

        assert log.rows["INSERT documents"] == 2_001
        assert log.most_rows == 500
        assert target.verify() == []


class TestTheSameDatabase:
    @pytest.fixture
    def before(self, source, cakes):
        return everything(source)

    def test_is_refused_as_the_target(self, source, before):
        with pytest.raises(InvalidValueError, match="It is the source's own database"):
            source.copy_to(source)

    @pytest.mark.parametrize("project", ["default", "another"])
    def test_is_refused_through_another_store(self, source, urls, connect, before, project):
        with pytest.raises(InvalidValueError, match="It is the source's own database"):
            source.copy_to(connect(urls[0], project=project))

        assert everything(source) == before

    def test_is_refused_under_another_spelling(self, tmp_path, connect, monkeypatch):
        monkeypatch.chdir(tmp_path)
        source = connect("sqlite:///lab.db")

        with pytest.raises(InvalidValueError, match="It is the source's own database"):
            source.copy_to(connect(Path(tmp_path, "lab.db"), project="another"))

    def test_is_told_by_the_ids_where_the_url_does_not_tell_it(self, tmp_path, connect):
        source = connect(Path(tmp_path, "lab.db"))
        source.put("note", "n1", 1)
        target = connect(creator=lambda: sqlite3.connect(tmp_path / "lab.db"), project="another")

        with pytest.raises(InvalidValueError, match="Its project 'default' has note 'n1' by this id"):
            source.copy_to(target)

    def test_is_not_what_two_in_memory_are(self, connect):
        source, target = connect("sqlite://"), connect("sqlite://")
        source.put("note", "n1", 1)

        source.copy_to(target)

        assert target.get("n1", kind="note") == 1

    def test_is_refused_in_memory_too(self, connect):
        source = connect("sqlite://")

        with pytest.raises(InvalidValueError, match="It is the source's own database"):
            source.copy_to(connect(source.engine, project="another"))
