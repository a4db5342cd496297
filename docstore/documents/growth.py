"""Growth: a piece to which a save only appends, as to a trial's observations, is compared without parsing all of it.

The JSON of a long text takes many times the memory of the text. If the stored piece is the new one without the last
items of a list, its JSON is made of the new piece's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from docstore.documents.canonical import JSON, digest_of, dumps
from docstore.documents.digests import Piece

_LONG: Final = 64 << 10
"""Characters of a text that takes longer to parse than to compare."""


def before_growth(new: Piece, text: str, known: str) -> JSON:
    """Return the JSON of *text*, if that is *new* without the last items of one of its lists; otherwise None.

    What is returned shares all that it has with *new*.

    Args:
        text: the canonical text of an older state of the piece.
        known: the digest of *text*.

    Cost:
        A hash of the text, and a writing of the items that it lacks.
    """
    if len(text) < _LONG or not isinstance(new.body, dict):
        return None
    added = len(new.text) - (len(text) if text.isascii() else len(text.encode()))
    lists = {key: items for key, items in new.body.items() if isinstance(items, list)} if added > 0 else {}
    for key, items in lists.items():
        kept = _without_last(items, added)
        if kept and _digest_without(new.body, new.text, key, items[kept:]) == known:
            return {**new.body, key: items[:kept]}
    return None


def _without_last(items: Sequence[JSON], size: int) -> int:
    """Return how many of *items* are left without the last ones, whose texts have this *size*; 0 if there are none."""
    count = len(items)
    while size > 0 and count:
        count -= 1
        size -= len(dumps(items[count])) + 1  # and a comma
    return count if size == 0 else 0


def _digest_without(body: Mapping[str, JSON], text: bytes, key: str, last: list[JSON]) -> str:
    """Return the digest of *body*, whose text is *text*, without the *last* items of its list at *key*.

    Their text, and the comma before it, are cut out of the text: before the bracket, which the later members follow.
    """
    later = {each: member for each, member in body.items() if each > key}
    end = len(text) - len(dumps(later)) - (1 if later else 0)
    start = end - len(dumps(last)) + 1
    view = memoryview(text)
    return digest_of((view[:start], view[end:]))
