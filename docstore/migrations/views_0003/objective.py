"""What an experiment is after, read in SQL from the expression of its objective: ``-loss``, ``2*a + b``, ``a, -b``.

Python reads any such expression (``docstore.model.linear``). Here it is cut at its operators, which finds the same
names; where a metric that was given has a name that this would cut, the names are those of the metrics that were given.
Of one metric, its direction is read where at most a sign and a factor stand beside the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from docstore.migrations.views_0001.shape import parts_of
from docstore.migrations.views_0003.spelling import Spelling

_OPERATORS: Final = (" ", "\t", "\n", "+", "-", "*", "(", ")")
_DIGITS: Final = "0123456789."
_STARTS_A_NUMBER: Final = f"({', '.join(repr(digit) for digit in _DIGITS)})"


def objective(s: Spelling) -> str:
    """Return the name of the metric of the objective of ``d``; the names of several, joined."""
    name, word = _given_name(s), s.text_of("w")
    given = s.joined_names(_given(s), "g", name, f"{name} IS NOT NULL")
    is_name = f"{word} <> '' AND substr({word}, 1, 1) NOT IN {_STARTS_A_NUMBER}"
    found = s.joined_names(s.listed(_cut(s, _expression(s))), "w", word, is_name)
    return f"CASE WHEN {_has_odd_names(s)} THEN {given} ELSE {found} END"


def minimize(s: Spelling) -> str:
    """Return whether the one metric of the objective of ``d`` is minimized; NULL where it is not one."""
    text = _expression(s)
    comma = f"replace({text}, ',', '') <> {text}"
    several = f"CASE WHEN {_has_odd_names(s)} THEN {s.length(_objective(s), 'metrics')} <> 1 ELSE {comma} END"
    length = s.characters("o.name")
    start = "CASE WHEN substr(o.text, 1, 1) IN ('-', '+') THEN 2 ELSE 1 END"
    rest = f"substr(o.text, {start})"
    # The length is no negative one wherever it matters; elsewhere, PostgreSQL would have none.
    before = f"substr({rest}, 1, abs({s.characters(rest)} - {length} - 1))"
    after = f"substr({rest}, {length} + 2)"
    with_factor = s.concat(before, "'*'", "o.name")
    behind = " OR ".join(f"{rest} = {s.concat('o.name', sign, after)}" for sign in ("'*'", "'/'"))
    return f"""(SELECT CASE
                   WHEN {several} THEN NULL
                   WHEN {rest} = o.name
                     OR ({rest} = {with_factor} AND {s.is_number(before)})
                     OR (({behind}) AND {s.is_number(after)})
                   THEN CASE substr(o.text, 1, 1) WHEN '-' THEN {s.true} ELSE {s.false} END END
                FROM {s.row("o", text=_without_blanks(text), name=_without_blanks(objective(s)))})"""


@dataclass(frozen=True, slots=True)
class Observed:
    """The observations of the objective's only metric, as SQL: the row ``o`` of the goal, joined with a row for each.

    They are those that ``Store.best`` counts: without trials that failed, were abandoned or are stale, and without
    abandoned arms.

    Attributes:
        goal: the columns ``metric`` and ``less`` of ``o``.
        rows: the tables to join with ``o``, and the condition.
        arm, trial: the arm and the trial of an observation.
        mean: its mean; may be NULL if it is infinite.
        newest_first: the ORDER BY terms for the observations of one arm in one trial.
    """

    goal: Mapping[str, str]
    rows: str
    arm: str
    trial: str
    mean: str
    newest_first: str


def best_value(s: Spelling) -> str:
    """Return the value of the best arm by the only metric of the objective of ``d``, as ``Store.best`` computes it."""
    item = s.item_of("r")
    arm, mean, step = s.exact_text(item, "arm_name"), s.number(item, "mean"), s.number(item, "step")
    step = f"CASE WHEN {s.is_finite(step)} THEN {step} END"
    is_infinite = f"coalesce({s.exact_text(s.inside(item, 'mean'), 'value')}, '') IN ('inf', '-inf')"
    gone = s.exact_text(s.item_of("b"), "name")
    gone_arms = s.items(s.list("t.body", "abandoned_arms_metadata"), "b")
    trial = s.concat("'/trials/'", s.digits("p.position"))
    given_up = f"SELECT c.value FROM codes c WHERE c.{s.column} = 'trial_status' AND c.name IN {_GIVEN_UP}"
    return s.best_mean(
        Observed(
            {"metric": objective(s), "less": minimize(s)},
            f"""documents p JOIN documents t ON t.id = p.id AND t.path = {trial}
                CROSS JOIN {s.items(s.list("p.body", "records"), "r")}
                WHERE o.less IS NOT NULL AND {parts_of("data")}
                AND {s.exact_text(item, "metric_name")} = o.metric AND {arm} IS NOT NULL
                AND ({s.is_finite(mean)} OR {is_infinite})
                AND (t.status IS NULL OR t.status NOT IN ({given_up}))
                AND NOT EXISTS (SELECT 1 FROM {gone_arms} WHERE {gone} = {arm})""",
            arm,
            "p.position",
            mean,
            f"({step}) IS NULL DESC, ({step}) DESC, {s.nth_of('r')} DESC",
        )
    )


_GIVEN_UP: Final = "('FAILED', 'ABANDONED', 'STALE')"


def _objective(s: Spelling) -> str:
    return s.inside("d.body", "optimization_config", "objective")


def _expression(s: Spelling) -> str:
    return s.exact_text(_objective(s), "expression")


def _given(s: Spelling) -> str:
    return s.list(_objective(s), "metrics")


def _given_name(s: Spelling) -> str:
    return s.exact_text(s.item_of("g"), "name")


def _has_odd_names(s: Spelling) -> str:
    name = _given_name(s)
    is_odd = f"{name} <> {_cut(s, name)} OR substr({name}, 1, 1) IN {_STARTS_A_NUMBER}"
    return f"EXISTS (SELECT 1 FROM {s.items(_given(s), 'g')} WHERE {is_odd})"


def _cut(s: Spelling, text: str) -> str:
    """Return *text* with a comma between names and numbers: a slash before a letter is in a name, as in train/loss."""
    operators = [(operator, ",") for operator in _OPERATORS]
    slashes = [("/,", ","), (",/", ","), *((f"/{digit}", f",{digit}") for digit in _DIGITS)]
    return s.replaced(text, [*operators, *slashes])


def _without_blanks(text: str) -> str:
    return f"replace({text}, ' ', '')"
