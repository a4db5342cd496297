"""A database that something else wrote to is read, or refused by a DocstoreError; and ``verify`` tells what it found.

On SQLite, which takes any value into any column, and whose file may be anyone's.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fuzzing import fuzz
from hostile import HOSTILE, examples, soup, spoilt, text
from hypothesis import strategies as st

import docstore
from docstore.documents.digests import Digests
from docstore.documents.history import GENESIS, Version, chained
from docstore.errors import DocstoreError
from docstore.testing.experiments import add_trial, new_experiment

pytestmark = pytest.mark.usefixtures("no_backoff")

NOW = datetime.now(UTC)

CALLS: dict[str, Callable[[docstore.Store, docstore.Store, Any], object]] = {
    "load": lambda store, other, mine: store.load("cakes"),
    "load version 1": lambda store, other, mine: store.load("cakes", version=1),
    "load at": lambda store, other, mine: store.load("cakes", at=NOW),
    "load a note": lambda store, other, mine: store.load("n1", kind="note"),
    "get": lambda store, other, mine: store.get("cakes"),
    "get version 1": lambda store, other, mine: store.get("n1", kind="note", version=1),
    "history": lambda store, other, mine: [str(version) for version in store.history("cakes")],
    "diff": lambda store, other, mine: str(store.diff("cakes", 1, 3)),
    "find": lambda store, other, mine: list(store.find()),
    "find by codes": lambda store, other, mine: list(store.find(kind="experiment", type="CAKE", status="DRAFT")),
    "verify": lambda store, other, mine: [str(damage) for damage in store.verify()],
    "copy": lambda store, other, mine: store.copy_to(other),
    "copy one": lambda store, other, mine: store.copy_to(other, names=["cakes"]),
    "save": lambda store, other, mine: store.save(mine),
    "overwrite": lambda store, other, mine: store.save(mine, on_conflict="overwrite"),
    "save_trial": lambda store, other, mine: store.save_trial(mine, mine.trials[0]),
    "put": lambda store, other, mine: store.put("note", "n1", {"b": 1}),
    "revert": lambda store, other, mine: store.revert("cakes", 1),
    "delete": lambda store, other, mine: store.delete("cakes"),
    "purge": lambda store, other, mine: store.purge("cakes"),
}

BESIDE_VERIFY = [call for call in CALLS if call != "verify"]


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A file with an experiment at version 3 and a note at version 2, in tables that take NULL everywhere."""
    path = tmp_path_factory.mktemp("saved") / "lab.db"
    with docstore.connect(path) as store:
        experiment = new_experiment(trials=1, experiment_type="CAKE")
        store.save(experiment)
        experiment.description = "with salt"
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)
        store.put("note", "n1", {"a": 1})
        store.put("note", "n1", {"a": 2, "b": [1, 2]})
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        # A full state of the note, as it would get one after more versions.
        body, [id] = '{"a":1}', connection.execute("SELECT id FROM documents WHERE name = 'n1'").fetchone()
        connection.execute("INSERT INTO states VALUES (?, 1, '', ?, ?)", (id, sha256(body.encode()).hexdigest(), body))
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
    return path


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A file with tables, and nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "lab.db"
    docstore.connect(path).close()
    return path


def matched(connection: sqlite3.Connection) -> None:
    """Make every digest and the chain fit what is there, as whoever knows how they are made can."""
    for (id,) in connection.execute("SELECT DISTINCT id FROM documents").fetchall():
        digests = {}
        for path, body in connection.execute("SELECT path, body FROM documents WHERE id = ?", (id,)).fetchall():
            digests[path] = sha256(body.encode()).hexdigest()
            changed = (digests[path], id, path)
            connection.execute("UPDATE documents SET digest = ? WHERE id = ? AND path = ?", changed)
        whole = (
            "UPDATE versions SET digest = ? WHERE id = ? AND version = (SELECT max(version) FROM versions WHERE id = ?)"
        )
        made = Digests.of(digests)
        connection.execute(whole, (made.digest(), id, id))
        connection.execute("UPDATE documents SET parts_digest = ? WHERE id = ? AND path = ''", (made.parts_digest, id))
        chain = GENESIS
        columns = "version, created_at, author, message, changes, digest"
        history = f"SELECT {columns} FROM versions WHERE id = ? ORDER BY version"
        for number, at, author, message, changes, digest in connection.execute(history, (id,)).fetchall():
            moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
            chain = chained(chain, id, Version(number, moment, author, message, (), digest, ""), changes)
            connection.execute("UPDATE versions SET chain = ? WHERE id = ? AND version = ?", (chain, id, number))


