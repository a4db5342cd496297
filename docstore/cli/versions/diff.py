"""``docstore diff``: what changed between two versions, two documents, or a document and a file, in words."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.completion import complete_files
from docstore.cli.output import FORMATS, Output, Row, styled
from docstore.cli.settings import Settings
from docstore.cli.text import printable

if TYPE_CHECKING:
    from docstore.documents.diff.diff import Diff
    from docstore.documents.diff.lines import Line
    from docstore.store.store import Store

_COLUMNS: Final = ("subject", "what", "was", "now")

_COLOURS: Final = {"added": "green", "removed": "red", "": None}


@command("diff")
@options.name
@click.argument("a", type=options.REVISION, required=False)
@click.argument("b", type=options.REVISION, required=False)
@options.kind
@click.option("--other", metavar="NAME", default="", help="B is a version of this document, by default its newest.")
@click.option(
    "--file", metavar="FILE", shell_complete=complete_files, help="B is the document in this JSON file, or at this URL."
)
@click.option("--stat", is_flag=True, help="Only count what was added, removed and changed.")
@click.option("--patch", is_flag=True, help="Print the JSON Patch (RFC 6902) that makes B of A.")
@click.option("--html", is_flag=True, help="Print a page for a browser.")
@click.option("--exit-code", "has_code", is_flag=True, help="Exit with 1 if anything differs.")
@options.output("words", *FORMATS)
def diff(
    settings: Settings, output: Output, *, stat: bool, patch: bool, html: bool, has_code: bool, **given: Any
) -> int:
    """Show what changed between two versions, or two documents.

    A and B are numbers, tags or times. Without B, it is the newest version; without A, the version before it, so that
    the last change is shown, or the newest version, if it is compared with another document.

    Examples:
        docstore diff cakes                 what the last save changed
        docstore diff cakes 3               from version 3 to the newest
        docstore diff cakes 3 published --stat
        docstore diff cakes --other pies    from the newest version to that of another experiment
        docstore diff cakes --file cakes.json --exit-code
        docstore diff cakes 3 7 --html > changes.html
    """
    ways = {"--stat": stat, "--patch": patch, "--html": html, "-o": output.format != "words" and not stat}
    if len(chosen := [option for option, is_given in ways.items() if is_given]) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} cannot be given together. Leave out one of them.")
    with settings.open() as store:
        found = _difference(store, **given)
    if patch:
        Output("json").value(list(found.patch))
    elif html:
        output.lines([_PAGE.format(table=found._repr_html_())])
    elif stat:
        shown = Output("table") if output.format == "words" else output
        shown.rows(_counted(found.lines), ("what", "added", "removed", "changed"))
    elif output.format == "words":
        output.lines(map(_in_colour, found.lines))
    else:
        output.rows(map(asdict, found.lines), _COLUMNS)
    return exits.FINDING if found and has_code else exits.OK


_PAGE: Final = '<!doctype html>\n<meta charset="utf-8">\n<title>docstore diff</title>\n{table}'


def _difference(
    store: Store,
    *,
    name: str,
    a: options.Revision | None,
    b: options.Revision | None,
    kind: str,
    other: str,
    file: str | None,
) -> Diff:
    """Return the difference that the arguments name.

    Raises:
        click.UsageError: B is named twice; or a document is named in place of a version.
    """
    from docstore.errors import VersionNotFoundError

    if file is not None:
        if b is not None or other:
            raise click.UsageError("B is a version or a file, not both. Leave out one of them.")
        return _from_file(store.get_json(name, kind=kind, **options.version_of(a)), file, kind)
    if a is None:
        newest = store.version(name, kind=kind).number
        a = newest if other else max(1, newest - 1)
    try:
        return store.diff(name, a, b, kind=kind, other=other)
    except VersionNotFoundError:
        for tag in () if other else (a, b):
            if isinstance(tag, str) and tag not in store.tags(name, kind=kind) and store.exists(tag, kind=kind):
                remedy = f"To compare it with the {kind} {tag!r}, give --other {shlex.quote(tag)}."
                raise click.UsageError(f"{name!r} has no tag {tag!r}. {remedy}") from None
        raise


def _from_file(text: bytes, file: str, kind: str) -> Diff:
    """Return the difference from the document of *text* to that in *file*, a JSON file, perhaps compressed by gzip.

    Raises:
        FileAccessError, FileFormatError: the file cannot be read, or is not JSON.
    """
    from docstore.cli.move.targets import shown
    from docstore.documents.canonical import loads, loads_strict
    from docstore.documents.diff.diff import of_documents
    from docstore.documents.kinds import kind_named
    from docstore.errors import DecodeError, FileFormatError
    from docstore.json_store.files import read
    from docstore.registry.model_classes import optional_members

    try:
        content = loads_strict(read(file))
    except DecodeError as error:
        raise FileFormatError(shown(file), error.problem) from error
    return of_documents(kind_named(kind), loads(text), content, optional_members())


def _in_colour(line: Line) -> str:
    return styled(printable(str(line)), fg=_COLOURS[line.verb])


def _counted(lines: Iterable[Line]) -> list[Row]:
    """Return how much of each subject was added, removed and changed, in the order of the lines."""
    counts: dict[str, dict[str, int]] = {}
    for line in lines:
        subject = line.subject or line.what.partition("/")[0]
        count = counts.setdefault(subject, {"added": 0, "removed": 0, "changed": 0})
        count[line.verb or "changed"] += 1
    return [{"what": subject, **count} for subject, count in counts.items()]
