"""``docstore purge``: a document removed for good, with its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from docstore.store.store import Store


@command("purge")
@options.name
@options.kind
@options.yes
@options.dry_run
def purge(settings: Settings, *, name: str, kind: str, yes: bool, dry_run: bool) -> None:
    """Remove a document for good, with its whole history and its tags.

    If no document has this name, the one of this name that was deleted last. With an experiment, its generation
    strategy and analysis cards are removed, deleted ones too. It asks first. `docstore rm` can be undone.

    Examples:
        docstore purge cakes
        docstore purge n1 -k note --yes     without asking
        docstore purge cakes --dry-run
    """
    with settings.open(writes=True, dry_run=dry_run) as store:
        if versions := _versions(store, name, kind):
            question = f"Remove the {kind} {name!r} for good, with {versions}?"
            options.confirm(question, yes=yes or dry_run)
        store.purge(name, kind=kind)
        exits.say(f"{name!r} is removed for good", dry_run=dry_run)


def _versions(store: Store, name: str, kind: str) -> str:
    """Return how many versions would go, and whether they are deleted already; "" if there is no such document."""
    for deleted in (False, True):
        for info in store.find(kind, name=name, deleted=deleted, order_by="-deleted_at", limit=1):
            their = "its only version" if info.version == 1 else f"all its {info.version} versions"
            return f"{their} (it was deleted on {info.deleted_at:%Y-%m-%d})" if info.deleted_at else their
    return ""
