"""Files at a URL, such as ``s3://bucket/a.json``, by fsspec: read whole, and replaced as a whole."""

from __future__ import annotations

import contextlib
import difflib
import errno
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final

from docstore.errors import FileAccessError, InvalidValueError, MissingDependencyError, MissingFileError

_SCHEME: Final = re.compile(r"(?:[A-Za-z][\w.+-]*::)*([A-Za-z][A-Za-z0-9.+-]+):/")
"""What a URL begins with. A scheme has two letters or more: ``C:/a.json`` is a path of Windows."""

_LOCAL: Final = ("file", "local")

_REPLACED_AT_ONCE: Final = frozenset({"abfs", "abfss", "az", "gcs", "gs", "memory", "s3", "s3a"})
"""Protocols that show an object when all of it has arrived, and the former one until then. (By the sources of adlfs,
gcsfs and s3fs: a PUT, or an upload in parts that is completed.)"""

_PACKAGES: Final = {"smbclient": "smbprotocol"}
"""The package of a module that has another name."""

_TIMES: Final = ("LastModified", "last_modified", "mtime")
"""What protocols call the time when a file was written."""

_CHUNK: Final = 2**20

_AS_IT_WAS: Final = "A file that was there is as it was, or was replaced whole."


def url_of(path: str) -> str | None:
    """Return *path* if it is a URL that fsspec has to read; None for a local path, and for a ``file:`` URL.

    Raises:
        InvalidValueError: it is a URL with one slash, or one that was made a Path: a folder ``s3:`` would be made.
    """
    match = _SCHEME.match(path)
    if match is None or match[1].lower() in _LOCAL:
        return None
    if not path[match.end() :].startswith("/"):
        remedy = f"A URL begins with {match[1]}://, and is a text and no Path. A folder of this name is ./{match[1]}:"
        raise InvalidValueError("filepath", shown(path), f"{remedy}.")
    return path


def local_path(path: str) -> str:
    """Return the local path of a ``file:`` URL; another *path* as it is.

    Raises:
        InvalidValueError: the URL is of another machine.
    """
    match = _SCHEME.match(path)
    if match is None or match[1].lower() not in _LOCAL:
        return path
    from urllib.request import url2pathname

    rest = path[match.end() - 1 :]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host not in ("", "localhost") or not slash:
            raise InvalidValueError("filepath", path, "A file: URL is file:///folder/name.json, without a host.")
        rest = slash + rest
    return url2pathname(rest)


