"""A store that a process made before it was forked: parent and children use it at once, as a pool of workers does."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import forked
import pytest
from backends import REMOTES

import docstore

WORKERS, TURNS = 4, 10

SCRIPT = textwrap.dedent("""
    import multiprocessing, sys
    import docstore

    store = docstore.connect(sys.argv[1])
    store.put("note", "parent", 0)  # its connection waits in the pool

    def work(worker):
        for turn in range(int(sys.argv[3])):
            store.put("note", f"n{worker}", turn)
            assert store.get(f"n{worker}", kind="note") == turn
        return store.history(f"n{worker}", kind="note")[0].number

    with multiprocessing.get_context("fork").Pool(int(sys.argv[2])) as pool:
        print(pool.map(work, range(int(sys.argv[2])), chunksize=1))
    store.put("note", "parent", 1)
""")


def run(script, *arguments):
    """Return what a script that forks wrote; one that hangs is given up after a minute, with all of its processes.

    Python warns of a fork beside threads: that is what is tried here. Any other warning is an error.
    """
    told, complaints = forked.run(PREAMBLE + script, *arguments)
    assert complaints == ""
    return told


PREAMBLE = textwrap.dedent("""
    import os, sys, threading, warnings
    import docstore
    from docstore.sql.dialects import transaction
    from docstore.sql.dialects.sqlite import forks
    from docstore.errors import DatabaseError, FileReplacedError

    warnings.filterwarnings("ignore", "This process", DeprecationWarning)

    def child(work):
        pid = os.fork()
        if pid:
            return pid
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        finally:
            sys.stdout.flush()
            os._exit(0)

    def wait_for(pid):
        os.waitpid(pid, 0)

    class Other(threading.Thread):
        '''A thread in the middle of a transaction, until it is told to go on.'''

        def __init__(self, store, write=True):
            super().__init__()
            self._store, self._write = store, write
            self._inside, self._end = threading.Event(), threading.Event()
            self.start()
            self._inside.wait()

        def run(self):
            def work(connection):
                connection.exec_driver_sql("SELECT count(*) FROM documents")
                self._inside.set()
                self._end.wait()

            with transaction(self._store.engine, write=self._write) as connection:
                work(connection)
            self._store.put("note", "other", "saved")

        def go_on(self):
            self._end.set()
""")


class TestAChildThatOutlivesItsParentsConnections:
    """A child that takes its parent's locks for its own has none: the last to close removes the log it writes into."""

    SCRIPT = textwrap.dedent("""
        store = docstore.connect(sys.argv[1])
        store.put("note", "parent", 1)
        is_saved, is_closed = os.pipe(), os.pipe()

        def work():
            store.put("note", "child", 1)
            os.write(is_saved[1], b"x")
            os.read(is_closed[0], 1)
            store.put("note", "child", 2)

        pid = child(work)
        os.read(is_saved[0], 1)
        store.close()
        os.write(is_closed[1], b"x")
        wait_for(pid)
    """)

    def test_loses_nothing(self, database):
        assert run(self.SCRIPT, database) == ""

        with docstore.connect(database) as store:
            assert store.get("child", kind="note") == 2
            assert store.verify() == []


class TestAForkWhileAnotherThreadIsInATransaction:
    @pytest.mark.parametrize("write", ["write", ""])
    def test_that_ends_soon_leaves_both_processes_able_to_save(self, database, write):
        script = """
forks.PATIENCE = 60  # on a machine that has much else to do
store = docstore.connect(sys.argv[1])
other = Other(store, write=bool(sys.argv[2]))
os.register_at_fork(before=other.go_on)  # run before those that were registered before it

def work():
    store.put("note", "child", 1)
    docstore.connect(sys.argv[1]).put("note", "child", "again")

wait_for(child(work))
other.join()
store.put("note", "parent", 1)
"""
        assert run(script, database, write) == ""

        with docstore.connect(database) as store:
            assert {found.name: found.version for found in store.find()} == {"child": 2, "other": 1, "parent": 1}
            assert store.verify() == []

    REFUSED = (
        "this process was forked in the middle of a transaction of its parent, whose locks SQLite takes for this "
        "process's own. Nothing was read or changed, and this process can use no SQLite database."
    )

    @pytest.mark.parametrize("write", ["write", ""])
    def test_that_does_not_end_soon_is_told_to_each_child_at_once(self, tmp_path, write):
        script = """
forks.PATIENCE = 0
store = docstore.connect(sys.argv[1])
other = Other(store, write=bool(sys.argv[2]))
for work in (
    lambda: store.put("note", "child", 1),
    lambda: store.find()[0],
    lambda: (store.engine.dispose(), store.put("note", "child", 1)),
    lambda: docstore.connect(sys.argv[1]),
    lambda: docstore.connect("sqlite://"),
    lambda: wait_for(child(lambda: store.put("note", "grandchild", 1))),
):
    wait_for(child(work))
other.go_on()
other.join()
store.put("note", "parent", 1)
"""
        told = run(script, f"sqlite:///{tmp_path}/lab.db", write)

        assert [self.REFUSED in line for line in told.splitlines()] == [True] * 6
        with docstore.connect(f"sqlite:///{tmp_path}/lab.db") as store:
            assert {found.name for found in store.find()} == {"other", "parent"}
            assert store.verify() == []

    @pytest.mark.parametrize("backend", list(REMOTES))
    def test_on_a_server_leaves_the_child_able_to_save(self, database):
        script = """
store = docstore.connect(sys.argv[1])
other = Other(store)
wait_for(child(lambda: store.put("note", "child", 1)))
other.go_on()
other.join()
"""
        assert run(script, database) == ""

        with docstore.connect(database) as store:
            assert {found.name for found in store.find()} == {"child", "other"}


