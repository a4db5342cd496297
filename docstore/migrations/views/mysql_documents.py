"""Whole documents in the SQL of MariaDB and MySQL: the text of the head, with the parts inserted into their fields.

The texts are not parsed: MariaDB would change numbers, and read nothing that is nested deeply. Each empty field is
found in the text of the head; the document's own member is the one before which every bracket is closed. A user's
document lists its part fields itself.
"""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

from docstore.migrations.views.base import FIELDS, key_of, parts_of

_BACKSLASH: Final = "5C"
_QUOTE: Final = "22"

_MOST_DIGITS: Final = 9
"""How many digits the index of a list's item may have."""


class ServerSQL(Protocol):
    """The SQL of either server that is needed here."""

    collation: ClassVar[str]

    def list(self, json: str, key: str) -> str: ...

    def inside(self, json: str, *keys: str | int) -> str: ...

    def items(self, items: str, alias: str) -> str: ...

    def row(self, alias: str, **texts: str) -> str: ...

    def joined_by(self, separator: str, text: str) -> str: ...


def document_of_user(s: ServerSQL) -> str:
    """Return the text of the whole document ``d`` of a kind of a user's own."""
    layout = s.inside("d.body", "__document", "parts")
    field = f"field LONGTEXT CHARACTER SET utf8mb4 COLLATE {s.collation} PATH '$[0]'"
    fields = f"json_table(o.places, '$[*]' COLUMNS (nth FOR ORDINALITY, {field}, place INT PATH '$[1]')) f"
    # The place before this one in the list of places.
    before = "CASE f.nth WHEN 1 THEN 1 ELSE json_extract(o.places, concat('$[', f.nth - 2, '][1]')) + 2 END"
    piece = f"concat(substr(d.body, {before}, f.place - ({before})), {_members(s)})"
    return f"""CASE WHEN {layout} IS NULL THEN d.body ELSE (
                   SELECT CASE count(*) WHEN 0 THEN d.body
                       ELSE concat({s.joined_by("", piece)}, substr(d.body, max(f.place) + 2)) END
                   FROM {s.row("o", places=_places(s))} JOIN {fields}) END"""


def _places(s: ServerSQL) -> str:
    """Return the JSON list of each part field, as in its pattern, with the position of its empty value."""
    pattern = f"json_unquote(q.value) COLLATE {s.collation}"
    field = f"substr({pattern}, 2, char_length({pattern}) - 3)"
    name = f"replace(replace({field}, '~1', '/'), '~0', '~')"
    place = f"coalesce({_place(name, '{}')}, {_place(name, '[]')})"
    pair = f"concat('[', json_quote({field}), ',', {place}, ']')"
    patterns = s.items(s.list(s.inside("d.body", "__document"), "parts"), "q")
    return f"(SELECT concat('[', group_concat(DISTINCT {pair} ORDER BY {place} SEPARATOR ','), ']') FROM {patterns})"


def _place(name: str, empty: str) -> str:
    """Return the position, from 1, of the *empty* value of the document's own member *name*; NULL if there is none."""
    text, member = "insert(d.body, 1, 1, ',')", f"concat(',', json_quote({name}), ':{empty}')"
    before = f"substring_index({text}, {member}, k.n)"
    unescaped = before
    for escaped in (_BACKSLASH, _QUOTE):
        unescaped = f"replace({unescaped}, _utf8mb4 x'{_BACKSLASH}{escaped}', '')"
    brackets = f"regexp_replace({unescaped}, '\"[^\"]*\"', '')"
    opened = f"char_length(replace(replace({brackets}, '}}', ''), ']', ''))"
    closed = f"char_length(replace(replace({brackets}, '{{', ''), '[', ''))"
    count = f"(char_length({text}) - char_length(replace({text}, {member}, ''))) DIV char_length({member})"
    return (
        f"(SELECT char_length({before}) + char_length({member}) - 1 "
        f"FROM json_table(concat('[', substr(repeat(',0', {count}), 2), ']'), '$[*]' COLUMNS (n FOR ORDINALITY)) k "
        f"WHERE {opened} = {closed} LIMIT 1)"
    )


