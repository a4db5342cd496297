"""How long a trial ran, computed in SQL from two times in ISO 8601, the same on each database.

Their own functions refuse some texts, each another one, or know milliseconds only. So the integers in the text are
taken, and counted.
"""

from __future__ import annotations

from docstore.migrations.views_0003.spelling import Spelling


def seconds_between(s: Spelling, start: str, end: str) -> str:
    """Return the seconds from one time to another, to the microsecond; NULL where either is none, or has no zone."""
    difference = f"{_microseconds(s, 'o.end_text')} - {_microseconds(s, 'o.start_text')}"
    are_times = f"{s.is_time('o.start_text')} AND {s.is_time('o.end_text')}"
    return f"""(SELECT CASE WHEN {are_times} THEN {s.ratio(difference, 1_000_000)} END
                FROM {s.row("o", start_text=start, end_text=end)})"""


def _microseconds(s: Spelling, text: str) -> str:
    """Return the microseconds in *text* since a day long ago, in UTC."""
    hours, minutes, seconds = (s.whole(f"substr({text}, {at}, 2)") for at in (12, 15, 18))
    fraction = f"CASE substr({text}, 20, 1) WHEN '.' THEN {s.whole(f'substr({text}, 21, 6)')} ELSE 0 END"
    length = s.characters(text)
    sign = f"CASE substr({text}, {length} - 5, 1) WHEN '-' THEN -1 ELSE 1 END"
    ahead = f"({s.whole(f'substr({text}, {length} - 4, 2)')} * 60 + {s.whole(f'substr({text}, {length} - 1, 2)')})"
    minute = f"({_days(s, text)} * 24 + {hours}) * 60 + {minutes} - {sign} * {ahead}"
    return f"((({minute}) * 60 + {seconds}) * 1000000 + {fraction})"


def _days(s: Spelling, text: str) -> str:
    """Return the days in *text* since a day long ago; a year begins in March, so that it ends in a leap day."""
    month, day = (s.whole(f"substr({text}, {at}, 2)") for at in (6, 9))
    is_next = f"CASE WHEN {month} > 2 THEN 0 ELSE 1 END"
    year = f"({s.whole(f'substr({text}, 1, 4)')} - {is_next})"
    months = f"({month} - 3 + 12 * {is_next})"
    leap_days = f"{s.quotient(year, 4)} - {s.quotient(year, 100)} + {s.quotient(year, 400)}"
    return f"(365 * {year} + {leap_days} + {s.quotient(f'(153 * {months} + 2)', 5)} + {day})"
