"""Files that are replaced as a whole: after a crash, either the old bytes are there or the new ones.

A path is that of a local file, a ``file:`` URL, or another URL, whose file is read and replaced by ``remote``.
"""

from __future__ import annotations

import contextlib
import difflib
import gzip
import io
import os
import secrets
import stat
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from docstore.errors import FileAccessError, FileFormatError, InvalidValueError, MissingFileError
from docstore.json_store.remote import Remote, local_path, shown, url_of

_GZIP = b"\x1f\x8b"
_OTHERS: Final = {b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
"""What other compressed files begin with."""
_SUFFIXES: Final = (".7z", ".br", ".bz2", ".lz4", ".lzma", ".xz", ".zip", ".zst")
"""Names of files that are compressed otherwise; a plain file must not have one."""

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)

MOST_UNPACKED: Final = 64 * 2**20
"""Bytes that a compressed file may always unpack to."""

MOST_REPETITIVE: Final = 200
"""How many times its own size a file may unpack to above that. Experiments compress 20 to 40 times; only repetitions
compress 1,030 times, the most that deflate can."""

LONGEST_LINE: Final = 2**30
"""Bytes of a line; no database takes a document of more."""


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write *data* to *path*, compressed if the name ends in ``.gz``; the folder is made if it is missing.

    The bytes go to a temporary file in the same folder and reach the disk before it gets the name: a crash, a full
    disk or Ctrl-C leaves the file that was there. A link stays a link, and the file that it leads to is written. A new
    file gets the permissions that the umask leaves. A file that replaces another gets its permissions and, if this
    user may set them, its owner and group. ``Remote.write`` says how the file at a URL is replaced.

    Raises:
        FileAccessError: it cannot be written.
        InvalidValueError: its name says that it is compressed, and not by gzip; or it is a URL that cannot be used.
        MissingDependencyError: it is a URL, and a package that reads it is not installed.
    """
    url = url_of(os.fspath(path))
    if url is not None:
        data = _packed(shown(url), PurePosixPath(url).suffix, data)
        Remote.at(url).write(data)
        return
    data = _packed(local_path(os.fspath(path)), _suffix(path), data)
    with replacing(path) as new:
        new.write_bytes(data)


def _suffix(path: str | os.PathLike[str]) -> str:
    """Return the ending of the local file, that to which a link leads."""
    return Path(os.path.realpath(local_path(os.fspath(path)))).suffix


def _packed(path: str, suffix: str, data: bytes) -> bytes:
    return gzip.compress(data, mtime=0) if _is_packed(path, suffix) else data


def _is_packed(path: str, suffix: str) -> bool:
    """Return whether a file with this *suffix* is compressed by gzip.

    Raises:
        InvalidValueError: its name says that it is compressed otherwise.
    """
    suffix = suffix.lower()
    if suffix in _SUFFIXES:
        remedy = (
            f"Only gzip is supported: let the name end in .json.gz, not in {suffix}; or in .json, and pack it later."
        )
        raise InvalidValueError("filepath", path, remedy)
    return suffix == ".gz"


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a file to write to piece by piece; after the block it takes the place of *path*, as by ``write``.

    If the block raises, *path* is as it was.

    Raises:
        FileAccessError, InvalidValueError, MissingDependencyError: as ``write``.
    """
    url = url_of(os.fspath(path))
    if url is None:
        is_packed = _is_packed(local_path(os.fspath(path)), _suffix(path))
        with replacing(path) as new, _opened(new, is_packed=is_packed) as file:
            yield file
        return
    is_packed = _is_packed(shown(url), PurePosixPath(url).suffix)
    Remote.at(url)  # what is wrong with the URL is said before the work
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder, "new")
        with _opened(new, is_packed=is_packed) as file:
            yield file
        Remote.at(url).upload(new)


