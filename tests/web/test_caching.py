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
