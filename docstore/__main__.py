"""The program ``docstore``, which ``python -m docstore`` is too."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line, and return the exit code of the process."""
    try:
        from docstore.cli.main import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("docstore: the command line needs click: pip install 'docstore[cli]'", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