class TestAForkInTheMiddleOfOnesOwnTransaction:
    def test_is_told_to_the_child_which_commits_nothing(self, tmp_path):
        script = """
store = docstore.connect(sys.argv[1])
store.put("note", "n", 1)
with transaction(store.engine, write=True) as connection:
    pid = os.fork()
    if not pid:
        try:
            store.find()[0]
        except DatabaseError as error:
            print(str(error)[:60], flush=True)
        os._exit(0)
    wait_for(pid)
store.put("note", "n", 2)
"""
        assert run(script, f"sqlite:///{tmp_path}/lab.db").startswith("sqlite://")

        with docstore.connect(f"sqlite:///{tmp_path}/lab.db") as store:
            assert store.get("n", kind="note") == 2
            assert store.verify() == []

    def test_does_not_let_the_child_commit(self, tmp_path):
        script = """
store = docstore.connect(sys.argv[1])
store.put("note", "n", 1)
pid = None
try:
    with transaction(store.engine, write=True) as connection:
        connection.exec_driver_sql("UPDATE documents SET model = 'ax'")
        pid = os.fork()
        if pid:
            wait_for(pid)
            raise KeyError
except DatabaseError as error:
    print(error, flush=True)
    os._exit(0)
except KeyError:
    pass
store.put("note", "n", 2)
"""
        told = run(script, f"sqlite:///{tmp_path}/lab.db")

        assert "the connection was opened before this process was forked. In the child, call" in told
        with docstore.connect(f"sqlite:///{tmp_path}/lab.db") as store:
            assert store.get("n", kind="note") == 2
            assert store.verify() == []


class TestForksAmongThreadsThatSave:
    THREADS, CHILDREN, TURNS = 3, 6, 4

    SCRIPT = textwrap.dedent("""
        forks.PATIENCE = 60  # on a machine that has much else to do
        store = docstore.connect(sys.argv[1])
        threads, children, turns = map(int, sys.argv[2:])
        is_over = threading.Event()
        saved = [0] * threads

        def save(number):
            while not is_over.is_set():
                saved[number] += 1
                store.put("note", f"t{number}", saved[number])

        savers = [threading.Thread(target=save, args=(number,)) for number in range(threads)]
        for each in savers:
            each.start()

        def work(number):
            for turn in range(turns):
                store.put("note", f"c{number}", turn)

        pids = [child(lambda: work(number)) for number in range(children)]
        for pid in pids:
            wait_for(pid)
        is_over.set()
        for each in savers:
            each.join()
        for number, count in enumerate(saved):
            assert store.get(f"t{number}", kind="note") == count
    """)

    def test_lose_nothing(self, database):
        told = run(self.SCRIPT, database, *map(str, (self.THREADS, self.CHILDREN, self.TURNS)))

        assert told == ""
        with docstore.connect(database) as store:
            versions = {found.name: found.version for found in store.find() if found.name.startswith("c")}
            assert versions == {f"c{number}": self.TURNS for number in range(self.CHILDREN)}
            assert store.verify() == []


class TestAForkWhileAThreadConnects:
    """The library of a driver may hold a lock meanwhile, which nobody would release in the child."""

    SCRIPT = textwrap.dedent("""
        store = docstore.connect(sys.argv[1])
        driver = store.engine.dialect.loaded_dbapi
        connect, lock, connects, forks = driver.connect, threading.Lock(), threading.Event(), threading.Event()

        def connect_slowly(*arguments, **options):
            with lock:
                connects.set()
                forks.wait()
                return connect(*arguments, **options)

        store.engine.dispose()
        driver.connect = connect_slowly
        os.register_at_fork(before=forks.set)  # called before docstore's, which was registered earlier
        thread = threading.Thread(target=store.put, args=("note", "parent", 1))
        thread.start()
        connects.wait()
        wait_for(child(lambda: store.put("note", "child", 1)))
        thread.join()
    """)

    @pytest.mark.parametrize("backend", list(REMOTES))
    def test_waits_for_it(self, database):
        assert run(self.SCRIPT, database) == ""

        with docstore.connect(database) as store:
            assert store.names(kind="note") == ["child", "parent"]


