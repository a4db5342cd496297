"""``docstore doctor``: the installation, the database, and what needs attention."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.output import Output, Row
from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_COLUMNS: Final = ("what", "value", "problem")

_EXTRAS: Final = {
    "arrow": "pyarrow",
    "ax": "ax-platform",
    "fsspec": "fsspec",
    "mlflow": "mlflow-skinny",
    "mysql": "PyMySQL",
    "numpy": "numpy",
    "optuna": "optuna",
    "pandas": "pandas",
    "plot": "matplotlib",
    "psycopg": "psycopg",
    "rich": "rich",
    "testing": "hypothesis",
    "torch": "torch",
    "web": "starlette",
}
"""The package of each extra that a user may want; ``cli`` is here where this runs."""

_LITTLE: Final = 100 << 20
"""Bytes; with less room on the disk, a save may fail soon."""


@command("doctor")
@options.output()
def doctor(settings: Settings, output: Output) -> int:
    """Check the installation, the database's settings and its tables.

    It lists versions, settings on which speed and safety depend, and the extras that are installed. The exit code is 1
    if something needs attention. `docstore verify` checks the documents themselves. No password is printed.

    Examples:
        docstore doctor
        docstore doctor -o json    to send along with a question
    """
    rows = [*_programs(), *_database(settings), *_extras()]
    output.rows(rows, _COLUMNS, name="what")
    problems = [row for row in rows if row["problem"]]
    for row in problems:
        exits.complain(f"{row['what']}: {row['problem']}")
    return exits.FINDING if problems else exits.OK


def _row(what: str, value: object, problem: str = "") -> Row:
    return {"what": what, "value": value, "problem": problem}


def _programs() -> Iterator[Row]:
    import sqlalchemy as sa

    import docstore

    yield _row("docstore", docstore.__version__)
    yield _row("Python", f"{platform.python_version()} ({sys.executable})")
    yield _row("system", platform.platform())
    yield _row("SQLAlchemy", sa.__version__)


def _database(settings: Settings) -> Iterator[Row]:
    """Yield what is known of the database; what it cannot be asked is a problem, and not an error."""
    from docstore.errors import DocstoreError
    from docstore.sql.dialects import shown

    try:
        engine = settings.engine()
    except (click.UsageError, DocstoreError) as error:
        yield _row("database", "", error.format_message() if isinstance(error, click.UsageError) else str(error))
        return
    try:
        yield _row("database", shown(engine.url))
        yield _row(
            "driver", f"{engine.dialect.driver} {getattr(engine.dialect.loaded_dbapi, '__version__', '')}".strip()
        )
        yield from _of_engine(engine)
    except DocstoreError as error:
        yield _row("connection", "failed", exits.message_of(error))
    finally:
        engine.dispose()


def _of_engine(engine: Engine) -> Iterator[Row]:
    from docstore.sql.dialects import backend_of, transaction

    with transaction(engine, write=False) as connection:
        backend = backend_of(connection)
        backend.check_settings(connection)
        for each in backend.settings(connection):
            yield _row(each.name, each.value, each.problem)
    yield _tables(engine)
    if engine.dialect.name == "sqlite" and engine.url.database:
        file = Path(engine.url.database).resolve()
        may_write = os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
        yield _row("access", "may be written" if may_write else "may only be read, by this user")
        free = shutil.disk_usage(file.parent).free
        yield _row("free disk", f"{free:,} bytes", "" if free > _LITTLE else "Saves may fail soon: free some space.")


def _tables(engine: Engine) -> Row:
    from docstore import migrations
    from docstore.errors import TablesError

    problem = ""
    try:
        migrations.ensure(engine)  # makes nothing: the engine may only read
    except TablesError as error:
        problem = exits.message_of(error)
    return _row("tables", migrations.current(engine) or "none", problem)


def _extras() -> Iterator[Row]:
    for extra, package in _EXTRAS.items():
        try:
            yield _row(extra, f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            yield _row(extra, f"not installed: pip install 'docstore[{extra}]'")
