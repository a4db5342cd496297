"""Objects to JSON values and back: see ``core`` for the path, ``tagged`` for what JSON lacks, ``shapes`` for annotations."""

from docstore.codec.core import Codec, UnknownObject

__all__ = ["Codec", "UnknownObject"]
