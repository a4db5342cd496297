"""An experiment in a file at a URL, by fsspec: on object stores, on servers that rename, and when they fail."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

import docstore
from docstore import Experiment, SearchSpace
from docstore.errors import (
    FileAccessError,
    FileFormatError,
    InvalidValueError,
    MissingDependencyError,
    MissingFileError,
)
from docstore.json_store.load import load_experiment
from docstore.json_store.remote import local_path, shown, url_of
from docstore.json_store.save import save_experiment


class Server(MemoryFileSystem):
    """A server whose files are seen while they are written, and which renames; it can fail at a step."""

    protocol = "server"
    store: dict[str, MemoryFile] = {}  # noqa: RUF012  # fsspec's own form
    pseudo_dirs = [""]  # noqa: RUF012
    fails: dict[str, list[BaseException | None]] = {}  # noqa: RUF012
    """For a step, what its next calls raise: None lets one pass."""
    replaces = True
    """Whether a rename replaces a file; if not, it is refused; if None, it is not done, and nothing is said."""

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("server://").lstrip("/")

    def _step(self, name):
        waiting = self.fails.get(name)
        error = waiting.pop(0) if waiting else None
        if error is not None:
            raise error

    def pipe_file(self, path, value, mode="overwrite", **options):
        self.store[path] = MemoryFile(self, path, value[: len(value) // 2])
        self._step("write")
        self.store[path] = MemoryFile(self, path, value)
        self._step("close")

    def mv(self, path1, path2, **options):
        self._step("rename")
        if path2 in self.store and not self.replaces:
            if self.replaces is None:
                return
            raise FileExistsError(errno.EEXIST, "exists", path2)
        self.store[path2] = self.store.pop(path1)

    def names(self):
        return sorted(self.store)


class Smb(Server):
    """The SMB of fsspec: its rename takes a free name alone, and smbclient replaces a file by names of its own."""

    protocol = "smb"
    replaces = False

    def __init__(self, host, port=None, **options):
        super().__init__(**options)
        self.host = host

    @classmethod
    def _strip_protocol(cls, path):
        return fsspec.utils.infer_storage_options(path)["path"]

    @staticmethod
    def _get_kwargs_from_urls(path):
        return {
            key: value for key, value in fsspec.utils.infer_storage_options(path).items() if key in ("host", "port")
        }

    @staticmethod
    def replace(old, new, *, port):
        assert port == 4455
        (old, new) = (name.removeprefix("\\\\nas").replace("\\", "/") for name in (old, new))
        Server.store[new] = Server.store.pop(old)


@pytest.fixture(autouse=True)
def server(monkeypatch):
    monkeypatch.setattr(Server, "store", {})
    monkeypatch.setattr(Server, "pseudo_dirs", [""])
    monkeypatch.setattr(Server, "fails", {})
    fsspec.register_implementation("server", Server, clobber=True)
    MemoryFileSystem.store.clear()
    return fsspec.filesystem("server")


@pytest.fixture
def experiment():
    return Experiment(SearchSpace([]), "far away")


class TestASavedExperiment:
    @pytest.mark.parametrize("url", ["memory://lab/a.json", "memory://lab/a.json.gz", "server://lab/b c/a.json"])
    def test_comes_back_exactly(self, experiment, url):
        save_experiment(experiment, url)

        assert docstore.dumps(load_experiment(url)) == docstore.dumps(experiment)

    def test_is_the_text_of_a_local_file(self, experiment, tmp_path):
        for path in (f"{tmp_path}/a.json.gz", "memory://lab/a.json.gz"):
            save_experiment(experiment, path)

        assert fsspec.filesystem("memory").cat("/lab/a.json.gz") == (tmp_path / "a.json.gz").read_bytes()

    @pytest.mark.parametrize("url", ["memory://lab/a.json", "server://lab/a.json"])
    def test_replaces_the_one_before_and_leaves_nothing_else(self, experiment, url):
        save_experiment(experiment, url)
        experiment.description = "changed"
        save_experiment(experiment, url)

        assert load_experiment(url).description == "changed"
        assert [*fsspec.core.url_to_fs(url)[0].store] == ["/lab/a.json"]

    def test_is_compressed_by_gzip_alone(self, experiment):
        with pytest.raises(InvalidValueError, match=r"memory://a\.json\.xz.*Only gzip"):
            save_experiment(experiment, "memory://a.json.xz")

    def test_that_is_not_there_is_a_missing_file(self):
        with pytest.raises(MissingFileError, match=r"memory://none/a\.json: there is no such file"):
            load_experiment("memory://none/a.json")

    @pytest.mark.parametrize(
        ("number", "error", "problem"),
        [
            (errno.ENOENT, MissingFileError, "there is no such file"),
            (errno.EACCES, FileAccessError, r"no\. second line$"),
        ],
    )
    def test_that_cannot_be_read_says_why_in_one_line(self, monkeypatch, number, error, problem):
        class OwnError(OSError):
            """As of smbclient: an OSError whose number Python does not make a FileNotFoundError of."""

        def fail(*arguments, **options):
            raise OwnError(number, "no.\nsecond line.")

        monkeypatch.setattr(Server, "cat_file", fail)

        with pytest.raises(error, match=problem):
            load_experiment("server://lab/a.json")

    def test_is_not_called_missing_when_the_host_does_not_answer(self, monkeypatch):
        """fsspec's http raises so."""

        def fail(path, *arguments, **options):
            raise FileNotFoundError(path) from ConnectionRefusedError("nobody listens")

        monkeypatch.setattr(Server, "cat_file", fail)

        with pytest.raises(FileAccessError, match="nobody listens") as caught:
            load_experiment("server://lab/a.json")

        assert not isinstance(caught.value, MissingFileError)

    def test_that_is_damaged_says_where(self, experiment, server):
        server.pipe_file("/a.json", docstore.dumps(experiment)[:-9])

        with pytest.raises(FileFormatError, match=r"^server://a\.json: .*cut off"):
            load_experiment("server://a.json")


