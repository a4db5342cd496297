"""``docstore edit``: a document, or a value in it, in the user's editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from docstore.cli import exits, options
from docstore.cli.change.editor import draft
from docstore.cli.change.json_documents import Checked, checked
from docstore.cli.command import command
from docstore.cli.look.pointers import json_at
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.versions.conflicts import listed_conflicts

if TYPE_CHECKING:
    from docstore.documents.canonical import JSON


@command("edit")
@options.name
@click.argument("pointer", metavar="[POINTER]", type=options.POINTER, default="")
@options.kind
@options.message
@options.author
@options.dry_run
@options.output()
def edit(
    settings: Settings,
    output: Output,
    *,
    name: str,
    pointer: str,
    kind: str,
    message: str,
    author: str | None,
    dry_run: bool,
) -> None:
    """Edit a document, or a value in it, as JSON.

    In the editor of VISUAL or EDITOR. What you save there is checked, and opened again with what is wrong in its first
    lines; to give up, leave it as it is. What others save meanwhile is kept; if both changed the same place, nothing is
    written, the places are listed, and it is said in which file your text is.

    Examples:
        docstore edit cakes
        docstore edit cakes /description -m "a better description"
        docstore edit n1 -k note
    """
    from docstore.documents.canonical import loads

    settings.import_classes()
    with settings.open(writes=True, author=author, dry_run=dry_run) as store:
        number = store.version(name, kind=kind).number
        whole, text = (json_at(store, name, place, kind=kind, version=number, indent=True) for place in ("", pointer))
        check = _checking(loads(whole), pointer, kind, name)
        check(text)  # what cannot be saved is not worth editing
        with draft(text, keep=dry_run) as written, listed_conflicts(output):
            document = written.edited(check)
            saved = None
            if document is not None:
                saved = store.put_json(kind, name, document.text, message=message, based_on=number)
                document.say_unread()
        exits.say_saved(name, saved, number, dry_run=dry_run)


def _checking(whole: JSON, pointer: str, kind: str, name: str) -> Callable[[bytes], Checked]:
    """Return a function that makes the document of the text that was written for the value at *pointer* in *whole*.

    It raises as ``checked``, or a DecodeError if the text is not JSON.
    """
    from docstore.documents.canonical import join_pointer, loads_strict, split_pointer, value_at_pointer
    from docstore.documents.patch import apply

    *way, _ = split_pointer(pointer) or [""]
    is_item = bool(pointer) and isinstance(value_at_pointer(whole, join_pointer(way)), list)

    def check(text: bytes) -> Checked:
        value = loads_strict(text)
        # A member may be absent, and be edited as null; an item is replaced, and does not push others back.
        content = apply(whole, [{"op": "replace" if is_item else "add", "path": pointer, "value": value}])
        if _reserved(content) != _reserved(whole):
            what = "__type, __format and other members with __ at its top say what the document is."
            raise click.ClickException(f"{what} Leave them as they were.")
        return checked(content, kind, name, whole)

    return check


def _reserved(content: JSON) -> dict[str, JSON]:
    """Return the members of a document that say which class it is of, and how it is stored; of a plain value, none."""
    from docstore.documents.kinds import RESERVED_KEYS, is_document

    members = content if isinstance(content, dict) and is_document(content) else {}
    return {key: members[key] for key in RESERVED_KEYS & members.keys()}
