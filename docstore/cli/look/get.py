"""``docstore get``: the JSON of a document, or of one value in it."""

from __future__ import annotations

import json

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.look.pointers import json_at
from docstore.cli.output import Output, is_terminal
from docstore.cli.settings import Settings
from docstore.cli.text import printable, printable_json


@command("get")
@options.name
@click.argument("pointer", metavar="[POINTER]", type=options.POINTER, default="")
@options.kind
@options.revision
@click.option("--raw", is_flag=True, help="Print a text as it is, without quotes.")
@options.output("json", "jsonl")
def get(
    settings: Settings,
    output: Output,
    *,
    name: str,
    pointer: str,
    kind: str,
    revision: options.Revision | None,
    raw: bool,
) -> None:
    """Print the JSON of a document, or a value in it.

    POINTER is a JSON pointer, as /trials/12/status; without it, the whole document is printed. Values that JSON lacks
    are tagged, as they are stored; `docstore save` takes the same text. With -o jsonl it is one line, canonical.

    Examples:
        docstore get cakes                            the whole experiment
        docstore get cakes /trials/12/status --raw    COMPLETED
        docstore get cakes /search_space -r 3         as it was in version 3
        docstore get n1 -k note -o jsonl > note.json
    """
    is_indented = output.format == "json" and not raw
    with settings.open() as store:
        text = json_at(store, name, pointer, kind=kind, indent=is_indented, **options.version_of(revision)).decode()
    value = json.loads(text) if raw else None
    if isinstance(value, str):
        lines = value.split("\n")
        output.lines(map(printable, lines) if is_terminal() else lines)
    else:
        output.lines([printable_json(text)])
