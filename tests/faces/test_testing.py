"""What ``docstore.testing`` ships: it works for a stranger, its contract has teeth, it needs no more than it says."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa

import docstore
import docstore.testing
from docstore.testing import contract
from docstore.testing.contract import StoreContract

SOURCES = {path.stem: path.read_text() for path in Path(contract.__file__).parent.glob("*.py")}


def promises(cls: type) -> list[str]:
    """The tests that a class itself has."""
    return [name for name in vars(cls) if name.startswith("test_")]


def run_tests(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run *source* with pytest, as a stranger in a folder without anything else."""
    (folder / "test_ours.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def python(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)


def blocks_of(module: ModuleType) -> list[str]:
    """The blocks of code in a module's docstring."""
    return [textwrap.dedent(block) for block in re.findall(r"::\n\n((?: {4}.*\n|\n)+)", module.__doc__)]


class TestTheSnippetInItsDocstring:
    """A person pastes it into an empty folder."""

    @pytest.fixture
    def snippet(self):
        [block] = blocks_of(docstore.testing)
        return block

    def test_holds_a_database_to_the_promises(self, tmp_path, snippet):
        done = run_tests(tmp_path, snippet, "-k", "nested or purge or at_a_pointer")

        assert (done.returncode, done.stderr) == (0, "")
        assert re.search(r"^\d\d+ passed, \d+ deselected", done.stdout, re.MULTILINE)

    def test_has_every_promise(self, tmp_path, snippet):
        done = run_tests(tmp_path, snippet, "--collect-only")

        collected = set(re.findall(r"::TestOurs::(test_\w+)", done.stdout))
        assert collected == {name for cls in StoreContract.__mro__ for name in promises(cls)}

    def test_needs_a_database(self, tmp_path):
        source = "from docstore.testing.contract import StoreContract\n\nclass TestOurs(StoreContract):\n    pass\n"

        done = run_tests(tmp_path, source, "-k", "first_save_makes")

        assert "fixture 'database' not found" in done.stdout


class TestADatabaseOfAThirdParty:
    """A server that is given by its URL, and a store class of one's own: as the contract's docstring says."""

    @pytest.fixture(params=["postgresql", "mariadb"])
    def server(self, request, backends, tmp_path):
        """The URL of a server as its users have it: of a database, without options of these tests."""
        with backends.empty(request.param, tmp_path / "unused") as url:
            yield sa.make_url(url).set(query={}).render_as_string(hide_password=False)

    def test_is_held_to_the_contract(self, tmp_path, monkeypatch, server):
        monkeypatch.setenv("LAB_DATABASE_URL", server)

        done = run_tests(tmp_path, "".join(blocks_of(contract)), "-k", "first_save_makes or gone_for_good")

        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert re.search(r"^4 passed, \d+ deselected", done.stdout, re.MULTILINE)

    def test_has_every_promise(self, tmp_path):
        done = run_tests(tmp_path, "".join(blocks_of(contract)), "--collect-only")

        everything = {name for cls in StoreContract.__mro__ for name in promises(cls)}
        for cls in ("TestOurServer", "TestOurStore"):
            assert set(re.findall(rf"::{cls}::(test_\w+)", done.stdout)) == everything


SLOPPY = """
import pytest
import sqlalchemy as sa

import docstore
from docstore.testing.contract import StoreContract

pytestmark = pytest.mark.filterwarnings("ignore::docstore.OverwriteWarning")


class Ours(StoreContract):
    @pytest.fixture
    def database(self, tmp_path):
        return f"sqlite:///{tmp_path}/lab.db"

    @pytest.fixture
    def open_store(self, database):
        with docstore.connect(database) as store:
            yield lambda **options: self.Sloppy(store.engine, **options)
"""

SLOPPY_WAY = """

class TestOurs{number}(Ours):
    class Sloppy(docstore.Store):
        {method}
"""

SLOPPY_WAYS = {
    "names without their case": (
        "def load(self, name, **rest): return super().load(self.find()[0].name if self.find() else name, **rest)",
        "test_a_name_is_not_taken_for_another[in capitals]",
    ),
    "floats without their type": (
        "def put(self, kind, name, value): return super().put(kind, name, {'a': 1} if value == {'a': 1} else value)",
        "test_values_that_differ_in_type_or_bits_alone_make_two_versions",
    ),
    "the last writer wins": (
        "def save(self, obj, **rest): return super().save(obj, **{**rest, 'on_conflict': 'overwrite'})",
        "test_changes_in_one_place_are_refused_and_named_and_nothing_is_changed",
    ),
    "no past": (
        "def load(self, name, *, version=None, **rest): return super().load(name, **rest)",
        "test_a_version_is_loaded_by_its_number[1]",
    ),
    "a purge that only deletes": (
        "def purge(self, name, **rest): return super().delete(name, **rest)",
        "test_a_purge_of_the_living_leaves_the_deleted",
    ),
    "blind to damage": (
        "def verify(self): return []",
        "test_a_body_that_sql_changed_is_found",
    ),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What is told of each test that failed, when one process tries each store by the promise that it breaks."""
    ways = list(enumerate(SLOPPY_WAYS.values()))
    source = SLOPPY + "".join(SLOPPY_WAY.format(number=number, method=method) for number, (method, _) in ways)
    tests = [f"test_ours.py::TestOurs{number}::{promise.partition('[')[0]}" for number, (_, promise) in ways]

    done = run_tests(tmp_path_factory.mktemp("sloppy"), source, *tests)

    _, *told = re.split(r"^_+ TestOurs(\d+)\.(\S.*?) _+$", done.stdout, flags=re.MULTILINE)
    return {(int(number), test): text for number, test, text in zip(*[iter(told)] * 3, strict=True)}


class TestAStoreThatBreaksAPromise:
    @pytest.mark.parametrize("way", SLOPPY_WAYS)
    def test_is_told_so_with_what_was_expected(self, told, way):
        _, promise = SLOPPY_WAYS[way]

        number = list(SLOPPY_WAYS).index(way)
        text = "".join(text for (of, test), text in told.items() if of == number and test.startswith(promise))

        assert re.search(r"^E +(AssertionError: )?assert .+ (==|is) |^E +Failed: DID NOT RAISE", text, re.MULTILINE)


class TestTheContract:
    def test_has_no_name_twice(self):
        """Of two mixins with one test's name, the second's would never run."""
        counted = Counter(name for cls in StoreContract.__mro__ for name in promises(cls))

        assert [name for name, count in counted.items() if count > 1] == []

    @pytest.mark.parametrize("method", [name for name in vars(docstore.Store) if not name.startswith("_")])
    def test_is_about_every_method_of_a_store(self, method):
        assert re.search(rf"\.{method}\(|\.{method}\b|\"{method}\"", "".join(SOURCES.values()))

    @pytest.mark.parametrize("module", SOURCES)
    def test_uses_public_names_and_no_clock(self, module):
        assert re.findall(r"\._[a-z]\w*|\bsleep\b|\bmonotonic\b|\bperf_counter\b", SOURCES[module]) == []


class TestImportingIt:
    def test_is_not_done_by_docstore(self):
        done = python(
            "import sys, docstore\n"
            "print([name for name in sys.modules if name.startswith(('docstore.testing', 'hypothesis', '_pytest'))])"
        )

        assert done.stdout == "[]\n"

    @pytest.mark.parametrize(
        ("missing", "part"), [("hypothesis", "docstore.testing.strategies"), ("pytest", "docstore.testing.contract")]
    )
    def test_without_a_package_says_which_extra_to_install(self, missing, part):
        done = python(f"import sys\nsys.modules[{missing!r}] = None\nimport {part}")

        assert re.search(rf"MissingDependencyError: {part} needs {missing}\. .*docstore\[testing\]", done.stderr)

    @pytest.mark.parametrize(
        ("missing", "part"),
        [
            ("hypothesis", "contract"),
            ("hypothesis", "exact"),
            ("hypothesis", "experiments"),
            ("pytest", "strategies"),
            ("pytest", "exact"),
            ("pytest", "experiments"),
        ],
    )
    def test_without_a_package_leaves_what_does_not_need_it(self, missing, part):
        done = python(f"import sys\nsys.modules[{missing!r}] = None\nimport docstore.testing.{part}")

        assert (done.returncode, done.stderr) == (0, "")
