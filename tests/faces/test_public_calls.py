"""Every public call, with a value of any type in the place of an argument: a DocstoreError, or it does what it says.

Nothing else comes out of a call, and one that raises leaves the database as it was.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import itertools
import random
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore import GenerationNode, GenerationStrategy, RegistryBundle, registry
from docstore.errors import DocstoreError, InvalidValueError, RegistryError
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.registry.bundle import SQAConfig
from docstore.search.results import Found
from docstore.sqa_store import db, delete, load, save
from docstore.sql.tables import documents, tags, versions
from docstore.testing.experiments import new_experiment


class Colour(enum.Enum):
    """A plain enum."""

    RED = 1
    BLUE = 2


@dataclass
class Pot:
    """A class that is registered nowhere."""

    size: int = 1


class Empty:
    """A plain class."""


def anything(*_: Any, **__: Any) -> None:
    """A function that takes whatever it is given."""


def endless() -> list[Any]:
    """Return a list that contains itself."""
    found: list[Any] = []
    found.append(found)
    return found


def deep(levels: int = 2000) -> list[Any]:
    """Return a list in a list in a list."""
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "ellipsis": lambda: ...,
    "not implemented": lambda: NotImplemented,
    "absent": lambda: docstore.ABSENT,
    "an int": lambda: 5,
    "zero": lambda: 0,
    "a negative int": lambda: -1,
    "an int beyond 64 bits": lambda: 2**70,
    "an int that cannot be spelled": lambda: 10**6000,
    "a float": lambda: 1.5,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "a complex": lambda: 1j,
    "a decimal": lambda: Decimal("1.5"),
    "an empty text": lambda: "",
    "a text": lambda: "x",
    "NUL": lambda: "a\0b",
    "a lone surrogate": lambda: "\ud800",
    "a pointer": lambda: "/trials/0/status",
    "a pointer with NUL": lambda: "/a\0",
    "a pointer with a surrogate": lambda: "/\udfff",
    "a pointer with a tilde": lambda: "/~",
    "a long text": lambda: "x" * 100_000,
    "a percent sign": lambda: "%",
    "a backslash": lambda: "\\",
    "the experiment's name": lambda: "cakes",
    "a kind": lambda: "experiment",
    "a part": lambda: "trial",
    "another kind": lambda: "note",
    "a text of a class of its own": lambda: type("Text", (str,), {})("cakes"),
    "an int of a class of its own": lambda: type("Number", (int,), {})(1),
    "a member of a text enum": lambda: docstore.AuxiliaryExperimentPurpose.BO_EXPERIMENT,
    "bytes": lambda: b"cakes",
    "a bytearray": lambda: bytearray(b"x"),
    "a memoryview": lambda: memoryview(b"x"),
    "an empty list": list,
    "a list": lambda: ["cakes"],
    "a list of ints": lambda: [1, 2],
    "a list of lists": lambda: [["a"]],
    "a list that contains itself": endless,
    "a deep list": deep,
    "a tuple": lambda: (1, "a"),
    "an empty tuple": tuple,
    "a set": lambda: {1, "a"},
    "a frozenset": lambda: frozenset("ab"),
    "an empty dict": dict,
    "a dict": lambda: {"/name": "cakes"},
    "a dict by int": lambda: {1: 2},
    "a dict of lists": lambda: {"a": []},
    "a dict of arrays": lambda: {"a": pytest.importorskip("numpy").zeros(2)},
    "a list of arrays": lambda: [pytest.importorskip("numpy").zeros(2)],
    "a list of long ints": lambda: [10**6000],
    "a dict by class": lambda: {Pot: None},
    "a dict of functions": lambda: {Pot: anything},
    "a dict of a dict": lambda: {"a": {"b": []}},
    "an ordered dict": lambda: OrderedDict(a=1),
    "a range": lambda: range(3),
    "an iterator": lambda: iter(["cakes"]),
    "a generator": lambda: (each for each in (1, "a")),
    "an object": object,
    "an object with attributes": lambda: SimpleNamespace(name="cakes", index=0),
    "an instance": Empty,
    "a dataclass": Pot,
    "a class": lambda: Pot,
    "an empty class": lambda: Empty,
    "an enum": lambda: Colour,
    "a member": lambda: Colour.RED,
    "a function": lambda: anything,
    "a partial": lambda: partial(anything),
    "a module": lambda: random,
    "a type of types": lambda: type,
    "a class of functions": lambda: type(lambda: 0),
    "a class of generators": lambda: type(_ for _ in ()),
    "a class of modules": lambda: type(random),
    "the class object": lambda: object,
    "the class int": lambda: int,
    "the class list": lambda: list,
    "an annotation": lambda: list[int],
    "a union": lambda: int | None,
    "an exception": lambda: ValueError("x"),
    "a class of exceptions": lambda: KeyError,
    "a path": lambda: Path("/nonexistent/lab.db"),
    "a path with NUL": lambda: Path("a\0b"),
    "a path with a surrogate": lambda: Path("/nonexistent/\ud800"),
    "a URL with NUL": lambda: "sqlite:///a\0b",
    "a URL with a surrogate": lambda: "sqlite:////nonexistent/\ud800.db",
    "a URL with a surrogate for a server": lambda: "postgresql://u:p@127.0.0.1:1/\ud800",
    "a URL of nobody": lambda: "mysql://u:p@127.0.0.1:1/\0",
    "a URL of no port": lambda: "postgresql://u:p@h:port/x",
    "a UUID": lambda: uuid.UUID(int=7),
    "a date": lambda: dt.date(2026, 1, 2),
    "a naive time": lambda: dt.datetime(2026, 1, 2),
    "a time": lambda: dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    "the first time": lambda: dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))),
    "the last time": lambda: dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-14))),
    "two times": lambda: (dt.datetime(2026, 1, 2), None),
    "a span": lambda: dt.timedelta(days=-1),
    "a long span": lambda: dt.timedelta.max,
    "a place": lambda: docstore.q("/name"),
    "a condition": lambda: docstore.q("/name") == "cakes",
    "a condition on NUL": lambda: docstore.q("/a\0") == "\0",
    "a status": lambda: docstore.TrialStatus.FAILED,
    "a new experiment": lambda: new_experiment("bread", trials=1),
    "a nameless experiment": lambda: new_experiment(None),
    "a trial of another experiment": lambda: new_experiment("bread", trials=1).trials[0],
    "an arm": lambda: docstore.Arm({"x": 1.0}),
    "a bundle": RegistryBundle,
    "a config": SQAConfig,
    "an array": lambda: pytest.importorskip("numpy").zeros(3),
    "an empty array": lambda: pytest.importorskip("numpy").zeros(0),
    "a NumPy int": lambda: pytest.importorskip("numpy").int64(1),
    "a NumPy text": lambda: pytest.importorskip("numpy").str_("cakes"),
    "a frame": lambda: pytest.importorskip("pandas").DataFrame({"a": [1]}),
    "a series": lambda: pytest.importorskip("pandas").Series([1, 2]),
}

VALUES = st.sampled_from(sorted(ODD)).map(lambda name: ODD[name]) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=5,
).map(lambda value: lambda: value)


class World:
    """A store with an experiment, a strategy that belongs to it, a branch, a value and a deleted document."""

    def __init__(self, engine: sa.Engine, other: sa.Engine, folder: Path) -> None:
        self.folder = folder
        self.store = docstore.Store(engine, project=uuid.uuid4().hex)
        self.experiment = new_experiment(trials=2)
        self.trial = self.experiment.trials[0]
        self.store.save(self.experiment, message="first")
        self.store.branch("cakes", "pies")
        self.store.tag("cakes", "published")
        self.experiment.description = "with salt"
        self.store.save(self.experiment)
        self.strategy = GenerationStrategy([GenerationNode("n")], "sobol", "cakes")
        self.store.save(self.strategy)
        self.store.put("note", "n1", {"a": [1]})
        self.store.save(new_experiment("gone"))
        self.store.delete("gone")
        self.other = docstore.Store(other, project=self.store.project)
        self.text = docstore.dumps(self.experiment)
        self.file = folder / "cakes.json"
        save_experiment(self.experiment, self.file)
        self.before = self.rows()

    def rows(self) -> Any:
        """Return every row of the project, and the file."""
        with self.store.engine.connect() as connection:
            heads = [
                tuple(row)
                for row in connection.execute(
                    sa.select(documents)
                    .where(documents.c.project == self.store.project)
                    .order_by(documents.c.id, documents.c.path)
                )
            ]
            ids = sorted({row[0] for row in heads})
            rest = [
                [
                    tuple(row)
                    for row in connection.execute(
                        sa.select(table).where(table.c.id.in_(ids)).order_by(*table.primary_key)
                    )
                ]
                for table in (versions, tags)
            ]
        return heads, rest, self.file.read_bytes()


Call = tuple[Callable[[World], Callable[..., Any]], dict[str, Callable[[World], Any]]]

NAMED: dict[str, Callable[[World], Any]] = {"name": lambda w: "cakes", "kind": lambda w: "experiment"}
NOTED: dict[str, Callable[[World], Any]] = {"message": lambda w: "", "author": lambda w: None}


def of_store(method: str, /, **arguments: Callable[[World], Any]) -> Call:
    return lambda world: getattr(world.store, method), arguments


def fixed(value: Any) -> Callable[[World], Any]:
    return lambda world: value


def found(world: World) -> Found[Any]:
    return world.store.find("experiment")


BUNDLE = {
    "metric_clss": fixed({}),
    "runner_clss": fixed({}),
    "json_encoder_registry": fixed({}),
    "json_class_encoder_registry": fixed({}),
    "json_decoder_registry": fixed({}),
    "json_class_decoder_registry": fixed({}),
}
CRITERIA = dict.fromkeys(
    ("part", "name", "name_prefix", "name_like", "project", "type", "status", "owner", "model", "created", "updated"),
    fixed(None),
)

CALLS: dict[str, Call] = {
    "save": of_store("save", obj=lambda w: w.experiment, on_conflict=fixed("merge"), as_new=fixed(False), **NOTED),
    "save parts": of_store("save", obj=lambda w: w.experiment, parts=lambda w: [w.trial], **NOTED),
    "save_together": of_store(
        "save_together",
        saves=lambda w: [(w.experiment, [w.trial]), w.strategy],
        on_conflict=fixed("merge"),
        **NOTED,
    ),
    "save_trial": of_store(
        "save_trial", experiment=lambda w: w.experiment, trial=lambda w: w.trial, on_conflict=fixed("merge"), **NOTED
    ),
    "save_trials": of_store(
        "save_trials",
        experiment=lambda w: w.experiment,
        trials=lambda w: [w.trial],
        on_conflict=fixed("merge"),
        **NOTED,
    ),
    "save_many": of_store(
        "save_many", objects=lambda w: [w.experiment, w.strategy], batch=fixed(2), progress=fixed(False), **NOTED
    ),
    "upgrade": of_store("upgrade", kind=fixed("experiment"), progress=fixed(False), **NOTED),
    "put": of_store("put", kind=fixed("note"), name=fixed("n1"), value=fixed([1]), **NOTED),
    "load": of_store("load", **NAMED, **dict.fromkeys(("version", "at", "tag", "unknown"), fixed(None))),
    "get": of_store("get", **NAMED, pointer=fixed(""), **dict.fromkeys(("version", "at", "tag"), fixed(None))),
    "get_json": of_store(
        "get_json",
        **NAMED,
        pointer=fixed(""),
        indent=fixed(False),
        **dict.fromkeys(("version", "at", "tag"), fixed(None)),
    ),
    "load_or_create": of_store("load_or_create", **NAMED, make=lambda w: lambda: w.experiment, **NOTED),
    "exists": of_store("exists", **NAMED),
    "names": of_store("names", kind=fixed("experiment")),
    "delete": of_store("delete", **NAMED),
    "undelete": of_store("undelete", name=fixed("gone"), kind=fixed("experiment")),
    "purge": of_store("purge", **NAMED),
    "rename": of_store("rename", old=fixed("cakes"), new=fixed("bread"), kind=fixed("experiment"), **NOTED),
    "copy_to": of_store(
        "copy_to",
        other=lambda w: w.other,
        names=fixed(["cakes"]),
        kind=fixed("experiment"),
        progress=fixed(False),
    ),
    "history": of_store("history", **NAMED, pointer=fixed(None)),
    "version": of_store("version", **NAMED, version=fixed(1)),
    "blame": of_store("blame", **NAMED, pointer=fixed("/description")),
    "diff": of_store("diff", **NAMED, a=fixed(1), b=fixed(2), other=fixed("")),
    "status": of_store("status", obj=lambda w: w.experiment),
    "revert": of_store("revert", **NAMED, version=fixed(1), **NOTED),
    "tag": of_store("tag", **NAMED, tag=fixed("t"), version=fixed(1), author=fixed(None), move=fixed(False)),
    "untag": of_store("untag", **NAMED, tag=fixed("published")),
    "tags": of_store("tags", **NAMED),
    "branch": of_store("branch", **NAMED, new_name=fixed("tarts"), version=fixed(1), **NOTED),
    "merge": of_store("merge", **NAMED, into=fixed("pies"), on_conflict=fixed("merge"), **NOTED),
    "verify": of_store("verify", **NAMED, decode=fixed(False), progress=fixed(False)),
    "compact": of_store("compact", **NAMED, keep=fixed(1), progress=fixed(False)),
    "find": of_store(
        "find",
        kind=fixed("experiment"),
        **CRITERIA,
        **dict.fromkeys(("where", "order_by", "limit"), fixed(None)),
        deleted=fixed(False),
    ),
    "create_index": of_store("create_index", pointer=fixed("/a"), kind=fixed("experiment"), part=fixed(None)),
    "drop_index": of_store("drop_index", pointer=fixed("/a"), kind=fixed("experiment"), part=fixed(None)),
    "trials": of_store("trials", name=fixed("cakes")),
    "observations": of_store("observations", name=fixed("cakes")),
    "running_trials": of_store("running_trials", name=fixed("cakes")),
    "best": of_store("best", name=fixed("cakes"), n=fixed(1)),
    "similar": of_store(
        "similar",
        like=lambda w: w.experiment.search_space,
        n=fixed(1),
        overlap=fixed(0.0),
        types=fixed(None),
        since=fixed(None),
    ),
    "Found.page": (lambda w: found(w).page, {"size": fixed(1), "after": fixed(None)}),
    "Found.to_frame": (lambda w: lambda pointer: found(w).to_frame(pointer), {"pointer": fixed("/name")}),
    "Found.to_arrow": (lambda w: lambda pointer: found(w).to_arrow(pointer), {"pointer": fixed("/name")}),
    "Store": (
        lambda w: docstore.Store,
        {
            "engine": lambda w: w.store.engine,
            "project": fixed("p"),
            "unknown": fixed("error"),
            **dict.fromkeys(("bundle", "experiment_type_enum", "generator_run_type_enum", "author"), fixed(None)),
        },
    ),
    "connect": (
        lambda w: docstore.connect,
        {
            "url": lambda w: w.other.engine,
            "synchronous": fixed("FULL"),
            "pool_pre_ping": fixed(True),
            "body_index": fixed(False),
            "project": fixed("p"),
            "unknown": fixed("error"),
            **dict.fromkeys(
                ("creator", "schema", "bundle", "experiment_type_enum", "generator_run_type_enum", "author"),
                fixed(None),
            ),
        },
    ),
    "dumps": (lambda w: docstore.dumps, {"obj": lambda w: w.experiment, "bundle": fixed(None), "indent": fixed(False)}),
    "loads": (lambda w: docstore.loads, {"data": lambda w: w.text, "bundle": fixed(None), "unknown": fixed("error")}),
    "digest": (lambda w: docstore.digest, {"obj": lambda w: w.experiment, "bundle": fixed(None)}),
    "docstore.diff": (
        lambda w: docstore.diff,
        {"a": lambda w: w.experiment, "b": lambda w: w.experiment, "bundle": fixed(None)},
    ),
    "register": (
        lambda w: docstore.register,
        {
            "cls": fixed(Pot),
            "version": fixed(1),
            "aliases": fixed(()),
            **dict.fromkeys(("tag", "encode", "decode", "compatible_from"), fixed(None)),
        },
    ),
    "document": (
        lambda w: lambda cls, **said: docstore.document(**said)(cls),
        {
            "cls": fixed(Pot),
            "kind": fixed("pot"),
            "name": fixed("size"),
            "parts": fixed(()),
            "version": fixed(1),
            "aliases": fixed(()),
            **dict.fromkeys(("type", "status", "keyed", "tag", "compatible_from"), fixed(None)),
        },
    ),
    "upcast": (
        lambda w: lambda tag, from_, lift: registry.upcast(tag, from_=from_)(lift),
        {"tag": fixed("Pot"), "from_": fixed(1), "lift": fixed(anything)},
    ),
    "prove": (lambda w: registry.prove, {"cls": fixed(docstore.Arm), "sample": fixed(None)}),
    "RegistryBundle": (lambda w: RegistryBundle, {**BUNDLE, "classes": fixed(())}),
    "from_registry_bundles": (
        lambda w: lambda a, b: RegistryBundle.from_registry_bundles(a, b),
        {"a": fixed(RegistryBundle()), "b": fixed(RegistryBundle())},
    ),
    "SQAConfig": (
        lambda w: SQAConfig,
        {
            "json_encoder_registry": fixed({}),
            "json_class_encoder_registry": fixed({}),
            "json_decoder_registry": fixed({}),
            "json_class_decoder_registry": fixed({}),
            "metric_registry": fixed({}),
            "runner_registry": fixed({}),
            "experiment_type_enum": fixed(None),
            "generator_run_type_enum": fixed(None),
        },
    ),
    "save_experiment": (
        lambda w: save_experiment,
        {
            "experiment": lambda w: w.experiment,
            "filepath": lambda w: w.folder / "other.json",
            "indent": fixed(False),
            **dict.fromkeys(("encoder_registry", "class_encoder_registry", "bundle"), fixed(None)),
        },
    ),
    "load_experiment": (
        lambda w: load_experiment,
        {
            "filepath": lambda w: w.file,
            "unknown": fixed("error"),
            **dict.fromkeys(("decoder_registry", "class_decoder_registry", "bundle"), fixed(None)),
        },
    ),
    "sqa init": (
        lambda w: db.init_engine_and_session_factory,
        {"url": fixed("sqlite://"), "creator": fixed(None), "echo": fixed(False), "force_init": fixed(True)},
    ),
    "sqa create_all_tables": (lambda w: db.create_all_tables, {"engine": lambda w: w.other.engine}),
    "sqa save_experiment": (
        lambda w: save.save_experiment,
        {"experiment": lambda w: w.experiment, "config": fixed(None)},
    ),
    "sqa save_trial": (
        lambda w: save.save_or_update_trial,
        {"experiment": lambda w: w.experiment, "trial": lambda w: w.trial, "config": fixed(None)},
    ),
    "sqa save_trials": (
        lambda w: save.save_or_update_trials,
        {"experiment": lambda w: w.experiment, "trials": lambda w: [w.trial], "config": fixed(None)},
    ),
    "sqa save_generation_strategy": (
        lambda w: save.save_generation_strategy,
        {"generation_strategy": lambda w: w.strategy, "config": fixed(None)},
    ),
    "sqa load_experiment": (
        lambda w: load.load_experiment,
        {
            "experiment_name": fixed("cakes"),
            "config": fixed(None),
            "reduced_state": fixed(False),
            "skip_runners_and_metrics": fixed(False),
            "unknown": fixed("error"),
        },
    ),
    "sqa load_generation_strategy": (
        lambda w: load.load_generation_strategy,
        {"name": fixed("sobol"), "config": fixed(None)},
    ),
    "sqa update_generation_strategy": (
        lambda w: save.update_generation_strategy,
        {"generation_strategy": lambda w: w.strategy, "generator_runs": fixed([]), "config": fixed(None)},
    ),
    **{
        f"sqa {call}": (
            lambda w, call=call: getattr(save, call),
            {"experiment": lambda w: w.experiment, argument: make, "encoder": fixed(None), "decoder": fixed(None)},
        )
        for call, argument, make in (
            ("save_or_update_data_for_trials", "trials", lambda w: [w.trial]),
            ("update_runner_on_experiment", "runner", lambda w: docstore.Runner()),
            ("update_outcome_constraint_on_experiment", "outcome_constraint", fixed(None)),
        )
    },
    **{
        f"sqa {call}": (lambda w, call=call: getattr(save, call), {argument: make, "config": fixed(None)})
        for call, argument, make in (
            ("update_experiment_status", "experiment", lambda w: w.experiment),
            ("update_properties_on_experiment", "experiment_with_updated_properties", lambda w: w.experiment),
            ("update_trial_status", "trial_with_updated_status", lambda w: w.trial),
            ("update_properties_on_trial", "trial_with_updated_properties", lambda w: w.trial),
        )
    },
    "sqa save_analysis_card": (
        lambda w: save.save_analysis_card,
        {
            "analysis_card": lambda w: docstore.AnalysisCard("effects"),
            "experiment": lambda w: w.experiment,
            "config": fixed(None),
        },
    ),
    "sqa load_generation_strategy_by_id": (
        lambda w: load.load_generation_strategy_by_id,
        {"gs_id": fixed(1), "config": fixed(None)},
    ),
    "sqa identify_transferable_experiments": (
        lambda w: load.identify_transferable_experiments,
        {
            "search_space": lambda w: w.experiment.search_space,
            "experiment_types": fixed(["tuning"]),
            "overlap_threshold": fixed(0.0),
            "max_num_exps": fixed(10),
            "experiment_name": fixed(None),
        },
    ),
    "sqa load_candidate_source_auxiliary_experiments": (
        lambda w: load.load_candidate_source_auxiliary_experiments,
        {
            "target_experiment": lambda w: w.experiment,
            "purpose": fixed(docstore.AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT),
        },
    ),
    "sqa delete_experiment": (lambda w: delete.delete_experiment, {"exp_name": fixed("cakes")}),
    "q": (
        lambda w: (
            lambda pointer, value: [
                list(w.store.find("experiment", where=each(docstore.q(pointer), value)))
                for each in (lambda q, v: q == v, lambda q, v: q != v, lambda q, v: q < v, lambda q, v: q >= v)
            ]
        ),
        {"pointer": fixed("/name"), "value": fixed("x")},
    ),
    **{
        f"q.{method}": (
            lambda w, method=method: (
                lambda pointer, value: list(
                    w.store.find("experiment", where=getattr(docstore.q(pointer), method)(value))
                )
            ),
            {"pointer": fixed("/name"), "value": fixed(["x"] if method == "in_" else "x")},
        )
        for method in ("in_", "contains", "like")
    },
}

CALLED = {("connect", "creator"), ("sqa init", "creator"), ("verify", "progress")}
"""Arguments that are called: what a class of Python's own raises then is not docstore's."""


def consumed(result: Any) -> None:
    """Look at all of what a call gave, which may be read as one looks at it."""
    if isinstance(result, (Found, Iterator)) or type(result).__name__ in ("Timeline", "Lazily"):
        for _ in itertools.islice(result, 20):
            pass
    if isinstance(result, Found):
        result.sql()
        list(itertools.islice(result.load(), 3))
    close = getattr(result, "close", None)
    if isinstance(result, docstore.Store) and close is not None:
        list(result.find())


TRIES = st.sampled_from(sorted(CALLS)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.dictionaries(st.sampled_from(sorted(CALLS[name][1])), VALUES, min_size=1, max_size=2),
    )
)


class Caller:
    """Makes calls in a world, which is made anew when a call changed it."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._other = docstore.connect("sqlite://")
        self._made = itertools.count()
        self._world: World | None = None

    @property
    def world(self) -> World:
        if self._world is None:
            folder = self._folder / str(next(self._made))
            folder.mkdir()
            self._world = World(self._engine, self._other.engine, folder)
        return self._world

    def check(self, tried: tuple[str, dict[str, Callable[[], Any]]]) -> None:
        """Make a call with odd values: it raises none but a DocstoreError, and then nothing is changed."""
        name, odd = tried
        world = self.world
        function, arguments = CALLS[name]
        values = {**{key: make(world) for key, make in arguments.items()}, **{key: make() for key, make in odd.items()}}
        if any((name, key) in CALLED and callable(values[key]) for key in odd):
            return
        raised = False
        with registry.scope():
            try:
                consumed(function(world)(**values))
            except DocstoreError as error:
                raised = True
                str(error)
        after = world.rows()
        if raised and name != "save_many":
            assert after == world.before
        if after != world.before:
            self._world = None
        else:
            assert docstore.dumps(world.store.load("cakes")) == world.text


