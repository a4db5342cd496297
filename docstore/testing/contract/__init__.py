"""The contract of a store: every promise that ``Store`` makes on any database, as tests to inherit.

To hold a database of your own to it (your server, its version and settings, a proxy before it), write a test class that
gives the URL, or a ready Engine, of an empty database::

    import os
    import secrets

    import pytest
    import sqlalchemy as sa

    import docstore
    from docstore.testing.contract import StoreContract


    class TestOurServer(StoreContract):
        @pytest.fixture
        def database(self):
            url = sa.make_url(os.environ["LAB_DATABASE_URL"])  # of a user who may create databases
            name = f"docstore_test_{secrets.token_hex(8)}"
            server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            with server.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
                yield url.set(database=name).render_as_string(hide_password=False)
                connection.exec_driver_sql(f"DROP DATABASE {name}")
            server.dispose()

pytest calls ``database`` for each test. It must give an empty database each time, which takes several connections at
once.

To hold a store of your own to it (a subclass of ``Store``, or one with other defaults), override ``open_store``. It
gives a function that opens another store on the database and takes the keywords of ``Store`` (author, project, ...)::

    class OurStore(docstore.Store):
        def best_name(self, name):
            return self.best(name)[0].arm_name


    class TestOurStore(TestOurServer):
        @pytest.fixture
        def open_store(self, database):
            with docstore.connect(database) as first:  # makes the tables
                yield lambda **options: OurStore(first.engine, **options)

A dialect that docstore does not know (``docstore.connect`` names those that it does) needs a module in
``docstore/sql/dialects`` first; it is done when this contract passes.

The tests make public calls only, except for a few SQL statements that damage a row on purpose. They measure no time and
wait for none.
"""

from __future__ import annotations

try:
    import pytest  # noqa: F401  # imported here, so that the error for a missing package names the extra to install
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
from docstore.testing.contract.lifecycle import LifecyclePromises
from docstore.testing.contract.names import NamePromises
from docstore.testing.contract.saving import SavingPromises
from docstore.testing.contract.search import SearchPromises
from docstore.testing.contract.setting import OpenStore, Setting
from docstore.testing.contract.versions import VersionPromises

__all__ = ["OpenStore", "Setting", "StoreContract"]


class StoreContract(
    SavingPromises,
    ExactnessPromises,
    NamePromises,
    VersionPromises,
    SearchPromises,
    LifecyclePromises,
    ConflictPromises,
    ConcurrencyPromises,
    FailurePromises,
    DamagePromises,
    ConnectingPromises,
    CopyPromises,
):
    """Every promise, by theme: inherit from it, in a class whose name begins with ``Test``, and give ``database``."""
