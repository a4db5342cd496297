"""Results as JSON and as cells of CSV, for other programs: objects by their fields, times in ISO format."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from docstore.documents.canonical import Absent


def plain(value: Any, nan: str | None = None) -> Any:
    """Return *value* as JSON values; what JSON has no value for is a text.

    Args:
        nan: what NaN is.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else nan if value != value else str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name), nan) for each in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): plain(item, nan) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, nan) for item in value]
    if isinstance(value, Absent):
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


def csv_value(value: object, nan: str = "") -> str:
    """Return *value* as a cell of CSV: nothing for None, a text as it is, and all else as JSON."""
    value = plain(value, nan)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
