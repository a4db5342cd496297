"""What stands when two writers changed one document: both their changes, or the places that both changed."""

from __future__ import annotations

from typing import Literal, TypeAlias

OnConflict: TypeAlias = Literal["merge", "error", "overwrite"]
