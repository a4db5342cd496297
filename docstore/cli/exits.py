"""How a command ends: the exit codes, and the one line on stderr that an error is."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from docstore.cli.text import printable

if TYPE_CHECKING:
    import click

OK: Final = 0
FINDING: Final = 1
"""The command did its work and found what one has to look at: damage, a conflict, a difference that was asked for."""
WRONG_USE: Final = 2
ERROR: Final = 3
INTERRUPTED: Final = 130
"""Ctrl-C, as shells say it."""
CLOSED_PIPE: Final = 141
"""Nobody reads the output any more, as in ``docstore ls | head``; as shells say it."""

_CALLS: Final = (
    (re.compile(r"\bfind\(\) lists"), "`docstore ls` lists"),
    (re.compile(r"\bverify\(\) lists"), "`docstore verify` lists"),
    (re.compile(r"\bhistory\((.+?)\) lists the versions"), r"`docstore log` lists the versions"),
    (re.compile(r"\bundelete\((.+?)\) brings"), r"`docstore undelete` brings"),
    (
        re.compile(
            r"or call merge\(\.\.\., on_conflict=\) with a function that decides, or 'overwrite' to .*", re.DOTALL
        ),
        r"or decide by `docstore merge` with --ours, --theirs or --edit.",
    ),
    (
        re.compile(r"\brename\('.*?', \.\.\.\) or delete\('.*?'(?:, kind='.*?')?\) it"),
        r"`docstore rename` or `docstore rm` it",
    ),
    (re.compile(r"\bbefore undelete\(\)"), r"before `docstore undelete`"),
    (re.compile(r"\bcall rename\((.*?), (.*?)\) for that"), r"`docstore rename \1 \2` does that"),
    (re.compile(r"\btag\(\.\.\., move=True\) to move"), r"`docstore tag --move` to move"),
    (re.compile(r"\bbranch\(\) makes"), r"`docstore branch` makes"),
    (re.compile(r"\bfolded by compact\(\)"), r"folded by `docstore compact`"),
    (re.compile(r"\bconnect\(\.\.\., project=('.*?')\)"), r"give --project \1"),
    (re.compile(r"\bkind=('[^']*')"), r"-k \1"),
    (re.compile(r"\bconnect\(url\) "), r"`docstore init` "),
    (re.compile(r"without read_only=True, connect\(\) makes the file"), "`docstore init` makes the file"),
)
"""Calls that are the remedy in the library's messages, and the commands that are so here."""


def say(message: str, *, dry_run: bool = False) -> None:
    """Print on stderr what a command did, or in a dry run would do: it is no result, and so not for other programs."""
    print(printable(f"{'Dry run, nothing is written: ' if dry_run else ''}{message}"), file=sys.stderr)


def say_saved(name: str, number: int, before: int, *, dry_run: bool = False) -> None:
    """Print on stderr which version a document has now, or that it is as it was.

    Args:
        before: the number of the newest version before the command; 0 if there was none.
    """
    is_new = number > before
    say(f"{name!r} is at version {number}{' now' if is_new else ', nothing changed'}", dry_run=dry_run)


def complain(message: str) -> None:
    """Print one line on stderr, with nothing in it that drives the terminal."""
    print(f"docstore: {printable(' '.join(message.split()))}", file=sys.stderr)


def code_of(error: Exception) -> int:
    """Return the exit code for an error that a command ended with."""
    from docstore.errors import ConflictError, InvalidValueError

    if isinstance(error, ConflictError):
        return FINDING
    return WRONG_USE if isinstance(error, InvalidValueError) else ERROR


def message_of(error: Exception) -> str:
    """Return what to say of an error: what happened, and the remedy in terms of the command line."""
    from docstore.errors import DocstoreError

    if not isinstance(error, DocstoreError):
        what = f"{type(error).__name__}: {error}"
        return what if isinstance(error, OSError) else f"{what}. This is a bug of docstore; --debug shows where."
    text = str(error)
    for call, command in _CALLS:
        text = call.sub(command, text)
    return text


def usage_message(error: click.UsageError) -> str:
    """Return what to say of a wrong use of a command, and where its help is."""
    command = error.ctx.command_path if error.ctx else "docstore"
    message = error.format_message()
    return f"{message}{'' if message[-1:] in '.?!)' else '.'} `{command} --help` shows how it is used."
