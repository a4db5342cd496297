"""Tune zlib on the standard library's own sources, save each trial, and look in another process at what was saved.

Run it: ``python examples/quickstart.py``, with ``--folder DIR`` to choose where the files go. In the folder of a run
that was stopped, it goes on where that one stopped. ``--look DATABASE`` shows what is in a database that it made.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import math
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from enum import Enum
from pathlib import Path

import docstore
from docstore import (
    Arm,
    ChoiceParameter,
    Data,
    Experiment,
    ExperimentStatus,
    FixedParameter,
    GeneratorRun,
    Metric,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterType,
    RangeParameter,
    SearchSpace,
    Trial,
    TrialStatus,
    Version,
)
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment

NAME = "zlib-on-sources"
WIDTH = 100
SEED = 1950
REPEATS = 3
TRIALS = 28
RANDOM_TRIALS = 10

Settings = dict[str, int | str]


class ExperimentType(Enum):
    """What an experiment is for. The database keeps the integers in an indexed column."""

    PILOT = 0
    TUNING = 1


class RunType(Enum):
    """Where a trial's settings came from."""

    DEFAULT = 0
    RANDOM = 1
    NEIGHBOUR = 2


# --- the experiment ------------------------------------------------------------------------------------------------


def search_space() -> SearchSpace:
    """Return all that may be tried: 405 settings of zlib."""
    strategies = ["Z_DEFAULT_STRATEGY", "Z_FILTERED", "Z_HUFFMAN_ONLY", "Z_RLE", "Z_FIXED"]
    return SearchSpace(
        [
            RangeParameter("level", ParameterType.INT, lower=1, upper=9),
            ChoiceParameter("memLevel", ParameterType.INT, values=list(range(1, 10)), is_ordered=True),
            ChoiceParameter("strategy", ParameterType.STRING, values=strategies, is_ordered=False),
            FixedParameter("wbits", ParameterType.INT, value=15),
        ]
    )


def new_experiment(name: str, kind: ExperimentType, sample: bytes) -> Experiment:
    """Return an experiment without trials. It asks which settings pack *sample* best without being much slower."""
    ratio, seconds = Metric("ratio", lower_is_better=False), Metric("seconds", lower_is_better=True)
    limit = OutcomeConstraint("seconds <= 1.5 * baseline")
    experiment = Experiment(
        search_space(),
        name,
        OptimizationConfig(Objective(metric=ratio), [limit]),
        tracking_metrics=[seconds],
        status_quo=Arm({"level": 6, "memLevel": 8, "strategy": "Z_DEFAULT_STRATEGY", "wbits": 15}),
        experiment_type=kind,
        properties={
            "sample": described(sample),
            "python": platform.python_version(),
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
        },
    )
    experiment.status = ExperimentStatus.OPTIMIZATION
    return experiment


def read_sample(size: int) -> bytes:
    """Return the first *size* bytes of the standard library's sources, in the order of their names."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return b"".join(file.read_bytes() for file in files)[:size]


def described(sample: bytes) -> dict[str, int | str]:
    """Return what tells *sample* from any other."""
    return {"bytes": len(sample), "sha256": hashlib.sha256(sample).hexdigest()}


# --- one trial -----------------------------------------------------------------------------------------------------


def measure(sample: bytes, settings: Settings) -> dict[str, list[float]]:
    """Return what was measured in each of some runs: the compression ratio, and the seconds of processor time.

    Raises:
        zlib.error: zlib refuses the settings, or does not give back what it packed.
    """
    strategy = getattr(zlib, str(settings["strategy"]))
    runs: dict[str, list[float]] = {"ratio": [], "seconds": []}
    for _ in range(REPEATS):
        start = time.process_time()
        packer = zlib.compressobj(settings["level"], zlib.DEFLATED, settings["wbits"], settings["memLevel"], strategy)
        packed = packer.compress(sample) + packer.flush()
        runs["seconds"].append(time.process_time() - start)
        runs["ratio"].append(len(sample) / len(packed))
    if zlib.decompress(packed) != sample:
        raise zlib.error("what was unpacked is not what was packed")
    return runs


def as_data(trial: Trial, runs: dict[str, list[float]]) -> Data:
    """Return the mean of each metric, with the standard error of the mean (sem)."""
    where = {"trial_index": trial.index, "arm_name": trial.arm.name}
    return Data.from_records(
        {
            **where,
            "metric_name": metric,
            "mean": statistics.fmean(values),
            "sem": statistics.stdev(values) / math.sqrt(len(values)),
        }
        for metric, values in runs.items()
    )


def run_trial(store: docstore.Store, experiment: Experiment, generator_run: GeneratorRun, sample: bytes) -> None:
    """Run one trial, and save it when it starts and when it ends: whatever happens between, it is known that it ran."""
    trial = experiment.new_trial(generator_run).mark_running()
    store.save_trial(experiment, trial, message=f"trial {trial.index} starts")
    try:
        experiment.attach_data(as_data(trial, measure(sample, trial.arm.parameters)))
    except zlib.error as error:
        trial.mark_failed(reason=str(error))
    else:
        trial.mark_completed()
    store.save_trial(experiment, trial, message=f"trial {trial.index} ends")


# --- which settings to try next ------------------------------------------------------------------------------------


def next_run(experiment: Experiment) -> GeneratorRun:
    """Return the settings to try next: zlib's default, then some at random, then the nearest to the best so far."""
    index = experiment.num_trials
    if index == 0:
        return GeneratorRun([experiment.status_quo], generator_run_type=RunType.DEFAULT)
    # A seed for each trial, so that a run that was stopped goes on as if it had not been.
    rng = random.Random(f"{SEED} {index}")
    tried = [trial.arm.parameters for trial in experiment.trials.values()]
    untried = [settings for settings in all_settings(experiment.search_space) if settings not in tried]
    if index <= RANDOM_TRIALS:
        return GeneratorRun([Arm(rng.choice(untried))], generator_run_type=RunType.RANDOM)
    best = experiment.trials[ranking(experiment)[0]].arm.parameters
    nearest = min(distance(settings, best) for settings in untried)
    choice = rng.choice([settings for settings in untried if distance(settings, best) == nearest])
    return GeneratorRun([Arm(choice)], generator_run_type=RunType.NEIGHBOUR)


