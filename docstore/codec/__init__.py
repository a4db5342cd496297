"""Objects to JSON values and back: ``core`` is the path, ``tagged`` what JSON lacks, ``shapes`` what hints say."""

from docstore.codec.core import Codec, UnknownObject

__all__ = ["Codec", "UnknownObject"]
