"""Which modules are imported for what: a process of its own for each program, in which nothing was imported before."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import docstore
from docstore.errors import MissingDependencyError

NOT_NEEDED = {"sqlalchemy", "alembic", "psycopg2", "pymysql", "deepdiff", "numpy", "pandas", "torch"}

WITHOUT_A_DATABASE = {"errors", "model", "documents", "codec", "registry", "registry_bundle", "json_store"}
"""The packages of docstore that know neither SQL nor stores."""

IN_MEMORY = {
    "import docstore": "import docstore",
    "errors": "from docstore.errors import ConflictError",
    "the model": """
from docstore import Experiment, ParameterType, RangeParameter, SearchSpace
sugar = RangeParameter("sugar", ParameterType.FLOAT, 0.0, 1.0)
experiment = Experiment(name="cakes", search_space=SearchSpace([sugar]))
before = docstore.dumps(experiment)
experiment.new_trial(parameters={"sugar": 0.5}).mark_running()
""",
    "dumps": "text = docstore.dumps(experiment)",
    "loads": "docstore.loads(text)",
    "digest": "docstore.digest(experiment)",
    "diff": "assert docstore.diff(docstore.loads(before), experiment).words",
    "document": """
from dataclasses import dataclass
@docstore.document(kind="note")
@dataclass
class Note:
    name: str
""",
    "register": """
@docstore.register
@dataclass
class Place:
    name: str
""",
    "RegistryBundle": "docstore.dumps(Note('n'), bundle=docstore.RegistryBundle(classes=[Place]))",
    "json_store": """
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
save_experiment(experiment, "cakes.json.gz")
load_experiment("cakes.json.gz")
""",
}
"""The steps of a program that needs no database."""

IN_A_DATABASE = {
    "connect": "import docstore; store = docstore.connect(sys.argv[1])",
    "save": "from docstore.testing.experiments import new_experiment; store.save(new_experiment())",
    "load": "mine, theirs = store.load('cakes'), store.load('cakes')",
    "merge": """
mine.description = "mine"
store.save(mine)
store.save_trial(theirs, theirs.new_trial(parameters={"x": 0.25, "flour": "rye"}))
""",
    "conflict": """
mine.description, theirs.description = "mine again", "theirs"
store.save(mine)
try: store.save(theirs)
except docstore.errors.ConflictError: pass
""",
    "find": "store.find()[0]",
}
"""The steps of a program on a database whose tables are current."""


def imported(steps: dict[str, str], *arguments: str, folder: Path) -> dict[str, set[str]]:
    """Return the modules that were imported by the end of each step of a program."""
    note = "noted.append(sorted(sys.modules))"
    lines = ["import json, sys", "noted = []", *(line for step in steps.values() for line in (step, note))]
    program = "\n".join([*lines, "print(json.dumps(noted))"])
    # -P: Python looks for no module in the folder.
    command = [sys.executable, "-P", "-c", program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(steps, map(set, json.loads(done.stdout)), strict=True))


def packages(modules: set[str]) -> set[str]:
    """Return the entries of docstore that *modules* are of."""
    return {module.split(".")[1] for module in modules if module.startswith("docstore.")}


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory):
    return imported(IN_MEMORY, folder=tmp_path_factory.mktemp("memory"))


@pytest.fixture(scope="module")
def in_a_database(backends, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    with backends.fresh("sqlite", folder / "lab.db") as database:
        return imported(IN_A_DATABASE, database, folder=folder)


class TestAProgramWithoutADatabase:
    def test_has_imported_nothing_else_of_docstore_before_it_uses_a_name(self, in_memory):
        assert packages(in_memory["import docstore"]) == set()

    @pytest.mark.parametrize("step", IN_MEMORY)
    def test_imports_no_sqlalchemy_and_no_optional_package(self, in_memory, step):
        assert in_memory[step] & NOT_NEEDED == set()

    def test_imports_nothing_of_docstore_that_knows_a_database(self, in_memory):
        assert packages(in_memory["json_store"]) == WITHOUT_A_DATABASE - {"registry_bundle"}


class TestAStoreOnSQLite:
    def test_imports_neither_alembic_nor_what_other_databases_need(self, in_a_database):
        elsewhere = {"sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql", "sqlalchemy.orm"}

        assert in_a_database["conflict"] & (NOT_NEEDED - {"sqlalchemy"} | elsewhere) == set()

    def test_is_opened_without_what_searches_and_verifies(self, in_a_database):
        assert packages(in_a_database["connect"]) & {"search", "verify"} == set()

    @pytest.mark.parametrize("step", ["save", "load", "merge", "conflict"])
    def test_imports_nothing_later_for_what_must_not_fail(self, in_a_database, step):
        """Or a program that has run for weeks would read half of a docstore that was installed meanwhile."""
        later = in_a_database[step] - in_a_database["connect"]

        assert {module for module in later if not module.startswith("docstore.testing")} == set()


class TestWithoutAx:
    def test_its_clients_say_how_it_is_installed(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "ax", None)  # as if it were not there

        with pytest.raises(MissingDependencyError, match=re.escape("pip install 'docstore[ax]'")):
            import_module("docstore.ax")

    @pytest.mark.parametrize("root", ["ax", "botorch", "gpytorch"])
    def test_an_object_of_it_or_of_what_it_brings_says_so_too(self, monkeypatch, root):
        monkeypatch.setitem(sys.modules, "ax", None)
        monkeypatch.delitem(sys.modules, "docstore.ax", raising=False)

        with pytest.raises(MissingDependencyError, match=rf"reading {root}.X .*'docstore\[ax\]'") as caught:
            docstore.loads(b'{"__type":"%s.X"}' % root.encode())

        assert caught.value.extra == "ax"


class TestNamesThatAreImportedWhenUsed:
    @pytest.mark.parametrize(("name", "module"), docstore._LOADED_WHEN_USED.items())
    def test_are_those_of_their_modules(self, name, module):
        assert getattr(docstore, name) is getattr(import_module(module), name)

    def test_are_the_same_for_type_checkers(self):
        body = ast.parse(inspect.getsource(docstore)).body
        [block] = [each for each in body if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"]

        imported = {name.name: each.module for each in block.body for name in each.names}

        assert imported == {**docstore._LOADED_WHEN_USED, "registry": "docstore"}

    def test_are_all_that_is_public_but_the_version_and_a_module(self):
        assert {*docstore._LOADED_WHEN_USED, "__version__", "registry"} == set(docstore.__all__)

    def test_come_by_a_star_too(self):
        names: dict[str, object] = {}

        exec("from docstore import *", names)

        assert set(docstore.__all__) <= set(names)

    def test_public_modules_are_there_without_an_import_of_their_own(self, tmp_path):
        after = imported({"use": "import docstore; docstore.sqa_store, docstore.registry_bundle"}, folder=tmp_path)

        assert {"docstore.sqa_store", "docstore.registry_bundle"} <= after["use"]

    def test_another_name_is_an_error(self):
        with pytest.raises(AttributeError, match="module 'docstore' has no attribute 'conect'"):
            docstore.conect  # noqa: B018  # the look-up is what is tested
