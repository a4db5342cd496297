"""Time zones by the names that a document gives: looked up in the time zone database, and nowhere else."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final, TypeGuard
from zoneinfo import ZoneInfo

from docstore.abridging import abridged

# zoneinfo looks a key up as a file, and as a module of the package tzdata, which it would import.
_ZONE_KEY: Final = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")


def is_zone(zone: tzinfo | None) -> TypeGuard[ZoneInfo]:
    """Return whether ``zone_of`` finds *zone* again by its key."""
    return type(zone) is ZoneInfo and zone.key is not None and _ZONE_KEY.fullmatch(zone.key) is not None


def zone_of(key: str) -> ZoneInfo:
    """Return the time zone that *key* names, as in ``"Europe/Paris"``.

    Raises:
        ValueError: it does not look like a name of one.
        LookupError, OSError: there is none of that name.
    """
    if not _ZONE_KEY.fullmatch(key):
        raise ValueError(f"{abridged(key)} is not the name of a time zone")
    return ZoneInfo(key)
