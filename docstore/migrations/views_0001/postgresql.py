"""The views in PostgreSQL's words: JSON columns are JSONB, and numbers have NaN and both infinities."""

from __future__ import annotations

from typing import ClassVar, Final

from docstore.migrations.views_0001.shape import FIELDS, Spelling, key_of, parts_of

# A cast of a text that is no number, or of one that a double cannot hold, is an error and would take all rows with it.
# What 6,000 characters and four digits of exponent can say is surely a numeric; what comes of it can be compared.
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


class PostgreSQL(Spelling):
    """PostgreSQL of 12 or later."""

    column: ClassVar = '"column"'
    item: ClassVar = "r.value"
    nth: ClassVar = "CAST(r.nth - 1 AS integer)"

    @property
    def runs(self) -> str:
        return (
            "CASE jsonb_typeof(p.body -> 'generator_run') WHEN 'object' "
            "THEN jsonb_build_array(p.body -> 'generator_run') "
            f"ELSE {self.list('p.body', 'generator_runs')} END"
        )

    @property
    def arms(self) -> str:
        return f"jsonb_path_query_array({self.runs}, '$[*].arms[*].name')"

    @property
    def parameters(self) -> str:
        return (
            "coalesce(p.body #> '{generator_run,arms,0,parameters}', p.body #> '{generator_runs,0,arms,0,parameters}')"
        )

    @property
    def document(self) -> str:
        fields = " || ".join(_whole(field) for field in FIELDS)
        return f"CASE jsonb_typeof(d.body) WHEN 'object' THEN d.body || {fields} ELSE d.body END"

    def each(self, items: str) -> str:
        return f"jsonb_array_elements({items}) WITH ORDINALITY AS r(value, nth)"

    def list(self, json: str, key: str) -> str:
        return f"CASE jsonb_typeof({json} -> '{key}') WHEN 'array' THEN {json} -> '{key}' ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        return f"CASE jsonb_typeof({json} -> '{key}') WHEN 'array' THEN jsonb_array_length({json} -> '{key}') END"

    def text(self, json: str, key: str) -> str:
        return f"{json} ->> '{key}'"

    def moment(self, json: str, key: str) -> str:
        return (
            f"CASE jsonb_typeof({json} -> '{key}') WHEN 'object' THEN {json} -> '{key}' ->> 'value' "
            f"WHEN 'array' THEN NULL ELSE {json} ->> '{key}' END"
        )

    def number(self, json: str, key: str) -> str:
        text = (
            f"CASE jsonb_typeof({json} -> '{key}') WHEN 'number' THEN {json} ->> '{key}' "
            f"WHEN 'object' THEN {json} -> '{key}' ->> 'value' END"
        )
        return _NUMBER.format(text=text, largest=_LARGEST, smallest=_SMALLEST)


def _whole(field: str) -> str:
    """Return the SQL of an object of *field* with its members; an empty one where it was not cut into parts."""
    members = f"(SELECT jsonb_object_agg({key_of(field)}, p.body) FROM documents p WHERE {parts_of(field)})"
    return (
        f"CASE d.body -> '{field}' WHEN '{{}}' "
        f"THEN jsonb_build_object('{field}', coalesce({members}, '{{}}')) ELSE '{{}}' END"
    )