class Lab:
    """A store whose file something else writes to, with an object that was loaded from it before, and another store."""

    def __init__(self, folder: Path, saved: Path, empty: Path) -> None:
        self.path, beside = folder / "lab.db", folder / "other.db"
        shutil.copy(saved, self.path)
        shutil.copy(empty, beside)
        self.store, self.other = docstore.connect(self.path), docstore.connect(beside)
        self.mine = self.store.load("cakes")
        self.mine.description = "mine"

    def write(self, statement: str, *values: object, match: bool = False) -> None:
        """Execute *statement* as SQLite's own shell would; *match*: and let digests and the chain fit."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, values)
            if match:
                matched(connection)

    def settles(self, *calls: str) -> bool:
        """Return whether each of *calls* gives something, or a DocstoreError; any other error is the caller's."""
        for call in calls:
            with contextlib.suppress(DocstoreError):
                CALLS[call](self.store, self.other, self.mine)
        return True

    def close(self) -> None:
        self.store.close()
        self.other.close()


@pytest.fixture
def lab(tmp_path, saved, empty):
    made = Lab(tmp_path, saved, empty)
    yield made
    made.close()


IN_ANY = [None, "", "note", "a\0b", "\u2603" * 5000, -1, 2**63 - 1, 0.5, float("inf"), b"\xff\xfe"]
OF_JSON = [
    *("null", "{}", "[" * 2000, '{"__type":5}', '{"__type":"Experiment"}', '[{"op":"add","path":"/zz"}]'),
    *('[{"op":[],"path":{}}]', '[{"op":"replace","path":"","old":1}]'),
    '[{"op":"replace","path":"/b/9999999999999999999","old":[]}]',
]
OF_TIME = ["2026-13-45", "9999-12-31 23:59:59.999999"]
BESIDES = {
    "body": OF_JSON,
    "changes": OF_JSON,
    "created_at": OF_TIME,
    "updated_at": OF_TIME,
    "deleted_at": OF_TIME,
    "kind": ["experiment"],
    "path": ["/trials/x", "/data/0"],
}
"""Texts that mean something in these columns, and in all others are texts like "note"."""

COLUMNS = {
    "documents": [
        *("id", "path", "project", "kind", "name", "owner", "position", "type", "status", "arm", "signature"),
        *("model", "version", "created_at", "updated_at", "deleted_at", "digest", "body"),
    ],
    "versions": ["id", "version", "created_at", "author", "message", "changes", "digest", "chain"],
    "states": ["id", "version", "path", "digest", "body"],
    "codes": ["column", "value", "name"],
}
UNREAD = ("project", "owner", "position", "arm", "signature")
"""Columns that are for views and searches alone, or without which a row is another store's."""
PLACES = [(table, column) for table, columns in COLUMNS.items() for column in columns]
WRONG = [
    pytest.param(table, column, value, id=f"{table}.{column} = {value!r:.30}")
    for table, column in PLACES
    for value in (*IN_ANY, *BESIDES.get(column, ()))
]


class TestAColumnThatHoldsSomethingElse:
    """In one row, whichever it is."""

    @pytest.mark.parametrize(("table", "column", "value"), WRONG)
    def test_is_read_or_refused_and_verify_does_not_fail(self, lab, table, column, value):
        with contextlib.suppress(sqlite3.IntegrityError):
            lab.write(f'UPDATE {table} SET "{column}" = ? WHERE rowid = (SELECT max(rowid) FROM {table})', value)

        assert isinstance(lab.store.verify(), list)
        assert lab.settles(*BESIDE_VERIFY)

    @pytest.mark.parametrize(("table", "column"), [place for place in PLACES if place[1] not in UNREAD])
    def test_is_told_where_it_is_not_even_text(self, lab, table, column):
        lab.write(f"UPDATE {table} SET \"{column}\" = CAST(x'ff22' AS TEXT) WHERE rowid = 1")

        assert lab.store.verify() != []
        assert lab.settles(*BESIDE_VERIFY)


