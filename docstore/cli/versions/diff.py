"""``docstore diff``: what changed between two versions, or between two documents, in words."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.text import printable


@command("diff")
@options.name
@click.argument("a", type=options.REVISION, metavar="A")
@click.argument("b", type=options.REVISION, metavar="[B]", required=False)
@options.kind
@click.option("--other", metavar="NAME", default="", help="B is a version of this document, by default its newest.")
@click.option("--patch", is_flag=True, help="Print the JSON Patch (RFC 6902) that makes B of A.")
@click.option("--exit-code", "has_code", is_flag=True, help="Exit with 1 if anything differs.")
def diff(
    settings: Settings,
    *,
    name: str,
    a: options.Revision,
    b: options.Revision | None,
    kind: str,
    other: str,
    patch: bool,
    has_code: bool,
) -> int:
    """Show what changed between two versions, or two documents.

    A and B are numbers, tags or times. Without B, it is the newest version.

    Examples:
        docstore diff cakes 3             from version 3 to the newest
        docstore diff cakes 3 published
        docstore diff cakes 3 --other pies
        docstore diff cakes 3 7 --patch > changes.json
    """
    with settings.open() as store:
        found = store.diff(name, a, b, kind=kind, other=other)
    if patch:
        Output("json").value(list(found.patch))
    else:
        Output().lines(map(printable, found.words))
    return exits.FINDING if found and has_code else exits.OK
