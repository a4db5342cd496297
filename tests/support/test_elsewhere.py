"""A test of a library that is too large for everyone's environment may be skipped in CI, and no other test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

NEEDS_A_LIBRARY = "from elsewhere import installed\ninstalled('nowhere')\n"
SKIPPED = "import pytest\ndef test_skipped(): pytest.skip('so')\n"


@pytest.mark.parametrize(
    ("source", "code"),
    [(NEEDS_A_LIBRARY, pytest.ExitCode.OK), (SKIPPED, pytest.ExitCode.TESTS_FAILED)],
    ids=["elsewhere", "nowhere"],
)
def test_in_ci_only_what_runs_elsewhere_may_be_skipped(tmp_path, source, code):
    (tmp_path / "test_it.py").write_text(source)
    (tmp_path / "test_other.py").write_text("def test_passes(): pass\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "conftest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "CI": "true", "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS / "support")))},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, "1 passed, 1 skipped" in done.stdout) == (code, True)