class TestAHeadThatSaysItHasAnyNumberOfVersions:
    def test_is_told_in_few_words(self, lab):
        lab.write("UPDATE documents SET version = ? WHERE name = 'cakes'", 2**62)

        damages = [damage for damage in lab.store.verify() if damage.table == "versions"]

        assert [damage.where for damage in damages] == [f"versions 4 to {2**62}"]
        assert lab.settles(*CALLS)


@contextlib.contextmanager
def a_lab(saved: Path, empty: Path) -> Iterator[Lab]:
    """A lab for one example: nothing of it is left."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Lab(Path(folder), saved, empty)) as lab:
        yield lab


@pytest.mark.fuzz
class TestABodyThatIsAnotherDocument:
    """Its digests fit, and so does the chain: it can be told from a document by reading it alone."""

    def test_is_read_or_refused(self, saved, empty):
        documents = st.sampled_from(examples())
        parts = documents.map(lambda each: each["trials"]["0"])
        wholes = {"": documents, "/trials/0": parts, "/data/0": parts}
        rows = [
            st.tuples(st.just(path), spoilt(each) | soup() | st.sampled_from(HOSTILE)) for path, each in wholes.items()
        ]

        def law(drawn):
            path, body = drawn
            of_one = "name = 'cakes'" if not path else "path = ?"
            with a_lab(saved, empty) as lab:
                arguments = (text(body).decode(), *([path] if path else []))
                lab.write(f"UPDATE documents SET body = ? WHERE {of_one}", *arguments, match=True)

                assert lab.settles(*CALLS)

        fuzz(law, st.one_of(rows), in_ci=20)

    def test_is_read_or_refused_in_changes(self, saved, empty):
        pointers = st.sampled_from(
            ["", "/", "/a", "/trials", "/trials/0", "/trials/0/index", "/data/1", "/name", "/~2"]
        )
        change = st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "remove", "replace", 1]), "path": pointers | soup()},
            optional={"old": soup() | st.sampled_from(HOSTILE)},
        )

        def law(changes):
            with a_lab(saved, empty) as lab:
                lab.write("UPDATE versions SET changes = ? WHERE version = 2", text(changes).decode(), match=True)

                assert lab.settles(*CALLS)

        fuzz(law, st.lists(change, max_size=3) | spoilt(st.just([{"op": "add", "path": "/a"}])), in_ci=20)


class TestAFileThatIsNoneOfOurs:
    @pytest.mark.parametrize(
        "data", [b"x" * 5000, b"SQLite format 3\0" + b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 500]
    )
    def test_is_refused(self, tmp_path, data):
        path = tmp_path / "lab.db"
        path.write_bytes(data)

        with pytest.raises(DocstoreError):
            docstore.connect(path).find().first()

    @pytest.mark.fuzz
    def test_is_read_or_refused_where_bytes_of_one_were_changed(self, saved, empty):
        places = st.integers(100, saved.stat().st_size - 1)

        def law(changes):
            with a_lab(saved, empty) as lab:
                lab.store.engine.dispose()
                changed = bytearray(lab.path.read_bytes())
                for place, bits in changes:
                    changed[place] ^= bits
                lab.path.write_bytes(bytes(changed))

                assert lab.settles(*CALLS)

        fuzz(law, st.lists(st.tuples(places, st.integers(1, 255)), min_size=1, max_size=20), in_ci=20)


def test_what_is_read_from_it_is_json_as_any_other(lab):
    """Reading a note gives what was put there, after all of this."""
    assert json.loads(json.dumps(lab.store.get("n1", kind="note"))) == {"a": 2, "b": [1, 2]}
