"""``docstore import``: documents from files, from another store, from Ax, Optuna and MLflow."""

from __future__ import annotations

import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.completion import complete_files
from docstore.cli.move.targets import is_database, shown
from docstore.cli.output import Output, Row
from docstore.cli.progress import bar, tracked
from docstore.cli.settings import Settings
from docstore.cli.text import counted

if TYPE_CHECKING:
    from docstore.json_store.transfer import Entry
    from docstore.store.importing import ImportReport
    from docstore.store.store import Store

_COLUMNS: Final = ("status", "kind", "name", "where")

_ON_CONFLICT: Final = "A document that is there with other contents: leave it and exit with 1, leave it, or replace it."


@command("import")
@click.argument("source", metavar="FILE", shell_complete=complete_files)
@click.option(
    "--from", "origin", type=click.Choice(["ax", "optuna", "mlflow"]), help="FILE is of this program's own storage."
)
@click.option("--zone", metavar="ZONE", help="With --from: where its times without a zone are from: Europe/Vienna.")
@click.option(
    "--on-conflict",
    type=click.Choice(["error", "skip", "overwrite"]),
    default="error",
    show_default=True,
    help=_ON_CONFLICT,
)
@options.dry_run
@options.message
@options.author
@options.output(names="the names")
def import_(
    settings: Settings, output: Output, *, source: str, origin: str | None, zone: str | None, dry_run: bool, **how: Any
) -> int:
    """Save the documents of a file or a folder.

    FILE is what `docstore export` writes: .json, .jsonl, a folder, - for lines on the standard input, or a .db, whose
    documents are copied with their history. Documents are saved as they stand there; classes that are not registered
    here are kept. What is there already, with the same contents, is left as it is: to import twice is to import once. A
    document that cannot be saved is named, and the others are; the exit code is 3 then.

    With --from ax, FILE is a JSON file of Ax or the URL of its database; with --from optuna, a journal file or the URL
    of its database; with --from mlflow, a tracking URI: of a server, a database or a folder. A later import adds what
    is new.

    Examples:
        docstore import lab.jsonl.gz
        docstore import -n lab.jsonl               what would become of each document
        docstore import notes --on-conflict skip   a folder
        docstore import old.db
        docstore import --from optuna sqlite:///studies.db --zone Europe/Vienna
        docstore import --from mlflow http://127.0.0.1:5000
        docstore import - < notes.jsonl
    """
    if zone and not origin:
        raise click.UsageError("--zone is for --from: documents have their times with their zones.")
    if origin or is_database(source):
        if how["on_conflict"] != "error" or how["message"]:
            raise click.UsageError("-m and --on-conflict are for files of JSON.")
        if origin is None:
            return _copy(settings, source, output, dry_run=dry_run)
        settings.import_classes()
        warnings.simplefilter("ignore")  # what these programs and their libraries tell their own developers
        with settings.open(writes=True, author=how["author"], dry_run=dry_run) as store:
            return _report(_FROM[origin](store, source, zone), output, dry_run=dry_run)
    settings.import_classes()
    with settings.open(writes=not dry_run, author=how["author"]) as store:
        return _documents(store, output, source, dry_run=dry_run, **how)


def _documents(
    store: Store,
    output: Output,
    source: str,
    *,
    on_conflict: Literal["error", "skip", "overwrite"],
    dry_run: bool,
    message: str,
    author: str | None,
) -> int:
    from docstore.errors import OverwriteWarning
    from docstore.json_store.transfer import import_documents

    warnings.simplefilter("ignore", OverwriteWarning)  # the rows say which documents are updated
    message = message or f"imported from {'the standard input' if source == '-' else PurePath(source).name}"
    importing = import_documents(
        store,
        _entries(source),
        overwrite=on_conflict == "overwrite",
        dry_run=dry_run,
        message=message,
        author=author,
    )
    done = list(tracked(importing, "documents"))
    listed = [each for each in done if each.name or not output.names_only]
    output.rows((asdict(each) for each in listed), _COLUMNS if output.format == "table" else (*_COLUMNS, "problem"))
    for each in done:
        if each.problem:
            exits.complain(f"{each.where}: {exits.in_commands(each.problem)}")
    counts = Counter(each.status for each in done)
    said = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items())) or "no documents"
    exits.say(f"{shown(source)}: {'would be ' if dry_run else ''}{said}.")
    is_finding = bool(counts["different"]) and on_conflict == "error"
    if is_finding:
        exits.say("What is different is left as it is; --on-conflict overwrite makes it the next version.")
    return exits.ERROR if counts["failed"] else exits.FINDING if is_finding else exits.OK


def _entries(source: str) -> Iterable[Entry]:
    from docstore.json_store.files import lines_of
    from docstore.json_store.transfer import entries_in, entries_of

    return entries_in(source) if source != "-" else entries_of(lines_of(sys.stdin.buffer, "the standard input"))  # type: ignore[arg-type]  # it is a BufferedReader


def _copy(settings: Settings, source: str, output: Output, *, dry_run: bool) -> int:
    from docstore.json_store.files import explained
    from docstore.sql.dialects.urls import is_path

    _, project = settings.database()
    if is_path(source):
        with explained(source):
            os.stat(source)
    with Settings(source, project).open() as other, settings.open(writes=not dry_run) as store:
        done = other.copy_to(store, dry_run=dry_run, progress=bar())
    output.rows((asdict(each) for each in done), ("status", "kind", "name", "versions"))
    exits.say(f"{shown(source)}: {counted(len(done), 'document')} copied, with their history.", dry_run=dry_run)
    return exits.OK


# --- other programs --------------------------------------------------------------------------------------------------


def _from_ax(store: Store, source: str, zone: str | None) -> ImportReport:
    from docstore.ax import import_json_file, import_sql

    if "://" not in source and source.lower().endswith(".json"):
        return import_json_file(source, store)
    return import_sql(source, store, zone=zone, progress=bar())


def _from_optuna(store: Store, source: str, zone: str | None) -> ImportReport:
    from docstore.optuna import import_studies

    return import_studies(store, source, zone=zone, progress=bar())


def _from_mlflow(store: Store, source: str, zone: str | None) -> ImportReport:
    from docstore.mlflow import import_experiments

    if zone is not None:
        raise click.UsageError("--zone is for Ax and Optuna: the times of MLflow have a zone.")
    return import_experiments(store, source, progress=bar())


_FROM: Final = {"ax": _from_ax, "optuna": _from_optuna, "mlflow": _from_mlflow}


def _report(report: ImportReport, output: Output, *, dry_run: bool) -> int:
    rows: list[Row] = [
        *({"status": "imported", "name": name, "problem": _left_out(report, name)} for name in report.imported),
        *({"status": "unchanged", "name": name, "problem": _left_out(report, name)} for name in report.unchanged),
        *({"status": "failed", "name": name, "problem": why} for name, why in report.failed.items()),
    ]
    output.rows(rows, ("status", "name") if output.format == "table" else ("status", "name", "problem"))
    summary, *others = str(report).splitlines()
    exits.say(summary, dry_run=dry_run)
    for line in others:
        exits.say(line)
    return exits.ERROR if report.failed else exits.OK


def _left_out(report: ImportReport, name: str) -> str:
    return "; ".join(f"without {what}" for what in report.left_out.get(name, []))