def shown(url: str) -> str:
    """Return *url* as a message shows it, without a password, or the query of HTTP, which may be a signature."""
    url = re.sub(r"(:/+[^/:]*):[^/]*(?=@)", r"\1:***", url)
    return re.sub(r"(https?://[^?\s]*\?)[^\s'\"]*", r"\1***", url)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file or a folder at a URL.

    Attributes:
        fs: the file system of fsspec.
        path: what fs calls it.
        url: what the user calls it; may have a password.
        protocol: the scheme of the URL.
    """

    fs: Any
    path: str
    url: str
    protocol: str

    @staticmethod
    def at(url: str) -> Remote:
        """Return the file or the folder at *url*.

        Raises:
            MissingDependencyError: fsspec, or the package of the protocol, is not installed; names it.
            InvalidValueError: fsspec does not know the protocol, or *url* chains several.
            FileAccessError: the server cannot be reached.
        """
        scheme = _SCHEME.match(url)
        assert scheme is not None  # url_of() returned it
        protocol = scheme[1]
        if "::" in url:
            raise InvalidValueError("filepath", shown(url), "Give one URL: what a cache keeps may not reach the file.")
        purpose = f"a file at {protocol}://"
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # it has no types
            from fsspec.registry import known_implementations, registry  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingDependencyError("fsspec", extra="fsspec", purpose=purpose) from error
        known = {*known_implementations, *registry}
        if protocol not in known:
            near = difflib.get_close_matches(protocol, sorted(known), n=1)
            like = f" Did you mean {near[0]}://?" if near else ""
            raise InvalidValueError("filepath", shown(url), f"fsspec does not know the protocol {protocol!r}.{like}")
        try:
            fs, path = url_to_fs(url)
            if not _is_live(fs, path):
                fs.clear_instance_cache()
                fs, path = url_to_fs(url)
        except ImportError as error:
            module = str(getattr(error.__cause__ or error, "name", None) or error)
            raise MissingDependencyError(_PACKAGES.get(module, module), purpose=purpose) from error
        except Exception as error:
            raise _translated(url, error) from error
        return Remote(fs, path, url, protocol)

    def __truediv__(self, name: str) -> Remote:
        return Remote(self.fs, f"{self.path.rstrip('/')}/{name}", f"{self.url.rstrip('/')}/{name}", self.protocol)

    def read(self) -> bytes:
        """Return all bytes of the file, from one request: of one state, if it is replaced meanwhile.

        Raises:
            MissingFileError, FileAccessError: there is no such file, or it cannot be read.
        """
        with _explained(self.url):
            return bytes(self.fs.cat_file(self.path))

    def write(self, data: bytes) -> None:
        """Replace the file by *data*.

        Raises:
            FileAccessError: it cannot be written; the old file, or the new one, is there, whole.
            InvalidValueError: the protocol cannot replace a file as a whole.
        """
        self._replace(lambda path: self.fs.pipe_file(path, data))

    def upload(self, file: Path) -> None:
        """Replace the file by the local *file*, as ``write``, in constant memory; s3fs takes up to 1 GB."""
        self._replace(lambda path: self.fs.put_file(str(file), path))

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the file, in constant memory."""
        with _explained(self.url), self.fs.open(self.path, "rb") as file:
            yield from chunks_of(file)

    def files(self) -> Iterator[tuple[str, int, float]]:
        """Yield each file in this folder and in those below: its path, its size, and when it was written.

        Units:
            seconds since 1970
        """
        with _explained(self.url):
            self.fs.invalidate_cache()
            for path, info in self.fs.find(self.path, detail=True).items():
                yield path, info["size"], self._modified(path, info)

    def remove(self, path: str, before: float) -> bool:
        """Remove the file at *path*, one of ``files``, if it was written *before*; return whether it was removed."""
        with _explained(self.url):
            self.fs.invalidate_cache()
            if self._modified(path, self.fs.info(path)) >= before:
                return False
            self.fs.rm_file(path)
            return True

    def _modified(self, path: str, info: dict[str, Any]) -> float:
        try:
            found = next((info[key] for key in _TIMES if info.get(key) is not None), None) or self.fs.modified(path)
        except NotImplementedError as error:
            problem = f"{self.protocol}:// does not say when a file was written, so that none can be collected"
            raise FileAccessError(shown(self.url), problem) from error
        if isinstance(found, str):
            found = datetime.fromisoformat(found)
        if isinstance(found, datetime):
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        return float(found)

    def _replace(self, send: Callable[[str], object]) -> None:
        if self.protocol not in _REPLACED_AT_ONCE and not _renames(self.fs):
            remedy = (
                f"It is not known whether {self.protocol}:// by {type(self.fs).__module__} replaces a file as a whole, "
                f"and a save must not destroy what is there. Save to a local file, and send that."
            )
            raise InvalidValueError("filepath", shown(self.url), remedy)
        with _explained(self.url, f". {_AS_IT_WAS}"):
            if self.protocol in _REPLACED_AT_ONCE:
                send(self.path)
            else:
                self._send_beside(send)

    def _send_beside(self, send: Callable[[str], object]) -> None:
        if self.fs.isdir(self.path):
            raise FileAccessError(shown(self.url), "it is a folder; name a file in it")
        folder, slash, name = self.path.rpartition("/")
        new = f"{folder}{slash}.{name[:50]}.{secrets.token_hex(8)}.tmp"
        if folder:
            self.fs.makedirs(folder, exist_ok=True)
        try:
            send(new)
            self._rename(new)
        except BaseException:
            # Also on Ctrl-C: nothing is left beside the old file, if the server still answers.
            with contextlib.suppress(Exception):
                self.fs.rm_file(new)
            raise

    def _rename(self, new: str) -> None:
        """Give the file *new* the name of this one, whose former file is lost only then."""
        if self.protocol == "smb":
            # fsspec's rename takes a free name alone, but smbclient, which it uses, has one that replaces a file.
            port = self.fs.storage_options.get("port") or 445
            names = (f"//{self.fs.host}{path}".replace("/", "\\") for path in (new, self.path))
            import_module("smbclient").replace(*names, port=port)
        else:
            self.fs.mv(new, self.path)
        if self.fs.exists(new):  # WebHDFS answers false, and fsspec does not raise
            problem = f"{self.protocol}:// does not rename to the name of a file that is there: save to another name"
            raise FileAccessError(shown(self.url), f"{problem}. {_AS_IT_WAS}")


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of *file* in pieces."""
    while chunk := file.read(_CHUNK):
        yield chunk


def _is_live(fs: Any, path: str) -> bool:
    """Return whether the connection that fsspec has kept is still there: a server ends one, and a fork breaks it.

    Asynchronous file systems (of s3, gs, az) send requests by HTTP, and need none.
    """
    if fs.async_impl:
        return True
    try:
        fs.info(path)
    except FileNotFoundError:
        return True
    except Exception:
        return False
    return True


def _renames(fs: Any) -> bool:
    """Return whether a file system has a rename of its own; fsspec's own copies the bytes, and may be cut off."""
    from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]  # it has no types

    return type(fs).mv is not AbstractFileSystem.mv


@contextlib.contextmanager
def _explained(url: str, and_then: str = "") -> Iterator[None]:
    """Raise what the library of a protocol raises as a FileAccessError, which says *and_then*, after a write."""
    try:
        yield
    except FileAccessError:
        raise
    except Exception as error:
        raise _translated(url, error, and_then) from error


def _translated(url: str, error: Exception, and_then: str = "") -> FileAccessError:
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, OSError):
        error = error.__cause__  # of a host that does not answer, fsspec's http says that the file is missing
    is_missing = isinstance(error, FileNotFoundError) or getattr(error, "errno", None) == errno.ENOENT
    if is_missing and not and_then:
        return MissingFileError(shown(url), "there is no such file, or no such bucket or folder")
    problem = " ".join(shown(f"{type(error).__name__}: {error}".replace(url, shown(url))).split())
    return FileAccessError(shown(url), f"{problem.rstrip('.')}{and_then}")
