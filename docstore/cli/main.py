"""The program: its own options, and what becomes of errors, warnings, Ctrl-C and closed pipes."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Final

import click

import docstore
from docstore.cli import exits
from docstore.cli.command import Group, common_options
from docstore.cli.settings import Settings

PROGRAM: Final = "docstore"

COMPLETION: Final = "_DOCSTORE_COMPLETE"
"""The environment variable by which a shell asks what completes a command line."""

_HELP: Final = """Look at, change and move the documents of docstore: versioned JSON in a database.

The database is that of --url, or else of DOCSTORE_URL, or else of url under [tool.docstore] in the nearest
pyproject.toml, where project may be as well. A password is best kept where the database's own programs look for it: in
~/.pgpass (or PGPASSFILE), or in ~/.my.cnf.
"""


@click.group(PROGRAM, cls=Group, help=_HELP, params=common_options(), invoke_without_command=True)
@click.version_option(docstore.__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context) -> int | None:
    if ctx.invoked_subcommand is not None:
        return None
    click.echo(ctx.get_help(), err=True)
    return exits.WRONG_USE


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default the process's own, and return its exit code; results are on stdout.

    Whatever goes wrong is one line on stderr, with the trace below it if ``--debug`` is given.
    """
    _open_missing()
    settings = Settings()
    if instruction := os.environ.get(COMPLETION):
        from docstore.cli import shells

        return shells.answer(program, settings, COMPLETION, instruction)
    with warnings.catch_warnings():
        warnings.showwarning = _one_line
        _encode_all()
        try:
            code = _invoked(sys.argv[1:] if arguments is None else list(arguments), settings)
            sys.stdout.flush()
            return code
        except (KeyboardInterrupt, click.Abort):
            return _interrupted()
        except BrokenPipeError:
            exits.discard(sys.stdout)
            return exits.CLOSED_PIPE
        except click.ClickException as error:
            return _misused(error)
        except Exception as error:
            return _failed(error, settings)


def _invoked(arguments: list[str], settings: Settings) -> int:
    """Call the command that *arguments* name, and return its exit code.

    Not by click's own ``main``, which ends the process where a pipe is closed.
    """
    try:
        with program.make_context(PROGRAM, arguments, obj=settings) as ctx:
            return program.invoke(ctx) or exits.OK
    except click.exceptions.Exit as done:
        return done.exit_code


def _misused(error: click.ClickException) -> int:
    is_usage = isinstance(error, click.UsageError)
    exits.complain(exits.usage_message(error) if isinstance(error, click.UsageError) else error.format_message())
    return exits.WRONG_USE if is_usage else exits.ERROR


def _failed(error: Exception, settings: Settings) -> int:
    if settings.debug:
        import traceback

        print(settings.without_password("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    exits.complain(settings.without_password(exits.message_of(error, takes_kind=settings.takes_kind)))
    return exits.code_of(error)


def _one_line(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    exits.complain(f"warning: {exits.in_commands(str(message))}")


def _open_missing() -> None:
    """Open the null device in place of each standard stream that the process was started without."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # to the end of the process


def _encode_all() -> None:
    """Let stdout and stderr escape what their encoding lacks, in place of an error in the middle of a table."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interrupted() -> int:
    if sys.stderr.isatty():
        print(file=sys.stderr)  # the terminal has shown ^C
    return exits.INTERRUPTED
