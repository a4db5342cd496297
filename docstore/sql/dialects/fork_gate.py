"""A gate between forks and threads: a fork waits for threads whose locks the child would wait for, without them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ForkGate:
    """Tracks which threads are inside a block; a fork waits until no other thread is, and lets none begin meanwhile.

    Its last three methods are for ``os.register_at_fork``.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()
        self._forking: Counter[int] = Counter()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be inside, in this thread."""
        me = threading.get_ident()
        with self._changed:
            # The thread that forks may be inside in a fork hook; a thread already inside is waited for and goes on.
            self._changed.wait_for(lambda: me in self._inside or not self._forking.keys() - {me})
            self._inside[me] += 1
        try:
            yield
        finally:
            with self._changed:
                _count_down(self._inside, me)
                self._changed.notify_all()

    def before_fork(self, patience: float) -> None:
        """Wait at most *patience* seconds until no other thread is inside, and let none begin."""
        me = threading.get_ident()
        with self._changed:
            self._forking[me] += 1
            self._changed.wait_for(lambda: not self._inside.keys() - {me}, patience)

    def after_fork_in_parent(self) -> None:
        """Let other threads begin again."""
        with self._changed:
            _count_down(self._forking, threading.get_ident())
            self._changed.notify_all()

    def after_fork_in_child(self) -> bool:
        """Forget the parent's threads; return whether any of them was inside."""
        was_inside = bool(self._inside)
        self._forget()
        return was_inside


def _count_down(counter: Counter[int], thread: int) -> None:
    counter[thread] -= 1
    if counter[thread] <= 0:
        del counter[thread]
