"""Pages for a browser: what is in a store, and who changed what, when, and what differs.

``serve(store)`` runs a server of its own on this machine; ``app(store)`` is the ASGI application for a server that you
run; ``report(store, name)`` is one file about an experiment. The libraries come with the extra ``web``.

Layout, for whoever adds a page:

- ``pages/``: a module for each page, with plain functions. Each takes a ``Source`` and arguments, and returns a frozen
  dataclass without any HTML. ``changes.py`` has the words for a version, which every page begins with, ``live.py`` what
  changed since; ``measured.py`` reads all trials and data of a version, once for the table and once for the plot.
- ``templates/``: a Jinja template for each page, named as its module. It gets the dataclass as ``page``. ``base.html``
  is the frame of all of them; ``macros.html`` has what several need: ``lead`` (what changed last), ``tabs``, ``change``
  (a version), ``pager``, ``td``. A page that htmx loads into another one extends ``part.html`` then (``is_part``).
- ``routes.py``: which path shows which page. A page is one ``PageRoute`` in ``PAGES``; that also gives it its
  ``.json``, and its ``.csv`` by the page's ``table``.
- ``source.py``: what pages read from: the store, a cache, and the documents that changed last.
- ``caching.py``: derived data by digest, bounded; one question to the database for all browsers.
- ``charts.py``: a plot as SVG, by ``templates/chart.html``, for pages and reports; ``templates/objectives.html`` and
  ``summary.html`` have what both show of an experiment.
- ``reporting.py``: the file of ``report``, by ``pages/report.py``, ``templates/report.html`` and ``static/report.js``.
- ``formats.py``: a page as JSON and CSV; numbers and times as texts. ``rendering.py``: Jinja, its filters, and links.
- ``security.py``: headers, who may connect, and who may write. ``failures.py``: an error as a page.
- ``actions.py``: what a signed-in browser may change. ``serving.py``: the server of ``serve``.
- ``static/``: the style sheet, our script, and two libraries, with their licences in ``static/README.md``.

Names are in the query of a link and not in its path (``/trials?name=a%2Fb``): a path with ``/``, ``..`` or ``%`` in it
is rewritten by browsers and proxies. Nothing of this package is imported by ``docstore`` before it is used.
"""

from __future__ import annotations

from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING

from docstore.errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy.engine import URL, Engine
    from starlette.applications import Starlette

    from docstore.progress import Progress
    from docstore.sql.version_names import When
    from docstore.store.store import Store

__all__ = ["app", "report", "serve"]


def serve(
    store_or_url: Store | str | PathLike[str] | URL | Engine,
    host: str = "127.0.0.1",
    port: int = 8010,
    write: bool = False,
    token: str | None = None,
    hosts: Collection[str] = (),
) -> None:
    """Show the documents of a store in a browser, until Ctrl-C; the address is printed.

    Args:
        store_or_url: a store, or what ``docstore.connect`` takes: the store is then read only, unless *write*.
        host: the address to listen on. By default, only programs on this machine can connect; pages are shown to
            everybody who can.
        port: 0 for one that is free.
        write: whether tags can be set, versions brought back and descriptions edited, by who has the token.
        token: the secret for *write*; by default a new one, which is printed as part of a link.
        hosts: further names under which browsers may ask, beside the machine's own names and addresses in numbers: that
            of a proxy, say. Under any other, a page of another site could be asking.

    Raises:
        MissingDependencyError: Starlette, Jinja2 or uvicorn is not installed.
        InvalidValueError: the address cannot be listened on; or a token without *write*.
        DatabaseError, TablesError: as ``docstore.connect``.
    """
    with _needs_web("serve()"):
        from docstore.web import serving
    serving.serve(store_or_url, host, port, write, token, hosts)


def app(store: Store, *, write: bool = False, token: str | None = None, hosts: Collection[str] = ()) -> Starlette:
    """Return the ASGI application that shows the documents of *store*, for a server of your own.

    It may be mounted below a path of another application. It asks nobody who they are: put it behind what does.

    Args:
        write: whether tags can be set, versions brought back and descriptions edited, by who has *token*.
        token: the secret for *write*, at least 16 characters.
        hosts: the only names under which it may be asked, beside addresses in numbers; any by default.

    Raises:
        MissingDependencyError: Starlette or Jinja2 is not installed.
        InvalidValueError: *write* without a token, or a token without *write*, or one that is too short.
    """
    with _needs_web("app()"):
        from docstore.web import routes
    return routes.make_app(store, write=write, token=token, hosts=hosts)


def report(
    store: Store,
    name: str,
    *,
    version: When | None = None,
    json: bool = True,
    progress: bool | Callable[[Progress], None] = False,
) -> bytes:
    """Return a report about an experiment: one HTML file, which a browser opens without a network.

    It shows what changed last, the goal, the plot of the objective, the best arms, the history with what each of the
    newest 100 versions changed, and the trials. With JavaScript it also says what differs between any two of the newest
    1,000 versions, and opens the JSON. Of more than 500 trials the table has the best and the last; the plot has at
    most 2,000 points: of more, the best, the worst and the last of each stretch.

    Args:
        version: which one it is about: a number, a tag, or a time at which it was current; by default, the newest.
        json: whether the JSON of the whole experiment is in the file, packed. Without it, the file of an experiment
            with 10,000 trials has less than 1 MB.
        progress: as that of ``Store.verify``: it counts the versions whose changes have been read.

    Raises:
        MissingDependencyError: Jinja2 is not installed.
        DocumentNotFoundError, VersionNotFoundError: there is no such experiment, or no such version.
        DamagedDocumentError: it is not stored as it was saved.

    Cost:
        The experiment is read three times, and the changes of 1,000 versions up to this one, and of those after it.
    """
    with _needs_web("report()"):
        from docstore.web import reporting
    return reporting.report(store, name, version, with_json=json, progress=progress)


@contextmanager
def _needs_web(purpose: str) -> Iterator[None]:
    """Say which extra to install if a package that *purpose* needs cannot be imported in the block."""
    try:
        yield
    except ImportError as error:
        package = (error.name or "starlette").partition(".")[0]
        raise MissingDependencyError(package, extra="web", purpose=f"docstore.web.{purpose}") from error
