"""Where a page of a search ended, as a text that leads to the next one: in another process, on another day."""

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
        values: what its last row has of each term of the order.
        left: how many more rows the search may have.
    """

    values: tuple[Any, ...]
    left: int | None


def written(cursor: Cursor, sought: Query) -> str:
    """Return *cursor* as a text: letters, digits, ``-`` and ``_``."""
    value = {"order": _order(sought), "values": list(cursor.values), "left": cursor.left}
    return base64.urlsafe_b64encode(dumps(_CODEC.encode(value))).decode().rstrip("=")


def read(text: object, sought: Query, types: Sequence[type | None]) -> Cursor:
    """Return the cursor that *text* is.

    Args:
        types: of what a row has of each term of the order; None where that is not known.

    Raises:
        InvalidValueError: it is none, or of a search that orders its rows otherwise.
    """
    found = _loaded(text)
    values, left = found.get("values"), found.get("left")
    fits = isinstance(values, list) and len(values) == len(types) and all(map(_is_value, values, types))
    fits = fits and (left is None or (type(left) is int and 0 <= left < 2**63))
    if not fits or found.get("order") != _order(sought):
        raise InvalidValueError("cursor", text, "Give the cursor of a page of this very search, or None for the first.")
    assert isinstance(values, list)  # it fits
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


def _order(sought: Query) -> list[str]:
    """Return what makes the values of one search's cursor mean the same in another."""
    where = [sought.kind.name if sought.kind else "", sought.part.name if sought.part else ""]
    return [*where, *(f"{'-' if order.descending else ''}{order.by}" for order in sought.order)]
