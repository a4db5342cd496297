"""Save an experiment to a JSON file."""

from __future__ import annotations

import os
from collections.abc import Mapping

from docstore.codec.registry import Encoder
from docstore.documents.arguments import checked_flag, checked_path
from docstore.documents.canonical import CHANGE_DEPTH, dumps
from docstore.errors import InvalidValueError
from docstore.json_store import files
from docstore.json_store.load import is_experiment
from docstore.model import Experiment
from docstore.registry.bundle import RegistryBundle, bundle_of, mapper_of


def save_experiment(
    experiment: Experiment,
    filepath: str | os.PathLike[str],
    encoder_registry: Mapping[type, Encoder] | None = None,
    class_encoder_registry: Mapping[type, Encoder] | None = None,
    *,
    bundle: RegistryBundle | None = None,
    indent: bool = False,
) -> None:
    """Save *experiment*, with its trials and data, to the file *filepath*: the same text that ``dumps`` gives.

    A file that was there is replaced in one step, once the new one is whole on the disk; an experiment that cannot be
    encoded leaves it as it was. A file whose name ends in ``.gz`` is compressed.

    Args:
        filepath: a path; or a URL, such as ``s3://bucket/a.json``, which fsspec writes (``docstore[fsspec]``, and the
            package of the protocol). A failed save leaves the old file there too.
        encoder_registry: how custom classes are written; see ``RegistryBundle.encoder_registry``.
        class_encoder_registry: how values that are classes are written; see ``RegistryBundle.class_encoder_registry``.
        bundle: the bundle itself, in place of both.
        indent: whether to write lines and spaces, for people who read the file.

    Raises:
        EncodeError: something in *experiment* cannot be written; with its pointer.
        InvalidValueError: a registry is passed to the wrong argument; names the right one. Or the file's name says that
            it is compressed, and not by gzip; or the URL cannot be used.
        FileAccessError: the file cannot be written.
        MissingDependencyError: *filepath* is a URL, and a package that writes it is not installed; names it.
    """
    together = bundle_of(bundle, encoder_registry=encoder_registry, class_encoder_registry=class_encoder_registry)
    path = checked_path("filepath", filepath)
    mapper = mapper_of(together)
    if not is_experiment(mapper, experiment):
        raise InvalidValueError("experiment", experiment, "Give an Experiment; docstore.dumps writes other objects.")
    encoded = mapper.encode(experiment)
    files.write(path, dumps(encoded, indent=checked_flag("indent", indent), within=CHANGE_DEPTH))
