"""What a person runs who starts with Ax's Client: the page of the documentation, and the example."""

from __future__ import annotations

import os
import subprocess
import sys

from clients import quiet
from pages import ROOT, agrees, blocks, reading

import docstore

PAGE = ROOT / "docs" / "how-to" / "ax-client.md"


def test_the_code_of_the_page_goes_on_when_it_is_run_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quiet()
    [block] = [each for each in blocks(PAGE.read_text()) if each.language == "python"]

    for _ in range(2):
        with reading(tmp_path) as reader:
            assert agrees(reader.run(block), block.output or "")

    with docstore.connect(f"sqlite:///{tmp_path}/lab.db") as store:
        assert len(store.history("bread")) == 1 + 2 * 4


def test_the_example_goes_on_where_it_was_stopped(tmp_path):
    """Its trials are those of the Sobol sequence: to fit a model takes longer."""

    def run(trials: int) -> list[str]:
        command = [sys.executable, "-W", "ignore", str(ROOT / "examples" / "ax_client.py"), "--trials", str(trials)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert run(2)[:-1] == ["trial 0 is saved", "trial 1 is saved"]
    assert run(3)[:-1] == ["trial 2 is saved"]
    with docstore.connect(f"sqlite:///{tmp_path}/lab.db") as store:
        assert list(store.load("hartmann6").trials) == [0, 1, 2]
