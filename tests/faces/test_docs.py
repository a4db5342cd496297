"""README, CONTRIBUTING and each page of ``docs/``: they run as they stand, print what they show, name what is there."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
from pathlib import Path

import pages
import pytest
import sqlalchemy as sa
from pages import PAGES, ROOT

import docstore
from docstore import errors

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
MAKEFILE = (ROOT / "Makefile").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
ROOTS = (ROOT, ROOT / "docstore")
SERVER = "postgresql://user:password@host/lab"


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", paths, ids=lambda path: str(path.relative_to(ROOT)))


def run_through(page: Path, folder: Path, replacements: dict[str, str]) -> None:
    """Run the blocks of *page* one after another, and compare what each prints with what the page shows."""
    with pages.reading(folder, replacements) as reader:
        for block in pages.blocks(page.read_text()):
            if block.is_run:
                if block.language == "sh" and "sqlite3 " in block.text and not shutil.which("sqlite3"):
                    pytest.skip("sqlite3 is not installed; `make services` installs it")
                printed = reader.run(block)
                assert pages.agrees(printed, block.output or ""), f"{page}:{block.line} printed:\n{printed}"


WITH_AX = DOCS / "how-to" / "ax-client.md"
"""It is run where Ax is installed, by tests/ax."""
RUN = [page for page in PAGES if page != WITH_AX and any(block.is_run for block in pages.blocks(page.read_text()))]
OF_A_SERVER = [
    page for page in RUN if any(block.is_run and SERVER in block.text for block in pages.blocks(page.read_text()))
]


class TestAReaderOfAPage:
    """They paste its blocks one after another, in an empty folder."""

    @named([page for page in RUN if page not in OF_A_SERVER])
    def test_sees_what_the_page_shows(self, page, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        run_through(page, tmp_path, {})

    @named(OF_A_SERVER)
    def test_sees_it_on_a_server_of_their_own(self, page, tmp_path, monkeypatch, postgresql):
        monkeypatch.chdir(tmp_path)

        run_through(page, tmp_path, {SERVER: postgresql})

    @named(PAGES)
    def test_knows_what_each_block_is(self, page):
        languages = {block.language for block in pages.blocks(page.read_text())}

        assert languages <= {"python", "sh", "sql", "json", "text", "{eval-rst}", "{toctree}"}

    @pytest.mark.parametrize("command", pages.NOT_RUN)
    def test_has_such_a_command_that_is_not_run(self, command):
        shown = [block for page in PAGES for block in pages.blocks(page.read_text()) if block.language == "sh"]

        assert any(command in block.text for block in shown)

    @named(PAGES)
    def test_finds_each_target_of_make(self, page):
        shown = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))

        assert shown - targets_of_make() == set()

    @named(PAGES)
    def test_finds_each_file_that_is_named_by_its_path(self, page):
        paths = re.findall(r"`((?:\w+/)+\w+\.py|(?:tests|docstore|examples)/[\w./-]*)`", page.read_text())

        assert [path for path in paths if not any((root / path).exists() for root in ROOTS)] == []

    @named(PAGES)
    def test_finds_each_method_of_the_store(self, page):
        called = set(re.findall(r"\bstore\.(\w+)\(", page.read_text()))

        assert called - public_methods(docstore.Store) == set()

    @named(PAGES)
    def test_finds_each_keyword_of_a_method_that_is_named_in_a_sentence(self, page):
        calls = re.findall(r"`store\.(\w+)\(([^`\n]*)\)`", page.read_text())
        shown = {(method, keyword) for method, given in calls for keyword in re.findall(r"\b(\w+)=", given)}
        taken = {
            (method, keyword)
            for method, _ in shown
            for keyword in inspect.signature(getattr(docstore.Store, method)).parameters
        }

        assert shown - taken == set()


class TestALink:
    @named(PAGES)
    def test_leads_to_a_page_and_a_heading_that_are_there(self, page):
        broken = []
        for link in pages.links(page.read_text()):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in pages.anchors(target.read_text())):
                broken.append(link)

        assert broken == []

    @pytest.mark.parametrize("start", [ROOT / "README.md", DOCS / "index.md"], ids=lambda path: path.name)
    def test_leads_from_the_first_page_to_every_page_of_the_documentation(self, start):
        seen: set[Path] = set()
        ahead = [start]
        while ahead:
            page = ahead.pop()
            if page.suffix == ".md" and page not in seen:
                seen.add(page)
                ahead += [(page.parent / link.partition("#")[0]).resolve() for link in pages.links(page.read_text())]

        assert {page for page in PAGES if DOCS in page.parents} - seen - {DOCS / "index.md"} == set()


def targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


class TestTheReadme:
    def test_is_short(self):
        assert len((ROOT / "README.md").read_bytes()) <= 8192


class TestContributing:
    def test_names_each_target_of_make(self):
        assert set(re.findall(r"^\| `make ([\w-]+)`", CONTRIBUTING, re.MULTILINE)) == targets_of_make() - {"help"}


def directives(page: str = "*.md") -> list[str]:
    """Return the names that the pages of the reference take from docstrings."""
    text = "".join(path.read_text() for path in sorted(REFERENCE.glob(page)))
    return re.findall(r"\.\. auto(?:class|function|method|exception|data):: ([\w.]+)", text)


def rows(page: str) -> list[str]:
    """Return what the first cell of each line of a page's tables names."""
    return re.findall(r"^\| `(\w+)\b[^|]*\|", (REFERENCE / page).read_text(), re.MULTILINE)


