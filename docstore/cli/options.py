"""The options that several commands have: one meaning and one spelling each."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

import click
from click.shell_completion import CompletionItem

from docstore.cli.completion import complete_deleted, complete_kinds, complete_names, complete_tags
from docstore.cli.output import FORMATS, Output
from docstore.cli.text import printable

F = TypeVar("F", bound=Callable[..., Any])

Revision: TypeAlias = "int | str | datetime"
"""What names a version, as the library takes it: a number, a tag, or a time at which it was current."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")


class TimeType(click.ParamType):  # type: ignore[type-arg]  # that of click 8.1 is not generic
    """A time in ISO 8601: ``2026-11-29``, ``2026-11-29T10:30``, ``2026-11-29T10:30Z``; without a zone, local."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return datetime.fromisoformat(value).astimezone() if isinstance(value, str) else value
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time. Write one like 2026-11-29 or 2026-11-29T10:30Z.", param, ctx)


TIME: Final = TimeType()


class RevisionType(click.ParamType):  # type: ignore[type-arg]  # that of click 8.1 is not generic
    """A version: ``7``, a tag, or a time; ``tag:7`` is a tag that reads as a number or a time."""

    name = "revision"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        if value.isascii() and value.isdigit():
            return int(value)
        return TIME.convert(value, param, ctx) if _TIME.fullmatch(value) else value.removeprefix("tag:")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the tags of the document that begin so, as they are written."""
        return complete_tags(ctx, incomplete, written)


REVISION: Final = RevisionType()


def written(tag: str) -> str:
    """Return how the version that *tag* names is written: ``tag:7``, if the tag alone would be something else."""
    is_other = (tag.isascii() and tag.isdigit()) or _TIME.fullmatch(tag) or tag.startswith("tag:")
    return f"tag:{tag}" if is_other else tag


class PointerType(click.ParamType):  # type: ignore[type-arg]  # that of click 8.1 is not generic
    """A JSON pointer, ``/trials/12/status``; the whole document is the empty one."""

    name = "pointer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value and not value.startswith("/"):
            self.fail(f"{value!r} is no JSON pointer. It begins with a slash: /{value}", param, ctx)
        return value


POINTER: Final = PointerType()


def version_of(revision: Revision | None) -> dict[str, Any]:
    """Return *revision* as ``load`` and ``get`` take it: ``version=``, ``tag=`` or ``at=``; None for the newest."""
    if revision is None:
        return {}
    key = "at" if isinstance(revision, datetime) else "tag" if isinstance(revision, str) else "version"
    return {key: revision}


# --- options and arguments, each a decorator ------------------------------------------------------------------------

name = click.argument("name", shell_complete=complete_names)
"""The name of a document that there is: completed from the database."""

deleted_name = click.argument("name", shell_complete=complete_deleted)
"""The name of a document that was deleted."""

kind = click.option(
    "-k",
    "--kind",
    metavar="KIND",
    default="experiment",
    show_default=True,
    shell_complete=complete_kinds,
    help="The kind of the document.",
)

any_kind = click.option(
    "-k",
    "--kind",
    metavar="KIND",
    shell_complete=complete_kinds,
    help="Only documents of this kind; without it, of all kinds.",
)

revision = click.option(
    "-r",
    "--revision",
    metavar="REV",
    type=REVISION,
    help="The version: its number, a tag, or a time at which it was current. Without it, the newest.",
)

dry_run = click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")

yes = click.option("-y", "--yes", is_flag=True, help="Do it without asking.")

message = click.option("-m", "--message", metavar="TEXT", default="", help="The message of the new version.")

artifacts = click.option("--artifacts", metavar="URL", help="The folder or URL of the files beside the database.")

author = click.option(
    "--author",
    metavar="WHO",
    envvar="DOCSTORE_AUTHOR",
    help="Who saves; without it, DOCSTORE_AUTHOR, or the user of the operating system.",
)


def delete(what: str) -> Callable[[F], F]:
    """Add ``-d``/``--delete``, in place of making something: *what* it does."""
    return click.option("-d", "--delete", is_flag=True, help=what)


def limit(what: str) -> Callable[[F], F]:
    """Add ``--limit N``, at most so many *what*."""
    return click.option("--limit", metavar="N", type=click.IntRange(min=1), help=f"At most so many {what}.")


def output(*formats: str, names: str = "") -> Callable[[F], F]:
    """Add ``-o``, and give the function an ``output``, which writes in the format that was chosen.

    Args:
        formats: those that make sense for the command, the default first; without any, all, and a table by default.
        names: what ``-q`` prints alone, one a line: ``"names"``; without it there is no ``-q``.
    """
    formats = formats or FORMATS

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def with_output(*arguments: Any, output_format: str, names_only: bool = False, **options: Any) -> Any:
            return function(*arguments, output=Output(output_format, names_only=names_only), **options)

        choose = click.option(
            "-o",
            "--output",
            "output_format",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="How to print it.",
        )
        only = click.option("-q", "--quiet", "names_only", is_flag=True, help=f"Print {names} alone, one a line.")
        decorated = choose(only(with_output) if names else with_output)
        return decorated  # type: ignore[return-value]  # it takes the same arguments but for these

    return decorate


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal before something is done that cannot be undone; with ``--yes``, do not ask.

    Raises:
        click.UsageError: there is no terminal to ask on.
        click.exceptions.Exit: the answer is no: with exit code 1, nothing was done.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{question} There is no terminal to ask on. To do it, give --yes.")
    if not click.confirm(printable(question), err=True):
        raise click.exceptions.Exit(1)
