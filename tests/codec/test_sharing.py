"""Sharing: whether something outside of an object refers into it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from docstore.codec.live.sharing import Sharing


class Box:
    """An object with attributes, which the tests say is nothing else."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        self.held = held


def is_shared(places: dict[str, Any], owner: object = None) -> bool:
    return Sharing(owner, {Box, Slotted}).is_shared(lambda: places["it"])


def nested() -> dict[str, Any]:
    return {"it": Box(a={"list": [1, "two", (3, [4])]}, b=Slotted([{5}, frozenset({6})]), c=(7, 8), d=None)}


class TestAnObjectThatNothingElseRefersTo:
    def test_is_not_shared(self):
        assert not is_shared(nested())

    def test_is_not_if_things_in_it_refer_to_each_other(self):
        places = nested()
        places["it"].a["list"] += [places["it"], places["it"].b, places["it"].b.held, places["it"].a]

        assert not is_shared(places)

    def test_is_not_if_it_refers_to_its_owner(self):
        owner = Box()
        owner.places = nested()
        owner.places["it"].owner = owner

        assert not is_shared(owner.places, owner)

    def test_is_not_any_more_once_others_let_go_of_it(self):
        places = nested()
        others = [places["it"], places["it"].a, vars(places["it"])]
        others.clear()

        assert not is_shared(places)


class TestAReferenceFromOutside:
    @pytest.mark.parametrize(
        "take",
        [
            lambda it: it,
            lambda it: vars(it),
            lambda it: it.a,
            lambda it: it.a["list"],
            lambda it: it.a["list"][2],
            lambda it: it.a["list"][2][1],
            lambda it: it.b,
            lambda it: it.b.held,
            lambda it: it.b.held[0],
            lambda it: iter(it.a["list"]),
            lambda it: it.a.items(),
            lambda it: it.__init__,
            weakref.ref,
            lambda it: weakref.WeakSet([it]),
            lambda it: lambda: it,
        ],
    )
    def test_is_noticed(self, take: Callable[[Any], Any]):
        places = nested()
        held = [take(places["it"])]

        assert is_shared(places)
        held.clear()
        assert not is_shared(places)

    def test_is_noticed_beside_two_from_inside(self):
        places = nested()
        held = places["it"].a["again"] = places["it"].a["list"]

        assert is_shared(places)
        assert held is not None

    def test_from_another_object_of_the_same_owner_is_noticed(self):
        places = nested()
        places["other"] = Box(a=places["it"].a)

        assert is_shared(places)


class TestAnObjectThatMayBeChangedUnseen:
    @pytest.mark.parametrize("held", [bytearray(1), memoryview(b""), threading.Lock(), object(), print, Exception()])
    def test_counts_as_shared(self, held):
        places = nested()
        places["it"].held = held

        assert is_shared(places)
