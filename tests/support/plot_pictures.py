"""Make the pictures of plots in the documentation: ``python tests/support/plot_pictures.py``, or ``make picture``.

They are what the blocks of the page write, as ``docs/how-to/plots.md`` shows them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pages
from PIL import Image

PAGE = pages.ROOT / "docs" / "how-to" / "plots.md"
PICTURES = pages.ROOT / "docs" / "pictures" / "plots"


def shown() -> list[str]:
    """Return the names of the pictures that the page shows."""
    return [Path(link).name for link in pages.links(PAGE.read_text()) if link.startswith("../pictures/plots/")]


def make(folder: Path) -> None:
    """Run the page in *folder*, an empty one, which becomes the present folder.

    Raises:
        RuntimeError: a block of the page fails.
    """
    os.chdir(folder)
    with pages.reading(folder) as reader:
        for block in pages.blocks(PAGE.read_text()):
            if block.is_run and (printed := reader.run(block)):
                raise RuntimeError(f"{PAGE}:{block.line} printed:\n{printed}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="docstore-tests-") as written:
        make(Path(written))
        PICTURES.mkdir(exist_ok=True)
        for name in shown():
            # A palette of 256 colours makes the file a third as large.
            with Image.open(Path(written) / name) as picture:
                small = picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            small.save(PICTURES / name, optimize=True)
