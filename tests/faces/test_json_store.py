"""Experiments in JSON files: what is read is what was saved, and a save never damages the file that was there."""

from __future__ import annotations

import bz2
import errno
import gzip
import json
import lzma
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import docstore
from docstore import (
    Data,
    Experiment,
    GenerationNode,
    GenerationStrategy,
    Metric,
    ParameterType,
    RangeParameter,
    SearchSpace,
)
from docstore.errors import (
    DecodeError,
    EncodeError,
    FileAccessError,
    FileFormatError,
    InvalidValueError,
    MissingFileError,
    NewerFormatError,
)
from docstore.json_store import files, transfer
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment


@pytest.fixture
def experiment():
    """An experiment with numbers that JSON itself cannot hold."""
    made = Experiment(
        name="file",
        search_space=SearchSpace([RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0)]),
        tracking_metrics=[Metric("m")],
    )
    trial = made.new_trial(parameters={"x": 0.1})
    made.attach_data(
        Data.from_records(
            [{"trial_index": 0, "arm_name": trial.arm.name, "metric_name": "m", "mean": float("nan"), "sem": -0.0}]
        )
    )
    return made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "experiment.json"


class TestASavedExperiment:
    """Saved to a file, and loaded again."""

    @pytest.mark.parametrize("name", ["experiment.json", "experiment.json.gz", "no suffix", "ünïcode ☃.xz.json"])
    def test_comes_back_exactly(self, experiment, tmp_path, name):
        save_experiment(experiment, tmp_path / name)

        assert docstore.dumps(load_experiment(tmp_path / name)) == docstore.dumps(experiment)

    @pytest.mark.parametrize("name", ["a.json.xz", "a.json.bz2", "a.zip", "a.json.ZST"])
    def test_is_not_plain_under_a_name_that_says_it_is_compressed(self, experiment, tmp_path, name):
        with pytest.raises(InvalidValueError, match=rf"filepath: .*{name}.*Only gzip.*\.gz"):
            save_experiment(experiment, tmp_path / name)

        assert list(tmp_path.iterdir()) == []

    def test_is_compressed_by_its_suffix_in_capitals_too(self, experiment, tmp_path):
        save_experiment(experiment, tmp_path / "a.json.GZ")

        assert gzip.decompress((tmp_path / "a.json.GZ").read_bytes()) == docstore.dumps(experiment)

    def test_is_the_canonical_text(self, experiment, path):
        save_experiment(experiment, path)

        assert path.read_bytes() == docstore.dumps(experiment)

    def test_is_read_by_any_json_parser(self, experiment, path):
        save_experiment(experiment, path)

        assert json.loads(path.read_text())["trials"]["0"]["generator_run"]["arms"][0]["parameters"] == {"x": 0.1}

    def test_is_indented_for_people_and_reads_the_same(self, experiment, path):
        save_experiment(experiment, path, indent=True)

        assert b'\n  "name": "file",\n' in path.read_bytes()
        assert docstore.dumps(load_experiment(path)) == docstore.dumps(experiment)

    def test_is_compressed_where_the_name_says_so_and_always_to_the_same_bytes(self, experiment, tmp_path):
        for name in ("a.json.gz", "b.json.gz"):
            save_experiment(experiment, tmp_path / name)

        assert gzip.decompress((tmp_path / "a.json.gz").read_bytes()) == docstore.dumps(experiment)
        assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()

    def test_makes_the_folders_that_are_missing(self, experiment, tmp_path):
        save_experiment(experiment, tmp_path / "a" / "b c" / "experiment.json")

        assert (tmp_path / "a" / "b c" / "experiment.json").is_file()

    def test_goes_to_the_folder_one_is_in(self, experiment, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        save_experiment(experiment, "experiment.json")

        assert [entry.name for entry in tmp_path.iterdir()] == ["experiment.json"]

    def test_leaves_nothing_else_behind(self, experiment, path):
        save_experiment(experiment, path)
        save_experiment(experiment, path)

        assert [entry.name for entry in path.parent.iterdir()] == ["experiment.json"]


class TestTheFileThatWasThere:
    """A save either replaces it whole, or leaves it byte for byte."""

    @pytest.fixture
    def old(self, experiment, path):
        save_experiment(experiment, path)
        return path.read_bytes()

    def test_is_untouched_by_an_object_that_cannot_be_encoded(self, experiment, path, old):
        experiment.properties["socket"] = object()

        with pytest.raises(EncodeError) as caught:
            save_experiment(experiment, path)

        assert caught.value.pointer == "/properties/socket"
        assert path.read_bytes() == old
        assert [entry.name for entry in path.parent.iterdir()] == ["experiment.json"]

    def test_is_untouched_by_something_that_is_no_experiment(self, path, old):
        with pytest.raises(InvalidValueError, match="Give an Experiment"):
            save_experiment({"name": "file"}, path)

        assert path.read_bytes() == old

    @pytest.mark.parametrize("call", ["write", "fsync", "replace"])
    @pytest.mark.parametrize("trouble", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    def test_is_untouched_when_the_system_fails_in_the_middle(self, experiment, path, old, monkeypatch, call, trouble):
        def fail(*arguments, **options):
            raise trouble

        if call == "write":
            monkeypatch.setattr(os, "fdopen", fail)
        else:
            monkeypatch.setattr(os, call, fail)
        experiment.description = "changed"

        with pytest.raises((FileAccessError, KeyboardInterrupt)):
            save_experiment(experiment, path)

        assert path.read_bytes() == old
        assert [entry.name for entry in path.parent.iterdir()] == ["experiment.json"]

    def test_is_untouched_when_the_process_is_killed_in_the_middle(self, path, old):
        script = textwrap.dedent(
            """
            import os, signal, sys
            from docstore import Experiment, SearchSpace
            from docstore.json_store.save import save_experiment
            os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
            save_experiment(Experiment(name="other", search_space=SearchSpace([])), sys.argv[1])
            """
        )

        finished = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True)

        assert finished.returncode == -9
        assert path.read_bytes() == old

    def test_reaches_the_disk_before_it_takes_the_name_and_so_does_the_name(self, experiment, path, old, monkeypatch):
        calls = []
        fsync, replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", lambda handle: (calls.append(_sort(handle)), fsync(handle)))
        monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("rename"), replace(a, b)))

        save_experiment(experiment, path)

        assert calls == ["file", "rename", "folder"]

    def test_keeps_its_permissions(self, experiment, path, old):
        path.chmod(0o640)

        save_experiment(experiment, path)

        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_stays_where_a_link_leads(self, experiment, path, old, tmp_path):
        link = tmp_path / "link.json"
        link.symlink_to(path)
        experiment.description = "changed"

        save_experiment(experiment, link)

        assert link.is_symlink()
        assert path.read_bytes() == docstore.dumps(experiment)


