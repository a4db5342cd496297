"""Find the version that a caller names: by its number, by a tag, or by a time at which it was current.

``chosen_version`` takes it as ``load`` does, by one of three arguments. ``version_number`` takes one argument that is
any of these, and so does ``kept_version_number``, which also looks whether the version is there.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from sqlalchemy.engine import Connection

from docstore.errors import InvalidValueError, VersionNotFoundError, short_repr
from docstore.sql import rows, tagging
from docstore.sql.dialects import checked_moment
from docstore.sql.reader import version_numbered
from docstore.sql.rows import HeadRow

When: TypeAlias = int | str | datetime
"""What names a version: its number, a tag, or a time at which it was current."""


def chosen_version(
    connection: Connection, head: HeadRow, version: int | None, at: datetime | None, tag: str | None
) -> int | None:
    """Return the version given by one of three arguments, or None if none is given; as ``version_number``.

    Raises:
        InvalidValueError: more than one is given, the version is not a number, or the time has no zone.
    """
    given = [(key, value) for key, value in (("version", version), ("at", at), ("tag", tag)) if value is not None]
    if len(given) > 1:
        (first, its), *_, (last, value) = given
        raise InvalidValueError(last, value, f"Give it or {first}={its!r}, not both.")
    if version is not None and type(version) is not int:
        raise InvalidValueError("version", version, "Give its number; tag= takes a tag, and at= a time.")
    if at is not None:
        checked_moment("at", at)  # and no tag
        return version_number(connection, head, at)
    return version if tag is None else _tagged(connection, head, tag)


def version_number(connection: Connection, head: HeadRow, when: When) -> int:
    """Return the version that *when* names: by its number, by a tag, or by a time at which it was current.

    Raises:
        InvalidValueError: it is none of these, or a time without a zone.
        VersionNotFoundError: there is no such tag, or the time is before the first version. A number is not looked up.
    """
    if type(when) is int:
        return when
    if isinstance(when, str):
        return _tagged(connection, head, when)
    if not isinstance(when, datetime):
        raise InvalidValueError("version", when, "Give its number, a tag, or a time with a zone.")
    number = rows.version_at(connection, head.id, checked_moment("at", when))
    if number is None:
        wanted = f"from {when.isoformat()} or before"
        raise VersionNotFoundError(head.name, wanted=wanted, head=head.version, kind=head.kind)
    return number


def _tagged(connection: Connection, head: HeadRow, tag: str) -> int:
    number = tagging.tagged(connection, head.id, tag)
    if number is None:
        known, wanted = [row.tag for row in tagging.tag_rows(connection, head.id)], f"tagged {short_repr(tag)}"
        raise VersionNotFoundError(head.name, wanted=wanted, head=head.version, kind=head.kind, tags=known)
    return number


def kept_version_number(connection: Connection, head: HeadRow, when: When) -> int:
    """Return the number of the version that *when* names, which exists and was not folded.

    Raises:
        InvalidValueError, VersionNotFoundError: as ``version_number``; or there is no such version, or it was folded.
    """
    number = version_number(connection, head, when)
    if not 1 <= number <= head.version:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind)
    if not version_numbered(connection, head, number).is_kept:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind, is_folded=True)
    return number
