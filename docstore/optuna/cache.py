"""The finished and waiting trials of one study, read from its experiment once, and then only what was changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial
from sqlalchemy.engine import Connection

from docstore.documents.history import pieces_touched
from docstore.documents.kinds import EXPERIMENT, HEAD, split_path
from docstore.errors import InvalidValueError
from docstore.model import Experiment
from docstore.optuna.studies import Layout
from docstore.optuna.trials import frozen_trial
from docstore.registry.bundle import mapper_of
from docstore.sql.reader import history_of, read_pieces
from docstore.sql.rows import HeadRow, head_of

BITS: Final = 22
"""A trial's id is that of its study and its number in so many bits: with 31 bits for the study, JavaScript has it
exactly, too."""


def trial_id_of(study_id: int, number: int) -> int:
    """Return the id of a trial.

    Raises:
        InvalidValueError: the study is full; another trial would have the id.
    """
    if number >> BITS:
        raise InvalidValueError("number of a trial", number, f"A study has {1 << BITS} at most: begin another one.")
    return study_id << BITS | number


def split_id(trial_id: int) -> tuple[int, int]:
    """Return the id of the study of a trial, and the trial's number."""
    return trial_id >> BITS, trial_id & (1 << BITS) - 1


class StudyCache:
    """What is stored of one study, as of the version that was read last.

    Attributes:
        document: the id of the experiment.
        name: of the experiment.
        version: that was read last; 0 before the first one.
        head: the experiment at its newest version, without trials.
        trials: by number, in no order; each is replaced, and never changed, when the stored trial changes.
    """

    def __init__(self, study_id: int, document: str) -> None:
        self.study_id, self.document = study_id, document
        self.name, self.version, self._head_version = "", 0, 0
        self.head: Experiment = Experiment.__new__(Experiment)
        self.trials: dict[int, FrozenTrial] = {}
        self._layout = Layout({}, ())

    @property
    def distributions(self) -> Mapping[str, BaseDistribution]:
        """The first distribution of each parameter of a stored trial."""
        return self._layout.distributions

    def read_head(self, connection: Connection) -> HeadRow:
        """Read the name and the head, if there is a newer version.

        Raises:
            KeyError: the experiment was deleted, or is none of the light model.
        """
        head = head_of(connection, self.document)
        if head is None or head.deleted_at is not None:
            raise KeyError(f"No study with study_id={self.study_id} exists: its experiment was deleted.")
        if head.version != self._head_version:
            pieces, _ = read_pieces(connection, head, {HEAD})
            experiment = mapper_of(unknown="keep").decode(pieces[HEAD])
            if not isinstance(experiment, Experiment):
                raise KeyError(f"The experiment {head.name!r} has Ax's own classes, and is no study of Optuna.")
            self.head, self.name, self._head_version = experiment, head.name, head.version
        return head

    def read(self, connection: Connection) -> None:
        """Read the head and the trials, if there is a newer version.

        Raises:
            KeyError: as ``read_head``.

        Cost:
            If nothing was saved, one SELECT; else, in proportion to what was changed.
        """
        head = self.read_head(connection)
        if head.version == self.version:
            return
        layout = Layout.of(self.head)
        numbers = self._changed(connection, head) if _extends(layout, self._layout) else None
        paths = (
            None if numbers is None else [f"/{field}/{number}" for number in numbers for field in ("trials", "data")]
        )
        pieces, _ = read_pieces(connection, head, paths)
        if numbers is None:
            self.trials = {}
        found = {int(split_path(path)[1]) for path in pieces if path.startswith("/trials/")}
        self.trials.update((number, self._decoded(pieces, number, layout)) for number in found)
        for number in set(numbers or ()) - found:
            self.trials.pop(number, None)
        self._layout, self.version = layout, head.version

    def _changed(self, connection: Connection, head: HeadRow) -> set[int] | None:
        """Return the numbers of the trials that changed since; None if that is not known, or all are to be read."""
        if not 0 < self.version < head.version:
            return None
        history = history_of(connection, head, after=self.version)
        if not all(version.is_kept for version in history):
            return None
        paths = {path for version in history for path in pieces_touched(EXPERIMENT, version.changes)} - {HEAD}
        return {int(key) for _, key in map(split_path, paths)}

    def _decoded(self, pieces: dict[str, Any], number: int, layout: Layout) -> FrozenTrial:
        decode, data = mapper_of(unknown="keep").decode, pieces.get(f"/data/{number}")
        trial = decode(pieces[f"/trials/{number}"])
        return frozen_trial(trial, None if data is None else decode(data), layout, trial_id_of(self.study_id, number))


def _extends(layout: Layout, before: Layout) -> bool:
    """Return whether trials that were read with the layout *before* are the same with *layout*: it only has more."""
    old: Iterable[tuple[str, Any]] = before.distributions.items()
    return [*layout.metrics] == [*before.metrics] and all(
        repr(layout.distributions.get(name)) == repr(distribution) for name, distribution in old
    )
