"""``docstore compact``: old versions of a document folded."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import click

from docstore.cli import exits, options, progress
from docstore.cli.command import command
from docstore.cli.settings import Settings
from docstore.cli.text import counted

_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}


class KeepType(click.ParamType):  # type: ignore[type-arg]  # that of click 8.1 is not generic
    """How many versions, ``20``; or those of the last hours, days or weeks: ``12h``, ``90d``, ``8w``."""

    name = "keep"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([1-9]\d{0,5})([hdw]?)", value, re.ASCII)
        if found is None:
            self.fail(f"{value!r} is neither. Write a number of versions, 20, or a time, 90d (h, d, w).", param, ctx)
        number, unit = found.groups()
        return timedelta(**{_UNITS[unit]: int(number)}) if unit else int(number)


@command("compact")
@options.name
@click.option(
    "--keep", metavar="N|TIME", type=KeepType(), required=True, help="So many versions, or those of so long: 90d."
)
@options.kind
@options.yes
@options.dry_run
def compact(settings: Settings, *, name: str, keep: int | timedelta, kind: str, yes: bool, dry_run: bool) -> None:
    """Fold old versions of a document; it cannot be undone.

    The newest versions are kept, as many or of as long as --keep says, and each that a tag names, or that a branch or
    a merge came from. Of the others the log stays (who, when, why); their contents go for good.

    Examples:
        docstore compact cakes --keep 20       the newest 20 versions
        docstore compact cakes --keep 90d -y   what was current in the last 90 days, without asking
        docstore compact cakes --keep 20 -n    how many would be folded
    """
    with settings.open(writes=True, dry_run=dry_run) as store:
        store.version(name, kind=kind)  # a name that is wrong is an error before the question
        options.confirm(f"Fold the old versions of {kind} {name!r} for good?", yes=yes or dry_run)
        done = store.compact(name, keep=keep, kind=kind, progress=progress.bar())
    folded = f"{name}: {counted(done.folded, 'version')} folded"
    is_file = done.freed and not dry_run and store.engine.dialect.name == "sqlite"
    size = " The file keeps its size, with room for later saves; VACUUM makes it smaller." if is_file else ""
    exits.say(f"{folded}; {len(done.kept):,} of {done.versions:,} can be loaded.{size}", dry_run=dry_run)
