"""A document whose parts are no dict in an attribute: a ledger has one list with the lines of all its pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docstore import RegistryBundle
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.field_tables import Field, field_table
from docstore.codec.classes.part_holders import PartHolder
from docstore.codec.registry import Entry, Registry
from docstore.documents.kinds import kind_declared


class Ledger:
    """Lines of text, each on a numbered page; its name is that of its owner and the year."""

    def __init__(self, owner: str, year: int) -> None:
        self.owner, self.year = owner, year
        self.lines: list[tuple[int, str]] = []
        self.longest = 0

    def write(self, page: int, text: str) -> None:
        """Add a line."""
        self.lines.append((page, text))
        self.longest = max(self.longest, len(text))


@dataclass
class Page:
    """The lines on one page: a part of the document."""

    lines: list[str]


def pages(ledger: Ledger) -> dict[int, Page]:
    """Return the pages of *ledger*, made of its lines."""
    made: dict[int, Page] = {}
    for number, text in ledger.lines:
        made.setdefault(number, Page([])).lines.append(text)
    return made


class Pages(PartHolder):
    """Holds the pages of a ledger."""

    def keys(self, owner: Any) -> list[Any]:
        return list(pages(owner))

    def get(self, owner: Any, key: Any) -> Any:
        return pages(owner)[key]

    def replace(self, owner: Any, key: Any, former: Any, value: Any) -> bool:
        if pages(owner).get(key, MISSING) != former:
            return False
        others = [line for line in owner.lines if line[0] != key]
        owner.lines = others + [(key, text) for text in ([] if value is MISSING else value.lines)]
        return True


def _restored(ledger: Ledger, name: str, pages: dict[int, Page]) -> None:
    ledger.lines = [(number, text) for number, page in sorted(pages.items()) for text in page.lines]
    ledger.longest = max((len(text) for _, text in ledger.lines), default=0)


TABLE = field_table(
    Ledger,
    [
        "owner",
        Field("year", int),
        Field("name", str, get=lambda ledger: f"{ledger.owner} {ledger.year}"),
        Field("pages", dict[int, Any], get=pages),
        Field("lines", stored=False),
        Field("longest", stored=False),
    ],
    _restored,
)
KIND = kind_declared("ledger", name_field="name", parts=["/pages/*"])


class Ledgers(RegistryBundle):
    """A bundle in which ledgers are documents."""

    def extend(self, registry: Registry) -> Registry:
        ledger = Entry(Ledger, "Ledger", fields=TABLE, restore=True, kind=KIND, part_holders={"pages": Pages()})
        return super().extend(registry).with_entries([ledger, Entry(Page, "Page")])


def new_ledger() -> Ledger:
    """Return a ledger of two pages, whose lines alternate."""
    ledger = Ledger("ada", 1843)
    for page, text in ((1, "bread"), (2, "paper"), (1, "milk")):
        ledger.write(page, text)
    return ledger
