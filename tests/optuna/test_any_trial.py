"""Any trials of Optuna, as Hypothesis makes them: as trials of an experiment, through its JSON, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fuzzing import fuzz
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from optuna_samples import attributes

import docstore
from docstore.optuna.studies import Layout, StudyHead, new_experiment
from docstore.optuna.trials import frozen_trial, observed, put_trial

FLOATS = st.floats()
BOUNDS = st.floats(allow_nan=False)
INTS = st.integers(-(2**70), 2**70)
CHOICES = st.one_of(st.none(), st.booleans(), st.integers(-1, 1), st.floats(), st.text(max_size=2))
ATTRIBUTES = st.dictionaries(
    st.one_of(st.just("optuna"), st.text(max_size=3)),
    st.recursive(CHOICES, lambda inner: st.lists(inner, max_size=2), max_leaves=3),
    max_size=2,
)
TIMES = st.one_of(st.none(), st.datetimes(timezones=st.one_of(st.none(), st.none(), st.just(UTC))))


@st.composite
def parameters(draw: st.DrawFn) -> tuple[BaseDistribution, Any]:
    """Draw a distribution, and a value in it."""
    kind = draw(st.sampled_from(["float", "int", "categorical"]))
    if kind == "float":
        low, high = sorted([draw(BOUNDS), draw(BOUNDS)])
        return FloatDistribution(low, high), draw(st.sampled_from([low, high]))
    if kind == "int":
        low, high = sorted([draw(INTS), draw(INTS)])
        is_log = low > 0 and draw(st.booleans())
        return IntDistribution(low, high, log=is_log), draw(st.integers(low, high))
    choices = draw(st.lists(CHOICES, min_size=1, max_size=4))
    return CategoricalDistribution(choices), draw(st.sampled_from(choices))


@st.composite
def trials(draw: st.DrawFn) -> FrozenTrial:
    """Draw a trial of a study with two objectives; its number is that of its place."""
    chosen = draw(st.dictionaries(st.sampled_from(["x", "y", "x y"]), parameters(), max_size=3))
    return FrozenTrial(
        number=0,
        state=draw(st.sampled_from(list(TrialState))),
        value=None,
        values=draw(st.one_of(st.none(), st.lists(st.one_of(FLOATS, st.integers(-1, 1)), min_size=1, max_size=2))),
        datetime_start=draw(TIMES),
        datetime_complete=draw(TIMES),
        params={name: value for name, (_, value) in chosen.items()},
        distributions={name: distribution for name, (distribution, _) in chosen.items()},
        user_attrs=draw(ATTRIBUTES),
        system_attrs=draw(ATTRIBUTES),
        intermediate_values=draw(st.dictionaries(st.integers(0, 2**64), FLOATS, max_size=3)),
        trial_id=0,
    )


@pytest.mark.fuzz
def test_any_trials_come_back_with_each_attribute():
    def law(drawn: list[FrozenTrial]) -> None:
        directions = [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]
        experiment = new_experiment(StudyHead("s", directions), "s", datetime(2026, 1, 1, tzinfo=UTC))
        for number, each in enumerate(drawn):
            each.number = number
            put_trial(experiment, each)

        read = docstore.loads(docstore.dumps(experiment))

        layout = Layout.of(read)
        back = [frozen_trial(read.trials[number], observed(read, number), layout, 0) for number in read.trials]
        assert [attributes(each) for each in back] == [attributes(each) for each in drawn]

    fuzz(law, st.lists(trials(), max_size=3), in_ci=60)
