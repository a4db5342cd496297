"""``docstore verify``: whether everything is as it was saved."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click

from docstore.cli import exits, options, progress
from docstore.cli.command import command
from docstore.cli.completion import complete_names
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.text import counted

_COLUMNS: Final = ("kind", "name", "table", "where", "problem")


@command("verify")
@click.argument("name", required=False, shell_complete=complete_names)
@options.any_kind
@click.option("--decode", is_flag=True, help="Make objects of each version, too, with the classes known here.")
@options.artifacts
@options.output(names="the names of the damaged documents")
def verify(
    settings: Settings, output: Output, *, name: str | None, kind: str | None, decode: bool, artifacts: str | None
) -> int:
    """Check every digest, history, column and tag; list what is damaged.

    Without NAME, all documents of the project are checked, deleted ones too, and the database checks its own tables and
    indexes. The exit code is 1 if anything is damaged. Nothing is changed.

    Examples:
        docstore verify                          all of the project
        docstore verify cakes
        docstore verify -k note -o json
        docstore verify --artifacts lab-artifacts    and the files that documents refer to
    """
    if decode:
        settings.import_classes()
    with settings.open(artifacts=artifacts) as store:
        damages = store.verify(name, kind=kind, decode=decode, progress=progress.bar())
    rows = ({**asdict(damage), "problem": exits.in_commands(damage.problem)} for damage in damages)
    output.rows(rows, _COLUMNS)
    exits.say(f"{counted(len(damages), 'damage')} found." if damages else "Everything is as it was saved.")
    return exits.FINDING if damages else exits.OK
