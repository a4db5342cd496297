"""A connection that is lost in the middle of a save: made once more if nothing was kept, and never made twice."""

from __future__ import annotations

import contextlib
import logging
import pickle
import re

import pytest
import sqlalchemy as sa
from actions import ACTIONS, fill, held, outline, undisturbed
from administration import administrator, refuse, relent, run
from backends import REMOTES
from proxy import HOST, Proxy

import docstore
from docstore.errors import ConnectionLostError, DatabaseError, DocumentNotFoundError, RaceLostError
from docstore.sqa_store import db
from docstore.sql.transactions import Transactions
from docstore.testing.experiments import new_experiment

on_each_server = pytest.mark.parametrize("backend", list(REMOTES))

every_action = pytest.mark.parametrize("action", ACTIONS)


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Of a connection that is gone, the pool logs no traceback: what became of the save is told by its error alone."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def filled(store):
    """A store that connects to the server itself."""
    fill(store)
    return store


@pytest.fixture
def kill(database):
    """Ends a connection from the server's side, as an administrator does, or a restart."""
    with administrator(database) as connection:

        def kill(lost):
            driver = lost.connection.driver_connection
            if lost.dialect.name == "postgresql":
                # Waits until it is gone.
                connection.exec_driver_sql(f"SELECT pg_terminate_backend({driver.info.backend_pid}, 10000)")
            else:
                connection.exec_driver_sql(f"KILL CONNECTION {driver.thread_id()}")

        yield kill


class Killer:
    """Kills a store's connection at some of its statements, so many times."""

    def __init__(self, store, kill, statements, times):
        self.killed = 0

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def before(connection, cursor, statement, *rest):
            if re.match(statements, statement) and self.killed < times:
                self.killed += 1
                kill(connection)


WRITES = r"(WITH \w+ AS \()?(INSERT|UPDATE|DELETE)"
READS = r"SELECT documents\.id"


def number_and_outline(made, store):
    return getattr(made, "number", None), outline(store)


@on_each_server
class TestAConnectionLostBeforeTheCommit:
    """Nothing was kept: the save is made once more, and the person sees nothing of it."""

    @every_action
    def test_at_the_first_that_is_written_is_not_noticed(self, filled, kill, action):
        act = ACTIONS[action](filled)
        killer = Killer(filled, kill, WRITES, 1)

        made = act()

        assert killer.killed == 1
        assert number_and_outline(made, filled) == undisturbed(action)

    @pytest.mark.parametrize("statements", [READS, ".*INSERT INTO versions", ".*(INSERT INTO|UPDATE) documents"])
    def test_at_any_statement_is_not_noticed(self, filled, kill, statements):
        act = ACTIONS["save a changed one"](filled)
        killer = Killer(filled, kill, statements, 1)

        made = act()

        assert killer.killed == 1
        assert number_and_outline(made, filled) == undisturbed("save a changed one")

    @pytest.mark.parametrize("action", ["save_trial", "delete"])
    def test_just_before_it_is_not_noticed(self, filled, kill, action):
        act, killed = ACTIONS[action](filled), []

        @sa.event.listens_for(filled.engine, "commit")
        def before(connection):
            if not killed:
                killed.append(connection)
                kill(connection)

        made = act()

        assert killed
        assert number_and_outline(made, filled) == undisturbed(action)

    @pytest.mark.parametrize("pool_pre_ping", [True, False])
    def test_while_it_was_idle_is_not_noticed(self, filled, database, connect, kill, pool_pre_ping):
        store = connect(database, pool_pre_ping=pool_pre_ping)
        act = ACTIONS["save_trial"](store)
        with store.engine.connect() as connection:
            kill(connection)

        made = act()

        assert number_and_outline(made, filled) == undisturbed("save_trial")

    @pytest.mark.parametrize("action", ["save a changed one", "put"])
    def test_of_an_engine_that_the_user_made_is_not_noticed(self, filled, database, kill, action):
        engine = sa.create_engine(database)
        act = ACTIONS[action](docstore.Store(engine))
        killer = Killer(docstore.Store(engine), kill, WRITES, 1)

        made = act()

        assert killer.killed == 1
        assert number_and_outline(made, filled) == undisturbed(action)
        engine.dispose()

    @pytest.mark.parametrize("action", ["save a changed one", "put a new one", "purge"])
    def test_twice_is_told(self, filled, kill, action):
        before, act = held(filled), ACTIONS[action](filled)
        killer = Killer(filled, kill, WRITES, 2)

        told = r"the connection was lost, and a second try failed: .* Is the server running\? Nothing was changed\.$"
        with pytest.raises(ConnectionLostError, match=told) as caught:
            act()

        assert (killer.killed, caught.value.committing) == (2, False)
        assert held(filled) == before

    def test_twice_does_not_keep_the_object_from_being_saved_later(self, filled, kill):
        act = ACTIONS["save a changed one"](filled)
        Killer(filled, kill, WRITES, 2)
        with pytest.raises(ConnectionLostError):
            act()

        made = act()

        assert number_and_outline(made, filled) == undisturbed("save a changed one")

    def test_is_told_to_who_only_reads(self, filled, kill):
        """At once: who reads can do so again."""
        Killer(filled, kill, READS, 1)

        with pytest.raises(ConnectionLostError, match=r"Is the server running\?") as caught:
            filled.load("cakes")

        assert not caught.value.committing
        assert filled.load("cakes").name == "cakes"


