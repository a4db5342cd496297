"""The views in the SQL of MariaDB and MySQL: JSON is shown as text; NaN and the infinities, which they lack, as NULL.

SQLAlchemy's dialect has one name for both servers, so the statement of a view contains a SELECT for each, in comments
that only that server executes.

On MariaDB, ``document_json`` is the canonical text to the byte; or NULL, and never cut off, if that text would be
longer than the server's ``max_allowed_packet`` (16 MB by default) with each quote and backslash in it counted twice; or
if keys of a user's parts have a tilde or a slash and their field is longer than ``group_concat_max_len`` (by default
1 MB on MariaDB, 1 kB on MySQL).
MariaDB's JSON functions read neither values deeper than 32 levels nor the text after them: in the other views such a
value is NULL, or has no row.

On MySQL, on which no test has run yet, JSON from inside a document has MySQL's blanks and order of keys. There, a trial
or its data nested deeper than 100 levels cause an error in ``trials``, ``generator_runs`` and ``observations``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from docstore.migrations.views.base import LARGEST, LARGEST_ADDEND, Observed, ViewSQL
from docstore.migrations.views.definitions import selects
from docstore.migrations.views.mysql_documents import document_of_experiment, document_of_user

_DAY: Final = "[0-9]{4}-[01][0-9]-[0-3][0-9]"
_TIME: Final = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{6})?[-+][0-2][0-9]:[0-5][0-9]"


_NAME: Final = "json_extract(a.value, '$.name')"
_NUMBERS_AND_BOOLEANS: Final = "('BOOLEAN', 'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')"


def views() -> dict[str, str]:
    """Return the statement of each view; each server executes its own SELECT in it."""
    mariadb, mysql = selects(MariaDB()), selects(MySQL())
    return {name: f"/*M! {mariadb[name]} */ /*!80017 {mysql[name]} */" for name in mariadb}


class _Common(ViewSQL):
    """The SQL that both servers have.

    Attributes:
        collation: the collation of the tables' text columns, so that comparing text of a document respects case and
            accents.
    """

    column: ClassVar = "`column`"
    merges_computed_columns: ClassVar = False
    collation: ClassVar[str]

    @abstractmethod
    def at(self, json: str, path: str) -> str:
        """Return the list or object at *path*, such as ``[0].arms``; NULL, or a scalar, if there is none."""

    @abstractmethod
    def joined_by(self, separator: str, text: str) -> str:
        """Return the aggregate of all *text*, joined by *separator* in the order in which rows are read."""

    @abstractmethod
    def compact(self, json: str) -> str:
        """Return *json* as canonical text."""

    @abstractmethod
    def any_text(self, json: str, key: str) -> str:
        """Return the text of the value under *key* of *json*, whatever it is."""

    @abstractmethod
    def any_moment(self, json: str, key: str) -> str:
        """Return the text of the value under *key* of *json*, or of a tagged one."""

    # If a value is nested too deeply for its type to be read, its text is taken as it is.

    def text(self, json: str, key: str) -> str:
        return f"CASE WHEN {_is_scalar(json, key)} THEN NULL ELSE {self.any_text(json, key)} END"

    def moment(self, json: str, key: str) -> str:
        return f"CASE WHEN {_is_no_moment(json, key)} THEN NULL ELSE {self.any_moment(json, key)} END"

    @property
    def runs(self) -> str:
        run = self.at("p.body", ".generator_run")
        return (
            f"CASE json_type({run}) WHEN 'OBJECT' THEN concat('[', {run}, ']') "
            f"ELSE {self.list('p.body', 'generator_runs')} END"
        )

    @property
    def changes(self) -> str:
        return "CASE json_type(v.changes) WHEN 'ARRAY' THEN json_length(v.changes) END"

    @property
    def member(self) -> Mapping[str, str]:
        type = "json_type(n.value)"
        is_number = f"{self.exact_text('n.value', '__type')} IN ('float', 'int')"
        as_text = f"""CASE {type} WHEN 'STRING' THEN json_unquote(n.value) WHEN 'NULL' THEN NULL
                   WHEN 'ARRAY' THEN {self.compact("n.value")} WHEN 'OBJECT' THEN {self.compact("n.value")}
                   ELSE n.value END"""
        tagged = self.text("n.value", "value")
        return {
            "parameter_name": "m.name",
            "type": f"""CASE {type} WHEN 'INTEGER' THEN 'number' WHEN 'DOUBLE' THEN 'number'
                   WHEN 'DECIMAL' THEN 'number'
                   WHEN 'UNSIGNED INTEGER' THEN 'number' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'STRING' THEN 'text'
                   WHEN 'NULL' THEN 'null' WHEN 'OBJECT' THEN CASE WHEN {is_number} THEN 'number' ELSE 'json' END
                   ELSE 'json' END""",
            "number": f"""CASE WHEN {type} <> 'OBJECT' OR {is_number}
                   THEN {self.number("concat('{', json_quote('n'), ':', n.value, '}')", "n")} END""",
            "text": f"(CASE WHEN {is_number} THEN {tagged} ELSE {as_text} END) COLLATE {self.collation}",
        }

    @property
    def arms(self) -> str:
        of_run = self.at("p.body", ".generator_run.arms")
        only = f"json_extract({of_run}, '$[0].name')"
        is_only = f"json_length({of_run}) = 1 AND json_type({only}) = 'STRING'"
        is_before = f"SELECT 1 FROM {self.items('g.names', 'm')} WHERE m.value = n.value AND m.nth < n.nth"
        is_name = f"json_type(n.value) = 'STRING' AND ({self._is_alone('n.value')} OR NOT EXISTS ({is_before}))"
        names = f"{self.row('g', names=f'concat({self._names})')} CROSS JOIN {self.items('g.names', 'n')}"
        several = f"""(SELECT CASE count(*) WHEN 0 THEN '[]'
                   ELSE concat('[', {self.joined_by(",", "concat(n.value)")}, ']') END FROM {names} WHERE {is_name})"""
        return f"CASE WHEN {is_only} THEN concat('[', {only}, ']') ELSE {several} COLLATE {self.collation} END"

    @property
    def arms_of_trial(self) -> str:
        is_before = "e.nth < r.nth OR (e.nth = r.nth AND b.nth < a.nth)"
        is_first = f"NOT EXISTS (SELECT 1 FROM {self._same_arms} AND ({is_before}))"
        names, runs = self.row("g", names=f"concat({self._names})"), self.items(self.runs, "r")
        weights, arms = self._weights("w", "r"), self.items(self.list("r.value", "arms"), "a")
        return f"{names} CROSS JOIN {runs} CROSS JOIN {weights} JOIN {arms} ON {self._is_alone(_NAME)} OR {is_first}"

    @property
    def _names(self) -> str:
        """The names of all arms of the trial ``p``, as a JSON list."""
        return f"json_extract({self.runs}, '$[*].arms[*].name')"

    @property
    def arm(self) -> Mapping[str, str]:
        weight, other = (self._item_of(f"{run}.weights", self.nth_of(arm)) for run, arm in ("wa", "xb"))
        # A sum that overflows a double would be 0.
        is_sum = f"count({other}) = count(*) AND max(abs({other})) < {LARGEST_ADDEND}"
        added = f"CASE WHEN count(*) = 1 THEN max({other}) WHEN {is_sum} THEN sum({other}) END"
        total = f"(SELECT {added} FROM {self._same_arms})"
        return {
            "generator_run": self.nth_of("r"),
            "position": self.nth_of("a"),
            "weight": f"CASE WHEN {self._is_alone(_NAME)} THEN {weight} ELSE {total} END",
            "json": "a.value",
        }

    def _is_alone(self, name: str) -> str:
        """Return whether *name*, as JSON, is certainly that of one arm only; a fast search in the text."""
        found = f"{name} COLLATE {self.collation}"
        others = f"char_length(g.names) - char_length(replace(g.names, {found}, '')) > char_length({found})"
        return f"(NOT coalesce({others}, 0))"

    @property
    def _same_arms(self) -> str:
        """The arms ``b`` of the generator runs ``e`` of the trial that have the name of the arm ``a``."""
        runs, arms = self.items(self.runs, "e"), self.items(self.list("e.value", "arms"), "b")
        rows = f"{runs} JOIN {self._weights('x', 'e')} JOIN {arms}"
        return f"{rows} WHERE {self.exact_text('b.value', 'name')} = {self.exact_text('a.value', 'name')}"

    @property
    def document(self) -> str:
        return document_of_experiment(self)

    @property
    def document_of_user(self) -> str:
        return document_of_user(self)

    def typed(self, sql: str, type: str) -> str:
        return sql

    def inside(self, json: str, *keys: str | int) -> str:
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        return self.at(json, path)

    def list(self, json: str, key: str) -> str:
        found = self.at(json, f".{key}")
        return f"CASE json_type({found}) WHEN 'ARRAY' THEN {found} ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        found = self.at(json, f".{key}")
        return f"CASE json_type({found}) WHEN 'ARRAY' THEN json_length({found}) END"

    def container(self, json: str, key: str) -> str:
        found = self.compact(self.at(json, f".{key}"))
        return f"CASE WHEN json_type({found}) IN ('OBJECT', 'ARRAY') THEN {found} END"

    def exact_text(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return f"CASE json_type({found}) WHEN 'STRING' THEN json_unquote({found}) END COLLATE {self.collation}"

    def boolean(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return f"CASE json_type({found}) WHEN 'BOOLEAN' THEN json_unquote({found}) = 'true' END"

    def json(self, json: str, key: str) -> str:
        return self.compact(f"json_extract({json}, '$.{key}')")

    def number(self, json: str, key: str) -> str:
        found, tagged = f"json_extract({json}, '$.{key}')", f"json_extract({json}, '$.{key}.value')"
        text = (
            f"CASE json_type({found}) WHEN 'OBJECT' THEN json_unquote({tagged}) "
            f"WHEN 'STRING' THEN NULL ELSE json_unquote({found}) END"
        )
        largest = "1.7976931348623157e308"
        # A larger number is cast to the largest double.
        return (
            f"CASE WHEN {text} REGEXP '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$' "
            f"AND abs(CAST({text} AS DOUBLE)) < {largest} THEN CAST({text} AS DOUBLE) END"
        )

    def number_in_list(self, json: str, key: str, nth: str) -> str:
        return self._item_of(self.list(json, key), nth)

    def _weights(self, alias: str, run: str) -> str:
        """Return the weights of a generator run as a row, so that it is not parsed again for each of its arms."""
        return self.row(alias, weights=f"concat({self.list(f'{run}.value', 'weights')})")

    def _item_of(self, list: str, nth: str) -> str:
        item = f"json_extract({list}, concat('$[', {nth}, ']'))"
        return self.number(f"concat('{{', json_quote('n'), ':', {item}, '}}')", "n")

    def is_finite(self, number: str) -> str:
        return f"{number} IS NOT NULL"

    def items(self, items: str, alias: str) -> str:
        return f"json_table({items}, '$[*]' COLUMNS (nth FOR ORDINALITY, value JSON PATH '$')) {alias}"

    def item_of(self, alias: str) -> str:
        return f"{alias}.value"

    def json_of(self, alias: str) -> str:
        return f"{alias}.value"

    def nth_of(self, alias: str) -> str:
        return f"{alias}.nth - 1"

    def members(self, json: str) -> str:
        is_plain = f"json_type({json}) = 'OBJECT' AND json_extract({json}, '$.__type') IS NULL"
        plain = f"CASE WHEN {is_plain} THEN {json} END"
        name = f"name LONGTEXT CHARACTER SET utf8mb4 COLLATE {self.collation} PATH '$'"
        names = f"json_table(json_keys({plain}), '$[*]' COLUMNS (nth FOR ORDINALITY, {name})) m"
        values = self.items(f"json_extract({plain}, '$.*')", "n")
        return f"{names} JOIN {values} ON n.nth = m.nth"

    def best_mean(self, observed: Observed) -> str:
        # A derived table cannot refer to the row of the view. So there is one level, with windows over its groups; in a
        # larger expression, MariaDB evaluates a window over an aggregate to NULL.
        # As JSON: group_concat cuts off the text of a DOUBLE after 21 characters, and so the end of its exponent.
        newest = f"""replace(replace(substring_index(group_concat(json_array({observed.mean})
                ORDER BY {observed.newest_first} SEPARATOR ' '), ' ', 1), '[', ''), ']', '')"""
        is_counted = f"{newest} <> 'null' AND abs(CAST({newest} AS DOUBLE)) <= {LARGEST}"
        # The sign is turned if more is better, so that the best is the smallest; means that do not count sort last.
        turned = f"CASE o.less WHEN 1 THEN 1 ELSE -1 END * CAST({newest} AS DOUBLE)"
        mean = f"CASE WHEN {is_counted} THEN {turned} ELSE 1e304 END"
        trials = f"ORDER BY {observed.trial} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
        best = f"""(SELECT avg({mean}) OVER (PARTITION BY {observed.arm} {trials}) AS best
                FROM {self.row("o", **observed.goal)} CROSS JOIN {observed.rows}
                GROUP BY {observed.arm}, {observed.trial}, o.less
                ORDER BY best LIMIT 1)"""
        return f"""(SELECT CASE WHEN abs(CAST(g.best AS DOUBLE)) <= {LARGEST}
                    THEN CASE g.less WHEN 1 THEN 1 ELSE -1 END * CAST(g.best AS DOUBLE) END
                FROM {self.row("g", best=best, less=observed.goal["less"])})"""

    def row(self, alias: str, **texts: str) -> str:
        columns = ", ".join(
            f"{name} LONGTEXT CHARACTER SET utf8mb4 COLLATE {self.collation} PATH '$[{nth}]'"
            for nth, name in enumerate(texts)
        )
        return f"json_table(json_array({', '.join(texts.values())}), '$' COLUMNS ({columns})) {alias}"

    def concat(self, *texts: str) -> str:
        return f"concat({', '.join(texts)})"

    def characters(self, text: str) -> str:
        return f"char_length({text})"

    def listed(self, text: str) -> str:
        return f"concat('[', replace(json_quote({text}), ',', '\",\"'), ']')"

    def text_of(self, alias: str) -> str:
        return f"json_unquote({alias}.value) COLLATE {self.collation}"

    def joined_names(self, items: str, alias: str, name: str, where: str) -> str:
        joined = f"group_concat(DISTINCT {name} ORDER BY {alias}.nth SEPARATOR ', ')"
        return f"(SELECT {joined} FROM {self.items(items, alias)} WHERE {where}) COLLATE {self.collation}"

    def is_number(self, text: str) -> str:
        return f"{text} REGEXP '^[0-9.]+([eE][-+]?[0-9]+)?$'"

    def is_time(self, text: str) -> str:
        return f"{text} REGEXP '^{_DAY}T{_TIME}$'"

    def whole(self, text: str) -> str:
        return f"CAST({text} AS SIGNED)"

    def quotient(self, number: str, divisor: int) -> str:
        return f"{number} DIV {divisor}"

    def ratio(self, number: str, divisor: int) -> str:
        return f"CAST({number} AS DOUBLE) / {divisor}"


_TAGS: Final = "FROM tags g WHERE g.id = v.id AND g.version = v.version"


class MariaDB(_Common):
    """MariaDB of 10.6 or later."""

    collation: ClassVar = "utf8mb4_nopad_bin"

    # JSON_QUERY and JSON_VALUE return a piece of the text unchanged, and read no further; JSON_EXTRACT reads all of the
    # text, and returns NULL if any of it is nested too deeply.

    def any_text(self, json: str, key: str) -> str:
        return f"coalesce(json_value({json}, '$.{key}'), json_query({json}, '$.{key}')) COLLATE {self.collation}"

    def any_moment(self, json: str, key: str) -> str:
        return f"coalesce(json_value({json}, '$.{key}'), json_value({json}, '$.{key}.value')) COLLATE {self.collation}"

    @property
    def tags(self) -> str:
        return f"json_compact(coalesce((SELECT json_arrayagg(g.tag ORDER BY g.tag) {_TAGS}), '[]'))"

    def at(self, json: str, path: str) -> str:
        return f"json_query({json}, '${path}')"

    def compact(self, json: str) -> str:
        return f"json_compact({json})"

    def joined_by(self, separator: str, text: str) -> str:
        # JSON_OBJECTAGG has no limit, and allows equal keys. An unescaped quote is only at the ends of a text, so the
        # characters between two texts cannot occur in one.
        return f"""json_value(replace(json_objectagg('k', {text}), '", "k":"', '{separator}'), '$.k')"""

    def boolean(self, json: str, key: str) -> str:
        # The text as in the document, even if it is nested deeply after that; NULL if it is a list or an object.
        return f"CASE json_value({json}, '$.{key}') WHEN '1' THEN 1 WHEN '0' THEN 0 END"


class MySQL(_Common):
    """MySQL of 8.0.17 or later."""

    collation: ClassVar = "utf8mb4_0900_bin"

    def any_text(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return f"CASE json_type({found}) WHEN 'NULL' THEN NULL ELSE json_unquote({found}) END COLLATE {self.collation}"

    def any_moment(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return (
            f"CASE json_type({found}) WHEN 'OBJECT' THEN {self.text(json, f'{key}.value')} "
            f"WHEN 'ARRAY' THEN NULL ELSE {self.text(json, key)} END"
        )

    @property
    def tags(self) -> str:
        return f"coalesce((SELECT json_arrayagg(g.tag) {_TAGS}), '[]')"

    def at(self, json: str, path: str) -> str:
        return f"json_extract({json}, '${path}')"

    def compact(self, json: str) -> str:
        return json

    def joined_by(self, separator: str, text: str) -> str:
        # As on MariaDB; but here an object keeps one of two equal keys, and a list's aggregate has no limit.
        texts = f"CAST(json_arrayagg({text}) AS CHAR)"
        return f"""json_unquote(json_extract(replace({texts}, '", "', '{separator}'), '$[0]'))"""


def _is_scalar(json: str, key: str) -> str:
    return f"coalesce(json_type(json_extract({json}, '$.{key}')) IN {_NUMBERS_AND_BOOLEANS}, 0)"


def _is_no_moment(json: str, key: str) -> str:
    is_boolean = f"coalesce(json_type(json_extract({json}, '$.{key}')) = 'BOOLEAN', 0)"
    return f"{is_boolean} OR coalesce(json_type(json_extract({json}, '$.{key}.value')) <> 'STRING', 0)"
