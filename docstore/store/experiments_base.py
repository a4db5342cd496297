"""What a store tells of experiments: their trials and observations as tables, their best arms, and others like them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from docstore.errors import InvalidValueError
from docstore.model import Experiment, SearchSpace
from docstore.search.experiments.best import BestArm, best_arms, config_of
from docstore.search.experiments.frames import observations_frame, trials_frame
from docstore.search.experiments.read import read_experiment
from docstore.search.experiments.similar import AT_MOST, Similar, find_similar, target_parameters
from docstore.sql.dialects import checked_moment
from docstore.store.search_base import Search

if TYPE_CHECKING:
    import pandas


class Experiments(Search):
    """Tells of a store's experiments as they are stored now; none is loaded, and no class of the user's is needed."""

    def trials(self, name: str) -> pandas.DataFrame:
        """Return a pandas frame with a row for each trial of an experiment, by its index, with its first arm.

        Its columns are those of the view ``trials``; in the place of ``parameters``, each parameter has one of its own,
        in the order of the search space. One that has the name of another column is ``parameters.NAME``.

        Units:
            ``trial_index``, ``changed_in_version``: int64. ``status``, ``generator_run_type``: Int64. ``time_*``:
            datetime64[us, UTC]; of objects, where one has no zone. ``run_time``: seconds, float64. A parameter: FLOAT
            float64, INT Int64, BOOL boolean; of objects, where a value is of another type, or too large. All others are
            of objects: texts, and in ``arms`` the list of their names. What is missing is NaN, NaT, NA or None.

        Raises:
            MissingDependencyError: pandas is not installed.
            DocumentNotFoundError: as ``load``.
            DamagedDocumentError: as ``load``; or the columns of a trial, or the table ``codes``, contradict the trial
                or the history.

        Cost:
            Three SELECTs; each trial and its data are read.
        """
        return trials_frame(read_experiment(self._access, name), self.project, self._raw.decode)

    def observations(self, name: str) -> pandas.DataFrame:
        """Return a pandas frame with a row for each observation of an experiment, by trial and as they were attached.

        Its columns are those of the view ``observations``.

        Units:
            ``trial_index``: int64. ``step``, ``mean``, ``sem``: float64, of objects where one is no number or an
            integer beyond 64 bits. All others are of objects: texts, and ``start_time`` and ``end_time`` as they were
            attached. What is missing is NaN or None.

        Raises:
            MissingDependencyError: pandas is not installed.
            DocumentNotFoundError, DamagedDocumentError: as ``load``.

        Cost:
            As ``trials``.
        """
        return observations_frame(read_experiment(self._access, name), self.project, self._raw.decode)

    def best(self, name: str, n: int = 1) -> list[BestArm]:
        """Return the *n* best arms of an experiment by its objective: first those that fulfil its outcome constraints.

        Of arms that are equally good, the one that was tried earlier comes first. There are fewer where the objective
        was measured on fewer, and none where it was on none.

        What was observed is put together like this. Trials that failed, were abandoned or are stale do not count, nor
        do arms that were abandoned, nor a mean that is NaN. Of an arm's observations of a metric in one trial, the one
        with the largest step counts, of equal ones the last; one without a step comes after all steps. For an arm in
        several trials, it is the unweighted mean of these, summed in the order of the trials. (The view ``experiments``
        computes the same; its ``best_value`` is the best of all arms, whatever the constraints.) The objective is that
        of its metric; or the weighted sum of those of its metrics.

        A constraint holds where its metrics were measured, and their (weighted) mean is within the bound. One that is
        relative has its bound that much above or below the status quo: -5 percent is 9.5 for 10, and -10.5 for -10.

        Raises:
            InvalidValueError: the experiment has no objective, or several at once; a constraint is relative to a status
                quo that there is not, or that was not measured; or *n* is no number of 1 or more.
            DecodeError: the objective, or a constraint, is of a class of the user's own that is not registered.
            DocumentNotFoundError, DamagedDocumentError: as ``load``.

        Cost:
            As ``trials``.
        """
        n = _checked_count(n)
        stored = read_experiment(self._access, name)
        config = config_of(stored, self._documents().codec.decode)
        return best_arms(stored, config, self._raw.decode)[:n]

    def similar(
        self,
        like: SearchSpace | Experiment,
        *,
        n: int = 10,
        overlap: float = 0.0,
        types: Enum | str | int | Iterable[Enum | str | int] | None = None,
        since: datetime | None = None,
    ) -> list[Similar]:
        """Return the *n* experiments that share the most parameters with a search space, the newest first of equals.

        It is what Ax's ``identify_transferable_experiments`` tells: which earlier experiments a new one can learn from,
        and by which parameters. A parameter is shared that has the same name and the same type (FLOAT, INT, ...),
        whatever its bounds or choices. ``load`` gives those that one wants.

        Args:
            like: a search space; or an experiment, which is not among those that are found.
            overlap: at least this share of the parameters of *like* is shared; of none, an experiment is never found.
            types: only experiments of this type, or of one of several, as ``find`` takes them.
            since: only those that were saved at this time or later.

        Raises:
            InvalidValueError: *like* is neither, or has no parameters; *overlap* is not between 0 and 1; *n* is no
                number of 1 or more; or *since* has no time zone.
            UnknownCodeError: *types* are none.

        Cost:
            Two SELECTs (and one for *types*), in which the database looks into the search space of each experiment.
        """
        n = _checked_count(n, most=AT_MOST)
        sought = target_parameters(like, overlap)
        moment = None if since is None else checked_moment("since", since)
        experiments = self.find("experiment", type=types, updated=(moment, None)).select()
        with self._access.reading() as connection:
            return find_similar(connection, experiments, sought, n)


def _checked_count(n: Any, most: int | None = None) -> int:
    if type(n) is not int or n < 1 or (most is not None and n > most):
        raise InvalidValueError("n", n, f"Give how many, from 1{f' to {most:,}' if most else ''}.")
    return n