class TestThePermissionsOfAFile:
    """Those of a new one are the system's to decide; those of one that is replaced stay."""

    @pytest.fixture
    def umask(self):
        """Sets the umask for a test."""
        before = os.umask(0o022)
        yield os.umask
        os.umask(before)

    @pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o000, 0o666), (0o027, 0o640)])
    def test_are_what_the_umask_leaves_of_a_new_one(self, experiment, path, umask, mask, mode):
        umask(mask)

        save_experiment(experiment, path)

        assert stat.S_IMODE(path.stat().st_mode) == mode

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
    @pytest.mark.parametrize("mask", [0o000, 0o077])
    def test_stay_when_it_is_replaced_whatever_the_umask(self, experiment, path, umask, mask, mode):
        save_experiment(experiment, path)
        path.chmod(mode)
        umask(mask)

        save_experiment(experiment, path)

        assert stat.S_IMODE(path.stat().st_mode) == mode

    @pytest.mark.parametrize("is_there", [False, True])
    def test_are_found_without_setting_the_umask_which_all_threads_share(self, experiment, path, monkeypatch, is_there):
        if is_there:
            save_experiment(experiment, path)
        asked = []
        monkeypatch.setattr(os, "umask", lambda mask: asked.append(mask) or 0o022)

        save_experiment(experiment, path)

        assert asked == []

    def test_are_nobody_elses_while_a_private_file_is_being_replaced(self, experiment, path, umask, monkeypatch):
        save_experiment(experiment, path)
        path.chmod(0o600)
        umask(0)
        seen = []
        fdopen = os.fdopen
        monkeypatch.setattr(
            os,
            "fdopen",
            lambda handle, *way: (seen.append(stat.S_IMODE(os.fstat(handle).st_mode)), fdopen(handle, *way))[1],
        )

        save_experiment(experiment, path)

        assert seen == [0o600]

    def test_of_anothers_file_stay_anothers_when_root_replaces_it(self, experiment, path):
        # Only root may give a file away.
        owner = (1234, 2345) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        save_experiment(experiment, path)
        os.chown(path, *owner)
        path.chmod(0o4750)

        save_experiment(experiment, path)

        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (*owner, 0o4750)

    def test_are_kept_where_the_owner_cannot_be(self, experiment, path, monkeypatch):
        def refuse(*arguments):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        save_experiment(experiment, path)
        path.chmod(0o640)
        monkeypatch.setattr(os, "fchown", refuse)

        save_experiment(experiment, path)

        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def _sort(handle: int) -> str:
    return "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"


