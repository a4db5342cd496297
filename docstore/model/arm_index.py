"""An index of an experiment's arms: their names and their parameters; made from the trials, never stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from docstore.errors import InvalidValueError
from docstore.model.arm import Arm
from docstore.model.part_dict import arms_not_in_memory, in_memory
from docstore.model.trial import BaseTrial


@dataclass
class ArmIndex:
    """The names and signatures of the arms of some trials, and the index of the next trial.

    Arms are added only with trials, and an arm's parameters do not change, so the index is valid as long as the number
    of trials is the same. It refers to no arm: a save encodes each trial whose arm something else refers to.
    """

    taken: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    trial_count: int = -1
    next_index: int = 0

    @classmethod
    def of(cls, trials: dict[int, BaseTrial], others: Iterable[Arm], measured: Collection[int] = ()) -> ArmIndex:
        """Return the index of *trials* and *others*. Cost: a digest of each arm, some 5 µs.

        Args:
            measured: the trial indices with data, perhaps of a trial that was removed.
        """
        index = cls(trial_count=len(trials), next_index=max((*trials, *measured), default=-1) + 1)
        index.add(others)
        # Another thread may add a trial meanwhile. Then the count shows that the index is out of date.
        for _, trial in in_memory(trials):
            index.add(trial.arms)
        index.add(arms_not_in_memory(trials))
        return index

    def add(self, arms: Iterable[Arm]) -> None:
        """Add *arms*, all of which have names."""
        for arm in arms:
            self.taken.add(arm.name)
            self.names.setdefault(arm.signature, arm.name)

    def add_trial(self, index: int) -> None:
        """Count the trial of *index*, whose arms were added before."""
        self.trial_count += 1
        self.next_index = max(self.next_index, index + 1)

    def names_for(self, arms: Sequence[Arm], trial: BaseTrial) -> list[str]:
        """Return the names of *arms* in *trial*: the known name of the parameters, or the arm's own, or a free one."""
        prefix = f"{trial.index}_"
        position = sum(arm.name.startswith(prefix) for arm in trial.arms)
        chosen: list[str] = []
        for arm in arms:
            known = self.names.get(arm.signature)
            if known is None and not arm.has_name:
                while f"{prefix}{position}" in self.taken or f"{prefix}{position}" in chosen:
                    position += 1
                known = f"{prefix}{position}"
                position += 1
            chosen.append(self._agreed(arm, known, chosen))
        return chosen

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
