"""What the views of the third migration ask of a database's SQL, beyond what those of the first do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from docstore.migrations.views_0001.shape import Spelling as First

if TYPE_CHECKING:
    from docstore.migrations.views_0003.objective import Observed

LARGEST_ADDEND: Final = "1e300"
"""What is larger is not added to another: the sum may be too large for a double."""


LARGEST: Final = "1e300"
"""A mean beyond it counts as infinite for the best value, so that no sum overflows."""


def addend(number: str) -> str:
    """Return *number*, to be added to others; NULL where it is too large for that, infinite or NaN."""
    return f"CASE WHEN abs({number}) < {LARGEST_ADDEND} THEN {number} END"


class Spelling(First):
    """How one database spells it. All arguments and results are SQL, but for keys and aliases.

    In it, ``d`` is the row of a head, and ``p`` that of a part.
    Whatever stands in a document, what is spelled here gives NULL or an empty list, and no error.

    Of what has the name that it has there, ``text`` is NULL of a number or a boolean, and ``moment`` of a boolean and
    of a tagged value that is no text: the first migration shows those as each database will.

    Attributes:
        true, false: as the database's own booleans.
        arms: the names of all arms of the trial ``p``, each once, as a JSON list; what is no text is no name.
        arms_of_trial: the table ``a`` of the arms of the trial ``p``: a name that several have is one row, the first's.
        arm: generator_run, position, weight and json of a row of that; of several, the weights are added up in order.
        tags: the tags of the version ``v``, as a JSON list.
        changes: how many changes the version ``v`` has; NULL where they were folded.
        document_of_user: the JSON of the whole document ``d`` of a kind that says itself what its parts are.
    """

    true: ClassVar = "1"
    false: ClassVar = "0"

    @property
    @abstractmethod
    def arms_of_trial(self) -> str: ...

    @property
    @abstractmethod
    def arm(self) -> Mapping[str, str]: ...

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
    def typed(self, sql: str, type: str) -> str:
        """Return *sql* so that a tool knows of which type it is: TEXT, INTEGER or REAL."""

    # --- what stands where in JSON -----------------------------------------------------------------------------------

    @abstractmethod
    def inside(self, json: str, *keys: str | int) -> str:
        """Return the list or object at this place of *json*; NULL where there is none, or perhaps the scalar there."""

    @abstractmethod
    def container(self, json: str, key: str) -> str:
        """Return the list or object under *key* of *json*; NULL where there is none."""

    @abstractmethod
    def exact_text(self, json: str, key: str) -> str:
        """Return the text under *key* of *json*; NULL where anything else stands there."""

    @abstractmethod
    def boolean(self, json: str, key: str) -> str:
        """Return the boolean under *key* of *json*; NULL where that is none."""

    @abstractmethod
    def json(self, json: str, key: str) -> str:
        """Return the JSON of what stands under *key* of *json*."""

    @abstractmethod
    def number_in_list(self, json: str, key: str, nth: str) -> str:
        """Return item *nth* of the list under *key* of *json*, a number; NULL where that is none."""

    @abstractmethod
    def is_finite(self, number: str) -> str:
        """Return whether *number*, of this spelling, is neither NaN nor infinite."""

    # --- rows of what is in it ---------------------------------------------------------------------------------------

    @abstractmethod
    def items(self, items: str, alias: str) -> str:
        """Return the table *alias* of the items of the JSON list *items*."""

    @abstractmethod
    def item_of(self, alias: str) -> str:
        """Return the JSON of a row of ``items``."""

    @abstractmethod
    def json_of(self, alias: str) -> str:
        """Return the JSON of a row of ``items``, also of one that is no object."""

    @abstractmethod
    def nth_of(self, alias: str) -> str:
        """Return the position of a row of ``items``, from 0."""

    @abstractmethod
    def members(self, json: str) -> str:
        """Return the table ``m`` of the members of *json*; an empty one where that is a tagged value, or no object."""

    @property
    @abstractmethod
    def member(self) -> Mapping[str, str]:
        """The columns parameter_name, type, number and text of a row of ``members``."""

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
        """Return *text* in which the first of each pair was replaced by the second, one pair after another."""
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
    def text_of(self, alias: str) -> str:
        """Return the text of a row of ``items`` of a list of texts."""

    @abstractmethod
    def joined_names(self, items: str, alias: str, name: str, where: str) -> str:
        """Return each *name* of the *items* once, in order, joined by a comma and a blank; NULL if there is none."""

    @abstractmethod
    def is_number(self, text: str) -> str:
        """Return whether *text* is a number without a sign."""

    @abstractmethod
    def is_time(self, text: str) -> str:
        """Return whether *text* is a time with its distance from UTC, as Python writes it."""

    # --- numbers -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def whole(self, text: str) -> str:
        """Return the integer that the digits *text* say, with room for 64 bits."""

    @abstractmethod
    def quotient(self, number: str, divisor: int) -> str:
        """Return the integer *number* divided by *divisor*, without the rest."""

    @abstractmethod
    def ratio(self, number: str, divisor: int) -> str:
        """Return the integer *number* divided by *divisor*, as a double."""
