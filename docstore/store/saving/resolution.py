"""Local changes and others' changes resolved into one document, or the error that names where they conflict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from docstore.codec.live.adopt import check_adoptable
from docstore.codec.live.live_object import LiveObject
from docstore.codec.values.tags import tagged_if_json
from docstore.documents.canonical import ABSENT, JSON, Absent
from docstore.documents.digests import bodies_of
from docstore.documents.document import with_name
from docstore.documents.kinds import EXPERIMENT, in_order, without_bookkeeping
from docstore.documents.merge.resolve import Resolution, all_places, checked, resolve
from docstore.documents.merge.three_way import Sides, changed_places
from docstore.documents.merge.trials import TakenNumbers
from docstore.documents.optional_members import pieces_with_nulls
from docstore.errors import Conflict, DecodeError, InvalidValueError
from docstore.sql.reader import Divergence
from docstore.sql.rows import HeadRow
from docstore.store.saving.divergence import refused
from docstore.store.saving.local_changes import Save

_ELSEWHERE: Final = "others saved since, in other places than yours: on_conflict='merge' would keep both"


def resolution_by_policy(head: HeadRow, save: Save, divergence: Divergence) -> Resolution:
    """Return the pieces to store: the object's own, or both sides' changes merged, as the policy says.

    Raises:
        ConflictError: both changed the same place; or others changed anything, and the policy is ``"error"``.
    """
    if save.policy == "overwrite":
        own, paths = with_name(save.changes.document, head.name), paths_to_save(save, divergence)
        return Resolution({path: piece for path, piece in own.pieces.items() if path in paths})
    resolution = merged_changes(save, divergence)
    if not resolution.conflicts and save.policy != "error":
        return resolution
    state, paths = save.state, paths_to_save(save, divergence)
    yours = min(state.since().get(path, state.version) for path in paths) if paths else state.version
    if resolution.conflicts:
        raise refused(head, yours, resolution.problem, resolution.conflicts)
    places = all_places(_sides(save, divergence), save.live.mapper.codec.optional_members)
    raise refused(head, yours, _ELSEWHERE, places)


def paths_to_save(save: Save, divergence: Divergence) -> set[str]:
    """Return the paths of the pieces that the save is about."""
    changes = save.changes
    return {*divergence.base, *divergence.theirs, *changes.paths} if changes.whole else changes.about


def merged_changes(save: Save, divergence: Divergence) -> Resolution:
    """Return the merge of the local changes and of what others saved since, with the conflicts that there are."""
    state, changes, kind, sides = save.state, save.changes, save.changes.document.kind, _sides(save, divergence)

    def is_stored(number: int) -> bool:
        return any(state.digests.get(rule.path(number)) is not None for rule in kind.parts)

    policy = save.policy
    resolution = resolve(
        kind,
        sides,
        policy=(lambda conflict: tagged_if_json(policy(conflict))) if callable(policy) else policy,
        paths=None if changes.whole else changes.about,
        taken=TakenNumbers(() if changes.whole else save.live.numbers(), is_stored),
        optional=save.live.mapper.codec.optional_members,
    )
    if kind.name != EXPERIMENT.name:
        return resolution
    return checked(resolution, sides, numbers=resolution.numbers, names=resolution.names)


def _sides(save: Save, divergence: Divergence) -> Sides[Mapping[str, JSON]]:
    return Sides(divergence.base, save.changes.pieces_beside(divergence.base), divergence.theirs)


# --- the merged pieces, checked by the class --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MergedPiece:
    """A piece as it was, as each side has it, and as the merge makes it; ABSENT where there is none.

    The first three have a null for each optional member that an object lacks, so that they can be compared.
    """

    base: JSON | Absent
    mine: JSON | Absent
    theirs: JSON | Absent
    merged: JSON | Absent


@dataclass(frozen=True, slots=True)
class InvalidMerge:
    """Why the class of an object refuses merged pieces, and the places that either side changed in them."""

    error: Exception
    places: tuple[Conflict, ...]

    @property
    def problem(self) -> str:
        """What is wrong, as an error message says it."""
        return f"the merged document is invalid: {str(self.error).removesuffix('.')}"


def merged_pieces(
    save: Save, divergence: Divergence, resolution: Resolution, paths: Iterable[str]
) -> dict[str, MergedPiece]:
    """Return the merged pieces at *paths*, each beside what it was made of."""
    base, theirs = divergence.base, divergence.theirs
    own = {resolution.moved(path): body for path, body in save.changes.pieces_beside(base).items()}
    merged = bodies_of(resolution.target)
    paths, optional = [*paths], save.live.mapper.codec.optional_members
    sides = [*(pieces_with_nulls(each, optional, paths) for each in (base, own, theirs)), merged]
    return {path: MergedPiece(*(each.get(path, ABSENT) for each in sides)) for path in paths}


def invalid_merge(live: LiveObject, pieces: Mapping[str, MergedPiece]) -> InvalidMerge | None:
    """Return why an object cannot be brought up to the merged *pieces*; None if it can.

    Raises:
        DecodeError: what others saved cannot be read here, merged or not.
    """

    def problem_with(paths: Iterable[str]) -> Exception | None:
        try:
            check_adoptable(live, {path: pieces[path].merged for path in paths}, merged=True)
        except (DecodeError, InvalidValueError) as error:
            return error
        return None

    problem = problem_with(pieces)
    if problem is None:
        return None
    check_adoptable(live, {path: each.theirs for path, each in pieces.items()}, merged=False)
    wrong = [path for path in pieces if problem_with([path])] or list(pieces)
    sides = {path: (pieces[path].base, pieces[path].mine, pieces[path].theirs) for path in sorted(wrong, key=in_order)}
    places = (place for path, each in sides.items() for place in changed_places(*each, at=path))
    return InvalidMerge(problem, without_bookkeeping(places, attrgetter("pointer")))
