"""The names of cases: the same in every run, so that one case can be run again by its name, and some beside others."""

from __future__ import annotations

import re
from typing import Any


def case_name(value: Any) -> str:
    """Return *value* as ASCII text, without where in memory it is, and of a set the items in their texts' order."""
    if isinstance(value, set | frozenset) and value:
        items = ", ".join(sorted(map(case_name, value)))
        text = f"{{{items}}}" if type(value) is set else f"{type(value).__name__}({{{items}}})"
    else:
        text = ascii(value)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
