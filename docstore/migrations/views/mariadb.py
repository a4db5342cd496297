"""The views in MariaDB's SQL: JSON is shown as text; NaN and the infinities, which MariaDB lacks, as NULL.

``document_json`` is the canonical text to the byte; or NULL, and never cut off, if that text would be longer than the
server's ``max_allowed_packet`` (16 MB by default) with each quote and backslash in it counted twice; or if keys of a
user's parts have a tilde or a slash and their field is longer than ``group_concat_max_len`` (1 MB by default).
MariaDB's JSON functions read neither values deeper than 32 levels nor the text after them: in the other views such a
value is NULL, or has no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from docstore.migrations.views.base import LARGEST, LARGEST_ADDEND, Observed, ViewSQL

_DAY: Final = "[0-9]{4}-[01][0-9]-[0-3][0-9]"
_TIME: Final = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{6})?[-+][0-2][0-9]:[0-5][0-9]"

_NAME: Final = "json_extract(a.value, '$.name')"
_NUMBERS_AND_BOOLEANS: Final = "('BOOLEAN', 'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')"


class MariaDB(ViewSQL):
    """MariaDB of 10.6 or later.

    JSON_QUERY and JSON_VALUE return a piece of the text unchanged, and read no further; JSON_EXTRACT reads all of the
    text, and returns NULL if any of it is nested too deeply.

    Attributes:
        collation: the collation of the tables' text columns, so that comparing text of a document respects case and
            accents.
    """

    column: ClassVar = "`column`"
    merges_computed_columns: ClassVar = False
    collation: ClassVar = "utf8mb4_nopad_bin"

    # If a value is nested too deeply for its type to be read, its text is taken as it is.

    def text(self, json: str, key: str) -> str:
        found = f"coalesce(json_value({json}, '$.{key}'), json_query({json}, '$.{key}')) COLLATE {self.collation}"
        return f"CASE WHEN {_is_scalar(json, key)} THEN NULL ELSE {found} END"

    def moment(self, json: str, key: str) -> str:
        found = f"coalesce(json_value({json}, '$.{key}'), json_value({json}, '$.{key}.value')) COLLATE {self.collation}"
        return f"CASE WHEN {_is_no_moment(json, key)} THEN NULL ELSE {found} END"

    @property
    def tags(self) -> str:
        tags = "SELECT json_arrayagg(g.tag ORDER BY g.tag) FROM tags g WHERE g.id = v.id AND g.version = v.version"
        return f"json_compact(coalesce(({tags}), '[]'))"

    @property
    def runs(self) -> str:
        run = self.inside("p.body", "generator_run")
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
                   WHEN 'ARRAY' THEN json_compact(n.value) WHEN 'OBJECT' THEN json_compact(n.value)
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
        of_run = self.inside("p.body", "generator_run", "arms")
        only = f"json_extract({of_run}, '$[0].name')"
        is_only = f"json_length({of_run}) = 1 AND json_type({only}) = 'STRING'"
        is_before = f"SELECT 1 FROM {self.items('g.names', 'm')} WHERE m.value = n.value AND m.nth < n.nth"
        is_name = f"json_type(n.value) = 'STRING' AND ({self._is_alone('n.value')} OR NOT EXISTS ({is_before}))"
        names = f"{self.row('g', names=f'concat({self._names})')} CROSS JOIN {self.items('g.names', 'n')}"
        several = f"""(SELECT CASE count(*) WHEN 0 THEN '[]'
                   ELSE concat('[', {_joined_by(",", "concat(n.value)")}, ']') END FROM {names} WHERE {is_name})"""
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

    def document(self, fields: Sequence[str]) -> str:
        patterns = ",".join(f'"/{field}/*"' for field in fields)
        return self._document(f"'[{patterns}]'")

    @property
    def document_of_user(self) -> str:
        layout = self.inside("d.body", "__document")
        has_parts = f"{self.inside('d.body', '__document', 'parts')} IS NOT NULL"
        return f"CASE WHEN {has_parts} THEN {self._document(self.list(layout, 'parts'))} ELSE d.body END"

    def typed(self, sql: str, type: str) -> str:
        return sql

    def inside(self, json: str, *keys: str | int) -> str:
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        return f"json_query({json}, '${path}')"

    def list(self, json: str, key: str) -> str:
        found = self.inside(json, key)
        return f"CASE json_type({found}) WHEN 'ARRAY' THEN {found} ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        found = self.inside(json, key)
        return f"CASE json_type({found}) WHEN 'ARRAY' THEN json_length({found}) END"

    def container(self, json: str, key: str) -> str:
        found = f"json_compact({self.inside(json, key)})"
        return f"CASE WHEN json_type({found}) IN ('OBJECT', 'ARRAY') THEN {found} END"

    def exact_text(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return f"CASE json_type({found}) WHEN 'STRING' THEN json_unquote({found}) END COLLATE {self.collation}"

    def boolean(self, json: str, key: str) -> str:
        # The text as in the document, even if it is nested deeply after that; NULL if it is a list or an object.
        return f"CASE json_value({json}, '$.{key}') WHEN '1' THEN 1 WHEN '0' THEN 0 END"

    def json(self, json: str, key: str) -> str:
        return f"json_compact(json_extract({json}, '$.{key}'))"

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

    # --- whole documents ---------------------------------------------------------------------------------------------

    # The texts are not parsed: MariaDB would change numbers, and read nothing that is nested deeply. Each empty field
    # is found in the text of the head, and the parts are put in its place.

    def _document(self, patterns: str) -> str:
        """Return the text of the whole document ``d``, whose parts *patterns* name, a list as ``["/data/*"]``."""
        field = f"field LONGTEXT CHARACTER SET utf8mb4 COLLATE {self.collation} PATH '$[0]'"
        fields = f"json_table(o.places, '$[*]' COLUMNS (nth FOR ORDINALITY, {field}, place INT PATH '$[1]')) f"
        # The place before this one in the list of places.
        before = "CASE f.nth WHEN 1 THEN 1 ELSE json_extract(o.places, concat('$[', f.nth - 2, '][1]')) + 2 END"
        piece = f"concat(substr(d.body, {before}, f.place - ({before})), {_MEMBERS})"
        return f"""(SELECT CASE count(*) WHEN 0 THEN d.body
                       ELSE concat({_joined_by("", piece)}, substr(d.body, max(f.place) + 2)) END
                   FROM {self.row("o", places=self._places(patterns))} JOIN {fields})"""

    def _places(self, patterns: str) -> str:
        """Return the JSON list of the field of each of *patterns*, with the position of its empty value in ``d``."""
        pattern = f"json_unquote(q.value) COLLATE {self.collation}"
        field = f"substr({pattern}, 2, char_length({pattern}) - 3)"
        name = f"replace(replace({field}, '~1', '/'), '~0', '~')"
        place = f"coalesce({_place(name, '{}')}, {_place(name, '[]')})"
        pair = f"concat('[', json_quote({field}), ',', {place}, ']')"
        pairs = f"group_concat(DISTINCT {pair} ORDER BY {place} SEPARATOR ',')"
        return f"(SELECT concat('[', {pairs}, ']') FROM {self.items(patterns, 'q')})"


def _is_scalar(json: str, key: str) -> str:
    return f"coalesce(json_type(json_extract({json}, '$.{key}')) IN {_NUMBERS_AND_BOOLEANS}, 0)"


def _is_no_moment(json: str, key: str) -> str:
    is_boolean = f"coalesce(json_type(json_extract({json}, '$.{key}')) = 'BOOLEAN', 0)"
    return f"{is_boolean} OR coalesce(json_type(json_extract({json}, '$.{key}.value')) <> 'STRING', 0)"


def _joined_by(separator: str, text: str) -> str:
    """Return the aggregate of all *text*, joined by *separator* in the order in which rows are read."""
    # JSON_OBJECTAGG has no limit, and allows equal keys. An unescaped quote is only at the ends of a text, so the
    # characters between two texts cannot occur in one.
    return f"""json_value(replace(json_objectagg('k', {text}), '", "k":"', '{separator}'), '$.k')"""


_BACKSLASH: Final = "5C"
_QUOTE: Final = "22"


def _place(name: str, empty: str) -> str:
    """Return the position, from 1, of the *empty* value of the document's own member *name*; NULL if there is none.

    Objects deeper in the document may have the same name: the document's own member is the one before which every
    bracket is closed, not counting the first. With a comma in place of the first bracket, a comma precedes each member
    except the first of a deeper object; inside a text, a backslash comes between a comma and a quote.
    """
    text, member = "insert(d.body, 1, 1, ',')", f"concat(',', json_quote({name}), ':{empty}')"
    before = f"substring_index({text}, {member}, k.n)"
    # A backslash as a number, since its meaning in a literal depends on sql_mode.
    unescaped = before
    for escaped in (_BACKSLASH, _QUOTE):
        unescaped = f"replace({unescaped}, _utf8mb4 x'{_BACKSLASH}{escaped}', '')"
    brackets = f"regexp_replace({unescaped}, '\"[^\"]*\"', '')"
    opened = f"char_length(replace(replace({brackets}, '}}', ''), ']', ''))"
    closed = f"char_length(replace(replace({brackets}, '{{', ''), '[', ''))"
    # As many rows as there are such members.
    count = f"(char_length({text}) - char_length(replace({text}, {member}, ''))) DIV char_length({member})"
    return (
        f"(SELECT char_length({before}) + char_length({member}) - 1 "
        f"FROM json_table(concat('[', substr(repeat(',0', {count}), 2), ']'), '$[*]' COLUMNS (n FOR ORDINALITY)) k "
        f"WHERE {opened} = {closed} LIMIT 1)"
    )


_PARTS: Final = (
    "documents p FORCE INDEX (PRIMARY) WHERE p.id = d.id "
    "AND p.path >= concat('/', f.field, '/') AND p.path < concat('/', f.field, '0')"
)
_MOST_DIGITS: Final = 9
"""How many digits the index of a list's item may have."""


