"""``docstore log``: who changed a document, when and why; or who changed one value in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output, Row
from docstore.cli.settings import Settings
from docstore.cli.versions.newest_first import up_to

if TYPE_CHECKING:
    from docstore.documents.history import Version

_COLUMNS: Final = ("version", "saved", "by", "message", "changes", "tags")


@command("log")
@options.name
@click.argument("pointer", metavar="[POINTER]", type=options.POINTER, required=False)
@options.kind
@options.revision
@options.limit("versions")
@options.output(names="the numbers of the versions")
def log(
    settings: Settings,
    output: Output,
    *,
    name: str,
    pointer: str | None,
    kind: str,
    revision: options.Revision | None,
    limit: int | None,
) -> None:
    """List the versions of a document, or those that changed a value in it.

    The newest comes first. With POINTER, a JSON pointer, only versions that changed the value there; `docstore blame`
    shows what it was before and after. With -r, that version and those before it.

    Examples:
        docstore log cakes                       every version
        docstore log cakes -r published --limit 10
        docstore log cakes /trials/12/status     those that changed this status
        docstore log cakes -o jsonl              for other programs
    """
    with settings.open() as store:
        tags: dict[int, list[str]] = {}
        for tag, number in store.tags(name, kind=kind).items():
            tags.setdefault(number, []).append(tag)
        history = store.history(name, kind=kind, pointer=pointer)
        rows = _rows(islice(up_to(store.version(name, revision, kind=kind), history), limit), tags)
        output.rows(rows, _COLUMNS, name="version", none="No version changed anything there.")


def _rows(versions: Iterable[Version], tags: dict[int, list[str]]) -> Iterator[Row]:
    for version in versions:
        yield {
            "version": version.number,
            "saved": version.created_at,
            "by": version.author,
            "message": version.message,
            "changes": len(version.changes),
            "tags": tags.get(version.number, []),
        }
