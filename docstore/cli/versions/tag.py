"""``docstore tag``: names for versions: set one, list them, delete one."""

from __future__ import annotations

from typing import Final

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings

_COLUMNS: Final = ("tag", "version")


@command("tag")
@options.name
@click.argument("tag", required=False)
@click.argument("version", metavar="[REV]", type=options.REVISION, required=False)
@options.kind
@options.delete("Delete the tag; the version stays.")
@click.option("--move", is_flag=True, help="Set the tag even if it names another version.")
@options.author
@options.dry_run
@options.output(names="the tags")
def tag(
    settings: Settings,
    output: Output,
    *,
    name: str,
    tag: str | None,
    version: options.Revision | None,
    kind: str,
    delete: bool,
    move: bool,
    author: str | None,
    dry_run: bool,
) -> None:
    """List the tags of a document, or name a version by a tag.

    REV is a number, another tag or a time; without it, the newest version. A tag that reads as a number or a time is
    tag:7 where a version is meant.

    Examples:
        docstore tag cakes                       the tags, and the versions that they name
        docstore tag cakes published             the newest version
        docstore tag cakes published 7 --move    another version from now on
        docstore tag cakes published --delete
    """
    if tag is None:
        _refuse_without_tag(delete=delete, move=move)
        with settings.open() as store:
            tags = sorted(store.tags(name, kind=kind).items(), key=lambda each: (each[1], each[0]))
        rows = [{"tag": each, "version": number} for each, number in tags]
        output.rows(rows, _COLUMNS, name="tag", none=f"{name!r} has no tags.")
        return
    if delete and (move or version is not None):
        raise click.UsageError("A tag that is deleted names no version. Give --delete alone.")
    tag = tag.removeprefix("tag:")
    with settings.open(writes=True, author=author, dry_run=dry_run) as store:
        if delete:
            store.untag(name, tag, kind=kind)
            exits.say(f"{name!r} has no tag {tag!r} any more", dry_run=dry_run)
        else:
            number = store.tag(name, tag, version, kind=kind, move=move)
            written = options.written(tag)
            how = "" if written == tag else f"; as a version, it is written {written}"
            exits.say(f"{tag!r} is version {number} of {name!r}{how}", dry_run=dry_run)


def _refuse_without_tag(**given: bool) -> None:
    for option, is_given in given.items():
        if is_given:
            raise click.UsageError(f"--{option} needs a tag: docstore tag NAME TAG --{option}.")
