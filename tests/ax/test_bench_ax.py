"""The benchmark with Ax's objects: each of its rows runs; nothing here is timed."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import bench_ax
import pytest
from harness import Patience

ONCE = Patience(seconds=0, least=1, most=1)


@pytest.fixture
def _few_objects():
    """Hide the objects of Ax and PyTorch from the garbage collector, which runs before each round."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_few_objects")
def test_each_row_can_be_measured(tmp_path):
    rows = list(bench_ax.rows("sqlite://", f"sqlite:///{tmp_path}/ax.db", 2, ONCE))

    assert [row.title for row in bench_ax.grown({2: rows, 3: rows})] == [f"{title}, n = 3" for title in bench_ax.FLAT]
    assert len(rows) == 9
