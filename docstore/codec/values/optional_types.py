"""Libraries whose values and objects are found by themselves: which module of docstore's knows those of a library.

A library is imported when one of its values is written (then it is loaded already), or when a document has one of its
tags. What is imported never depends on the text of a document: the modules, and the tags of values, are constants here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from docstore.errors import MissingDependencyError

if TYPE_CHECKING:
    from docstore.codec.values.tags import Tagged

VALUES: Final[Mapping[str, str]] = {
    "numpy": "docstore.codec.values.numpy",
    "pandas": "docstore.codec.values.pandas",
    "torch": "docstore.codec.values.torch",
}
"""By a library's root package, the module with the rows of its values: ``BY_TAG`` and ``row_of_type(cls)``."""

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
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch.dtype",
    }
)
"""The tags of these values: values are read by every codec, whatever is registered."""

ADAPTERS: Final[dict[str, str]] = {
    "ax": "docstore.ax",
    # Ax's generators hold objects of these two.
    "botorch": "docstore.ax",
    "gpytorch": "docstore.ax",
}
"""By a library's root package, the module with the entries of its classes: ``REGISTRY``. Their tags begin with the root
package too, as in ``ax.Arm``. Only a registry that is made ``with_adapters`` reads them."""


def is_of_values(cls: type) -> bool:
    """Return whether *cls* is a type of one of the libraries in ``VALUES``."""
    return root_of(cls) in VALUES


def root_of(cls: type) -> str:
    """Return the root package of the module that *cls* is defined in."""
    return str(cls.__module__).partition(".")[0]


def tagged_type(cls: type) -> Tagged | None:
    """Return the row of *cls*, if it is a type of one of the libraries that can be written.

    Raises:
        EncodeError: it is a kind of array that cannot be written exactly; says what can.
    """
    root = root_of(cls)
    if root not in VALUES:
        return None
    found: Tagged | None = known_by(VALUES, root, f"writing {cls.__module__}.{cls.__qualname__}").row_of_type(cls)
    return found


def tagged_name(tag: str) -> Tagged | None:
    """Return the row of *tag*, if it is the tag of a type of one of the libraries.

    Raises:
        MissingDependencyError: the library is not installed.
    """
    if tag not in TAGS:
        return None
    found: Tagged = known_by(VALUES, tag.partition(".")[0], f"reading {tag}").BY_TAG[tag]
    return found


def known_by(modules: Mapping[str, str], root: str, purpose: str) -> Any:
    """Return the one of *modules* that knows the library *root*, imported.

    Raises:
        MissingDependencyError: the library, or what it needs, is not installed.
    """
    try:
        return import_module(modules[root])
    except ImportError as error:
        # An adapter says which extra has its library: that of BoTorch comes with Ax.
        extra = error.extra if isinstance(error, MissingDependencyError) else root
        raise MissingDependencyError(root, extra=extra, purpose=purpose) from error