@pytest.mark.fuzz
def test_a_call_raises_docstores_errors_alone_and_then_changes_nothing(store, tmp_path):
    tester = Caller(store.engine, tmp_path)

    fuzz(tester.check, TRIES, in_ci=100)


UNSPEAKABLE = {
    "a path with NUL": Path("a\0b.db"),
    "a path with a surrogate": Path("/nonexistent/\ud800.db"),
    "a SQLite URL with NUL": "sqlite:///a\0b.db",
    "a SQLite URL with a surrogate": "sqlite:////nonexistent/\ud800.db",
    "a URL of a server with NUL": "postgresql://u:secret@127.0.0.1:1/\0",
    "a URL of a server with a surrogate": "mysql://u:secret@127.0.0.1:1/\ud800",
    "a URL object with a surrogate": sa.URL.create("sqlite", database="/nonexistent/\ud800.db"),
    "a URL object with an option of a surrogate": sa.URL.create("postgresql", "u", query={"a": ("\ud800",)}),
}


class TestATextThatNoSystemCallTakes:
    @pytest.mark.parametrize("url", UNSPEAKABLE.values(), ids=UNSPEAKABLE)
    @pytest.mark.parametrize("open_", [docstore.connect, partial(db.init_engine_and_session_factory, force_init=True)])
    def test_is_refused_as_a_url(self, url, open_):
        with pytest.raises(InvalidValueError, match=r"database URL: .*without NUL or lone surrogates") as caught:
            open_(url)

        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("path", ["a\0b", "\ud800", Path("a\0b"), Path("\ud800"), "", b"a", 5, None], ids=ascii)
    @pytest.mark.parametrize(
        "call", [partial(save_experiment, new_experiment()), load_experiment], ids=["save", "load"]
    )
    def test_is_refused_as_the_path_of_a_file(self, call, path):
        with pytest.raises(InvalidValueError, match=r"filepath: .*Give the path of a file"):
            call(path)


