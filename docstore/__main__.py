"""The program ``docstore``, which ``python -m docstore`` is too."""

from __future__ import annotations

import gc
import sys
from typing import Final

_OBJECTS: Final = 200_000
"""Twice as many as the modules of a command are: the cycle collector does not visit them again and again meanwhile."""


def main() -> int:
    """Run the command line, and return the exit code of the process."""
    gc.set_threshold(_OBJECTS)
    try:
        return _run()
    finally:
        gc.freeze()  # or else, before Python ends, it would look for cycles in all of the modules


def _run() -> int:
    try:
        from docstore.cli.main import run

        return run()
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("docstore: the command line needs click: pip install 'docstore[cli]'", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, which may be anybody's; python -P leaves it out from the beginning
    sys.exit(main())
