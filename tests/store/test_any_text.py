"""Random search: documents whose texts two writers edit at random, and save by ``put_json`` from versions at random."""

from __future__ import annotations

import copy
import json
import random
from itertools import count
from typing import Any

import pytest
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore import AnalysisCard, Arm, Data, GenerationNode, GenerationStrategy, GeneratorRun
from docstore.codec.values.tags import tagged_where_unsafe
from docstore.documents.canonical import dumps, loads, loads_strict, same_json
from docstore.errors import DamagedDocumentError, DatabaseError, DocstoreError
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]

PARTS = '"__format":1,"__document":{"name":"title","parts":["/pages/*"]}'
BOOK = (
    '{%s,"__type":"elsewhere.Book","title":"it","pages":{"1":{"__type":"elsewhere.Page","n":[1,2]},"2":{"n":{"a":1}}}}'
)
NOTE = '{"a":[1,2,{"b":"c"}],"d":{"e":1.5,"f":null,"g":{}},"h":18446744073709551616,"i":"\\u0000"}'


@pytest.fixture
def database(ready):
    return ready.url


def experiment():
    """An experiment with trials of one arm and of several, and data."""
    made = new_experiment("it", trials=1)
    add_trial(made, 0.5)
    batch = made.new_batch_trial(GeneratorRun([Arm({"x": 0.25, "flour": "rye"}), Arm({"x": 0.75, "flour": "rye"})]))
    batch.run_metadata["oven"] = {"heat": [200, 2**70], "door": None}
    record = {"trial_index": 2, "arm_name": batch.arms[0].name, "metric_name": "taste", "mean": 0.5, "sem": None}
    made.attach_data(Data.from_records([record]))
    return made


def strategy():
    made = GenerationStrategy([GenerationNode("sobol"), GenerationNode("gp")], "it", experiment_name="cakes")
    made.add_generator_run(GeneratorRun([Arm({"x": 0.5})]))
    return made


TEXTS = {
    "experiment": docstore.dumps(experiment()).decode(),
    "generation_strategy": docstore.dumps(strategy()).decode(),
    "analysis_card": docstore.dumps(AnalysisCard("it", title="Tastes", blob="# hello")).decode(),
    "book": BOOK % PARTS,
    "note": NOTE,
}

NUMBERS = [0, 1, 1.0, -0.0, 0.5, 1e300, 2**63, 2**70, -(2**80)]
VALUES = [None, True, *NUMBERS, "", "x", "\0", "RUNNING", "TYPO", [], {}, [1], {"a": 1}]
KEYS = ["", "0", "3", "01", "a", "new", "\0", "/", "~1", "name", "status", "__type", "__schema"]


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values in *value*, below its root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, item in inner for each in ((*way, key), *places(item, (*way, key)))]


def edit(value: Any, chance: random.Random) -> None:
    """Change one thing in *value*, in place: remove, replace, add, move or copy it."""
    ways = places(value)
    *way, key = chance.choice(ways)
    around = value
    for each in way:
        around = around[each]
    what = chance.randrange(5)
    if what == 0:
        del around[key]
    elif what == 1:
        around[key] = copy.deepcopy(chance.choice(VALUES))
    elif isinstance(around, list):
        around.insert(key, copy.deepcopy(chance.choice([*VALUES, around[-1]])))
    elif what == 2:
        around[chance.choice(KEYS)] = copy.deepcopy(chance.choice([*VALUES, around[key]]))
    elif what == 3:
        around[chance.choice([*KEYS, "7"])] = around.pop(key)
    else:
        first, second = chance.choice([*around]), key
        around[first], around[second] = around[second], around[first]


def leaves(value: Any, at: str = "") -> dict[str, bytes]:
    """The canonical texts of what is in the dicts of *value*, by pointer; a None is as nothing."""
    if not isinstance(value, dict) or not value:
        return {} if value is None else {at: dumps(value)}
    return {place: text for key, item in value.items() for place, text in leaves(item, f"{at}/{key}").items()}


