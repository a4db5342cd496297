"""Artifacts: files beside a store, by the SHA-256 of their content, that documents refer to."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.arguments import checked_flag, checked_path
from docstore.documents.display import counted
from docstore.errors import FileAccessError, FileFormatError, InvalidValueError, UnreadableError
from docstore.json_store.files import explained
from docstore.json_store.remote import chunks_of
from docstore.model.artifact import PREFIX, Artifact, sha256_of
from docstore.progress import Progress, Report, reporting
from docstore.sql.dialects import backend_of, check_writable
from docstore.sql.references import Reference, references
from docstore.sql.tables import IS_HEAD, documents
from docstore.store.artifact_files import ArtifactFiles, LocalFiles, Stored
from docstore.store.context import StoreContext
from docstore.verify import Damage, find_id
from docstore.verify.damage import Subject
from docstore.verify.statements import called

_WORD: Final = re.compile(f"{PREFIX}[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class Collected:
    """The artifacts that no document referred to, and that were deleted, or would be.

    Attributes:
        digests: of each, sorted.
        temporary: how many files of puts that were killed.
        freed: bytes, of both.
        kept: how many artifacts there are still.
    """

    digests: tuple[str, ...]
    temporary: int
    freed: int
    kept: int

    def __repr__(self) -> str:
        return f"Collected({counted(len(self.digests), 'artifact')}, {self.freed:,} bytes; {self.kept:,} kept)"


class Artifacts:
    """The files beside a store: ``store.artifacts``. Documents refer to them by an ``Artifact``."""

    def __init__(self, context: StoreContext, files: ArtifactFiles) -> None:
        self._context, self._files = context, files

    def put(
        self,
        source: bytes | str | os.PathLike[str] | BinaryIO,
        *,
        media_type: str | None = None,
        name: str | None = None,
    ) -> Artifact:
        """Keep a copy of *source*, and return the reference to put into a document; then save that document.

        The same content is kept once. When this returns, the file is whole and on the disk. An interruption leaves no
        half of it under its name. What is written to *source* meanwhile is in the copy, or not; the digest is that of
        the copy.

        Args:
            source: the content, or the path of a file that has it, or a file that is open for reading bytes.
            media_type: what it is, such as ``"image/png"``.
            name: what a person calls it; by default, the name of the file at *source*.

        Raises:
            InvalidValueError: *source* is neither.
            MissingFileError, FileAccessError: *source* cannot be read, or the folder not be written to.
            ReadOnlyError: the store may only read.

        Cost:
            One reading and one writing, in constant memory. To a URL, each put sends the content, also if it is there.
        """
        check_writable(self._context.transactions.engine)
        if isinstance(source, (str, os.PathLike)):
            path = checked_path("source", source)
            with explained(path):
                file: BinaryIO = open(path, "rb")  # noqa: SIM115  # closed by the block below
            with file:
                digest, size = self._files.add(chunks_of(file))
            name = Path(path).name if name is None else name
        elif isinstance(source, (bytes, bytearray, memoryview)):
            digest, size = self._files.add([bytes(source)])
        elif hasattr(source, "read") and not isinstance(source, io.TextIOBase):
            digest, size = self._files.add(chunks_of(source))
        else:
            raise InvalidValueError("source", source, "Give bytes, the path of a file, or a file opened with 'rb'.")
        return Artifact(f"{PREFIX}{digest}", size, media_type, name)

    def open(self, artifact: Artifact) -> BinaryIO:
        """Return a file, open for reading bytes at its beginning, whose content is what was put.

        Raises:
            MissingFileError, FileAccessError: it is not there, or cannot be read.
            FileFormatError: its content is another.

        Cost:
            It is read once to check it, in constant memory; from a URL, into a temporary file.
        """
        return self._files.open(_name(artifact))

    def read(self, artifact: Artifact) -> bytes:
        """Return the content; raises as ``open``."""
        with self.open(artifact) as file:
            return file.read()

    def path(self, artifact: Artifact) -> Path:
        """Return the path of the file, checked as by ``open``, for a library that wants one; it must not be changed.

        Raises:
            InvalidValueError: the artifacts are at a URL. Call ``open``, and copy what it gives.
        """
        if not isinstance(self._files, LocalFiles):
            raise InvalidValueError("artifacts", artifact, "They are at a URL, and have no path: use open() or read().")
        self.open(artifact).close()
        return self._files.path(_name(artifact))

    def collect(
        self, *, grace: timedelta = timedelta(days=1), dry_run: bool = False, progress: bool | Report = False
    ) -> Collected:
        """Delete the artifacts that no version of any document in this database refers to.

        Deleted documents and other projects count; versions that ``compact`` folded do not. The folder must belong to
        this database alone: what another one refers to would be deleted.

        Args:
            grace: what was put, or put again, in this time until now stays: the save that refers to it may follow.
            dry_run: only say what would be deleted.
            progress: as for ``Store.verify``: told how many files are deleted. How long the database takes before that
                is not known.

        Raises:
            InvalidValueError: *grace* is no time; or this database refers to none of the artifacts, so that it is
                probably not theirs. Nothing was deleted.
            UnreadableError: a row is damaged, so that its references are not known. Nothing was deleted.

        Cost:
            The database reads all bodies and all changes; those that refer to an artifact are fetched. The folder is
            listed.
        """
        if not isinstance(grace, timedelta) or grace < timedelta(0):
            raise InvalidValueError("grace", grace, "Give how long a save may follow its put, as in timedelta(days=1).")
        if not checked_flag("dry_run", dry_run):
            check_writable(self._context.transactions.engine)
        before = time.time() - grace.total_seconds()
        with self._context.transactions.reading() as connection, backend_of(connection).long_read_timeout(connection):
            used = {sha256_of(each.word) for each in references(connection, PREFIX, _WORD)}
        stored = list(self._files.stored())
        names = {each.name for each in stored if each.name}
        old = [each for each in stored if each.name not in used and each.modified < before]
        if not dry_run and names and not names & used and any(each.name for each in old):
            remedy = f"This database refers to none of the {len(names):,}: is it theirs? Nothing was deleted."
            raise InvalidValueError("artifacts", self._context.project, remedy)
        gone = old if dry_run else self._removed(old, before, progress)
        digests = tuple(sorted({f"{PREFIX}{each.name}" for each in gone if each.name}))
        temporary = sum(not each.name for each in gone)
        return Collected(digests, temporary, sum(each.size for each in gone), len(names) - len(digests))

    def _removed(self, old: Sequence[Stored], before: float, progress: bool | Report) -> list[Stored]:
        """Remove files, and return those that were not put again since *before*."""
        gone = []
        with reporting(progress, "files") as report:
            for done, each in enumerate(old, 1):
                if self._files.remove(each, before):
                    gone.append(each)
                report(Progress(done, len(old), ""))
        return gone


def damaged_artifacts(
    context: StoreContext, files: ArtifactFiles, name: str | None, kind: str | None, progress: bool | Report
) -> list[Damage]:
    """Return a damage for each artifact that is missing or damaged, and each document that refers to it.

    Args:
        name, kind: of the documents to look in, as for ``Store.verify``.
        progress: told how many artifacts were read.

    Cost:
        The references are read as by ``collect``; each artifact is read once.
    """
    found: dict[tuple[str, str], tuple[Reference, Subject]] = {}
    subjects: dict[str, Subject] = {}
    with context.transactions.reading() as connection, backend_of(connection).long_read_timeout(connection):
        try:
            for each in references(connection, PREFIX, _WORD, _ids(connection, context.project, name, kind)):
                if each.id not in subjects:
                    subjects[each.id] = Subject(*(called(connection, each.id) or ("unknown", each.id)), each.id)
                # The row of its present state comes first.
                found.setdefault((each.word, each.id), (each, subjects[each.id]))
        except UnreadableError as error:
            return [Damage("unknown", context.project, "documents", "its rows", str(error))]
    names = {word: subject.name for (word, _), (_, subject) in found.items()}
    problems = {}
    with reporting(progress, "artifacts") as report:
        for done, (word, its_name) in enumerate(names.items(), 1):
            problems[word] = _problem(files, word)
            report(Progress(done, len(names), its_name))
    by_name = sorted(found.values(), key=lambda each: (each[1].kind, each[1].name, each[1].id, each[0].word))
    return [_damage(each, subject, problem) for each, subject in by_name if (problem := problems[each.word])]


def _ids(connection: Connection, project: str, name: str | None, kind: str | None) -> sa.Select[tuple[str]]:
    c = documents.c
    ids = sa.select(c.id).where(IS_HEAD, c.project == project)
    if name is not None:
        return ids.where(c.id == find_id(connection, project, kind or "experiment", name))
    return ids if kind is None else ids.where(c.kind == kind)


def _problem(files: ArtifactFiles, word: str) -> str:
    try:
        files.open(sha256_of(word)).close()
    except (FileAccessError, FileFormatError) as error:
        return f"it refers to {word}, and {error}"
    return ""


def _name(artifact: Artifact) -> str:
    """Return the SHA-256 of *artifact*, checked: an Artifact of a document was made without its constructor."""
    if not isinstance(artifact, Artifact):
        raise InvalidValueError("artifact", artifact, "Give an Artifact, as store.artifacts.put(...) returns.")
    return sha256_of(artifact.digest)


def _damage(reference: Reference, subject: Subject, problem: str) -> Damage:
    if isinstance(reference.key, int):
        return subject.version(reference.key, problem)
    return subject.piece(reference.key, problem)
