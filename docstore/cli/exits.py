"""How a command ends: the exit codes, and the one line on stderr that an error is."""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Final, TextIO

from docstore.cli.text import printable

if TYPE_CHECKING:
    import click

    from docstore.documents.history import Version

OK: Final = 0
FINDING: Final = 1
"""The command did its work and found what one has to look at: damage, a conflict, a difference that was asked for."""
WRONG_USE: Final = 2
ERROR: Final = 3
INTERRUPTED: Final = 130
"""Ctrl-C, as shells say it."""
CLOSED_PIPE: Final = 141
"""Nobody reads the output any more, as in ``docstore ls | head``; as shells say it."""

_SAME: Final = ("best", "branch", "compact", "diff", "purge", "rename", "revert", "save", "tag", "undelete", "verify")
_COMMANDS: Final = {
    **{name: name for name in _SAME},
    **{"delete": "rm", "find": "ls", "history": "log", "load": "get", "observations": "trials", "put_json": "save"},
}
"""The commands that do what calls do which the library's messages name as a remedy."""

_OPTIONS: Final = {
    "artifacts": "--artifacts",
    "based_on": "--based-on",
    "kind": "-k",
    "part": "--part",
    "project": "--project",
}
_FLAGS: Final = {"move=True": "--move", "on_conflict='overwrite'": "--overwrite", "write=True": "--write"}

SENTENCES: Final = {
    "Register the class that was saved: docstore.register(cls), or bundle=RegistryBundle(...) with metric_clss, "
    "runner_clss or classes. Or pass unknown='keep' to keep its JSON unread.": (
        "Name the module that defines it in modules under [tool.docstore] in pyproject.toml."
    ),
    "call merge(..., on_conflict=) with a function that decides, or 'overwrite' to take all": (
        "decide by `docstore merge` with --ours, --theirs or --edit, or with --ours '' to take all"
    ),
    ", make your change again and save it, or save(..., on_conflict='overwrite') to make yours the newest version.": (
        ", which prints what is stored now, and make your change in that."
    ),
    "based_on= merges these, which were made from one of its versions; with on_conflict='overwrite' they become its "
    "next version.": (
        "if the file was made from version N of it, --based-on N merges it; with --overwrite, it becomes the newest "
        "version, whatever others saved."
    ),
    "a document that was made of an object: use save(), or another kind.": (
        "a document that was made of an object: change what `docstore get` prints of it, or choose another kind."
    ),
    "put_json(..., based_on=N) merges it there": "`docstore export` and `docstore save --based-on N` merge it there",
    "No document of that name was deleted.": (
        "No document of that name was deleted; `docstore ls --deleted` lists those that were."
    ),
    "look at history(), or load() again": "look at `docstore log`",
    "set it, and save() it": "set it, and save it",
    "or say kind= of documents that": "or give the -k of documents that",
    "can be kept in a branch();": "can be kept by `docstore branch`;",
    ": in put(kind, name, value), the kind is first": ": the name is first, and the kind follows -k",
    "Call create_all_tables(engine), or docstore.connect(url), which makes them": "`docstore init` makes them",
    "docstore.connect(url) without read_only=True": "`docstore init`",
    "without read_only=True, connect() makes the file": "`docstore init` makes the file",
    "connect without read_only=True, and without mode=ro in the URL": "leave mode=ro out of the URL",
    "connect(url, schema=...)": "write ?options=-csearch_path%3DNAME at the end of the URL",
}
"""What is said otherwise here than by the command in place of a call."""

_TEXT: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_QUOTED: Final = rf"(?<!\w)b?(?:{_TEXT})"
"""A name or a value, which may look like a call."""

_MARKS: Final = ("'", '"')

_PLAIN: Final = re.compile(r"(?:[^\\\s]|\\[\\'\"]|\s(?!\s))*")
"""A word that a line shows as it is: no other character in it is escaped, and blanks stand alone."""