def all_settings(space: SearchSpace) -> Iterator[Settings]:
    """Yield every point of *space*."""
    values = {
        "level": range(space.parameters["level"].lower, space.parameters["level"].upper + 1),
        "memLevel": space.parameters["memLevel"].values,
        "strategy": space.parameters["strategy"].values,
        "wbits": [space.parameters["wbits"].value],
    }
    return (dict(zip(values, point, strict=True)) for point in itertools.product(*values.values()))


def distance(a: Settings, b: Settings) -> int:
    """Return how many steps lead from *a* to *b*."""
    return abs(a["level"] - b["level"]) + abs(a["memLevel"] - b["memLevel"]) + (a["strategy"] != b["strategy"])


def means(experiment: Experiment, metric: str) -> dict[int, float]:
    """Return the mean of *metric* by trial, for all trials in which it was measured."""
    return {record["trial_index"]: record["mean"] for record in experiment.data.filter(metric_names=[metric]).records}


def time_limit(experiment: Experiment) -> float:
    """Return the seconds that settings may take: the experiment's own rule, in percent more than its status quo."""
    rule = experiment.optimization_config.outcome_constraints[0]
    return (1 + rule.bound / 100) * means(experiment, "seconds")[0]


def ranking(experiment: Experiment) -> list[int]:
    """Return the trials within the limit, the best ratio first."""
    ratio, seconds, limit = means(experiment, "ratio"), means(experiment, "seconds"), time_limit(experiment)
    return sorted((index for index in ratio if seconds[index] <= limit), key=lambda index: -ratio[index])


# --- a whole experiment, saved as it goes --------------------------------------------------------------------------


def tune(store: docstore.Store, name: str, kind: ExperimentType, sample: bytes, trials: int) -> Version:
    """Run the experiment *name*, or go on with it, until it has so many *trials*; return its newest version."""
    experiment = start_or_resume(store, name, kind, sample)
    while experiment.num_trials < trials:
        run_trial(store, experiment, next_run(experiment), sample)
    experiment.status = ExperimentStatus.COMPLETED
    experiment.properties["best_trial"] = ranking(experiment)[0]
    # Where nothing changed, save() writes nothing, and returns the version that is there.
    return store.save(experiment, message="all trials done")


def start_or_resume(store: docstore.Store, name: str, kind: ExperimentType, sample: bytes) -> Experiment:
    """Return the stored experiment *name*, its interrupted trials marked so, or a new one, saved."""
    if not store.find(kind="experiment", name=name):
        experiment = new_experiment(name, kind, sample)
        store.save(experiment, message="the plan")
        return experiment
    experiment = store.load(name)
    if experiment.properties["sample"] != described(sample):
        raise SystemExit(f"{name} was measured on another sample, perhaps by another Python: choose another --folder.")
    for trial in experiment.trials_by_status[TrialStatus.RUNNING]:
        trial.mark_failed(reason="the process was stopped")
        store.save_trial(experiment, trial, message=f"trial {trial.index} was interrupted")
    return experiment


