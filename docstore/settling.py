"""What stands when two writers changed one document: both their changes, or the places that both changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from docstore.digests import Piece
from docstore.errors import Conflict, InvalidValueError
from docstore.kinds import EXPERIMENT, Kind
from docstore.renumbering import arm_clashes, data_clashes, moved_path, names_for, numbers_for, renumbered
from docstore.revision import merged
from docstore.values import ABSENT, JSON, alike

Policy: TypeAlias = Literal["merge", "error", "overwrite"]

OnConflict: TypeAlias = Policy | Callable[[Conflict], Any]
"""What is done where others saved since: a policy, or a function that is given each place that both changed.

The function returns the JSON value that shall stand there: ``conflict.mine``, ``conflict.theirs`` or another one,
``ABSENT`` for none; or ``NotImplemented`` for a place that it does not decide.
"""

_POLICIES: Final = get_args(Policy)


def check_policy(policy: object) -> None:
    """Refuse what is no policy, before anything is read or written.

    Raises:
        InvalidValueError: so it is.
    """
    if policy not in _POLICIES and not callable(policy):
        remedy = f"Use one of {', '.join(map(repr, _POLICIES))}, or a function that is given each conflict."
        raise InvalidValueError("on_conflict", policy, remedy)


@dataclass(frozen=True, slots=True)
class Settled:
    """What both sides' changes make together.

    Attributes:
        target: the pieces, at least those that either side changed.
        conflicts: the places that both changed and nobody decided, at which *mine* stands in *target*.
        numbers: where trials of mine went that had the number of another one of theirs.
        names: the new names of their arms.
    """

    target: Mapping[str, Piece]
    conflicts: tuple[Conflict, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def moved(self, path: str) -> str:
        """Return where the piece of mine at *path* is now."""
        return moved_path(path, self.numbers) if self.numbers else path


def settle(
    kind: Kind,
    base: Mapping[str, JSON],
    mine: Mapping[str, JSON],
    theirs: Mapping[str, JSON],
    *,
    policy: OnConflict = "merge",
    stored: Iterable[int] = (),
    held: Iterable[int] = (),
) -> Settled:
    """Return what *mine* and *theirs* make together, both of which came from *base*.

    Two trials that were made under one number stay two: mine takes a free one.

    Shapes:
        base, mine, theirs: pieces by path: all that either side changed, and the head
        stored, held: numbers of trials that are not free; see ``numbers_for``
    """
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    clashes: tuple[Conflict, ...] = ()
    if kind.name == EXPERIMENT.name:
        changed = {path: body for path, body in mine.items() if not alike(body, base.get(path, ABSENT))}
        numbers = numbers_for(base.keys(), changed, theirs, stored=stored, held=held)
        if numbers:
            names = names_for(base, changed, theirs, numbers)
            unchanged = {path: body for path, body in mine.items() if path not in changed}
            changed = renumbered(changed, numbers, names)
            mine = {**unchanged, **changed}
        clashes = (*data_clashes(base, mine, theirs), *arm_clashes(base, changed, theirs))
    target, conflicts = merged(kind, base, mine, theirs, decide=policy if callable(policy) else None)
    return Settled(target, (*conflicts, *clashes), numbers, names)
