"""``docstore rm``: a document deleted, so that it can be brought back."""

from __future__ import annotations

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("rm")
@options.name
@options.kind
@options.author
@options.dry_run
def rm(settings: Settings, *, name: str, kind: str, author: str | None, dry_run: bool) -> None:
    """Delete a document; `docstore undelete` brings it back.

    Its name is free for another one. With an experiment, its generation strategy and analysis cards are deleted.
    `docstore ls --deleted` lists what can be brought back, `docstore purge` removes it for good.

    Examples:
        docstore rm cakes
        docstore rm n1 -k note
        docstore rm cakes --dry-run     whether it could be deleted
    """
    with settings.open(writes=True, author=author, dry_run=dry_run) as store:
        store.delete(name, kind=kind)
        exits.say(f"{name!r} is deleted; `docstore undelete` brings it back", dry_run=dry_run)