@pytest.mark.parametrize("backend", ["sqlite"])
class TestAConnectionLostInTheLastTryOfManyRaces:
    def test_is_not_noticed(self, store):
        errors = [*(RaceLostError("another was first") for _ in range(19)), ConnectionLostError("it is gone")]

        def work(connection):
            if errors:
                raise errors.pop(0)
            return "done"

        assert Transactions(store.engine, "default").writing(work, lambda connection, done: False) == "done"


@pytest.fixture
def proxy(database):
    """The wire to the server."""
    url = sa.make_url(database)
    with contextlib.closing(Proxy(url.host, url.port)) as proxy:
        yield proxy


@pytest.fixture
def wired(filled, database, backend, proxy, connect):
    """A store that connects through the wire, on which all that is said can be read."""
    url = sa.make_url(database)
    # A lock of a transaction whose COMMIT is kept back is not waited for without end.
    options = {
        "postgresql": {
            "sslmode": "disable",
            "gssencmode": "disable",
            "options": f"{url.query.get('options', '')} -clock_timeout=5s",
        },
        "mariadb": {"ssl_disabled": "true", "init_command": "SET SESSION innodb_lock_wait_timeout = 5"},
    }
    return connect(url.set(host=HOST, port=proxy.port).update_query_dict(options[backend]))


@pytest.fixture
def impatient(wired, connect):
    """The same on MariaDB, which gives a server up soon that is silent in the first COMMIT."""
    store = connect(wired.engine.url)

    @sa.event.listens_for(store.engine, "commit", once=True)
    def give_up_soon(connection):
        connection.connection.driver_connection._read_timeout = 0.25  # of which a URL has whole seconds alone

    return store


both_ways = pytest.mark.parametrize("cut", ["before", "after"])

NO_VERSION = {
    "delete": DocumentNotFoundError,
    "undelete": DocumentNotFoundError,
    "purge": DocumentNotFoundError,
}
"""What a second call is told, if the first was kept, of an action that cannot be done twice."""


