"""What a search reads: documents and objects, many by few statements; and what it gives to SQL, pandas and Arrow."""

from __future__ import annotations

import sys
from dataclasses import make_dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from counting import statements_of

import docstore
from docstore import ExperimentStatus, q
from docstore.errors import DamagedDocumentError, InvalidValueError, MissingDependencyError, TablesError
from docstore.sql.dialects import make_engine
from docstore.sql.tables import documents
from docstore.testing.experiments import new_experiment

VALUE = {"team": "vision", "budget": 2.5, "tuple": (1, 2.0), "none": None}


@pytest.fixture
def shelf(shared_stores, backend):
    """A store with a shelf, which may only be read."""
    with shared_stores.filled(backend, "shelf to read", fill) as store:
        yield store


@pytest.fixture
def own_shelf(store):
    """A store with a shelf of the test's own."""
    fill(store)
    return store


def fill(store: docstore.Store) -> None:
    """Save three experiments with one, two and three trials, and a note."""
    for number, name in enumerate(("bread", "cake", "pie"), 1):
        store.save(new_experiment(name, trials=number, properties={**VALUE, "rank": number}))
    store.put("note", "n1", (1, {"a": b"x"}))


class TestDocuments:
    """The JSON of each, as ``get`` gives it."""

    def test_are_what_get_gives(self, shelf):
        found = list(shelf.find().documents())

        assert [repr(each) for each in found] == [repr(shelf.get(info.name, kind=info.kind)) for info in shelf.find()]

    def test_are_those_found_in_their_order(self, shelf):
        found = shelf.find("experiment", where=q("/properties/rank") >= 2, order_by="-name")

        assert [each["name"] for each in found.documents()] == ["pie", "cake"]

    def test_that_were_deleted_can_be_read(self, own_shelf):
        own_shelf.delete("cake")

        assert [each["name"] for each in own_shelf.find(deleted=True).documents()] == ["cake"]

    def test_of_parts_are_what_get_gives(self, shelf):
        found = shelf.find(part="trial", order_by=["-index", "name"])

        assert [repr(each) for each in found.documents()] == [
            repr(shelf.get(info.name, pointer=info.path)) for info in found
        ]

    def test_of_a_kind_of_ones_own_are_whole(self, store):
        with docstore.registry.scope():
            Recipe = make_dataclass("Recipe", [("name", str), ("steps", list[str]), ("cooks", dict[str, int])])
            docstore.document(kind="recipe", parts=["/steps/*", "/cooks/*"])(Recipe)
            store.save(Recipe("soup", ["cut", "boil"], {"ada": 1}))

        assert list(store.find("recipe").documents()) == [store.get("soup", kind="recipe")]
        assert [each["steps"] for each in store.find(where={"/name": "soup"}).documents()] == [["cut", "boil"]]

    def test_take_three_statements_a_page(self, store):
        for number in range(40):
            store.put("note", f"n{number:02}", number)

        found = store.find("note")

        sent = statements_of(store.engine, lambda: list(found.documents()))

        assert len(sent) == 6  # a page of 16, by which their size is known, and one of the rest

    def test_that_are_large_are_read_fewer_at_once(self, store):
        for number in range(32):
            store.put("note", f"n{number:02}", "x" * (1 << 20 if number < 16 else 1))
        found = store.find("note")

        sent = statements_of(store.engine, lambda: [len(each) for each in found.documents()])

        assert len(sent) == 9  # 16 of a megabyte, then 8 as the page was of two times 8 MB, then the rest

    def test_no_transaction_is_open_between_pages(self, store):
        for number in range(17):
            store.put("note", f"n{number:02}", number)
        found = store.find("note").documents()

        next(found)
        store.purge("n16", kind="note")

        assert store.engine.pool.checkedout() == 0
        assert list(found) == list(range(1, 16))

    def test_that_are_damaged_are_told_when_one_comes_to_them(self, own_shelf):
        with own_shelf.engine.begin() as connection:
            at = (documents.c.path == "/trials/0") & documents.c.id.in_([own_shelf.find(name="cake")[0].id])
            connection.execute(documents.update().where(at).values(digest="0" * 64))

        with pytest.raises(DamagedDocumentError, match="cake"):
            list(own_shelf.find("experiment").documents())
        with pytest.raises(DamagedDocumentError, match="cake"):
            list(own_shelf.find(part="trial").documents())

    def test_that_come_before_a_damaged_one_are_given(self, own_shelf):
        names = own_shelf.find("experiment", order_by="name").names()
        with own_shelf.engine.begin() as connection:
            at = (documents.c.path == "") & (documents.c.name == names[-1])
            connection.execute(documents.update().where(at).values(digest="0" * 64))

        found = own_shelf.find("experiment", order_by="name").load()

        assert [next(found).name for _ in names[:-1]] == names[:-1]
        with pytest.raises(DamagedDocumentError, match=names[-1]):
            next(found)


