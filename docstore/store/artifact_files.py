"""Files named by the SHA-256 of their content, ``ab/ab12...``, in a local folder or at a URL; never half written."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from docstore.documents.arguments import checked_path
from docstore.errors import FileFormatError
from docstore.json_store.files import explained, sync_folder
from docstore.json_store.remote import Remote, chunks_of, local_path, shown, url_of

_NAME: Final = re.compile(r"[0-9a-f]{64}")
_TEMPORARY: Final = re.compile(r"\..*\.tmp")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the folder.

    Units:
        size: bytes
        modified: seconds since 1970

    Attributes:
        name: the SHA-256, in hex; empty for a temporary file, which a put or a removal that was killed has left.
        place: where it is.
    """

    name: str
    place: str
    size: int
    modified: float


class ArtifactFiles(Protocol):
    """The files of a folder, wherever it is."""

    def add(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Write *chunks* under the SHA-256 of all, and return that and their size; a file of that name is replaced."""

    def open(self, name: str) -> BinaryIO:
        """Return a file, whose content was checked, at its beginning.

        Raises:
            MissingFileError, FileAccessError, FileFormatError: there is none; it cannot be read; it is damaged.
        """

    def stored(self) -> Iterator[Stored]:
        """Yield each file, temporary ones too."""

    def remove(self, file: Stored, before: float) -> bool:
        """Remove *file* unless it was put again since *before*; return whether it was removed."""


def artifact_files(folder: str | os.PathLike[str]) -> ArtifactFiles:
    """Return the files of *folder*, a path or a URL; it is made by the first put.

    Raises:
        InvalidValueError, MissingDependencyError: as for a URL of ``save_experiment``.
    """
    path = checked_path("artifacts", folder)
    return LocalFiles(Path(os.path.abspath(local_path(path)))) if url_of(path) is None else RemoteFiles(path)


def _damaged(path: str) -> FileFormatError:
    return FileFormatError(
        path, "its content is not what was put, by its digest. Put the right content again to mend it"
    )


class LocalFiles:
    """The files of a local folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return where the file with this SHA-256 is."""
        return self.folder / name[:2] / name

    def add(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Write beside, to the disk, and rename: as ``ArtifactFiles.add``."""
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            new = self.folder / f".{secrets.token_hex(8)}.tmp"
            try:
                with open(new, "xb") as file:
                    name, size = _copied(chunks, file)
                    file.flush()
                    os.fsync(file.fileno())
                path = self.path(name)
                path.parent.mkdir(exist_ok=True)
                # Also over a file of that name: it may be damaged, and it counts as new from now on.
                os.replace(new, path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(new)
                raise
            sync_folder(path.parent)
            sync_folder(self.folder)
        return name, size

    def open(self, name: str) -> BinaryIO:
        """Return the file itself, as ``ArtifactFiles.open``."""
        path = self.path(name)
        with explained(path):
            file = open(path, "rb")  # noqa: SIM115  # the caller closes it
            try:
                digest = sha256()
                for chunk in chunks_of(file):
                    digest.update(chunk)
                if digest.hexdigest() != name:
                    raise _damaged(str(path))
                file.seek(0)
            except BaseException:
                file.close()
                raise
        return file

    def stored(self) -> Iterator[Stored]:
        """As ``ArtifactFiles.stored``."""
        with explained(self.folder):
            for folder in (self.folder, *(each for each in _entries(self.folder) if len(each.name) == 2)):
                for path in _entries(folder):
                    is_file = folder != self.folder and _NAME.fullmatch(path.name)
                    if is_file or _TEMPORARY.fullmatch(path.name):
                        with contextlib.suppress(FileNotFoundError):  # a put has just ended
                            found = path.stat()
                            yield Stored(path.name if is_file else "", str(path), found.st_size, found.st_mtime)

    def remove(self, file: Stored, before: float) -> bool:
        """As ``ArtifactFiles.remove``."""
        path = Path(file.place)
        aside = path.with_name(f".{secrets.token_hex(8)}.tmp")
        with explained(path), contextlib.suppress(FileNotFoundError):
            # Renamed first: a put from here on writes the file anew, and one before has made it new.
            os.rename(path, aside)
            if aside.stat().st_mtime >= before:
                os.replace(aside, path)
                return False
            os.unlink(aside)
            return True
        return False


class RemoteFiles:
    """The files of a folder at a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        Remote.at(url)  # what is wrong with it is said at once

    @property
    def folder(self) -> Remote:
        """The folder, by a connection that is there now: one may end in a month, and a fork needs its own."""
        return Remote.at(self._url)

    def add(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Write to a temporary file on this machine, since the name is not known before, and send that."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "artifact"
            with open(path, "xb") as file:
                name, size = _copied(chunks, file)
            (self.folder / name[:2] / name).upload(path)
        return name, size

    def open(self, name: str) -> BinaryIO:
        """Return a temporary copy on this machine, which is gone when it is closed, as ``ArtifactFiles.open``."""
        remote = self.folder / name[:2] / name
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            if _copied(remote.chunks(), file)[0] != name:
                raise _damaged(shown(remote.url))
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def stored(self) -> Iterator[Stored]:
        """As ``ArtifactFiles.stored``."""
        for path, size, modified in self.folder.files():
            name = path.rpartition("/")[2]
            if _NAME.fullmatch(name) or _TEMPORARY.fullmatch(name):
                yield Stored("" if name[0] == "." else name, path, size, modified)

    def remove(self, file: Stored, before: float) -> bool:
        """As ``ArtifactFiles.remove``; a put between the look and the removal is not noticed."""
        return self.folder.remove(file.place, before)


def _copied(chunks: Iterable[bytes], file: BinaryIO) -> tuple[str, int]:
    """Write *chunks* to *file*, and return their SHA-256 and size."""
    digest, size = sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        file.write(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
