"""Artifacts: files beside a store that documents refer to, put, read, verified and collected."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

import docstore
from docstore import Artifact, FileFormatError, InvalidValueError, MissingFileError, ReadOnlyError, StoreClosedError
from docstore.errors import FileAccessError
from docstore.store.artifact_files import LocalFiles

NO_TIME = timedelta(0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "artifacts"


@pytest.fixture
def lab(database, connect, folder):
    """A store with artifacts, on each backend."""
    return connect(database, artifacts=folder)


@pytest.fixture
def here(fresh_database, connect, folder):
    """A store with artifacts, on SQLite: for what SQL has no part in."""
    return connect(fresh_database("sqlite"), artifacts=folder)


@pytest.fixture
def far(fresh_database, connect):
    """A store whose artifacts are at a URL."""
    fsspec.filesystem("memory").store.clear()
    return connect(fresh_database("sqlite"), artifacts="memory://lab/artifacts")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


class TestAFileThatIsPut:
    @pytest.mark.parametrize("content", [b"", b"a model", bytes(range(256)) * 9000])
    def test_comes_back_byte_for_byte(self, here, tmp_path, content):
        (tmp_path / "model.bin").write_bytes(content)

        artifact = here.artifacts.put(tmp_path / "model.bin", media_type="application/octet-stream")

        assert (artifact.size, artifact.name, artifact.media_type) == (
            len(content),
            "model.bin",
            "application/octet-stream",
        )
        assert here.artifacts.read(artifact) == content
        assert here.artifacts.path(artifact).read_bytes() == content

    def test_may_be_bytes_or_an_open_file_and_is_one_by_its_content(self, here, folder):
        artifacts = [here.artifacts.put(each) for each in (b"same", bytearray(b"same"), io.BytesIO(b"same"))]

        assert len({each.digest for each in artifacts}) == len(files(folder)) == 1

    @pytest.mark.parametrize("source", [None, 3, io.StringIO("text")])
    def test_is_nothing_else(self, here, source):
        with pytest.raises(InvalidValueError, match=r"source: .*bytes, the path of a file"):
            here.artifacts.put(source)

    def test_is_there(self, here, tmp_path, folder):
        with pytest.raises(MissingFileError, match=r"none\.bin"):
            here.artifacts.put(tmp_path / "none.bin")

        assert not folder.exists()

    def test_is_opened_at_its_beginning_and_can_be_searched(self, here):
        with here.artifacts.open(here.artifacts.put(b"0123456789")) as file:
            assert (file.read(2), file.seek(-1, os.SEEK_END), file.read()) == (b"01", 9, b"9")

    def test_takes_constant_memory(self, here, tmp_path):
        with open(tmp_path / "large", "wb") as file:
            file.truncate(48 * 2**20)
        tracemalloc.start()
        try:
            with here.artifacts.open(here.artifacts.put(tmp_path / "large")):
                assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("trouble", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    def test_leaves_nothing_when_the_system_fails(self, here, folder, monkeypatch, trouble):
        def fail(*arguments):
            raise trouble

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises((FileAccessError, KeyboardInterrupt)):
            here.artifacts.put(b"a model")

        assert files(folder) == []


class TestADocument:
    def test_refers_to_an_artifact_from_wherever_a_value_may_stand(self, lab, new_experiment):
        artifact = lab.artifacts.put(b"a model", media_type="model/x", name="model.bin")
        experiment = new_experiment("cakes", trials=1)
        experiment.properties["best"] = [artifact]
        experiment.trials[0].update_run_metadata({"model": artifact})
        lab.save(experiment)

        loaded = lab.load("cakes")

        assert loaded.properties["best"] == [artifact]
        assert loaded.trials[0].run_metadata["model"] == artifact
        assert lab.verify() == []

    def test_cannot_lead_out_of_the_folder(self, here):
        text = '{"__type":"Artifact","digest":"artifact:../../secret","size":1}'
        loaded = docstore.loads(text)

        with pytest.raises(InvalidValueError, match=r"digest of an artifact: .*secret"):
            here.artifacts.read(loaded)

    @pytest.mark.parametrize(("digest", "size"), [("abc", 1), ("artifact:" + "0" * 64, -1)])
    def test_has_an_artifact_that_put_could_have_made(self, digest, size):
        with pytest.raises(InvalidValueError, match="of an artifact"):
            Artifact(digest, size)


class TestAMissingOrDamagedFile:
    @pytest.fixture
    def artifact(self, lab):
        artifact = lab.artifacts.put(b"a model")
        lab.put("note", "n1", {"model": artifact})
        lab.put("note", "n2", {"model": artifact})
        lab.put("note", "n3", 1)
        return artifact

    def test_is_found_by_verify_for_each_document(self, lab, artifact):
        lab.artifacts.path(artifact).unlink()

        found = lab.verify()

        assert [(each.name, each.table, each.where) for each in found] == [
            ("n1", "documents", "its head"),
            ("n2", "documents", "its head"),
        ]
        assert all(artifact.digest in each.problem and "no such file" in each.problem for each in found)
        assert [each.name for each in lab.verify("n2", kind="note")] == ["n2"]
        assert lab.verify("n3", kind="note") == lab.verify(kind="note")[2:] == []

    def test_is_not_read(self, lab, artifact):
        lab.artifacts.path(artifact).write_bytes(b"a modem")

        with pytest.raises(FileFormatError, match="its content is not what was put"):
            lab.artifacts.open(artifact)
        assert [each.name for each in lab.verify()] == ["n1", "n2"]

    def test_is_mended_by_another_put(self, lab, artifact):
        lab.artifacts.path(artifact).write_bytes(b"a modem")

        lab.artifacts.put(b"a model")

        assert lab.artifacts.read(artifact) == b"a model"
        assert lab.verify() == []


class TestCollecting:
    """What no version of any document refers to is deleted, after a time of grace."""

    def test_keeps_what_any_document_of_the_database_refers_to(self, lab, database, connect):
        past, now, deleted, other, garbage = (lab.artifacts.put(bytes([each])) for each in range(5))
        lab.put("note", "n1", {"model": past})
        lab.put("note", "n1", {"model": now})
        lab.put("note", "n2", {"text": deleted.digest})
        lab.delete("n2", kind="note")
        connect(database, project="other").put("note", "n1", [other])

        done = lab.artifacts.collect(grace=NO_TIME)

        assert (done.digests, done.freed, done.kept) == ((garbage.digest,), 1, 4)
        assert [lab.artifacts.read(each) for each in (past, now, deleted, other)] == [b"\0", b"\1", b"\2", b"\3"]

    def test_deletes_what_only_folded_versions_refer_to(self, lab):
        past, now = (lab.artifacts.put(bytes([each])) for each in range(2))
        lab.put("note", "n1", {"model": past})
        lab.put("note", "n1", {"model": now})
        lab.compact("n1", kind="note", keep=1)

        assert lab.artifacts.collect(grace=NO_TIME).digests == (past.digest,)
        assert lab.verify() == []

    @pytest.fixture
    def used(self, here):
        used = here.artifacts.put(b"used")
        here.put("note", "n1", used)
        return used

    def test_waits_for_the_save_that_follows_a_put(self, here, used):
        soon = here.artifacts.put(b"soon")

        assert here.artifacts.collect().digests == ()
        here.put("note", "n2", soon)

        assert here.artifacts.collect(grace=NO_TIME).digests == ()

    def test_only_says_what_it_would_delete_in_a_dry_run(self, here, used, folder):
        garbage = here.artifacts.put(b"garbage")

        done = here.artifacts.collect(grace=NO_TIME, dry_run=True)

        assert repr(done) == "Collected(1 artifact, 7 bytes; 1 kept)"
        assert here.artifacts.read(garbage) == b"garbage"

    def test_deletes_what_a_killed_put_has_left(self, here, used, folder):
        (folder / ".0123.tmp").write_bytes(b"half of it")

        done = here.artifacts.collect(grace=NO_TIME)

        assert (done.digests, done.temporary, done.freed) == ((), 1, 10)
        assert files(folder) == [used.digest.removeprefix("artifact:")]

    def test_leaves_files_that_are_not_its_own(self, here, used, folder):
        (folder / "README.txt").write_text("what this is")

        here.artifacts.collect(grace=NO_TIME)

        assert "README.txt" in files(folder)

    def test_refuses_if_the_folder_seems_to_be_another_databases(self, here, folder):
        here.artifacts.put(b"of another database")

        with pytest.raises(InvalidValueError, match="refers to none of the 1: is it theirs"):
            here.artifacts.collect(grace=NO_TIME)

        assert len(files(folder)) == 1

    def test_keeps_what_is_put_again_while_it_is_being_deleted(self, here, used, folder):
        old = here.artifacts.put(b"put again")
        os.utime(here.artifacts.path(old), (1, 1))
        local = LocalFiles(folder)
        (stale,) = [each for each in local.stored() if each.modified == 1]
        here.artifacts.put(b"put again")

        assert local.remove(stale, before=2) is False
        assert here.artifacts.read(old) == b"put again"

    @pytest.mark.parametrize("grace", [1, timedelta(-1), None])
    def test_wants_a_time_of_grace(self, here, grace):
        with pytest.raises(InvalidValueError, match="grace"):
            here.artifacts.collect(grace=grace)


class TestAStore:
    def test_without_artifacts_says_how_to_open_it_with_them(self, fresh_database, connect):
        with pytest.raises(InvalidValueError, match="artifacts="):
            _ = connect(fresh_database("sqlite")).artifacts

    def test_that_only_reads_puts_and_collects_nothing(self, here, connect, folder):
        artifact = here.artifacts.put(b"a model")
        reader = connect(here.engine.url, read_only=True, artifacts=folder)

        assert reader.artifacts.read(artifact) == b"a model"
        assert reader.artifacts.collect(dry_run=True).kept == 1
        for call in (lambda: reader.artifacts.put(b"more"), reader.artifacts.collect):
            with pytest.raises(ReadOnlyError):
                call()

    def test_that_is_closed_gives_none(self, here):
        here.close()

        with pytest.raises(StoreClosedError):
            _ = here.artifacts


class TestArtifactsAtAUrl:
    def test_are_put_read_verified_and_collected_too(self, far):
        used, empty, garbage = far.artifacts.put(b"used"), far.artifacts.put(b""), far.artifacts.put(b"garbage")
        far.put("note", "n1", [used, empty])

        with far.artifacts.open(used) as file:
            assert (file.read(), file.seek(1), file.read()) == (b"used", 1, b"sed")
        assert far.artifacts.read(empty) == b""
        assert far.verify() == []
        assert far.artifacts.collect().digests == ()
        assert far.artifacts.collect(grace=NO_TIME).digests == (garbage.digest,)

    def test_that_are_damaged_or_missing_are_found(self, far):
        used, lost = far.artifacts.put(b"used"), far.artifacts.put(b"lost")
        far.put("note", "n1", [used, lost])
        memory = fsspec.filesystem("memory")
        for artifact, change in ((used, lambda path: memory.pipe_file(path, b"usee")), (lost, memory.rm_file)):
            name = artifact.digest.removeprefix("artifact:")
            change(f"/lab/artifacts/{name[:2]}/{name}")

        problems = [each.problem for each in far.verify()]

        assert sorted("not what was put" in each for each in problems) == [False, True]

    def test_outlive_a_connection(self, far, monkeypatch):
        def gone(*arguments, **options):
            raise OSError("Socket is closed")

        for call in ("info", "put_file", "open"):
            monkeypatch.setattr(fsspec.filesystem("memory"), call, gone)

        assert far.artifacts.read(far.artifacts.put(b"a model")) == b"a model"

    def test_have_no_path(self, far):
        with pytest.raises(InvalidValueError, match=r"use open\(\) or read\(\)"):
            far.artifacts.path(far.artifacts.put(b"a model"))


PUTTING = """
import os, signal, sys
from pathlib import Path
from docstore.store.artifact_files import LocalFiles

