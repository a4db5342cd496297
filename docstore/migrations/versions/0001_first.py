"""The tables documents, versions and codes, and the views in which a person reads them.

A migration is history: it spells out what it made, whatever the code says by now. A test holds it to
``tables``.
"""

import sqlalchemy as sa
from alembic import op

from docstore.dialect import JsonText, UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything."""
    _documents()
    _versions()
    _codes()
    for name, select in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {select}")


def downgrade() -> None:
    """Refuse: going back would drop every document."""
    raise SystemExit(
        "docstore's first migration cannot be undone: it would drop every document. Drop the tables by hand."
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("path", sa.String(255), primary_key=True),
        sa.Column("project", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255)),
        sa.Column("owner", sa.String(32)),
        sa.Column("position", sa.Integer),
        sa.Column("type", sa.Integer),
        sa.Column("status", sa.Integer),
        sa.Column("model", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("deleted_at", UtcTime),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", JsonText, nullable=False),
    )
    live = sa.text("path = '' AND deleted_at IS NULL")
    op.create_index(
        "documents_name",
        "documents",
        ["name", "kind", "project"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("documents_type", "documents", ["kind", "type"])
    op.create_index("documents_status", "documents", ["kind", "status"])
    op.create_index("documents_owner", "documents", ["owner"])


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("changes", JsonText, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("chain", sa.String(64), nullable=False),
    )


def _codes() -> None:
    op.create_table(
        "codes",
        sa.Column("column", sa.String(64), primary_key=True),
        sa.Column("value", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.UniqueConstraint("column", "name", name="codes_name"),
    )


def _number(json: str, key: str) -> str:
    """Return the SQL of a number under *key* of *json*; SQLite has infinities and no NaN, which is shown as null."""
    value, special = f"json_extract({json}, '$.{key}')", f"json_extract({json}, '$.{key}.value')"
    return (
        f"CASE json_type({json}, '$.{key}') WHEN 'object' THEN CASE {special} WHEN 'inf' THEN 9e999 "
        f"WHEN '-inf' THEN -9e999 WHEN 'nan' THEN NULL ELSE CAST({special} AS REAL) END ELSE {value} END"
    )


def _moment(json: str, key: str) -> str:
    """Return the SQL of a tagged time under *key* of *json*, as its ISO text, or of whatever else stands there."""
    return (
        f"CASE json_type({json}, '$.{key}') WHEN 'object' THEN json_extract({json}, '$.{key}.value') "
        f"ELSE json_extract({json}, '$.{key}') END"
    )


def _code(alias: str, column: str, of: str) -> str:
    name = "type" if column.endswith("_type") else "status"
    return f"LEFT JOIN codes {alias} ON {alias}.\"column\" = '{column}' AND {alias}.value = {of}.{name}"


def _members(field: str) -> str:
    """Return the SQL of all parts of *field* as one object, keys in the order of the canonical text."""
    return (
        f"(SELECT json_group_object(key, json(body)) FROM (SELECT substr(p.path, {len(field) + 3}) AS key, p.body "
        f"FROM documents p WHERE p.id = d.id AND p.path LIKE '/{field}/%' ORDER BY 1))"
    )


_RUNS = """CASE json_type(p.body, '$.generator_run')
                WHEN 'object' THEN json_array(p.body -> '$.generator_run')
                ELSE coalesce(p.body -> '$.generator_runs', '[]') END"""

_LIVE = "d.path = '' AND d.deleted_at IS NULL"

VIEWS = {
    "experiments": f"""
        SELECT d.name, d.project, d.type, t.name AS type_name, d.status, s.name AS status_name,
               (SELECT count(*) FROM documents p WHERE p.id = d.id AND p.kind = 'trial') AS trials,
               d.version, d.created_at, d.updated_at, d.model, d.id
        FROM documents d {_code("t", "experiment_type", "d")} {_code("s", "experiment_status", "d")}
        WHERE d.kind = 'experiment' AND {_LIVE}""",
    "trials": f"""
        SELECT d.name AS experiment, p.position AS trial_index, p.status, s.name AS status_name,
               p.type AS generator_run_type, t.name AS generator_run_type_name,
               (SELECT json_group_array(json_extract(a.value, '$.name'))
                FROM json_each({_RUNS}) r JOIN json_each(r.value, '$.arms') a) AS arms,
               coalesce(p.body -> '$.generator_run.arms[0].parameters',
                        p.body -> '$.generator_runs[0].arms[0].parameters') AS parameters,
               json_extract(p.body, '$.time_created') AS time_created,
               json_extract(p.body, '$.time_completed') AS time_completed,
               p.version AS changed_in_version, d.id
        FROM documents p JOIN documents d ON d.id = p.id AND {_LIVE}
        {_code("s", "trial_status", "p")} {_code("t", "generator_run_type", "p")}
        WHERE p.kind = 'trial'""",
    "generator_runs": f"""
        SELECT d.name AS experiment, p.position AS trial_index, r.key AS position,
               json_extract(r.value, '$.generator_run_type') AS type_name, t.value AS type,
               json_extract(r.value, '$.generator_key') AS generator_key,
               json_array_length(r.value, '$.arms') AS arms, r.value AS json, d.id
        FROM documents p JOIN documents d ON d.id = p.id AND {_LIVE}
        JOIN json_each({_RUNS}) r
        LEFT JOIN codes t
               ON t."column" = 'generator_run_type' AND t.name = json_extract(r.value, '$.generator_run_type')
        WHERE p.kind = 'trial'""",
    "observations": f"""
        SELECT d.name AS experiment, p.position AS trial_index, json_extract(r.value, '$.arm_name') AS arm_name,
               json_extract(r.value, '$.metric_name') AS metric_name, {_number("r.value", "step")} AS step,
               {_number("r.value", "mean")} AS mean, {_number("r.value", "sem")} AS sem,
               {_moment("r.value", "start_time")} AS start_time, {_moment("r.value", "end_time")} AS end_time, d.id
        FROM documents p JOIN documents d ON d.id = p.id AND {_LIVE}
        JOIN json_each(p.body, '$.records') r
        WHERE p.kind = 'data'""",
    "document_json": f"""
        SELECT d.kind, d.name, d.project, d.version,
               CASE d.kind WHEN 'experiment'
                    THEN json_set(d.body, '$.data', json({_members("data")}), '$.trials', json({_members("trials")}))
                    ELSE d.body END AS json, d.id
        FROM documents d WHERE {_LIVE}""",
}
