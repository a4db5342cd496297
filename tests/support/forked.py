"""Processes that have docstore imported: forked from one that did so, as each interpreter would take half a second."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import tempfile
import warnings
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Final, cast

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


def run(source: str, *arguments: str, seconds: float = 60) -> tuple[str, str]:
    """Run *source* to its end; return what it wrote to stdout, and to stderr.

    Raises:
        TimeoutError: it did not end in so many seconds; it is killed, with the processes that it started.
    """
    with open(os.devnull) as stdin, tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        files = {"stdin": stdin.fileno(), "stdout": stdout.fileno(), "stderr": stderr.fileno()}
        process = start(source, arguments, **files)
        process.join(seconds)
        if process.is_alive():
            os.killpg(cast(int, process.pid), signal.SIGKILL)
            process.join()
            raise TimeoutError(f"it did not end in {seconds} s")
        for file in (stdout, stderr):
            file.seek(0)
        return stdout.read(), stderr.read()


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
