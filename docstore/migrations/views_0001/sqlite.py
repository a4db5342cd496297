"""The views in SQLite's words: ``json`` columns are text, and ``document_json`` is the canonical text to the byte.

SQLite has infinities and no NaN, which is shown as NULL. A number of many digits it may read wrong in the last bit.
"""

from __future__ import annotations

from typing import ClassVar

from docstore.migrations.views_0001.shape import Spelling, key_of, parts_of


class SQLite(Spelling):
    """SQLite of 3.38 or later."""

    column: ClassVar = '"column"'
    # What json_each gives for a text is no JSON, and to look into it would be an error.
    item: ClassVar = "CASE r.type WHEN 'object' THEN r.value END"
    nth: ClassVar = "r.key"

    @property
    def runs(self) -> str:
        return (
            "CASE json_type(p.body, '$.generator_run') WHEN 'object' THEN json_array(p.body -> '$.generator_run') "
            f"ELSE {self.list('p.body', 'generator_runs')} END"
        )

    @property
    def arms(self) -> str:
        arm = "CASE a.type WHEN 'object' THEN a.value END"
        return (
            f"(SELECT json_group_array({self.text(arm, 'name')}) FROM {self.each(self.runs)} "
            f"CROSS JOIN json_each({self.list(self.item, 'arms')}) a WHERE json_type({arm}, '$.name') IS NOT NULL)"
        )

    @property
    def parameters(self) -> str:
        return (
            "coalesce(p.body -> '$.generator_run.arms[0].parameters', "
            "p.body -> '$.generator_runs[0].arms[0].parameters')"
        )

    @property
    def document(self) -> str:
        return f"json_replace(d.body, '$.data', json({_whole('data')}), '$.trials', json({_whole('trials')}))"

    def each(self, items: str) -> str:
        return f"json_each({items}) r"

    def list(self, json: str, key: str) -> str:
        return f"CASE json_type({json}, '$.{key}') WHEN 'array' THEN {json} -> '$.{key}' ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        return f"CASE json_type({json}, '$.{key}') WHEN 'array' THEN json_array_length({json}, '$.{key}') END"

    def text(self, json: str, key: str) -> str:
        return f"json_extract({json}, '$.{key}')"

    def moment(self, json: str, key: str) -> str:
        tagged = f"json_extract({json}, '$.{key}.value')"
        return (
            f"CASE json_type({json}, '$.{key}') WHEN 'object' THEN {tagged} "
            f"WHEN 'array' THEN NULL ELSE {self.text(json, key)} END"
        )

    def number(self, json: str, key: str) -> str:
        tagged = f"json_extract({json}, '$.{key}.value')"
        return (
            f"CASE json_type({json}, '$.{key}') WHEN 'integer' THEN {self.text(json, key)} "
            f"WHEN 'real' THEN {self.text(json, key)} WHEN 'object' THEN "
            f"CASE WHEN {tagged} = 'inf' THEN 9e999 WHEN {tagged} = '-inf' THEN -9e999 "
            # CAST takes the digits that a text begins with, and 0 where there are none.
            f"WHEN {tagged} GLOB '*[0-9]*' AND {tagged} NOT GLOB '*[^-+.0-9eE]*' THEN CAST({tagged} AS REAL) END END"
        )


def _whole(field: str) -> str:
    """Return the SQL of *field* of ``d`` with its members; a field that was not cut into parts stays as it is."""
    members = (
        f"(SELECT json_group_object(key, json(body)) FROM "
        f"(SELECT {key_of(field)} AS key, p.body FROM documents p WHERE {parts_of(field)} ORDER BY 1))"
    )
    return f"CASE d.body -> '$.{field}' WHEN '{{}}' THEN {members} ELSE d.body -> '$.{field}' END"
