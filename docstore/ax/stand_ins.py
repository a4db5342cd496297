"""Stand-ins for metrics and runners of Ax whose classes are not registered, in an experiment that is read anyway."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import Any, NoReturn

from ax.core.metric import Metric
from ax.core.runner import Runner

from docstore.documents.canonical import JSON
from docstore.registry.stand_ins import StandIn


class UnknownMetric(StandIn, Metric):  # type: ignore[misc]  # Ax is not installed where types are checked
    """A metric whose class is not registered: it works where a metric does, but cannot fetch and cannot be changed.

    Its name, its direction and its properties are those that were saved; its JSON is written back unchanged.
    """

    def __init__(self, tag: str, json: dict[str, JSON], members: Mapping[str, Any]) -> None:
        """Make it of its JSON and of those of its decoded *members* that every metric has."""
        super().__init__(tag, json, members)
        state = {**vars(Metric(name=members["_name"])), **members}
        self.__dict__.update({**state, "properties": MappingProxyType(state["properties"])})

    def fetch_trial_data(self, trial: object, **kwargs: Any) -> NoReturn:
        """Raise an InvalidValueError: only its class can fetch."""
        raise self._cannot("fetch_trial_data")

    def clone(self) -> UnknownMetric:
        """Return a copy, which Ax would make by the constructor of the class."""
        return copy(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tag, self.json, {**vars(self), "properties": dict(vars(self)["properties"])})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, tag={self.tag!r})"


class UnknownRunner(StandIn, Runner):  # type: ignore[misc]  # as above
    """A runner whose class is not registered: it works where a runner does, but cannot run and cannot be changed.

    Its JSON is written back unchanged.
    """

    def run(self, trial: object) -> NoReturn:
        """Raise an InvalidValueError: only its class can run a trial."""
        raise self._cannot("run")

    def clone(self) -> UnknownRunner:
        """Return a copy, which Ax would make by the constructor of the class."""
        return copy(self)
