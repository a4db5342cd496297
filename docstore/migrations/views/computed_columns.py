"""The columns that views compute: objective, minimize and best_value of an experiment, and run_time of a trial.

The objective is read from its expression: ``-loss``, ``2*a + b``, ``a, -b``. Python parses any such expression
(``docstore.model.expressions``). SQL splits the text at its operators, which finds the same names; if a metric has a
name that this would split, the names are those of the given metrics. The direction of a single metric is known if the
expression is its name with at most a sign and a factor.

The run time is the difference of two ISO 8601 texts, computed from the digits: each database's own functions refuse
other texts, or know milliseconds only.
"""

from __future__ import annotations

from typing import Final

from docstore.migrations.views.base import Observed, ViewSQL, parts_of

_OPERATORS: Final = (" ", "\t", "\n", "+", "-", "*", "(", ")")
_DIGITS: Final = "0123456789."
_STARTS_A_NUMBER: Final = f"({', '.join(repr(digit) for digit in _DIGITS)})"


def objective(s: ViewSQL) -> str:
    """Return the name of the metric of the objective of ``d``; the names of several, joined."""
    name, word = _given_name(s), s.text_of("w")
    given = s.joined_names(_given(s), "g", name, f"{name} IS NOT NULL")
    is_name = f"{word} <> '' AND substr({word}, 1, 1) NOT IN {_STARTS_A_NUMBER}"
    found = s.joined_names(s.listed(_cut(s, _expression(s))), "w", word, is_name)
    return f"CASE WHEN {_has_odd_names(s)} THEN {given} ELSE {found} END"


def minimize(s: ViewSQL, objective: str) -> str:
    """Return whether the only metric of the *objective* of ``d`` is minimized; NULL if there is not exactly one."""
    text = _expression(s)
    comma = f"replace({text}, ',', '') <> {text}"
    several = f"CASE WHEN {_has_odd_names(s)} THEN {s.length(_objective(s), 'metrics')} <> 1 ELSE {comma} END"
    length = s.characters("o.name")
    start = "CASE WHEN substr(o.text, 1, 1) IN ('-', '+') THEN 2 ELSE 1 END"
    rest = f"substr(o.text, {start})"
    # Where it matters the length is not negative; abs() is for other rows, as PostgreSQL refuses a negative length.
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
                FROM {s.row("o", text=_without_blanks(text), name=_without_blanks(objective))})"""


def best_value(s: ViewSQL, objective: str, minimize: str) -> str:
    """Return the value of the best arm by the only metric of the *objective* of ``d``, as ``Store.best`` computes it.

    Args:
        minimize: whether less is better; NULL if there are several metrics.
    """
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
            {"metric": objective, "less": minimize},
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


def _objective(s: ViewSQL) -> str:
    return s.inside("d.body", "optimization_config", "objective")


def _expression(s: ViewSQL) -> str:
    return s.exact_text(_objective(s), "expression")


def _given(s: ViewSQL) -> str:
    return s.list(_objective(s), "metrics")


def _given_name(s: ViewSQL) -> str:
    return s.exact_text(s.item_of("g"), "name")


def _has_odd_names(s: ViewSQL) -> str:
    name = _given_name(s)
    is_odd = f"{name} <> {_cut(s, name)} OR substr({name}, 1, 1) IN {_STARTS_A_NUMBER}"
    return f"EXISTS (SELECT 1 FROM {s.items(_given(s), 'g')} WHERE {is_odd})"


def _cut(s: ViewSQL, text: str) -> str:
    """Return *text* with commas between names and numbers; a slash before a letter is part of a name: train/loss."""
    operators = [(operator, ",") for operator in _OPERATORS]
    slashes = [("/,", ","), (",/", ","), *((f"/{digit}", f",{digit}") for digit in _DIGITS)]
    return s.replaced(text, [*operators, *slashes])


def _without_blanks(text: str) -> str:
    return f"replace({text}, ' ', '')"


# --- how long a trial ran ---------------------------------------------------------------------------------------------


def seconds_between(s: ViewSQL, start: str, end: str) -> str:
    """Return the seconds from one time to another, to the microsecond; NULL if either is not a time.

    Two times without a zone are of one clock, as in Python. It is NULL if only one of them has a zone.
    """
    difference = f"{_microseconds(s, 'o.end_text')} - {_microseconds(s, 'o.start_text')}"
    are_times = f"{s.is_time('o.start_text')} AND {s.is_time('o.end_text')}"
    are_alike = f"({_has_no_zone(s, 'z.start_text')}) = ({_has_no_zone(s, 'z.end_text')})"
    zoned = {name: _zoned(s, f"z.{name}") for name in ("start_text", "end_text")}
    return f"""(SELECT (SELECT CASE WHEN {are_alike} AND {are_times} THEN {s.ratio(difference, 1_000_000)} END
                        FROM {s.row("o", **zoned)})
                FROM {s.row("z", start_text=start, end_text=end)})"""


_IN_UTC: Final = "'+00:00'"


def _has_no_zone(s: ViewSQL, text: str) -> str:
    """Return whether the time *text* has no zone, by its length: with seconds, or with microseconds."""
    return f"{s.characters(text)} IN (19, 26)"


def _zoned(s: ViewSQL, text: str) -> str:
    return f"CASE WHEN {_has_no_zone(s, text)} THEN {s.concat(text, _IN_UTC)} ELSE {text} END"


def _microseconds(s: ViewSQL, text: str) -> str:
    """Return the microseconds in *text* since a day long ago, in UTC."""
    hours, minutes, seconds = (s.whole(f"substr({text}, {at}, 2)") for at in (12, 15, 18))
    fraction = f"CASE substr({text}, 20, 1) WHEN '.' THEN {s.whole(f'substr({text}, 21, 6)')} ELSE 0 END"
    length = s.characters(text)
    sign = f"CASE substr({text}, {length} - 5, 1) WHEN '-' THEN -1 ELSE 1 END"
    ahead = f"({s.whole(f'substr({text}, {length} - 4, 2)')} * 60 + {s.whole(f'substr({text}, {length} - 1, 2)')})"
    minute = f"({_days(s, text)} * 24 + {hours}) * 60 + {minutes} - {sign} * {ahead}"
    return f"((({minute}) * 60 + {seconds}) * 1000000 + {fraction})"


def _days(s: ViewSQL, text: str) -> str:
    """Return the days in *text* since a day long ago; a year begins in March, so that it ends in a leap day."""
    month, day = (s.whole(f"substr({text}, {at}, 2)") for at in (6, 9))
    is_next = f"CASE WHEN {month} > 2 THEN 0 ELSE 1 END"
    year = f"({s.whole(f'substr({text}, 1, 4)')} - {is_next})"
    months = f"({month} - 3 + 12 * {is_next})"
    leap_days = f"{s.quotient(year, 4)} - {s.quotient(year, 100)} + {s.quotient(year, 400)}"
    return f"(365 * {year} + {leap_days} + {s.quotient(f'(153 * {months} + 2)', 5)} + {day})"
