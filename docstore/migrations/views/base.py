"""``ViewSQL``: the interface of the SQL that differs between databases, a method for each thing that views compute."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

LARGEST_ADDEND: Final = "1e300"
"""Larger numbers are not added up: the sum might overflow a double."""

LARGEST: Final = "1e300"
"""A mean beyond it counts as infinite for the best value, so that no sum overflows."""


def parts_of(field: str) -> str:
    """Return the condition that the rows ``p`` are the members of *field* of ``d``: a range of the primary key.

    The kind of the parts would select the same rows; but without statistics, a database may then read the trials of all
    experiments to find those of one.
    """
    # The digit 0 is the character after the slash.
    return f"p.id = d.id AND p.path > '/{field}/' AND p.path < '/{field}0'"


def key_of(field: str) -> str:
    """Return the SQL of a member's name, from the path of ``p``."""
    return f"replace(replace(substr(p.path, {len(field) + 3}), '~1', '/'), '~0', '~')"


def addend(number: str) -> str:
    """Return *number* if it can be added to others; NULL if it is too large, infinite or NaN."""
    return f"CASE WHEN abs({number}) < {LARGEST_ADDEND} THEN {number} END"


@dataclass(frozen=True, slots=True)
class Observed:
    """The observations of an objective's only metric, as SQL: the row ``o`` of the goal, joined with each of them.

    As in ``Store.best``, trials that failed, were abandoned or are stale do not count, nor do abandoned arms.

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


class ViewSQL(ABC):
    """The SQL of one database. All arguments and results are SQL, except keys and aliases.

    ``d`` is the row of a head, and ``p`` that of a part. If a value is missing or of another type, the result is NULL
    or an empty list; no document can cause an error.

    Attributes:
        column: the name ``column``, a reserved word, as an identifier.
        parts: the table ``p`` of parts, in a view with a row for each.
        true, false: as the database's own booleans.
        merges_computed_columns: whether a query of a SELECT with subqueries among its columns still uses the indexes of
            its table; then a column that others are computed from is written once.
        runs: the list of generator runs of the trial ``p``; a trial of one arm has one.
        arms: the names of all arms of the trial ``p``, each once, as a JSON list; only a text is a name.
        arms_of_trial: the table ``a`` of the arms of the trial ``p``: arms of one name are one row, the first's.
        arm: generator_run, position, weight and json of such a row; the weights of several are added up in order.
        member: parameter_name, type, number and text of a row of ``members``.
        tags: the tags of the version ``v``, as a JSON list.
        changes: how many changes the version ``v`` has; NULL if they were folded.
        document_of_user: the JSON of the whole document ``d`` of a kind whose parts are listed in the document itself.
    """

    column: ClassVar[str]
    parts: ClassVar = "documents p"
    true: ClassVar = "1"
    false: ClassVar = "0"
    merges_computed_columns: ClassVar = True

    @property
    @abstractmethod
    def runs(self) -> str: ...

    @property
    @abstractmethod
    def arms(self) -> str: ...

    @property
    @abstractmethod
    def arms_of_trial(self) -> str: ...

    @property
    @abstractmethod
    def arm(self) -> Mapping[str, str]: ...

    @property
    @abstractmethod
    def member(self) -> Mapping[str, str]: ...

    @property
    @abstractmethod
    def tags(self) -> str: ...

    @property
    @abstractmethod
    def changes(self) -> str: ...

    @property
    @abstractmethod
    def document_of_user(self) -> str: ...

    @abstractmethod
    def document(self, fields: Sequence[str]) -> str:
        """Return the JSON of the whole document ``d``, of a kind whose parts are the members of these *fields*."""

    @abstractmethod
    def typed(self, sql: str, type: str) -> str:
        """Return *sql* so that a tool knows its type: TEXT, INTEGER or REAL."""

    # --- one value of a JSON object ----------------------------------------------------------------------------------

    @abstractmethod
    def inside(self, json: str, *keys: str | int) -> str:
        """Return the list or object at these keys of *json*; of a scalar, itself or NULL."""

    @abstractmethod
    def list(self, json: str, key: str) -> str:
        """Return the list under *key* of *json*; an empty one if it is none."""

    @abstractmethod
    def length(self, json: str, key: str) -> str:
        """Return how many items the list under *key* of *json* has; NULL if it is none."""

    @abstractmethod
    def container(self, json: str, key: str) -> str:
        """Return the list or object under *key* of *json*; NULL if it is neither."""

    @abstractmethod
    def json(self, json: str, key: str) -> str:
        """Return the JSON of the value under *key* of *json*."""

    @abstractmethod
    def text(self, json: str, key: str) -> str:
        """Return the text under *key* of *json*; of an object or a list, its JSON; of other values, NULL."""

    @abstractmethod
    def exact_text(self, json: str, key: str) -> str:
        """Return the text under *key* of *json*; NULL if it is none."""

    @abstractmethod
    def moment(self, json: str, key: str) -> str:
        """Return the ISO text of the time under *key* of *json*, tagged or not; NULL if it is a boolean or a list."""

    @abstractmethod
    def boolean(self, json: str, key: str) -> str:
        """Return the boolean under *key* of *json*; NULL if it is none."""

    @abstractmethod
    def number(self, json: str, key: str) -> str:
        """Return the number under *key* of *json*, tagged or not; NULL if it is none."""

    @abstractmethod
    def is_finite(self, number: str) -> str:
        """Return whether *number*, a result of these methods, is neither NaN nor infinite."""

    # --- rows of a JSON list or object -------------------------------------------------------------------------------

    @abstractmethod
    def items(self, items: str, alias: str) -> str:
        """Return the table *alias* of the items of the JSON list *items*."""

    @abstractmethod
    def item_of(self, alias: str) -> str:
        """Return the JSON of a row of ``items``."""

    @abstractmethod
    def json_of(self, alias: str) -> str:
        """Return the JSON of a row of ``items``, also of a scalar."""

    @abstractmethod
    def text_of(self, alias: str) -> str:
        """Return the text of a row of ``items`` of a list of texts."""

    @abstractmethod
    def nth_of(self, alias: str) -> str:
        """Return the position of a row of ``items``, from 0."""

    @abstractmethod
    def members(self, json: str) -> str:
        """Return the table ``m`` of the members of *json*; an empty one if that is a tagged value, or no object."""

    @abstractmethod
    def row(self, alias: str, **texts: str) -> str:
        """Return the table *alias* of one row: each text under a name, computed once."""

    @abstractmethod
    def best_mean(self, observed: Observed) -> str:
        """Return the smallest or the largest value of an arm, as ``o.less`` says; NULL if that is NULL.

        For each arm and trial the newest mean counts; the value of an arm is the mean of these, summed in the order of
        the trials. An arm with a mean that is infinite, or beyond ``LARGEST``, does not count.
        """

    # --- texts -------------------------------------------------------------------------------------------------------

    def replaced(self, text: str, pairs: Sequence[tuple[str, str]]) -> str:
        """Return *text* with the first of each pair replaced by the second, one pair after another."""
        for old, new in pairs:
            text = f"replace({text}, '{old}', '{new}')"
        return text

    @abstractmethod
    def concat(self, *texts: str) -> str:
        """Return the *texts*, one after another."""

    def digits(self, number: str) -> str:
        """Return an integer as text."""
        return number

    @abstractmethod
    def characters(self, text: str) -> str:
        """Return how many characters *text* has."""

    @abstractmethod
    def listed(self, text: str) -> str:
        """Return the JSON list of the pieces of *text* between its commas; an empty one of NULL."""

    @abstractmethod
    def joined_names(self, items: str, alias: str, name: str, where: str) -> str:
        """Return each *name* of the *items* once, in order, joined by a comma and a blank; NULL if there is none."""

    @abstractmethod
    def is_number(self, text: str) -> str:
        """Return whether *text* is a number without a sign."""

    @abstractmethod
    def is_time(self, text: str) -> str:
        """Return whether *text* is a time with a UTC offset, as Python writes it."""

    # --- numbers -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def whole(self, text: str) -> str:
        """Return the integer of the digits *text*, with room for 64 bits."""

    @abstractmethod
    def quotient(self, number: str, divisor: int) -> str:
        """Return the integer *number* divided by *divisor*, without the remainder."""

    @abstractmethod
    def ratio(self, number: str, divisor: int) -> str:
        """Return the integer *number* divided by *divisor*, as a double."""
