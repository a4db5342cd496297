"""Documents in files, and from files into a store: one document, JSON Lines, or a folder with a file for each.

A file has the newest state of documents, as ``Store.get_json`` gives it. A line of a ``.jsonl`` file is ``{"kind": ...,
"name": ..., "version": ..., "document": ...}``; the version is the number that it had in the store. A ``.json`` file is
the document alone, as ``save_experiment`` writes it, if it says its kind and its name itself, and else is such a line.
In a folder, the file of a document is ``KIND/NAME.json``, where some characters of the name are escaped; what is read
is what the file says. Any of the files may end in ``.gz``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import quote

from docstore.documents.canonical import digest, dumps, loads_strict
from docstore.documents.kinds import KINDS
from docstore.errors import (
    DatabaseError,
    DocstoreError,
    DocumentExistsError,
    FileFormatError,
    InvalidValueError,
    MissingFileError,
)
from docstore.json_store import files
from docstore.json_store.remote import shown, url_of
from docstore.registry.bundle import mapper_of

if TYPE_CHECKING:
    from docstore.search.info import DocumentInfo
    from docstore.store.store import Store

Form: TypeAlias = Literal["document", "lines", "folder"]

Status: TypeAlias = Literal["new", "updated", "unchanged", "different", "failed"]

_LINES: Final = re.compile(r"\.(jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
_DOCUMENT: Final = re.compile(r"\.json(\.gz)?$", re.IGNORECASE)

_LONGEST: Final = 200
"""Bytes of the name of a document's file; systems take 255."""

_SAFE: Final = " !#$&'()+,;=@[]^{}~"
"""Characters that stay as they are in the name of a file, beside letters, digits and ``_.-``."""


def form_of(path: str) -> Form:
    """Return how documents are kept in the file or folder *path*, by its name.

    Raises:
        InvalidValueError: its name does not say it.
    """
    if _LINES.search(path):
        return "lines"
    if os.path.isdir(path):
        return "folder"
    if _DOCUMENT.search(path):
        return "document"
    if url_of(path) is None and (path.endswith(os.sep) or not Path(path).suffix):
        return "folder"
    remedy = "Let it end in .jsonl for any number of documents, in .json for one (.gz packs both), or name a folder."
    raise InvalidValueError("file", shown(path), f"Its name does not say what is in it. {remedy}")


# --- into files ------------------------------------------------------------------------------------------------------


def export_documents(store: Store, documents: Iterable[DocumentInfo], path: str) -> int:
    """Write the newest state of *documents* to *path*, and return how many they were.

    A file is replaced as a whole, once it is complete. In a folder each file is; what else is there stays.

    Raises:
        InvalidValueError: *path* is for one document, and there are others; nothing is written.
        FileAccessError: it cannot be written.
        DocumentNotFoundError: a document was deleted meanwhile.
        DamagedDocumentError: as ``Store.get_json``.

    Cost:
        A read of each document; memory for one.
    """
    form, done = form_of(path), 0
    if form == "lines":
        with files.writing(path) as file:
            for info in documents:
                file.write(line_of(store, info) + b"\n")
                done += 1
        return done
    if form == "document":
        documents = list(islice(documents, 2))
        if len(documents) > 1:
            remedy = "A .json file is for one document: write .jsonl, or name a folder."
            raise InvalidValueError("file", shown(path), remedy)
    taken: set[str] = set()
    for info in documents:
        files.write(path if form == "document" else _path_in(path, info, taken), _text_of(store, info))
        done += 1
    return done


def line_of(store: Store, info: DocumentInfo) -> bytes:
    """Return the line of a document in a ``.jsonl`` file, without its end."""
    kind, name = dumps(info.kind), dumps(info.name)
    text = store.get_json(info.name, kind=info.kind, version=info.version)
    return b'{"kind":%s,"name":%s,"version":%d,"document":%s}' % (kind, name, info.version, text)


def _text_of(store: Store, info: DocumentInfo) -> bytes:
    """Return what a ``.json`` file of a document has in it."""
    text = store.get_json(info.name, kind=info.kind)
    return text if mapper_of().named_in_json(loads_strict(text)) == (info.kind, info.name) else line_of(store, info)


def _path_in(folder: str, info: DocumentInfo, taken: set[str]) -> str:
    """Return the path of a document's file in *folder*, one that is not *taken*, and take it."""
    kind, name = _escaped(info.kind), _escaped(info.name)
    path = os.path.join(folder, kind, name)
    if len(name.encode()) > _LONGEST or path.casefold() in taken:  # some file systems know no upper case
        path = os.path.join(folder, kind, f"{name[: _LONGEST // 4]}~{digest(info.name.encode())[:16]}")
    taken.add(path.casefold())
    return f"{path}.json"


def _escaped(name: str) -> str:
    """Return *name* as the name of a file, which begins with no dot."""
    escaped = quote(name, safe=_SAFE + "".join(each for each in set(name) if each.isalnum()))
    return f"%2E{escaped[1:]}" if escaped.startswith(".") else escaped


