"""``docstore report``: one HTML file about an experiment."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.completion import complete_files
from docstore.cli.settings import Settings


@command("report")
@options.name
@options.revision
@click.option(
    "-o",
    "--output",
    "file",
    metavar="FILE",
    shell_complete=complete_files,
    help="The file to write, or a URL; without it, NAME.html in this folder. A file that is there is replaced.",
)
@click.option("--no-json", is_flag=True, help="Leave out the JSON of the experiment, which is packed in the file.")
def report(
    settings: Settings, *, name: str, revision: options.Revision | None, file: str | None, no_json: bool
) -> None:
    """Write a report about an experiment: one HTML file to keep or send.

    It opens in a browser without a network: what changed last, the goal, the plot, the best arms, the history with what
    each version changed, and the trials. Needs the extra web.

    Examples:
        docstore report cakes                   cakes.html
        docstore report cakes -r published -o published.html    about the version with this tag
        docstore report cakes --no-json         smaller, without the JSON
    """
    from docstore.cli import progress
    from docstore.cli.move.targets import shown
    from docstore.json_store.files import write
    from docstore.web import report as report_of

    file = file or _file_name(name)
    with settings.open() as store:
        data = report_of(store, name, version=revision, json=not no_json, progress=progress.bar())
    write(file, data)
    exits.say(f"wrote {shown(file)}, {len(data):,} bytes")


def _file_name(name: str) -> str:
    """Return a name for the file of a report, that every file system takes and that leads into no other folder."""
    safe = "".join(each if each.isalnum() or each in " ._-" else "_" for each in name)
    return f"{safe.lstrip('.')[:80] or 'report'}.html"