files = LocalFiles(Path(sys.argv[1]))
"""


class TestOtherProcesses:
    def test_one_that_is_killed_in_the_middle_leaves_no_artifact(self, here, folder):
        script = PUTTING + (
            "def chunks():\n"
            "    yield bytes(2**20)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
            "    yield bytes(2**20)\n"
            "files.add(chunks())"
        )

        done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True)

        assert done.returncode == -signal.SIGKILL
        assert [each.name for each in LocalFiles(folder).stored()] == [""]
        assert here.artifacts.read(here.artifacts.put(bytes(2**21))) == bytes(2**21)

    def test_two_that_put_the_same_at_once_leave_one_whole_file(self, here, folder):
        script = PUTTING + (
            "def chunks():\n"
            "    print('ready', flush=True)\n"
            "    sys.stdin.readline()\n"
            "    yield from [bytes([n]) * 2**18 for n in range(16)]\n"
            "for _ in range(4):\n"
            "    files.add(chunks())"
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        both = [subprocess.Popen([sys.executable, "-c", script, str(folder)], **pipes) for _ in range(2)]
        for _ in range(4):
            assert [each.stdout.readline() for each in both] == ["ready\n"] * 2
            for each in both:
                each.stdin.write("\n")
                each.stdin.flush()
        for each in both:
            each.communicate()

        assert [each.returncode for each in both] == [0, 0]
        (name,) = files(folder)
        LocalFiles(folder).open(name).close()