def check_merged(base: Any, mine: Any, theirs: Any, now: Any) -> None:
    """What one side alone changed, of what there was, is as that side has it; both changed no value in two ways."""
    base, mine, theirs, now = map(leaves, (base, mine, theirs, now))
    for place, was in base.items():
        own, other = mine.get(place), theirs.get(place)
        if own == was or other == was:
            assert now.get(place) == (other if own == was else own), place
        elif own is not None and other is not None and b"[" not in was[:1] + own[:1] + other[:1]:
            assert own == other == now.get(place), place


class Document:
    """One document in a store of two writers, with the text of each of its versions."""

    def __init__(self, stores: tuple[docstore.Store, ...], kind: str) -> None:
        self.stores, self.kind = stores, kind
        stores[0].put_json(kind, "it", TEXTS[kind])
        self.texts = [self.text()]

    def text(self, version: int | None = None) -> bytes:
        found = self.stores[1].get_json("it", kind=self.kind, version=version)
        assert found == dumps(loads(found)) == dumps(tagged_where_unsafe(loads(found)))
        return found

    def put(self, who: int, policy: str, base: int | None, edits: int, seed: int) -> None:
        """Save an edited text: as it is; or merged, where the other writer saved since; or it is refused."""
        chance = random.Random(seed)
        number = None if base is None else 1 + base % len(self.texts)
        text = self.texts[-1 if number is None else number - 1]
        mine = json.loads(text)
        for _ in range(edits):
            if places(mine):
                edit(mine, chance)
        written, theirs = as_text(mine, chance), self.texts[-1]

        try:
            made = self.stores[who].put_json(self.kind, "it", written, **options(policy, number))
        except (DatabaseError, DamagedDocumentError):
            raise
        except DocstoreError:
            assert self.text() == theirs
            return

        meant, now = tagged_where_unsafe(loads_strict(written)), self.text()
        if made.number == len(self.texts):
            assert now == theirs
        else:
            assert made.number == len(self.texts) + 1
            self.texts.append(now)
        if policy == "overwrite" or theirs == text:
            assert same_json(meant, loads(now))
        elif policy == "merge":
            check_merged(loads(text), meant, loads(theirs), loads(now))

    def save(self, who: int) -> None:
        """Load the object, and save it in the form in which its class writes it, which is saved only once."""
        store = self.stores[who]
        try:
            number = store.save(store.load("it", kind=self.kind)).number
        except (DatabaseError, DamagedDocumentError):
            raise
        except DocstoreError:
            return
        if number > len(self.texts):
            self.texts.append(self.text())
        assert store.save(store.load("it", kind=self.kind)).number == number == len(self.texts)


def options(policy: str, number: int | None) -> dict[str, Any]:
    if policy == "mine":
        return {"on_conflict": lambda conflict: conflict.mine, "based_on": number}
    if policy == "value":
        return {"on_conflict": lambda conflict: [-0.0, "\0"], "based_on": number}
    return {"on_conflict": policy, "based_on": number}


def as_text(value: Any, chance: random.Random) -> str:
    indent, ascii = chance.choice([None, 1]), chance.random() < 0.5
    return json.dumps(value, indent=indent, ensure_ascii=ascii)


_step = st.tuples(
    st.sampled_from(["put", "put", "put", "save"]),
    st.integers(0, 1),
    st.sampled_from(["merge", "merge", "merge", "error", "overwrite", "mine", "value"]),
    st.none() | st.integers(0, 20),
    st.sampled_from([0, 1, 1, 1, 2, 2, 3, 6]),
    st.integers(0, 2**32),
)


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::docstore.errors.OverwriteWarning")
def test_a_text_is_saved_as_it_is_or_refused_and_no_version_is_lost(database, connect):
    people = tuple(connect(database, author=author, synchronous="NORMAL") for author in ("ada", "bob"))
    runs = count()

    def law(kind: str, steps: list[tuple[Any, ...]]) -> None:
        project = f"run {next(runs)}"
        stores = tuple(docstore.Store(each.engine, author=each.author, project=project) for each in people)
        document = Document(stores, kind)
        for what, who, policy, base, edits, seed in steps:
            if what == "put":
                document.put(who, policy, base, edits, seed)
            else:
                document.save(who)
        for number, text in enumerate(document.texts, 1):
            assert document.text(number) == text
        assert stores[1].verify() == []

    fuzz(law, st.sampled_from(sorted(TEXTS)), st.lists(_step, min_size=8, max_size=16), in_ci=15, each=200)
