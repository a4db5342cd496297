"""The pages of the documentation: their blocks of code, and what each block is shown to print."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

import docstore
from docstore.sqa_store import db

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    + [page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts]
)

_FENCE: Final = re.compile(r"^```([\w{}-]*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# ([\w-]+\.py)\n")

NOT_RUN: Final = {
    "pip install": "it needs a network",
    "make ": "it installs, or runs these very tests; that the target exists is tested",
    "git clone": "it needs a network",
    "@host/": "it is about a server that nobody has",
    "datasette serve": "it does not end; test_database_tools.py serves the same file",
}
"""Commands of a shell that are shown and not run, with why not."""


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes:
        line: where it begins.
        output: what it is shown to print: the block ``text`` right after it, or None without one.
    """

    language: str
    text: str
    line: int
    output: str | None

    @property
    def file(self) -> str | None:
        """The name of the program that the block is, if its first line says so: ``# tune.py``."""
        found = _FILE.match(self.text) if self.language == "python" else None
        return found[1] if found else None

    @property
    def is_run(self) -> bool:
        """Whether it is run here: Python always, the shell's commands but for ``NOT_RUN``."""
        if self.language == "sh":
            return not any(command in self.text for command in NOT_RUN)
        return self.language == "python"


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    found = list(_FENCE.finditer(text))
    made = []
    for fence, following in zip_longest(found, found[1:]):
        is_shown = (
            following is not None and following[1] == "text" and not text[fence.end() : following.start()].strip()
        )
        output = following[2] if is_shown and following else None
        made.append(Block(fence[1], fence[2], text.count("\n", 0, fence.start()) + 1, output))
    return made


class Reader:
    """A person who pastes the blocks of one page, one after another, in an empty folder.

    Attributes:
        names: what the Python blocks have defined so far.
    """

    def __init__(self, folder: Path, replacements: Mapping[str, str] | None = None) -> None:
        self.folder, self._replacements = folder, replacements or {}
        self.names: dict[str, object] = {"__name__": "__page__"}

    def run(self, block: Block) -> str:
        """Run *block*, and return what it printed; of an error, the traceback is printed too."""
        text = block.text
        for shown, meant in self._replacements.items():
            text = text.replace(shown, meant)
        if block.file:
            (self.folder / block.file).write_text(text)
            return ""
        return self._shell(text) if block.language == "sh" else self._python(text, block.line)

    def _python(self, text: str, line: int) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile("\n" * line + text, "<page>", "exec", dont_inherit=True), self.names)
            except Exception:
                traceback.print_exc(file=printed)
        return printed.getvalue()

    def _shell(self, text: str) -> str:
        if "examples/" in text and not (self.folder / "examples").exists():
            (self.folder / "examples").symlink_to(ROOT / "examples")  # the reader is in a checkout
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout if done.returncode == 0 else f"{done.stdout}exit code {done.returncode}\n{done.stderr}"

    def close(self) -> None:
        """Close the stores that the page left open, and forget the database of ``sqa_store``."""
        for value in list(self.names.values()):
            if isinstance(value, docstore.Store):
                value.close()
        if db._database is not None:
            db._database.engine.dispose()
            db._database = None


@contextlib.contextmanager
def reading(folder: Path, replacements: Mapping[str, str] | None = None) -> Iterator[Reader]:
    """Give a reader of a page; what the page registers is forgotten at the end."""
    reader = Reader(folder, replacements)
    with docstore.registry.scope():
        try:
            yield reader
        finally:
            reader.close()


def agrees(printed: str, shown: str) -> bool:
    """Return whether *printed* is as *shown*, in which ``...`` stands for anything within a line, or for lines."""
    pattern = r".*?".join(map(re.escape, _trimmed(shown).split("...")))
    return re.fullmatch(pattern, _trimmed(printed), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


# --- links -----------------------------------------------------------------------------------------------------------


def links(text: str) -> list[str]:
    """Return the targets of a page's links and pictures that are no addresses of the web."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match(r"https?:", target)]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
