"""Load an experiment from a JSON file."""

from __future__ import annotations

import os
from collections.abc import Mapping

from docstore.codec.core import Unknown
from docstore.codec.mapper import FORMAT, Mapper
from docstore.codec.registry import Decoder
from docstore.documents.arguments import checked_path
from docstore.documents.canonical import JSON, TAG, loads_strict
from docstore.documents.kinds import EXPERIMENT, FORMAT_KEY
from docstore.errors import CodecError, DecodeError, FileFormatError, NewerFormatError, short_repr
from docstore.json_store import files
from docstore.json_store.remote import shown
from docstore.model import Experiment
from docstore.registry.bundle import RegistryBundle, bundle_of, mapper_of


def load_experiment(
    filepath: str | os.PathLike[str],
    decoder_registry: Mapping[str, type | Decoder] | None = None,
    class_decoder_registry: Mapping[str, Decoder] | None = None,
    *,
    bundle: RegistryBundle | None = None,
    unknown: Unknown = "error",
) -> Experiment:
    """Return the experiment, with its trials and data, that was saved to *filepath*, a path or a URL.

    Args:
        decoder_registry: how custom classes are read; see ``RegistryBundle.decoder_registry``.
        class_decoder_registry: how values that are classes are read; see ``RegistryBundle.class_decoder_registry``.
        bundle: the bundle itself, in place of both.
        unknown: ``"keep"`` gives an ``UnknownObject`` for a class that is not registered, for a metric or a runner an
            ``UnknownMetric`` or ``UnknownRunner``; saving writes it back unchanged.

    Raises:
        MissingFileError, FileAccessError: there is no such file, or it cannot be read.
        FileFormatError: it is empty, cut off, or not a document; says where.
        NewerFormatError: a later docstore wrote it.
        DecodeError: a class that it needs is not registered, or has changed; with the pointer.
        InvalidValueError: a registry is passed to the wrong argument; names the right one. Or the URL cannot be used.
        MissingDependencyError: *filepath* is a URL, and a package that reads it is not installed; names it.
    """
    path = checked_path("filepath", filepath)
    together = bundle_of(bundle, decoder_registry=decoder_registry, class_decoder_registry=class_decoder_registry)
    mapper = mapper_of(together, unknown=unknown)
    document = _document(path)
    try:
        experiment = mapper.decode(document)
    except CodecError as error:
        error.add_note(f"in the file {shown(path)}")
        raise
    if not is_experiment(mapper, experiment):
        raise FileFormatError(
            shown(path), f"it holds a {type(experiment).__name__}, not an Experiment; read it with docstore.loads"
        )
    return experiment  # type: ignore[no-any-return]  # it may be of Ax, which is not installed everywhere


def is_experiment(mapper: Mapper, obj: object) -> bool:
    """Return whether *obj* is an experiment: docstore's own, Ax's, or of a subclass that is registered."""
    entry = mapper.codec.registry.of_class(type(obj))
    return isinstance(obj, Experiment) or (entry is not None and entry.kind == EXPERIMENT)


def _document(path: str) -> JSON:
    """Return the JSON of the document in the file."""
    data = files.read(path)
    path = shown(path)
    try:
        document = loads_strict(data)
    except DecodeError as error:
        end = data.rstrip()[-1:]
        cut_off = "" if end in b"}]" else "; it ends in the middle, so it was cut off"
        raise FileFormatError(path, f"{error.problem}{cut_off}") from error
    if not isinstance(document, dict) or TAG not in document:
        raise FileFormatError(path, f"it is JSON, but not a document of docstore: it has no {TAG!r} at the top")
    if FORMAT_KEY not in document:
        is_of_ax = document.get(TAG) == "Experiment"
        hint = " It may be a file of Ax's own storage: docstore.ax.import_json reads that." if is_of_ax else ""
        raise FileFormatError(path, f"it is not a document of docstore: it has no {FORMAT_KEY!r} at the top.{hint}")
    found = document[FORMAT_KEY]
    if type(found) is not int:
        raise FileFormatError(path, f"at /{FORMAT_KEY}: {short_repr(found)} is not the number of a format")
    if found > FORMAT:
        raise NewerFormatError(path, found=found, known=FORMAT)
    return document
