"""Analysis cards: the results of analyses of an experiment, each a table and a figure or text under a title.

A card that belongs to an experiment is a document of its own under a name that no other has, since an experiment may
have many cards of one name. A card without an experiment is stored under its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import uuid4

from docstore.errors import InvalidValueError
from docstore.model.checks import check_instances, check_name, short_dataclass_repr

_LONGEST: Final = 200
"""Characters of a card's name that the name of its document has: with a number of 32 digits, fewer than 255."""


@dataclass(repr=False)
class AnalysisCardBase:
    """The base of a card and a group of cards.

    *experiment_name* is the experiment that it belongs to, and *document_name* the name under which it is stored then:
    its own name and a random number, unless one is given.
    """

    name: str
    title: str = ""
    subtitle: str = ""
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC), kw_only=True)
    experiment_name: str | None = field(default=None, kw_only=True)
    document_name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.name = check_name("name of an analysis card", self.name)
        if self.experiment_name is not None and self.document_name is None:
            self.belong_to(self.experiment_name)

    def belong_to(self, experiment_name: str) -> Self:
        """Make this a card of the experiment of this name, stored as a document of its own, and return the card."""
        experiment_name = check_name("name of an experiment", experiment_name)
        if self.document_name is None or self.experiment_name != experiment_name:
            self.document_name = f"{self.name[:_LONGEST]} {uuid4().hex}"
        self.experiment_name = experiment_name
        return self

    def flatten(self) -> list[AnalysisCard]:
        """Return every card, also those in groups within groups."""
        raise InvalidValueError("analysis card", type(self).__name__, "Use AnalysisCard or AnalysisCardGroup.")

    def __repr__(self) -> str:
        return short_dataclass_repr(self)


@dataclass(repr=False)
class AnalysisCard(AnalysisCardBase):
    """One result of an analysis.

    *df* is its table, a list of rows; a pandas DataFrame is accepted too, and kept as rows. *blob* is text for the
    program that shows the card: JSON of a figure, Markdown, HTML.
    """

    df: list[dict[str, Any]] = field(default_factory=list)
    blob: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.df = _rows(self.df)
        if not isinstance(self.blob, str):
            raise InvalidValueError(
                f"blob of card {self.name!r}", self.blob, "Give text, such as json.dumps(...) of it."
            )

    def flatten(self) -> list[AnalysisCard]:
        """Return the card itself, in a list."""
        return [self]


@dataclass(repr=False)
class AnalysisCardGroup(AnalysisCardBase):
    """Cards, and groups of cards, that belong together."""

    children: list[AnalysisCardBase] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.children = check_instances(f"child of group {self.name!r}", self.children, AnalysisCardBase)

    def flatten(self) -> list[AnalysisCard]:
        """Return every card, also those in groups within groups."""
        return [card for child in self.children for card in child.flatten()]


def _rows(table: Any) -> list[dict[str, Any]]:
    """Return the rows of *table*, each a new dict."""
    rows = table.to_dict("records") if hasattr(table, "to_dict") else table
    if not isinstance(rows, Iterable) or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidValueError(
            "df of an analysis card", table, "Give a list of dicts, one for each row, or a DataFrame."
        )
    return [dict(row) for row in rows]
