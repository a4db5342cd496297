"""The definitions of the views: their names, columns and rows, the same on every database."""

from __future__ import annotations

from typing import Final

from docstore.documents.kinds import AX, KINDS
from docstore.migrations.views.base import ViewSQL, parts_of
from docstore.migrations.views.computed_columns import best_value, minimize, objective, seconds_between

_LIVE: Final = "d.path = '' AND d.deleted_at IS NULL"
_OF_EXPERIMENTS: Final = f"WHERE d.kind = 'experiment' AND {_LIVE}"

_COUNTED: Final = (
    *("CANDIDATE", "STAGED", "RUNNING", "COMPLETED", "FAILED", "ABANDONED", "EARLY_STOPPED", "STALE", "DISPATCHED"),
)
"""The statuses of trials that have a column in ``experiments``."""

_CLASSES: Final = ("Range", "Choice", "Fixed", "Derived")


def selects(s: ViewSQL) -> dict[str, str]:
    """Return the SELECT of each view."""
    return {
        "experiments": _experiments(s),
        "trials": _trials(s),
        "arms": _arms(s),
        "parameters_long": _parameters_long(s),
        "observations": _observations(s),
        "generator_runs": _generator_runs(s),
        "search_space": _search_space(s),
        "versions_log": _versions_log(s),
        "document_json": _document_json(s),
    }


def _code(s: ViewSQL, alias: str, column: str, value: str) -> str:
    return f"LEFT JOIN codes {alias} ON {alias}.{s.column} = '{column}' AND {alias}.value = {value}"


def _experiments(s: ViewSQL) -> str:
    heads, goal, less = _heads_with_goals(s)
    return f"""
        SELECT d.name, d.project, d.type, t.name AS type_name, d.status, s.name AS status_name,
               {s.typed(s.boolean("d.body", "is_test"), "INTEGER")} AS is_test,
               {s.typed(s.text("d.body", "description"), "TEXT")} AS description,
               {s.typed(f"(SELECT count(*) FROM documents p WHERE {parts_of('trials')})", "INTEGER")} AS trials,
               {", ".join(f"{_count(s, status)} AS {status.lower()}" for status in _COUNTED)},
               {s.typed(goal, "TEXT")} AS objective,
               {s.typed(less, "INTEGER")} AS minimize,
               {s.typed(best_value(s, goal, less), "REAL")} AS best_value,
               d.version, d.created_at, d.updated_at, d.model, d.id
        FROM {heads}
        {_code(s, "t", "experiment_type", "d.type")}
        {_code(s, "s", "experiment_status", "d.status")}
        {_OF_EXPERIMENTS}"""


def _heads_with_goals(s: ViewSQL) -> tuple[str, str, str]:
    """Return the rows of heads ``d``, and the SQL of the objective of each and of whether it is minimized."""
    goal = objective(s)
    if not s.merges_computed_columns:
        return "documents d", goal, minimize(s, goal)
    named = f"(SELECT d.*, {goal} AS objective FROM documents d) d"
    return f"(SELECT d.*, {minimize(s, 'd.objective')} AS minimize FROM {named}) d", "d.objective", "d.minimize"


def _count(s: ViewSQL, status: str) -> str:
    code = f"SELECT c.value FROM codes c WHERE c.{s.column} = 'trial_status' AND c.name = '{status}'"
    those = f"{parts_of('trials')} AND p.status = ({code})"
    return s.typed(f"(SELECT count(*) FROM documents p WHERE {those})", "INTEGER")


def _with_parts(s: ViewSQL, field: str) -> str:
    """Return the rows of heads ``d`` and of their parts ``p`` in *field*, so that the index on position serves them."""
    return f"documents d JOIN {s.parts} ON {parts_of(field)} AND p.position IS NOT NULL"


def _trials(s: ViewSQL) -> str:
    started, completed = (s.moment("p.body", key) for key in ("time_run_started", "time_completed"))
    arm = _first_arm(s)
    return f"""
        SELECT d.name AS experiment, d.project, p.position AS trial_index, p.status, s.name AS status_name,
               {s.typed(s.exact_text(arm, "name"), "TEXT")} AS arm_name,
               {s.typed(s.arms, "TEXT")} AS arms,
               {s.typed(s.container(arm, "parameters"), "TEXT")} AS parameters,
               p.type AS generator_run_type, t.name AS generator_run_type_name,
               {s.typed(s.moment("p.body", "time_created"), "TEXT")} AS time_created,
               {s.typed(started, "TEXT")} AS time_run_started,
               {s.typed(completed, "TEXT")} AS time_completed,
               {s.typed(seconds_between(s, started, completed), "REAL")} AS run_time,
               p.version AS changed_in_version, d.id
        FROM {_with_parts(s, "trials")}
        {_code(s, "s", "trial_status", "p.status")}
        {_code(s, "t", "generator_run_type", "p.type")}
        {_OF_EXPERIMENTS}"""


def _first_arm(s: ViewSQL) -> str:
    """Return the JSON of the first arm of the trial ``p``, from its only or its first generator run."""
    runs = (s.inside("p.body", "generator_run"), s.inside(f"({s.list('p.body', 'generator_runs')})", 0))
    arms = (f"({s.list(run, 'arms')})" for run in runs)
    return f"coalesce({', '.join(s.inside(each, 0) for each in arms)})"


