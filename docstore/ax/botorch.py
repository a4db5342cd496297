"""What Ax's generators hold of BoTorch, GPyTorch and PyTorch: configurations, components, and classes as values.

Not stored is what was fitted: a surrogate's models and training data, which Ax makes again when it generates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

import ax.exceptions.core
import ax.exceptions.generation_strategy
from ax.adapter.transforms.base import Transform
from ax.generators.torch.botorch_modular.generator import BoTorchGenerator
from ax.generators.torch.botorch_modular.surrogate import Surrogate, SurrogateSpec
from ax.generators.torch.botorch_modular.utils import ModelConfig
from ax.storage.botorch_modular_registry import CLASS_TO_REGISTRY
from ax.storage.transform_registry import TRANSFORM_REGISTRY
from botorch.models.transforms.input import ChainedInputTransform, FilterFeatures, Normalize, Round
from botorch.models.utils.priors import BetaPrior
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.datasets import SupervisedDataset
from botorch.utils.types import DEFAULT
from gpytorch.constraints import Interval
from gpytorch.priors.torch_priors import GammaPrior, LogNormalPrior

from docstore.ax.entries import MODEL, cache, entry, tag_of
from docstore.codec.classes.field_tables import Field
from docstore.codec.registry import Decoder, Encoder, Entry
from docstore.documents.canonical import TAG
from docstore.errors import DecodeError, EncodeError, short_repr

# --- configurations --------------------------------------------------------------------------------------------------


def _made_empty(*attributes: str) -> Iterator[Field]:
    return (Field(name, stored=False, factory=dict) for name in attributes)


CONFIGURATIONS = (
    *(entry(cls, *(field.name for field in fields(cls))) for cls in (ModelConfig, SurrogateSpec)),
    entry(
        Surrogate,
        "surrogate_spec",
        "refit_on_cv",
        "warm_start_refit",
        *_made_empty(
            "_last_datasets",
            "_submodels",
            "metric_to_best_model_config",
            "_model_name_to_eval",
            "_model_name_to_model",
        ),
        *map(cache, ("_last_search_space_digest", "_training_data", "_outcomes", "_model")),
    ),
    entry(
        BoTorchGenerator,
        "surrogate_spec",
        "_surrogate",
        "acquisition_class",
        "acquisition_options",
        "_user_specified_botorch_acqf_class",
        "_botorch_acqf_class",
        "_botorch_acqf_classes_with_options",
        "_botorch_acqf_options",
        "refit_on_cv",
        "warm_start_refit",
        "use_p_feasible",
        Field("_acquisition", stored=False),
    ),
    entry(
        SupervisedDataset,
        "_X",
        "_Y",
        "_Yvar",
        "feature_names",
        "outcome_names",
        "group_indices",
        "validate_init",
    ),
)

# --- components, which PyTorch makes of their arguments --------------------------------------------------------------


def _component(cls: type, *arguments: str) -> Entry:
    """Return the entry of a class whose instances are made of these *arguments*, which they keep as attributes."""

    def encode(component: Any) -> dict[str, Any]:
        return {name: getattr(component, name) for name in arguments}

    return _by_functions(cls, encode, lambda members: cls(**members))


def _by_functions(cls: type, encode: Encoder, decode: Decoder) -> Entry:
    return Entry(cls, tag_of(cls), encode=encode, decode=decode, model=MODEL)


def _transform(cls: Any) -> Entry:
    return _by_functions(cls, lambda transform: dict(transform.get_init_args()), lambda members: cls(**members))


def _interval(interval: Any) -> dict[str, Any]:
    bounds = {"lower_bound": interval.lower_bound, "upper_bound": interval.upper_bound}
    return {**bounds, "initial_value": interval._initial_value}


def _chain(chain: Any) -> dict[str, Any]:
    # A list, since the order is that in which they are applied.
    return {"transforms": [[name, transform] for name, transform in chain.items()]}


COMPONENTS = (
    _component(GammaPrior, "concentration", "rate"),
    _component(LogNormalPrior, "loc", "scale"),
    _component(BetaPrior, "concentration1", "concentration0"),
    _component(SobolQMCNormalSampler, "sample_shape", "seed"),
    _by_functions(Interval, _interval, lambda members: Interval(**members)),
    *map(_transform, (Normalize, Round, FilterFeatures)),
    _by_functions(ChainedInputTransform, _chain, lambda members: ChainedInputTransform(**dict(members["transforms"]))),
)

# --- classes as values -----------------------------------------------------------------------------------------------

TYPE: Final = "ax.Type"
"""The tag of a class that is a value itself."""


def _classes() -> Iterator[type]:
    """Yield the classes that may be values: those in Ax's registries, and errors, by which fallbacks are chosen."""
    yield from (Transform, DEFAULT, *TRANSFORM_REGISTRY)
    for registry in CLASS_TO_REGISTRY.values():
        yield from registry
    for module in (ax.exceptions.core, ax.exceptions.generation_strategy):
        yield from (each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception))


def _class_encode(cls: type) -> dict[str, Any]:
    # Looked up each time: Ax has functions that add to its registries.
    if cls not in _classes():
        raise EncodeError(f"the class {cls.__module__}.{cls.__qualname__} is in none of Ax's registries: add it to one")
    return {TAG: TYPE, "name": cls.__name__}


def _class_decode(members: dict[str, Any]) -> type:
    found = next((cls for cls in _classes() if cls.__name__ == members["name"]), None)
    if found is None:
        raise DecodeError(f"no class in Ax's registries has the name {short_repr(members['name'])}: add it to one")
    return found


CLASS_ENCODERS: Final[dict[type, Encoder]] = dict.fromkeys((*CLASS_TO_REGISTRY, *_classes()), _class_encode)
"""By the bases that a class may have: also one that was added to Ax's registries later."""

CLASS_DECODERS: Final[dict[str, Decoder]] = {TYPE: _class_decode}

ENTRIES = (*CONFIGURATIONS, *COMPONENTS)
