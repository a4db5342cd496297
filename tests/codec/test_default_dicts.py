"""A dict that makes the items it lacks comes back with what makes them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

import docstore
from docstore.errors import DecodeError, EncodeError
from docstore.testing.exact import identity


def again(value: Any) -> Any:
    return docstore.loads(docstore.dumps(value))


class TestADefaultDict:
    @pytest.mark.parametrize("factory", [int, float, list, dict, set, str, None])
    def test_comes_back_with_its_factory_and_its_items(self, factory):
        value = defaultdict(factory, {"b": 1, (1, 2): -0.0, "a": defaultdict(factory)})

        assert identity(again(value)) == identity(value)

    def test_has_one_text_whatever_its_order(self):
        assert docstore.dumps(defaultdict(int, a=1, b=2)) == docstore.dumps(defaultdict(int, b=2, a=1))

    def test_stands_in_a_field_of_dicts_too(self, forgotten):
        @docstore.register
        @dataclass
        class Cellar:
            casks: dict[str, int]
            shelves: defaultdict[str, list[int]]

        cellar = Cellar(defaultdict(int, a=1), defaultdict(list, b=[1]))

        assert identity(again(cellar)) == identity(cellar)

    def test_comes_back_as_saved_though_a_constructor_adds_to_it(self, forgotten):
        @docstore.register
        class Tally:
            def __init__(self, counts: Any) -> None:
                counts["made"] += 1
                self.counts = counts

        tally = Tally(defaultdict(int))

        assert again(tally).counts == {"made": 1}

    def test_with_a_function_of_the_users_is_refused(self):
        def five() -> int:
            return 5

        with pytest.raises(EncodeError, match=r"a defaultdict with the factory <function .*five at .*Use int, float"):
            docstore.dumps({"a": defaultdict(five)})

    def test_with_a_class_that_only_has_such_a_name_is_refused(self):
        with pytest.raises(EncodeError, match="cannot be written"):
            docstore.dumps(defaultdict(type("int", (), {})))

    @pytest.mark.parametrize("factory", ['"eval"', "1", '"Counter"'])
    def test_is_not_read_with_another_factory(self, factory):
        with pytest.raises(DecodeError, match="factory"):
            docstore.loads(b'{"__type":"defaultdict","factory":%s,"items":[]}' % factory.encode())


class TestTwoPeopleChangeWhatHoldsOne:
    @pytest.fixture(autouse=True)
    def _registered(self, forgotten):
        @docstore.document(kind="cellar")
        @dataclass
        class Cellar:
            name: str
            casks: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
            notes: list[str] = field(default_factory=list)

        self.cellar = Cellar("deep")

    def test_both_changes_are_kept(self, store):
        """Neither the dict nor what is in it counts as a value that never changes."""
        store.save(self.cellar)
        yours = store.load("deep", kind="cellar")
        yours.casks["oak"].append(1)
        store.save(yours)
        self.cellar.notes.append("damp")

        store.save(self.cellar)

        assert identity(self.cellar.casks) == identity(defaultdict(list, oak=[1]))
        assert identity(store.load("deep", kind="cellar")) == identity(self.cellar)
