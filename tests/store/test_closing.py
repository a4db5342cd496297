"""A store that was closed: every call of it, and of what it gave, is refused; what belongs to others stays open."""

from __future__ import annotations

import inspect

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import StoreClosedError
from docstore.testing.experiments import new_experiment

ARGUMENTS = {"objects": (), "trials": ()}
"""Of the arguments that have to be given, those that are no text."""

METHODS = [name for name, value in vars(docstore.Store).items() if inspect.isfunction(value) and name[0] != "_"]


@pytest.fixture
def closed(connect):
    """A store in memory that is closed."""
    store = connect("sqlite://")
    store.close()
    return store


class TestAStoreThatWasClosed:
    @pytest.mark.parametrize("method", [name for name in METHODS if name != "close"])
    def test_refuses_every_call(self, closed, method):
        call = getattr(closed, method)
        required = [each.name for each in inspect.signature(call).parameters.values() if each.default is each.empty]
        arguments = {name: ARGUMENTS.get(name, "x") for name in required if name != "other"}

        with pytest.raises(StoreClosedError):
            call(**arguments, **({"other": closed} if "other" in required else {}))

    def test_refuses_a_with_block(self, closed):
        with pytest.raises(StoreClosedError), closed:
            pass

    def test_is_no_target_of_a_copy(self, closed, connect):
        with pytest.raises(StoreClosedError):
            connect("sqlite://").copy_to(closed)

    def test_may_be_closed_again(self, closed):
        closed.close()

    def test_is_named_without_its_password(self, store):
        store.close()

        with pytest.raises(StoreClosedError, match=r"the store on [\w+]+:.*, project 'default', is closed\.") as caught:
            store.find()

        password = store.engine.url.password
        assert password is None or str(password) not in str(caught.value)
        assert caught.value.store in str(caught.value)

    def test_has_no_connection_left(self, store):
        store.put("note", "n1", 1)

        store.close()

        assert store.engine.pool.checkedin() == 0


class TestWhatAClosedStoreGave:
    @pytest.fixture
    def lab(self, connect):
        store = connect("sqlite://")
        for number in (1, 2):
            store.put("note", "n1", number)
        return store

    def test_is_not_read_any_more(self, lab):
        found = lab.find()
        lab.close()

        with pytest.raises(StoreClosedError):
            list(found)

    def test_shows_itself_all_the_same(self, lab):
        found, page = lab.find(), lab.find().page()
        before = repr(page), page._repr_html_()
        lab.close()

        assert repr(found) == "<Found: its store is closed>"
        assert found._repr_html_() == "<p>Found · its store is closed</p>"
        assert (repr(page), page._repr_html_()) == before

    def test_is_kept_as_far_as_it_was_read(self, lab):
        found = lab.find()
        before = list(found)

        lab.close()

        assert list(found) == before

    def test_ends_where_it_is_in_the_middle_of(self, lab, monkeypatch):
        monkeypatch.setattr("docstore.search.results._PAGE", 1)
        lab.put("note", "n2", 1)
        names = (info.name for info in lab.find())
        first = next(names)
        lab.close()

        with pytest.raises(StoreClosedError):
            next(names)
        assert first == "n1"


class TestAnEngineThatWasGiven:
    @pytest.fixture
    def engine(self, database):
        engine = sa.create_engine(database)
        yield engine
        engine.dispose()

    def test_keeps_its_connections(self, engine):
        store = docstore.connect(engine)
        store.save(new_experiment())
        pool = engine.pool

        store.close()

        assert engine.pool is pool
        assert pool.checkedin() == 1

    def test_serves_its_other_stores(self, engine):
        with docstore.connect(engine) as store:
            store.save(new_experiment())

        with docstore.connect(engine) as other:
            assert other.load("cakes").name == "cakes"
