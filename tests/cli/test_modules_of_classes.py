"""Classes of the user's own at the command line: the modules that ``[tool.docstore]`` names are imported.

The commands run in the process of the tests, which keeps their classes: no other test has classes of these names.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

import docstore

CLASSES = """
from dataclasses import dataclass, field
from enum import Enum
import docstore

class KitchenGrain(Enum):
    RYE = 1

@docstore.document(kind="module-starter", parts=["/feedings/*"])
@dataclass
class KitchenStarter:
    name: str
    grain: KitchenGrain = KitchenGrain.RYE
    feedings: dict[str, float] = field(default_factory=dict)
"""


@pytest.fixture
def installed(tmp_path_factory, monkeypatch):
    """Install a module with this source where docstore is installed; it is forgotten afterwards."""
    folder = tmp_path_factory.mktemp("installed")
    monkeypatch.syspath_prepend(folder)

    def installed(name: str, source: str) -> None:
        (folder / f"{name}.py").write_text(source)
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)

    return installed


@pytest.fixture
def configured(lab, tmp_path):
    def configured(modules: str) -> None:
        (tmp_path / "pyproject.toml").write_text(f"[tool.docstore]\nmodules = {modules}\n")

    return configured


@pytest.fixture
def starter(lab) -> None:
    """A document of the class, saved by a program that has it."""
    text = '{"__document":{"name":"name","parts":["/feedings/*"]},"__format":1,"__type":"KitchenStarter",'
    with docstore.connect(lab) as store:
        store.put_json("module-starter", "bubbles", text + '"name":"bubbles","grain":"RYE","feedings":{"mon":1.0}}')


class TestADocumentOfAClassInAModule:
    @pytest.fixture(autouse=True)
    def _classes(self, installed, configured, starter):
        installed("kitchen_classes", CLASSES)
        configured('["kitchen_classes"]')

    def test_is_checked_by_its_class(self, docstore_cli, monkeypatch, unchanged):
        monkeypatch.setenv("EDITOR", """sh -c 'grep -q "^#" "$1" || echo \\"OAT\\" > "$1"' sh""")

        ended = docstore_cli("edit bubbles /grain -k module-starter")

        assert (ended.code, "at /grain: KitchenGrain has no member 'OAT'; it has RYE" in ended.err) == (3, True)
        assert unchanged()

    def test_says_its_kind_itself(self, docstore_cli, tmp_path):
        text = docstore_cli("get bubbles -k module-starter").out
        (tmp_path / "rye.json").write_text(text.replace('"bubbles"', '"rye"'))

        assert docstore_cli("save rye.json").err == "'rye' is at version 1 now\n"

    def test_is_looked_at_without_the_module(self, docstore_cli):
        for line in ("show bubbles", "get bubbles", "log bubbles", "blame bubbles", "diff bubbles 1 1"):
            assert docstore_cli(f"{line} -k module-starter").code == 0
        assert docstore_cli("ls").code == 0

        assert "kitchen_classes" not in sys.modules

    @pytest.mark.parametrize(
        "line",
        [
            "rename bubbles rye -k module-starter",
            "branch bubbles rye -k module-starter",
            "verify --decode",
            "import all.jsonl",
        ],
    )
    def test_is_checked_by_other_commands_too(self, docstore_cli, line):
        docstore_cli("export all.jsonl")

        assert docstore_cli(line).code == 0
        assert "kitchen_classes" in sys.modules


def test_without_the_module_it_is_said_where_to_name_it(docstore_cli, lab):
    with docstore.connect(lab) as store:
        store.put_json(
            "module-starter", "rye", b'{"__document":{"name":"name"},"__format":1,"__type":"Sour","name":"rye"}'
        )

    ended = docstore_cli("verify --decode -o jsonl")

    assert ended.code == 1
    assert "Name the module that defines it in modules under [tool.docstore] in pyproject.toml." in ended.out


class TestAModuleThatCannotBeImported:
    def test_is_named_in_one_line_with_the_reason(self, docstore_cli, installed, configured, unchanged):
        installed("broken_classes", "1 / 0")
        configured('["broken_classes"]')

        ended = docstore_cli("edit n1 -k note")

        assert (ended.code, ended.out) == (3, "")
        assert ended.err.startswith("docstore: the module 'broken_classes' cannot be imported, which modules under")
        assert "pyproject.toml names: ZeroDivisionError: division by zero. Install what it is in" in ended.err
        assert ended.err.count("\n") == 1
        assert docstore_cli("ls -q").code == 0
        assert unchanged()

    def test_is_not_looked_for_in_the_current_folder(self, lab, tmp_path, configured):
        """A pyproject.toml that came with somebody's files may name a module beside it."""
        (tmp_path / "beside.py").write_text("open('was imported', 'w')")
        (tmp_path / "click.py").write_text("open('was imported', 'w')")
        configured('["beside"]')

        ended = subprocess.run(
            [sys.executable, "-m", "docstore", "rename", "cakes", "pies"], capture_output=True, text=True, check=False
        )

        assert ended.returncode == 3
        assert "ModuleNotFoundError: No module named 'beside'" in ended.stderr
        assert not (tmp_path / "was imported").exists()

    @pytest.mark.parametrize("modules", ['"kitchen_classes"', "[1]"])
    def test_nor_is_what_is_no_list_of_names(self, docstore_cli, configured, modules):
        configured(modules)

        ended = docstore_cli("ls")

        assert ended.code == 2
        assert 'is not a list of texts. Write modules = ["mylab.classes"].' in ended.err
