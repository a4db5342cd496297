"""What a command is made by: ``@command`` in place of ``@click.command``; and the lazy group of all of them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from docstore.cli import commands
from docstore.cli.settings import Settings

_EXAMPLES: Final = "\nExamples:\n"


def _note(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep what an option that every command has says: after the command it has the last word."""
    if value == "":
        # As of a variable of a script that is not set: another database or project would be taken.
        raise click.BadParameter("it is empty. Write one, or leave the option out.", ctx, parameter)
    if value:
        setattr(ctx.ensure_object(Settings), str(parameter.name), value)


def common_options() -> list[click.Parameter]:
    """Return new ones of the options that every command has, and that stand before a command as well."""
    return [
        click.Option(["--url"], metavar="URL", help="The database.", expose_value=False, callback=_note),
        click.Option(["--project"], metavar="NAME", help="The project in it.", expose_value=False, callback=_note),
        click.Option(["--debug"], is_flag=True, help="Show the trace of an error.", expose_value=False, callback=_note),
    ]


class Command(click.Command):
    """A command whose help is the docstring of its function, with examples as they are typed.

    Attributes:
        examples: a text of lines, each a command or what it does.
    """

    def __init__(self, *arguments: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples

    def invoke(self, ctx: click.Context) -> Any:
        """Call the function, and note for the message of an error whether there is an option for the kind."""
        ctx.ensure_object(Settings).takes_kind = any(each.name == "kind" for each in self.params)
        return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options, not wrapped."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def command(name: str) -> Callable[[Callable[..., int | None]], Command]:
    """Make a command *name* of a function, which is given the ``Settings`` and returns an exit code, or None for 0.

    The function's docstring is the help. Its last section, ``Examples:``, has command lines, indented.
    """

    def decorate(function: Callable[..., int | None]) -> Command:
        text, _, examples = inspect.cleandoc(function.__doc__ or "").partition(_EXAMPLES)
        made = click.command(
            name,
            cls=Command,
            help=text.strip(),
            short_help=text.partition("\n")[0],
            examples=inspect.cleandoc(f"\n{examples}"),
        )(click.pass_obj(function))
        made.params += common_options()
        return made

    return decorate


class Group(click.Group):
    """The program: its commands are imported when they are used, and listed by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands.COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return commands.load(cmd_name) if cmd_name in commands.COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with.

        Raises:
            click.UsageError: there is no such command; names those like it.
        """
        if args[0] not in commands.COMMANDS and not ctx.resilient_parsing:
            meant = commands.OTHER_NAMES.get(args[0])
            near = [meant] if meant else difflib.get_close_matches(args[0], commands.COMMANDS, n=2, cutoff=0.5)
            like = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{like}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, and the options of the program, that begin so."""
        items = [
            CompletionItem(name, help=entry.help)
            for name, entry in commands.COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, commands.COMMANDS))
        for title, section in commands.SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:{width}}", entry.help) for name, entry in section.items()])
