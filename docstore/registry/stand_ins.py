"""Stand-ins: what an experiment that is read by ``unknown="keep"`` has for metrics and runners of unregistered classes.

An experiment, an objective and a constraint take nothing but metrics; all that they ask a metric for is in its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from docstore.codec import UnknownObject
from docstore.documents.canonical import JSON
from docstore.errors import InvalidValueError
from docstore.model import Metric, Runner


class StandIn(UnknownObject):
    """An unknown object that cannot be changed: what is set on it would not be written."""

    def __init__(self, tag: str, json: dict[str, JSON], members: Mapping[str, Any]) -> None:
        """Make it of its JSON; *members* are decoded ones that every object of the kind has: of a runner, none."""
        super().__init__(tag, json)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tag, self.json, {})

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tag={self.tag!r})"

    def __setattr__(self, name: str, value: object) -> None:
        raise InvalidValueError(f"{name} of {self!r}", value, f"It is read only. {self._remedy}")

    def __delattr__(self, name: str) -> None:
        raise InvalidValueError(f"{name} of {self!r}", None, f"It is read only. {self._remedy}")

    @property
    def _remedy(self) -> str:
        return f"Register the class {self.tag!r}, in the release that wrote it, and load the experiment again."

    def _cannot(self, method: str) -> InvalidValueError:
        return InvalidValueError(repr(self), method, f"Only its class can do that. {self._remedy}")


class UnknownMetric(StandIn, Metric):
    """A metric whose class is not registered: it works where a metric does, but cannot fetch and cannot be changed.

    Its name, its direction and its properties are those that were saved; its JSON is written back unchanged.
    """

    def __init__(self, tag: str, json: dict[str, JSON], members: Mapping[str, Any]) -> None:
        """Make it of its JSON and of those of its decoded *members* that every metric has.

        Raises:
            InvalidValueError, TypeError: no metric has such members.
        """
        super().__init__(tag, json, members)
        plain = Metric(**members)
        vars(self).update(vars(plain), properties=MappingProxyType(plain.properties))

    def fetch_trial_data(self, trial: object, **kwargs: Any) -> NoReturn:
        """Raise an InvalidValueError: only its class can fetch."""
        raise self._cannot("fetch_trial_data")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tag, self.json, {**vars(self), "properties": dict(self.properties)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, tag={self.tag!r})"


class UnknownRunner(StandIn, Runner):
    """A runner whose class is not registered: it works where a runner does, but cannot run and cannot be changed.

    Its JSON is written back unchanged.
    """