def _members(s: ServerSQL) -> str:
    """Return the JSON of the parts in the field ``f``: a list, if the head has an empty one."""
    return f"CASE substr(d.body, f.place, 1) WHEN '[' THEN {_items(s)} ELSE {_object(s)} END"


_PARTS: Final = (
    "documents p FORCE INDEX (PRIMARY) WHERE p.id = d.id "
    "AND p.path >= concat('/', f.field, '/') AND p.path < concat('/', f.field, '0')"
)


def _items(s: ServerSQL) -> str:
    """Return the list of the parts, by number of digits: in each group, the primary key's order is that of numbers."""
    some = (
        f"(SELECT {s.joined_by(',', 'p.body')} FROM {_PARTS} "
        f"AND char_length(p.path) = char_length(f.field) + {2 + digits})"
        for digits in range(1, _MOST_DIGITS + 1)
    )
    return f"concat('[', concat_ws(',', {', '.join(some)}), ']')"


def _object(s: ServerSQL) -> str:
    """Return the object of the parts, in the order of keys: the order of the primary key, unless a key is escaped."""
    escaped = "substr(p.path, char_length(f.field) + 3)"
    key = f"replace(replace({escaped}, '~1', '/'), '~0', '~')"
    member = f"concat(json_quote({key}), ':', p.body)"
    ordered = f"group_concat({member} ORDER BY {key} SEPARATOR ',')"
    length = f"sum(char_length({member})) + count(*) - 1"
    return f"""(SELECT CASE WHEN count(*) = 0 THEN '{{}}'
                       WHEN max(locate('~', {escaped})) = 0 THEN concat('{{', {s.joined_by(",", member)}, '}}')
                       WHEN char_length({ordered}) = {length} THEN concat('{{', {ordered}, '}}') END
                   FROM {_PARTS})"""


# --- an experiment ----------------------------------------------------------------------------------------------------


def document_of_experiment(s: ServerSQL) -> str:
    """Return the text of the whole experiment ``d``."""
    # The place of the last field first: to fill it moves none of the others. INSERT at 0 does nothing.
    body = "d.body"
    for field in sorted(FIELDS, reverse=True):
        body = f"insert({body}, coalesce({_place_of_field(field)}, 0), 2, {_members_of_field(s, field)})"
    return body


def _members_of_field(s: ServerSQL, field: str) -> str:
    """Return the SQL of the members of *field* of ``d`` as one object, in the order of the primary key.

    That is the order of the canonical text, and the one in which InnoDB reads the rows. GROUP_CONCAT, which takes an
    ORDER BY, cuts off texts longer than ``group_concat_max_len``: by default 1 MB on MariaDB, 1 kB on MySQL.
    """
    member = f"concat(json_quote({key_of(field)}), ':', p.body)"
    return (
        f"(SELECT CASE count(*) WHEN 0 THEN '{{}}' ELSE concat('{{', {s.joined_by(',', member)}, '}}') END "
        f"FROM documents p FORCE INDEX (PRIMARY) WHERE {parts_of(field)})"
    )


def _place_of_field(field: str) -> str:
    """Return the position, from 1, of the empty object of *field* in the text of ``d``; NULL if there is none.

    Objects deeper in the document may have the same name: the document's own member is the one before which every
    bracket is closed, not counting the first. With a comma in place of the first bracket, a comma precedes each member
    except the first of a deeper object; inside a text, a backslash comes between a comma and a quote.
    """
    text, member = "insert(d.body, 1, 1, ',')", f',"{field}":{{}}'
    before = f"substring_index({text}, '{member}', k.n)"
    # A backslash as a number, since its meaning in a literal depends on sql_mode.
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
