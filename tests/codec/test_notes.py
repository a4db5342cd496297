"""Notes on an object of a library, to which no attribute can be added: its copies and pickles have them too."""

from __future__ import annotations

import copy
import copyreg
import pickle
from argparse import Namespace
from collections.abc import Iterator

import forked
import pytest

from docstore.codec.side_data import note, noted


class Vessel:
    """Of a library: it compares all attributes."""

    def __init__(self, volume: float) -> None:
        self.volume = volume
        self.itself = self

    def __eq__(self, other: object) -> bool:
        mine, others = ({**vars(each), "itself": None} for each in (self, other))
        return mine == others


@pytest.fixture(autouse=True)
def _own_table() -> Iterator[None]:
    """Let ``copyreg`` know of the classes for one test only."""
    yield
    for cls in (Vessel, Namespace):
        copyreg.dispatch_table.pop(cls, None)


@pytest.fixture
def vessel() -> Vessel:
    made = Vessel(1.5)
    note(made, "origin", ("db", 3))
    return made


COPIES = {
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": lambda obj: pickle.loads(pickle.dumps(obj)),
    "old pickle": lambda obj: pickle.loads(pickle.dumps(obj, 0)),
    "copy of a copy": lambda obj: copy.deepcopy(copy.copy(obj)),
}


class TestAnObjectWithANote:
    @pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
    def test_gives_it_to_its_copies(self, vessel, duplicate):
        twin = duplicate(vessel)

        assert (noted(twin, "origin"), twin.volume) == (("db", 3), 1.5)

    def test_refers_to_itself_in_a_copy_too(self, vessel):
        twin = copy.deepcopy(vessel)

        assert twin is twin.itself is not vessel

    def test_is_equal_to_one_without(self, vessel):
        assert vessel == Vessel(1.5)
        assert vars(vessel).keys() == {"volume", "itself"}

    def test_has_several_by_name(self, vessel):
        note(vessel, "names", ("a", "b"))

        assert (noted(vessel, "origin"), noted(copy.copy(vessel), "names")) == (("db", 3), ("a", "b"))

    def test_has_the_newest(self, vessel):
        twin = copy.copy(vessel)
        note(vessel, "origin", ("db", 4))

        assert (noted(vessel, "origin"), noted(twin, "origin")) == (("db", 4), ("db", 3))

    def test_is_no_other_of_its_class(self, vessel):
        other = Vessel(1.5)

        assert noted(other, "origin") is None
        assert noted(copy.deepcopy(other), "origin") is None


def test_a_class_that_copyreg_knows_is_copied_as_it_says():
    copyreg.pickle(Vessel, lambda vessel: (Vessel, (vessel.volume,)))
    vessel = Vessel(1.5)
    note(vessel, "origin", 3)

    assert (noted(vessel, "origin"), noted(copy.copy(vessel), "origin")) == (3, None)


def test_a_pickle_has_it_in_another_process(tmp_path):
    program = """
import pickle, sys
from pathlib import Path
from docstore.codec.side_data import noted
print(noted(pickle.loads(Path(sys.argv[1]).read_bytes()), "origin"))
"""
    made = Namespace(volume=1.5)  # of a class that each process has
    note(made, "origin", ("db", 3))
    (tmp_path / "pickle").write_bytes(pickle.dumps(made))

    assert forked.run(program, str(tmp_path / "pickle")) == ("('db', 3)\n", "")
