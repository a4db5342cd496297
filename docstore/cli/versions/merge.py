"""``docstore merge``: changes of one document brought into another; conflicts are decided by side, or edited."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from docstore.cli import exits, options
from docstore.cli.change.editor import draft
from docstore.cli.command import command
from docstore.cli.completion import complete_names
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.versions.conflicts import listed_conflicts, sides_of

if TYPE_CHECKING:
    from docstore.documents.history import Version
    from docstore.errors import Conflict
    from docstore.store.store import Store


@command("merge")
@options.name
@click.argument("into", shell_complete=complete_names)
@options.kind
@click.option(
    "--ours",
    metavar="POINTER",
    type=options.POINTER,
    multiple=True,
    help="Where both changed this place or in it, take NAME's.",
)
@click.option(
    "--theirs", metavar="POINTER", type=options.POINTER, multiple=True, help="Where both changed it, take INTO's."
)
@click.option("--edit", is_flag=True, help="Decide the other conflicts in the editor.")
@options.message
@options.author
@options.dry_run
@options.output()
def merge(
    settings: Settings,
    output: Output,
    *,
    name: str,
    into: str,
    kind: str,
    ours: tuple[str, ...],
    theirs: tuple[str, ...],
    edit: bool,
    message: str,
    author: str | None,
    dry_run: bool,
) -> int:
    """Merge what was changed in one document into another.

    NAME is a branch of INTO, or the other way round, or both have a version in common otherwise. INTO gets a new
    version; NAME stays as it is. If both changed the same place, nothing is written, and the places are listed with the
    value in the common version (base), in NAME (mine) and in INTO (theirs).

    The pointer '' means every place. Of several pointers that lead to a place, the longest one counts.

    Examples:
        docstore merge pies cakes                       bring what is new in pies into cakes
        docstore merge pies cakes --ours /description --theirs /trials/3
        docstore merge pies cakes --ours ''             wherever both changed it, as in pies
        docstore merge pies cakes --edit                decide in $VISUAL or $EDITOR
    """
    sides = {**dict.fromkeys(theirs, "theirs"), **dict.fromkeys(ours, "mine")}
    if both := set(ours) & set(theirs):
        raise click.UsageError(f"{min(both)!r} cannot be ours and theirs. Give one of them.")
    task = _Merge(name, into, {"kind": kind, "message": message})
    settings.import_classes()
    with settings.open(writes=True, author=author, dry_run=dry_run) as store, listed_conflicts(output):
        before = store.version(into, kind=kind).number
        merged = _merged(store, task, sides, edit=edit, keep=dry_run)
        if merged is None:
            return exits.FINDING
        exits.say_saved(into, merged, before, dry_run=dry_run)
        return exits.OK


@dataclass(frozen=True, slots=True)
class _Merge:
    """The arguments of ``Store.merge``, but for what is done with conflicts."""

    name: str
    into: str
    options: Mapping[str, Any]

    def by(self, store: Store, on_conflict: Any) -> Version:
        """Merge in *store*."""
        return store.merge(self.name, self.into, on_conflict=on_conflict, **self.options)


def _merged(store: Store, task: _Merge, sides: Mapping[str, str], *, edit: bool, keep: bool) -> Version | None:
    """Merge; if there are conflicts that the user said how to decide, once more with that; None if the user gave up.

    Raises:
        ConflictError: there is one that nobody decided.
        click.UsageError: a pointer of the user's leads to no conflict.
    """
    from docstore.errors import ConflictError

    try:
        return task.by(store, "merge")
    except ConflictError as error:
        if not (sides or edit):
            raise
        places = error.places
    _check_pointers(sides, places)
    decisions = Decisions(sides)
    left = [place for place in places if decisions(place) is NotImplemented]
    if not (edit and left):
        return task.by(store, decisions)
    with draft(_as_text(left), keep=keep) as text:
        values = text.edited(lambda written: _values(written, left))
        if values is None:
            exits.say("nothing was decided, and nothing changed; --ours '' takes all that was proposed")
            return None
        return task.by(store, Decisions(sides, left, values))


# --- who decides -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decisions:
    """What ``on_conflict`` takes: a value for each conflict that the user decided.

    Attributes:
        sides: ``"mine"`` or ``"theirs"`` by pointer; the longest one that leads to a conflict counts.
        places: the conflicts that were edited.
        values: the value for each of *places*.
    """

    sides: Mapping[str, str]
    places: Sequence[Conflict] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, conflict: Conflict) -> Any:
        """Return the value for a conflict; NotImplemented if it was not decided, or has other values by now."""
        leading = [pointer for pointer in self.sides if _leads_to(pointer, conflict.pointer)]
        if leading:
            return getattr(conflict, self.sides[max(leading, key=len)])
        is_known = any(_is_same(conflict, place) for place in self.places)
        return self.values[conflict.pointer] if is_known else NotImplemented


def _is_same(a: Conflict, b: Conflict) -> bool:
    """Return whether two conflicts are at one place, with the same three values; 1, 1.0 and True differ."""
    from docstore.documents.canonical import same_json

    values: Any = zip((a.base, a.mine, a.theirs), (b.base, b.mine, b.theirs), strict=True)
    return a.pointer == b.pointer and all(same_json(one, other) for one, other in values)


def _leads_to(pointer: str, place: str) -> bool:
    return f"{place}/".startswith(f"{pointer}/")


def _check_pointers(sides: Mapping[str, str], places: Sequence[Conflict]) -> None:
    """Refuse a pointer at which nothing is in conflict: it may be a typo.

    Raises:
        click.UsageError: there is one.
    """
    for pointer in sides:
        if not any(_leads_to(pointer, place.pointer) for place in places):
            there = ", ".join(place.pointer or "''" for place in places)
            raise click.UsageError(f"{pointer!r} leads to no conflict. There is {there or 'none that has a place'}.")


# --- conflicts in the editor -----------------------------------------------------------------------------------------

_RESULT = "result"
"""The member of a conflict that the user writes: what the place will be."""


def _as_text(places: Sequence[Conflict]) -> bytes:
    """Return the conflicts as JSON, each with a *result*, which is mine until the user writes another."""
    from docstore.documents.canonical import ABSENT

    shown: dict[str, Any] = {}
    for place in places:
        result = {} if place.mine is ABSENT else {_RESULT: place.mine}
        shown[place.pointer] = {**sides_of(place), **result}
    remark = "For each place, write its value into result; without a result, the place is removed."
    return f"# {remark}\n{json.dumps(shown, indent=2, ensure_ascii=False)}".encode()


def _values(written: bytes, places: Sequence[Conflict]) -> dict[str, Any]:
    """Return the value that the user wrote for each of *places*.

    Raises:
        DecodeError: it is not JSON.
        click.ClickException: it has not these places.
    """
    from docstore.documents.canonical import ABSENT, loads_strict

    read = loads_strict(written)
    wanted = {place.pointer for place in places}
    if not isinstance(read, dict) or read.keys() != wanted or not all(isinstance(each, dict) for each in read.values()):
        raise click.ClickException(f"there has to be an object for each of {', '.join(sorted(wanted))}, and no other.")
    return {pointer: each.get(_RESULT, ABSENT) for pointer, each in read.items() if isinstance(each, dict)}
