"""Which database a command is about: ``--url``, ``DOCSTORE_URL``, or ``[tool.docstore]`` in a pyproject.toml."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine import Engine

    from docstore.store.store import Store

_NONE_GIVEN: Final = (
    "no database is given. Give --url, as in --url sqlite:///lab.db, set DOCSTORE_URL, or write url = ... under "
    "[tool.docstore] in pyproject.toml."
)

_RELATIVE: Final = re.compile(r"sqlite(?:\+\w+)?:///(?!/|:memory:|file:|[A-Za-z]:)")
"""The beginning of the URL of a SQLite file by its path from somewhere."""


@dataclass
class Settings:
    """What the options that every command has say, before the command or after it.

    Attributes:
        url, project: None if no option says it.
        debug: whether the trace of an error is shown.
        takes_kind: whether the command has the option -k as well.
    """

    url: str | None = None
    project: str | None = None
    debug: bool = False
    takes_kind: bool = False

    def database(self) -> tuple[str, str]:
        """Return the URL of the database, and the project.

        Raises:
            click.UsageError: no database is given anywhere; or a pyproject.toml is malformed, and it is not said by
                other means which database and which project.
        """
        given = self.url or os.environ.get("DOCSTORE_URL")
        if given and self.project:
            return given, self.project
        folder, section = _configured(Path.cwd())
        url = given or _from_folder(folder, section.get("url"))
        if not url:
            raise click.UsageError(_NONE_GIVEN)
        return url, self.project or section.get("project") or "default"

    def import_classes(self) -> None:
        """Import the modules that define the user's classes, for a command that makes objects of documents.

        They are those of ``modules`` in the pyproject.toml that has the URL as well, and are looked for where docstore
        is installed, and not in the current folder: a pyproject.toml that came with somebody's files runs none of them.

        Raises:
            RegistryError: one cannot be imported.
            click.UsageError: as ``database``.
        """
        _hide_information()
        folder, section = _configured(Path.cwd())
        for name in section.get("modules", ()):
            try:
                import_module(name)
            except Exception as error:  # it runs any code
                from docstore.errors import RegistryError

                raise RegistryError(
                    f"the module {name!r} cannot be imported, which modules under [tool.docstore] in "
                    f"{folder / 'pyproject.toml'} names: {type(error).__name__}: {error}. Install what it is in where "
                    f"docstore is installed, or take it out of the list."
                ) from error

    def open(
        self,
        *,
        writes: bool = False,
        create: bool = False,
        author: str | None = None,
        artifacts: str | None = None,
        dry_run: bool = False,
    ) -> Store:
        """Return a store on the database, which the caller closes: ``with settings.open() as store:``.

        Objects of classes that are not docstore's or Ax's own are kept unread in it.

        Args:
            writes: whether the command may write; otherwise the store, and the database, refuse to.
            create: whether a SQLite file that is not there is made.
            artifacts: as for ``connect``.
            dry_run: whether whatever is written is checked as ever, and rolled back in place of committed.

        Raises:
            click.UsageError: as ``database``.
            DatabaseError, MissingFileError: there is no such SQLite file.
            DocstoreError: as ``connect``.
        """
        import docstore
        from docstore.sql.dialects import roll_back_writes

        _, project = self.database()
        address = self._address(writes=writes, create=create)
        if dry_run:
            # Otherwise missing tables would be made.
            docstore.connect(address, project=project, read_only=True).close()
        store = docstore.connect(
            address, project=project, read_only=not writes, author=author, unknown="keep", artifacts=artifacts
        )
        if dry_run:
            roll_back_writes(store.engine)
        return store

    def engine(self, *, writes: bool = False, create: bool = False) -> Engine:
        """Return an engine on the database, whatever tables it has; the caller disposes of it.

        Args:
            writes, create: as for ``open``.

        Raises:
            click.UsageError: as ``database``.
            DatabaseError, MissingFileError: there is no such SQLite file.
            InvalidValueError, MissingDependencyError: as ``connect``.
        """
        from docstore.sql.dialects import make_engine

        return make_engine(self._address(writes=writes, create=create), read_only=not writes)

    def _address(self, *, writes: bool, create: bool) -> sa.URL:
        """Return the URL; unless *create*, refuse to make a SQLite file: a typo must not start a new database."""
        from docstore.sql.dialects.urls import check_database_file

        url, _ = self.database()
        address = _with_option_file(url)
        if writes and not create:
            check_database_file(address, "Check the path, or make the file by `docstore init`.")
        return address

    def without_password(self, text: str) -> str:
        """Return *text*, the trace of an error, without the password of the database's URL."""
        from docstore.errors import DocstoreError
        from docstore.sql.dialects.urls import parse, redacted, without_password

        try:
            url, _ = self.database()
        except click.UsageError:
            return text
        try:
            parsed = parse(url)
            return without_password(text, parsed).replace(url, redacted(parsed))
        except DocstoreError:
            return text.replace(url, redacted(url))


