"""The table of what is not kept of objects of Ax, in docs/reference/ax.md: run as a program, this writes it."""

from __future__ import annotations

from pathlib import Path

from not_kept import NOT_KEPT, OWNERS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "ax.md"
START, END = "<!-- not kept: begin -->\n", "<!-- not kept: end -->\n"


def table() -> str:
    """Return the table: a row for each reason for which attributes of a class are not kept."""
    rows = ["| class | attributes | why not |", "|---|---|---|"]
    for cls, attributes in sorted((NOT_KEPT | OWNERS).items()):
        together = {**OWNERS.get(cls, {}), **attributes, **NOT_KEPT.get(cls, {})}
        for reason in dict.fromkeys(together.values()):
            names = ", ".join(f"`{name}`" for name, why in together.items() if why == reason)
            rows.append(f"| `{cls}` | {names} | {reason} |")
    return "\n".join(rows) + "\n"


def page_with_table() -> str:
    """Return the page as it should be."""
    text = PAGE.read_text()
    return text[: text.index(START) + len(START)] + table() + text[text.index(END) :]


if __name__ == "__main__":
    PAGE.write_text(page_with_table())
