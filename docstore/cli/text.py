"""Text that a terminal may be sent: names are the users' own, and must not drive it."""

from __future__ import annotations

import re
from typing import Final

_INVISIBLE: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""DEL, the second set of control characters, what turns the direction of the text, and lone surrogates."""

_UNPRINTABLE: Final = re.compile(f"[\x00-\x1f{_INVISIBLE}]")

_UNPRINTABLE_IN_JSON: Final = re.compile(f"[{_INVISIBLE}]")


def printable(text: str) -> str:
    r"""Return *text* with each control character as Python writes it: ``\n``, ``\x1b``, ``\u202e``."""
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def printable_json(text: str) -> str:
    r"""Return the same JSON with the control characters that JSON allows in strings written as ``\u009b``."""
    return _UNPRINTABLE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
