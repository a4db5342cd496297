"""The JSON at a pointer of a document; if nothing is there, the error says what is near."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from docstore.store.store import Store

_FEW: Final = 5
"""Keys that a message names if none is like the one that was asked for."""


def json_at(store: Store, name: str, pointer: str, *, kind: str, indent: bool, **version: Any) -> bytes:
    """Return the JSON text at *pointer*, as ``Store.get_json``, with its keywords for a *version*.

    Raises:
        click.ClickException: nothing is there; names what is near.
        DocumentNotFoundError, VersionNotFoundError, DamagedDocumentError: as ``Store.get_json``.
    """
    from docstore.errors import DecodeError

    try:
        return store.get_json(name, kind=kind, pointer=pointer, indent=indent, **version)
    except DecodeError as error:
        raise click.ClickException(_nothing_at(store.get(name, kind=kind, **version), name, pointer)) from error


def _nothing_at(document: Any, name: str, pointer: str) -> str:
    """Return what to say if *pointer* leads to nothing: how far it leads, and which keys like it are there."""
    there = document
    path = ""
    for token in pointer.split("/")[1:]:
        members = dict(enumerate(there)) if isinstance(there, (list, tuple)) else there
        if not isinstance(members, dict):
            return f"{name!r} has nothing at {pointer}: at {path or 'its head'} is a value without members."
        keys = {str(key).replace("~", "~0").replace("/", "~1"): each for key, each in members.items()}
        if token not in keys:
            some = [key for key in keys if not key.startswith("__")] or list(keys)
            near = difflib.get_close_matches(token, keys, n=3, cutoff=0.5) or some[:_FEW]
            there_is = f"There is {', '.join(f'{path}/{key}' for key in near)}." if near else "Nothing is in there."
            return f"{name!r} has nothing at {pointer}. {there_is}"
        there, path = keys[token], f"{path}/{token}"
    return f"{name!r} has nothing at {pointer}."
