"""``docstore rename``: another name for a document, which keeps its history."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("rename")
@options.name
@click.argument("new")
@options.kind
@options.message
@options.author
@options.dry_run
def rename(
    settings: Settings, *, name: str, new: str, kind: str, message: str, author: str | None, dry_run: bool
) -> None:
    """Rename a document.

    It keeps its history and its tags. An experiment's generation strategy and analysis cards are renamed with it.

    Examples:
        docstore rename cakes pies
        docstore rename n1 'shopping list' -k note -m "a better name"
    """
    settings.import_classes()
    with settings.open(writes=True, author=author, dry_run=dry_run) as store:
        saved = store.rename(name, new, kind=kind, message=message)
        exits.say(f"{name!r} is {new!r} now, at version {saved.number}", dry_run=dry_run)
