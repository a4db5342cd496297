"""An experiment loaded from a JSON file."""

from __future__ import annotations

import os
from collections.abc import Mapping

from docstore.documents import FORMAT, FORMAT_KEY, Documents, documents_of, model_registry
from docstore.entries import Decoder
from docstore.errors import CodecError, DecodeError, FileFormatError, NewerFormatError
from docstore.json_store import files
from docstore.model import Experiment
from docstore.registry_bundle import RegistryBundle
from docstore.values import JSON, TAG, loads


def load_experiment(
    filepath: str | os.PathLike[str],
    decoder_registry: Mapping[str, type | Decoder] | None = None,
    *,
    bundle: RegistryBundle | None = None,
) -> Experiment:
    """Return the experiment, with its trials and data, that was saved to *filepath*.

    Args:
        decoder_registry: how custom classes are read, as ``RegistryBundle(...).decoder_registry`` gives it.
        bundle: the bundle itself, in its place.

    Raises:
        MissingFileError, FileAccessError: there is no such file, or it cannot be read.
        FileFormatError: it is empty, cut off, or something else; says where.
        NewerFormatError: a later docstore wrote it.
        DecodeError: a class that it needs is not registered, or is another now; with the pointer.
    """
    path = os.fspath(filepath)
    document = _document(path)
    try:
        experiment = _documents(decoder_registry, bundle).decode(document)
    except CodecError as error:
        error.add_note(f"in the file {path}")
        raise
    if not isinstance(experiment, Experiment):
        raise FileFormatError(
            path, f"it holds a {type(experiment).__name__}, not an Experiment; read it with docstore.loads"
        )
    return experiment


def _document(path: str) -> JSON:
    """Return the JSON of the document in the file."""
    data = files.read(path)
    try:
        document = loads(data)
    except DecodeError as error:
        end = data.rstrip()[-1:]
        cut_off = "" if end in b"}]" else "; it ends in the middle, so it was cut off"
        raise FileFormatError(path, f"{error.problem}{cut_off}") from error
    if not isinstance(document, dict) or TAG not in document:
        raise FileFormatError(path, f"it is JSON, and no document of docstore: it has no {TAG!r} at the top")
    if FORMAT_KEY not in document:
        hint = " It may be a file of Ax's own storage." if document.get(TAG) == "Experiment" else ""
        raise FileFormatError(path, f"it is no document of docstore: it has no {FORMAT_KEY!r} at the top.{hint}")
    found = document[FORMAT_KEY]
    if type(found) is not int:
        raise FileFormatError(path, f"at /{FORMAT_KEY}: {found!r} is not the number of a format")
    if found > FORMAT:
        raise NewerFormatError(path, found=found, known=FORMAT)
    return document


def _documents(decoders: Mapping[str, type | Decoder] | None, bundle: RegistryBundle | None) -> Documents:
    if decoders is None:
        return documents_of(bundle)
    registry = bundle.extend(model_registry()) if bundle else model_registry()
    return Documents(registry.with_decoders(decoders))