class TestAFileThatCannotBeRead:
    """Each trouble is told, with the place."""

    def test_is_missing_and_its_neighbour_is_named(self, experiment, path):
        save_experiment(experiment, path)

        with pytest.raises(MissingFileError, match=r"Its folder has experiment\.json"):
            load_experiment(path.parent / "experimant.json")

    def test_is_missing_and_python_knows_the_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            load_experiment(tmp_path / "none" / "experiment.json")

    def test_is_a_folder(self, tmp_path, experiment):
        with pytest.raises(FileAccessError):
            load_experiment(tmp_path)
        with pytest.raises(FileAccessError, match="it is a folder"):
            save_experiment(experiment, tmp_path)

    def test_has_a_file_where_its_folder_should_be(self, tmp_path, experiment):
        (tmp_path / "file").write_text("x")

        with pytest.raises(FileAccessError):
            save_experiment(experiment, tmp_path / "file" / "experiment.json")

    def test_is_empty(self, path):
        path.write_bytes(b"")

        with pytest.raises(FileFormatError, match="it is empty"):
            load_experiment(path)

    @pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
    def test_is_truncated(self, experiment, path, share):
        text = docstore.dumps(experiment)
        path.write_bytes(text[: max(1, int(len(text) * share))])

        with pytest.raises(FileFormatError, match=r"line 1, column \d+"):
            load_experiment(path)

    @pytest.mark.parametrize(("pack", "by"), [(lzma.compress, "xz"), (bz2.compress, "bzip2")])
    def test_that_is_compressed_otherwise_says_by_what(self, path, pack, by):
        path.write_bytes(pack(b"{}"))

        with pytest.raises(FileFormatError, match=f"compressed by {by}, .* only gzip"):
            load_experiment(path)

    def test_is_compressed_and_truncated(self, experiment, tmp_path):
        path = tmp_path / "experiment.json.gz"
        save_experiment(experiment, path)
        path.write_bytes(path.read_bytes()[:-20])

        with pytest.raises(FileFormatError, match="cut off"):
            load_experiment(path)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('{"a": 1}', "no '__type' at the top"),
            ("[1, 2]", "no '__type' at the top"),
            ('"Experiment"', "no '__type' at the top"),
            ('{"__type": "Experiment", "name": "ax"}', "Ax's own storage: docstore.ax.import_json"),
            ('{"__type": "Experiment", "__format": "1"}', "at /__format"),
            ("<html></html>", "not JSON"),
            ("\x80abc", "not JSON"),
        ],
    )
    def test_is_foreign(self, path, text, problem):
        path.write_text(text, encoding="latin-1")

        with pytest.raises(FileFormatError, match=problem):
            load_experiment(path)

    def test_is_of_a_newer_format(self, experiment, path):
        path.write_bytes(docstore.dumps(experiment).replace(b'"__format":1', b'"__format":7'))

        with pytest.raises(NewerFormatError) as caught:
            load_experiment(path)

        assert (caught.value.path, caught.value.found, caught.value.known) == (str(path), 7, 1)

    def test_holds_another_document(self, path):
        path.write_bytes(docstore.dumps(GenerationStrategy(name="gs", nodes=[GenerationNode("sobol")])))

        with pytest.raises(FileFormatError, match="it holds a GenerationStrategy"):
            load_experiment(path)

    def test_has_a_wrong_value_inside_and_the_error_names_the_place_and_the_file(self, experiment, path):
        path.write_bytes(docstore.dumps(experiment).replace(b'"status":"CANDIDATE"', b'"status":"SLEEPING"'))

        with pytest.raises(DecodeError) as caught:
            load_experiment(path)

        assert caught.value.pointer == "/trials/0/status"
        assert caught.value.__notes__ == [f"in the file {path}"]


