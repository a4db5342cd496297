"""Random search: in CI a few examples, the same in every run; in ``make fuzz`` new ones for as many minutes as asked.

A test that uses it is marked: ``@pytest.mark.fuzz``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy, tuples

MINUTES = "DOCSTORE_FUZZ_MINUTES"
ROUND = 1_500
"""Examples in a row: Hypothesis keeps what it knows of each until a round ends, up to 160 KB."""


def rounds(in_ci: int, *, each: int = ROUND, **options: Any) -> Iterator[settings]:
    """Yield the settings of each round of examples: once for *in_ci* in CI, else *each* until the minutes are over."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    if settings().derandomize:
        yield settings(max_examples=in_ci, suppress_health_check=slow, **options)
        return
    end = time.monotonic() + 60 * float(os.environ.get(MINUTES, "20"))
    while time.monotonic() < end:
        yield settings(max_examples=each, suppress_health_check=slow, **options)


def fuzz(law: Callable[..., None], *drawn: SearchStrategy[Any], in_ci: int, each: int = ROUND) -> None:
    """Check *law* for what the strategies draw, *each* in a round, and print how many examples that were."""
    tried = 0

    def counted(values: tuple[Any, ...]) -> None:
        nonlocal tried
        tried += 1
        law(*values)

    for round_settings in rounds(in_ci, each=each):
        round_settings(given(tuples(*drawn))(counted))()
    print(f"{tried} examples")
