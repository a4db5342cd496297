"""The signatures of a store's calls: what completion and ``help()`` show is all that a call takes."""

from __future__ import annotations

import inspect

import pytest

import docstore
from docstore import Store

CALLS = [docstore.connect, *(call for name, call in vars(Store).items() if inspect.isfunction(call) and name[0] != "_")]


class TestKeywords:
    """A user types a call, and looks at what is completed."""

    @pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
    def test_each_is_named_in_the_signature(self, call):
        kinds = {each.kind for each in inspect.signature(call).parameters.values()}

        assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}

    def test_one_that_find_does_not_have_is_refused(self, store):
        with pytest.raises(TypeError, match="team"):
            store.find(team="vision")

    def test_one_that_connect_does_not_have_is_refused(self):
        with pytest.raises(TypeError, match="projekt"):
            docstore.connect("sqlite://", projekt="cakes")


def test_a_store_is_one_class():
    """go-to-definition shows one place."""
    assert Store.__bases__ == (object,)
