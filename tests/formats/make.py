"""Write down what this release writes: ``python -m formats.make 0.1.0``, in ``tests``, makes ``tests/formats/0.1.0``.

A release gets its folder once, when it is made:

1. For each new class, field, tag or kind of document, add a function to one of the ``of_...`` modules and a line, with
   ``since=``, to ``recipes``. Edit no function that is there: older documents are held to what it makes. A user's
   class that should look different is a class of a new module ``classes_<release>``.
2. Set the release in ``docstore.__version__``, and run the command above with it.
3. Run ``tests/faces/test_old_formats.py``, which also says what no kept document has yet, and commit the folder.

A folder that exists is not written into: what a release wrote is never edited. Until that release is out, a change of
the stored form means to delete the folder and to make it again; afterwards, that older documents need an upcast.
``0.1.0-nulls`` is what the release wrote before it left out what is None in docstore's own objects, named a strategy
after its experiment, and made its runs parts.

There are no dumps of PostgreSQL and MariaDB: every database has the same rows, so the one of SQLite, which needs no
server, shows what must load; ``copy_to`` brings it to the others, and a test does that.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, tzinfo
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import docstore
from docstore.documents.canonical import JSON, TAG, loads
from docstore.documents.digests import digest_of
from docstore.documents.kinds import Kind
from docstore.registry import scope
from docstore.registry.bundle import mapper_of
from formats import of_store
from formats.classes_0_1_0 import register
from formats.recipes import RECIPES

HERE = Path(__file__).parent


def make(folder: Path) -> None:
    """Write every document and the database of this release into a new *folder*.

    Raises:
        FileExistsError: it is there.
    """
    files, digests = {}, {}
    for name, recipe in RECIPES.items():
        with recipe.registered() as bundle:
            text = files[f"{name}.json"] = docstore.dumps(recipe.make(), bundle)
            digests[name] = digest_of_text(text)
    dump, versions = make_store()
    files["store.sql"] = dump.encode()
    files["digests.json"] = json.dumps({"documents": digests, "versions": versions}, indent=1).encode()
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text)


def digest_of_text(text: bytes) -> str:
    """Return the digest of a document by its JSON alone; of a value that no class makes, the one that ``put`` gives."""
    value = loads(text)
    return digest_of(_kind_of(value), value)


def _kind_of(value: JSON) -> Kind:
    entry = mapper_of().codec.registry.of_tag(str(value.get(TAG))) if isinstance(value, dict) else None
    return entry.kind if entry and entry.kind else Kind("value")


# --- the database ----------------------------------------------------------------------------------------------------


def make_store() -> tuple[str, list[dict[str, Any]]]:
    """Return the dump of a database after the saves of ``of_store``, and the digest of each version in it."""
    with tempfile.TemporaryDirectory() as folder, _fixed_times_and_ids():
        path = Path(folder) / "store.db"
        with filled(path):
            pass  # its connections are closed at the end
        with closing(sqlite3.connect(path)) as connection:
            return "\n".join(connection.iterdump()) + "\n", versions_in(connection)


@contextmanager
def filled(path: Path) -> Iterator[dict[str, docstore.Store]]:
    """Give the stores of a new database at *path*, by project, after the saves of ``of_store``."""
    stores = {project: docstore.connect(path, project=project, **of_store.OPTIONS) for project in of_store.PROJECTS}
    with scope():
        register()
        of_store.fill(stores.__getitem__)
    yield stores
    for store in stores.values():
        store.close()


def versions_in(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return what names each version in a database, in the order of the saves, and its digest."""
    rows = connection.execute(
        "SELECT project, kind, name, deleted_at IS NOT NULL, versions.version, versions.digest FROM documents "
        "JOIN versions ON versions.id = documents.id WHERE path = '' AND changes <> 'null' "
        "ORDER BY versions.created_at, kind, name"
    )
    keys = ("project", "kind", "name", "is_deleted", "version", "digest")
    return [dict(zip(keys, row, strict=True)) for row in rows]


@contextmanager
def _fixed_times_and_ids() -> Iterator[None]:
    """Let the clock start where the documents' times do and go on by a minute at each look, and count ids from 1."""
    minutes, ids = count(), count(1)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one, as others are
            return of_store.START.astimezone(tz) + timedelta(minutes=next(minutes))

    with (
        patch("docstore.documents.history.datetime", Clock),
        patch("docstore.store.lifecycle.datetime", Clock),
        patch("docstore.store.tags.datetime", Clock),
        patch("docstore.documents.document.token_bytes", lambda size: next(ids).to_bytes(size)),
    ):
        yield


def main(arguments: list[str]) -> None:
    """Make the folder of the release that the arguments name, if it is this one and has none yet."""
    if arguments != [docstore.__version__]:
        raise SystemExit(f"usage: python -m formats.make {docstore.__version__} (what writes is this very release)")
    folder = HERE / docstore.__version__
    if folder.exists():
        raise SystemExit(f"{folder} is there: what a release wrote is never edited. Set docstore.__version__ first.")
    make(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
