"""An index of an experiment's arms: their names and their parameters; made from the trials, never stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from docstore.errors import InvalidValueError
from docstore.model.arm import Arm
from docstore.model.lazy_part_dict import LazyPartDict, arms_not_in_memory, extent, has_unread, next_key
from docstore.model.part_dict import in_memory
from docstore.model.trial import BaseTrial


@dataclass
class ArmIndex:
    """The names and signatures of the arms of some trials, and the index of the next trial.

    Arms are added only with trials, and an arm's parameters do not change, so the index is valid as long as no trial is
    added or removed. It refers to no arm: a save encodes each trial whose arm something else refers to.

    Attributes:
        taken: the names of arms.
        names: the name of the arm with a signature in the trial of the least index, and that index; -1 if it is not in
            a trial.
        extent: that of the trials when they were indexed, and one more for each that was added since; None at first.
        unread: the trials, if some are not in memory: their arms are looked up when they are asked for.
        asked: the signatures and names that were looked up.
    """

    taken: set[str] = field(default_factory=set)
    names: dict[str, tuple[int, str]] = field(default_factory=dict)
    extent: int | None = None
    next_index: int = 0
    unread: LazyPartDict[BaseTrial] | None = None
    asked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, trials: dict[int, BaseTrial], others: Iterable[Arm], data: dict[int, Any]) -> ArmIndex:
        """Return the index of *trials* and *others*. Cost: a digest of each arm in memory, some 5 µs.

        Args:
            data: the data by trial index, perhaps of a trial that was removed.
        """
        index = cls(extent=extent(trials), next_index=next_key(trials, data))
        index.add(others, -1)
        if isinstance(trials, LazyPartDict) and has_unread(trials):
            index.unread = trials
        index._add_trials(trials)
        return index

    def _add_trials(self, trials: dict[int, BaseTrial]) -> None:
        # Another thread may add a trial meanwhile. Then the extent shows that the index is out of date.
        for key, trial in in_memory(trials):
            self.add(trial.arms, key)

    def add(self, arms: Iterable[Arm], trial_index: int) -> None:
        """Add *arms*, all of which have names, of a trial."""
        for arm in arms:
            self.taken.add(arm.name)
            if trial_index < self.names.get(arm.signature, (trial_index + 1, ""))[0]:
                self.names[arm.signature] = trial_index, arm.name

    def add_read(self, trial: BaseTrial) -> None:
        """Add the arms of a trial that is read now: arms are looked up only in those that are not in memory."""
        if self.unread is not None:
            self.add(trial.arms, trial.index)

    def add_trial(self, index: int) -> None:
        """Count the trial of *index*, whose arms were added before."""
        assert self.extent is not None  # the caller made the index
        self.extent += 1
        self.next_index = max(self.next_index, index + 1)

    def name_of_status_quo(self, arm: Arm) -> str:
        """Return the name of *arm* as the status quo: as ``names_for``, but ``status_quo`` in place of a free name."""
        name = arm.name if arm.has_name else "status_quo"
        known = self._known_name(arm.signature, name)
        if arm.has_name:
            return self._agreed(arm, known, ())
        if known is None and name in self.taken:
            raise InvalidValueError("name of an arm", name, "Other parameters have it: give the status quo a name.")
        return known or name

    def names_for(self, arms: Sequence[Arm], trial: BaseTrial) -> list[str]:
        """Return the names of *arms* in *trial*: the known name of the parameters, or the arm's own, or a free one."""
        prefix = f"{trial.index}_"
        position = sum(arm.name.startswith(prefix) for arm in trial.arms)
        chosen: list[str] = []
        for arm in arms:
            known = self._known_name(arm.signature, arm.name if arm.has_name else f"{prefix}{position}")
            if known is None and not arm.has_name:
                while self._is_taken(f"{prefix}{position}") or f"{prefix}{position}" in chosen:
                    position += 1
                known = f"{prefix}{position}"
                position += 1
            chosen.append(self._agreed(arm, known, chosen))
        return chosen

    def _known_name(self, signature: str, name: str) -> str | None:
        """Return the name of the arm with this *signature*, or None; the arm of this *name* is looked up with it."""
        self._look_up(signature, name)
        return self.names[signature][1] if signature in self.names else None

    def _is_taken(self, name: str) -> bool:
        self._look_up("", name)
        return name in self.taken

    def _look_up(self, signature: str, name: str) -> None:
        """Add the arms with this *signature* or *name* of trials that are not in memory.

        Cost:
            A read of those trials; at first, also of all trials of several arms that are not in memory.
        """
        if self.unread is None or self.asked.issuperset(filter(None, (signature, name))):
            return
        if has_unread(self.unread):
            for key, arm in arms_not_in_memory(self.unread, signature, name, with_others=not self.asked):
                self.add([arm], key)
            self.asked.update((signature, name))
        else:
            self._add_trials(self.unread)
            self.unread = None

    def _agreed(self, arm: Arm, known: str | None, chosen: Sequence[str]) -> str:
        """Return the name of *arm*; refuse one that other parameters have, or another name for known parameters."""
        name = known if known is not None else arm.name
        if arm.has_name and arm.name != name:
            raise InvalidValueError(
                "name of an arm", arm.name, f"Its parameters are known as {name!r}: leave the name out."
            )
        if known is None and (name in self.taken or name in chosen):
            raise InvalidValueError(
                "name of an arm", name, "Other parameters have it: choose another, or use arm.clone(clear_name=True)."
            )
        return name
