"""The pause of Python's cycle collector while a document is made."""

from __future__ import annotations

import gc
import os
import threading

import pytest

from docstore.codec.collector import collector_paused


@pytest.fixture(autouse=True)
def _switched_on_afterwards():
    yield
    gc.enable()


def pause_in_another_thread():
    """Begin a pause in another thread; return a function that ends it."""
    began, may_end = threading.Event(), threading.Event()

    def other():
        with collector_paused():
            began.set()
            may_end.wait()

    def end():
        may_end.set()
        thread.join()

    thread = threading.Thread(target=other)
    thread.start()
    began.wait()
    return end


class TestAPause:
    def test_switches_the_collector_off_and_on_again(self):
        with collector_paused():
            assert not gc.isenabled()
        assert gc.isenabled()

    def test_ends_with_an_error(self):
        with pytest.raises(KeyError), collector_paused():
            raise KeyError
        assert gc.isenabled()

    def test_inside_another_ends_with_the_outer_one(self):
        with collector_paused():
            with collector_paused():
                pass
            assert not gc.isenabled()
        assert gc.isenabled()

    def test_leaves_a_collector_off_that_the_user_switched_off(self):
        gc.disable()
        with collector_paused(), collector_paused():
            pass
        assert not gc.isenabled()

    def test_that_overlaps_with_one_of_another_thread_ends_with_the_later_of_the_two(self):
        with collector_paused():
            end = pause_in_another_thread()
        assert not gc.isenabled()
        end()
        assert gc.isenabled()


class TestAForkInAPauseOfAnotherThread:
    @pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
    def test_has_the_collector_on_in_the_child(self):
        end = pause_in_another_thread()
        try:
            child = os.fork()
            if not child:
                with collector_paused():
                    pass
                os._exit(0 if gc.isenabled() else 1)
        finally:
            end()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
