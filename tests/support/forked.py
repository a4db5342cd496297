"""Processes that have docstore imported: forked from one that did so, as each interpreter would take half a second."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import warnings
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Final

_CONTEXT: Final = multiprocessing.get_context("forkserver")
# The second: the main module of whoever starts them, which multiprocessing imports in each.
_CONTEXT.set_forkserver_preload(["docstore.testing.experiments", "pytest"])


def start(source: str, arguments: tuple[str, ...] = (), *, stdin: int, stdout: int, stderr: int) -> ForkServerProcess:
    """Run *source* in a process, as ``python -W error -c`` would; the others are its standard files."""
    files = [Connection(os.dup(each)) for each in (stdin, stdout, stderr)]
    # Not joined when this process ends, but killed.
    process = _CONTEXT.Process(target=_run, args=(source, arguments, *files), daemon=True)
    process.start()
    for file in files:
        file.close()
    return process


def _run(source: str, arguments: tuple[str, ...], *files: Connection) -> None:
    # Ctrl-C is for the one who started it.
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
        file.close()
    sys.stdin = open(0)  # noqa: SIM115  # to the end of the process
    sys.argv[1:] = arguments
    warnings.simplefilter("error")
    exec(compile(source, "<string>", "exec"), {"__name__": "__main__"})
    # As an interpreter that ends; multiprocessing leaves it out.
    atexit._run_exitfuncs()
