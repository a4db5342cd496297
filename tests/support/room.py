"""The room that reading takes, each time in a process of its own: what the system gave it at its most, in bytes.

Run with the path of a pickle of ``{name: (how, data)}``, ``how`` of ``READERS``; prints JSON, ``{name: bytes}``.
"""

# ruff: noqa: E402
from __future__ import annotations

import contextlib
import json
import os
import pickle
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

# pandas would import it where it is, and it starts a thread: a process that forks has none.
sys.modules["pyarrow"] = None

import numpy  # noqa: F401  # here and below, so that no reading imports it
import orjson
import pandas  # noqa: F401

import docstore
from docstore.documents.history import changes_from
from docstore.errors import DocstoreError

READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "loads": docstore.loads,
    "keep": lambda data: docstore.loads(data, unknown="keep"),
    "orjson": orjson.loads,
    "changes": lambda data: changes_from(data.decode()),
}

_UNIT: Final = 1 if sys.platform == "darwin" else 1024


def taken(how: str, data: Any) -> int:
    """Return the bytes that a child of this process took at its most, beyond what it had at its start."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:  # what it does not survive, it tells by saying nothing
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with contextlib.suppress(DocstoreError):
            READERS[how](data)
        os.write(writer, str((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * _UNIT).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        most = int(answer.read())
    os.waitpid(child, 0)
    return most


if __name__ == "__main__":
    docstore.loads(b'{"__type":"pandas.Index","range":[0,1,1]}')
    cases = pickle.loads(Path(sys.argv[1]).read_bytes())
    print(json.dumps({name: taken(how, data) for name, (how, data) in cases.items()}))
