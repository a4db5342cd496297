"""How ``make docs`` builds these pages: Sphinx with MyST and Furo; decisions/documentation.md says why."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import docstore
from docstore.progress import Report
from docstore.search.conditions import Where
from docstore.search.query import Moments
from docstore.store import store as module_of_store

project = "docstore"
author = "The docstore developers"
copyright = f"2026, {author}"
version = release = docstore.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
highlight_language = "text"
nitpicky = True  # a name in a signature, or an error in "Raises", that no page documents fails the build
show_warning_types = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_type_aliases = {alias: alias for alias in ("JSON", "MaybeJSON", "Unknown")}
napoleon_numpy_docstring = False

# The module of Store imports the types of results for type checkers only; autodoc looks for them there.
_LATER = {name: getattr(docstore, name) for name in docstore.__all__}
vars(module_of_store).update({**_LATER, "Moments": Moments, "Where": Where, "Report": Report})
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "docstore"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_theme_options = {"navigation_with_keys": True}

# Sections of docstrings that napoleon does not know, or writes in another way: each becomes an item of the list that
# "Raises" is in, too. Some have a line for each name.
_SECTION = re.compile(r"(Attributes|Cost|Units|Shapes|Source):")
_BY_NAME = ("Attributes", "Units", "Shapes")
_NAMED = re.compile(r" {4}([\w, *]+): (.*)")
_RAISED = re.compile(r" {4}[\w., ]+: ")

# Types that a signature names and that have no entry of their own.
_UNDOCUMENTED = {"JSON", "MaybeJSON", "Unknown", "TParameterization", "Absent", "Tracker"}


def fields_of_sections(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Write sections as fields, and end "Raises" where a paragraph follows it."""
    done: list[str] = []
    section = "summary"
    in_item = False
    for line in lines:
        if line and not line.startswith(" "):
            found = _SECTION.fullmatch(line)
            section, in_item = line.rstrip(":"), False
            done.append(f":{found[1]}:" if found else line)
        elif section in _BY_NAME and (item := _NAMED.fullmatch(line)):
            in_item = True
            done.append(f"    * **{item[1]}**: {item[2]}")
        elif in_item:
            done.append(line[2:] if line.startswith(" " * 8) else line)
        elif section == "Raises" and done[-1] == "" and line.startswith("    ") and not _RAISED.match(line):
            section = ""
            done.append(line[4:])
        else:
            done.append(line[4:] if section == "" else line)
    lines[:] = done


def name_aliases(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write an alias inside of another type by its name."""
    return tuple(text and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", text) for text in (signature, returned))


_properties: dict[str, list[str]] = {}


def keep_property(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep what a property says: napoleon would take the words before a colon for its type."""
    if what in ("property", "attribute"):
        _properties[name] = list(lines)


def put_property_back(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    if name in _properties:
        lines[:] = _properties.pop(name)


def resolve_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.Element | None:
    """Lead a name to its public entry: ``docstore.documents.history.Version`` is documented as ``docstore.Version``."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    name = target.rpartition(".")[2]
    objects = env.domains.python_domain.objects
    for full in (f"docstore.{name}", f"docstore.errors.{name}", f"docstore.model.{name}"):
        if full in objects:
            entry = objects[full]
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, full)
    is_ours = target.startswith("docstore.") or name in dir(docstore) or name.endswith("Error")
    if name in _UNDOCUMENTED or len(name) == 1 or not is_ours:
        return contnode  # of Python or of another library: shown, without a link
    return None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", fields_of_sections, priority=400)  # before napoleon, which has 500
    app.connect("autodoc-process-docstring", keep_property, priority=450)
    app.connect("autodoc-process-docstring", put_property_back, priority=550)
    app.connect("autodoc-process-signature", name_aliases)
    app.connect("missing-reference", resolve_public_name)
