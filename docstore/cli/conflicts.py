"""Conflicts of a save or a merge, as rows: the pointer, and the value in the base, in mine and in theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from docstore.cli.output import Output, Row

if TYPE_CHECKING:
    from docstore.errors import Conflict

_COLUMNS: Final = ("pointer", "base", "mine", "theirs")


@contextmanager
def listed_conflicts(output: Output) -> Iterator[None]:
    """Print the places of a ConflictError of the block as rows; the error goes on."""
    from docstore.errors import ConflictError

    try:
        yield
    except ConflictError as error:
        if error.places:
            output.rows(map(_row, error.places), _COLUMNS, name="pointer")
        raise


def members_of(conflict: Conflict) -> dict[str, object]:
    """Return the values of *conflict* by side; a side without a value there is left out."""
    from docstore.documents.canonical import ABSENT

    sides = {"base": conflict.base, "mine": conflict.mine, "theirs": conflict.theirs}
    return {side: value for side, value in sides.items() if value is not ABSENT}


def _row(conflict: Conflict) -> Row:
    return {"pointer": conflict.pointer, **members_of(conflict)}