# --- from files ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in a file; or why there is none.

    Attributes:
        where: ``line 3``, or the path.
    """

    where: str
    kind: str = ""
    name: str = ""
    text: bytes = b""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a document that was to be imported.

    Attributes:
        status: ``new``, ``updated``, ``unchanged``; ``different`` if the store has it with other contents, which were
            left as they are; or ``failed``.
        problem: why it failed.
    """

    kind: str
    name: str
    status: Status
    where: str
    problem: str = ""


def entries_in(path: str) -> Iterator[Entry]:
    """Yield the documents in the file or folder *path*; in a folder, those that others belong to come first.

    Raises:
        MissingFileError, FileAccessError, FileFormatError: it cannot be read.
        InvalidValueError: its name does not say what is in it.
    """
    form = form_of(path)
    if form == "lines":
        yield from entries_of(files.lines(path))
    elif form == "document":
        yield _entry(shown(path), files.read(path))
    else:
        yield from _in_folder(Path(path))


def entries_of(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the documents in the lines of a ``.jsonl`` file; empty lines are left out."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _entry(f"line {number}", line)


def _entry(where: str, text: bytes) -> Entry:
    """Return the document that *text* is, or that stands in it with its kind and its name."""
    try:
        found = loads_strict(text)
        named = mapper_of().named_in_json(found)
    except DocstoreError as error:
        return Entry(where, problem=str(error))
    if named is not None:
        return Entry(where, *named, text)
    members = found if isinstance(found, dict) else {}
    kind, name = members.get("kind"), members.get("name")
    if "document" not in members or not isinstance(kind, str) or not isinstance(name, str):
        return Entry(
            where,
            problem='it is no document that says its kind and its name, and has no "document" with a '
            '"kind" and a "name"',
        )
    try:
        return Entry(where, kind, name, dumps(members["document"]))
    except DocstoreError as error:  # it is nested too deep
        return Entry(where, kind, name, problem=str(error))


def _in_folder(folder: Path) -> Iterator[Entry]:
    if not folder.is_dir():
        raise MissingFileError(str(folder), "there is no such folder")
    with files.explained(folder):
        kinds = sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: _after_owners(each.name))
    found = [path for each in kinds for path in _files_in(each)]
    if not found:
        raise FileFormatError(str(folder), "no document is in it: each is in a folder of its kind, as note/n1.json")
    for path in found:
        where = f"{path.parent.name}/{path.name}"
        try:
            text = files.read(path)
        except DocstoreError as error:
            yield Entry(where, problem=str(error))
        else:
            yield _entry(where, text)


def _files_in(folder: Path) -> list[Path]:
    with files.explained(folder):
        return sorted(each for each in folder.iterdir() if _DOCUMENT.search(each.name) and each.name[0] != ".")


def _after_owners(kind: str) -> tuple[bool, str]:
    """Return a sort key by which kinds of documents that belong to others come after these."""
    return kind in KINDS and KINDS[kind].owner_kind is not None, kind


def in_order(kinds: Iterable[str]) -> list[str]:
    """Return *kinds* in the order in which documents are exported: those that others belong to come first."""
    return sorted(kinds, key=_after_owners)


def import_documents(
    store: Store,
    entries: Iterable[Entry],
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    message: str = "",
    author: str | None = None,
) -> Iterator[Imported]:
    """Save each document of *entries* by ``Store.put_json``, in a transaction of its own, and yield what became of it.

    One that fails, or that the store has with other contents, is left out, and the next one follows. What is there with
    the same contents is left as it is: to import twice is to import once.

    Args:
        overwrite: make a document that the store has with other contents its next version.
        dry_run: only say what would become of each.

    Raises:
        DatabaseError: the database cannot be used. What was imported before is kept.
    """
    for entry in entries:
        if entry.problem:
            yield Imported(entry.kind, entry.name, "failed", entry.where, entry.problem)
            continue
        try:
            status = _status(store, entry)
            if status == "different" and overwrite:
                status = "updated"
            if status in ("new", "updated") and not dry_run:
                policy: Literal["error", "overwrite"] = "overwrite" if overwrite else "error"
                store.put_json(entry.kind, entry.name, entry.text, on_conflict=policy, message=message, author=author)
        except DatabaseError:
            raise
        except DocumentExistsError:
            yield Imported(entry.kind, entry.name, "different", entry.where)  # another program saved it just now
        except DocstoreError as error:
            yield Imported(entry.kind, entry.name, "failed", entry.where, str(error))
        else:
            yield Imported(entry.kind, entry.name, status, entry.where)


def _status(store: Store, entry: Entry) -> Status:
    """Return how the store has a document: ``new``, ``unchanged`` or ``different``.

    Raises:
        DecodeError, InvalidValueError: as ``Store.put_json``.
    """
    document = mapper_of(unknown="keep").document_of_json(entry.kind, entry.name, entry.text)
    if not store.exists(entry.name, kind=entry.kind):  # the error of version() would look for names like it
        return "new"
    whole = document.digests().digest()
    return "unchanged" if whole == store.version(entry.name, kind=entry.kind).digest else "different"