class TestAServerThatRenames:
    """The new file is written beside the old one, and takes its name when it is whole."""

    @pytest.fixture
    def old(self, experiment, server):
        save_experiment(experiment, "server://lab/a.json")
        experiment.description = "changed"
        return server.cat("/lab/a.json")

    @pytest.mark.parametrize("step", ["write", "close", "rename"])
    @pytest.mark.parametrize("trouble", [ConnectionResetError("gone"), KeyboardInterrupt(), RuntimeError("its own")])
    def test_keeps_the_old_file_when_it_fails(self, experiment, server, old, step, trouble):
        server.fails[step] = [trouble, trouble]

        with pytest.raises(KeyboardInterrupt if isinstance(trouble, KeyboardInterrupt) else FileAccessError):
            save_experiment(experiment, "server://lab/a.json")

        assert server.names() == ["/lab/a.json"]
        assert server.cat("/lab/a.json") == old

    @pytest.mark.parametrize("replaces", [False, None])
    def test_keeps_the_old_file_if_it_renames_only_to_a_free_name(self, experiment, server, old, monkeypatch, replaces):
        monkeypatch.setattr(Server, "replaces", replaces)

        with pytest.raises(FileAccessError, match=r"A file that was there is as it was"):
            save_experiment(experiment, "server://lab/a.json")

        assert server.names() == ["/lab/a.json"]
        assert server.cat("/lab/a.json") == old

    def test_is_connected_to_again_when_it_has_ended_the_connection(self, experiment, server, old, monkeypatch):
        def gone(*arguments, **options):
            raise OSError("Socket is closed")

        for call in ("info", "isdir", "pipe_file", "cat_file"):
            monkeypatch.setattr(server, call, gone)

        save_experiment(experiment, "server://lab/a.json")

        assert load_experiment("server://lab/a.json").description == "changed"

    def test_keeps_a_folder_of_that_name(self, experiment, server, old):
        with pytest.raises(FileAccessError, match="server://lab: it is a folder; name a file in it"):
            save_experiment(experiment, "server://lab")

        assert server.names() == ["/lab/a.json"]

    def test_is_asked_by_smbclient_if_it_is_of_smb(self, experiment, monkeypatch):
        """The rename that fsspec asks of SMB takes a free name alone."""
        fsspec.register_implementation("smb", Smb, clobber=True)
        monkeypatch.setitem(sys.modules, "smbclient", SimpleNamespace(replace=Smb.replace))

        save_experiment(experiment, "smb://nas:4455/lab/a.json")
        save_experiment(Experiment(SearchSpace([]), "other"), "smb://nas:4455/lab/a.json")

        assert load_experiment("smb://nas:4455/lab/a.json").name == "other"
        assert [*Server.store] == ["/lab/a.json"]