def _items() -> str:
    """Return the list of the parts, by number of digits: in each group, the primary key's order is that of numbers."""
    some = (
        f"(SELECT {_joined_by(',', 'p.body')} FROM {_PARTS} "
        f"AND char_length(p.path) = char_length(f.field) + {2 + digits})"
        for digits in range(1, _MOST_DIGITS + 1)
    )
    return f"concat('[', concat_ws(',', {', '.join(some)}), ']')"


def _object() -> str:
    """Return the object of the parts, in the order of keys: the order of the primary key, unless a key is escaped.

    GROUP_CONCAT, which takes an ORDER BY, cuts off texts longer than ``group_concat_max_len``.
    """
    escaped = "substr(p.path, char_length(f.field) + 3)"
    key = f"replace(replace({escaped}, '~1', '/'), '~0', '~')"
    member = f"concat(json_quote({key}), ':', p.body)"
    ordered = f"group_concat({member} ORDER BY {key} SEPARATOR ',')"
    length = f"sum(char_length({member})) + count(*) - 1"
    return f"""(SELECT CASE WHEN count(*) = 0 THEN '{{}}'
                       WHEN max(locate('~', {escaped})) = 0 THEN concat('{{', {_joined_by(",", member)}, '}}')
                       WHEN char_length({ordered}) = {length} THEN concat('{{', {ordered}, '}}') END
                   FROM {_PARTS})"""


_MEMBERS: Final = f"CASE substr(d.body, f.place, 1) WHEN '[' THEN {_items()} ELSE {_object()} END"
"""The JSON of the parts in the field ``f``: a list, if the head has an empty one."""