def _each_arm(s: ViewSQL) -> str:
    """Return the rows of heads ``d``, trials ``p`` and arms ``a``."""
    return f"""{_with_parts(s, "trials")}
        CROSS JOIN {s.arms_of_trial}"""


def _arms(s: ViewSQL) -> str:
    return f"""
        SELECT d.name AS experiment, d.project, p.position AS trial_index,
               {s.typed(s.arm["generator_run"], "INTEGER")} AS generator_run,
               {s.typed(s.arm["position"], "INTEGER")} AS position,
               {s.typed(s.exact_text(s.arm["json"], "name"), "TEXT")} AS arm_name,
               {s.typed(s.arm["weight"], "REAL")} AS weight,
               {s.typed(s.container(s.arm["json"], "parameters"), "TEXT")} AS parameters, d.id
        FROM {_each_arm(s)}
        {_OF_EXPERIMENTS}"""


def _parameters_long(s: ViewSQL) -> str:
    columns = ", ".join(f"{sql} AS {name}" for name, sql in s.member.items())
    return f"""
        SELECT d.name AS experiment, d.project, p.position AS trial_index,
               {s.typed(s.exact_text(s.arm["json"], "name"), "TEXT")} AS arm_name, {columns}, d.id
        FROM {_each_arm(s)}
        CROSS JOIN {s.members(s.inside(s.arm["json"], "parameters"))}
        {_OF_EXPERIMENTS}"""


def _observations(s: ViewSQL) -> str:
    r = s.item_of("r")
    return f"""
        SELECT d.name AS experiment, d.project, p.position AS trial_index,
               {s.typed(s.text(r, "arm_name"), "TEXT")} AS arm_name,
               {s.typed(s.text(r, "metric_name"), "TEXT")} AS metric_name,
               {s.number(r, "step")} AS step,
               {s.number(r, "mean")} AS mean,
               {s.number(r, "sem")} AS sem,
               {s.typed(s.moment(r, "start_time"), "TEXT")} AS start_time,
               {s.typed(s.moment(r, "end_time"), "TEXT")} AS end_time, d.id
        FROM {_with_parts(s, "data")}
        CROSS JOIN {s.items(s.list("p.body", "records"), "r")}
        {_OF_EXPERIMENTS}"""


def _generator_runs(s: ViewSQL) -> str:
    r = s.item_of("r")
    type_name = s.text(r, "generator_run_type")
    return f"""
        SELECT d.name AS experiment, d.project, p.position AS trial_index,
               {s.typed(s.nth_of("r"), "INTEGER")} AS position,
               {s.typed(type_name, "TEXT")} AS type_name, t.value AS type,
               {s.typed(s.text(r, "generator_key"), "TEXT")} AS generator_key,
               {s.typed(s.length(r, "arms"), "INTEGER")} AS arms, {s.typed(s.json_of("r"), "TEXT")} AS json, d.id
        FROM {_with_parts(s, "trials")}
        CROSS JOIN {s.items(s.runs, "r")}
        LEFT JOIN codes t ON t.{s.column} = 'generator_run_type' AND t.name = {type_name}
        {_OF_EXPERIMENTS}"""


def _search_space(s: ViewSQL) -> str:
    r = s.item_of("r")
    tag = s.exact_text(r, "__type")
    names = " ".join(f"WHEN '{ax}{name}Parameter' THEN '{name.lower()}'" for ax in ("", AX) for name in _CLASSES)
    other = f"CASE WHEN substr({tag}, 1, {len(AX)}) = '{AX}' THEN substr({tag}, {len(AX) + 1}) ELSE {tag} END"
    return f"""
        SELECT d.name AS experiment, d.project,
               {s.typed(s.exact_text(r, "name"), "TEXT")} AS parameter_name,
               {s.typed(f"CASE {tag} {names} ELSE {other} END", "TEXT")} AS class,
               {s.typed(s.exact_text(r, "parameter_type"), "TEXT")} AS parameter_type,
               {s.number(r, "lower")} AS lower,
               {s.number(r, "upper")} AS upper,
               {s.typed(s.boolean(r, "log_scale"), "INTEGER")} AS log_scale,
               {s.typed(s.container(r, "values"), "TEXT")} AS choices,
               {s.typed(s.json(r, "value"), "TEXT")} AS value, d.id
        FROM documents d
        CROSS JOIN {s.items(s.list(s.inside("d.body", "search_space"), "parameters"), "r")}
        {_OF_EXPERIMENTS}"""


def _versions_log(s: ViewSQL) -> str:
    return f"""
        SELECT d.kind, d.name, d.project, v.version, v.created_at, v.author, v.message,
               {s.typed(s.changes, "INTEGER")} AS changes,
               {s.typed("v.changes = 'null'", "INTEGER")} AS is_folded,
               {s.typed(s.tags, "TEXT")} AS tags, v.digest, d.id
        FROM documents d JOIN versions v ON v.id = d.id
        WHERE {_LIVE}"""


def _document_json(s: ViewSQL) -> str:
    fields = {kind.name: sorted(rule.field for rule in kind.parts) for kind in KINDS.values() if kind.parts}
    own = " ".join(f"WHEN '{kind}' THEN {s.document(names)}" for kind, names in fields.items())
    json = f"CASE d.kind {own} ELSE {s.document_of_user} END"
    return f"""
        SELECT d.kind, d.name, d.project, d.version,
               {s.typed(json, "TEXT")} AS json, d.id
        FROM documents d WHERE {_LIVE}"""
