"""The user's editor: a text is edited in a file until it is valid; what was written is never lost."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from docstore.cli import exits

T = TypeVar("T")


@contextmanager
def draft(text: bytes, *, keep: bool = False) -> Iterator[Draft]:
    """Give a file with *text*, to be edited in the block; it is removed at its end.

    If the block raises, or with *keep*, a file that was changed stays, and its path is said.
    """
    handle, path = tempfile.mkstemp(prefix="docstore-", suffix=".json")
    with os.fdopen(handle, "wb") as file:
        file.write(text + b"\n")
    made = Draft(Path(path), text)
    try:
        yield made
    except BaseException:
        made.leave()
        raise
    made.leave() if keep else made.path.unlink(missing_ok=True)


class Draft:
    """A text in a file, and how it was before it was edited."""

    def __init__(self, path: Path, text: bytes) -> None:
        self.path = path
        self.text = _without_remarks(text)

    def edited(self, check: Callable[[bytes], T]) -> T | None:
        """Let the user edit the text, and return what *check* makes of it; None if it is as it was, empty or gone.

        Lines at its top that begin with ``#`` are remarks, and no part of it.

        A text that *check* refuses is opened again, with the error above it as a remark.

        Raises:
            DocstoreError, click.ClickException: *check* refused the text, and the user left it as it was.
            click.ClickException: the editor cannot be started, or failed.
        """
        from docstore.errors import DocstoreError

        refused = None
        while True:
            _run(self.path)
            text = self._read()
            if text in (self.text, b""):
                return None
            try:
                return check(text)
            except (DocstoreError, click.ClickException) as error:
                if text == refused:
                    raise
                refused = text
                self.path.write_bytes(_remarks(error) + text + b"\n")

    def leave(self) -> None:
        """Say where the file is, if it has something that the user wrote; otherwise remove it."""
        if self._read() not in (self.text, b""):
            exits.say(f"What you wrote is in {self.path}")
        else:
            self.path.unlink(missing_ok=True)

    def _read(self) -> bytes:
        return _without_remarks(self.path.read_bytes() if self.path.exists() else b"")


def _without_remarks(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    while lines and lines[0].startswith(b"#"):
        del lines[0]
    return b"".join(lines).strip()


def _remarks(error: Exception) -> bytes:
    """Return what is wrong with a text, as lines for the top of it."""
    message = error.format_message() if isinstance(error, click.ClickException) else exits.message_of(error)
    lines = [*message.splitlines(), "Correct it and save it; leave it as it is to give up. Lines with # are left out."]
    return "".join(f"# {line}\n" for line in lines).encode()


def _run(path: Path) -> None:
    """Run the editor of the environment on a file, until it ends.

    Raises:
        click.ClickException: it cannot be started, or says that it failed.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    # While the editor runs, Ctrl-C is its own. A handler is not inherited by it, as SIG_IGN would be.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        remedy = "Set VISUAL or EDITOR to the command of yours."
        raise click.ClickException(f"the editor {editor!r} cannot be started: {error}. {remedy}") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise click.ClickException(f"the editor {editor!r} ended with code {code}. Nothing was saved.")
