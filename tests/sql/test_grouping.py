"""Rows are grouped by number and size."""

from __future__ import annotations

import pytest

from docstore.sql.grouping import grouped


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([], []),
        ([3, 3, 4], [[3, 3, 4]]),
        ([3, 3, 5], [[3, 3], [5]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([1, 99, 1], [[1], [99], [1]]),
        ([99, 0, 0], [[99], [0, 0]]),
    ],
)
def test_a_group_has_at_most_three_items_of_ten_in_all_or_one_that_is_larger(sizes, groups):
    assert list(grouped(iter(sizes), int, 3, 10)) == groups
