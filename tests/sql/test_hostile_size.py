"""How much room a document may ask for: about what its text gives reason for, in memory and in a file that is packed.

And what of its text would be lost in silence: the first of two values under one key.
"""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hostile import MEGABYTE, nested, peak, tagged, text, written_to
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore.documents.canonical import TAG, loads_strict
from docstore.errors import DecodeError, FileFormatError
from docstore.json_store import files
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.testing.experiments import new_experiment

ROOM = 16 * 2**20
"""Bytes that reading may take whatever the document is: for errors, tables, caches, an expression's syntax tree."""


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- room ------------------------------------------------------------------------------------------------------------


def wide(item: str, count: int) -> bytes:
    return b"[" + b",".join([item.encode()] * count) + b"]"


BAD = '{"__type":"int","value":"x"}'
PADDED = '{"__type":"numpy.ndarray","dtype":"<U260000","shape":[1],"data":["a"]}'

LARGE = {
    "a text": b'"' + b"a" * MEGABYTE + b'"',
    "a text of escapes": b'"' + rb"\n" * (MEGABYTE // 2) + b'"',
    "a text of one letter that is wide": b'"' + b"a" * MEGABYTE + "\U0001f370".encode() + b'"',
    "a text with a lone surrogate": text(tagged("str", escaped="\\ud800" + "a" * MEGABYTE)),
    "an int": text(tagged("int", hex="f" * MEGABYTE)),
    "bytes": text(tagged("bytes", base64="AAAA" * (MEGABYTE // 4))),
    "an array": text(tagged("numpy.ndarray", dtype="int8", shape=[MEGABYTE], base64=packed(bytes(MEGABYTE)))),
    "an array of short texts of a wide dtype": wide(PADDED, 1000),
    "errors": wide(BAD, MEGABYTE // len(BAD)),
    "errors under a long key": b'{"' + b"k" * MEGABYTE + b'":' + wide(BAD, 2000) + b"}",
    "errors under many keys": nested(200, '{"' + "k" * 200 + '":', wide(BAD, 2000).decode(), "}"),
    "a tag": text(tagged("t" * MEGABYTE)),
    "a name of a member": text(tagged("Arm", **{"k" * MEGABYTE: 1})),
    "names of members": text(tagged("Arm", **{f"k{number}": "some text" for number in range(50_000)})),
    "an expression": text(tagged("Objective", expression="a+" * 20_000 + "a")),
    "an expression of a megabyte": text(tagged("Objective", expression="a+" * (MEGABYTE // 2) + "a")),
    "what is no expression": text(tagged("Objective", expression="(" * MEGABYTE)),
    "keys of escapes, and a blank": b"{ " + b",".join(rb'"\n%060x":0' % n for n in range(50_000)) + b"}",
    "a key of escapes, and a blank": b'{ "' + rb"\n" * (MEGABYTE // 2) + b'":0}',
    "an experiment": docstore.dumps(new_experiment(trials=1000)),
    "an experiment in lines": docstore.dumps(new_experiment(trials=1000), indent=True),
}

DENSE = {
    "empty lists": wide("[]", 100_000),
    "empty objects": wide("{}", 100_000),
    "lists of one": wide("[0]", 100_000),
    "objects of one": wide('{"":0}', 100_000),
    "small numbers": wide("0", 300_000),
    "floats": wide("0.1", 200_000),
    "short texts": wide('"ab"', 200_000),
    "tuples": wide('{"__type":"tuple","items":[]}', 30_000),
    "sets": wide('{"__type":"set","items":[]}', 30_000),
    "arms without a word": wide('{"__type":"Arm"}', 50_000),
    "unknown objects": wide('{"__type":"X"}', 50_000),
}
"""Of these, the JSON reader's own tree takes 10 to 35 times the room of the text: nothing can be below that."""


HUGE = {
    "a text of 100 MB": b'"' + b"a" * 10**8 + b'"',
    "a key of 100 MB": b'{"' + b"a" * 10**8 + b'":1}',
    "a tag of 100 MB": b'{"__type":"' + b"a" * 10**8 + b'"}',
    "a name of 100 MB": b'{"__type":"Metric","name":"' + b"a" * 10**8 + b'","b":1}',
}


CHANGES = {
    "a path of one token": text([{"op": "add", "path": "/" + "a" * MEGABYTE}]),
    "a path of many tokens": text([{"op": "add", "path": "/a" * (MEGABYTE // 2)}]),
    "a path of escapes": text([{"op": "add", "path": "/" + "~0" * (MEGABYTE // 2)}]),
    "no path": text([{"op": "add", "path": ["x" * MEGABYTE]}]),
    "no operation": text([{"op": "x" * MEGABYTE, "path": ""}]),
}
"""What stands in a row of history."""


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The bytes that reading each of the documents took, by how it was read and its name."""
    cases = {f"loads {name}": ("loads", data) for name, data in (LARGE | HUGE).items()}
    cases |= {f"changes {name}": ("changes", data) for name, data in CHANGES.items()}
    cases |= {f"{how} {name}": (how, data) for name, data in DENSE.items() for how in ("keep", "orjson")}
    path = tmp_path_factory.mktemp("room") / "cases"
    path.write_bytes(pickle.dumps(cases))
    script = Path(__file__).parents[1] / "support" / "room.py"
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="it is measured in forked processes, and Windows has none")
class TestTheRoomThatReadingTakes:
    @pytest.mark.parametrize("name", LARGE | HUGE)
    def test_is_at_most_ten_times_the_text(self, room, name):
        assert room[f"loads {name}"] <= 10 * len((LARGE | HUGE)[name]) + ROOM

    @pytest.mark.parametrize("name", CHANGES)
    def test_is_at_most_ten_times_the_text_of_changes(self, room, name):
        assert room[f"changes {name}"] <= 10 * len(CHANGES[name]) + ROOM

    @pytest.mark.parametrize("name", DENSE)
    def test_is_at_most_twice_that_of_the_json_where_that_is_dense(self, room, name):
        assert room[f"keep {name}"] <= 2 * room[f"orjson {name}"] + ROOM

    def test_is_not_kept_for_each_tag_that_was_ever_read(self):
        tags = [tagged(f"tag {number}") for number in range(30_000)]
        docstore.loads(text(tags), unknown="keep")
        tracemalloc.start()

        docstore.loads(text([tagged(f"another {each[TAG]}") for each in tags]), unknown="keep")
        left = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()

        assert left < MEGABYTE


class TestACompressedFileThatIsABomb:
    """A thousand times as large as it looks."""

    @pytest.mark.parametrize("filling", [b" ", b'"', b"[", b"0"])
    def test_is_refused_before_it_is_all_unpacked(self, tmp_path, monkeypatch, filling):
        monkeypatch.setattr(files, "MOST_UNPACKED", MEGABYTE)
        path = written_to(tmp_path, "bomb.json.gz", gzip.compress(filling * (50 * MEGABYTE)))

        most = peak(load_experiment, path)

        assert most <= 5 * files.MOST_REPETITIVE * path.stat().st_size

    def test_is_told_with_what_to_do(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "MOST_UNPACKED", MEGABYTE)
        path = written_to(tmp_path, "bomb.json.gz", gzip.compress(b" " * (50 * MEGABYTE)))

        with pytest.raises(FileFormatError, match="gunzip"):
            load_experiment(path)

    def test_is_none_that_an_experiment_of_one_thing_over_and_over_makes(self, tmp_path):
        experiment = new_experiment(trials=1)
        experiment.properties = {"image": np.zeros(3 * MEGABYTE)}
        path = tmp_path / "zeros.json.gz"
        save_experiment(experiment, path)

        assert load_experiment(path).properties["image"].shape == (3 * MEGABYTE,)

    @pytest.mark.parametrize(
        "data",
        [
            gzip.compress(b"") * 5_000,
            gzip.compress(gzip.compress(b"{}")),
            b"\x1f\x8b",
            b"\x1f\x8b\x08\xff" + b"\0" * 50,
            b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"n" * MEGABYTE,
            gzip.compress(b"{}") + b"more",
            gzip.compress(b"{}")[:-4],
            gzip.compress(b"{}")[:-8] + b"\0" * 8,
        ],
        ids=["of nothing, often", "twice", "of a start", "of every flag", "of a name", "and more", "cut", "changed"],
    )
    def test_is_refused_where_it_is_damaged_or_empty(self, tmp_path, data):
        path = written_to(tmp_path, "experiment.json.gz", data)

        with pytest.raises(FileFormatError):
            load_experiment(path)

    def test_is_none_where_it_is_many_files_in_one(self, tmp_path):
        data = docstore.dumps(new_experiment(trials=1))
        pieces = [gzip.compress(data[start : start + 7]) for start in range(0, len(data), 7)]
        path = written_to(tmp_path, "experiment.json.gz", b"".join(pieces))

        assert docstore.dumps(load_experiment(path)) == data


# --- a key that stands twice -----------------------------------------------------------------------------------------


class TestAKeyThatStandsTwice:
    """Someone edited a file and put a line in where there was one: of two values, one would be lost in silence."""

    @pytest.mark.parametrize(
        ("data", "key", "line"),
        [
            (b'{"a":1,"a":2}', "'a'", 1),
            (b'{"a":1,"a":1}', "'a'", 1),
            (b'{\n "b": {"c": [], "d": "}"},\n "a": 1,\n "a": 2\n}', "'a'", 4),
            (b'[{"a":1},{"b":{"c":"{","c":"{"}}]', "'c'", 1),
            (rb'{"a":1,"\u0061":2}', "'a'", 1),
            (rb'{"\"":1,"x":"\\","\u0022":2}', "'\"'", 1),
            (b'{"":1,"":2}', "''", 1),
            (b'{"__type":"tuple","items":[],"items":[1]}', "'items'", 1),
        ],
    )
    def test_is_refused_and_named(self, data, key, line):
        with pytest.raises(DecodeError) as caught:
            docstore.loads(data)

        assert f"has the key {key} twice" in str(caught.value)
        assert f"line {line}" in str(caught.value)

    def test_is_refused_in_a_file(self, tmp_path):
        data = docstore.dumps(new_experiment(description="old"), indent=True).replace(
            b'"description":', b'"description":"new","description":'
        )
        path = written_to(tmp_path, "experiment.json", data)

        with pytest.raises(FileFormatError, match="has the key 'description' twice"):
            load_experiment(path)

    @pytest.mark.parametrize(
        "data",
        [
            b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}',
            rb'{ "a": "\"a\":", "b": ["x",":","y"], "c": "\\", "d": "{\"a\":1,\"a\":2}" }',
            b'\n{"a" : 1 , "b" : {}}\n',
            b'"a"',
            b"[1.50, 1e2]",
        ],
    )
    def test_is_not_seen_where_there_is_none(self, data):
        assert loads_strict(data) == json.loads(data)

    @given(st.recursive(st.none() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i), max_leaves=10))
    def test_is_never_seen_in_what_another_writer_wrote(self, value):
        plain = value if "\\ud" not in json.dumps(value) else None

        assert loads_strict(json.dumps(plain, indent=1)) == plain
