"""A store that a process made before it was forked: parent and children use it at once, as a pool of workers does."""

from __future__ import annotations

import subprocess
import sys
import textwrap

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
