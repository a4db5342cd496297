"""Names for versions: a tag says which version of a document is the one that was published, say."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from docstore.documents.arguments import checked_text
from docstore.errors import InvalidValueError, TagExistsError
from docstore.sql import rows
from docstore.sql.context import StoreContext
from docstore.sql.version_names import When, numbered


def tag(access: StoreContext, kind: str, name: str, text: str, version: When | None, author: str, *, move: bool) -> int:
    """Let the tag *text* name a version of a document, the newest by default, and return its number.

    Raises:
        InvalidValueError: *text* is no text of 1 to 255 characters.
        TagExistsError: it names another version, and is not to be moved.
        VersionNotFoundError: there is no such version, or it was folded.
    """
    checked_text("tag", text, 255)

    def work(connection: Connection) -> tuple[str, int]:
        head = access.head(connection, kind, name)
        number = head.version if version is None else numbered(connection, head, version)
        present = rows.tagged(connection, head.id, text)
        if present is not None and present != number and not move:
            raise TagExistsError(name, text, version=present, wanted=number)
        if present != number:
            row = {"id": head.id, "tag": text, "version": number, "created_at": datetime.now(UTC), "author": author}
            rows.change_tags(connection, head.id, gone=[text], new=[row])
        return head.id, number

    return access.writing(work, lambda connection, done: rows.tagged(connection, done[0], text) == done[1])[1]


def untag(access: StoreContext, kind: str, name: str, text: str) -> None:
    """Take a tag away; the version stays.

    Raises:
        InvalidValueError: the document has no such tag; names those it has.
    """

    def work(connection: Connection) -> str:
        head = access.head(connection, kind, name)
        if rows.tagged(connection, head.id, text) is None:
            known = ", ".join(repr(row.tag) for row in rows.tag_rows(connection, head.id)) or "none"
            raise InvalidValueError("tag", text, f"The tags of {name!r} are: {known}.")
        rows.change_tags(connection, head.id, gone=[text])
        return head.id

    access.writing(work, lambda connection, id: rows.tagged(connection, id, text) is None)


def tags(access: StoreContext, kind: str, name: str) -> dict[str, int]:
    """Return the versions that tags name, by tag."""
    with access.reading() as connection:
        head = access.head(connection, kind, name)
        return {row.tag: row.version for row in rows.tag_rows(connection, head.id)}
