"""Registry entries for classes of Ax: the table of the fields of a class, and the order of a dict where it matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from docstore.codec.classes.field_tables import Field, field_table
from docstore.codec.classes.part_holders import PartHolder
from docstore.codec.registry import Entry, StandIn
from docstore.codec.values.optional_types import root_of
from docstore.documents.kinds import Kind

T = TypeVar("T")

Fields: TypeAlias = "tuple[str | Field, ...]"

MODEL: Final = "ax"
"""The model of documents that are made of Ax's objects, and the first word of their tags."""

NO_HOLDERS: Final[Mapping[str, PartHolder]] = MappingProxyType({})
ROW_ID: Final = Field("_db_id", stored=False)
"""The number of an object's row in Ax's own database, which docstore has no use for."""


def entry(
    cls: type,
    *fields: str | Field,
    restored: Callable[..., object] | None = None,
    kind: Kind | None = None,
    part_holders: Mapping[str, PartHolder] = NO_HOLDERS,
    stand_in: StandIn | None = None,
) -> Entry:
    """Return the entry of *cls*: its tag, and the table of its *fields*.

    Args:
        restored: as in ``docstore.register``: called with an object whose attributes are set.
        stand_in: as in ``Entry``.
    """
    table = field_table(cls, (*fields, ROW_ID), restored)
    made = Entry(cls, tag_of(cls), fields=table, restore=True, kind=kind, part_holders=part_holders, model=MODEL)
    return replace(made, stand_in=stand_in)


def tag_of(cls: type) -> str:
    """Return the tag of a class of Ax, BoTorch or GPyTorch: ``ax.Trial``."""
    return f"{root_of(cls)}.{cls.__name__}"


def optional(attribute: str, annotation: Any = Any) -> Field:
    """Return the field of an attribute that every object has, and that is not written if it is None."""
    return Field(attribute, annotation, omits_none=True)


def cache(attribute: str) -> Field:
    """Return the field of an attribute that Ax works out again, and that is None until it does."""
    return Field(attribute, stored=False, factory=lambda: None)


def order_of(attribute: str) -> Field:
    """Return a field for the order of the keys of the dict *attribute*, which canonical JSON would sort.

    It is called ``order``. It is not written if the keys are sorted anyway. Use ``in_order`` to apply it.
    """

    def order(owner: Any) -> list[str] | None:
        names = list(vars(owner)[attribute])
        return None if names == sorted(names, key=str) else names

    return Field("order", list[str], get=order, omits_none=True)


def in_order(values: Mapping[str, T], order: Iterable[str] | None) -> dict[str, T]:
    """Return *values* in this *order*; keys that others added meanwhile come last."""
    if order is None:
        return {**values}
    return {name: values[name] for name in (*order, *values) if name in values}
