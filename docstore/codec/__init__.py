"""Objects to JSON values and back.

``Codec`` (core) encodes and decodes any value by a ``Registry`` of classes; ``Mapper`` (mapper) maps an object to its
document. Below them: ``values``, the types that JSON lacks; ``classes``, the objects of classes; ``upcast``, older and
newer schemas; ``round_trip``, the check that an object survives; ``live``, objects in memory, updated part by part.
"""

from docstore.codec.core import Codec, UnknownObject

__all__ = ["Codec", "UnknownObject"]
