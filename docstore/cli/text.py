"""Text that a terminal may be sent: names are the users' own, and must not drive it."""

from __future__ import annotations

import json


def printable(text: str) -> str:
    r"""Return *text* with each character that is not to be seen as Python writes it: ``\n``, ``\x1b``, ``\u202e``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def counted(number: int, thing: str) -> str:
    """Return ``1 document``, ``2 documents``, ``10,000 documents``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def printable_json(text: str) -> str:
    r"""Return the same JSON, in the same lines, with each character that is not to be seen as JSON writes it."""
    return "\n".join(line if line.isprintable() else _line(line) for line in text.split("\n"))


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
