"""The fields of analysis cards, and the experiments that they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import uuid4

from ax.analysis.graphviz.graphviz_analysis import GraphvizAnalysisCard
from ax.analysis.healthcheck.healthcheck_analysis import HealthcheckAnalysisCard
from ax.analysis.markdown.markdown_analysis import MarkdownAnalysisCard
from ax.analysis.plotly.plotly_analysis import PlotlyAnalysisCard
from ax.core.analysis_card import (
    AnalysisCard,
    AnalysisCardGroup,
    ErrorAnalysisCard,
    NotApplicableStateAnalysisCard,
)

from docstore.ax.entries import Fields, entry
from docstore.codec.classes.field_tables import Field
from docstore.codec.side_data import note, noted
from docstore.documents.kinds import ANALYSIS_CARD

Names: TypeAlias = "tuple[str, str]"
"""The names of a card's experiment, and of the document that the card is."""

_LONGEST: Final = 200
"""Characters of a card's name that the name of its document has."""

_NAMES: Final = "names of a card"
"""The note of what Ax's cards do not know themselves."""


def belong_to(card: Any, experiment_name: str, number: str | None = None) -> None:
    """Make *card* one of this experiment, and a document of its own: many cards of an experiment have one name.

    Args:
        number: ends the name of the document; a random one, unless it is given.
    """
    note(card, _NAMES, (experiment_name, f"{card.name[:_LONGEST]} {number or uuid4().hex}"))


def _names(card: Any) -> Names | None:
    found: Names | None = noted(card, _NAMES)
    return found


def _experiment_name(card: Any) -> str | None:
    names = _names(card)
    return None if names is None else names[0]


def _document_name(card: Any) -> str | None:
    names = _names(card)
    return None if names is None else names[1]


def _restore(card: Any, experiment_name: str | None, document_name: str | None) -> None:
    if experiment_name is not None and document_name is not None:
        note(card, _NAMES, (experiment_name, document_name))


HEADING: Fields = (
    Field("name", str),
    "title",
    "subtitle",
    Field("_timestamp", datetime),
    Field("experiment_name", str, get=_experiment_name, omits_none=True),
    Field("document_name", str, get=_document_name, omits_none=True),
)
CARDS = (
    AnalysisCard,
    ErrorAnalysisCard,
    GraphvizAnalysisCard,
    HealthcheckAnalysisCard,
    MarkdownAnalysisCard,
    NotApplicableStateAnalysisCard,
    PlotlyAnalysisCard,
)

ENTRIES = (
    *(entry(cls, *HEADING, "df", "blob", kind=ANALYSIS_CARD, restored=_restore) for cls in CARDS),
    entry(AnalysisCardGroup, *HEADING, "children", kind=ANALYSIS_CARD, restored=_restore),
)
