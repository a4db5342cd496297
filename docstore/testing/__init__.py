"""What tests need: docstore's promises, to hold another database to them, and Hypothesis strategies of what it stores.

``pip install 'docstore[testing]'`` brings pytest and Hypothesis. Your own server, its version and its settings, keep
every promise that docstore makes if this passes::

    import pytest
    from docstore.testing.contract import StoreContract

    class TestOurs(StoreContract):
        @pytest.fixture
        def database(self, tmp_path):
            return f"sqlite:///{tmp_path}/lab.db"  # the URL, or a ready Engine, of an empty database

``exact.identity`` tells whether two values are the same to the bit, ``experiments`` makes small experiments, and
``strategies`` has ``json_documents()`` and ``experiments()`` for ``hypothesis.given``.
"""

from __future__ import annotations

import sys

_pytest = sys.modules.get("pytest")
if _pytest is not None:
    # Without it, a promise that is not kept would say "AssertionError", and neither what was expected nor what came.
    _pytest.register_assert_rewrite("docstore.testing.contract")
