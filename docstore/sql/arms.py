"""Find the stored trials of an arm, by its signature or its name, in the indexes of these columns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.arm_columns import IN_BODY, short_signature
from docstore.documents.canonical import is_plain
from docstore.sql.rows import VersionedPiece
from docstore.sql.tables import documents

_C: Final = documents.c
_FIRST: Final = 8
"""How many trials of one arm are read at first; of 100,000 trials of one arm, mostly the first is enough."""


def _some(column: sa.Column[Any], value: str, *, in_order: bool = False) -> sa.Select[Any]:
    of_arm = sa.select(*_COLUMNS).where(_C.id == sa.bindparam("of_id"), column == sa.bindparam(value))
    of_arm = of_arm.order_by(_C.position) if in_order else of_arm
    return sa.select(of_arm.limit(sa.bindparam("most", type_=sa.Integer)).subquery())


_COLUMNS: Final = (_C.path, _C.version, _C.digest, _C.body, _C.signature, _C.arm)
_OTHERS: Final = sa.select(*_COLUMNS).where(_C.id == sa.bindparam("of_id"), _C.signature == sa.bindparam("of_others"))
_OF_ARM: Final = sa.select(
    sa.union_all(_some(_C.signature, "of_signature", in_order=True), _some(_C.arm, "of_name"), _OTHERS).subquery()
)


def trials_of_arm(
    connection: Connection,
    id: str,
    signature: str,
    name: str,
    is_wanted: Callable[[VersionedPiece], bool],
    *,
    with_others: bool,
) -> Collection[VersionedPiece]:
    """Return trials of an experiment that are wanted: the first of those with the *signature*, and one of the *name*.

    More may be among them, and their columns may be wrong: the bodies tell.

    Args:
        with_others: return the trials whose arms are only in the body, too.

    Cost:
        One SELECT of a few trials by an index; more, if the first ones of that arm are not wanted.
    """
    name = name if is_plain(name) else ""  # it is in no column then
    values = {"of_id": id, "of_signature": short_signature(signature), "of_name": name}
    values["of_others"] = IN_BODY if with_others else ""
    most = _FIRST
    while True:
        rows = list(connection.execute(_OF_ARM, {**values, "most": most}))
        found = [(row, piece) for row in rows if is_wanted(piece := VersionedPiece._make(row[:4]))]
        if all(
            sum(getattr(row, column) == value for row in rows) < most
            or any(getattr(row, column) == value for row, _ in found)
            for column, value in (("signature", values["of_signature"]), ("arm", name))
        ):
            return [piece for _, piece in found]
        most *= _FIRST
