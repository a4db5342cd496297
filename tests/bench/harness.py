"""Time two works in turn, and print what they cost: medians, the ratio with its quartiles, pass or short of a goal."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

Work: TypeAlias = Callable[[], object]
Prepare: TypeAlias = Callable[[int], Work]
"""Prepares the round of this number, and returns the work that is timed."""

RATIO: Final = "x"


@dataclass(frozen=True)
class Spread:
    """The median of several values, and their quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of *values*; the quartiles are among the values, not beyond them."""
        if len(values) < 2:
            return cls(*values * 3)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{number(self.low)} - {number(self.high)}"


@dataclass(frozen=True)
class Goal:
    """The most that a ratio may be, or, with another *unit* than ``RATIO``, what docstore itself takes."""

    most: float
    unit: str = RATIO

    def __str__(self) -> str:
        return f"{round(self.most, 2):g} {self.unit}"

    def ratio(self, ours: float, floor: float) -> float:
        """Return the ratio that the goal is about."""
        return ours / floor

    def is_met(self, value: float) -> bool:
        """Return whether *value* is good enough."""
        return value <= self.most


@dataclass(frozen=True)
class TimesFaster(Goal):
    """How many times as long as docstore the other one has to take, at least; *most* is that number."""

    def __str__(self) -> str:
        return f">= {super().__str__()}"

    def ratio(self, ours: float, floor: float) -> float:
        return floor / ours

    def is_met(self, value: float) -> bool:
        return value >= self.most


@dataclass(frozen=True)
class Operation:
    """Something that docstore does, and the same work done beside it.

    Attributes:
        beside: the name of *floor*; empty if docstore's work is timed alone.
        most: the most rounds; few if each is slow to prepare.
    """

    title: str
    ours: Prepare
    beside: str = ""
    floor: Prepare | None = None
    goal: Goal | None = None
    most: int = 25


@dataclass(frozen=True)
class Row:
    """A line of the table: what docstore takes, what the floor takes, and their ratio."""

    title: str
    ours: Spread
    beside: str = ""
    floor: Spread | None = None
    ratio: Spread | None = None
    goal: Goal | None = None
    unit: str = "ms"

    @property
    def judged(self) -> Spread:
        """What the goal is about: the ratio, if there is one and the goal has no other unit."""
        by_ratio = self.ratio is not None and (self.goal is None or self.goal.unit == RATIO)
        return self.ratio if by_ratio and self.ratio else self.ours

    @property
    def verdict(self) -> str:
        """``pass`` or ``short``, by the median; empty without a goal."""
        if self.goal is None:
            return ""
        return "pass" if self.goal.is_met(self.judged.median) else "short"


@dataclass(frozen=True)
class Patience:
    """How long an operation is repeated: for so many *seconds*, but at least and at most so many rounds.

    Attributes:
        clock: what the rounds are timed by. ``time.process_time`` leaves out all waiting: for the disk, for a server,
            for other programs on a busy machine.
    """

    seconds: float = 0.7
    least: int = 5
    most: int = 25
    clock: Callable[[], float] = time.perf_counter

    def rounds(self, most: int) -> Iterator[int]:
        """Yield 0, for the round that is not counted, and then the numbers of those that are."""
        start = time.perf_counter()
        yield 0
        for number in range(1, min(most, self.most) + 1):
            if number > self.least and time.perf_counter() - start > self.seconds:
                return
            yield number


def always(work: Work) -> Prepare:
    """Return the preparation of *work* that has nothing to prepare."""
    return lambda number: work


def timed(work: Work, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long *work* took, in milliseconds; garbage is collected before it, and what it returns is kept."""
    gc.collect()
    start = clock()
    kept = work()
    taken = clock() - start
    del kept
    return taken * 1000


def measured(operation: Operation, patience: Patience) -> Row:
    """Return the row of *operation*: docstore's work and the floor's in turn, round by round."""
    ours, floors = [], []
    for number in patience.rounds(operation.most):
        mine = timed(operation.ours(number), patience.clock)
        theirs = timed(operation.floor(number), patience.clock) if operation.floor else 0.0
        if number:
            ours.append(mine)
            floors.append(theirs)
    return row_of(operation, ours, floors if operation.floor else None)


def row_of(operation: Operation, ours: Sequence[float], floors: Sequence[float] | None, unit: str = "ms") -> Row:
    """Return the row of what was measured, pair by pair."""
    row = Row(operation.title, Spread.of(ours), operation.beside, goal=operation.goal, unit=unit)
    if floors is None:
        return row
    ratio = (operation.goal or Goal(1)).ratio
    ratios = [ratio(mine, theirs) for mine, theirs in zip(ours, floors, strict=True)]
    return replace(row, floor=Spread.of(floors), ratio=Spread.of(ratios))


def figure(title: str, ours: float, beside: str, floor: float, goal: Goal | None, unit: str) -> Row:
    """Return the row of two figures that need no repetition, such as bytes."""
    return row_of(Operation(title, always(lambda: None), beside, goal=goal), [ours], [floor], unit)


def growth(few: Row, many: Row, sizes: tuple[int, int], goal: Goal | None = None) -> Row:
    """Return how much the same operation grows from few to many of something; quartiles are those of the many."""
    ratio = Spread(*(value / few.ours.median for value in (many.ours.median, many.ours.low, many.ours.high)))
    return Row(
        f"{many.title}, n = {sizes[1]:,}", many.ours, f"the same, n = {sizes[0]:,}", few.ours, ratio, goal, many.unit
    )


# --- the table -------------------------------------------------------------------------------------------------------


def print_rows(title: str, rows: Iterable[Row]) -> list[Row]:
    """Print a table, each row as soon as it is known, and return the rows."""
    print(heading(title), flush=True)
    found = []
    for row in rows:
        found.append(row)
        print(line(row), flush=True)
    print(flush=True)
    return found


def heading(title: str) -> str:
    """Return the line above the rows of one table."""
    return f"{title:46} {'docstore':>11}  {'beside':26} {'':>9} {'ratio':>8}  {'quartiles':17} {'goal':>8}"


def line(row: Row) -> str:
    """Return a row as the table has it. Quartiles are those of what the goal is about."""
    floor = f"{number(row.floor.median)} {row.unit}" if row.floor else ""
    ratio = f"{row.ratio.median:.2f} x" if row.ratio else ""
    goal = str(row.goal) if row.goal else ""
    ours = f"{number(row.ours.median)} {row.unit}"
    shown = f"{row.title:46} {ours:>11}  {row.beside:26} {floor:>9} {ratio:>8}  {row.judged!s:17} {goal:>8}"
    return f"{shown} {row.verdict}".rstrip()


def number(value: float) -> str:
    """Return *value* with three digits that count, or all before the point."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def summary(rows: Iterable[Row]) -> str:
    """Return how many goals were met, and which were not."""
    judged = [row for row in rows if row.goal]
    short = [row for row in judged if row.verdict == "short"]
    return f"{len(judged) - len(short)} of {len(judged)} goals are met."
