"""A long piece whose list grew at its end: its older JSON is made of the new one's, without parsing its text."""

from __future__ import annotations

from typing import Any

import pytest
from edits import documents, unhurried
from hypothesis import given
from hypothesis import strategies as st

from docstore.documents import growth
from docstore.documents.canonical import JSON, digest, dumps
from docstore.documents.digests import piece
from docstore.documents.growth import before_growth

LONG = [{"mean": step / 7, "step": step} for step in range(3_000)]
"""Records whose text is longer than what is always parsed."""


def data(records: list[Any], **members: JSON) -> dict[str, JSON]:
    return {"__type": "Data", "records": records, "seen": [1, 2], **members}


def before(older: JSON, newer: JSON) -> Any:
    text = dumps(older)
    return before_growth(piece("/data/0", newer), text.decode(), digest(text))


class TestAListThatGrewAtItsEnd:
    @pytest.mark.parametrize("added", [1, 2, 500])
    def test_is_the_new_one_without_the_last_items(self, added):
        newer = data(LONG)

        older = before(data(LONG[:-added]), newer)

        assert dumps(older) == dumps(data(LONG[:-added]))
        assert all(mine is other for mine, other in zip(older["records"], newer["records"], strict=False))

    @pytest.mark.parametrize("member", ["a", "z", "ß", "\U0001f35e"])
    def test_may_stand_before_and_behind_other_members(self, member):
        beside = {member: {"unit": "°C"}}

        assert dumps(before(data(LONG[:-1], **beside), data(LONG, **beside))) == dumps(data(LONG[:-1], **beside))

    def test_leaves_the_new_one_as_it_is(self):
        newer = data(LONG)
        text = dumps(newer)

        before(data(LONG[:-1]), newer)

        assert dumps(newer) == text


class TestAPieceThatChangedOtherwise:
    """Its text is parsed: nothing is returned."""

    @pytest.mark.parametrize(
        "older",
        [
            data([*LONG[:5], {**LONG[5], "step": 6}, *LONG[6:-1]]),
            data(LONG[1:]),
            data([*LONG, LONG[0]]),
            data(LONG[:-1], seen=[1]),
            data(LONG[:-1], unit="s"),
            data(LONG),
            data([]),
            LONG,
        ],
        ids=["an item too", "the first", "one less", "two lists", "a member too", "nothing", "all", "no object"],
    )
    def test_is_not_known(self, older):
        assert before(older, data(LONG)) is None

    def test_is_not_known_if_the_text_is_short(self):
        assert before(data(LONG[:1]), data(LONG[:2])) is None


@unhurried
@given(st.dictionaries(st.sampled_from(["", "a", "é", "records", "~"]), st.lists(documents, max_size=4)), st.data())
def test_what_is_returned_has_the_older_text(newer, chosen):
    key = chosen.draw(st.sampled_from(sorted(newer) or [""]))
    count = chosen.draw(st.integers(0, len(newer.get(key, []))))
    older = {**newer, key: newer.get(key, [])[:count]}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(growth, "_LONG", 0)
        found = before(older, newer)

    assert found is None or dumps(found) == dumps(older)
    assert (found is not None) == (0 < count < len(newer.get(key, [])))
