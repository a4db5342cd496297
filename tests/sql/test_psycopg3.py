"""PostgreSQL by psycopg 3: what differs there from psycopg2, beside the whole contract (tests/store)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from administration import administrator
from intrusion import without_foreign_keys
from told import everything_told

import docstore
from docstore.errors import DatabaseError, UnreadableError
from docstore.testing.experiments import add_trial, new_experiment


@pytest.fixture
def url(fresh_database):
    return sa.make_url(fresh_database("postgresql")).set(drivername="postgresql+psycopg")


@pytest.fixture
def store(url, connect):
    return connect(url)


def backend_pid(store):
    with store.engine.connect() as connection:
        return connection.connection.driver_connection.info.backend_pid


def test_it_prepares_no_statements_which_would_be_in_the_session_of_another_client_of_a_pooler(store):
    experiment = new_experiment()
    store.save(experiment)

    for _ in range(10):
        store.save_trial(experiment, add_trial(experiment))

    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar() == 0


@pytest.mark.parametrize("wrong", [{"password": "hunter2-Zebra"}, {"username": "nobody-of-that-name"}])
def test_a_login_that_fails_does_not_tell_the_password(url, wrong):
    """The driver's error has the parts of the connection string as an attribute."""
    url = url.set(password="hunter2-Zebra").set(**wrong)

    with pytest.raises(DatabaseError, match=r"Check the user and the password in the URL\.$") as caught:
        docstore.connect(url)

    assert "hunter2-Zebra" not in everything_told(caught.value)


def test_a_host_that_is_not_there_is_an_error_that_says_what_to_check(url):
    with pytest.raises(DatabaseError, match=r"nohost\.invalid.* Check the name of the host in the URL\.$"):
        docstore.connect(url.set(host="nohost.invalid"))


@pytest.mark.parametrize("pool_pre_ping", [True, False])
def test_a_connection_that_was_lost_while_it_was_idle_is_made_anew_by_a_save(url, connect, pool_pre_ping):
    store = connect(url, pool_pre_ping=pool_pre_ping)
    experiment = new_experiment()
    store.save(experiment)
    with administrator(url) as other:
        other.exec_driver_sql(f"SELECT pg_terminate_backend({backend_pid(store)}, 10000)")

    version = store.save_trial(experiment, add_trial(experiment))

    assert version.number == 2


def test_a_time_that_python_cannot_represent_is_an_unreadable_one(store):
    store.put("note", "n1", 1)
    with without_foreign_keys(store.engine) as connection:
        connection.exec_driver_sql("UPDATE documents SET updated_at = 'infinity'")

    with pytest.raises(UnreadableError, match=r"a time in the database is invalid"):
        store.get("n1", kind="note")
