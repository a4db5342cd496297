"""A reference to a file that is kept beside a store: a model, a log, a picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from docstore.errors import InvalidValueError
from docstore.model.checks import check_text

PREFIX: Final = "artifact:"
_DIGEST: Final = re.compile(f"{PREFIX}[0-9a-f]{{64}}")


@dataclass(frozen=True)
class Artifact:
    """A file beside a store, by its content; ``store.artifacts.put`` makes one. It can stand anywhere in a document.

    Attributes:
        digest: ``artifact:`` and the SHA-256 of the content. This text alone, in a document, keeps the file too.
        size: bytes.
        media_type: what the content is, such as ``"image/png"``.
        name: what a person calls it; no path.
    """

    digest: str
    size: int
    media_type: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        sha256_of(self.digest)
        if type(self.size) is not int or self.size < 0:
            raise InvalidValueError("size of an artifact", self.size, "Give its number of bytes.")
        for thing, value in (("media_type", self.media_type), ("name", self.name)):
            check_text(f"{thing} of an artifact", value)


def sha256_of(digest: object) -> str:
    """Return the SHA-256 in the digest of an artifact, in hex.

    Raises:
        InvalidValueError: it is no such digest. A path made of it could lead anywhere.
    """
    if isinstance(digest, str) and _DIGEST.fullmatch(digest):
        return digest.removeprefix(PREFIX)
    raise InvalidValueError(
        "digest of an artifact", digest, "store.artifacts.put(...) returns an Artifact with its own."
    )