class TestWhatCannotBeHashedOrCompared:
    """A list, or an array of NumPy, in the place of a text or a flag."""

    @pytest.fixture(params=["list", "array"])
    def odd(self, request):
        return [] if request.param == "list" else pytest.importorskip("numpy").zeros(2)

    @pytest.mark.parametrize("call", ["put", "verify", "load", "find", "copy_to"])
    def test_is_refused_as_a_kind(self, connect, odd, call):
        store = connect("sqlite://")
        arguments = {"put": (odd, "n", 1), "load": ("n",), "copy_to": (connect("sqlite://"),)}.get(call, ())
        options = {} if call == "put" else {"kind": odd}

        with pytest.raises(InvalidValueError, match=r"^kind: .* cannot be used\. Give a text"):
            getattr(store, call)(*arguments, **options)

    @pytest.mark.parametrize("argument", ["on_conflict", "as_new"])
    def test_is_refused_as_an_option_of_a_save(self, connect, odd, argument):
        with pytest.raises(InvalidValueError, match=f"^{argument}: "):
            connect("sqlite://").save(new_experiment(), **{argument: odd})

    @pytest.mark.parametrize("call", ["load", "loads", "connect"])
    def test_is_refused_as_what_to_do_with_unknown_classes(self, connect, odd, call):
        store = connect("sqlite://")
        store.save(new_experiment())
        calls = {
            "load": partial(store.load, "cakes"),
            "loads": partial(docstore.loads, "1"),
            "connect": partial(docstore.connect, "sqlite://"),
        }

        with pytest.raises(InvalidValueError, match=r"^unknown: "):
            calls[call](unknown=odd)


@pytest.mark.parametrize("pointer", ["/a\0b", "/\ud800"], ids=ascii)
@pytest.mark.parametrize("part", [None, "trial"])
def test_a_column_of_a_frame_has_a_name_that_databases_take(store, pointer, part):
    store.save(new_experiment())

    with pytest.raises(InvalidValueError, match=r"pointer: .*NUL or lone surrogate"):
        store.find("experiment", part=part).to_frame(pointer)


@pytest.mark.parametrize("cls", [type(lambda: 0), type(_ for _ in ()), type(random), type(len), type, object, int])
def test_a_class_of_pythons_own_is_registered_or_refused(forgotten, cls):
    with contextlib.suppress(RegistryError):
        docstore.register(cls)

    assert docstore.loads(docstore.dumps(new_experiment())).name == "cakes"
