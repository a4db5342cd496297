"""The store: its database, its kinds, its indexes, and what changed lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from docstore import __version__
from docstore.sql.dialects import shown
from docstore.sql.tables import migration
from docstore.web.formats import Table
from docstore.web.pages.changes import ChangeRow
from docstore.web.pages.listing import newest_of_all
from docstore.web.source import Source

COUNTED: Final = 10_000
"""Documents of a kind that are counted; for more, the page says that there are more."""

LATELY: Final = 20
"""Documents that changed last, on this page."""


@dataclass(frozen=True, slots=True)
class KindRow:
    """A kind and how many documents it has; ``is_more`` if they are more than were counted."""

    kind: str
    documents: int
    is_more: bool


@dataclass(frozen=True, slots=True)
class DatabasePage:
    """What is in a store.

    Attributes:
        facts: the database's address without its password, its program and release, the tables' version.
        indexes: those that ``create_index`` made: name, kind, part and pointer.
        seen: up to when changes are on this page.
        lately: the documents that changed last: kind, name, version and time.
    """

    facts: dict[str, str]
    kinds: list[KindRow]
    projects: list[str]
    indexes: list[dict[str, str]]
    lately: list[dict[str, object]]
    newest: ChangeRow | None
    seen: str

    @property
    def table(self) -> Table:
        """The kinds as a table."""
        rows = [(each.kind, each.documents, "or more" if each.is_more else "") for each in self.kinds]
        return Table(("kind", "documents", "counted"), rows)


def database_page(source: Source) -> DatabasePage:
    """Return what is in the store.

    Cost:
        For each kind a count of at most 10,000 documents; and a look at the names of all documents, for the projects.
    """
    store = source.store
    lately = source.newest()[:LATELY]
    return DatabasePage(
        _facts(source),
        [_kind(source, kind) for kind in store.kinds()],
        store.projects(),
        [
            {"name": each.name, "kind": each.kind, "part": each.part or "", "pointer": each.pointer}
            for each in store.indexes()
        ],
        [
            {"kind": each.kind, "name": each.name, "version": each.version, "updated_at": each.updated_at}
            for each in lately
        ],
        newest_of_all(source),
        source.seen(),
    )


def _kind(source: Source, kind: str) -> KindRow:
    found = source.store.find(kind, limit=COUNTED + 1).count()
    return KindRow(kind, min(found, COUNTED), found > COUNTED)


def _facts(source: Source) -> dict[str, str]:
    engine = source.store.engine
    with source.transactions.reading() as connection:
        release = ".".join(map(str, connection.dialect.server_version_info or ()))
        tables = connection.execute(sa.select(migration.c.version_num)).scalar()
    return {
        "database": shown(engine.url),
        "program": f"{_PROGRAMS.get(engine.dialect.name, engine.dialect.name)} {release}".rstrip(),
        "driver": engine.dialect.driver,
        "project": source.store.project,
        "tables": f"migration {tables}",
        "docstore": __version__,
        "pages": "may be changed by who has the token" if source.writable else "read only",
    }


_PROGRAMS: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB", "mariadb": "MariaDB"}
