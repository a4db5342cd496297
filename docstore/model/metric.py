"""A metric: its name, and whether lower is better. Subclass Metric to fetch data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from docstore.errors import InvalidValueError
from docstore.model.checks import check_dict, check_name, plain

if TYPE_CHECKING:
    from docstore.model.trial import BaseTrial


# The generated == would not see what a subclass sets in an __init__ of its own.
@dataclass(eq=False, repr=False)
class Metric:
    """A metric by name. A subclass may override ``fetch_trial_data``, and needs no decorator."""

    has_map_data: ClassVar[bool] = False

    name: str
    lower_is_better: bool | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    signature_override: str | None = None

    def __post_init__(self) -> None:
        self.name, self.lower_is_better = check_name("name of a metric", self.name), plain(self.lower_is_better)
        if self.lower_is_better not in (None, True, False):
            raise InvalidValueError(
                f"lower_is_better of metric {self.name!r}", self.lower_is_better, "Give True, False or None."
            )
        given: dict[str, Any] | None = self.properties  # Ax takes None for no properties
        self.properties = check_dict(f"properties of metric {self.name!r}", {} if given is None else given)

    @property
    def signature(self) -> str:
        """The name by which other systems know the metric; its own unless overridden."""
        return self.signature_override or self.name

    def fetch_trial_data(self, trial: BaseTrial, **kwargs: Any) -> Any:
        """Return the data of *trial*; to be overridden in a subclass."""
        raise InvalidValueError(
            f"metric {self.name!r}", type(self).__name__, "It cannot fetch: override fetch_trial_data in a subclass."
        )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


@dataclass(eq=False, repr=False)
class MapMetric(Metric):
    """A metric that is observed at several steps of a trial."""

    has_map_data: ClassVar[bool] = True