def _hide_information() -> None:
    """Hide until the end of the command what libraries log that is no warning: Ax, that it is imported."""
    import logging

    click.get_current_context().call_on_close(partial(logging.disable, logging.root.manager.disable))
    logging.disable(logging.INFO)


def _configured(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the section ``[tool.docstore]`` of the nearest pyproject.toml that has one, and its folder."""
    for each in (folder, *folder.parents):
        file = each / "pyproject.toml"
        if file.is_file():
            section = _section(file)
            if section is not None:
                return each, section
    return folder, {}


def _section(file: Path) -> dict[str, Any] | None:
    """Return the section ``[tool.docstore]`` of a pyproject.toml, or None.

    Raises:
        click.UsageError: it is not TOML, the section is no table, or what is in it has another type than it should.
    """
    try:
        text = file.read_text("utf-8")
        if "docstore" not in text:  # the parser need not be imported
            return None
        import tomllib

        table = tomllib.loads(text)
    except (OSError, ValueError) as error:
        remedy = "Correct it, or move it away; what makes no objects does without it, by --url and --project."
        raise click.UsageError(f"{file} cannot be read: {error}. {remedy}") from error
    section: Any = table
    for path in ("tool", "tool.docstore"):
        section = section.get(path.rpartition(".")[2])
        if section is None:
            return None
        if not isinstance(section, dict):
            raise click.UsageError(f"{file}: {path} is not a table. Write [tool.docstore].")
    for key in ("url", "project"):
        if not isinstance(section.get(key, ""), str):
            raise click.UsageError(f"{key} under [tool.docstore] in {file} is not a text. Write it in quotes.")
    modules = section.get("modules", [])
    if not (isinstance(modules, list) and all(isinstance(each, str) for each in modules)):
        remedy = 'Write modules = ["mylab.classes"].'
        raise click.UsageError(f"modules under [tool.docstore] in {file} is not a list of texts. {remedy}")
    return dict(section)


def _from_folder(folder: Path, url: str | None) -> str | None:
    """Return *url* with the path of a SQLite file, if it is a relative one, taken from the folder of its pyproject."""
    if url and "://" not in url:
        return str(folder / url)
    if url and (found := _RELATIVE.match(url)):
        return f"{found[0]}{folder}/{url[found.end() :]}"
    return url


def _with_option_file(url: str) -> sa.URL:
    """Return *url*, or that of a path; that of a MariaDB server without a password has the user's option file."""
    import sqlalchemy as sa

    from docstore.sql.dialects.urls import is_path, parse

    if is_path(url):
        return sa.URL.create("sqlite", database=url)
    parsed = parse(url)
    file = Path.home() / ".my.cnf"
    is_mysql = parsed.drivername.partition("+")[0] in ("mysql", "mariadb")
    if is_mysql and not {"password", "passwd", "read_default_file"} & {*parsed.query} and not parsed.password:
        return parsed.update_query_dict({"read_default_file": str(file)}) if file.is_file() else parsed
    return parsed
