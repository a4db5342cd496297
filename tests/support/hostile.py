"""Documents that nobody meant: values where others belong, tags without sense, and what must come of reading them."""

from __future__ import annotations

import contextlib
import copy
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import docstore
from docstore.codec.values.optional_types import TAGS
from docstore.codec.values.tags import BY_TAG
from docstore.documents.canonical import TAG
from docstore.errors import DocstoreError
from docstore.model import CLASSES, ENUMS
from docstore.testing.experiments import new_experiment, new_multi_type_experiment


def tagged(tag: Any, **members: Any) -> dict[str, Any]:
    """Return what a document has for a value with that tag."""
    return {TAG: tag, **members}


def text(value: Any) -> bytes:
    """Return *value* as JSON, by another writer than docstore's own."""
    return json.dumps(value, separators=(",", ":")).encode()


MEGABYTE = 10**6


def nested(levels: int, start: str, middle: str, end: str) -> bytes:
    """Return *middle* within so many levels, each from *start* to *end*."""
    return (start * levels + middle + end * levels).encode()


def written_to(folder: Path, name: str, data: bytes) -> Path:
    """Return the path of a file with *data*."""
    path = folder / name
    path.write_bytes(data)
    return path


def peak(read: Callable[[Any], Any], data: Any) -> int:
    """Return the bytes that ``read(data)`` took at its most, ended as it may have by a DocstoreError."""
    tracemalloc.start()
    try:
        read(data)
    except DocstoreError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


def is_settled(read: Callable[[], Any]) -> bool:
    """Return whether *read* gives a value or an error of docstore's, and the value can be copied and written, or not.

    Any other error is the caller's: that is what none of this may end in.
    """
    with contextlib.suppress(DocstoreError):
        value = read()
        copy.deepcopy(value)
        docstore.dumps(value)
    return True


HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**12, 2**63 - 1, -(2**63), 0.5, -1.5, 1e308, "", "x", "nan", "\0", "9" * 50),
    *("2026-01-01", "a + b", "+" * 50, [], [None], [0], [[]], ["x"], [2**62, 2], {}, {"x": None}, {"0": {}}),
    *(tagged("os.system"), tagged(1), tagged(None), tagged([]), tagged("Arm"), tagged("Arm", parameters=[1])),
    *(tagged("Data", records=[1]), tagged("SearchSpace", parameters=[None]), tagged("Metric", name=[])),
    *(tagged("TrialStatus", name="RUNNING"), tagged("TrialStatus", name=[]), tagged("tuple", items=[])),
    *(tagged("set", items=[1, 2]), tagged("set", items=[[]]), tagged("dict", items=[[1, 2]])),
    *(tagged("dict", items=[["x", tagged("tuple", items=[1])]]), tagged("OrderedDict", items=[[None, None]])),
    *(tagged("float", value="nan"), tagged("float", bits="7ff8000000000001"), tagged("int", hex="f" * 1000)),
    *(tagged("str", escaped="\\ud800"), tagged("Decimal", value="sNaN"), tagged("Decimal", value="1E+999999999")),
    *(tagged("timedelta", days=999_999_999, seconds=0, microseconds=0), tagged("bytes", base64="AAAA")),
    *(tagged("datetime", value="2026-01-01", zone="Europe/Berlin", zone_name="x"), tagged("datetime", value="x")),
    *(tagged("numpy.ndarray", dtype="float64", shape=[2], data=[0.5, 1.5]), tagged("numpy.scalar", dtype="U")),
    *(tagged("numpy.ndarray", dtype="float64", shape=[], data=[0.5]), tagged("pandas.NA"), tagged("pandas.NaT")),
    *(tagged("pandas.Index", range=[0, 10**12, 1]), tagged("pandas.Index", dtype="object", data=["x", "x"])),
    tagged("pandas.Index", levels=[tagged("pandas.Index", range=[0, 9, 1])], codes=[{"dtype": "int8", "data": [0]}]),
    tagged("pandas.Timestamp", dtype="<M8[s]", value="9999999-01-01"),
)
"""A value of each kind that JSON and the tags have, and of each that is like one."""

_TAGS = (*BY_TAG, *TAGS, *(cls.__name__ for cls in (*CLASSES, *ENUMS)), "os.system", "builtins.eval", "", TAG)
_KEYS = (
    *(TAG, "__format", "__schema", "__compatible_from", "items", "value", "hex", "bits", "escaped", "base64", "data"),
    *("dtype", "shape", "order", "range", "levels", "codes", "index", "columns", "name", "freq", "tz", "zone", "fold"),
    *("zone_name", "zone_microseconds", "class", "real", "imag", "days", "categories", "missing", "attrs", "fields"),
    *("arms", "weights", "parameters", "trials", "records", "expression", "metrics", "status", "search_space", "x"),
)


def soup() -> SearchStrategy[Any]:
    """Draw JSON in which tags and members' names stand anywhere."""
    leaves = st.sampled_from(HOSTILE) | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
            st.builds(
                lambda tag, members: {**members, TAG: tag},
                st.sampled_from(_TAGS),
                st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
            ),
        ),
        max_leaves=12,
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value in *value*, itself first."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """Return a copy of *value* that has *other* at *path*."""
    if not path:
        return other
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = other
    return changed


@st.composite
def spoilt(draw: st.DrawFn, documents: SearchStrategy[Any]) -> Any:
    """Draw one of *documents* with one to three places in which something else stands, or another member."""
    document = draw(documents)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(document))))
        if path and isinstance(path[-1], str) and draw(st.integers(0, 3)) == 0:
            path = (*path[:-1], draw(st.sampled_from(_KEYS)))
        document = with_other(document, path, draw(st.sampled_from(HOSTILE) | soup()))
    return document


def examples() -> list[Any]:
    """Return documents as docstore writes them, as JSON: of every kind of trial, and with values of every tag."""
    plain, several = new_experiment(trials=1, experiment_type="CAKE"), new_multi_type_experiment()
    batch = new_experiment("batch")
    batch.new_batch_trial().add_arm(docstore.Arm({"x": 0.5, "flour": "rye"}))
    plain.properties = {"of every tag": [docstore.loads(text(value)) for value in HOSTILE if _is_written(value)]}
    return [json.loads(docstore.dumps(each)) for each in (plain, several, batch)]


def _is_written(value: Any) -> bool:
    try:
        docstore.loads(text(value))
    except DocstoreError:
        return False
    return isinstance(value, dict) and value.get(TAG) in {*BY_TAG, *TAGS}
