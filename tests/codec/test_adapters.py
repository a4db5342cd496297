"""Objects of a library are found by themselves: a module of docstore's with their entries is imported at first need."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any

import pytest

import docstore
from docstore.codec.values.optional_types import ADAPTERS
from docstore.errors import EncodeError, MissingDependencyError, UnknownTagError

NUMBERS = count()

LIBRARY = """
class Tree:
    def __init__(self, name):
        self._name = name
        self._height = 1.5

class Seed:
    pass

class Apple(Tree):
    pass
"""

ADAPTER = """
from {library} import trees
from {library}.trees import Tree
from docstore.codec.classes.field_tables import field_table
from docstore.codec.registry import Entry, Registry
from docstore.documents.kinds import kind_declared

KIND = kind_declared("tree", name_field="name", type=None, status=None, parts=[], keyed=None)
REGISTRY = Registry([
    Entry(Tree, "{library}.Tree", fields=field_table(Tree, ["_name", "_height"]), kind=KIND, model="ax"),
])
REGISTRY = REGISTRY.with_class_encoders({{Tree: lambda cls: {{"__type": "{library}.type", "name": cls.__name__}}}})
REGISTRY = REGISTRY.with_class_decoders({{"{library}.type": lambda members: getattr(trees, members["name"])}})
"""


@pytest.fixture
def library(tmp_path, monkeypatch) -> str:
    """The name of a package that can be imported, and that docstore has an adapter for; each test has its own."""
    name = f"orchard{next(NUMBERS)}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "trees.py").write_text(LIBRARY)
    (tmp_path / f"{name}_adapter.py").write_text(ADAPTER.format(library=name))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(ADAPTERS, name, f"{name}_adapter")
    return name


@pytest.fixture
def trees(library) -> ModuleType:
    """The module of the library that has its classes."""
    return import_module(f"{library}.trees")


def text_of(library: str) -> bytes:
    return b'{"__type":"%s.Tree","height":1.5,"name":"oak"}' % library.encode()


class TestAnObjectOfALibrary:
    def test_is_written_and_read_without_a_registration(self, trees, library):
        text = docstore.dumps([trees.Tree("oak")])

        assert text == b"[%s]" % text_of(library)
        assert [vars(tree) for tree in docstore.loads(text)] == [{"_name": "oak", "_height": 1.5}]

    def test_is_found_by_its_tag_alone(self, library):
        loaded: Any = docstore.loads(text_of(library))

        assert type(loaded) is sys.modules[f"{library}.trees"].Tree

    def test_may_be_a_document_of_its_model(self, store, trees):
        store.save(trees.Tree("oak"))

        assert [found.model for found in store.find(kind="tree")] == ["ax"]
        assert type(store.load("oak", kind="tree")) is trees.Tree
        assert list(store.verify()) == []

    def test_stays_found_after_classes_are_registered(self, trees, forgotten):
        @docstore.register
        class Branch:
            def __init__(self, tree: Any) -> None:
                self.tree = tree

        assert type(docstore.loads(docstore.dumps(Branch(trees.Tree("oak")))).tree) is trees.Tree

    def test_of_a_class_that_the_adapter_lacks_is_refused(self, trees, library):
        with pytest.raises(EncodeError, match=rf"{library}\.trees\.Seed cannot be written exactly"):
            docstore.dumps(trees.Seed())

    def test_of_a_users_subclass_is_registered_by_the_user(self, trees, forgotten):
        """An object is found by where its own class is defined."""

        class Bonsai(trees.Tree):  # type: ignore[misc,name-defined]  # a module that is made here
            pass

        with pytest.raises(EncodeError, match="Bonsai cannot be written exactly"):
            docstore.dumps(Bonsai("oak"))
        docstore.register(Bonsai, fields=["_name", "_height"])
        assert type(docstore.loads(docstore.dumps(Bonsai("oak")))) is Bonsai


class TestAClassOfALibrary:
    def test_is_a_value_too(self, trees, library):
        text = docstore.dumps([trees.Apple])

        assert text == b'[{"__type":"%s.type","name":"Apple"}]' % library.encode()
        assert docstore.loads(text) == [trees.Apple]

    def test_that_the_adapter_has_no_function_for_is_refused(self, trees):
        with pytest.raises(EncodeError, match="Seed is a value here, not an instance of it"):
            docstore.dumps(trees.Seed)


class TestTheAdapter:
    def test_is_imported_at_first_need(self, library):
        docstore.loads(docstore.dumps([1, object.__name__]))

        assert f"{library}_adapter" not in sys.modules

        docstore.loads(text_of(library))

        assert f"{library}_adapter" in sys.modules

    def test_is_not_asked_for_the_json_of_a_document(self, store, trees):
        store.save(trees.Tree("oak"))

        members = store.get("oak", kind="tree")

        assert (type(members), members["height"]) == (dict, 1.5)


class TestALibraryThatIsNotInstalled:
    @pytest.fixture
    def text(self, monkeypatch) -> bytes:
        """The text of an object of it."""
        monkeypatch.setitem(ADAPTERS, "nowhere", "no_such_adapter")
        return text_of("nowhere")

    def test_is_named_where_its_object_is_read(self, text):
        with pytest.raises(MissingDependencyError, match=r"reading nowhere\.Tree needs nowhere. Install it with"):
            docstore.loads(text)

    def test_leaves_its_object_unread_where_unknown_ones_are_kept(self, text):
        kept = docstore.loads(text, unknown="keep")

        assert docstore.dumps(kept) == text

    def test_is_another_case_than_a_tag_that_nobody_knows(self):
        with pytest.raises(UnknownTagError):
            docstore.loads(text_of("nobody"))
