"""Which trials of experiments with a common past are the same, whatever number they have in each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from docstore import paging
from docstore.history import Parent
from docstore.kinds import EXPERIMENT
from docstore.reader import history_of
from docstore.renumbering import trials_in
from docstore.versions.ancestry import Ancestry, Held

K = TypeVar("K", int, str)

_Saved: TypeAlias = "tuple[str, int]"
"""A version, and the document that it was saved in."""

_NAMED_AFTER_A_TRIAL: Final = re.compile("([0-9]{1,9})_[0-9]+")


@dataclass(frozen=True, slots=True)
class _Passage:
    """The trials that went from one document to another, by a branch or a merge.

    Attributes:
        numbers: of each of them, its number there and here.
        names: of arms that are called otherwise here.
    """

    source: str
    target: str
    numbers: Mapping[int, int]
    names: Mapping[str, str]

    @property
    def back(self) -> _Passage:
        """The same, from here to there."""
        numbers = {here: there for there, here in self.numbers.items()}
        names: dict[str, str] = {}
        for there, here in self.names.items():
            names.setdefault(here, there)  # of two arms of the same parameters that became one
        return _Passage(self.target, self.source, numbers, names)

    def name(self, name: str) -> str | None:
        """Return what an arm is called on the other side, or None if it did not go there."""
        if name in self.names:
            return self.names[name]
        named_after = _NAMED_AFTER_A_TRIAL.fullmatch(name)
        return name if named_after is None or int(named_after[1]) in self.numbers else None


class Kinship:
    """The passages of trials between all documents that are in the history of one of *heads*.

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
        is_needed = kind == EXPERIMENT.name and any(parent.numbers or parent.names for parent in came.values())
        self._passages = list(self._found(came)) if is_needed else []

    def numbers(self, source: str, target: str, numbers: Iterable[int]) -> dict[int, int]:
        """Return the number in *target* of each trial of *source* that is there under another one."""
        return self._reached(source, target, numbers, lambda passage, number: passage.numbers.get(number))

    def names(self, source: str, target: str, names: Iterable[str]) -> dict[str, str]:
        """Return what each arm of *source* that is in *target* is called there, if otherwise."""
        return self._reached(source, target, names, _Passage.name)

    def _reached(
        self, source: str, target: str, keys: Iterable[K], across: Callable[[_Passage, K], K | None]
    ) -> dict[K, K]:
        known: dict[str, dict[K, K]] = {source: {key: key for key in keys}}
        is_growing = True
        while is_growing:
            is_growing = False
            for passage in self._passages:
                here = known.setdefault(passage.target, {})
                for key, there in list(known.get(passage.source, {}).items()):
                    found = across(passage, there) if key not in here else None
                    if found is not None:
                        here[key], is_growing = found, True
        return {key: found for key, found in known.get(target, {}).items() if found != key}

    def _found(self, came: Mapping[tuple[str, int], Parent]) -> Iterator[_Passage]:
        """Yield each passage, there and back; the latest first, since a number may have been given again."""
        wanted = {(parent.id, parent.version) for parent in came.values()}
        numbers = self._numbers_in({key: held for key in wanted if (held := self._ancestry.held(*key))})
        for (id, _), parent in sorted(came.items(), key=lambda each: each[0][1], reverse=True):
            went = numbers.get((parent.id, parent.version), parent.numbers.keys())
            passage = _Passage(parent.id, id, {each: parent.numbers.get(each, each) for each in went}, parent.names)
            yield from (passage, passage.back)

    def _numbers_in(self, held: Mapping[_Saved, Held]) -> dict[_Saved, AbstractSet[int]]:
        """Return the numbers of the trials that each of these versions has."""
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
