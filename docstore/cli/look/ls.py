"""``docstore ls``: search documents by the filters of ``Store.find``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.completion import complete_names
from docstore.cli.exits import say
from docstore.cli.look.where import condition_of
from docstore.cli.output import Output
from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from docstore.store.store import Store

_COLUMNS: Final = ("name", "kind", "type", "status", "owner", "version", "updated_at")

_OF_PARTS: Final = ("name", "path", "type", "status", "version", "updated_at")

_FURTHER: Final = ("project", "model", "created_at", "deleted_at", "id")


@command("ls")
@click.argument("prefix", required=False, shell_complete=complete_names)
@options.any_kind
@click.option("--part", metavar="PART", help="In place of the documents, their parts of this kind: trial.")
@click.option("--name", metavar="NAME", help="Of this name.")
@click.option("--like", "name_like", metavar="PATTERN", help="Names like this: % is any text, _ any character.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Of this type; repeat it for others.")
@click.option("--status", "statuses", metavar="STATUS", multiple=True, help="Of this status; repeat it for others.")
@click.option("--owner", metavar="NAME", help="Those that belong to this experiment.")
@click.option("--model", type=click.Choice(["docstore", "ax", "user"]), help="Of these classes.")
@click.option("--since", type=options.TIME, metavar="TIME", help="Saved at this time or later.")
@click.option("--before", type=options.TIME, metavar="TIME", help="Saved last before this time.")
@click.option("--created-since", type=options.TIME, metavar="TIME", help="Made at this time or later.")
@click.option("--created-before", type=options.TIME, metavar="TIME", help="Made before this time.")
@click.option("--deleted", is_flag=True, help="Those that are deleted, in place of those that are not.")
@click.option("--where", "conditions", metavar="CONDITION", multiple=True, help="Of this content, as told above.")
@click.option(
    "--sort", "order", metavar="COLUMN", multiple=True, help="By a column or a pointer; -COLUMN: largest first."
)
@click.option("--all-projects", is_flag=True, help="Of every project in the database.")
@click.option("--wide", is_flag=True, help="Print every column.")
@options.limit("documents")
@options.output(names="names")
def ls(settings: Settings, output: Output, *, wide: bool, all_projects: bool, **given: Any) -> None:
    """List documents.

    PREFIX is how their names begin.

    A CONDITION compares the value at a JSON pointer: /properties/team=vision. It may be = != < <= > >=, ~ for a pattern
    of LIKE, or a pointer alone, where there is any value. Several must hold together. What reads as JSON is a number,
    true, false, null or a text in quotes; anything else is a text.

    Examples:
        docstore ls                                   every document
        docstore ls -k experiment --status DRAFT      the experiments that are drafts
        docstore ls cakes --sort=-updated_at          names that begin with cakes, the newest first
        docstore ls --where /properties/team=vision --where '/description~%oven%'
        docstore ls -k experiment --part trial --status FAILED
        docstore ls -q --since 2026-11-01             names only, for other programs
    """
    with settings.open() as store:
        project = store.projects() if all_projects else None
        found = store.find(given.pop("kind"), project=project, **_criteria(**given))
        none = "" if found or all_projects else _empty_project(store)
        if none:
            say(none)
        columns = _OF_PARTS if given["part"] else _COLUMNS
        columns = (*columns, *_FURTHER) if wide else ("project", *columns) if all_projects else columns
        output.rows((row._asdict() for row in found), columns, none="" if none else "There are no such documents.")


def _empty_project(store: Store) -> str:
    """Return a sentence on the projects that have documents, if this one never had any: its name may be misspelt."""
    from docstore.sql.not_found import no_documents

    is_empty = not any(store.find(deleted=deleted).exists() for deleted in (False, True))
    projects = store.projects() if is_empty else []
    return no_documents(store.project, projects) if projects else ""


def _criteria(
    *,
    prefix: str | None,
    types: tuple[str, ...],
    statuses: tuple[str, ...],
    conditions: tuple[str, ...],
    order: tuple[str, ...],
    **others: Any,
) -> Mapping[str, Any]:
    """Return the keywords of ``find`` for the options."""
    updated, created = ((others.pop(f"{of}since"), others.pop(f"{of}before")) for of in ("", "created_"))
    return {
        "name_prefix": prefix,
        "type": types or None,
        "status": statuses or None,
        "updated": updated if any(updated) else None,
        "created": created if any(created) else None,
        "where": condition_of(conditions),
        "order_by": order or None,
        **others,
    }
