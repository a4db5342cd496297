"""The end of a page as a text, by which the next page can be read at any time, also in another process."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.canonical import dumps, is_plain, loads
from docstore.errors import CodecError, InvalidValueError
from docstore.search.query import Query

_CODEC: Final = Codec(Registry())

_VALUES: Final = (str, int, float, Decimal, datetime)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The end of a page.

    Attributes:
        values: of the last row, for each term of the order; empty before the first page.
        left: how many more rows the limit of the search allows; None without a limit.
    """

    values: tuple[Any, ...]
    left: int | None


def write_cursor(cursor: Cursor, query: Query) -> str:
    """Return *cursor* as a text of letters, digits, ``-`` and ``_``."""
    value = {"order": _order(query), "values": list(cursor.values), "left": cursor.left}
    return base64.urlsafe_b64encode(dumps(_CODEC.encode(value))).decode().rstrip("=")


def read_cursor(text: object, query: Query, types: Sequence[type | None]) -> Cursor:
    """Return the cursor that ``write_cursor`` made *text* of.

    Args:
        types: the Python type of each term of the order; None where it is not known.

    Raises:
        InvalidValueError: *text* is not a cursor, or is one of a search with another order.
    """
    found = _loaded(text)
    values, left = found.get("values"), found.get("left")
    fits = isinstance(values, list) and len(values) == len(types) and all(map(_is_value, values, types))
    fits = fits and (left is None or (type(left) is int and 0 <= left < 2**63))
    if not fits or found.get("order") != _order(query):
        raise InvalidValueError("cursor", text, "Give the cursor of a page of this very search, or None for the first.")
    assert isinstance(values, list)  # as checked above
    return Cursor(tuple(values), left)


def _loaded(text: object) -> dict[str, Any]:
    if isinstance(text, str):
        try:
            found = _CODEC.decode(loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)))
        except (CodecError, binascii.Error, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
    return {}


def _is_value(value: object, wanted: type | None) -> bool:
    if value is None:
        return True
    if wanted is not None and wanted is not float and not isinstance(value, wanted):
        return False
    return isinstance(value, _VALUES) and (not isinstance(value, str) or is_plain(value))


def _order(query: Query) -> list[str]:
    """Return what two searches must have in common for a cursor of one to fit the other."""
    kinds = [query.kind.name if query.kind else "", query.part.name if query.part else ""]
    return [*kinds, *(f"{'-' if order.descending else ''}{order.by}" for order in query.order)]
