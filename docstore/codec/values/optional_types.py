"""Which values of NumPy and pandas can be written, without importing either before it is needed.

A value of a library exists only where that library is imported; a document names one of the fixed ``TAGS``, and only
then is the library imported, by a name that stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from docstore.errors import MissingDependencyError

if TYPE_CHECKING:
    from docstore.codec.values.tags import Tagged


class _Rows(Protocol):
    """The module of one library."""

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
    """Return the row that writes instances of *cls*, if it is a NumPy or pandas type that can be written.

    Raises:
        EncodeError: it is a kind of array that cannot be written exactly; says what can.
    """
    root = str(cls.__module__).partition(".")[0]
    if root not in ("numpy", "pandas"):
        return None
    return _rows(root, f"writing a {cls.__module__}.{cls.__qualname__}").row_of_type(cls)


def tagged_name(tag: str) -> Tagged | None:
    """Return the row that reads *tag*.

    Raises:
        MissingDependencyError: it is a value of a library that is not installed.
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
