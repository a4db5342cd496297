"""The views in the words of MariaDB and MySQL: JSON is shown as text; NaN and the infinities, which they lack, as NULL.

The name of SQLAlchemy's dialect does not tell the two apart, so a view's statement holds a SELECT for each, in comments
that only the one or the other runs.

On MariaDB, ``document_json`` is the canonical text to the byte; or NULL, and never cut off, where that text would be
longer than the server's ``max_allowed_packet`` (16 MB by default) with each quote and backslash in it counted twice.
MariaDB's JSON functions do not look deeper than 32 levels, nor at what comes after that in the text: in the other views
such a thing is NULL, or has no row.

On MySQL, where no test has run yet, JSON taken out of a document has MySQL's blanks and order of keys. There, a trial
or its data that nest deeper than 100 levels are an error in ``trials``, ``generator_runs`` and ``observations``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Final

from docstore.migrations.views_0001.shape import FIELDS, Spelling, key_of, parts_of, selects


def views() -> dict[str, str]:
    """Return the statement of each view, of which either server sees its own SELECT."""
    mariadb, mysql = selects(MariaDB()), selects(MySQL())
    return {name: f"/*M! {mariadb[name]} */ /*!80017 {mysql[name]} */" for name in mariadb}


class _Common(Spelling):
    """What both servers call by the same name."""

    column: ClassVar = "`column`"
    item: ClassVar = "r.value"
    nth: ClassVar = "r.nth - 1"
    collation: ClassVar[str]
    """Of the tables' text columns: case and accents count when a text out of a document is compared."""

    @abstractmethod
    def piece(self, json: str, path: str) -> str:
        """Return the list or object at *path* of *json*; NULL where there is none, or perhaps the scalar there."""

    @abstractmethod
    def joined(self, text: str) -> str:
        """Return the aggregate of all *text*, joined by commas, in the order in which rows are read."""

    @property
    def runs(self) -> str:
        run = self.piece("p.body", "generator_run")
        return (
            f"CASE json_type({run}) WHEN 'OBJECT' THEN concat('[', {run}, ']') "
            f"ELSE {self.list('p.body', 'generator_runs')} END"
        )

    @property
    def arms(self) -> str:
        return f"coalesce(json_extract({self.runs}, '$[*].arms[*].name'), '[]')"

    @property
    def parameters(self) -> str:
        of_one = self.piece("p.body", "generator_run.arms[0].parameters")
        return f"coalesce({of_one}, {self.piece('p.body', 'generator_runs[0].arms[0].parameters')})"

    @property
    def document(self) -> str:
        # The place of the last field first: to fill it moves none of the others. INSERT at 0 does nothing.
        body = "d.body"
        for field in sorted(FIELDS, reverse=True):
            body = f"insert({body}, coalesce({_place(field)}, 0), 2, {self._members(field)})"
        return body

    def each(self, items: str) -> str:
        return f"json_table({items}, '$[*]' COLUMNS (nth FOR ORDINALITY, value JSON PATH '$')) r"

    def list(self, json: str, key: str) -> str:
        found = self.piece(json, key)
        return f"CASE json_type({found}) WHEN 'ARRAY' THEN {found} ELSE '[]' END"

    def length(self, json: str, key: str) -> str:
        found = self.piece(json, key)
        return f"CASE json_type({found}) WHEN 'ARRAY' THEN json_length({found}) END"

    def number(self, json: str, key: str) -> str:
        found, tagged = f"json_extract({json}, '$.{key}')", f"json_extract({json}, '$.{key}.value')"
        text = (
            f"CASE json_type({found}) WHEN 'OBJECT' THEN json_unquote({tagged}) "
            f"WHEN 'STRING' THEN NULL ELSE json_unquote({found}) END"
        )
        largest = "1.7976931348623157e308"
        # A larger one is cast to the largest that there is.
        return (
            f"CASE WHEN {text} REGEXP '^-?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$' "
            f"AND abs(CAST({text} AS DOUBLE)) < {largest} THEN CAST({text} AS DOUBLE) END"
        )

    def _members(self, field: str) -> str:
        """Return the SQL of the members of *field* of ``d`` as one object, in the order of the primary key.

        That is the order of the canonical text, and the one in which InnoDB reads the rows. GROUP_CONCAT, which can be
        told an order, cuts off what is longer than ``group_concat_max_len``: by default 1 MB on MariaDB, 1 kB on MySQL.
        """
        member = f"concat(json_quote({key_of(field)}), ':', p.body)"
        return (
            f"(SELECT CASE count(*) WHEN 0 THEN '{{}}' ELSE concat('{{', {self.joined(member)}, '}}') END "
            f"FROM documents p FORCE INDEX (PRIMARY) WHERE {parts_of(field)})"
        )


