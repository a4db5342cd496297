"""Every command: where it is defined, and its line in ``docstore --help``.

A new command is an entry here and a module. Nothing of the commands is imported for the list of them; a test compares
each line with the command's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final, NamedTuple

import click


class Entry(NamedTuple):
    """A command: ``module:attribute`` below ``docstore.cli``, and its help in one line."""

    place: str
    help: str


SECTIONS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "Look": {
        "ls": Entry("look.ls:ls", "List documents."),
        "show": Entry("look.show:show", "Show a document in a few lines."),
        "get": Entry("look.get:get", "Print the JSON of a document, or a value in it."),
        "best": Entry("look.best:best", "List the best arms of an experiment."),
        "trials": Entry("look.trials:trials", "List the trials of an experiment."),
        "plot": Entry("look.plot:plot", "Draw a picture of an experiment into a file."),
        "report": Entry("look.report:report", "Write a report about an experiment: one HTML file to keep or send."),
        "serve": Entry("look.serve:serve", "Show the documents in a browser."),
        "sql": Entry("look.sql:sql", "Ask the database in SQL; nothing can be changed."),
    },
    "Versions": {
        "log": Entry("versions.log:log", "List the versions of a document, or those that changed a value in it."),
        "diff": Entry("versions.diff:diff", "Show what changed between two versions, or two documents."),
        "blame": Entry("versions.blame:blame", "Show who changed a value in a document, or each part of it last."),
        "tag": Entry("versions.tag:tag", "List the tags of a document, or name a version by a tag."),
        "branch": Entry("versions.branch:branch", "List the branches of a document, or start one."),
        "merge": Entry("versions.merge:merge", "Merge what was changed in one document into another."),
        "revert": Entry("versions.revert:revert", "Make an older state of a document the newest version."),
    },
    "Change": {
        "save": Entry("change.save:save", "Save a document from a JSON file."),
        "edit": Entry("change.edit:edit", "Edit a document, or a value in it, as JSON."),
        "rename": Entry("change.rename:rename", "Rename a document."),
        "rm": Entry("change.rm:rm", "Delete a document; `docstore undelete` brings it back."),
        "undelete": Entry("change.undelete:undelete", "Bring a deleted document back."),
        "purge": Entry("change.purge:purge", "Remove a document for good, with its whole history and its tags."),
    },
    "Move": {
        "export": Entry("move.export:export", "Write documents to a file or a folder."),
        "import": Entry("move.import_:import_", "Save the documents of a file or a folder."),
        "copy": Entry("move.copy:copy", "Copy documents to another database, with their whole history."),
        "backup": Entry("move.backup:backup", "Back up the SQLite file, while others use it."),
    },
    "Care": {
        "init": Entry("care.init:init", "Make the SQLite file, and the tables and views."),
        "verify": Entry("care.verify:verify", "Check every digest, history, column and tag; list what is damaged."),
        "compact": Entry("care.compact:compact", "Fold old versions of a document; it cannot be undone."),
        "collect": Entry("care.collect:collect", "Delete artifacts that no version of any document refers to."),
        "index": Entry("care.index:index", "List the indexes on places in documents, make one, or delete one."),
        "migrate": Entry("care.migrate:migrate", "Bring the tables up to date, or print the SQL that makes them."),
        "schema": Entry("care.schema:schema", "List the tables and views with their columns, and what these mean."),
        "stats": Entry("care.stats:stats", "Count documents, versions and parts, and the bytes on disk."),
        "doctor": Entry("care.doctor:doctor", "Check the installation, the database's settings and its tables."),
    },
}

COMMANDS: Final = {name: entry for section in SECTIONS.values() for name, entry in section.items()}

OTHER_NAMES: Final = {"delete": "rm", "find": "ls", "history": "log", "list": "ls", "load": "get", "put": "save"}
"""The command for what has another name in Python or in other programs, where no command is spelled like it."""


def load(name: str) -> click.Command:
    """Return the command *name*, imported now."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    command = getattr(import_module(f"docstore.cli.{module}"), attribute)
    assert isinstance(command, click.Command)
    return command
