"""``docstore save``: a document from a JSON file, or from the standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import click

from docstore.cli import exits, options
from docstore.cli.change.json_documents import checked
from docstore.cli.command import command
from docstore.cli.completion import complete_files
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.versions.conflicts import listed_conflicts

if TYPE_CHECKING:
    from docstore.documents.canonical import JSON


@command("save")
@click.argument("file", shell_complete=complete_files)
@click.argument("name", required=False)
@click.option("-k", "--kind", metavar="KIND", help="The kind of the document, if FILE does not say it.")
@click.option(
    "--based-on",
    metavar="REV",
    type=options.REVISION,
    help="The version that FILE was made from: what others saved since is kept.",
)
@click.option("--overwrite", is_flag=True, help="Make FILE the newest version, whatever others saved.")
@options.message
@options.author
@options.dry_run
@options.output()
def save(
    settings: Settings,
    output: Output,
    *,
    file: str,
    name: str | None,
    kind: str | None,
    based_on: options.Revision | None,
    overwrite: bool,
    message: str,
    author: str | None,
    dry_run: bool,
) -> None:
    """Save a document from a JSON file.

    FILE is a path, perhaps of a compressed file (gzip), or - for the standard input. It has what `docstore get` or
    save_experiment wrote, which says itself what it is, but for the KIND of a class that is not known here; or any
    JSON, with a NAME and a KIND.

    A stored experiment is replaced only with --based-on or --overwrite. Plain JSON becomes the newest version, unless
    --based-on merges it. If both changed the same place, nothing is written, and the places are listed.

    Examples:
        docstore save cakes.json -m "from the old laptop"
        docstore save cakes.json --based-on 7      made from version 7
        docstore save settings.json oven -k note   any JSON, as the note oven
        docstore save - oven -k note < settings.json
    """
    from docstore.documents.kinds import is_document

    settings.import_classes()
    content = _content(file)
    kind, name = _named(content, kind, name)
    document = checked(content, kind, name)
    replaces = overwrite or (based_on is None and not is_document(content))
    with settings.open(writes=True, author=author, dry_run=dry_run) as store, listed_conflicts(output):
        base = None if based_on is None else store.version(name, based_on, kind=kind).number
        before = store.version(name, kind=kind).number if store.exists(name, kind=kind) else 0
        policy: Literal["merge", "overwrite"] = "overwrite" if replaces else "merge"
        saved = store.put_json(kind, name, document.text, message=message, based_on=base, on_conflict=policy)
        document.say_unread()
        exits.say_saved(name, saved, before, dry_run=dry_run)


def _content(file: str) -> JSON:
    """Return the JSON in *file*, or for ``-`` in the standard input.

    Raises:
        FileAccessError, FileFormatError: it cannot be read, or is not JSON.
    """
    from docstore.cli.move.targets import shown
    from docstore.documents.canonical import loads_strict
    from docstore.errors import DecodeError, FileFormatError
    from docstore.json_store.files import read

    text = sys.stdin.buffer.read() if file == "-" else read(file)
    try:
        return loads_strict(text)
    except DecodeError as error:
        raise FileFormatError("the standard input" if file == "-" else shown(file), error.problem) from error


def _named(content: JSON, kind: str | None, name: str | None) -> tuple[str, str]:
    """Return the kind and the name of the document that *content* is: those that are given, or that it says itself.

    Raises:
        click.UsageError: neither says them.
    """
    from docstore.documents.kinds import is_document
    from docstore.registry.bundle import mapper_of

    own_kind, own_name = mapper_of().named_in_json(content, kind) or (None, None)
    found = own_kind if kind is None else kind, own_name if name is None else name
    if found[0] is not None and found[1] is not None:
        return found[0], found[1]
    if is_document(content):
        raise click.UsageError(
            "the class of this document is not known here. Give its kind: docstore save FILE -k KIND."
        )
    remedy = "Its kind and its name are needed: docstore save FILE NAME -k KIND."
    raise click.UsageError(f"this is JSON, but no document of docstore: it has no __type and __format. {remedy}")
