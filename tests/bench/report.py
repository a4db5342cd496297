"""What a benchmark prints, and where the documentation shows it."""

from __future__ import annotations

import io
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Copied(io.StringIO):
    """Keeps what is printed, and prints it; for ``contextlib.redirect_stdout``."""

    def write(self, text: str) -> int:
        sys.__stdout__.write(text)
        return super().write(text)

    def flush(self) -> None:
        sys.__stdout__.flush()


def machine() -> str:
    """Return the date, the machine, how busy it was in the last minute, and Python's version, as a line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    facts = [
        datetime.now(UTC).date().isoformat(),
        f"{os.cpu_count()} cores with a load of {os.getloadavg()[0]:.1f}",
        f"{memory:.0f} GiB of memory",
        platform.system(),
        f"Python {platform.python_version()}",
    ]
    return ", ".join(facts)


def write_into(page: Path, marker: str, text: str) -> None:
    """Replace the block that follows the comment *marker* in *page* by a block of *text*."""
    before, comment, after = page.read_text().partition(f"<!-- {marker} -->\n")
    if not comment:
        raise SystemExit(f"{page} has no comment <!-- {marker} -->.")
    rest = after.partition("```text\n")[2].partition("\n```\n")[2]
    page.write_text(f"{before}{comment}\n```text\n{text.strip()}\n```\n{rest}")
