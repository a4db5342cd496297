"""The comments on tables, views and columns, which a database tool shows beside the names.

PostgreSQL stores comments of tables and views, MariaDB those of tables; SQLite stores none. No text contains
a quote, a backslash or a percent sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sqlalchemy import MetaData
from sqlalchemy.engine import Connection


class Comments(NamedTuple):
    """The comment of a table or a view, and those of its columns by name."""

    text: str
    columns: Mapping[str, str]


_ID: Final = "Identifies the document for ever, whatever it is called: joins all tables and views"
_KIND: Final = "What sort of document it is: experiment, generation_strategy, analysis_card, or a sort of your own"
_PROJECT: Final = "The project in which the name is unique"
_TYPE: Final = "The type as an integer; type_name, or the table codes, says which"
_STATUS: Final = "The status as an integer; status_name, or the table codes, says which"
_VERSION: Final = "How many times it was saved; the newest state is shown"
_CREATED: Final = "When it was first saved, in UTC"
_UPDATED: Final = "When it was last saved, in UTC"
_DIGEST: Final = "SHA-256 of the content, the same on every database and in every file"

TABLES: Final = {
    "documents": Comments(
        "The newest state of every document: one row for what is in no part (the head, where path is empty), and one "
        "for each part, such as a trial. Read the views; write through docstore only, as the rows belong together.",
        {
            "id": _ID,
            "path": "The place of the row in the document, as in /trials/12; empty for the head",
            "project": _PROJECT,
            "kind": "What sort of document or part it is, as experiment or trial",
            "name": "What the document is called; NULL for parts",
            "owner": "The id of the document that this one belongs to, as a generation strategy to its experiment",
            "position": "The number of a part, as the index of a trial",
            "type": "The type as an integer; the table codes says which",
            "status": "The status as an integer; the table codes says which",
            "arm": "Of a trial of one arm, the name of the arm",
            "signature": "Of such a trial, what identifies the parameters; an asterisk if only the body has its arms",
            "model": "The family of classes that the document was made from, as docstore or user; NULL for parts",
            "version": "The version in which the row was last changed; of a head, the newest version of the document",
            "added": "The version that added the part; NULL for heads. The table versions has the times of both",
            "created_at": f"{_CREATED}; NULL for parts",
            "updated_at": f"{_UPDATED}; NULL for parts",
            "deleted_at": "When the document was deleted, in UTC; NULL while it is there",
            "deleted_by": "Who deleted it",
            "tags": "Of the head, what the table tags has of the document, as JSON; NULL if nothing",
            "seal": "SHA-256 of the three columns before it: shows whether they were edited",
            "digest": "SHA-256 of the body",
            "parts_digest": "Of the head, how many parts there are, and the sum of their digests; NULL without parts",
            "body": "The content as JSON",
        },
    ),
    "names": Comments(
        "Which document has which name, for those that are not deleted: makes names unique.",
        {
            "project": _PROJECT,
            "kind": "What sort of document it is, as experiment",
            "name": "What the document is called",
            "id": _ID,
        },
    ),
    "versions": Comments(
        "Every save of every document: who saved it, when, and the changes that lead back to the version before.",
        {
            "id": _ID,
            "version": "Counts the saves of the document, from 1",
            "created_at": "When it was saved, in UTC",
            "author": "Who saved it",
            "message": "What the author said of it",
            "changes": "What was changed, as JSON; null where the version was folded into a later one",
            "digest": "SHA-256 of the document as it was saved",
            "chain": "SHA-256 over this row and all before it: shows whether history was edited",
            "parent": "The version of another document from which this one came, by a branch or a merge, as JSON",
            "folded": "Digest of the changes that were saved, if folding replaced them by others",
        },
    ),
    "states": Comments(
        "Whole documents as they were at some old versions: older ones are rebuilt from the next of these.",
        {
            "id": _ID,
            "version": "The version at which the document was like this",
            "path": "The place of the row in the document, as in /trials/12; empty for the head",
            "digest": "SHA-256 of the body",
            "body": "The head or the part as it was, as JSON",
        },
    ),
    "tags": Comments(
        "Names that people gave to versions.",
        {
            "id": _ID,
            "tag": "The name, given once in a document",
            "version": "The version that has it",
            "created_at": "When it was given, in UTC",
            "author": "Who gave it",
        },
    ),
    "codes": Comments(
        "What the integers in the columns type and status mean.",
        {
            "column": "Which enum it is, as experiment_type or trial_status",
            "value": "The integer",
            "name": "What the integer means, as COMPLETED",
        },
    ),
    "place_indexes": Comments(
        "Which places in the JSON of documents have an index, so that searching by them is fast.",
        {
            "name": "What the index is called in this database",
            "kind": "The sort of documents that it finds",
            "part": "The sort of parts that contain the place; NULL for the head",
            "pointer": "The place, as in /properties/team",
            "created_at": "When it was made, in UTC",
        },
    ),
    "docstore_schema": Comments(
        "Which migration the tables are at: kept by docstore.", {"version_num": "The newest migration that was run"}
    ),
}

_EXPERIMENT: Final = "The name of the experiment"
_TRIAL: Final = "The number of the trial in its experiment, from 0"
_ARM: Final = "The name of the arm, which is one choice of values for the parameters"
_ZONED: Final = "as ISO 8601 text, with its distance from UTC if it has a zone"
_COUNT: Final = "How many of the trials have the status {}"

VIEWS: Final = {
    "experiments": Comments(
        "One row for each experiment that is not deleted: what it is, how far it is, and how good it has become.",
        {
            "name": _EXPERIMENT,
            "project": _PROJECT,
            "type": _TYPE,
            "type_name": "The type of the experiment",
            "status": _STATUS,
            "status_name": "How far the experiment is, as DRAFT, OPTIMIZATION or COMPLETED",
            "is_test": "Whether it only tests the machinery",
            "description": "What the people who made it say of it",
            "trials": "How many trials it has, of any status",
            "candidate": _COUNT.format("CANDIDATE: proposed, not begun"),
            "staged": _COUNT.format("STAGED: made ready to run"),
            "running": _COUNT.format("RUNNING"),
            "completed": _COUNT.format("COMPLETED"),
            "failed": _COUNT.format("FAILED"),
            "abandoned": _COUNT.format("ABANDONED: given up for good"),
            "early_stopped": _COUNT.format("EARLY_STOPPED: stopped as they promised nothing"),
            "stale": _COUNT.format("STALE: never begun, and no longer wanted"),
            "dispatched": _COUNT.format("DISPATCHED: handed over to be run; only in old experiments"),
            "objective": "The metric that is optimized; of several, their names, joined by a comma and a blank",
            "minimize": "Whether less of it is better; NULL where the objective is not one metric, with at most a sign "
            "and a factor",
            "best_value": "The value of the best arm, whatever the constraints, as Store.best() computes it. Trials "
            "that failed, were abandoned or are stale do not count, nor do abandoned arms. The value of an arm is the "
            "mean at the last step of a trial, averaged over its trials, in units of the metric. An arm with a mean "
            "that is infinite, or beyond 1e300, does not count. NULL where minimize is, or nothing was observed",
            "version": _VERSION,
            "created_at": _CREATED,
            "updated_at": _UPDATED,
            "model": "Digest of the names and versions of the classes in it",
            "id": _ID,
        },
    ),
    "trials": Comments(
        "One row for each trial of each experiment: its arms, its status, and when it ran.",
        {
            "experiment": _EXPERIMENT,
            "project": _PROJECT,
            "trial_index": _TRIAL,
            "status": _STATUS,
            "status_name": "How far the trial is, as CANDIDATE, RUNNING, COMPLETED or FAILED",
            "arm_name": "The name of its first arm, or of its only one",
            "arms": "The names of all its arms, each once, as a JSON list",
            "parameters": "The values of the parameters of its first arm, as a JSON object",
            "generator_run_type": "The type of what proposed it, as an integer; of several, of the first",
            "generator_run_type_name": "The type of what proposed it, as SOBOL or BO; of several, of the first",
            "time_created": f"When it was proposed, {_ZONED}",
            "time_run_started": f"When it began to run, {_ZONED}",
            "time_completed": f"When it ended, in whatever way, {_ZONED}",
            "run_time": (
                "Seconds from time_run_started to time_completed; NULL where one is missing, or only one has a zone"
            ),
            "changed_in_version": "The version of the experiment in which the trial was last changed",
            "id": _ID,
        },
    ),
    "arms": Comments(
        "One row for each arm of each trial, whether one or several of its generator runs proposed it.",
        {
            "experiment": _EXPERIMENT,
            "project": _PROJECT,
            "trial_index": _TRIAL,
            "generator_run": "Which of the generator runs of the trial proposed it, from 0; of several, the first",
            "position": "Which of the arms of that generator run it is, from 0",
            "arm_name": _ARM,
            "weight": "Its share of the trial, beside the weights of the other arms; of several runs, the sum",
            "parameters": "The values of its parameters, as a JSON object",
            "id": _ID,
        },
    ),
    "parameters_long": Comments(
        "One row for each value of a parameter: of each arm of each trial. A tidy table, to join with observations.",
        {
            "experiment": _EXPERIMENT,
            "project": _PROJECT,
            "trial_index": _TRIAL,
            "arm_name": _ARM,
            "parameter_name": "The name of the parameter",
            "type": "What the value is: number, text, boolean, null, or json for anything else",
            "number": "The value, if it is a number, as a double",
            "text": "The value as text, whatever it is: true and false of a boolean, all digits of a number",
            "id": _ID,
        },
    ),
    "observations": Comments(
        "One row for each observation: of one metric of one arm of one trial, at one step. A tidy table.",
        {
            "experiment": _EXPERIMENT,
            "project": _PROJECT,
            "trial_index": _TRIAL,
            "arm_name": _ARM,
            "metric_name": "The name of the metric",
            "step": "How far the trial was when it was observed, in its own units; NULL if observed once",
            "mean": "What was observed, in units of the metric",
            "sem": "The standard error of the mean, in the same units; NULL if unknown",
            "start_time": f"When what was observed began: a time {_ZONED}",
            "end_time": f"When what was observed ended: a time {_ZONED}",
            "id": _ID,
        },
    ),
    "generator_runs": Comments(
        "One row for each generator run of each trial: what proposed its arms.",
        {
            "experiment": _EXPERIMENT,
            "project": _PROJECT,
            "trial_index": _TRIAL,
            "position": "Which of the generator runs of the trial it is, from 0",
            "type_name": "The type of what proposed the arms, as SOBOL or BO",
            "type": "The same as an integer",
            "generator_key": "The name of the generator",
            "arms": "How many arms it proposed",
            "json": "All of it, as JSON",
            "id": _ID,
        },
    ),
    "search_space": Comments(
        "One row for each parameter of each experiment: which values it may take.",
        {
            "experiment": _EXPERIMENT,
            "project": _PROJECT,
            "parameter_name": "The name of the parameter",
            "class": "What it is: range, choice, fixed, derived, or a class of your own",
            "parameter_type": "The type of its values: FLOAT, INT, STRING or BOOL",
            "lower": "The smallest value of a range, which is allowed",
            "upper": "The largest value of a range, which is allowed",
            "log_scale": "Whether the search moves on a logarithmic scale",
            "choices": "The values of a choice, as a JSON list",
            "value": "The value of a fixed parameter, as JSON",
            "id": _ID,
        },
    ),
    "versions_log": Comments(
        "One row for each version of each document that is not deleted: who saved it, when, and why.",
        {
            "kind": _KIND,
            "name": "What the document is called now",
            "project": _PROJECT,
            "version": "Counts the saves of the document, from 1",
            "created_at": "When it was saved, in UTC",
            "author": "Who saved it",
            "message": "What the author said of it",
            "changes": "How many changes lead back to the version before; NULL where the version was folded",
            "is_folded": "Whether it was folded into a later one, and can no longer be loaded",
            "tags": "The names that people gave it, as a JSON list",
            "digest": _DIGEST,
            "id": _ID,
        },
    ),
    "document_json": Comments(
        "One row for each document that is not deleted, of any sort, with all of it as one JSON value.",
        {
            "kind": _KIND,
            "name": "What the document is called",
            "project": _PROJECT,
            "version": _VERSION,
            "json": "The whole document, as a file of it has it",
            "id": _ID,
        },
    ),
}

# --- the statements that set them -------------------------------------------------------------------------------------

_COLUMN: Final = re.compile(r"^  (`(\w+)` .*?)(?: COMMENT '(?:[^']|'')*')?,?$", re.MULTILINE)
"""A column in the CREATE TABLE statement that MariaDB shows: its whole definition, and its name."""


def comment(connection: Connection) -> None:
    """Set all comments on the tables and views; SQLite stores none."""
    name = connection.dialect.name
    if name == "postgresql":
        for statement in _of_postgresql():
            connection.exec_driver_sql(statement)
    elif name in ("mysql", "mariadb"):
        for table, said in TABLES.items():
            [(_, made)] = connection.exec_driver_sql(f"SHOW CREATE TABLE {table}")
            connection.exec_driver_sql(_of_mysql(table, made, said))


def comments_as_sql(name: str) -> list[str]:
    """Return the statements that set the comments, for SQLAlchemy's dialect *name*; none but for PostgreSQL.

    MariaDB takes a comment with the whole definition of its column, as the server shows it.
    """
    return list(_of_postgresql()) if name == "postgresql" else []


def described(metadata: MetaData) -> MetaData:
    """Return the tables of *metadata* with their comments, for Alembic's comparison with a database."""
    found = MetaData()
    for table in metadata.sorted_tables:
        copy, said = table.to_metadata(found), TABLES[table.name]
        copy.comment = said.text
        for column in copy.columns:
            column.comment = said.columns[column.name]
    return found


def _of_postgresql() -> Iterator[str]:
    for word, several in (("TABLE", TABLES), ("VIEW", VIEWS)):
        for name, said in several.items():
            yield f"COMMENT ON {word} {name} IS '{said.text}'"
            for column, text in said.columns.items():
                yield f"COMMENT ON COLUMN {name}.\"{column}\" IS '{text}'"


def _of_mysql(table: str, made: str, said: Comments) -> str:
    """Return the statement that sets the comments of a table, whose CREATE TABLE statement is *made*.

    A column's comment is set by repeating its whole definition, exactly as the server shows it, since what is left out
    would be changed. The server refuses if that would touch a row.
    """
    columns = (
        f"MODIFY COLUMN {column} COMMENT '{said.columns[name]}'"
        for column, name in _COLUMN.findall(made)
        if name in said.columns
    )
    changes = ", ".join([*columns, f"COMMENT = '{said.text}'"])
    return f"ALTER TABLE {table} {changes} /*M!, ALGORITHM = INSTANT */"
