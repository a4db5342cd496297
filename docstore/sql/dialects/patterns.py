"""LIKE patterns: ``%`` is any text, ``_`` any character, and a backslash escapes; upper and lower case differ."""

from __future__ import annotations

import re
from typing import Final

ANY: Final = "%"
ONE: Final = "_"

_PIECE: Final = re.compile(r"\\(.)|(.)", re.DOTALL)


def pieces_of(pattern: str) -> list[tuple[str, bool]]:
    """Return each character of *pattern*, with whether it is a wildcard."""
    return [(escaped or plain, plain in (ANY, ONE) and not escaped) for escaped, plain in _PIECE.findall(pattern)]


def glob_of(pattern: str) -> str:
    """Return *pattern* as SQLite's GLOB has it, which escapes by brackets; its LIKE ignores case."""
    globs = {ANY: "*", ONE: "?"}
    pieces = pieces_of(pattern)
    return "".join(globs[each] if special else f"[{each}]" if each in "*?[" else each for each, special in pieces)
