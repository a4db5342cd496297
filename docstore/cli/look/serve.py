"""``docstore serve``: pages for a browser."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("serve")
@click.option("--host", metavar="HOST", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=8010, show_default=True, help="0 for a free one."
)
@click.option(
    "--write", is_flag=True, help="Let who has the token set tags, bring versions back and edit descriptions."
)
@click.option(
    "--token",
    metavar="TEXT",
    envvar="DOCSTORE_TOKEN",
    help="The secret for --write; without it a new one, which is printed.",
)
@click.option(
    "--allowed-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="Another name under which browsers may ask, such as that of a proxy; several times for several.",
)
@options.artifacts
def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    write: bool,
    token: str | None,
    hosts: tuple[str, ...],
    artifacts: str | None,
) -> None:
    """Show the documents in a browser.

    Prints the address, and runs until Ctrl-C. Only programs on this machine can connect, unless --host says otherwise:
    then everybody who reaches the port can read all documents. Needs the extra web.

    Browsers may ask under localhost, this machine's name, the --host and any address in numbers; under another name, a
    page of another site could be asking.

    A token on the command line can be read by other users of the machine: DOCSTORE_TOKEN takes its place.

    Examples:
        docstore serve                          http://127.0.0.1:8010/
        docstore serve --port 0 --write
        docstore serve --host 0.0.0.0 --allowed-host lab.example.org
        docstore serve --artifacts lab-artifacts
    """
    from docstore.web import serve as serve_pages

    with settings.open(writes=write, artifacts=artifacts) as store:
        serve_pages(store, host, port, write, token, hosts)
    exits.say("the server has ended")
