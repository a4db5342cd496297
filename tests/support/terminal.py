"""A pseudo-terminal on which a program runs: what it shows there, and what a person types."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import termios
from collections.abc import Mapping
from typing import Final

import forked

_ON_TERMINAL: Final = """
import fcntl, json, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for name in ("COLUMNS", "LINES", "NO_COLOR", "PAGER", "LESS"):
    os.environ.pop(name, None)
os.environ.update(json.loads(sys.argv.pop(1)))
sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)
"""

_PROGRAM: Final = """
from docstore.__main__ import main
sys.exit(main())
"""


def docstore_on_terminal(*words: str, **options: object) -> tuple[int, str]:
    """Run ``docstore`` with *words*; as ``shown_on_terminal``."""
    return shown_on_terminal(_PROGRAM, *words, **options)  # type: ignore[arg-type]  # its own options


def shown_on_terminal(
    source: str,
    *words: str,
    typed: str = "",
    columns: int = 80,
    lines: int = 24,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run *source* in a process on a terminal of its own; return its exit code, and what the terminal was sent.

    Args:
        words: the arguments of the process.
        typed: what is typed before it begins to read.
    """
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    variables = json.dumps({"TERM": "xterm-256color", **(environment or {})})
    process = forked.start(_ON_TERMINAL + source, (variables, *words), stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    os.write(outer, typed.encode())
    sent = bytearray()
    with contextlib.suppress(OSError):  # when the last of its programs has ended
        while read := os.read(outer, 65536):
            sent += read
    os.close(outer)
    process.join()
    return process.exitcode or 0, sent.decode().replace("\r\n", "\n")
