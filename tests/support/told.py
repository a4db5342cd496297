"""All that an error tells: where a password could hide."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


def everything_told(error: BaseException) -> str:
    """The traceback with all its causes, and of each error the message, the arguments and the attributes."""
    texts = ["".join(traceback.format_exception(error))]
    for each in _chain(error):
        texts += [str(each), repr(each), repr(each.args), repr(vars(each))]
    return "\n".join(texts)


def spellings(password: str) -> list[str]:
    """The password as it is, and as URLs escape it."""
    return sorted({password, quote(password, safe=""), quote_plus(password), repr(password)[1:-1]})


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and each cause and context behind it, also those that a traceback leaves out."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        each = todo.pop()
        if each is not None and not any(each is other for other in seen):
            seen.append(each)
            todo += [each.__cause__, each.__context__]
    yield from seen
