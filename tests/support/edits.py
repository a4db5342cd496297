"""JSON values, and edits of them, for tests of what a change is and of how two are merged."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from docstore.documents.canonical import JSON

unhurried = settings(deadline=None)

AWKWARD_KEYS = [
    "",
    "/",
    "~",
    "~1",
    "~0",
    ".",
    "'",
    '"',
    "[0]",
    "root",
    "__type",
    "__class__",
    "-",
    "0",
    "1",
    "01",
    "é",
    "\n",
]

keys = st.sampled_from(AWKWARD_KEYS) | st.text(max_size=4)
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 0.0, -0.0, 1.0])
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@st.composite
def edited(draw: st.DrawFn, document: JSON) -> JSON:
    """The document with one thing in it added, removed, or put in place of another."""
    if isinstance(document, dict):
        key = draw(st.sampled_from(sorted(document)) | keys if document else keys)
        others = {name: value for name, value in document.items() if name != key}
        return draw(st.just(others) | _with_edited_member(document, key))
    if isinstance(document, list):
        at = draw(st.integers(0, len(document)))
        before, rest = document[:at], document[at:]
        if rest and draw(st.booleans()):
            return draw(st.just(before + rest[1:]) | edited(rest[0]).map(lambda item: [*before, item, *rest[1:]]))
        return [*before, draw(documents), *rest]
    return draw(documents)


def _with_edited_member(document: dict[str, JSON], key: str) -> st.SearchStrategy[JSON]:
    value = edited(document[key]) if key in document else documents
    return value.map(lambda member: {**document, key: member})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[JSON, JSON]:
    """Two documents, most of them a few edits apart."""
    old = draw(documents)
    new = draw(
        st.one_of(documents, edited(old), edited(old).flatmap(edited), edited(old).flatmap(edited).flatmap(edited))
    )
    return old, new


@st.composite
def triples(draw: st.DrawFn) -> tuple[JSON, JSON, JSON]:
    """A document and two independent edits of it."""
    base = draw(documents)
    return base, draw(edited(base)), draw(edited(base) | edited(base).flatmap(edited))


@st.composite
def histories(draw: st.DrawFn) -> list[JSON]:
    """The versions of a document, each an edit of the one before."""
    versions = [draw(documents)]
    for _ in range(draw(st.integers(1, 5))):
        versions.append(draw(edited(versions[-1])))
    return versions
