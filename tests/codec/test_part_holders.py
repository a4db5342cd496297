"""Parts that are no items of one attribute, found and replaced by the holder that an entry of the registry carries."""

from __future__ import annotations

from itertools import count

import pytest
from ledgers import Ledgers, new_ledger

from docstore.codec.classes.class_fields import MISSING
from docstore.codec.live.adopt import adopt
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.parts import Parts
from docstore.codec.mapper import Mapper
from docstore.documents.canonical import ABSENT
from docstore.registry.bundle import mapper_of


@pytest.fixture
def mapper() -> Mapper:
    return mapper_of(Ledgers())


@pytest.fixture
def parts(mapper) -> Parts:
    return Parts(mapper.codec)


class TestAPage:
    """It is made of the lines of a ledger, whose one list has those of all pages."""

    def test_is_written_as_in_the_whole_document(self, mapper):
        ledger = new_ledger()

        whole = mapper.document(ledger).pieces
        alone = LiveObject(mapper, ledger).parts(["/pages/1", "/pages/2", "/pages/3"])

        assert {path: each.body for path, each in alone.items()} == {
            path: whole[path].body for path in ("/pages/1", "/pages/2")
        }

    def test_comes_back_with_the_rest(self, mapper):
        ledger = mapper.decode(mapper.encode(new_ledger()))

        assert ledger.lines == [(1, "bread"), (1, "milk"), (2, "paper")]
        assert ledger.longest == 5

    def test_that_others_changed_is_replaced_in_the_ledger(self, mapper):
        ledger = new_ledger()
        theirs = {"/pages/2": {"__type": "Page", "lines": ["paper", "ink"]}}

        left = adopt(LiveObject(mapper, ledger), theirs)

        assert left == set()
        assert sorted(ledger.lines) == [(1, "bread"), (1, "milk"), (2, "ink"), (2, "paper")]

    def test_that_others_removed_is_removed(self, mapper):
        ledger = new_ledger()

        adopt(LiveObject(mapper, ledger), {"/pages/1": ABSENT})

        assert ledger.lines == [(2, "paper")]

    def test_that_both_changed_is_left(self, mapper):
        ledger = new_ledger()
        saved = {"/pages/2": LiveObject(mapper, ledger).parts(["/pages/2"])["/pages/2"].body}
        ledger.write(2, "mine")

        left = adopt(LiveObject(mapper, ledger), {"/pages/2": {"__type": "Page", "lines": ["theirs"]}}, saved)

        assert left == {"/pages/2"}
        assert (2, "mine") in ledger.lines

    def test_is_not_replaced_after_somebody_else_replaced_it(self, parts):
        ledger = new_ledger()
        former = parts.get(ledger, "/pages/2")
        ledger.write(2, "ink")

        assert not parts.replace(ledger, "/pages/2", former, MISSING)

    def test_moves_to_another_number(self, parts):
        ledger = new_ledger()

        room = parts.move(ledger, "pages", {1: 2, 2: 3}, count(9))

        assert room == {}
        assert sorted(ledger.lines) == [(2, "bread"), (2, "milk"), (3, "paper")]

    def test_makes_room_for_one_that_moves_to_its_number(self, parts):
        ledger = new_ledger()

        room = parts.move(ledger, "pages", {1: 2}, count(9))

        assert room == {2: 9}
        assert sorted(ledger.lines) == [(2, "bread"), (2, "milk"), (9, "paper")]

    def test_is_found_by_an_equal_number_only(self, parts):
        assert parts.numbers(new_ledger(), "pages") == {1, 2}
        assert parts.get(new_ledger(), "/pages/3") is None


class TestTheHead:
    def test_is_updated_and_the_hook_is_called(self, mapper):
        ledger, theirs = new_ledger(), new_ledger()
        theirs.year = 1844
        ledger.longest = 0

        adopt(LiveObject(mapper, ledger), {"": mapper.document(theirs).pieces[""].body})

        assert ledger.year == 1844
        assert (len(ledger.lines), ledger.longest) == (3, 5)

    def test_has_a_name_that_is_no_attribute(self, mapper):
        assert mapper.document(new_ledger()).name == "ada 1843"
