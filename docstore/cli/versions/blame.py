"""``docstore blame``: who changed a value when, from what to what; or who changed each member of a document last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output, Row
from docstore.cli.settings import Settings
from docstore.cli.versions.conflicts import present, with_nulls
from docstore.cli.versions.newest_first import up_to

if TYPE_CHECKING:
    from docstore.documents.history import Version
    from docstore.store.timeline import Blame

_CHANGES: Final = ("version", "saved", "by", "message", "was", "became")

_MEMBERS: Final = ("pointer", "version", "saved", "by", "message")


@command("blame")
@options.name
@click.argument("pointer", metavar="[POINTER]", type=options.POINTER, required=False)
@options.kind
@options.revision
@options.limit("lines")
@options.output(names="the numbers of the versions")
def blame(
    settings: Settings,
    output: Output,
    *,
    name: str,
    pointer: str | None,
    kind: str,
    revision: options.Revision | None,
    limit: int | None,
) -> None:
    """Show who changed a value in a document, or each part of it last.

    With POINTER, a JSON pointer, each change of the value there, the newest first, with what it was and became. Without
    it, a line for each member of the document, and each trial of an experiment, with the version that changed it last.
    With -r, as it was in that version.

    Examples:
        docstore blame cakes                       who changed what last
        docstore blame cakes -r published          who had changed what last in the version with this tag
        docstore blame cakes /trials/12/status     each change of one value
        docstore blame cakes /status --limit 1 -o json
    """
    with settings.open() as store:
        version = store.version(name, revision, kind=kind)
        if pointer is not None:
            changes = (_change(each, output) for each in up_to(version, store.blame(name, pointer, kind=kind)))
            output.rows(islice(changes, limit), _CHANGES, name="version", none="No version changed anything there.")
            return
        document = store.get(name, kind=kind, version=version.number)
        last = _last_changes(up_to(version, store.history(name, kind=kind)), list(_pointers(document, kind)))
        output.rows(islice(last, limit), _MEMBERS, name="version")


def _change(change: Blame, output: Output) -> Row:
    return {
        "version": change.number if change.is_exact else f"one of {change.first} to {change.number}",
        "saved": change.created_at,
        "by": " or ".join(change.authors),
        "message": change.message,
        **with_nulls(present(was=change.was, became=change.became), output),
    }


def _pointers(document: Any, kind: str) -> Iterator[str]:
    """Yield the pointers of the members of a document, and of its parts in place of the members that have them."""
    from docstore.documents.canonical import join_pointer
    from docstore.documents.kinds import RESERVED_KEYS, kind_named

    if not isinstance(document, dict):
        yield ""
        return
    in_parts = {rule.field for rule in kind_named(kind).parts}
    for key, value in document.items():
        if key in in_parts and value:
            keys = value if isinstance(value, dict) else range(len(value))
            yield from (join_pointer((key, each)) for each in keys)
        elif key not in RESERVED_KEYS:
            yield join_pointer((key,))


def _last_changes(newest_first: Iterable[Version], pointers: list[str]) -> Iterator[Row]:
    from docstore.documents.history import last_changed

    found = last_changed(newest_first, pointers)
    for pointer in pointers:
        version = found.get(pointer)
        facts = {} if version is None else _facts(version)
        yield {"pointer": pointer, **facts}


def _facts(version: Version) -> Row:
    return {
        "version": version.number,
        "saved": version.created_at,
        "by": version.author,
        "message": version.message,
    }
