"""The NumPy and pandas types that can be written, without importing either library before it is needed.

A library is imported when one of its values is written (then it is loaded already) or when a document has one of the
fixed ``TAGS``; the names of what is imported are constants here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from docstore.errors import MissingDependencyError

if TYPE_CHECKING:
    from docstore.codec.values.tags import Tagged


class _Rows(Protocol):
    """The module with the rows of one library."""

    @property
    def BY_TAG(self) -> dict[str, Tagged]: ...
    def row_of_type(self, cls: type, /) -> Tagged | None: ...


TAGS: Final = frozenset(
    {
        "numpy.ndarray",
        "numpy.scalar",
        "pandas.DataFrame",
        "pandas.Index",
        "pandas.NA",
        "pandas.NaT",
        "pandas.Series",
        "pandas.Timedelta",
        "pandas.Timestamp",
        "pandas.array",
    }
)


def tagged_type(cls: type) -> Tagged | None:
    """Return the row of *cls*, if it is a NumPy or pandas type that can be written.

    Raises:
        EncodeError: it is a kind of array that cannot be written exactly; says what can.
    """
    root = str(cls.__module__).partition(".")[0]
    if root not in ("numpy", "pandas"):
        return None
    return _rows(root, f"writing a {cls.__module__}.{cls.__qualname__}").row_of_type(cls)


def tagged_name(tag: str) -> Tagged | None:
    """Return the row of *tag*, if it is the tag of a NumPy or pandas type.

    Raises:
        MissingDependencyError: the library is not installed.
    """
    if tag not in TAGS:
        return None
    return _rows(tag.partition(".")[0], f"reading a {tag}").BY_TAG[tag]


def _rows(library: str, purpose: str) -> _Rows:
    try:
        if library == "numpy":
            from docstore.codec.values import numpy

            return numpy
        from docstore.codec.values import pandas

        return pandas
    except ImportError as error:
        raise MissingDependencyError(library, extra=library, purpose=purpose) from error
