"""The CPU time of importing docstore, and of connecting, in processes of their own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import Goal, Operation, Patience, Row, always, row_of

NOTHING = "pass"
SQLALCHEMY = "import sqlalchemy"
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def cpu(program: str) -> float:
    """Return the CPU time of a Python process that runs *program*, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def rows(patience: Patience) -> Iterator[Row]:
    """Yield what an import takes beyond Python itself, and what connecting takes beyond SQLAlchemy."""
    with tempfile.TemporaryDirectory() as folder:
        connecting = f"import docstore; docstore.connect({str(Path(folder, 'lab.db'))!r}).close()"
        for title, program, beside in (
            ("import docstore, beyond Python", "import docstore", NOTHING),
            ("import docstore and connect, beyond SQLAlchemy", connecting, SQLALCHEMY),
            ("import sqlalchemy, beyond Python", SQLALCHEMY, NOTHING),
        ):
            pairs = [(cpu(program), cpu(beside)) for _ in patience.rounds(7)][1:]
            goal = None if program == SQLALCHEMY else Goal(80, "ms")
            beyond = [ours - theirs for ours, theirs in pairs]
            yield row_of(Operation(title, always(lambda: None), goal=goal), beyond, None)
