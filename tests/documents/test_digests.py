"""The digests of a document: each change costs the changed parts alone, and the digest depends on all parts."""

from __future__ import annotations

from base64 import b64encode
from hashlib import shake_128
from typing import ClassVar

from docstore.documents.canonical import digest
from docstore.documents.digests import Digests, whole_digest


class OnDisk:
    """Digests that are looked up, as those of a database, before they are taken one by one."""

    def __init__(self, digests):
        self.digests, self.asked = digests, []

    def look_up(self, paths):
        self.asked += paths

    def get(self, path):
        return self.digests.get(path)

    def paths(self):
        return self.digests.keys()


class TestDigests:
    PARTS: ClassVar = {f"/boxes/{index}": f"{index:064}" for index in range(300)}
    WITH_PARTS: ClassVar = {"": "a", **PARTS}
    CHANGED: ClassVar = {"": "b", "/boxes/1": "c", "/boxes/2": None, "/lids/1": "d", "/lids/2": None}
    AFTER: ClassVar = {"": "b", **PARTS, "/boxes/1": "c", "/lids/1": "d"}
    del AFTER["/boxes/2"]

    def test_of_a_document_without_parts_are_the_hash_of_its_head(self):
        digests = Digests.of({"": "a"})

        assert (digests.digest(), digests.parts_digest, digests.count) == (digest(b"a"), None, 0)

    def test_are_the_hash_of_the_head_and_of_the_sum_of_the_parts(self):
        terms = [shake_128(f"{path}\0{each}".encode()).digest(168) for path, each in self.PARTS.items()]
        total = sum(int.from_bytes(term, "little") for term in terms) % 2**1344
        text = f"300:{b64encode(total.to_bytes(168, 'little')).decode()}"

        digests = Digests.of(self.WITH_PARTS)

        assert (digests.digest(), digests.parts_digest) == (digest(f"a{text}".encode()), text)

    def test_do_not_depend_on_the_order_of_the_parts(self):
        assert Digests.of(dict(reversed(self.WITH_PARTS.items()))).digest() == Digests.of(self.WITH_PARTS).digest()

    def test_depend_on_which_part_has_which_digest(self):
        one, other = {"": "a", "/boxes/1": "b", "/boxes/2": "c"}, {"": "a", "/boxes/1": "c", "/boxes/2": "b"}

        assert Digests.of(one).digest() != Digests.of(other).digest()

    def test_are_the_same_whether_parts_came_at_once_or_changed_since(self):
        updated = Digests.of(self.WITH_PARTS)
        updated.update(self.CHANGED)

        assert updated.digest() == Digests.of(self.AFTER).digest()
        assert {path: updated.get(path) for path in updated.paths()} == self.AFTER
        assert (updated.count, updated.get("/boxes/2")) == (300, None)

    def test_are_those_of_the_head_once_the_parts_are_gone(self):
        digests = Digests.of(self.WITH_PARTS)
        digests.update(dict.fromkeys(self.PARTS))

        assert (digests.digest(), list(digests.paths())) == (digest(b"a"), [""])

    def test_keep_the_head_if_only_parts_change(self):
        digests = Digests.of(self.WITH_PARTS)
        digests.update({"/boxes/1": "c"})

        assert digests.get("") == "a"

    def test_do_not_change_with_their_copy(self):
        digests = Digests.of(self.WITH_PARTS)
        digests.copy().update(self.CHANGED)

        assert {path: digests.get(path) for path in digests.paths()} == self.WITH_PARTS
        assert digests.digest() == Digests.of(self.WITH_PARTS).digest()

    def test_as_they_would_be_are_told_without_changing_them(self):
        digests = Digests.of(self.WITH_PARTS)

        after = digests.with_changed(self.CHANGED)

        assert {path: after.get(path) for path in after.paths()} == self.AFTER
        assert (after.digest(), after.count) == (Digests.of(self.AFTER).digest(), 300)
        assert after.with_changed({"/boxes/3": None}).get("/boxes/3") is None
        assert {path: digests.get(path) for path in digests.paths()} == self.WITH_PARTS

    def test_that_differ_are_those_of_the_changed_pieces(self):
        after = Digests.of(self.AFTER)

        assert Digests.of(self.WITH_PARTS).unequal(after) == self.CHANGED.keys() - {"/lids/2"}

    def test_of_a_stored_document_need_only_those_of_the_changed_parts(self):
        stored, on_disk = Digests.of(self.WITH_PARTS), OnDisk(self.WITH_PARTS)
        digests = Digests.stored("a", stored.parts_digest, on_disk)

        assert (digests.digest(), digests.count, on_disk.asked) == (stored.digest(), 300, [])
        digests.update(self.CHANGED)
        assert digests.digest() == Digests.of(self.AFTER).digest()
        assert sorted(on_disk.asked) == sorted(self.CHANGED.keys() - {""})
        assert {path: digests.get(path) for path in digests.paths()} == self.AFTER

    def test_of_a_stored_document_without_parts_are_those_of_its_head(self):
        digests = Digests.stored("a", None, OnDisk({"": "a"}))

        assert (digests.digest(), digests.count, list(digests.paths())) == (digest(b"a"), 0, [""])

    def test_are_checked_by_the_head_and_what_is_stored_of_the_parts(self):
        digests = Digests.of(self.WITH_PARTS)

        assert whole_digest("a", digests.parts_digest) == digests.digest()
