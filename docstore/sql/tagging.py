"""The tags of a document; and the seal of its head, by which a lost tag or a deletion by another program is noticed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, digest, dumps, is_plain, loads
from docstore.errors import DamagedDocumentError, DecodeError, short_repr
from docstore.sql.dialects import reading_times
from docstore.sql.tables import IS_HEAD, documents, tags


def tag_rows(connection: Connection, id: str) -> list[sa.Row[Any]]:
    """Return the rows of a document's tags, by version."""
    with reading_times():
        return list(connection.execute(sa.select(tags).where(tags.c.id == id).order_by(tags.c.version, tags.c.tag)))


def tagged(connection: Connection, id: str, tag: str) -> int | None:
    """Return the version that *tag* names, or None where there is no such tag."""
    if not is_plain(tag):
        return None
    return connection.execute(sa.select(tags.c.version).where(tags.c.id == id, tags.c.tag == tag)).scalar()


def change_tags(
    connection: Connection, id: str, *, gone: Collection[str] = (), new: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Delete the tags *gone* of a document, and insert the rows *new*.

    Raises:
        DamagedDocumentError: what the head says of its tags cannot be read.
    """
    for tag in gone:
        connection.execute(tags.delete().where(tags.c.id == id, tags.c.tag == tag))
    for row in new:
        connection.execute(tags.insert(), row)
    seal_head(connection, id, gone, new)


def seal_head(
    connection: Connection, id: str, gone: Collection[str] = (), new: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Copy the changed tags of a document into its head, and write the seal: a digest of the tags and of the deletion.

    By them ``verify`` notices a tag that is lost or was edited, and a deletion that docstore did not write. The other
    tags are taken from the head, not from the table: a tag that was lost there would be forgotten.
    """
    c = documents.c
    query = sa.select(c.name, c.deleted_at, c.deleted_by, c.tags).where(c.id == id, IS_HEAD)
    with reading_times():
        head = connection.execute(query).one()
    try:
        had = tags_in(head.tags)
    except DecodeError as error:
        raise DamagedDocumentError(head.name, where="its head", problem=str(error)) from error
    has = {tag: said for tag, said in had.items() if tag not in gone}
    has |= {row["tag"]: tag_as_json(row["version"], row["created_at"], row["author"]) for row in new}
    seal = seal_of(id, head.deleted_at, head.deleted_by, has)
    values = {"tags": dumps(has).decode() if has else None, "seal": seal}
    connection.execute(documents.update().where(c.id == id, IS_HEAD).values(values))


def sealed(connection: Connection, id: str) -> tuple[str | None, str | None]:
    """Return the column tags of a head, as text, and its seal."""
    tags, seal = connection.execute(
        sa.select(documents.c.tags, documents.c.seal).where(documents.c.id == id, IS_HEAD)
    ).one()
    return tags, seal


def tags_in(text: str | None) -> dict[str, JSON]:
    """Return the column tags of a head, by tag.

    Raises:
        DecodeError: it is not a JSON object.
    """
    found = loads(text) if text is not None else {}
    if not isinstance(found, dict):
        raise DecodeError(f"the tags of a head are an object, and this is {short_repr(found)}", pointer="")
    return found


def tag_as_json(version: int, created_at: datetime, author: str) -> JSON:
    """Return a tag as the head stores it."""
    return [version, _iso(created_at), author]


def seal_of(id: str, deleted_at: datetime | None, deleted_by: str | None, tags: Mapping[str, JSON]) -> str | None:
    """Return the seal of a head, or None if it is not deleted and has no tags."""
    if deleted_at is None and deleted_by is None and not tags:
        return None
    return digest(dumps([id, _iso(deleted_at) if deleted_at else None, deleted_by, dict(tags)]))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
