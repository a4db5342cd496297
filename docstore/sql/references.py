"""The SQL that finds what all versions of documents refer to: words that have a prefix of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.errors import UnreadableError, short_repr
from docstore.sql.dialects import AsText
from docstore.sql.grouping import grouped
from docstore.sql.paging import PageSize
from docstore.sql.tables import documents, versions

_PAGE: Final = PageSize()


@dataclass(frozen=True, slots=True)
class Reference:
    """A word, and the row that has it: of a head or part, by its path, or of a version, by its number."""

    word: str
    id: str
    key: str | int


def references(
    connection: Connection, prefix: str, word: re.Pattern[str], ids: sa.Select[tuple[str]] | None = None
) -> Iterator[Reference]:
    """Yield each *word* in the bodies and changes of documents, once for each row; each word has the *prefix*.

    A text of any version is whole in one of them: changes keep old values whole. Full states repeat them.

    Args:
        ids: of the documents to look in; None for all of the database, in every project, deleted ones too.

    Raises:
        UnreadableError: a row with the prefix has no text, so that its words are not known.

    Cost:
        The database reads every text; those with the prefix are fetched. Memory for the keys of these, and for a page.
    """
    for key, json in ((documents.c.path, documents.c.body), (versions.c.version, versions.c.changes)):
        table, text = json.table, AsText(json)
        has = text.like(f"%{prefix}%") if ids is None else text.like(f"%{prefix}%") & table.c.id.in_(ids)
        found = connection.execute(
            sa.select(table.c.id, key.label("key"), sa.func.char_length(text).label("size")).where(has)
        ).all()
        for page in grouped(found, attrgetter("size"), _PAGE.rows, _PAGE.text):
            # Not by pairs, for which MariaDB reads the whole table. For several documents, some rows more are read.
            at = table.c.id.in_({row.id for row in page}) & key.in_({row.key for row in page})
            for row in connection.execute(sa.select(table.c.id, key.label("key"), text.label("text")).where(at)):
                if not isinstance(row.text, str):
                    raise UnreadableError(f"the database has {short_repr(row.text)} where docstore writes JSON.")
                yield from (Reference(each, row.id, row.key) for each in sorted({*word.findall(row.text)}))
