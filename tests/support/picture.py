"""Make the picture of Datasette in the documentation: ``python tests/support/picture.py``, or ``make picture``."""

from __future__ import annotations

import runpy
import tempfile
from contextlib import closing
from pathlib import Path

from tools import datasette, take_picture

import docstore

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "datasette"
PICTURE = ROOT / "docs" / "pictures" / "datasette.png"
SHOWN = "name type_name status_name trials completed failed objective best_value updated_at"
WIDTH, HEIGHT = 1190, 704


def picture(file: Path) -> None:
    """Write what the browser shows of the example's experiments to *file*, a PNG."""
    with tempfile.TemporaryDirectory(prefix="docstore-tests-") as folder:
        database = Path(folder) / "lab.db"
        with closing(docstore.connect(database)) as store:
            runpy.run_path(str(EXAMPLE / "lab.py"))["fill"](store)
        with datasette(database, EXAMPLE / "metadata.yaml") as url:
            take_picture(f"{url}/lab/experiments?{page()}", file, WIDTH, HEIGHT)


def page() -> str:
    """The query of the page: which columns, in which order; the facets are the metadata's."""
    return "&".join([*(f"_col={column}" for column in SHOWN.split()), "_sort=name", "_nosuggest=1"])


if __name__ == "__main__":
    picture(PICTURE)
