"""Conflicts of a save or a merge, as rows: the pointer, and the value in the base, in mine and in theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
            rows = ({"pointer": each.pointer, **with_nulls(sides_of(each), output)} for each in error.places)
            output.rows(rows, _COLUMNS, name="pointer")
        raise


def sides_of(conflict: Conflict) -> dict[str, object]:
    """Return the values of *conflict* by side; a side without a value there is left out."""
    return present(base=conflict.base, mine=conflict.mine, theirs=conflict.theirs)


def present(**values: object) -> dict[str, object]:
    """Return those of *values* that are there, and not ``ABSENT``."""
    from docstore.documents.canonical import ABSENT

    return {key: value for key, value in values.items() if value is not ABSENT}


def with_nulls(values: Mapping[str, object], output: Output) -> Row:
    """Return *values* as a row shows them: where an empty cell means no value, a null is the word."""
    if output.format in ("json", "jsonl"):
        return values
    return {key: "null" if value is None else value for key, value in values.items()}
