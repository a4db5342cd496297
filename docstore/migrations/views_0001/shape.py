"""What the views of the first migration show: their names, columns and rows, the same on every database.

How one database reads JSON is left to a ``Spelling`` of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

FIELDS: Final = ("data", "trials")
"""The fields of an experiment whose members are parts."""


class Spelling(ABC):
    """How one database spells what the views ask of JSON. All arguments and results are SQL, but for keys.

    In it, ``d`` is the row of a head, ``p`` that of a part, and ``r`` one item of a list in a part.
    Whatever stands in a document, what is spelled here gives NULL or an empty list, and no error.

    Attributes:
        column: the name ``column``, a reserved word, as an identifier.
        item: the JSON of ``r``.
        nth: the position of ``r`` in its list, from 0.
        runs: the list of generator runs of the trial ``p``; a trial of one arm has one.
        arms: the names of all arms of the trial ``p``, as a JSON list.
        parameters: the JSON of the first arm's parameters of the trial ``p``.
        document: the JSON of the whole document ``d``.
    """

    column: ClassVar[str]
    item: ClassVar[str]
    nth: ClassVar[str]

    @property
    @abstractmethod
    def runs(self) -> str: ...

    @property
    @abstractmethod
    def arms(self) -> str: ...

    @property
    @abstractmethod
    def parameters(self) -> str: ...

    @property
    @abstractmethod
    def document(self) -> str: ...

    @abstractmethod
    def each(self, items: str) -> str:
        """Return the table ``r`` of the items of the JSON list *items*."""

    @abstractmethod
    def list(self, json: str, key: str) -> str:
        """Return the list under *key* of *json*; an empty one where that is none."""

    @abstractmethod
    def length(self, json: str, key: str) -> str:
        """Return how many items the list under *key* of *json* has; NULL where that is none."""

    @abstractmethod
    def text(self, json: str, key: str) -> str:
        """Return the text under *key* of *json*; of an object or a list, its JSON."""

    @abstractmethod
    def moment(self, json: str, key: str) -> str:
        """Return the ISO text of the time under *key* of *json*, be it tagged or not."""

    @abstractmethod
    def number(self, json: str, key: str) -> str:
        """Return the number under *key* of *json*, be it tagged or not; NULL where that is none."""


def selects(s: Spelling) -> dict[str, str]:
    """Return the SELECT of each view."""
    return {
        "experiments": _experiments(s),
        "trials": _trials(s),
        "generator_runs": _generator_runs(s),
        "observations": _observations(s),
        "document_json": _document_json(s),
    }


_LIVE: Final = "d.path = '' AND d.deleted_at IS NULL"
_OF_EXPERIMENTS: Final = f"WHERE d.kind = 'experiment' AND {_LIVE}"


def parts_of(field: str) -> str:
    """Return the SQL of which rows ``p`` are the members of *field* of the document ``d``: a range of the primary key.

    Their kind says the same. But a database that does not know how many rows there are of a kind may well look through
    all trials for those of one experiment.
    """
    # The digit 0 is the character after the slash.
    return f"p.id = d.id AND p.path > '/{field}/' AND p.path < '/{field}0'"


def key_of(field: str) -> str:
    """Return the SQL of the member's name in the path of ``p``."""
    return f"replace(replace(substr(p.path, {len(field) + 3}), '~1', '/'), '~0', '~')"


def _code(s: Spelling, alias: str, column: str, value: str) -> str:
    return f"LEFT JOIN codes {alias} ON {alias}.{s.column} = '{column}' AND {alias}.value = {value}"


def _experiments(s: Spelling) -> str:
    return f"""
        SELECT d.name, d.project, d.type, t.name AS type_name, d.status, s.name AS status_name,
               (SELECT count(*) FROM documents p WHERE {parts_of("trials")}) AS trials,
               d.version, d.created_at, d.updated_at, d.model, d.id
        FROM documents d
        {_code(s, "t", "experiment_type", "d.type")}
        {_code(s, "s", "experiment_status", "d.status")}
        {_OF_EXPERIMENTS}"""


def _trials(s: Spelling) -> str:
    return f"""
        SELECT d.name AS experiment, p.position AS trial_index, p.status, s.name AS status_name,
               p.type AS generator_run_type, t.name AS generator_run_type_name,
               {s.arms} AS arms,
               {s.parameters} AS parameters,
               {s.moment("p.body", "time_created")} AS time_created,
               {s.moment("p.body", "time_completed")} AS time_completed,
               p.version AS changed_in_version, d.id
        FROM documents d JOIN documents p ON {parts_of("trials")}
        {_code(s, "s", "trial_status", "p.status")}
        {_code(s, "t", "generator_run_type", "p.type")}
        {_OF_EXPERIMENTS}"""


def _generator_runs(s: Spelling) -> str:
    type_name = s.text(s.item, "generator_run_type")
    return f"""
        SELECT d.name AS experiment, p.position AS trial_index, {s.nth} AS position,
               {type_name} AS type_name, t.value AS type,
               {s.text(s.item, "generator_key")} AS generator_key,
               {s.length(s.item, "arms")} AS arms, r.value AS json, d.id
        FROM documents d JOIN documents p ON {parts_of("trials")}
        CROSS JOIN {s.each(s.runs)}
        LEFT JOIN codes t ON t.{s.column} = 'generator_run_type' AND t.name = {type_name}
        {_OF_EXPERIMENTS}"""


def _observations(s: Spelling) -> str:
    return f"""
        SELECT d.name AS experiment, p.position AS trial_index,
               {s.text(s.item, "arm_name")} AS arm_name,
               {s.text(s.item, "metric_name")} AS metric_name,
               {s.number(s.item, "step")} AS step,
               {s.number(s.item, "mean")} AS mean,
               {s.number(s.item, "sem")} AS sem,
               {s.moment(s.item, "start_time")} AS start_time,
               {s.moment(s.item, "end_time")} AS end_time, d.id
        FROM documents d JOIN documents p ON {parts_of("data")}
        CROSS JOIN {s.each(s.list("p.body", "records"))}
        {_OF_EXPERIMENTS}"""


def _document_json(s: Spelling) -> str:
    return f"""
        SELECT d.kind, d.name, d.project, d.version,
               CASE d.kind WHEN 'experiment' THEN {s.document} ELSE d.body END AS json, d.id
        FROM documents d WHERE {_LIVE}"""