@on_each_server
class TestAConnectionLostInTheCommit:
    """Whether it was kept, docstore finds out: the save is made once, whatever became of the COMMIT."""

    @every_action
    @both_ways
    def test_is_not_noticed(self, filled, wired, proxy, cut, action):
        act = ACTIONS[action](wired)
        proxy.cut = cut

        made = act()

        assert proxy.cut is None
        assert number_and_outline(made, filled) == undisturbed(action)

    @pytest.mark.parametrize("action", ["save a new one", "save_trial", "put", *NO_VERSION])
    def test_that_arrives_late_is_not_noticed(self, filled, wired, proxy, action):
        """The server has the COMMIT after it was asked whether it had, while the save is made again."""
        act, begun = ACTIONS[action](wired), []
        proxy.cut = "late"

        @sa.event.listens_for(wired.engine, "begin")
        def begins(connection):
            begun.append(connection)
            # The first try, the question, the second try.
            if len(begun) == 3:
                proxy.deliver()

        made = act()

        assert len(begun) >= 3
        assert number_and_outline(made, filled) == undisturbed(action)

    @pytest.mark.parametrize("action", ["save a new one", "save a changed one", "save_trial", "put"])
    @both_ways
    def test_to_a_server_that_then_is_gone_is_told_as_unknown_and_saved_again_makes_one_version(
        self, filled, wired, proxy, cut, action
    ):
        act = ACTIONS[action](wired)
        proxy.cut, proxy.then_refuse = cut, True
        with pytest.raises(ConnectionLostError, match=r"It is not known whether your changes were kept") as caught:
            act()
        proxy.listen()

        made = act()

        assert caught.value.committing
        assert pickle.loads(pickle.dumps(caught.value)).committing
        assert number_and_outline(made, filled) == undisturbed(action)

    @pytest.mark.parametrize("action", ["save a new one", "put", "purge"])
    @both_ways
    def test_with_the_next_ones_cut_too_is_told_as_unknown_and_as_nothing_else(self, filled, wired, proxy, cut, action):
        """The look whether it was kept fails itself, by another message of the driver's than the COMMIT did."""
        act = ACTIONS[action](wired)
        proxy.cut, proxy.then_hang_up = cut, True

        with pytest.raises(ConnectionLostError, match=r"It is not known whether your changes were kept") as caught:
            act()

        assert caught.value.committing
        assert "Nothing was changed" not in str(caught.value)

    def test_is_told_as_unknown_and_as_nothing_else_where_the_database_refuses_to_be_asked(
        self, filled, wired, proxy, database
    ):
        """The look fails by an error of the database's own; here it lacks a table by then."""
        act, begun = ACTIONS["put"](wired), []
        proxy.cut = "after"

        @sa.event.listens_for(wired.engine, "begin")
        def begins(connection):
            begun.append(connection)
            if len(begun) == 2:
                with administrator(database) as other:
                    run(other, "ALTER TABLE versions RENAME TO elsewhere")

        with pytest.raises(ConnectionLostError, match=r"It is not known whether your changes were kept") as caught:
            act()

        assert caught.value.committing
        assert "Nothing was changed" not in str(caught.value)

    @pytest.mark.parametrize("action", NO_VERSION)
    def test_to_a_server_that_then_is_gone_is_told_as_unknown_and_is_found_to_be_done(
        self, filled, wired, proxy, action
    ):
        act = ACTIONS[action](wired)
        proxy.cut, proxy.then_refuse = "after", True
        with pytest.raises(ConnectionLostError, match=r"It is not known whether your changes were kept") as caught:
            act()
        proxy.listen()

        with pytest.raises(NO_VERSION[action]):
            act()

        assert caught.value.committing
        assert outline(filled) == undisturbed(action)[1]

    def test_of_a_new_one_that_was_kept_is_merged_with_what_others_made_of_it(self, filled, wired, proxy):
        experiment = new_experiment("tarts", trials=2)
        proxy.cut, proxy.then_refuse = "after", True
        with pytest.raises(ConnectionLostError):
            wired.save(experiment)
        proxy.listen()
        theirs = filled.load("tarts")
        theirs.description = "theirs"
        filled.save(theirs)
        experiment.trials[0].run_metadata["mine"] = 1

        version = wired.save(experiment)

        assert version.number == 3
        assert (experiment.description, experiment.trials[0].run_metadata) == ("theirs", {"mine": 1})
        assert docstore.dumps(filled.load("tarts")) == docstore.dumps(experiment)

    def test_and_again_in_the_second_try_is_told_as_unknown(self, filled, wired, proxy):
        act, before, begun = ACTIONS["put"](wired), held(filled), []
        proxy.cut = "before"

        @sa.event.listens_for(wired.engine, "begin")
        def begins(connection):
            begun.append(connection)
            # The first try, the question, the second try.
            if len(begun) == 3:
                proxy.cut = "before"

        with pytest.raises(ConnectionLostError, match=r"It is not known") as caught:
            act()

        assert caught.value.committing
        assert held(filled) == before

    def test_of_a_read_changes_nothing(self, wired, proxy):
        proxy.cut = "before"

        with pytest.raises(ConnectionLostError) as caught:
            wired.find().first()

        assert not caught.value.committing


@pytest.mark.parametrize("backend", ["mariadb"])
class TestSilenceInTheCommit:
    """The connection stays open, and no answer comes; PostgreSQL's driver leaves that to the system to notice."""

    @pytest.mark.parametrize("action", ["save a new one", "save a changed one", "put", "purge"])
    @pytest.mark.parametrize("cut", ["silent before", "silent after"])
    def test_is_not_noticed(self, filled, impatient, proxy, cut, action):
        act = ACTIONS[action](impatient)
        proxy.cut = cut

        made = act()

        assert proxy.cut is None
        assert number_and_outline(made, filled) == undisturbed(action)

    @pytest.mark.parametrize("cut", ["silent before", "silent after"])
    def test_of_a_server_that_then_is_gone_is_told_as_unknown(self, filled, impatient, proxy, cut):
        act = ACTIONS["put"](impatient)
        proxy.cut, proxy.then_refuse = cut, True

        with pytest.raises(ConnectionLostError, match=r"It is not known whether your changes were kept") as caught:
            act()

        assert caught.value.committing
        assert "Nothing was changed" not in str(caught.value)


