"""Documents whose parts a holder finds, in a store: saved part by part, merged, and updated in place."""

from __future__ import annotations

import pytest
from ledgers import Ledgers, new_ledger

import docstore
from docstore.errors import ConflictError


@pytest.fixture
def store(database, connect) -> docstore.Store:
    return connect(database, bundle=Ledgers())


class TestTwoReadersOfOneLedger:
    """Both loaded version 1."""

    def test_keep_their_changes_of_different_pages(self, store):
        store.save(new_ledger())
        mine, theirs = (store.load("ada 1843", kind="ledger") for _ in range(2))
        theirs.write(3, "coffee")
        store.save(theirs)
        mine.write(2, "ink")

        version = store.save(mine)

        assert version.number == 3
        assert [change.path for change in version.changes] == ["/pages/2/lines/1"]
        assert sorted(mine.lines) == [(1, "bread"), (1, "milk"), (2, "ink"), (2, "paper"), (3, "coffee")]
        assert mine.longest == 6

    def test_are_told_of_a_page_that_both_changed(self, store):
        store.save(new_ledger())
        mine, theirs = (store.load("ada 1843", kind="ledger") for _ in range(2))
        theirs.write(2, "coffee")
        store.save(theirs)
        mine.write(2, "ink")

        with pytest.raises(ConflictError, match="/pages/2/lines"):
            store.save(mine)


def test_a_save_of_an_unchanged_ledger_makes_no_version(store):
    ledger = new_ledger()
    first = store.save(ledger)

    assert store.save(ledger).number == first.number
