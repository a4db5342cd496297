"""Export to Ax's own JSON, and say what Ax does not keep of it."""

from __future__ import annotations

import json
import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ax.storage.json_store.decoder import object_from_json
from ax.storage.json_store.encoder import object_to_json
from ax.storage.registry_bundle import RegistryBundleBase
from ax.storage.sqa_store.sqa_config import SQAConfig

from docstore.ax.entries import MODEL
from docstore.errors import FileAccessError, FileFormatError, InvalidValueError
from docstore.registry.bundle import mapper_of

if TYPE_CHECKING:
    from docstore.documents.diff.diff import Diff


def export_json(obj: Any, path: str | PathLike[str], *, bundle: RegistryBundleBase | None = None) -> Diff:
    """Write *obj* as JSON of Ax's own encoder, and return what differs when plain Ax reads the file: false if nothing.

    Any program with Ax reads it by ``ax.storage.json_store.load.load_experiment``. Ax's decoder makes some objects anew
    by their constructors, and rounds: ``print(export_json(...))`` says what became of what. docstore's own file
    (``docstore.json_store.save``) keeps everything.

    Args:
        obj: an experiment or a generation strategy of Ax.
        bundle: Ax's ``RegistryBundle`` of your own metrics and runners.

    Raises:
        InvalidValueError: it is not a document of Ax.
        EncodeError: docstore cannot store it: it has no name, say, or holds an object of an unregistered class.
        FileFormatError: Ax cannot encode it, or cannot read what it encoded. A file that was there stays.
        FileAccessError: the file cannot be written.

    Cost:
        Ax encodes it and decodes it once, and docstore encodes both.
    """
    from docstore.documents.diff.diff import of_documents

    mapper = mapper_of()
    kind, _, model = mapper.identify(obj)
    if model != MODEL:
        raise InvalidValueError("object to export", type(obj), "Give an experiment or a generation strategy of Ax.")
    own = mapper.encode(obj)
    target = Path(path)
    new = target.with_name(f"{target.name}.new")
    try:
        back = _written_and_read(obj, new, path, SQAConfig() if bundle is None else bundle.sqa_config)
        differences = of_documents(kind, own, mapper.encode(back), mapper.codec.optional_members)
        os.replace(new, target)
    except OSError as error:
        raise FileAccessError(str(path), error.strerror or str(error)) from error
    finally:
        new.unlink(missing_ok=True)
    return differences


def _written_and_read(obj: Any, new: Path, path: str | PathLike[str], config: SQAConfig) -> Any:
    """Write *obj* to the file *new*, later *path*, by Ax's encoder, and return what Ax's decoder reads there.

    Raises:
        FileFormatError: one of them refuses.
    """
    try:
        content = object_to_json(obj, config.json_encoder_registry, config.json_class_encoder_registry)
        new.write_text(json.dumps(content), encoding="utf-8")
        read = json.loads(new.read_text(encoding="utf-8"))
        return object_from_json(read, config.json_decoder_registry, config.json_class_decoder_registry)
    except OSError:
        raise
    except Exception as error:  # Ax's coders raise errors of all classes
        raise FileFormatError(str(path), f"Ax cannot write or read it: {type(error).__name__}: {error}") from error