def run(folder: Path) -> Path:
    """Run a pilot and the experiment proper, and return the path of the database that they are in."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "lab.db"
    heading("An experiment, saved as it runs")
    sample = read_sample(2_000_000)
    say(
        f"""Which settings make zlib pack Python sources best, in at most 1.5 times the time that its default settings
        take? The sample is {len(sample):,} bytes of the standard library. A pilot of 5 trials on a tenth of it comes
        first, then {NAME}: {TRIALS} trials on all of it, the default, {RANDOM_TRIALS} at random, and then the nearest
        to the best so far. Each is measured {REPEATS} times, and saved when it starts and when it ends. Stop this
        process at any moment: nothing that was measured is lost. Now they run."""
    )
    url = f"sqlite:///{database}"
    enums = {"experiment_type_enum": ExperimentType, "generator_run_type_enum": RunType}
    with closing(docstore.connect(url, **enums)) as store:
        tune(store, "zlib-pilot", ExperimentType.PILOT, sample[: len(sample) // 10], 5)
        start = time.perf_counter()
        version = tune(store, NAME, ExperimentType.TUNING, sample, TRIALS)
    say(f"Done in {time.perf_counter() - start:.1f} s. {NAME} is at version {version.number}, in the database")
    print(f"  {database}")
    return database


# --- another process looks at what is there ------------------------------------------------------------------------


def look(database: Path) -> None:
    """Show what a person can ask of *database*, each by a call or two."""
    heading("Another process loads it")
    say("This is a new Python process. It knows nothing but the path of the database.")
    with closing(docstore.connect(f"sqlite:///{database}")) as store:
        experiment = store.load(NAME)
        show_best(experiment)
        show_history(store.history(NAME))
        show_differences(store, experiment)
        show_time_travel(store)
        show_sql(database)
        show_row(database, experiment.properties["best_trial"])
        show_file(store, experiment, database.with_name(f"{NAME}.json"))
        show_proof(store)
    show_next(database)


def show_best(experiment: Experiment) -> None:
    """Print the best trials, beside the settings that all are compared with."""
    code(f'experiment = store.load("{NAME}")')
    records = {(record["trial_index"], record["metric_name"]): record for record in experiment.data.records}
    rows = []
    for index in [*ranking(experiment)[:3], 0]:
        parameters = experiment.trials[index].arm.parameters
        results = [records[index, metric] for metric in ("ratio", "seconds")]
        shown = [f"{result['mean']:.4f} ± {result['sem']:.4f}" for result in results]
        rows.append((index, *shown, *parameters.values(), "the default" if index == 0 else ""))
    say(
        f"""It is the same object again: search space, rules, {experiment.num_trials} trials and their data. The best
        trials within the limit of {time_limit(experiment):.4f} s, and the default, with their standard errors (sem):"""
    )
    table(("trial", "ratio ± sem", "seconds ± sem", *experiment.search_space.parameters, ""), rows)


def show_history(history: list[Version]) -> None:
    """Print the newest and the oldest versions."""
    heading("Its history")
    code(f'store.history("{NAME}")')
    say("Every save is a version: who saved what, when, and why. Only what changed is stored, so that it stays small.")
    rows = [
        (v.number, f"{v.created_at:%Y-%m-%d %H:%M:%S} UTC", v.author, v.message, len(v.changes))
        for v in (*history[:3], *history[-3:])
    ]
    gap = ("...", f"{len(history) - 6} more", "", "", "")
    table(("version", "time", "author", "message", "changes"), [*rows[:3], gap, *rows[3:]])


def show_differences(store: docstore.Store, experiment: Experiment) -> None:
    """Print what changed when the best trial ran, and in the last version."""
    heading("What changed between two versions, in words")
    last = store.history(NAME)[0].number
    ends = ended(store, experiment.properties["best_trial"])
    say(f"While trial {experiment.properties['best_trial']}, the best one, ran:")
    for old, new in ((ends - 1, ends), (last - 1, last)):
        if new == last:
            say("And at the end, when the conclusion was drawn:")
        code(f'print(store.diff("{NAME}", {old}, {new}))')
        quote(store.diff(NAME, old, new).words)


def ended(store: docstore.Store, trial: int) -> int:
    """Return the version in which *trial* ended."""
    return next(v.number for v in store.history(NAME) if v.message == f"trial {trial} ends")


def show_time_travel(store: docstore.Store) -> None:
    """Print what was known when the random trials were over."""
    heading("What did I know then?")
    version = ended(store, RANDOM_TRIALS)
    then = store.load(NAME, version=version)
    code(f'then = store.load("{NAME}", version={version})', "# or at=a_datetime")
    best = ranking(then)[0]
    say(
        f"""Any version loads exactly as it was saved. When the random trials were over there were {then.num_trials},
        the best was trial {best} with a ratio of {means(then, "ratio")[best]:.4f}, and the status was {then.status.name}.
        A figure that was made that day can be made again."""
    )


def show_sql(database: Path) -> None:
    """Print the experiments of one type, as found without docstore."""
    heading("The same in SQL, for any database tool")
    say("Types and statuses are indexed integers, and views show their names. Plain sqlite3 is enough:")
    query(
        database,
        """SELECT name, type, type_name, status_name, trials, version
           FROM experiments
           WHERE type_name = 'TUNING'""",
    )
    query(
        database,
        """SELECT generator_run_type_name AS settings, count(*) AS trials, round(max(mean), 4) AS best_ratio
           FROM trials JOIN observations USING (id, trial_index)
           WHERE trials.experiment = 'zlib-on-sources' AND metric_name = 'ratio'
           GROUP BY generator_run_type""",
    )


def show_row(database: Path, trial: int) -> None:
    """Print the row of one trial in the table that everything is in."""
    heading("Nothing hidden: the row of a trial")
    say("All is in one table, a row for each trial, and the trial in it is JSON that a person can read:")
    sql = f"""SELECT path, kind, position, status, version, digest, body
              FROM documents
              WHERE kind = 'trial' AND path = '/trials/{trial}'
                AND id = (SELECT id FROM experiments WHERE name = '{NAME}')"""
    code(textwrap.dedent(f"{' ' * 14}{sql}"))
    with closing(sqlite3.connect(database)) as connection:
        cursor = connection.execute(sql)
        names, row = [column[0] for column in cursor.description], cursor.fetchone()
    for name, value in zip(names, row, strict=True):
        quote(textwrap.wrap(f"{name:>8} = {shortened(str(value), 520)}", WIDTH - 2, subsequent_indent=" " * 11))


def show_file(store: docstore.Store, experiment: Experiment, path: Path) -> None:
    """Write the experiment to a file, and print that it is the same in every byte."""
    heading("The same in a JSON file")
    code(f'save_experiment(experiment, "{path.name}")', f'copy = load_experiment("{path.name}")')
    save_experiment(experiment, path)
    copy = load_experiment(path)
    say(
        """A file holds the very text that the database holds. Send it to a colleague or put it beside a paper: the
        digest (SHA-256) tells whether it is still the same, wherever it is."""
    )
    table(
        ("", "digest"),
        [("in the database", store.history(NAME)[0].digest), ("loaded from the file", docstore.digest(copy))],
    )
    same = docstore.dumps(copy) == docstore.dumps(experiment) == path.read_bytes()
    say(f"Byte for byte the same: {'yes' if same else 'NO'} ({path.stat().st_size:,} bytes).")


def show_proof(store: docstore.Store) -> None:
    """Print what verify finds."""
    heading("Is everything still as it was saved?")
    code("store.verify()")
    damages = store.verify()
    quote(map(str, damages))
    say(
        f"""Every digest was computed again, every version rebuilt, every link of the history checked. Found damaged:
        {len(damages) or "nothing"}. Had anyone edited a number or a line of the history, this would name the place."""
    )


def show_next(database: Path) -> None:
    """Print where to go from here."""
    heading("What to look at next")
    say(
        """Open lab.db with any database tool: its views are experiments, trials, generator_runs and observations.
        Read examples/quickstart.py, which printed this, and then README.md. The files stay where they are, in"""
    )
    print(f"  {database.parent}")


# --- printing ------------------------------------------------------------------------------------------------------


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def say(text: str) -> None:
    print(textwrap.fill(" ".join(text.split()), WIDTH))


def code(*lines: str) -> None:
    quote(line for text in lines for line in text.splitlines())


def quote(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"  {line}")


def table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print *rows* under *names*, each column as wide as it must be."""
    cells = [list(map(str, row)) for row in (names, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    quote("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def query(database: Path, sql: str) -> None:
    """Print *sql*, and the rows that it gives, as a database tool shows them."""
    code(*(line.strip() for line in sql.splitlines()))
    with closing(sqlite3.connect(database)) as connection:
        cursor = connection.execute(sql)
        table([column[0] for column in cursor.description], cursor)


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]} [... and {len(text) - length:,} characters more]"


def main() -> None:
    """Run, then look from a second process; or only look."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the database goes; by default a new temporary folder")
    parser.add_argument("--look", type=Path, metavar="DATABASE", help="only show what is in this database")
    arguments = parser.parse_args()
    # A terminal that lacks a character shows another in its place, rather than stop us.
    sys.stdout.reconfigure(errors="replace", line_buffering=True)
    if arguments.look:
        look(arguments.look)
    else:
        database = run(arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-demo-")))
        sys.exit(subprocess.run([sys.executable, __file__, "--look", database]).returncode)


if __name__ == "__main__":
    main()
