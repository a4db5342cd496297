"""The views in SQLite's SQL: ``json`` columns are text, and ``document_json`` is the canonical text to the byte.

SQLite has infinities but no NaN, which is shown as NULL. It may read a number of many digits with a wrong last bit.
Computed columns are cast, as tools take the type of a column from the cast. If a field of a user's document has a quote
or a backslash in its name, which a JSON path of SQLite cannot express, its parts are not inserted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from docstore.migrations.views.base import LARGEST, Observed, ViewSQL, addend, key_of, parts_of

_TIME: Final = "[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_FRACTION: Final = ".[0-9][0-9][0-9][0-9][0-9][0-9]"
_FROM_UTC: Final = "[-+][0-2][0-9]:[0-5][0-9]"

_CALLS_IN_A_STEP: Final = 4

_MOST_ARMS: Final = 1_000_000
_PLACE: Final = f"r.key * {_MOST_ARMS} + a.key"
"""The position of an arm in its trial as one number: its generator run, and the position in that."""

_ONLY_ARM: Final = "p.body -> '$.generator_run.arms[0]'"
_HAS_ONE_ARM: Final = "coalesce(json_array_length(p.body, '$.generator_run.arms'), 0) = 1"


class SQLite(ViewSQL):
    """SQLite of 3.38 or later."""

    column: ClassVar = '"column"'
    # Without statistics, SQLite expects as many rows of one id and position as the document has parts, and a join of
    # two such views would read all parts for each row.
    parts: ClassVar = "documents p INDEXED BY documents_position"

    @property
    def runs(self) -> str:
        return (
            "CASE json_type(p.body, '$.generator_run') WHEN 'object' THEN json_array(p.body -> '$.generator_run') "
            f"ELSE {self.list('p.body', 'generator_runs')} END"
        )

    @property
    def tags(self) -> str:
        tags = "SELECT g.tag FROM tags g WHERE g.id = v.id AND g.version = v.version ORDER BY g.tag"
        return f"(SELECT json_group_array(tag) FROM ({tags}))"

    @property
    def changes(self) -> str:
        return "CASE json_type(v.changes) WHEN 'array' THEN json_array_length(v.changes) END"

    @property
    def member(self) -> Mapping[str, str]:
        object = "CASE m.type WHEN 'object' THEN m.value END"
        is_number = f"json_extract({object}, '$.__type') IN ('float', 'int')"
        tagged = self.number(f"json_object('n', json({object}))", "n")
        path = f"CASE WHEN {_fits_path('m.key')} THEN {_path('m.key')} END"
        return {
            "parameter_name": "CAST(m.key AS TEXT)",
            "type": f"""CAST(CASE m.type WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number'
                   WHEN 'true' THEN 'boolean'
                   WHEN 'false' THEN 'boolean' WHEN 'text' THEN 'text' WHEN 'null' THEN 'null'
                   ELSE CASE WHEN {is_number} THEN 'number' ELSE 'json' END END AS TEXT)""",
            "number": f"""CAST(CASE m.type WHEN 'integer' THEN m.value WHEN 'real' THEN m.value
                   ELSE CASE WHEN {is_number} THEN {tagged} END END AS REAL)""",
            # The digits as in the document.
            "text": f"""CAST(CASE m.type WHEN 'real' THEN coalesce(m.json -> {path}, json_quote(m.value))
                   WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
                   ELSE CASE WHEN {is_number} THEN json_extract({object}, '$.value') ELSE m.value END END AS TEXT)""",
        }

    def document(self, fields: Sequence[str]) -> str:
        whole = (f"'$.{field}', json({_whole(field)})" for field in fields)
        return f"json_replace(d.body, {', '.join(whole)})"

    @property
    def document_of_user(self) -> str:
        field = "CASE q.type WHEN 'text' THEN substr(q.value, 2, length(q.value) - 3) END"
        name = f"replace(replace({field}, '~1', '/'), '~0', '~')"
        path = f"CASE WHEN {_fits_path(name)} THEN {_path(name)} END"
        parts = f"p.id = d.id AND p.path >= '/' || {field} || '/' AND p.path < '/' || {field} || '0'"
        key = f"replace(replace(substr(p.path, length({field}) + 3), '~1', '/'), '~0', '~')"
        ordered = f"SELECT {key} AS key, p.body FROM documents p WHERE {parts} ORDER BY"
        members = f"(SELECT json_group_object(key, json(body)) FROM ({ordered} 1))"
        items = f"(SELECT json_group_array(json(body)) FROM ({ordered} p.position))"
        return f"""CASE json_type(d.body, '$.__document.parts') WHEN 'array' THEN (
                   WITH RECURSIVE joined(n, json) AS (SELECT 0, d.body UNION ALL
                       SELECT n + 1, CASE joined.json -> {path}
                           WHEN '{{}}' THEN json_replace(joined.json, {path}, json({members}))
                           WHEN '[]' THEN json_replace(joined.json, {path}, json({items}))
                           ELSE joined.json END
                       FROM joined JOIN json_each(d.body, '$.__document.parts') q ON q.key = joined.n)
                   SELECT json FROM joined ORDER BY n DESC LIMIT 1)
               ELSE d.body END"""

    @property
    def arms(self) -> str:
        name, is_text = "{} -> '$.name'", "json_type({}, '$.name') = 'text'"
        arm, items = self.item_of("a"), self.items(self.list(self.item_of("r"), "arms"), "a")
        names = f"""SELECT {name.format(arm)} AS name FROM {self.items(self.runs, "r")} CROSS JOIN {items}
                WHERE {is_text.format(arm)} GROUP BY 1 ORDER BY min({_PLACE})"""
        is_only = f"{_HAS_ONE_ARM} AND {is_text.format(_ONLY_ARM)}"
        return f"""CASE WHEN {is_only} THEN json_array(json({name.format(_ONLY_ARM)}))
               ELSE (SELECT json_group_array(json(name)) FROM ({names})) END"""

    @property
    def arms_of_trial(self) -> str:
        item, arm = self.item_of("r"), self.item_of("a")
        # Materialized, so that a generator run is not parsed again for each of its arms.
        runs = f"""SELECT r.key AS key, {self.list(item, "arms")} AS arms, {self.list(item, "weights")} AS weights
                FROM {self.items(self.runs, "r")}"""
        several = f"""(
            WITH r AS MATERIALIZED ({runs}),
            a AS (SELECT {_PLACE} AS place, {arm} AS arm, {self.exact_text(arm, "name")} AS name,
                r.weights -> ('$[' || a.key || ']') AS weight
                FROM r CROSS JOIN {self.items("r.arms", "a")}),
            n AS (SELECT min(place) AS place, json_group_array({_weight("place", "weight")}) AS weights, arm
                FROM a GROUP BY name, CASE WHEN name IS NULL THEN place END ORDER BY 1)
            SELECT json_group_array({_arm("place", "weights", "arm")}) FROM n)"""
        weight = _weight("0", "p.body -> '$.generator_run.weights[0]'")
        one = f"json_array({_arm('0', f'json_array({weight})', _ONLY_ARM)})"
        return f"json_each(CASE WHEN {_HAS_ONE_ARM} THEN {one} ELSE {several} END) a"

    @property
    def arm(self) -> Mapping[str, str]:
        addends = f"""SELECT row_number() OVER (ORDER BY json_extract(w.value, '$.place')) AS n,
                {addend(self.number("w.value", "weight"))} AS weight FROM json_each(a.value, '$.weights') w"""
        # SQLite's sum() rounds differently from adding one after another.
        total = f"""(WITH RECURSIVE w AS ({addends}),
            t(n, total) AS (SELECT 0, 0.0 UNION ALL SELECT w.n, total + weight FROM t JOIN w ON w.n = t.n + 1)
            SELECT total FROM t ORDER BY n DESC LIMIT 1)"""
        weight, place = self.number("a.value", "weights[0].weight"), "json_extract(a.value, '$.place')"
        return {
            "generator_run": f"{place} / {_MOST_ARMS}",
            "position": f"{place} - {place} / {_MOST_ARMS} * {_MOST_ARMS}",
            "weight": f"CASE WHEN json_array_length(a.value, '$.weights') = 1 THEN {weight} ELSE {total} END",
            "json": "a.value",
        }

    def list(self, json: str, key: str) -> str:
        return f"CASE json_type({json}, '$.{key}') WHEN 'array' THEN {json} -> '$.{key}' ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        return f"CASE json_type({json}, '$.{key}') WHEN 'array' THEN json_array_length({json}, '$.{key}') END"

    def text(self, json: str, key: str) -> str:
        is_shown = f"json_type({json}, '$.{key}') IN ('text', 'object', 'array')"
        return f"CASE WHEN {is_shown} THEN json_extract({json}, '$.{key}') END"

    def moment(self, json: str, key: str) -> str:
        return (
            f"CASE json_type({json}, '$.{key}') WHEN 'text' THEN json_extract({json}, '$.{key}') "
            f"WHEN 'integer' THEN {json} -> '$.{key}' WHEN 'real' THEN {json} -> '$.{key}' "
            f"WHEN 'object' THEN {self.exact_text(json, f'{key}.value')} END"
        )

    def typed(self, sql: str, type: str) -> str:
        return f"CAST({sql} AS {type})"

    def inside(self, json: str, *keys: str | int) -> str:
        path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        return f"({json} -> '${path}')"

    def container(self, json: str, key: str) -> str:
        return f"CASE WHEN json_type({json}, '$.{key}') IN ('object', 'array') THEN {json} -> '$.{key}' END"

    def exact_text(self, json: str, key: str) -> str:
        return f"CASE json_type({json}, '$.{key}') WHEN 'text' THEN json_extract({json}, '$.{key}') END"

    def boolean(self, json: str, key: str) -> str:
        return f"CASE json_type({json}, '$.{key}') WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"

    def json(self, json: str, key: str) -> str:
        return f"{json} -> '$.{key}'"

    def number(self, json: str, key: str) -> str:
        found, tagged = f"json_extract({json}, '$.{key}')", f"json_extract({json}, '$.{key}.value')"
        return (
            f"CAST(CASE WHEN json_type({json}, '$.{key}') IN ('integer', 'real') THEN {found} "
            f"ELSE CASE {tagged} WHEN 'inf' THEN 9e999 WHEN '-inf' THEN -9e999 "
            # CAST reads the digits at the start of a text, and returns 0 if there are none.
            f"ELSE CASE WHEN {tagged} GLOB '*[0-9]*' AND {tagged} NOT GLOB '*[^-+.0-9eE]*' THEN {tagged} END END END "
            "AS REAL)"
        )

    def is_finite(self, number: str) -> str:
        return f"abs({number}) < 9e999"

    def items(self, items: str, alias: str) -> str:
        return f"json_each({items}) {alias}"

    def item_of(self, alias: str) -> str:
        return f"CASE {alias}.type WHEN 'object' THEN {alias}.value END"

    def json_of(self, alias: str) -> str:
        scalar = f"{alias}.json -> ('$[' || {alias}.key || ']')"
        return f"CASE WHEN {alias}.type IN ('object', 'array') THEN {alias}.value ELSE {scalar} END"

    def nth_of(self, alias: str) -> str:
        return f"{alias}.key"

    def members(self, json: str) -> str:
        is_plain = f"json_type({json}) = 'object' AND json_type({json}, '$.__type') IS NULL"
        return f"json_each(CASE WHEN {is_plain} THEN {json} ELSE '{{}}' END) m"

    def best_mean(self, observed: Observed) -> str:
        goal = ", ".join(f"{sql} AS {name}" for name, sql in observed.goal.items())
        of_trial = f"PARTITION BY {observed.arm}, {observed.trial}"
        # Materialized, so that the objective is read once. Added up in order by recursion, as sum() rounds differently.
        return f"""(WITH RECURSIVE o AS MATERIALIZED (SELECT {goal}),
                m AS (SELECT {observed.arm} AS arm, {observed.trial} AS trial, {observed.mean} AS mean,
                    row_number() OVER ({of_trial} ORDER BY {observed.newest_first}) AS age
                    FROM o CROSS JOIN {observed.rows}),
                n AS MATERIALIZED (SELECT arm, mean, row_number() OVER (PARTITION BY arm ORDER BY trial) AS nth,
                    max(abs(mean)) OVER (PARTITION BY arm) AS largest
                    FROM m WHERE age = 1),
                a(arm, nth, total) AS (
                    SELECT arm, nth, mean FROM n WHERE nth = 1
                        AND largest <= {LARGEST}
                    UNION ALL SELECT n.arm, n.nth, a.total + n.mean
                    FROM a JOIN n ON n.arm = a.arm AND n.nth = a.nth + 1),
                w AS (SELECT total / max(nth) AS value FROM a GROUP BY arm)
                SELECT CASE (SELECT less FROM o) WHEN 1 THEN min(value) WHEN 0 THEN max(value) END FROM w)"""

    def row(self, alias: str, **texts: str) -> str:
        return f"(SELECT {', '.join(f'{sql} AS {name}' for name, sql in texts.items())}) {alias}"

    def replaced(self, text: str, pairs: Sequence[tuple[str, str]]) -> str:
        # Before 3.46, the parser's stack holds a hundred symbols: with calls nested this deeply, the file could not be
        # opened at all. A chain of steps nests few.
        steps = [f"s0(t) AS (SELECT {text})"]
        for first in range(0, len(pairs), _CALLS_IN_A_STEP):
            some = super().replaced("t", pairs[first : first + _CALLS_IN_A_STEP])
            steps.append(f"s{len(steps)}(t) AS (SELECT {some} FROM s{len(steps) - 1})")
        return f"(WITH {', '.join(steps)} SELECT t FROM s{len(steps) - 1})"

    def concat(self, *texts: str) -> str:
        return " || ".join(texts)

    def characters(self, text: str) -> str:
        return f"length({text})"

    def listed(self, text: str) -> str:
        return f"'[' || replace(json_quote({text}), ',', '\",\"') || ']'"

    def text_of(self, alias: str) -> str:
        return f"CASE {alias}.type WHEN 'text' THEN {alias}.value END"

    def joined_names(self, items: str, alias: str, name: str, where: str) -> str:
        names = (
            f"SELECT {name} AS name FROM json_each({items}) {alias} WHERE {where} GROUP BY 1 ORDER BY min({alias}.key)"
        )
        return f"(SELECT group_concat(name, ', ') FROM ({names}))"

    def is_number(self, text: str) -> str:
        unsigned = f"replace(replace(lower({text}), 'e-', 'e'), 'e+', 'e')"
        return f"{text} GLOB '[0-9.]*' AND {unsigned} NOT GLOB '*[^0-9.e]*'"

    def is_time(self, text: str) -> str:
        return f"({text} GLOB '{_TIME}{_FROM_UTC}' OR {text} GLOB '{_TIME}{_FRACTION}{_FROM_UTC}')"

    def whole(self, text: str) -> str:
        return f"CAST({text} AS INTEGER)"

    def quotient(self, number: str, divisor: int) -> str:
        return f"{number} / {divisor}"

    def ratio(self, number: str, divisor: int) -> str:
        return f"({number}) / {divisor}.0"


def _weight(place: str, weight: str) -> str:
    """Return one weight of an arm, with its position, as an object."""
    return f"json_object('place', {place}, 'weight', json({weight}))"


def _arm(place: str, weights: str, arm: str) -> str:
    """Return the shown members of an arm, as an object."""
    shown = ", ".join(f"'{key}', json({arm} -> '$.{key}')" for key in ("name", "parameters"))
    return f"json_object('place', {place}, 'weights', json({weights}), {shown})"


def _fits_path(key: str) -> str:
    return f"instr({key}, '\"') = 0 AND instr({key}, char(92)) = 0"


def _path(key: str) -> str:
    return f"'$.\"' || {key} || '\"'"


def _whole(field: str) -> str:
    """Return the SQL of *field* of ``d`` with its members; a field that was not split into parts is unchanged."""
    members = (
        f"(SELECT json_group_object(key, json(body)) FROM "
        f"(SELECT {key_of(field)} AS key, p.body FROM documents p WHERE {parts_of(field)} ORDER BY 1))"
    )
    return f"CASE d.body -> '$.{field}' WHEN '{{}}' THEN {members} ELSE d.body -> '$.{field}' END"
