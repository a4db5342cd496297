"""The error for a name that no document has: it says where the name is, or what there is instead."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from sqlalchemy.engine import Connection

from docstore.errors import DocumentNotFoundError, with_article
from docstore.sql import rows
from docstore.sql.dialects import shown

_NEIGHBOURS: Final = 500
"""Names before and after the missing one that are compared with it: to compare 100,000 would take a second."""


def not_found(connection: Connection, project: str, kind: str, name: str) -> DocumentNotFoundError:
    """Return the error for a name that no live document of *kind* has.

    Cost:
        A read of 1,000 names of the kind; and where there are none, of all kinds and projects.
    """
    hint = _elsewhere(connection, project, kind, name)
    if not hint:
        known = rows.neighbouring_names(connection, project, kind, name, _NEIGHBOURS)
        # A damaged database has names of no document.
        near = [
            each for each in difflib.get_close_matches(name, known) if rows.id_named(connection, project, kind, each)
        ]
        if near:
            return DocumentNotFoundError(name, kind=kind, near=near)
        hint = "" if known else _instead(connection, project, kind)
    return DocumentNotFoundError(name, kind=kind, hint=hint)


def not_deleted(connection: Connection, project: str, kind: str, name: str) -> DocumentNotFoundError:
    """Return the error for a name that no deleted document of *kind* has."""
    if rows.id_named(connection, project, kind, name) is not None:
        problem = f"no {kind} named {name!r} is deleted"
        return DocumentNotFoundError(name, kind=kind, problem=problem, hint="It is stored, and not deleted.")
    hint = _elsewhere(connection, project, kind, name, deleted=True) or "No document of that name was deleted."
    return DocumentNotFoundError(name, kind=kind, hint=hint)


def no_documents(project: str, projects: Sequence[str]) -> str:
    """Return a sentence that *project* has no documents, and which of the *projects* that have some may be meant."""
    near = difflib.get_close_matches(project, projects)
    where = "projects with names like it" if near else "projects here"
    return f"Project {project!r} has no documents; {where}: {', '.join(map(repr, near or projects))}."


def _elsewhere(connection: Connection, project: str, kind: str, name: str, *, deleted: bool = False) -> str:
    """Return a sentence on the documents of other kinds, or else of other projects, with this name; "" for none.

    Args:
        deleted: whether deleted documents count too.
    """
    found = rows.places_of_name(connection, name, deleted=deleted)
    kinds = sorted({its_kind for its_project, its_kind in found if its_project == project})
    if kinds:
        article, _, noun = with_article(kinds[0]).partition(" ")
        subject = "Documents of other kinds have" if kinds[1:] else f"{article.capitalize()} {noun} has"
        return f"{subject} this name: {' or '.join(f'kind={each!r}' for each in kinds)}."
    if (project, name) in rows.places_of_name(connection, kind, deleted=deleted):
        return f"Kind {name!r} has a document named {kind!r}: in put(kind, name, value), the kind is first."
    for its_project, its_kind in sorted(found, key=lambda place: (place[1] != kind, place)):
        it = "one" if its_kind == kind else f"{with_article(its_kind)} of this name"
        return f"Project {its_project!r} has {it}: connect(..., project={its_project!r})."
    return ""


def _instead(connection: Connection, project: str, kind: str) -> str:
    """Return a sentence on what there is, for a *kind* without documents in the project."""
    found = rows.kinds_in_use(connection)
    kinds = sorted({its_kind for its_project, its_kind in found if its_project == project})
    if kinds:
        return f"No document here is of kind {kind!r}; kinds here: {', '.join(map(repr, kinds))}."
    if found:
        return no_documents(project, sorted({its_project for its_project, _ in found}))
    return f"There are no documents in {shown(connection.engine.url)}."
