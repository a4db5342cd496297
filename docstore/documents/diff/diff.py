"""Diff: what changed between two states of a document, as a JSON Patch for programs and as lines for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from docstore.documents.canonical import ABSENT, JSON, join_pointer, same_json
from docstore.documents.changeset import changeset_of, same_layout
from docstore.documents.diff.experiment import experiment_lines
from docstore.documents.diff.format import read_name
from docstore.documents.diff.lines import Line, Pair, plain_lines, whole, with_bookkeeping
from docstore.documents.diff.render import NO_DIFFERENCE, as_html, as_rich
from docstore.documents.digests import pieces_of
from docstore.documents.kinds import EXPERIMENT, HEAD, Kind, in_order, join, split_path
from docstore.documents.optional_members import NO_MEMBERS, OptionalMembers, pieces_with_nulls, with_nulls
from docstore.documents.patch import Change, apply, checked_diff, forward
from docstore.errors import short_repr

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


Step: TypeAlias = "dict[str, JSON]"
"""One operation of a JSON Patch."""


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one state of a document to another; true if anything did.

    Values are shared with the documents, and with what some libraries make of a patch: copy one before you change it.

    Attributes:
        changes: as stored: from the newer state back to the older, each with the old value.
        patch: the JSON Patch (RFC 6902) from the older state to the newer.
        undo: the JSON Patch from the newer state to the older.
        lines: one for each thing that changed, in the document's own terms.
    """

    changes: tuple[Change, ...]
    patch: tuple[Step, ...]
    undo: tuple[Step, ...]
    lines: tuple[Line, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The lines as texts: ``trial 7: mean of accuracy 0.31 -> 0.33``."""
        return tuple(map(str, self.lines))

    def describe(self) -> str:
        """Return the lines as one text."""
        return "\n".join(self.words) or NO_DIFFERENCE

    def __str__(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({short_repr(list(self.words))})"

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __rich__(self) -> Table | Text:
        return as_rich(self.lines)

    def _repr_html_(self) -> str:
        return as_html(self.lines)


def of_documents(kind: Kind, old: JSON, new: JSON, optional: OptionalMembers = NO_MEMBERS) -> Diff:
    """Return the diff of two whole documents of *kind*; *optional* as of ``difference``.

    Raises:
        DecodeError: the layout in one of them is malformed.
        EncodeError: a part of one is nested too deeply for any document, or its key is too long.

    Cost:
        Equal pieces are skipped at the speed of ``==`` and one writing.
    """
    before, after = kind.split(old), kind.split(new)
    unequal = {
        path
        for path in before.keys() | after.keys()
        if not same_json(before.get(path, ABSENT), after.get(path, ABSENT))
    }
    return difference(kind, before, after, unequal, optional)


def difference(
    kind: Kind,
    old: Mapping[str, JSON],
    new: Mapping[str, JSON],
    unequal: set[str],
    optional: OptionalMembers = NO_MEMBERS,
) -> Diff:
    """Return the diff of two states; *unequal* are the paths of the pieces that are not the same in both.

    Args:
        old, new: at least the pieces of ``with_siblings``, as data are described with the arms of their trial.
        optional: the members that read as null in the lines where an object lacks them. The patch has them as stored.

    Cost:
        In proportion to the unequal pieces; for the lines, a DeepDiff of each list whose items have no known key.
    """
    if not _have_same_parts(kind, old[HEAD], new[HEAD]):
        # The two are split differently, and so compared as wholes.
        was, now = join(old), join(new)
        changes = checked_diff(was, now)
        lines = _lines_of_wholes(with_nulls(was, optional), with_nulls(now, optional))
        return Diff(changes, tuple(forward(now, changes)), tuple(_backward(changes)), tuple(lines))
    kind = kind.of(new[HEAD])
    before = {path: old[path] for path in unequal if path in old}
    after = {path: new[path] for path in unequal if path in new}
    changes = changeset_of(kind, before, pieces_of(after)).changes
    there = _forward(kind.lists(new[HEAD]), {HEAD: new[HEAD], **after}, changes)
    was, now = (pieces_with_nulls(side, optional, {HEAD, *unequal}) for side in (old, new))
    lines = _lines_of_pieces(kind, was, now, unequal)
    return Diff(changes, _in_one(kind, there), _in_one(kind, _backward(changes)), tuple(lines))


def _forward(lists: Collection[str], pieces: Mapping[str, JSON], changes: Sequence[Change]) -> list[Step]:
    """Return *changes* as a patch to the document of *pieces*, of whose *lists* some items may be left out."""
    steps = forward(join(pieces, sparse=lists), changes)
    # A new list is added empty, and its items follow; a sparse join has a dict in its place.
    fields = {join_pointer((field,)) for field in lists}
    return [{**step, "value": []} if step["path"] in fields and step.get("value") == {} else step for step in steps]


def _backward(changes: Sequence[Change]) -> list[Step]:
    """Return the patch that undoes *changes*."""
    return [_back(change) for change in reversed(changes)]


def _back(change: Change) -> Step:
    if change.old is ABSENT:
        return {"op": "remove", "path": change.path}
    return {"op": "add" if change.op == "remove" else "replace", "path": change.path, "value": change.old}


def _in_one(kind: Kind, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the same patch with each new field of parts added in one step, with its parts.

    If the parts followed one by one, a library that does not copy values (jsonpatch) would add them to the value in the
    patch itself, so that the patch would give another document when it is applied again.
    """
    for field in (join_pointer((rule.field,)) for rule in kind.parts):
        start = next((i for i, step in enumerate(steps) if step["path"] == field and "value" in step), None)
        if start is not None:
            parts = [step for step in steps[start:] if _is_in(field, step)]
            inside = ({**step, "path": str(step["path"]).removeprefix(field)} for step in parts)
            filled: Step = {**steps[start], "value": apply(steps[start]["value"], list(inside))}
            # Earlier steps inside the field are about its former value.
            steps = [*steps[:start], filled, *(step for step in steps[start + 1 :] if not _is_in(field, step))]
    return tuple(steps)


def _is_in(field: str, step: Step) -> bool:
    return str(step["path"]).startswith(f"{field}/")


def _have_same_parts(kind: Kind, old: JSON, new: JSON) -> bool:
    if kind.parts and not (isinstance(old, dict) and isinstance(new, dict)):
        return False  # one of the two cannot have parts
    return same_layout(kind, old, new)


def _lines_of_wholes(old: JSON, new: JSON) -> list[Line]:
    return plain_lines("", Pair(old, new)) or plain_lines("", Pair(with_bookkeeping(old), with_bookkeeping(new)))


def _lines_of_pieces(kind: Kind, old: Mapping[str, JSON], new: Mapping[str, JSON], unequal: set[str]) -> list[Line]:
    lines = experiment_lines(old, new, unequal) if kind.name == EXPERIMENT.name else _lines(kind, old, new, unequal)
    if lines:
        return lines
    # Only how the objects are stored has changed.
    was, now = ({path: with_bookkeeping(side[path]) for path in unequal & side.keys()} for side in (old, new))
    return _lines(kind, was, now, unequal)


def _lines(kind: Kind, old: Mapping[str, JSON], new: Mapping[str, JSON], unequal: set[str]) -> list[Line]:
    pairs = [(path, Pair(old.get(path, ABSENT), new.get(path, ABSENT))) for path in sorted(unequal, key=in_order)]
    return [line for path, pair in pairs for line in _piece_lines(kind, path, pair)]


def _piece_lines(kind: Kind, path: str, pair: Pair) -> list[Line]:
    rule = kind.rule(path) if path != HEAD else None
    subject = f"{rule.name} {read_name(split_path(path)[1])}" if rule else ""
    if ABSENT not in (pair.was, pair.now):
        return plain_lines(subject, pair)
    code = rule.status if rule else None
    return [whole(subject, *pair.read(lambda body: (code.name_in(body) if code else None) or ""))]
