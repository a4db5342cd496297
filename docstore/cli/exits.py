"""How a command ends: the exit codes, and the one line on stderr that an error is."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TextIO

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

_CALLS: Final[Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]] = (
    (
        re.compile(r"based_on= merges these, .* become its next version\."),
        r"if the file was made from version N of it, `docstore save --based-on N` merges it; with --overwrite, it "
        r"becomes the newest version, whatever others saved.",
    ),
    (
        re.compile(r"Call load\(.*\), make your change again and save it, or save\(.*\) to make .*", re.DOTALL),
        r"`docstore get` prints what is stored now: make your change in that.",
    ),
    (
        re.compile(r"diff\('.*\) shows it all, and revert\('.*', (\d+).*\) brings it back", re.DOTALL),
        r"`docstore diff` shows it all, and `docstore revert` to version \1 brings it back",
    ),
    (re.compile(r"saved with on_conflict='overwrite'"), r"saved with --overwrite"),
    (
        re.compile(r"Register the class that was saved: docstore\.register\(cls\), .* to keep its JSON unread\."),
        r"Name the module that defines it in modules under [tool.docstore] in pyproject.toml.",
    ),
    (re.compile(r"\brename\(\) gives"), r"`docstore rename` gives"),
    (
        re.compile(r"No document of that name was deleted\."),
        r"No document of that name was deleted; `docstore ls --deleted` lists those that were.",
    ),
    (re.compile(r"\blook at history\(\), or load\(\) again"), r"look at `docstore log`"),
    (re.compile(r"\bfind\(\) lists"), "`docstore ls` lists"),
    (re.compile(r"\bverify\(\)"), "`docstore verify`"),
    (re.compile(r"\bhistory\((.+?)\) lists the versions"), r"`docstore log` lists the versions"),
    (re.compile(r"\bundelete\((.+?)\) brings"), r"`docstore undelete` brings"),
    (
        re.compile(
            r"or call merge\(\.\.\., on_conflict=\) with a function that decides, or 'overwrite' to .*", re.DOTALL
        ),
        r"or decide by `docstore merge` with --ours, --theirs or --edit.",
    ),
    (
        re.compile(r"\bput_json\(\.\.\., based_on=N\) merges it there"),
        r"`docstore export` and `docstore save --based-on N` merge it there",
    ),
    (re.compile(r"\bpurge\(.*?\) it in the target"), r"`docstore purge` it in the target"),
    (re.compile(r"\bdelete\(.*?\) it there first"), r"`docstore rm` it there first"),
    (re.compile(r"\bbest\(\) ranks by"), r"`docstore best` ranks by"),
    (re.compile(r"\bCompare them by observations\(\)"), r"`docstore trials` lists them all"),
    (re.compile(r"\bset it, and save\(\) it"), r"set it, and save it"),
    (
        re.compile(r"\brename\('.*?', \.\.\.\) or delete\('.*?'(?:, kind='.*?')?\) it"),
        r"`docstore rename` or `docstore rm` it",
    ),
    (re.compile(r"\bbefore undelete\(\)"), r"before `docstore undelete`"),
    (re.compile(r"\bcall rename\((.*?), (.*?)\) for that"), r"`docstore rename \1 \2` does that"),
    (re.compile(r"\btag\(\.\.\., move=True\) to move"), r"`docstore tag --move` to move"),
    (re.compile(r"\bbranch\(\) makes"), r"`docstore branch` makes"),
    (re.compile(r"\bfolded by compact\(\)"), r"folded by `docstore compact`"),
    (re.compile(r"\bconnect\(\.\.\., project='(.*?)'\)"), lambda found: f"give --project {shlex.quote(found[1])}"),
    (re.compile(r"\bkind='([^']*)'"), lambda found: f"-k {shlex.quote(found[1])}"),
    (re.compile(r": in put\(kind, name, value\), the kind is first"), ": the name is first, and the kind follows -k"),
    (re.compile(r"\bpart='(\w+)'"), r"--part \1"),
    (re.compile(r"\bdocstore\.connect\(url\) without read_only=True"), "`docstore init`"),
    (re.compile(r"\bconnect\(url\) "), r"`docstore init` "),
    (re.compile(r"\bCall create_all_tables\(engine\), or docstore\.connect\(url\), which"), "`docstore init`"),
    (re.compile(r"\bconnect\(url, schema=\.\.\.\)"), "write ?options=-csearch_path%3DNAME at the end of the URL"),
    (re.compile(r"\bconnect without read_only=True, and without mode=ro in the URL"), "leave mode=ro out of the URL"),
    (re.compile(r"\bgive write=True as well"), "give --write as well"),
    (re.compile(r"without read_only=True, connect\(\) makes the file"), "`docstore init` makes the file"),
)
"""Calls that are the remedy in the library's messages, and the commands that are so here."""


_OF_KINDS: Final = re.compile(r"(?<= this name): kind='.*(?=\.)")
"""Which kinds the documents have that may be meant, at the end of a message."""


def say(message: str, *, dry_run: bool = False) -> None:
    """Print on stderr what a command did, or in a dry run would do: it is no result, and so not for other programs."""
    _tell(printable(f"{'Dry run, nothing is written; otherwise: ' if dry_run else ''}{message}"))


def say_saved(name: str, number: int, before: int, *, dry_run: bool = False) -> None:
    """Print on stderr which version a document has now, or that it is as it was.

    Args:
        before: the number of the newest version before the command; 0 if there was none.
    """
    if number > before:
        say(f"{name!r} is at version {number} now", dry_run=dry_run)
    else:
        say(f"{name!r} is at version {before}, nothing changed", dry_run=dry_run)


def complain(message: str) -> None:
    """Print one line on stderr, with nothing in it that drives the terminal."""
    _tell(f"docstore: {printable(' '.join(message.split()))}")


def _tell(line: str) -> None:
    """Print a line on stderr; if nobody reads it, or the disk is full, the exit code alone says how it went."""
    try:
        print(line, file=sys.stderr)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what is still in the buffer of *stream* go nowhere."""
    # Python writes it when it ends, and would say that it cannot.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def code_of(error: Exception) -> int:
    """Return the exit code for an error that a command ended with."""
    from docstore.errors import ConflictError, InvalidValueError

    if isinstance(error, ConflictError):
        return FINDING
    return WRONG_USE if isinstance(error, InvalidValueError) else ERROR


def message_of(error: Exception, *, takes_kind: bool = True) -> str:
    """Return what to say of an error: what happened, and the remedy in terms of the command line.

    Args:
        takes_kind: whether the command has the option -k, which may be the remedy.
    """
    from docstore.errors import DocstoreError

    if not isinstance(error, DocstoreError):
        what = f"{type(error).__name__}: {error}"
        return what if isinstance(error, OSError) else f"{what}. This is a bug of docstore; --debug shows where."
    return in_commands(str(error) if takes_kind else _OF_KINDS.sub("", str(error)))


def in_commands(text: str) -> str:
    """Return a message of the library with the commands in place of the calls that it names as a remedy."""
    for call, command in _CALLS:
        text = call.sub(command, text)
    return text


def usage_message(error: click.UsageError) -> str:
    """Return what to say of a wrong use of a command, and where its help is."""
    command = error.ctx.command_path if error.ctx else "docstore"
    message = error.format_message()
    return f"{message}{'' if message[-1:] in '.?!' else '.'} `{command} --help` shows how it is used."