class TestObjects:
    """Each can be changed and saved, as if it had been loaded by its name."""

    def test_are_as_loaded(self, shelf):
        loaded = list(shelf.find("experiment").load())

        assert [docstore.dumps(each) for each in loaded] == [
            docstore.dumps(shelf.load(name)) for name in ("bread", "cake", "pie")
        ]

    def test_can_be_saved(self, own_shelf):
        for experiment in own_shelf.find("experiment", name_like="%e").load():
            experiment.description = "changed"
            own_shelf.save(experiment)

        assert {info.name: info.version for info in own_shelf.find("experiment")} == {"bread": 1, "cake": 2, "pie": 2}
        assert own_shelf.history("pie")[0].places == ("/description",)

    def test_of_values_are_the_values(self, shelf):
        assert list(shelf.find("note").load()) == [(1, {"a": b"x"})]

    def test_of_parts_stand_in_their_documents(self, shelf):
        trials = list(shelf.find(part="trial", where=q("/index") >= 1).load())

        assert [(trial.experiment.name, trial.index) for trial in trials] == [("cake", 1), ("pie", 1), ("pie", 2)]
        assert trials[1].experiment is trials[2].experiment

    def test_of_parts_can_be_saved(self, own_shelf):
        [trial] = own_shelf.find(part="trial", where={"/index": 2}).load()
        trial.run_metadata["mark"] = 1

        version = own_shelf.save_trial(trial.experiment, trial)

        assert (version.number, version.places) == (2, ("/trials/2/run_metadata/mark",))

    def test_of_data_are_found_too(self, shelf):
        found = shelf.find(part="data")

        assert [type(each) for each in found.load()] == [docstore.Data] * len(found)

    def test_of_another_project_become_new_ones_here(self, own_shelf, connect):
        other = connect(own_shelf.engine.url, project="other")

        [loaded] = other.find(name="pie", project="default").load()
        other.save(loaded)

        assert [info.version for info in other.find()] == [1]
        assert other.verify() == own_shelf.verify() == []

    def test_keep_what_is_not_registered_as_the_store_does(self, store, connect):
        with docstore.registry.scope():
            Oven = make_dataclass("Oven", [("name", str)])
            docstore.document(kind="oven")(Oven)
            store.save(Oven("gas"))
        keeping = connect(store.engine.url, unknown="keep")

        [found] = keeping.find("oven").load()

        assert (type(found), found.tag) == (docstore.UnknownObject, "Oven")

    def test_take_three_statements_a_page(self, shelf):
        assert len(statements_of(shelf.engine, lambda: list(shelf.find("experiment").load()))) == 3
        assert len(statements_of(shelf.engine, lambda: list(shelf.find(part="trial").load()))) == 3


HOSTILE = ["'", '"', "%", "%s", "%(x)s", "a;b", "\\", "\\'", ":x", "?", "{}", "--", "\n", "\u00e9"]


