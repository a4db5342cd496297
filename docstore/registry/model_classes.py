"""The classes of the light model: the tag of each, and the kind of document that it is by itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from docstore import model
from docstore.codec import Codec
from docstore.codec.registry import Entry, Registry
from docstore.codec.values.optional_types import ADAPTERS
from docstore.documents.kinds import ANALYSIS_CARD, EXPERIMENT, GENERATION_STRATEGY, Kind
from docstore.registry.stand_ins import UnknownMetric, UnknownRunner


@functools.cache
def model_registry() -> Registry:
    """Return the registry of the light model, and of the libraries in ``ADAPTERS``: a value, made once."""
    kinds: dict[type, Kind] = {
        model.Experiment: EXPERIMENT,
        model.MultiTypeExperiment: EXPERIMENT,
        model.GenerationStrategy: GENERATION_STRATEGY,
        model.AnalysisCard: ANALYSIS_CARD,
        model.AnalysisCardGroup: ANALYSIS_CARD,
    }
    stand_ins = {model.Metric: UnknownMetric, model.Runner: UnknownRunner}
    classes = [
        Entry(cls, cls.__name__, restore=True, kind=kinds.get(cls), model="docstore", stand_in=stand_ins.get(cls))
        for cls in model.CLASSES
    ]
    enums = [Entry(cls, cls.__name__, model="docstore") for cls in model.ENUMS]
    return Registry((*classes, *enums)).with_adapters(ADAPTERS)


@functools.cache
def optional_members() -> Mapping[str, frozenset[str]]:
    """Return ``Codec.optional_members`` of the light model, for reading stored JSON without the registered classes."""
    return Codec(model_registry()).optional_members
