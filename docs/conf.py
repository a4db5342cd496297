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
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "docstore"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

# Sections of docstrings that napoleon does not know: each becomes an item of the list that "Raises" is in, too.
_SECTION = re.compile(r"(Cost|Units|Shapes|Source):")
_RAISES = re.compile(r"( {4})([\w., ]+): ")

# Types that a signature names and that have no entry of their own.
_UNDOCUMENTED = {"JSON", "MaybeJSON", "OnConflict", "When", "Unknown", "TParameterization", "Criteria", "Tracker"}


def fields_of_sections(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Write the sections that napoleon does not know as fields, and end "Raises" where a paragraph follows it."""
    done: list[str] = []
    section = ""
    for line in lines:
        if line and not line.startswith(" "):
            found = _SECTION.fullmatch(line)
            section = line.rstrip(":")
            done.append(f":{found[1]}:" if found else line)
        elif section == "Raises" and done[-1] == "" and line.startswith("    ") and not _RAISES.match(line):
            section = ""
            done.append(line[4:])
        else:
            done.append(line[4:] if section == "" else line)
    lines[:] = done


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
    is_ours = target.startswith("docstore.") or name in vars(docstore) or name.endswith("Error")
    if name in _UNDOCUMENTED or len(name) == 1 or not is_ours:
        return contnode  # of Python or of another library: shown, without a link
    return None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", fields_of_sections, priority=400)  # before napoleon
    app.connect("missing-reference", resolve_public_name)