class TestSQL:
    """What ``find`` runs, for those who go on in SQL."""

    @pytest.mark.parametrize(
        "criteria",
        [
            {},
            {"kind": "experiment", "status": ["DRAFT", ExperimentStatus.COMPLETED], "order_by": ["-name", "type"]},
            {"where": (q("/properties/budget") > 2) & ~(q("/properties/team") == "x"), "limit": 2},
            {"part": "trial", "where": {"/index": 1}},
            {"name_like": "%e", "owner": None, "model": "docstore"},
        ],
        ids=str,
    )
    def test_can_be_pasted(self, shelf, criteria):
        found = shelf.find(**criteria)

        assert raw(shelf, found.sql()) == [(info.id, info.name) for info in found]

    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_whatever_is_asked_for(self, store, text):
        store.put("note", text, {text: text})
        store.put("note", "other", {text: "other"})
        pointer = f"/{text.replace('~', '~0').replace('/', '~1')}"

        found = store.find(name=text, where={pointer: text}, order_by=pointer)

        assert len(found) == 1
        assert raw(store, found.sql()) == [(info.id, info.name) for info in found]
        like = store.find(name_like=text.replace("\\", "\\\\").replace("%", "\\%"))
        assert [name for _, name in raw(store, like.sql())] == [text]

    def test_asks_for_times_too(self, shelf):
        [info] = shelf.find(name="cake")
        found = shelf.find(created=(info.created_at, None), updated=(None, info.updated_at), name="cake")

        assert (list(found), raw(shelf, found.sql())) == ([], [])
        assert raw(shelf, shelf.find(created=(info.created_at, None), kind="experiment").sql())[0] == (info.id, "cake")

    def test_goes_on_in_sqlalchemy(self, shelf):
        found = shelf.find("experiment", order_by="-name").select().subquery()
        query = sa.select(found.c.name, documents.c.path).join(documents, documents.c.id == found.c.id)

        with shelf.engine.connect() as connection:
            rows = connection.execute(query.where(documents.c.path == "/trials/2")).all()
            told = connection.execute(shelf.find("experiment").select()).mappings().first()

        assert rows == [("pie", "/trials/2")]
        assert tuple(told) == tuple(docstore.DocumentInfo._fields)
        assert docstore.DocumentInfo(**told) == shelf.find("experiment")[0]

    def test_stands_in_one_statement_with_another(self, shelf):
        one, other = (shelf.find(name=name).select().subquery() for name in ("pie", "n1"))
        both = sa.select(one.c.name, other.c.name.label("other")).where(one.c.kind != other.c.kind)

        with shelf.engine.connect() as connection:
            assert connection.execute(both).all() == [("pie", "n1")]


def raw(store: docstore.Store, statement: str) -> list[tuple[str, str]]:
    """Return the ids and names that *statement* gives, run by the driver with no values to bind."""
    connection = store.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        columns = [column[0] for column in cursor.description]
        rows: list[Any] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        cursor.close()
    finally:
        connection.close()
    return [(row["id"], row["name"]) for row in rows]