@contextlib.contextmanager
def _opened(path: Path, *, is_packed: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        if not is_packed:
            yield file
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            yield cast(BinaryIO, packed)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the path of an empty file; after the block it takes the place of the local *path*, as by ``write``.

    If the block raises, *path* is as it was.

    Raises:
        FileAccessError: it cannot be written.
    """
    path = local_path(os.fspath(path))
    target = Path(os.path.realpath(path))
    with explained(path, ". A file that was there is as it was."):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError("it is a folder; name a file in it")
        if target.exists() and not target.is_file():
            raise OSError("it is a pipe or a device; name a file")  # or else /dev/null would be replaced, too
        with _replacing(target) as new:
            yield new


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give the path of an empty file beside *target*, which takes its name after the block."""
    replaced = _found(target)
    name = target.with_name(f".{target.name[:50]}.{secrets.token_hex(8)}.tmp")
    # The system applies the umask, or the folder's default ACL, to a new file. os.umask would have to set the umask to
    # read it, for all threads. The file to be replaced may be private, so the temporary file is, too.
    handle = os.open(name, _NEW, 0o666 if replaced is None else 0o600)
    try:
        with os.fdopen(handle, "wb"):
            if replaced is not None:
                _give(handle, replaced)
            yield name
            os.fsync(handle)  # of the file, whichever handle wrote to it
            if replaced is not None:
                os.chmod(name, stat.S_IMODE(replaced.st_mode))
        os.replace(name, target)
    except BaseException:
        # Also on Ctrl-C: nothing is left beside the old file.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    sync_folder(target.parent)


def _found(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _give(handle: int, replaced: os.stat_result) -> None:
    """Set the owner and group of a file to those of the file that it replaces, as far as this user may."""
    if os.name != "posix":
        return
    for owner in (replaced.st_uid, -1):  # an ordinary user may set a group that they are in
        with contextlib.suppress(OSError):
            os.fchown(handle, owner, replaced.st_gid)
            return


def sync_folder(folder: Path) -> None:
    """Write to the disk which names *folder* has."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and a rename is durable by itself
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of the file *path*, unpacked if they are compressed.

    Raises:
        MissingFileError: there is no such file; names similar ones.
        FileAccessError: it cannot be read.
        FileFormatError: it is empty, compressed and cut off, or unpacks to more than is plausible.
        InvalidValueError, MissingDependencyError: as ``write``.
    """
    path, url = local_path(os.fspath(path)), url_of(os.fspath(path))
    if url is not None:
        return _plain(shown(url), Remote.at(url).read())
    with explained(path):
        data = Path(path).read_bytes()
    return _plain(path, data)


def lines(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the lines of the file *path*, without their ends, unpacked if they are compressed.

    Raises:
        MissingFileError, FileAccessError, FileFormatError, InvalidValueError, MissingDependencyError: as ``read``.

    Cost:
        Memory for one line. A file at a URL is fetched to a temporary one.
    """
    url = url_of(os.fspath(path))
    if url is None:
        path = local_path(os.fspath(path))
        with explained(path), open(path, "rb") as file:
            yield from lines_of(file, path)
        return
    with tempfile.TemporaryFile() as file:
        file.writelines(Remote.at(url).chunks())
        file.seek(0)
        yield from lines_of(cast(io.BufferedReader, file), shown(url))


def lines_of(file: io.BufferedReader, name: str) -> Iterator[bytes]:
    """Yield the lines of an open *file*, as ``lines``; messages call it *name*."""
    unpacked = gzip.GzipFile(fileobj=file) if _is_gzip(name, file.peek(8)) else file
    try:
        while line := unpacked.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise FileFormatError(name, f"it has a line of more than {LONGEST_LINE:,} bytes")
            yield line.rstrip(b"\r\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(name, f"it is compressed, and damaged or cut off: {error}") from error


def _plain(path: str, data: bytes) -> bytes:
    """Return *data*, unpacked if they are compressed."""
    if not data:
        raise FileFormatError(path, "it is empty: another program was cut off while it saved, or nothing was saved")
    if not _is_gzip(path, data):
        return data
    try:
        unpacked = _unpacked(data)
    except (EOFError, OSError, zlib.error) as error:
        raise FileFormatError(path, f"it is compressed, and damaged or cut off: {error}") from error
    if unpacked is None:
        raise FileFormatError(
            path,
            f"its {len(data):,} bytes unpack to more than {_most(data):,}, which is not plausible for an experiment. "
            f"If you trust it, unpack it with gunzip and load that.",
        )
    return unpacked


def _is_gzip(path: str, start: bytes) -> bool:
    """Return whether a file is compressed, by what it begins with.

    Raises:
        FileFormatError: it is, and not by gzip.
    """
    for begin, other in _OTHERS.items():
        if start.startswith(begin):
            raise FileFormatError(path, f"it is compressed by {other}, and only gzip is supported: unpack it")
    return start.startswith(_GZIP)


def _most(data: bytes) -> int:
    return max(MOST_UNPACKED, MOST_REPETITIVE * len(data))


def _unpacked(data: bytes) -> bytes | None:
    """Return the unpacked bytes of *data*, or None if they are more than is plausible; no more are unpacked."""
    unpacked = io.BytesIO()
    # Not gzip.decompress: it copies the rest of the data for each of the members that can stand one after another.
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while chunk := file.read(2**20):
            unpacked.write(chunk)
            if unpacked.tell() > _most(data):
                return None
    return unpacked.getvalue()


@contextlib.contextmanager
def explained(path: str | os.PathLike[str], and_then: str = "") -> Iterator[None]:
    """Raise an OSError as a MissingFileError, with names like it, or a FileAccessError, which ends with *and_then*."""
    name = os.fspath(path)
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(name, f"there is no such file.{_near(Path(path))}") from error
    except OSError as error:
        raise FileAccessError(name, f"{error.strerror or error}{and_then}") from error


def _near(path: Path) -> str:
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names)
    return f" Its folder has {', '.join(near)}." if near else ""
