"""Everything that a ``Store`` promises on any database, as tests: a class to inherit from, and a fixture to give.

::

    class TestOurs(StoreContract):
        @pytest.fixture
        def database(self):
            ...  # yield the URL, or a ready Engine, of an empty database; drop it afterwards

The fixture ``database`` is called for each test, and must give an empty one each time, to which several connections can
be open at once. Its URL may hold a password. Where stores need options, override ``open_store`` too: see ``Setting``.
Nothing is timed, nothing waits, and only public calls are made, beside some SQL that damages a row on purpose.
"""

from __future__ import annotations

try:
    import pytest  # noqa: F401  # asked for here, so that its absence is told in our words
except ImportError as error:
    from docstore.errors import MissingDependencyError

    raise MissingDependencyError("pytest", extra="testing", purpose="docstore.testing.contract") from error

from docstore.testing.contract.concurrency import ConcurrencyPromises
from docstore.testing.contract.conflicts import ConflictPromises
from docstore.testing.contract.connecting import ConnectingPromises
from docstore.testing.contract.copying import CopyPromises
from docstore.testing.contract.damage import DamagePromises
from docstore.testing.contract.exactness import ExactnessPromises
from docstore.testing.contract.failures import FailurePromises
from docstore.testing.contract.lifecycle import LifePromises
from docstore.testing.contract.names import NamePromises
from docstore.testing.contract.saving import SavingPromises
from docstore.testing.contract.search import FindingPromises
from docstore.testing.contract.setting import OpenStore, Setting
from docstore.testing.contract.versions import VersionPromises

__all__ = ["OpenStore", "Setting", "StoreContract"]


class StoreContract(
    SavingPromises,
    ExactnessPromises,
    NamePromises,
    VersionPromises,
    FindingPromises,
    LifePromises,
    ConflictPromises,
    ConcurrencyPromises,
    FailurePromises,
    DamagePromises,
    ConnectingPromises,
    CopyPromises,
):
    """Every promise, by theme: inherit from it, in a class whose name begins with ``Test``, and give ``database``."""