class MariaDB(_Common):
    """MariaDB of 10.6 or later."""

    collation: ClassVar = "utf8mb4_nopad_bin"

    # JSON_QUERY and JSON_VALUE give a piece of the text as it stands, and read no further; JSON_EXTRACT reads all of
    # the text, and finds nothing where any of it is too deep.

    @property
    def arms(self) -> str:
        return f"json_compact({super().arms})"

    def piece(self, json: str, path: str) -> str:
        return f"json_query({json}, '$.{path}')"

    def text(self, json: str, key: str) -> str:
        return f"coalesce(json_value({json}, '$.{key}'), json_query({json}, '$.{key}')) COLLATE {self.collation}"

    def moment(self, json: str, key: str) -> str:
        return f"coalesce(json_value({json}, '$.{key}'), json_value({json}, '$.{key}.value')) COLLATE {self.collation}"

    def joined(self, text: str) -> str:
        # JSON_OBJECTAGG has no limit, and lets a key come twice. As an unescaped quote is at the ends of a text only,
        # what stands between two texts cannot stand in one.
        return f"""json_value(replace(json_objectagg('k', {text}), '", "k":"', ','), '$.k')"""


class MySQL(_Common):
    """MySQL of 8.0.17 or later."""

    collation: ClassVar = "utf8mb4_0900_bin"

    def piece(self, json: str, path: str) -> str:
        return f"json_extract({json}, '$.{path}')"

    def text(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return f"CASE json_type({found}) WHEN 'NULL' THEN NULL ELSE json_unquote({found}) END COLLATE {self.collation}"

    def moment(self, json: str, key: str) -> str:
        found = f"json_extract({json}, '$.{key}')"
        return (
            f"CASE json_type({found}) WHEN 'OBJECT' THEN {self.text(json, f'{key}.value')} "
            f"WHEN 'ARRAY' THEN NULL ELSE {self.text(json, key)} END"
        )

    def joined(self, text: str) -> str:
        # As on MariaDB; but here an object keeps one of two equal keys, and a list's aggregate has no limit.
        return f"""json_unquote(json_extract(replace(CAST(json_arrayagg({text}) AS CHAR), '", "', ','), '$[0]'))"""


_BACKSLASH: Final = "5C"
_QUOTE: Final = "22"


def _place(field: str) -> str:
    """Return the SQL of where the empty object of *field* stands in the text of ``d``, counted from 1; NULL if nowhere.

    There may be others under that name, deeper in the document: its own is the one before which every bracket is
    closed, once the document's first is taken away. With a comma in its place, there is one before each member, but for
    the first of a deeper object; and in a text, a backslash stands between a comma and a quote.
    """
    text, member = "insert(d.body, 1, 1, ',')", f',"{field}":{{}}'
    before = f"substring_index({text}, '{member}', k.n)"
    # A backslash is spelled as a number, since what one in a literal means depends on sql_mode.
    unescaped = before
    for escaped in (_BACKSLASH, _QUOTE):
        unescaped = f"replace({unescaped}, _utf8mb4 x'{_BACKSLASH}{escaped}', '')"
    brackets = f"regexp_replace({unescaped}, '\"[^\"]*\"', '')"
    opened = f"char_length(replace(replace({brackets}, '}}', ''), ']', ''))"
    closed = f"char_length(replace(replace({brackets}, '{{', ''), '[', ''))"
    # As many rows as there are such members.
    items = f"repeat(',0', (length(d.body) - length(replace({text}, '{member}', ''))) DIV {len(member)})"
    return (
        f"(SELECT char_length({before}) + {len(member) - 1} "
        f"FROM json_table(concat('[', substr({items}, 2), ']'), '$[*]' COLUMNS (n FOR ORDINALITY)) k "
        f"WHERE {opened} = {closed} LIMIT 1)"
    )