class TestTheSameDocumentInAFileAndInADatabase:
    """The same encoder writes both."""

    def test_has_the_same_text_and_digest(self, experiment, path, tmp_path):
        store = docstore.connect(f"sqlite:///{tmp_path}/lab.db")

        version = store.save(experiment)
        save_experiment(experiment, path)
        from_file, from_store = load_experiment(path), store.load("file")
        store.close()

        digests = {docstore.digest(each) for each in (experiment, from_file, from_store)}
        assert digests == {version.digest}
        assert path.read_bytes() == docstore.dumps(from_store)


def test_a_relative_path_object_is_taken(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    save_experiment(experiment, Path("a") / "experiment.json")

    assert load_experiment(Path("a/experiment.json")).name == "file"


class TestAFileThatIsWrittenPieceByPiece:
    @pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
    def test_comes_back_line_by_line(self, tmp_path, name):
        with files.writing(tmp_path / "new" / name) as file:
            for line in (b"1\n", b"\n", b"3"):
                file.write(line)

        assert list(files.lines(tmp_path / "new" / name)) == [b"1", b"", b"3"]

    def test_is_as_it_was_if_the_block_raises(self, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b"old")

        with pytest.raises(TypeError), files.writing(tmp_path / "a.jsonl") as file:
            file.writelines([b"new", None])

        assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.jsonl", b"old")]

    def test_that_was_cut_off_is_said_to_be(self, tmp_path):
        with files.writing(tmp_path / "a.jsonl.gz") as file:
            file.write(os.urandom(10_000))
        (tmp_path / "a.jsonl.gz").write_bytes((tmp_path / "a.jsonl.gz").read_bytes()[:-100])

        with pytest.raises(FileFormatError, match="damaged or cut off"):
            list(files.lines(tmp_path / "a.jsonl.gz"))

    def test_can_be_at_a_url(self):
        with files.writing("memory://lab/a.jsonl.gz") as file:
            file.write(b"1\n2\n")

        assert list(files.lines("memory://lab/a.jsonl.gz")) == [b"1", b"2"]


class TestAFileForOneDocument:
    """A .json file to which the documents of a search are exported."""

    @pytest.fixture
    def lab(self, experiment, tmp_path):
        with docstore.connect(tmp_path / "lab.db") as store:
            store.save(experiment)
            store.save(Experiment(name="other", search_space=SearchSpace([])))
            yield store

    def test_is_as_it_was_if_there_are_several(self, lab, path):
        path.write_bytes(b"KEEP ME")

        with pytest.raises(InvalidValueError, match=r"is for one document: write \.jsonl"):
            transfer.export_documents(lab, lab.find("experiment"), str(path))

        assert path.read_bytes() == b"KEEP ME"

    def test_has_the_one(self, lab, path):
        assert transfer.export_documents(lab, lab.find("experiment", name="other"), str(path)) == 1

        assert load_experiment(path).name == "other"
