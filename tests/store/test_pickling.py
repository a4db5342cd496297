"""A store cannot be pickled, and says how to open it in the other process; its copies are itself."""

from __future__ import annotations

import copy
import pickle

import pytest
import sqlalchemy as sa

from docstore.errors import StoreError


class TestAStoreThatIsPickled:
    def test_says_how_to_open_it_in_the_other_process(self, database, connect):
        store = connect(database, project="ovens")
        password = sa.make_url(database).password

        with pytest.raises(StoreError, match=r"docstore\.connect\('[\w+]+:.*, project='ovens'\)") as caught:
            pickle.dumps(store)

        assert password is None or str(password) not in str(caught.value)

    def test_inside_another_object_says_so_too(self, connect):
        with pytest.raises(StoreError, match="cannot be pickled"):
            pickle.dumps({"store": [connect("sqlite://")]})


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_store_is_the_store(connect, copied):
    store = connect("sqlite://")

    assert copied(store) is store
    assert copied([store])[0] is store
