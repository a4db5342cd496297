"""The page of the documentation on Ax's own objects."""

from __future__ import annotations

from not_kept_page import PAGE, page_with_table


def test_has_the_table_of_what_is_not_kept():
    """After a change: `.venv-ax/bin/python tests/ax/not_kept_page.py`."""
    assert PAGE.read_text() == page_with_table()
