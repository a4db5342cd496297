"""``docstore stats``: how much there is."""

from __future__ import annotations

from dataclasses import asdict

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings


@command("stats")
@options.output()
def stats(settings: Settings, output: Output) -> None:
    """Count documents, versions and parts, and the bytes on disk.

    The counts are of the project, the bytes of the whole database. Versions are those of deleted documents, too.

    Examples:
        docstore stats
        docstore stats -o json
    """
    with settings.open() as store:
        found = asdict(store.stats())
    output.record(found)
