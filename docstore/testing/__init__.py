"""For the tests of users: docstore's contract, small experiments, and Hypothesis strategies of what can be stored.

``pip install 'docstore[testing]'`` brings pytest and Hypothesis. A database keeps every promise of docstore if this
passes::

    import pytest
    from docstore.testing.contract import StoreContract

    class TestOurs(StoreContract):
        @pytest.fixture
        def database(self, tmp_path):
            return f"sqlite:///{tmp_path}/lab.db"  # the URL, or a ready Engine, of an empty database

``contract`` says how to hold a server, or a store class of your own, to it. ``exact.identity`` is equal for two values
that are the same to the bit, ``experiments`` makes small experiments, and ``strategies`` has ``json_documents()`` and
``experiments()`` for ``hypothesis.given``.
"""

from __future__ import annotations

import sys

_pytest = sys.modules.get("pytest")
if _pytest is not None:
    # Else a failing assert would only say "AssertionError", without the values.
    _pytest.register_assert_rewrite("docstore.testing.contract")