class TestFrames:
    """A column for each field, and one for what stands at each pointer."""

    def test_have_the_fields(self, shelf):
        frame = shelf.find("experiment").to_frame()

        assert list(frame.columns) == list(docstore.DocumentInfo._fields)
        assert list(frame["name"]) == ["bread", "cake", "pie"]
        assert str(frame["version"].dtype) == "int64"
        assert frame["created_at"][0] == shelf.find(name="bread")[0].created_at

    def test_have_what_stands_at_pointers(self, shelf):
        pointers = ("/properties/rank", "/trials/1/status", "/properties/tuple", "/nowhere", "/properties/budget")

        frame = shelf.find("experiment").to_frame(*pointers)

        assert list(frame.columns[-5:]) == list(pointers)
        assert (list(frame["/properties/rank"]), str(frame["/properties/rank"].dtype)) == ([1, 2, 3], "int64")
        assert list(frame["/trials/1/status"]) == [None, "COMPLETED", "COMPLETED"]
        assert list(frame["/properties/tuple"]) == [(1, 2.0)] * 3
        assert list(frame["/nowhere"]) == [None] * 3
        assert str(frame["/properties/budget"].dtype) == "float64"

    def test_keep_the_types_of_values(self, store):
        for number, value in enumerate([1, 1.0, True, "1", None, 2**70]):
            store.put("note", f"n{number}", {"a": value})

        assert [repr(each) for each in store.find("note").to_frame("/a")["/a"]] == [
            "1", "1.0", "True", "'1'", "None", str(2**70),
        ]  # fmt: skip

    def test_have_whole_documents_and_all_of_their_parts(self, shelf):
        frame = shelf.find(name_prefix="p").to_frame("", "/trials")

        assert repr(frame[""][0]) == repr(shelf.get("pie"))
        assert repr(frame["/trials"][0]) == repr(shelf.get("pie", pointer="/trials"))

    def test_of_parts_have_what_stands_in_the_parts(self, shelf):
        frame = shelf.find(part="trial", name="pie").to_frame("/index", "")

        assert list(frame["/index"]) == list(frame["index"]) == [0, 1, 2]
        assert frame[""][2] == shelf.get("pie", pointer="/trials/2")

    def test_of_nothing_have_the_columns(self, store):
        frame = store.find("experiment").to_frame("/a")
        store.save(new_experiment("cake"))
        of_one = store.find("experiment").to_frame("/a")

        assert (len(frame), list(frame.columns)[-1]) == (0, "/a")
        for field in ("version", "created_at", "updated_at"):
            assert frame[field].dtype == of_one[field].dtype, field
        assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"

    def test_take_two_statements_a_page(self, shelf):
        frame = lambda: shelf.find("experiment").to_frame("/properties/rank", "/trials/0/status")  # noqa: E731

        assert len(statements_of(shelf.engine, frame)) == 2

    @pytest.mark.parametrize("pointer", ["a", 5, "/~2", "/a\0b", "/\ud800"], ids=ascii)
    def test_have_no_other_columns(self, shelf, pointer):
        with pytest.raises(InvalidValueError, match="pointer"):
            shelf.find().to_frame(pointer)

    @pytest.mark.parametrize(
        ("package", "call", "install"),
        [("pandas", "to_frame", r"'docstore\[pandas\]'"), ("pyarrow", "to_arrow", r"'docstore\[arrow\]'")],
    )
    def test_without_the_package_tell_what_to_install(self, shelf, monkeypatch, package, call, install):
        monkeypatch.setitem(sys.modules, package, None)

        with pytest.raises(MissingDependencyError, match=rf"{call}\(\) needs {package}\. .*pip install {install}"):
            getattr(shelf.find(), call)()


class TestArrowTables:
    """The columns of a frame, with Arrow's types; needs pyarrow."""

    @pytest.fixture
    def table(self, store):
        pytest.importorskip("pyarrow", reason="pip install pyarrow")
        for number, value in enumerate([1, None, 3]):
            store.put("note", f"n{number}", {"whole": value, "mixed": [value] if value else 1.5, "large": 2**70})
        return store.find("note").to_arrow("/whole", "/mixed", "/large", "/nowhere")

    def test_have_the_fields(self, table):
        assert table.column_names[:12] == list(docstore.DocumentInfo._fields)
        assert table.column("name").to_pylist() == ["n0", "n1", "n2"]
        assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"

    def test_have_columns_of_one_type(self, table):
        assert (str(table.schema.field("/whole").type), table.column("/whole").to_pylist()) == ("int64", [1, None, 3])
        assert table.column("/nowhere").to_pylist() == [None] * 3

    def test_have_json_where_there_are_several(self, table):
        assert table.column("/mixed").to_pylist() == ["[1]", "1.5", "[3]"]
        assert table.column("/large").to_pylist() == [f'{{"__type":"int","value":"{2**70}"}}'] * 3


def test_a_database_that_cannot_be_read_is_told_when_one_looks(empty_database):
    engine = make_engine(empty_database)
    found = docstore.Store(engine).find("experiment")

    with pytest.raises(TablesError, match="documents"):
        list(found)
    engine.dispose()
