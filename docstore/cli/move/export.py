"""``docstore export``: documents into files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.completion import complete_files, complete_names
from docstore.cli.move.targets import is_database, open_target, shown
from docstore.cli.output import Output
from docstore.cli.progress import bar, tracked
from docstore.cli.settings import Settings
from docstore.cli.text import counted, printable_json

if TYPE_CHECKING:
    from docstore.search.info import DocumentInfo
    from docstore.store.store import Store


@command("export")
@click.argument("target", metavar="FILE", shell_complete=complete_files)
@click.argument("names", nargs=-1, shell_complete=complete_names)
@options.any_kind
@options.dry_run
def export(settings: Settings, *, target: str, names: tuple[str, ...], kind: str | None, dry_run: bool) -> None:
    """Write documents to a file or a folder.

    NAMES are documents of the kind, or experiments, with which goes what belongs to them; without any, all of the
    project are written that are not deleted.

    By its ending, FILE has the newest state of one document (.json), or of any number of them, a line for each (.jsonl,
    or - for the standard output). Without an ending it is a folder, with a file for each. A further .gz packs it; it
    may be at a URL, as s3://bucket/lab.jsonl.gz. A file is replaced as a whole.

    The whole history is in a SQLite file (.db), to which documents are copied as by `docstore copy --to`.

    Examples:
        docstore export lab.jsonl.gz               everything, in its newest state
        docstore export cakes.json cakes           one experiment
        docstore export notes -k note              a folder
        docstore export lab.db                     everything, with its history
        docstore export - -k note | head -1
    """
    with settings.open() as store:
        if is_database(target):
            _copy(settings, store, target, names, kind, dry_run=dry_run)
            return
        from docstore.json_store import transfer

        is_one = target != "-" and transfer.form_of(target) == "document"
        found = list(_chosen(store, names, kind, alone=is_one))
        total = sum(map(len, found))
        if is_one and total != 1:
            remedy = "write .jsonl, or name a folder" if total else "`docstore ls` lists documents"
            raise click.UsageError(f"a .json file is for one document, and these are {total:,}: {remedy}.")
        documents = chain.from_iterable(found)
        if dry_run:
            exits.say(f"{shown(target)}: {counted(total, 'document')} would be written.")
        elif target == "-":
            Output("jsonl").lines(printable_json(transfer.line_of(store, each).decode()) for each in documents)
        else:
            done = transfer.export_documents(store, tracked(documents, "documents", total=total), target)
            exits.say(f"{shown(target)}: {counted(done, 'document')} written.")


def _chosen(store: Store, names: Sequence[str], kind: str | None, *, alone: bool) -> Iterator[Sequence[DocumentInfo]]:
    """Yield the searches that give the documents; those that others belong to come first.

    Args:
        alone: whether what belongs to an experiment is left out.
    """
    from docstore.json_store.transfer import in_order

    if not names:
        yield from (store.find(each) for each in ([kind] if kind else in_order(store.kinds())))
    for name in dict.fromkeys(names):
        store.version(name, kind=kind or "experiment")  # raises the error that names those like it
        yield store.find(kind or "experiment", name=name)
        if kind is None and not alone:
            yield store.find(owner=name)


def _copy(
    settings: Settings, store: Store, target: str, names: Iterable[str], kind: str | None, *, dry_run: bool
) -> None:
    _, project = settings.database()
    with open_target(target, project, dry_run=dry_run) as other:
        done = store.copy_to(other, tuple(names) or None, kind=kind, dry_run=dry_run, progress=bar())
    exits.say(f"{shown(target)}: {counted(len(done), 'document')} copied, with their history.", dry_run=dry_run)
