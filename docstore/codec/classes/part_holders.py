"""Where an object keeps its parts, if that is no dict or list in one attribute of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class PartHolder(ABC):
    """Finds and replaces the parts of one field in objects of one class; its entry carries it.

    A field of parts is mostly a dict or a list in an attribute, and needs none. A class of a library may keep the same
    otherwise: one table with the rows of all trials, say. Then its table of fields has the field with ``get=``, which
    returns all parts as a dict by key, and its entry has a holder under the field's key. Such a part is an object made
    for the call: it is replaced as a whole, never changed in place.

    Attributes:
        is_filled_backwards: whether, of several parts, those of the greatest keys are to be replaced first.
    """

    is_filled_backwards: bool = False

    @abstractmethod
    def keys(self, owner: Any) -> list[Any]:
        """Return the keys of the parts that *owner* has."""

    @abstractmethod
    def get(self, owner: Any, key: Any) -> Any:
        """Return the part under *key*.

        Raises:
            LookupError: there is none.
        """

    def items(self, owner: Any) -> list[tuple[Any, Any]]:
        """Return each key and its part."""
        return [(key, self.get(owner, key)) for key in self.keys(owner)]

    @abstractmethod
    def replace(self, owner: Any, key: Any, former: Any, value: Any) -> bool:
        """Replace the part *former* under *key* by *value*; MISSING stands for no part.

        Return False, and change nothing, if another part is there by now.
        """
