"""``docstore index``: indexes on places in documents."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings

_COLUMNS: Final = ("kind", "part", "pointer", "name", "created_at")


@command("index")
@click.argument("pointer", metavar="[POINTER]", type=options.POINTER, required=False)
@options.kind
@click.option("--part", metavar="PART", help="The pointer leads into parts of this kind: trial.")
@options.delete("Delete the index; the documents stay.")
@options.dry_run
@options.output(names="the names in the database")
def index(
    settings: Settings, output: Output, *, pointer: str | None, kind: str, part: str | None, delete: bool, dry_run: bool
) -> None:
    """List the indexes on places in documents, make one, or delete one.

    An index on POINTER makes `docstore ls --where` quick, for all documents of the kind in the database. Without
    POINTER, those that there are are listed.

    Examples:
        docstore index                              list them
        docstore index /properties/team             make one for experiments
        docstore index /status --part trial
        docstore index /properties/team --delete
    """
    if pointer is None:
        if delete:
            raise click.UsageError("Which index? Give its POINTER; `docstore index` lists them.")
        with settings.open() as store:
            output.rows(map(asdict, store.indexes()), _COLUMNS, none="There are no indexes.")
        return
    what = f"the index on {pointer} of {part or kind}"
    with settings.open(writes=not dry_run) as store:
        if dry_run:
            exits.say(f"{what} would be {'deleted, if' if delete else 'made, unless'} it is there", dry_run=True)
        elif delete:
            store.drop_index(pointer, kind=kind, part=part)
            exits.say(f"Deleted {what}.")
        else:
            name = store.create_index(pointer, kind=kind, part=part)
            exits.say(f"There is {what}: {name}.")
