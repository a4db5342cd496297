"""The identity of trials and arms across experiments that share a history, whatever their numbers and names.

A trial has no id of its own: the history says where it went. An arm is identified by its parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from docstore.documents.history import Parent
from docstore.documents.kinds import EXPERIMENT
from docstore.documents.merge.trials import Pieces, arms_in, is_named_after_a_trial, names_in, trials_in
from docstore.sql import paging
from docstore.sql.reader import history_of
from docstore.store.branches.ancestry import Ancestry, Held

_Saved: TypeAlias = "tuple[str, int]"
"""A version, and the document that it was saved in."""


@dataclass(frozen=True, slots=True)
class _Transfer:
    """The trials that a branch or a merge brought from one document into another.

    Attributes:
        numbers: the number of each in the target, by its number in the source.
    """

    source: str
    target: str
    numbers: Mapping[int, int]

    @property
    def back(self) -> _Transfer:
        """The same trials from the target to the source."""
        return _Transfer(self.target, self.source, {target: source for source, target in self.numbers.items()})


class TrialIdentity:
    """The numbers of the same trial in all documents of the ids *seen*, by the transfers between them.

    Cost:
        If a trial has ever got another number: the history of each of these documents, back to its first branch or
        merge; else nothing.
    """

    def __init__(self, ancestry: Ancestry, seen: Iterable[str], kind: str) -> None:
        self._ancestry = ancestry
        came = {
            (ancestry.saved_in(id, number), number): parent
            for id in seen
            for number, parent in ancestry.parents(id).items()
        }
        is_needed = kind == EXPERIMENT.name and any(parent.numbers for parent in came.values())
        self._transfers = list(self._found(came)) if is_needed else []

    def numbers(self, source: str, target: str, numbers: Iterable[int]) -> dict[int, int]:
        """Return the number in *target* of each trial of *source* that has another number there."""
        known: dict[str, dict[int, int]] = {source: {number: number for number in numbers}}
        is_growing = True
        while is_growing:
            is_growing = False
            for transfer in self._transfers:
                here = known.setdefault(transfer.target, {})
                for number, there in list(known.get(transfer.source, {}).items()):
                    if number not in here and there in transfer.numbers:
                        here[number], is_growing = transfer.numbers[there], True
        return {number: found for number, found in known.get(target, {}).items() if found != number}

    def _found(self, came: Mapping[tuple[str, int], Parent]) -> Iterator[_Transfer]:
        """Yield each transfer in both directions; the latest first, since a number may have been used again."""
        wanted = {(parent.id, parent.version) for parent in came.values()}
        numbers = self._numbers_in({key: held for key in wanted if (held := self._ancestry.held(*key))})
        for (id, _), parent in sorted(came.items(), key=lambda each: each[0][1], reverse=True):
            went = numbers.get((parent.id, parent.version), parent.numbers.keys())
            transfer = _Transfer(parent.id, id, {each: parent.numbers.get(each, each) for each in went})
            yield from (transfer, transfer.back)

    def _numbers_in(self, held: Mapping[_Saved, Held]) -> dict[_Saved, AbstractSet[int]]:
        """Return the numbers of the trials in each of these versions."""
        numbers: dict[_Saved, AbstractSet[int]] = {}
        for head in {each.head.id: each.head for each in held.values()}.values():
            wanted: dict[int, list[_Saved]] = {}
            for key, each in held.items():
                if each.head.id == head.id:
                    wanted.setdefault(each.version, []).append(key)
            present = set(paging.keys(self._ancestry.connection, head.id))
            for version in history_of(self._ancestry.connection, head, after=min(wanted) - 1):
                numbers.update(dict.fromkeys(wanted.get(version.number, ()), trials_in(present)))
                present -= {change.path for change in version.changes if change.op == "add"}
                present |= {change.path for change in version.changes if change.op == "remove"}
        return numbers


class ArmNames:
    """The names that arms of other states have in the experiment *target*, if they differ.

    An arm is identified by its parameters: two documents that share a history may each have added an arm ``0_1``, and
    the next merge may rename one of them. The states are translated one after another, the merge base first; each arm
    gets the same name in all of them.
    """

    def __init__(self, target: Pieces) -> None:
        self._occupied = names_in(target)
        self._names: dict[bytes, list[str]] = {}
        for arm in arms_in(target):
            self._names.setdefault(arm.parameters, []).append(arm.name)
        # The names of arms in the states so far, as in the target, with the parameters of each.
        self._given: dict[str, bytes] = {}

    def of(self, pieces: Pieces, numbers: Mapping[int, int]) -> dict[str, str]:
        """Return the name in the target of each arm of *pieces* that has another name there.

        An arm that is new to the target keeps its name, unless another arm in both has it: then it is named after its
        trial again. A name that a user chose stays, and is a conflict then.

        Shapes:
            numbers: the number in the target of trials of *pieces* that have another one there
        """
        arms: dict[str, bytes] = {}
        for arm in arms_in(pieces):
            arms.setdefault(arm.name, arm.parameters)
        names = self._known(arms)
        self._given |= {name: arms[old] for old, name in names.items()}
        new = [name for name in arms if name not in names]
        taken = {
            name for name in new if is_named_after_a_trial(name) and self._given.get(name, arms[name]) != arms[name]
        }
        names |= {name: name for name in new if name not in taken}
        self._given |= {name: arms[name] for name in new if name not in taken}
        self._occupied |= names_in(pieces) - arms.keys()
        for name in new:
            if name in taken:
                names[name] = self._free(name, numbers)
                self._given[names[name]] = arms[name]
            self._names.setdefault(arms[name], []).append(names[name])
        return {old: name for old, name in names.items() if old != name}

    def _known(self, arms: Mapping[str, bytes]) -> dict[str, str]:
        """Return the names of those *arms* that the target, or an earlier state, has already."""
        met = set(self._given.values())
        names = {name: name for name, parameters in arms.items() if name in self._names.get(parameters, ())}
        used = set(names)
        for name, parameters in arms.items():
            # If two users named the same parameters, both names stay.
            if name not in names and (is_named_after_a_trial(name) or parameters in met):
                other = next((each for each in self._names.get(parameters, ()) if each not in used), None)
                if other is not None:
                    names[name] = other
                    used.add(other)
        return names

    def _free(self, name: str, numbers: Mapping[int, int]) -> str:
        number, _, place = name.partition("_")
        after = numbers.get(int(number), int(number))
        names = (f"{after}_{each}" for each in count(int(place)))
        return next(each for each in names if each not in self._occupied and each not in self._given)
