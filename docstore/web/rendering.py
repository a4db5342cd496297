"""Jinja: its filters, the links, and a page as HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import quote, urlencode

import jinja2

from docstore import __version__
from docstore.documents.display import counted
from docstore.web import formats
from docstore.web.pages.diff import seal_of
from docstore.web.source import EXPERIMENT

_PACKAGE: Final = "docstore.web"


def link(path: str, **query: object) -> str:
    """Return the link to a page: *path* with what of the *query* is not empty, and without the kind ``experiment``."""
    given = {key: value for key, value in query.items() if value is not None and value != ""}
    if given.get("kind") == EXPERIMENT:
        del given["kind"]
    return f"{path}?{urlencode(given, quote_via=quote, safe='')}" if given else path


def document_link(kind: str, name: str, version: int | str = "") -> str:
    """Return the link to a document's own page, now or at a version: an experiment's, or the JSON of another kind."""
    return link("/experiment" if kind == EXPERIMENT else "/json", name=name, kind=kind, version=version)


@cache
def environment() -> jinja2.Environment:
    """Return the environment of the templates: every text is escaped, and an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": formats.number, "cell": formats.cell, "moment": formats.moment}
    made.tests["numeric"] = formats.is_numeric
    made.globals |= {
        "counted": counted,
        "seal_of": seal_of,
        "release": __version__,
        "assets": assets(),
    }
    return made


@cache
def static_files() -> dict[str, bytes]:
    """Return the static files by their names."""
    folder = resources.files(_PACKAGE) / "static"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


@cache
def assets() -> str:
    """Return the digest of the static files, which their links have, so that a browser keeps them until they change."""
    texts = sorted(static_files().items())
    return hashlib.sha256(b"".join(name.encode() + text for name, text in texts)).hexdigest()[:12]


def render(template: str, root: str, values: Mapping[str, Any]) -> bytes:
    """Return the HTML of a template; its links are below the path *root*, where the application is mounted."""
    links = {
        "root": root,
        "link": lambda path, **query: root + link(path, **query),
        "document_link": lambda kind, name, version="": root + document_link(kind, name, version),
    }
    text = environment().get_template(template).render({**links, **values})
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate cannot be sent to a browser