def refuse_commits(connection, code, *, times):
    """Let PostgreSQL answer COMMITs with an error, so many *times*; how often it did no rollback undoes."""
    for statement in (
        "CREATE SEQUENCE refused",
        f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('refused') <= {times} THEN
                RAISE EXCEPTION 'refused by a test' USING ERRCODE = '{code}';
            END IF;
            RETURN NEW;
        END $$""",
        """CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON versions DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION refuse()""",
    ):
        run(connection, statement)


@pytest.mark.parametrize("backend", ["postgresql"])
class TestACommitThatTheServerAnswersWithAnError:
    def test_is_told_as_nothing_changed_if_that_refuses_it(self, filled, database):
        before, act = held(filled), ACTIONS["put"](filled)
        with administrator(database) as connection:
            refuse_commits(connection, "P0001", times=1)

        with pytest.raises(DatabaseError, match=r"refused by a test\. Nothing was changed\.$") as caught:
            act()

        assert not caught.value.committing
        assert held(filled) == before
        assert act().number == 3

    @pytest.mark.parametrize("code", ["57P01", "08006", "40003"])
    def test_is_looked_after_if_that_says_that_the_connection_is_lost(self, filled, database, code):
        act = ACTIONS["put"](filled)
        with administrator(database) as connection:
            refuse_commits(connection, code, times=1)

        made = act()

        assert number_and_outline(made, filled) == undisturbed("put")


@pytest.mark.parametrize("backend", ["mariadb"])
class TestACommitThatANodeOfAClusterAnswersWithAnError:
    """Of a race that it lost, nothing was kept. Of all else that is not known, and the database is asked."""

    def answer(self, code):
        """The packet of an error."""
        error = b"\xff" + code.to_bytes(2, "little") + b"#HY000as a test says"
        return len(error).to_bytes(3, "little") + b"\x01" + error

    @pytest.mark.parametrize("code", [1213, 1047, 1180, 1317])
    def test_is_not_noticed(self, filled, wired, proxy, code):
        act = ACTIONS["put"](wired)
        proxy.answer = self.answer(code)

        made = act()

        assert proxy.answer == b""
        assert number_and_outline(made, filled) == undisturbed("put")

    @pytest.mark.parametrize("code", [1047, 1180, 1317])
    def test_is_told_as_unknown_if_the_database_cannot_be_asked(self, wired, proxy, code):
        act = ACTIONS["put"](wired)
        proxy.answer, proxy.then_refuse = self.answer(code), True

        with pytest.raises(ConnectionLostError, match=r"It is not known whether your changes were kept") as caught:
            act()

        assert caught.value.committing


@pytest.mark.parametrize("backend", ["mariadb"])
class TestANodeThatIsNotInItsCluster:
    """It answers each statement with an error of its own, 1047, and its connection is of no use."""

    def test_is_left_for_another_connection_which_may_be_to_another_node(self, filled, database):
        act = ACTIONS["save a changed one"](filled)
        with filled.engine.connect() as connection:
            used = connection.connection.driver_connection
        with administrator(database) as connection:
            refuse(connection, 1047, times=1)

        made = act()

        assert number_and_outline(made, filled) == undisturbed("save a changed one")
        with filled.engine.connect() as connection:
            assert connection.connection.driver_connection is not used

    def test_is_told_with_what_to_do(self, filled, database):
        before, act = held(filled), ACTIONS["put"](filled)
        with administrator(database) as connection:
            refuse(connection, 1047)

            told = (
                r"not in its cluster: connect to another one, or try again when it has joined\. Nothing was changed\.$"
            )
            with pytest.raises(ConnectionLostError, match=told):
                act()

            relent(connection)
        assert held(filled) == before


@on_each_server
class TestASessionOfTheSeedsNames:
    def test_is_told_as_unknown_if_the_connection_is_lost_in_its_commit(self, wired, proxy, monkeypatch):
        monkeypatch.setattr(db, "_database", None)
        db.init_engine_and_session_factory(url=wired.engine.url)
        proxy.cut = "after"

        with pytest.raises(ConnectionLostError) as caught, db.session_scope() as session:
            session.execute(sa.text("DELETE FROM codes"))

        assert caught.value.committing
        db.get_engine().dispose()
