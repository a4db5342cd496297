"""What an object of a newer schema holds beside the fields of its class: carried along, and written back with it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from docstore.codec import class_fields
from docstore.codec.side_data import Remembered
from docstore.codec.tags import Members

CARRIED: Final = "_docstore_carried"
"""The attribute of an object of a newer schema that holds what this program's class has no fields for."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What an object of a newer schema holds beside the fields of its class, to be written back with it."""

    members: Members


BESIDE: Final[Remembered[Carried]] = Remembered()
"""What objects carry that have no attribute for it: those with slots only, and those whose library takes each attribute
for a field. It is state of the process, as there is no place in the object; nothing is in it but where a program reads
documents of a newer one. A copy of such an object carries nothing."""


def carry(value: Any, members: Members) -> None:
    """Have *value* carry *members*.

    Raises:
        TypeError: it has no attributes but its slots, and none for weak references.
    """
    carried = Carried(deepcopy(members))
    if hasattr(value, "__dict__") and not class_fields.is_validated(type(value)):
        value.__dict__[CARRIED] = carried
    else:
        BESIDE.set(value, carried)


def carried_by(value: Any) -> Members:
    """Return the members that *value* carries beside its fields, in no container that it shares."""
    carried = getattr(value, "__dict__", {}).get(CARRIED) or BESIDE.get(value)
    return deepcopy(carried.members) if isinstance(carried, Carried) else {}


def pass_on(source: Any, target: Any) -> None:
    """Have *target* carry what *source* has beside it, and nothing else."""
    carried = BESIDE.get(source)
    if carried is not None:
        BESIDE.set(target, carried)
    else:
        BESIDE.drop(target)
