"""``docstore revert``: an older state as the newest version."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("revert")
@options.name
@click.argument("version", metavar="REV", type=options.REVISION)
@options.kind
@options.message
@options.author
@options.dry_run
def revert(
    settings: Settings,
    *,
    name: str,
    version: options.Revision,
    kind: str,
    message: str,
    author: str | None,
    dry_run: bool,
) -> None:
    """Make an older state of a document the newest version.

    REV is a number, a tag or a time. The versions in between stay in the history. `docstore diff NAME REV` shows, the
    other way round, what will be taken back.

    Examples:
        docstore revert cakes 7
        docstore revert cakes published -m "the oven was too hot"
        docstore revert cakes 2026-11-29T10:30 --dry-run
    """
    with settings.open(writes=True, author=author, dry_run=dry_run) as store:
        before = store.version(name, kind=kind).number
        saved = store.revert(name, version, kind=kind, message=message)
        exits.say_saved(name, saved, before, dry_run=dry_run)
