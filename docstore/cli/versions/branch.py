"""``docstore branch``: start a document from a version of another one, or list those that were started so."""

from __future__ import annotations

from typing import Final

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings

_COLUMNS: Final = ("branch", "from_version")


@command("branch")
@options.name
@click.argument("new", required=False)
@click.argument("version", metavar="[REV]", type=options.REVISION, required=False)
@options.kind
@options.message
@options.author
@options.dry_run
@options.output(names="the names of the branches")
def branch(
    settings: Settings,
    output: Output,
    *,
    name: str,
    new: str | None,
    version: options.Revision | None,
    kind: str,
    message: str,
    author: str | None,
    dry_run: bool,
) -> None:
    """List the branches of a document, or start one.

    NEW is the name of the document that is made, from version REV of NAME: a number, a tag or a time; without it, the
    newest. `docstore merge` brings what is changed in it back.

    Examples:
        docstore branch cakes                the documents that began as versions of cakes
        docstore branch cakes pies           a new one, from the newest version
        docstore branch cakes pies 7 -m "before the oven broke"
    """
    if new is None:
        with settings.open() as store:
            rows = [{"branch": each, "from_version": of} for each, of in store.branches(name, kind=kind).items()]
        output.rows(rows, _COLUMNS, name="branch", none=f"{name!r} has no branches.")
        return
    settings.import_classes()
    with settings.open(writes=True, author=author, dry_run=dry_run) as store:
        made = store.branch(name, new, version, kind=kind, message=message)
        exits.say(f"{new!r} begins at version {made.number - 1} of {name!r}", dry_run=dry_run)