_KEYWORD: Final = rf"(?P<keyword>[a-z_]+)=(?P<value>{_TEXT}|\w*)"

_ARGUMENT: Final = re.compile(rf"{_KEYWORD}|(?P<word>{_TEXT}|\d+)|[^\s,]+")

_CALL: Final = re.compile(
    rf"{_QUOTED}|(?<![\w?&.-]){_KEYWORD}"
    rf"|(?P<say>\b[Cc]all )?(?<![\w/.-])(?:docstore\.)?(?P<call>connect|{'|'.join(_COMMANDS)})"
    rf"\((?P<given>(?:[^()'\"]|{_TEXT})*)\)(?!\.?[\w/])(?P<it> it\b)?"
)
"""A keyword, or a call with the words around it that are others where a command is run."""

_OF_KINDS: Final = re.compile(r"(?<= this name): kind='.*(?=\.)")
"""Which kinds the documents have that may be meant, at the end of a message."""


_PLACES: Final = 10
"""Places that are named of those that a dry run would change."""


def say(message: str, *, dry_run: bool = False) -> None:
    """Print on stderr what a command did, or in a dry run would do: it is no result, and so not for other programs."""
    _tell(printable(f"{'Dry run, nothing is written; otherwise: ' if dry_run else ''}{message}"))


def say_saved(name: str, saved: Version | None, before: int, *, dry_run: bool = False) -> None:
    """Print on stderr which version a document has now, or that it is as it was; in a dry run also what would change.

    Args:
        saved: None if there was nothing to save.
        before: the number of the newest version before the command; 0 if there was none.
    """
    if saved and saved.number > before:
        places = [place or "its root" for place in saved.places] if dry_run and before else []
        more = f" and {len(places) - _PLACES:,} more" if len(places) > _PLACES else ""
        changes = f", with changes at {', '.join(places[:_PLACES])}{more}" if places else ""
        say(f"{name!r} is at version {saved.number} now{changes}", dry_run=dry_run)
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
    for said, here in SENTENCES.items():
        text = text.replace(said, here)
    return _CALL.sub(_command, text)


def _command(found: re.Match[str]) -> str:
    """Return the command for a call, with options for its keywords; what has none as it is.

    The command has the names and versions of the call if it has all that the command needs: it can be pasted.
    """
    if not found["call"]:
        return _option(found) or found[0]
    given = list(_ARGUMENT.finditer(found["given"]))
    options = [_option(each) for each in given if each["keyword"]]
    command = _COMMANDS.get(found["call"])
    if not all(options) or not (command or options):
        return found[0]
    if not command:
        return f"give {' '.join(options)}"
    words = [each["word"] for each in given if each["word"]]
    if len(options) + len(words) < len(given) or not all(map(_PLAIN.fullmatch, words)):
        words = []
    words = [_text(word) for word in words]
    end = ["--"] if any(word.startswith("-") for word in words) else []
    run = {"call ": "run ", "Call ": "Run "}.get(found["say"], "")
    it = "" if words else found["it"] or ""
    return f"{run}`docstore {' '.join([command, *options, *end, *map(shlex.quote, words)])}`{it}"


def _option(found: re.Match[str]) -> str:
    """Return the option for a keyword, with its value; "" if there is none."""
    option, value = _OPTIONS.get(found["keyword"]), found["value"]
    if option is None:
        return _FLAGS.get(found[0], "")
    return f"{option} {shlex.quote(_text(value)) if value[:1] in _MARKS else value}".rstrip()


def _text(word: str) -> str:
    """Return what a word of a call stands for, without its quotation marks."""
    return re.sub(r"\\([\\'\"])", r"\1", word[1:-1]) if word[:1] in _MARKS else word


def usage_message(error: click.UsageError) -> str:
    """Return what to say of a wrong use of a command, and where its help is."""
    command = error.ctx.command_path if error.ctx else "docstore"
    message = error.format_message()
    return f"{message}{'' if message[-1:] in '.?!' else '.'} `{command} --help` shows how it is used."
