"""The views in PostgreSQL's SQL: JSON columns are JSONB, and numbers have NaN and both infinities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from docstore.migrations.views.base import LARGEST, Observed, ViewSQL, addend, key_of, parts_of

_DAY: Final = "[0-9]{4}-[01][0-9]-[0-3][0-9]"
_TIME: Final = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{6})?[-+][0-2][0-9]:[0-5][0-9]"

# Casting a text that is not a number, or that overflows a double, is an error, and no row would be returned. At most
# 6,000 characters with four digits of exponent are always a valid numeric, which can be compared.
_NUMBER: Final = """(SELECT CASE
                   WHEN t.text = 'nan' THEN CAST('NaN' AS double precision)
                   WHEN t.text = 'inf' THEN CAST('Infinity' AS double precision)
                   WHEN t.text = '-inf' THEN CAST('-Infinity' AS double precision)
                   WHEN t.text !~ '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]{{1,4}})?$' OR length(t.text) > 6000 THEN NULL
                   WHEN CAST(t.text AS numeric) >= {largest} THEN CAST('Infinity' AS double precision)
                   WHEN CAST(t.text AS numeric) <= -{largest} THEN CAST('-Infinity' AS double precision)
                   WHEN abs(CAST(t.text AS numeric)) < {smallest} THEN 0
                   ELSE CAST(t.text AS double precision) END
                FROM (SELECT {text} AS text) t)"""
_LARGEST: Final = "1.797693134862315807e308"
_SMALLEST: Final = "2.5e-324"


class PostgreSQL(ViewSQL):
    """PostgreSQL of 12 or later."""

    column: ClassVar = '"column"'
    true: ClassVar = "true"
    false: ClassVar = "false"

    @property
    def runs(self) -> str:
        return (
            "CASE jsonb_typeof(p.body -> 'generator_run') WHEN 'object' "
            "THEN jsonb_build_array(p.body -> 'generator_run') "
            f"ELSE {self.list('p.body', 'generator_runs')} END"
        )

    @property
    def tags(self) -> str:
        tags = "SELECT jsonb_agg(g.tag ORDER BY g.tag) FROM tags g WHERE g.id = v.id AND g.version = v.version"
        return f"coalesce(({tags}), '[]')"

    @property
    def changes(self) -> str:
        return "CASE jsonb_typeof(v.changes) WHEN 'array' THEN jsonb_array_length(v.changes) END"

    @property
    def member(self) -> Mapping[str, str]:
        type = "jsonb_typeof(m.value)"
        is_number = "m.value ->> '__type' IN ('float', 'int')"
        return {
            "parameter_name": "m.key",
            "type": f"""CASE {type} WHEN 'number' THEN 'number' WHEN 'boolean' THEN 'boolean'
                   WHEN 'string' THEN 'text' WHEN 'null' THEN 'null'
                   ELSE CASE WHEN {is_number} THEN 'number' ELSE 'json' END END""",
            "number": f"""CASE WHEN {type} = 'number' OR {is_number}
                   THEN {self.number("jsonb_build_object('n', m.value)", "n")} END""",
            "text": f"""CASE WHEN {is_number} THEN m.value ->> 'value'
                   WHEN {type} = 'number' THEN {_as_written("m.value #>> '{}'")} ELSE m.value #>> '{{}}' END""",
        }

    def document(self, fields: Sequence[str]) -> str:
        whole = " || ".join(map(_whole, fields))
        return f"CASE jsonb_typeof(d.body) WHEN 'object' THEN d.body || {whole} ELSE d.body END"

    @property
    def document_of_user(self) -> str:
        field = "left(right(q.value #>> '{}', -1), -2)"
        name = f"replace(replace({field}, '~1', '/'), '~0', '~')"
        parts = f"p.id = d.id AND p.path >= '/' || {field} || '/' AND p.path < '/' || {field} || '0'"
        key = f"replace(replace(substr(p.path, length({field}) + 3), '~1', '/'), '~0', '~')"
        members = f"(SELECT jsonb_object_agg({key}, p.body) FROM documents p WHERE {parts})"
        items = f"(SELECT jsonb_agg(p.body ORDER BY p.position) FROM documents p WHERE {parts})"
        whole = f"CASE d.body -> {name} WHEN '{{}}' THEN {members} ELSE {items} END"
        layout = "d.body -> '__document' -> 'parts'"
        return f"""CASE jsonb_typeof({layout}) WHEN 'array' THEN d.body || coalesce((
                   SELECT jsonb_object_agg({name}, coalesce({whole}, d.body -> {name}))
                   FROM jsonb_array_elements({layout}) AS q(value)
                   WHERE jsonb_typeof(q.value) = 'string' AND d.body -> {name} IN ('{{}}', '[]')), '{{}}')
               ELSE d.body END"""

    @property
    def arms(self) -> str:
        name = f"{self.arm['json']} -> 'name'"
        is_text = f"jsonb_typeof({name}) = 'string'"
        return f"(SELECT coalesce(jsonb_agg({name} ORDER BY a.place), '[]') FROM {self.arms_of_trial} WHERE {is_text})"

    @property
    def arms_of_trial(self) -> str:
        weight = self.number(f"jsonb_build_object('n', ({self.list('r.value', 'weights')}) -> {self.nth_of('a')})", "n")
        added = addend("i.weight")
        return f"""LATERAL (
            SELECT min(i.place) AS place, (array_agg(i.arm ORDER BY i.place))[1] AS arm,
                CASE count(*) WHEN 1 THEN min(i.weight) WHEN count({added}) THEN sum({added} ORDER BY i.place) END
                AS weight
            FROM (SELECT ARRAY[r.nth, a.nth] AS place, a.value AS arm, {self.exact_text("a.value", "name")} AS name,
                    {weight} AS weight
                FROM {self.items(self.runs, "r")} CROSS JOIN {self.items(self.list("r.value", "arms"), "a")} OFFSET 0) i
            GROUP BY i.name, CASE WHEN i.name IS NULL THEN i.place END) a"""

    @property
    def arm(self) -> Mapping[str, str]:
        return {
            "generator_run": "CAST(a.place[1] - 1 AS integer)",
            "position": "CAST(a.place[2] - 1 AS integer)",
            "weight": "a.weight",
            "json": "a.arm",
        }

    def list(self, json: str, key: str) -> str:
        return f"CASE jsonb_typeof({json} -> '{key}') WHEN 'array' THEN {json} -> '{key}' ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        return f"CASE jsonb_typeof({json} -> '{key}') WHEN 'array' THEN jsonb_array_length({json} -> '{key}') END"

    def text(self, json: str, key: str) -> str:
        type = f"jsonb_typeof({json} -> '{key}')"
        return f"CASE WHEN {type} IN ('string', 'object', 'array') THEN {json} ->> '{key}' END"

    def moment(self, json: str, key: str) -> str:
        found, tagged = f"{json} ->> '{key}'", f"({json} -> '{key}')"
        return (
            f"CASE jsonb_typeof({json} -> '{key}') WHEN 'string' THEN {json} ->> '{key}' "
            f"WHEN 'number' THEN {_as_written(found)} WHEN 'object' THEN {self.exact_text(tagged, 'value')} END"
        )

    def typed(self, sql: str, type: str) -> str:
        return sql

    def inside(self, json: str, *keys: str | int) -> str:
        return f"({json} #> '{{{','.join(map(str, keys))}}}')"

    def container(self, json: str, key: str) -> str:
        return f"CASE WHEN jsonb_typeof({json} -> '{key}') IN ('object', 'array') THEN {json} -> '{key}' END"

    def exact_text(self, json: str, key: str) -> str:
        return f"CASE jsonb_typeof({json} -> '{key}') WHEN 'string' THEN {json} ->> '{key}' END"

    def boolean(self, json: str, key: str) -> str:
        return f"CASE {json} -> '{key}' WHEN 'true' THEN true WHEN 'false' THEN false END"

    def json(self, json: str, key: str) -> str:
        return f"{json} -> '{key}'"

    def number(self, json: str, key: str) -> str:
        text = (
            f"CASE jsonb_typeof({json} -> '{key}') WHEN 'number' THEN {json} ->> '{key}' "
            f"WHEN 'object' THEN {json} -> '{key}' ->> 'value' END"
        )
        return _NUMBER.format(text=text, largest=_LARGEST, smallest=_SMALLEST)

    def is_finite(self, number: str) -> str:
        return f"{number} NOT IN ('NaN', 'Infinity', '-Infinity')"

    def items(self, items: str, alias: str) -> str:
        return f"jsonb_array_elements({items}) WITH ORDINALITY AS {alias}(value, nth)"

    def item_of(self, alias: str) -> str:
        return f"{alias}.value"

    def json_of(self, alias: str) -> str:
        return f"{alias}.value"

    def nth_of(self, alias: str) -> str:
        return f"CAST({alias}.nth - 1 AS integer)"

    def members(self, json: str) -> str:
        is_plain = f"jsonb_typeof({json}) = 'object' AND {json} -> '__type' IS NULL"
        return f"jsonb_each(CASE WHEN {is_plain} THEN {json} ELSE '{{}}' END) m"

    def best_mean(self, observed: Observed) -> str:
        goal = self.row("o", **observed.goal)
        return f"""(SELECT CASE v.less WHEN true THEN min(v.value) WHEN false THEN max(v.value) END
                FROM (SELECT n.less, CASE WHEN max(abs(n.mean)) <= {LARGEST}
                        THEN sum(n.mean ORDER BY n.trial) / count(*) END AS value
                    FROM (SELECT o.less, {observed.arm} AS arm, {observed.trial} AS trial,
                            (array_agg({observed.mean} ORDER BY {observed.newest_first}))[1] AS mean
                        FROM {goal} CROSS JOIN {observed.rows}
                        GROUP BY 1, 2, 3) n
                    GROUP BY n.less, n.arm) v
                GROUP BY v.less)"""

    def digits(self, number: str) -> str:
        return f"CAST({number} AS text)"

    def row(self, alias: str, **texts: str) -> str:
        # OFFSET keeps the planner from replacing the names by their expressions again.
        return f"(SELECT {', '.join(f'{sql} AS {name}' for name, sql in texts.items())} OFFSET 0) {alias}"

    def concat(self, *texts: str) -> str:
        return " || ".join(texts)

    def characters(self, text: str) -> str:
        return f"char_length({text})"

    def listed(self, text: str) -> str:
        return f"to_jsonb(string_to_array({text}, ','))"

    def text_of(self, alias: str) -> str:
        return f"({alias}.value #>> '{{}}')"

    def joined_names(self, items: str, alias: str, name: str, where: str) -> str:
        names = (
            f"SELECT {name} AS name, min({alias}.nth) AS nth FROM {self.items(items, alias)} WHERE {where} GROUP BY 1"
        )
        return f"(SELECT string_agg(name, ', ' ORDER BY nth) FROM ({names}) names)"

    def is_number(self, text: str) -> str:
        return f"{text} ~ '^[0-9.]+([eE][-+]?[0-9]+)?$'"

    def is_time(self, text: str) -> str:
        return f"{text} ~ '^{_DAY}T{_TIME}$'"

    def whole(self, text: str) -> str:
        return f"CAST({text} AS bigint)"

    def quotient(self, number: str, divisor: int) -> str:
        return f"{number} / {divisor}"

    def ratio(self, number: str, divisor: int) -> str:
        return f"CAST({number} AS double precision) / {divisor}"


def _as_written(number: str) -> str:
    """Return the text of a number as in the document: JSONB keeps the digits, but expands the exponent."""
    digits = "ltrim(n.text, '-0.')"
    more = f"CASE WHEN length({digits}) > 1 THEN '.' || substr({digits}, 2) ELSE '' END"
    sign = "CASE WHEN substr(n.text, 1, 1) = '-' THEN '-' ELSE '' END"
    places = f"length(n.text) - strpos(n.text, '.') - length({digits}) + 1"
    return f"""(SELECT CASE WHEN n.text ~ '^-?0[.]00000[0-9]*[1-9]'
                       THEN {sign} || substr({digits}, 1, 1) || {more} || 'e-' || ({places}) ELSE n.text END
                    FROM (SELECT {number} AS text) n)"""


def _whole(field: str) -> str:
    """Return the SQL of an object of *field* with its members; an empty one if it was not split into parts."""
    members = f"(SELECT jsonb_object_agg({key_of(field)}, p.body) FROM documents p WHERE {parts_of(field)})"
    return (
        f"CASE d.body -> '{field}' WHEN '{{}}' "
        f"THEN jsonb_build_object('{field}', coalesce({members}, '{{}}')) ELSE '{{}}' END"
    )