def public_methods(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, callable) if not name.startswith("_")}


class TestTheReference:
    """What is public is in the reference, and what is in the reference is there."""

    @pytest.mark.parametrize("name", sorted(set(docstore.__all__) - {"__version__", "registry"}))
    def test_has_each_public_name(self, name):
        assert {f"docstore.{name}", f"docstore.errors.{name}"} & set(directives())

    def test_has_the_version_and_the_functions_of_the_registry(self):
        assert "docstore.__version__" in (REFERENCE / "functions.md").read_text()
        assert {"docstore.registry.upcast", "docstore.registry.prove"} <= set(directives("registry.md"))

    def test_has_each_method_of_the_store(self):
        listed = {name.removeprefix("docstore.Store.") for name in directives("store.md")} - {"docstore.Store"}

        assert listed == public_methods(docstore.Store)

    def test_has_each_error_with_cause_and_cure(self):
        found = {name for name, each in vars(errors).items() if is_error(each)}

        assert {name.removeprefix("docstore.errors.") for name in directives("errors.md")} == found
        assert sorted(rows("errors.md")) == sorted(found - {"DocstoreError"})

    def test_has_the_tree_of_errors_as_the_module_has_it(self):
        shown = pages.blocks((REFERENCE / "errors.md").read_text())[0].text
        tree = inspect.cleandoc(inspect.getdoc(errors).partition("::\n\n")[2])

        assert shown.strip() == tree.strip()

    def test_has_each_view(self, tmp_path):
        with docstore.connect(tmp_path / "lab.db") as store:
            views = sa.inspect(store.engine).get_view_names()

        assert sorted(rows("views.md")) == sorted(views)

    def test_has_options_that_connect_takes(self):
        listed = set(re.findall(r"`(\w+)=[^`]*`(?=,| \|)", (REFERENCE / "connect.md").read_text()))
        taken = {*inspect.signature(docstore.connect).parameters, *inspect.signature(docstore.Store).parameters}

        assert listed - taken == set()
        assert taken - listed - {"url", "engine", "origins"} == set()

    @pytest.mark.parametrize("name", sorted(set(directives())))
    def test_has_nothing_that_is_not_there(self, name):
        assert resolved(name) is not None

    def test_has_nothing_twice(self):
        assert len(directives()) == len(set(directives()))


def is_error(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, errors.DocstoreError)


def resolved(name: str) -> object:
    """Return what a dotted name leads to, or None."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return getattr(resolved(module), attribute, None) if "." in module else None
