"""The page of the command line in the reference: the help of each command is in it, as the program prints it.

After a change, write that part of the page anew::

    .venv/bin/python tests/cli/test_reference.py --write
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from docstore.cli import commands
from docstore.cli.main import PROGRAM, program

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"

MARK = "<!-- what follows is written by tests/cli/test_reference.py -->\n"


def help_of(command: click.Command, *names: str) -> str:
    """Return the help of a command, as it is printed in a terminal of 100 columns."""
    context = None
    for name in names:
        context = click.Context(program if context is None else command, parent=context, info_name=name)
    assert context is not None
    context.terminal_width = 100
    return context.get_help()


def written() -> Iterator[str]:
    """Yield the blocks of the page that are made of the program."""
    yield f"```text\n{help_of(program, PROGRAM)}\n```\n"
    for title, section in commands.SECTIONS.items():
        yield f"## {title}\n"
        for name in section:
            yield f"### {name}\n"
            yield f"```text\n{help_of(commands.load(name), PROGRAM, name)}\n```\n"


def test_the_page_has_the_help_of_each_command_as_it_is():
    _, _, found = PAGE.read_text().partition(MARK)

    assert found.strip() == "\n".join(written()).strip(), "python tests/cli/test_reference.py --write"


def test_the_page_says_what_each_common_option_does():
    by_hand, _, _ = PAGE.read_text().partition(MARK)

    assert [option for option in ("--url", "--debug", "-o", "-q", "`REV`") if option not in by_hand] == []


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    by_hand, mark, _ = PAGE.read_text().partition(MARK)
    PAGE.write_text(f"{by_hand}{mark}\n" + "\n".join(written()))
