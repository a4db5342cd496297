"""The notebook of the examples runs in a kernel, and each cell that ends in an object shows it as a table."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = REPOSITORY / "examples" / "notebook.ipynb"


def test_each_cell_that_ends_in_an_object_shows_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test, as the start of a kernel takes seconds."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # Files in place of ports, which other programs on the machine could listen to.
    config = Config({"KernelManager": {"transport": "ipc", "ip": str(tmp_path / "kernel")}})

    folder = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, shutdown_kernel="immediate", config=config, resources=folder).execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.output_type for output in outputs] == ["execute_result"] * 13
    assert all("<table" in output.data["text/html"] for output in outputs)
    assert outputs[3].data["text/plain"] == "Experiment('bread', 24 trials)"
    assert "… 4 more …" in outputs[3].data["text/html"]


def test_it_is_kept_without_outputs() -> None:
    """They would change with each run."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells

    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