class TestAHookOfTheProgramsOwn:
    def test_may_save_before_a_fork_and_after_it(self, database):
        script = """
store = docstore.connect(sys.argv[1])
os.register_at_fork(
    before=lambda: store.put("note", "before", 1),
    after_in_parent=lambda: store.put("note", "in parent", 1),
    after_in_child=lambda: store.put("note", "in child", 1),
)
wait_for(child(lambda: store.put("note", "child", 1)))
"""
        assert run(script, database) == ""

        with docstore.connect(database) as store:
            assert {found.name for found in store.find()} == {"before", "in parent", "in child", "child"}


class TestTheFileOfAForkedStore:
    @pytest.mark.parametrize("who", ["parent", "child"])
    def test_is_still_the_one_that_was_opened(self, tmp_path, who):
        script = """
store = docstore.connect(sys.argv[1])
docstore.connect("sqlite:///" + sys.argv[2]).close()

def work():
    if sys.argv[3] == "child":
        os.replace(sys.argv[2], store.engine.url.database)
        store.put("note", "child", 1)

wait_for(child(work))
if sys.argv[3] == "parent":
    os.replace(sys.argv[2], store.engine.url.database)
    try:
        store.put("note", "parent", 1)
    except FileReplacedError as error:
        print(f"FileReplacedError: {error}")
"""
        told = run(script, f"sqlite:///{tmp_path}/lab.db", str(tmp_path / "other.db"), who)

        assert told.startswith(f"FileReplacedError: {tmp_path}/lab.db: another file has taken the place")


class TestAReadyEngine:
    @pytest.mark.parametrize("pool", ["QueuePool", "NullPool"])
    def test_that_opens_a_connection_for_each_user_is_used_in_both_processes(self, tmp_path, pool):
        script = """
import sqlalchemy as sa
store = docstore.connect(sa.create_engine(sys.argv[1], poolclass=getattr(sa.pool, sys.argv[2])))
store.put("note", "parent", 1)
wait_for(child(lambda: store.put("note", "child", 1)))
store.put("note", "parent", 2)
store.engine.dispose()
"""
        assert run(script, f"sqlite:///{tmp_path}/lab.db", pool) == ""

        with docstore.connect(f"sqlite:///{tmp_path}/lab.db") as store:
            assert {found.name: found.version for found in store.find()} == {"child": 1, "parent": 2}

    def test_with_one_connection_for_all_is_refused_in_the_child(self, tmp_path):
        script = """
import sqlalchemy as sa
engine = sa.create_engine(sys.argv[1], poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
store = docstore.connect(engine)
store.put("note", "parent", 1)
wait_for(child(lambda: store.put("note", "child", 1)))
store.put("note", "parent", 2)
store.engine.dispose()
"""
        told = run(script, f"sqlite:///{tmp_path}/lab.db")

        assert "lab.db: the connection was opened before this process was forked. In the child, call" in told


class TestAForkWhileAnotherThreadRegistersAClass:
    def test_leaves_the_child_able_to_register_others(self):
        script = """
import dataclasses
inside, end = threading.Event(), threading.Event()

def hold():
    with docstore.registry._registrations._lock:
        inside.set()
        end.wait()

@docstore.register
@dataclasses.dataclass
class Early:
    later: "Late"

other = threading.Thread(target=hold)
other.start()
inside.wait()

def work():
    @docstore.register
    @dataclasses.dataclass
    class Note:
        text: str
    print(docstore.dumps(Note("n")).decode())

wait_for(child(work))
end.set()
other.join()
"""
        assert '"text":"n"' in run(script)


class TestAForkWhileAnotherThreadMakesTheTables:
    def test_leaves_the_child_able_to_make_others(self, mariadb, fresh_database):
        # On SQLite the child is refused. On PostgreSQL it would wait for the parent: tests share one database there.
        script = """
from docstore import migrations
inside, end, upgrade, parent = threading.Event(), threading.Event(), migrations.upgrade, os.getpid()

def slow(connection):
    if os.getpid() == parent:
        inside.set()
        end.wait()
    upgrade(connection)

migrations.upgrade = slow
other = threading.Thread(target=docstore.connect, args=(sys.argv[1],))
other.start()
inside.wait()
wait_for(child(lambda: docstore.connect(sys.argv[2]).put("note", "child", 1)))
end.set()
other.join()
"""
        second = fresh_database("mariadb")

        assert run(script, mariadb, second) == ""

        with docstore.connect(second) as store:
            assert {found.name for found in store.find()} == {"child"}


def test_each_process_has_connections_of_its_own(database):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, database, str(WORKERS), str(TURNS)],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert (done.stdout, done.stderr) == (f"{[TURNS] * WORKERS}\n", "")
    with docstore.connect(database) as store:
        assert {found.name: found.version for found in store.find()} == {
            **{f"n{worker}": TURNS for worker in range(WORKERS)},
            "parent": 2,
        }
        assert store.verify() == []
