"""What a save with ``on_conflict="overwrite"`` takes out of the newest version, and the warning that says so."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import cast

from docstore.documents.canonical import JSON, MaybeJSON, same_json
from docstore.documents.digests import Piece, bodies_of
from docstore.documents.document import Document
from docstore.documents.kinds import join, without_bookkeeping
from docstore.documents.merge.resolve import every_place
from docstore.documents.merge.three_way import Sides
from docstore.documents.optional_members import OptionalMembers, is_optional
from docstore.documents.patch import Change
from docstore.errors import OverwriteWarning
from docstore.sql.writer import Saved


def overwritten_changes(
    base: Mapping[str, JSON], theirs: Mapping[str, JSON], target: Mapping[str, Piece]
) -> tuple[str, ...]:
    """Return the pointers of what others changed from *base* to *theirs*, and *target* does not have.

    Bookkeeping, such as which fields were set, is left out, unless they changed nothing else.
    """
    places = every_place(Sides(base, bodies_of(target), theirs))
    values = ((each.pointer, cast("tuple[MaybeJSON, ...]", (each.base, each.mine, each.theirs))) for each in places)
    lost = (at for at, (was, new, old) in values if not same_json(was, old) and not same_json(new, old))
    return without_bookkeeping(lost, str)


def overwritten_values(
    changes: Iterable[Change], target: Mapping[str, Piece], optional: OptionalMembers
) -> tuple[str, ...]:
    """Return the pointers of the values that *changes*, which lead to *target*, replace or remove, whoever saved them.

    An optional member that is added replaces None.
    """
    whole = join(bodies_of(target))
    replaced = (each.path for each in changes if each.op != "add" or is_optional(whole, each.path, optional))
    return without_bookkeeping(dict.fromkeys(replaced), str)


def warn_of_replaced(document: Document, saved: Saved, id: str, optional: OptionalMembers) -> None:
    """Warn of the values that *document* replaced, if it was saved over a stored one instead of as the new *id*."""
    if saved.id != id and saved.is_new:
        places = overwritten_values(saved.version.changes, document.pieces, optional)
        warn_of_overwritten(document.name, document.kind.name, saved.version.number, places)


def warn_of_overwritten(name: str, kind: str, version: int, places: tuple[str, ...]) -> None:
    """Warn, at the line that called docstore, that *version* lacks what others had saved at *places*, if anywhere."""
    if places:
        warning = OverwriteWarning(name, kind=kind, version=version, places=places)
        warnings.warn(warning, stacklevel=_depth_of_caller())


def _depth_of_caller() -> int:
    """Return the ``stacklevel``, in the function that calls this, of the nearest line outside docstore."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == __name__.split(".")[0]:
        frame, depth = frame.f_back, depth + 1
    return depth
