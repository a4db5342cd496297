"""``docstore undelete``: a deleted document brought back."""

from __future__ import annotations

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("undelete")
@options.deleted_name
@options.kind
@options.dry_run
def undelete(settings: Settings, *, name: str, kind: str, dry_run: bool) -> None:
    """Bring a deleted document back.

    Of several of this name, the one that was deleted last, with its history and what was deleted with it.
    `docstore ls --deleted` lists what can be brought back.

    Examples:
        docstore undelete cakes
        docstore undelete n1 -k note
    """
    with settings.open(writes=True, dry_run=dry_run) as store:
        store.undelete(name, kind=kind)
        exits.say(f"{name!r} is back", dry_run=dry_run)
