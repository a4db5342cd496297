"""An experiment saved to a JSON file."""

from __future__ import annotations

import os
from collections.abc import Mapping

from docstore.documents import Documents, documents_of, model_registry
from docstore.entries import Encoder
from docstore.errors import InvalidValueError
from docstore.json_store import files
from docstore.model import Experiment
from docstore.registry_bundle import RegistryBundle
from docstore.values import CHANGE_DEPTH, dumps


def save_experiment(
    experiment: Experiment,
    filepath: str | os.PathLike[str],
    encoder_registry: Mapping[type, Encoder] | None = None,
    *,
    bundle: RegistryBundle | None = None,
    indent: bool = False,
) -> None:
    """Save *experiment*, with its trials and data, to the file *filepath*: the same text that ``dumps`` gives.

    A file that was there is replaced in one step, once the new one is whole on the disk; an experiment that cannot be
    encoded leaves it as it was. A name that ends in ``.gz`` is compressed.

    Args:
        encoder_registry: how custom classes are written, as ``RegistryBundle(...).encoder_registry`` gives it.
        bundle: the bundle itself, in its place.
        indent: lines and spaces, for people who read the file.

    Raises:
        EncodeError: something in *experiment* cannot be written; with its pointer.
        FileAccessError: the file cannot be written.
    """
    if not isinstance(experiment, Experiment):
        raise InvalidValueError("experiment", experiment, "Give an Experiment; docstore.dumps writes other objects.")
    encoded = _documents(encoder_registry, bundle).encode(experiment)
    files.write(filepath, dumps(encoded, indent=indent, within=CHANGE_DEPTH))


def _documents(encoders: Mapping[type, Encoder] | None, bundle: RegistryBundle | None) -> Documents:
    if encoders is None:
        return documents_of(bundle)
    registry = bundle.extend(model_registry()) if bundle else model_registry()
    return Documents(registry.with_encoders(encoders))
