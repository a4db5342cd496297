"""What tests share: settings for Hypothesis, a store on each backend, and no silent skips in CI."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: a backend whose tests did not run is not known to work."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