class TestAnObjectStore:
    """One PUT replaces the whole object."""

    def test_keeps_the_old_object_when_the_connection_is_lost(self, experiment, monkeypatch):
        save_experiment(experiment, "memory://a.json")
        old = fsspec.filesystem("memory").cat("/a.json")

        def lost(*arguments, **options):
            raise ConnectionResetError("gone in the middle")

        monkeypatch.setattr(MemoryFileSystem, "pipe_file", lost)

        with pytest.raises(FileAccessError, match=r"gone in the middle\. A file that was there is as it was"):
            save_experiment(Experiment(SearchSpace([]), "other"), "memory://a.json")

        assert fsspec.filesystem("memory").cat("/a.json") == old

    def test_that_would_copy_the_bytes_to_rename_is_not_written_to(self, experiment):
        fsspec.register_implementation("copying", MemoryFileSystem, clobber=True)

        with pytest.raises(
            InvalidValueError, match=r"not known whether copying:// by fsspec.* replaces a file as a whole"
        ):
            save_experiment(experiment, "copying://a.json")


class TestAUrlThatCannotBeUsed:
    @pytest.mark.parametrize(("url", "package"), [("s3://lab/a.json", "s3fs"), ("gs://lab/a.json", "gcsfs")])
    def test_names_the_package_to_install(self, experiment, monkeypatch, url, package):
        monkeypatch.setitem(sys.modules, package, None)

        with pytest.raises(MissingDependencyError, match=f"needs {package}. Install it with: pip install {package}"):
            save_experiment(experiment, url)
        with pytest.raises(MissingDependencyError, match=package):
            load_experiment(url)

    def test_names_the_extra_if_fsspec_itself_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "fsspec.core", None)

        with pytest.raises(MissingDependencyError, match=r"pip install 'docstore\[fsspec\]'"):
            load_experiment("memory://a.json")

    def test_has_a_protocol_that_nobody_knows(self):
        with pytest.raises(InvalidValueError, match="fsspec does not know the protocol 's4'"):
            load_experiment("s4://lab/a.json")

    def test_has_a_protocol_like_one_that_is_known(self):
        with pytest.raises(InvalidValueError, match=r"Did you mean https://\?"):
            load_experiment("htps://lab/a.json")

    @pytest.mark.parametrize("path", ["s3:/lab/a.json", Path("s3://lab/a.json")])
    def test_has_one_slash_and_would_be_a_folder(self, experiment, path, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        with pytest.raises(InvalidValueError, match=r"A URL begins with s3://, .* A folder of this name is \./s3:\."):
            save_experiment(experiment, path)

        assert list(tmp_path.iterdir()) == []
        save_experiment(experiment, f"./{path}")
        assert (tmp_path / "s3:" / "lab" / "a.json").exists()

    def test_with_one_slash_is_shown_without_its_password(self, experiment):
        with pytest.raises(InvalidValueError) as caught:
            save_experiment(experiment, "sftp:/ada:p@ss:word@host/a.json")

        assert "'sftp:/ada:***@host/a.json'" in str(caught.value)

    def test_has_several_in_a_chain(self):
        with pytest.raises(InvalidValueError, match="Give one URL"):
            load_experiment("simplecache::memory://a.json")

    def test_is_shown_without_its_password(self, experiment):
        with pytest.raises(MissingFileError) as caught:
            load_experiment("server://ada:p@ss:word@host/a.json")

        assert str(caught.value).startswith("server://ada:***@host/a.json: ")
        assert caught.value.path == "server://ada:***@host/a.json"

    def test_is_shown_without_a_signature(self):
        assert shown("https://lab/a.json?X-Amz-Signature=secret") == "https://lab/a.json?***"
        assert shown("s3://lab/a?.json") == "s3://lab/a?.json"


class TestALocalPath:
    @pytest.mark.parametrize("path", ["C:\\lab\\a.json", "C:/lab/a.json", "C://lab/a.json", "a:b/c", "file:///lab/a"])
    def test_is_no_url_for_fsspec(self, path):
        assert url_of(path) is None

    def test_may_be_a_file_url_which_is_saved_as_a_local_file_is(self, experiment, tmp_path):
        path = tmp_path / "a b" / "ü.json"

        save_experiment(experiment, path.as_uri())

        assert path.read_bytes() == docstore.dumps(experiment)
        assert docstore.dumps(load_experiment(f"file:{path}")) == docstore.dumps(experiment)

    def test_is_not_on_another_machine(self):
        with pytest.raises(InvalidValueError, match="without a host"):
            local_path("file://server/lab/a.json")

    def test_needs_no_fsspec(self, tmp_path):
        script = (
            "import sys; from docstore import *; from docstore.json_store.save import save_experiment as save;"
            f"save(Experiment(SearchSpace([]), 'a'), {str(tmp_path / 'a.json')!r}); print('fsspec' in sys.modules)"
        )

        assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False\n"
