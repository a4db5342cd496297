"""The fields of analysis cards."""

from __future__ import annotations

from datetime import datetime

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

from docstore.ax.entries import entry
from docstore.codec.classes.field_tables import Field
from docstore.documents.kinds import ANALYSIS_CARD

HEADING = (Field("name", str), "title", "subtitle", Field("_timestamp", datetime))
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
    *(entry(cls, *HEADING, "df", "blob", kind=ANALYSIS_CARD) for cls in CARDS),
    entry(AnalysisCardGroup, *HEADING, "children", kind=ANALYSIS_CARD),
)
