"""A cache with a bound, and an answer that many share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from docstore.web.caching import BoundedCache, Shared


class TestABoundedCache:
    def test_makes_a_value_once(self):
        cache, made = BoundedCache(10), []

        assert [cache.get("a", lambda: made.append(1) or "value") for _ in range(3)] == ["value"] * 3
        assert made == [1]

    def test_drops_what_was_used_longest_ago(self):
        cache = BoundedCache(10)
        for key in "ab":
            cache.get(key, lambda key=key: key, lambda value: 5)
        cache.get("a", lambda: "again")

        cache.get("c", lambda: "c", lambda value: 5)

        assert [cache.get(key, lambda: "made anew", lambda value: 0) for key in "acb"] == ["a", "c", "made anew"]

    def test_keeps_nothing_that_is_larger_than_all(self):
        cache = BoundedCache(10)

        assert cache.get("a", lambda: "large", lambda value: 11) == "large"
        assert cache.get("a", lambda: "again") == "again"

    def test_makes_a_value_once_for_threads_that_ask_together(self):
        cache, together, made = BoundedCache(10), threading.Barrier(4), []

        def ask(_):
            together.wait(10)
            return cache.get("a", lambda: made.append(1) or "value")

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(ask, range(4))) == ["value"] * 4
        assert made == [1]

    def test_keeps_no_error(self):
        cache = BoundedCache(10)
        with pytest.raises(ZeroDivisionError):
            cache.get("a", lambda: 1 // 0)

        assert cache.get("a", lambda: "value") == "value"

    def test_makes_a_value_once_after_an_error_that_another_waited_for(self):
        cache, made, asked = BoundedCache(10), [], []

        def fail():
            asked.append(threads.submit(cache.get, waiting := WatchedKey(), make))
            assert waiting.was_looked_up.wait(10)
            return 1 // 0

        def make():
            made.append(1)
            if len(made) == 1:
                late = WatchedKey()
                asked.append(threads.submit(cache.get, late, make))
                assert late.was_looked_up.wait(10)
            return "value"

        with ThreadPoolExecutor(2) as threads:
            with pytest.raises(ZeroDivisionError):
                cache.get(WatchedKey(), fail)
            assert asked[0].result() == "value"
            assert asked[1].result() == "value"

        assert made == [1]


class WatchedKey:
    """A key that equals all others of its class, and says when a thread has looked for its value and for its lock."""

    def __init__(self):
        self.times, self.was_looked_up = 0, threading.Event()

    def __eq__(self, other):
        return isinstance(other, WatchedKey)

    def __hash__(self):
        self.times += 1
        if self.times == 2:
            self.was_looked_up.set()
        return 1


class TestASharedAnswer:
    def test_is_asked_for_once_in_so_many_seconds(self):
        now, asked = [0.0], []
        shared = Shared(lambda: asked.append(now[0]), 1.0, lambda: now[0])

        for moment in (0.0, 0.5, 0.9, 1.0, 1.9, 2.5):
            now[0] = moment
            shared.get()

        assert asked == [0.0, 1.0, 2.5]

    def test_may_be_an_error_that_all_share(self):
        asked = []
        shared = Shared(lambda: asked.append(1) or 1 // 0, 1.0, lambda: 0.0)

        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                shared.get()

        assert asked == [1]
