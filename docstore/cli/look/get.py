"""``docstore get``: the JSON of a document, or of one value in it."""

from __future__ import annotations

import difflib
import json
from typing import Any, Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.text import printable, printable_json

_FEW: Final = 5
"""Keys that a message names if none is like the one that was asked for."""


@command("get")
@options.name
@click.argument("pointer", default="")
@options.kind
@options.revision
@click.option("--raw", is_flag=True, help="Print a text without quotes.")
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
    from docstore.errors import DecodeError

    is_indented = output.format == "json" and not raw
    with settings.open() as store:
        try:
            text = store.get_json(
                name, kind=kind, pointer=pointer, indent=is_indented, **options.version_of(revision)
            ).decode()
        except DecodeError as error:
            document = store.get(name, kind=kind, **options.version_of(revision))
            raise click.ClickException(_nothing_at(document, name, pointer)) from error
    value = json.loads(text) if raw else None
    output.lines([printable(value) if isinstance(value, str) else printable_json(text)])


def _nothing_at(document: Any, name: str, pointer: str) -> str:
    """Return what to say if *pointer* leads to nothing: how far it leads, and which keys like it are there."""
    if not pointer.startswith("/"):
        return f"{pointer!r} is no JSON pointer. It begins with a slash: /{pointer}"
    there = document
    path = ""
    for token in pointer.split("/")[1:]:
        members = dict(enumerate(there)) if isinstance(there, (list, tuple)) else there
        if not isinstance(members, dict):
            return f"{name!r} has nothing at {pointer}: at {path or 'its head'} is a value without members."
        keys = {str(key).replace("~", "~0").replace("/", "~1"): each for key, each in members.items()}
        if token not in keys:
            near = difflib.get_close_matches(token, keys, n=3, cutoff=0.5) or list(keys)[:_FEW]
            some = f" There is {', '.join(f'{path}/{key}' for key in near)}." if near else " Nothing is in there."
            return f"{name!r} has nothing at {pointer}.{some}"
        there, path = keys[token], f"{path}/{token}"
    return f"{name!r} has nothing at {pointer}."
