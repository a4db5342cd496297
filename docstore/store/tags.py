"""Tags: names for versions of a document, such as the one that was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from docstore.documents.arguments import checked_text
from docstore.errors import InvalidValueError, TagExistsError
from docstore.sql import tagging
from docstore.sql.transactions import Transactions
from docstore.sql.version_names import When, kept_version_number


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag to set.

    Attributes:
        version: the version that it shall name; None for the newest.
        move: whether to set it even if it names another version.
    """

    text: str
    version: When | None
    author: str
    move: bool


def tag(transactions: Transactions, kind: str, name: str, new: NewTag) -> int:
    """Let a tag name a version of a document, and return its number; as ``Store.tag``.

    Raises:
        InvalidValueError: the tag is not a str of 1 to 255 characters.
        TagExistsError: it names another version, and is not to be moved.
        VersionNotFoundError: there is no such version, or it was folded.
    """
    text = checked_text("tag", new.text, 255)

    def work(connection: Connection) -> tuple[str, int]:
        head = transactions.head(connection, kind, name)
        number = head.version if new.version is None else kept_version_number(connection, head, new.version)
        present = tagging.tagged(connection, head.id, text)
        if present is not None and present != number and not new.move:
            raise TagExistsError(name, text, version=present, wanted=number)
        if present != number:
            now = datetime.now(UTC)
            row = {"id": head.id, "tag": text, "version": number, "created_at": now, "author": new.author}
            tagging.change_tags(connection, head.id, gone=[text], new=[row])
        return head.id, number

    return transactions.writing(work, lambda connection, done: tagging.tagged(connection, done[0], text) == done[1])[1]


def untag(transactions: Transactions, kind: str, name: str, text: str) -> None:
    """Remove a tag; the version stays.

    Raises:
        InvalidValueError: the document has no such tag; names those it has.
    """

    def work(connection: Connection) -> str:
        head = transactions.head(connection, kind, name)
        if tagging.tagged(connection, head.id, text) is None:
            known = ", ".join(repr(row.tag) for row in tagging.tag_rows(connection, head.id)) or "none"
            raise InvalidValueError("tag", text, f"The tags of {name!r} are: {known}.")
        tagging.change_tags(connection, head.id, gone=[text])
        return head.id

    transactions.writing(work, lambda connection, id: tagging.tagged(connection, id, text) is None)


def tags(transactions: Transactions, kind: str, name: str) -> dict[str, int]:
    """Return the number of the version that each tag names."""
    with transactions.reading() as connection:
        head = transactions.head(connection, kind, name)
        return {row.tag: row.version for row in tagging.tag_rows(connection, head.id)}
