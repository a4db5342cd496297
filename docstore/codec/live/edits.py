"""Edit dicts, lists and objects in place, item by item, so that what another thread adds meanwhile stays.

Each function writes only what differs between two states that were compared a moment before. If a place holds something
else by now, another thread changed it: the place is left as it is, and the function returns False.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from docstore.codec.classes import stored_fields
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.stored_fields import slots_of


def edit_dict(target: dict[Any, Any], had: Sequence[tuple[Any, Any]], wanted: Sequence[tuple[Any, Any]]) -> bool:
    """Change *target* from the pairs *had* to those *wanted*; a key that stays is the same object in both."""
    values, kept = {id(key): value for key, value in had}, {id(key) for key, _ in wanted}
    done = [replace_item(target, key, value, MISSING) for key, value in had if id(key) not in kept]
    for key, value in wanted:
        former = values.get(id(key), MISSING)
        if value is not former:
            done.append(replace_item(target, key, former, value))
    if type(target) is OrderedDict and [id(key) for key, _ in had] != [id(key) for key, _ in wanted]:
        for key, _ in wanted:
            with suppress(KeyError):  # another thread removed it
                target.move_to_end(key)
    return all(done)


def replace_item(target: dict[Any, Any], key: Any, former: Any, value: Any) -> bool:
    """Replace *former* at *key* by *value*; MISSING stands for no item."""
    if former is MISSING:
        return target.setdefault(key, value) is value
    if target.get(key, MISSING) is not former:
        return False
    if value is MISSING:
        del target[key]
    else:
        target[key] = value
    return True


def edit_list(target: list[Any], had: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Change *target* from the items *had* to those *wanted*; items appended meanwhile stay."""
    if len(had) == len(wanted):
        changed = [place for place, item in enumerate(had) if item is not wanted[place]]
        done = [replace_slice(target, place, had[place : place + 1], [wanted[place]]) for place in changed]
        return all(done)
    start = _common(had, wanted)
    end = _common(had[start:][::-1], wanted[start:][::-1])
    return replace_slice(target, start, had[start : len(had) - end], wanted[start : len(wanted) - end])


def _common(a: Iterable[Any], b: Iterable[Any]) -> int:
    """Return the length of the common prefix of identical objects."""
    same = 0
    for one, other in zip(a, b, strict=False):
        if one is not other:
            break
        same += 1
    return same


def replace_slice(target: list[Any], start: int, former: Sequence[Any], items: Sequence[Any]) -> bool:
    """Replace the items *former*, which begin at *start*, by *items*."""
    end = start + len(former)
    if _common(target[start:end], former) != len(former):
        return False
    target[start:end] = items
    return True


def edit_object(target: Any, had: Mapping[str, Any], wanted: Mapping[str, Any], checked: Collection[str]) -> bool:
    """Change the attributes of *target* from *had* to *wanted*, without calling code of its class.

    Args:
        checked: the attributes that another thread may have set meanwhile; the others are derived from them.
    """
    cls: Any = type(target)
    slots, force = slots_of(cls), stored_fields.setter(cls)
    done = True
    for name in had.keys() | wanted.keys():
        former, value = had.get(name, MISSING), wanted.get(name, MISSING)
        if former is value:
            continue
        if name in checked and attribute(target, name) is not former:
            done = False
        elif name in slots and value is MISSING:
            with suppress(AttributeError):
                slots[name].__delete__(target)
        elif name in slots:
            force(target, name, value)
        elif value is MISSING:
            vars(target).pop(name, None)
        else:
            vars(target)[name] = value
    return done


def attribute(target: Any, name: str) -> Any:
    """Return the instance attribute of *target*, without calling code of its class; or MISSING."""
    cls: Any = type(target)
    held = getattr(target, "__dict__", {})
    if name in held:
        return held[name]
    with suppress(AttributeError):  # it was never set
        slot = slots_of(cls).get(name)
        return MISSING if slot is None else slot.__get__(target)
    return MISSING
