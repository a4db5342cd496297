"""Tune zlib on the standard library's own sources, save each trial, and look in another process at what was saved.

Run it: ``python examples/quickstart.py``, with ``--folder DIR`` to choose where the files go. In the folder of a run
that was stopped, it goes on where that one stopped. ``--look DATABASE`` shows what is in a database that it made.
"""

from __future__ import annotations

import argparse
import hashlib
import io
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
from typing import Any

import docstore
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment

NAME = "zlib-on-sources"
TRIALS, RANDOM_TRIALS, REPEATS, SEED = 28, 10, 3, 1950
WIDTH = 100

Settings = dict[str, Any]
"""A value for each parameter."""


class ExperimentType(Enum):
    """What an experiment is for. The database keeps the integers, in an indexed column."""

    PILOT = 0
    TUNING = 1


class GeneratorRunType(Enum):
    """Where a trial's settings came from."""

    DEFAULT = 0
    RANDOM = 1
    NEIGHBOUR = 2


# --- the experiment ------------------------------------------------------------------------------------------------


def search_space() -> docstore.SearchSpace:
    """Return all that may be tried: 405 settings of zlib."""
    integer, string = docstore.ParameterType.INT, docstore.ParameterType.STRING
    return docstore.SearchSpace(
        [
            docstore.RangeParameter("level", integer, lower=1, upper=9),
            docstore.ChoiceParameter("memLevel", integer, values=list(range(1, 10)), is_ordered=True),
            docstore.ChoiceParameter(
                "strategy",
                string,
                values=["Z_DEFAULT_STRATEGY", "Z_FILTERED", "Z_HUFFMAN_ONLY", "Z_RLE", "Z_FIXED"],
                is_ordered=False,
            ),
            docstore.FixedParameter("wbits", integer, value=15),
        ]
    )


def new_experiment(name: str, kind: ExperimentType, sample: bytes) -> docstore.Experiment:
    """Return an experiment without trials. It asks which settings pack *sample* best without being much slower."""
    ratio = docstore.Metric("ratio", lower_is_better=False)
    seconds = docstore.Metric("seconds", lower_is_better=True)
    limit = docstore.OutcomeConstraint("seconds <= 1.5 * baseline")
    experiment = docstore.Experiment(
        search_space(),
        name,
        docstore.OptimizationConfig(docstore.Objective(metric=ratio), [limit]),
        tracking_metrics=[seconds],
        status_quo=docstore.Arm({"level": 6, "memLevel": 8, "strategy": "Z_DEFAULT_STRATEGY", "wbits": 15}),
        experiment_type=kind,
        properties=conditions(sample),
    )
    experiment.status = docstore.ExperimentStatus.OPTIMIZATION
    return experiment


def read_sample(size: int) -> bytes:
    """Return the first *size* bytes of the standard library's sources, in the order of their names."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    return b"".join(file.read_bytes() for file in files)[:size]


def conditions(sample: bytes) -> dict[str, str]:
    """Return what measurements must have in common to be compared."""
    digest = hashlib.sha256(sample).hexdigest()
    return {"python": platform.python_version(), "zlib": zlib.ZLIB_RUNTIME_VERSION, "sample_sha256": digest}


# --- one trial -----------------------------------------------------------------------------------------------------


def start_trial(store: docstore.Store, experiment: docstore.Experiment) -> docstore.Trial:
    """Return a new trial that runs. It is saved before it ends: whatever happens then, it is known that it ran."""
    trial = experiment.new_trial(next_run(experiment)).mark_running()
    store.save_trial(experiment, trial, message=f"trial {trial.index} starts")
    return trial


def finish_trial(store: docstore.Store, experiment: docstore.Experiment, trial: docstore.Trial, sample: bytes) -> None:
    """Measure *trial*, and save it with its data, and nothing else."""
    try:
        trial.complete(means_and_errors(measure(sample, trial.arm.parameters)))
    except zlib.error as error:
        trial.mark_failed(reason=str(error))
    store.save_trial(experiment, trial, message=f"trial {trial.index} ends")


def measure(sample: bytes, settings: Settings) -> dict[str, list[float]]:
    """Return what was measured in each of some runs: the compression ratio, and the seconds of processor time.

    Raises:
        zlib.error: zlib refuses the settings, or does not give back what it packed.
    """
    strategy = getattr(zlib, settings["strategy"])
    runs: dict[str, list[float]] = {"ratio": [], "seconds": []}
    packed = b""
    for _ in range(REPEATS):
        start = time.process_time()
        packer = zlib.compressobj(settings["level"], zlib.DEFLATED, settings["wbits"], settings["memLevel"], strategy)
        packed = packer.compress(sample) + packer.flush()
        runs["seconds"].append(time.process_time() - start)
        runs["ratio"].append(len(sample) / len(packed))
    if zlib.decompress(packed) != sample:
        raise zlib.error("what was unpacked is not what was packed")
    return runs


def means_and_errors(runs: dict[str, list[float]]) -> dict[str, tuple[float, float]]:
    """Return the mean of each metric, with the standard error of the mean (sem)."""
    return {
        metric: (statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values)))
        for metric, values in runs.items()
    }


# --- which settings to try next ------------------------------------------------------------------------------------


def next_run(experiment: docstore.Experiment) -> docstore.GeneratorRun:
    """Return the settings to try next: zlib's default, then some at random, then the nearest to the best so far."""
    index = experiment.num_trials
    if index == 0:
        assert experiment.status_quo is not None  # new_experiment gives it one
        return docstore.GeneratorRun([experiment.status_quo], type=GeneratorRunType.DEFAULT)
    # A seed for each trial, so that a run that was stopped goes on as if it had not been.
    rng = random.Random(f"{SEED} {index}")
    tried = [trial.arm.parameters for trial in experiment.trials.values()]
    untried = [settings for settings in all_settings(experiment.search_space) if settings not in tried]
    if index <= RANDOM_TRIALS:
        return docstore.GeneratorRun([docstore.Arm(rng.choice(untried))], type=GeneratorRunType.RANDOM)
    best = experiment.trials[ranking(experiment)[0]].arm.parameters
    nearest = min(distance(settings, best) for settings in untried)
    choice = rng.choice([settings for settings in untried if distance(settings, best) == nearest])
    return docstore.GeneratorRun([docstore.Arm(choice)], type=GeneratorRunType.NEIGHBOUR)


def all_settings(space: docstore.SearchSpace) -> Iterator[Settings]:
    """Yield every point of *space*."""
    points = itertools.product(*map(values_of, space.parameters.values()))
    return (dict(zip(space.parameters, point, strict=True)) for point in points)


def values_of(parameter: Any) -> Iterable[Any]:
    """Return the values that *parameter* may take."""
    match parameter:
        case docstore.RangeParameter(lower=lower, upper=upper):
            return range(int(lower), int(upper) + 1)
        case docstore.ChoiceParameter(values=values):
            return values
        case docstore.FixedParameter(value=value):
            return [value]
    raise TypeError(parameter)


def distance(a: Settings, b: Settings) -> int:
    """Return how many steps lead from *a* to *b*."""
    steps = sum(abs(int(a[name]) - int(b[name])) for name in ("level", "memLevel"))
    return steps + int(a["strategy"] != b["strategy"])


def means(experiment: docstore.Experiment, metric: str) -> dict[int, float]:
    """Return the mean of *metric* by trial, for all trials in which it was measured."""
    return {record["trial_index"]: record["mean"] for record in experiment.data.filter(metric_names=[metric]).records}


def time_limit(experiment: docstore.Experiment) -> float:
    """Return the seconds that settings may take: by the experiment's own rule, in percent more than its status quo."""
    assert experiment.optimization_config is not None  # new_experiment gives it one
    rule = experiment.optimization_config.outcome_constraints[0]
    return (1 + rule.bound / 100) * means(experiment, "seconds")[0]


def ranking(experiment: docstore.Experiment) -> list[int]:
    """Return the trials within the limit, the best ratio first."""
    ratio, seconds, limit = means(experiment, "ratio"), means(experiment, "seconds"), time_limit(experiment)
    return sorted((index for index in ratio if seconds[index] <= limit), key=lambda index: -ratio[index])


# --- a whole experiment, saved as it goes --------------------------------------------------------------------------


def run(database: Path) -> None:
    """Run a pilot and the experiment proper, both saved in *database*."""
    sample = read_sample(1_000_000)
    heading("An experiment, saved while it runs")
    say(
        f"""Which settings make zlib pack Python sources best, in at most 1.5 times the time that its default settings
        take? The sample is {len(sample):,} bytes of the standard library. A pilot of 5 trials on a tenth of it comes
        first, then {NAME}: {TRIALS} trials on all of it, the default, {RANDOM_TRIALS} at random, and then the nearest
        to the best so far. Each is measured {REPEATS} times, and saved when it starts and when it ends: stop this
        process at any moment, and no trial that ended is lost; with --folder it goes on where it stopped. It takes some
        ten seconds. The database is"""
    )
    quote([str(database)])
    with docstore.connect(
        f"sqlite:///{database}", experiment_type_enum=ExperimentType, generator_run_type_enum=GeneratorRunType
    ) as store:
        tune(store, "zlib-pilot", ExperimentType.PILOT, sample[: len(sample) // 10], 5)
        version = tune(store, NAME, ExperimentType.TUNING, sample, TRIALS)
    say(f"All trials are done. {NAME} is at version {version.number}.")


def tune(store: docstore.Store, name: str, kind: ExperimentType, sample: bytes, trials: int) -> docstore.Version:
    """Run the experiment *name*, or go on with it, until it has so many *trials*; return its newest version."""
    experiment = start_or_resume(store, name, kind, sample)
    for trial in experiment.trials_by_status[docstore.TrialStatus.RUNNING]:
        finish_trial(store, experiment, trial, sample)
    while experiment.num_trials < trials:
        finish_trial(store, experiment, start_trial(store, experiment), sample)
    experiment.status = docstore.ExperimentStatus.COMPLETED
    experiment.properties["best_trial"] = ranking(experiment)[0]
    # Where nothing changed, save() writes nothing, and returns the version that is there.
    return store.save(experiment, message="all trials done")


def start_or_resume(store: docstore.Store, name: str, kind: ExperimentType, sample: bytes) -> docstore.Experiment:
    """Return the experiment *name* as it was saved last, or a new one, saved."""
    experiment = store.load_or_create(name, lambda: new_experiment(name, kind, sample), message="the plan")
    if not conditions(sample).items() <= experiment.properties.items():
        raise SystemExit(f"{name} was measured with another Python, zlib or sample: choose another --folder.")
    return experiment


# --- another process looks at what is there ------------------------------------------------------------------------


def look(database: Path) -> None:
    """Show what a person can ask of *database*, each by a call or two."""
    with closing(docstore.connect(f"sqlite:///{database}")) as store:
        experiment = show_best(store)
        show_history(store)
        show_differences(store, experiment)
        show_time_travel(store)
        show_sql(database)
        show_row(database, experiment)
        show_file(store, experiment, database.with_name(f"{NAME}.json"))
        show_proof(store, database)
    show_next(database)


def show_best(store: docstore.Store) -> docstore.Experiment:
    """Print the best trials, beside the settings that all are compared with; return the experiment."""
    heading("Another process loads it")
    say("What follows is printed by a new Python process, which knows nothing but the path of the database.")
    experiment = store.load(NAME)
    python(f'experiment = store.load("{NAME}")')
    say(
        f"""It is the same object again: search space, rules, {experiment.num_trials} trials and their data. The best
        trials within the limit of {time_limit(experiment):.4f} s, and the default; ± is the standard error (sem):"""
    )
    rows = []
    for index in dict.fromkeys([*ranking(experiment)[:3], 0]):
        trial = experiment.trials[index]
        results = [f"{record['mean']:.4f} ± {record['sem']:.4f}" for record in trial.lookup_data().records]
        rows.append((index, *results, *trial.arm.parameters.values(), trial.generator_runs[0].generator_run_type))
    table(("trial", "ratio", "seconds", *experiment.search_space.parameters, "chosen as"), rows)
    return experiment


def show_history(store: docstore.Store) -> None:
    """Print the newest and the oldest versions."""
    heading("Its history")
    say("Every save is a version: who saved it, when, and why. Only what changed is stored, so that it stays small.")
    history = store.history(NAME)
    python(f'store.history("{NAME}")')
    rows: list[tuple[object, ...]] = [
        (v.number, f"{v.created_at:%Y-%m-%d %H:%M:%S} UTC", v.author, v.message, len(v.changes)) for v in history
    ]
    rows[3:-3] = [("...", f"({len(history) - 6} more)", "", "", "")]
    table(("version", "time", "author", "message", "changes"), rows)


def show_differences(store: docstore.Store, experiment: docstore.Experiment) -> None:
    """Print what changed when the best trial ran, and in the last version."""
    heading("What changed between two versions, in words")
    best, last = experiment.properties["best_trial"], store.history(NAME)[0].number
    ended = last_change_of(store, best)
    for occasion, version in ((f"While trial {best}, the best, ran:", ended), ("When all trials were done:", last)):
        say(occasion)
        python(f'print(store.diff("{NAME}", {version - 1}, {version}))')
        quote(store.diff(NAME, version - 1, version).words)


def last_change_of(store: docstore.Store, trial: int) -> int:
    """Return the version that changed *trial* last."""
    place = f"/trials/{trial}/"
    return next(v.number for v in store.history(NAME) if any(each.startswith(place) for each in v.places))


def show_time_travel(store: docstore.Store) -> None:
    """Print what was known when the random trials were over."""
    heading("What did I know then?")
    version = last_change_of(store, RANDOM_TRIALS)
    then = store.load(NAME, version=version)
    assert then.status is not None
    say("Any version loads exactly as it was saved, by its number or by a time:")
    python(f'then = store.load("{NAME}", version={version})')
    say(
        f"""That was when the random trials were over. There were {then.num_trials} trials, the best was trial
        {ranking(then)[0]}, and the status was {then.status.name}. A figure made that day can be made again, from the
        numbers of that day."""
    )


def show_sql(database: Path) -> None:
    """Print the experiments of one type, and the trials of each, as found without docstore."""
    heading("The same in SQL, for any database tool")
    say(
        """The database holds two experiments. Types and statuses are integers in indexed columns, and views show their
        names. Any tool can ask; this is Python's own sqlite3:"""
    )
    table(
        *select(
            database,
            """SELECT name, type, type_name, status_name, trials, version
           FROM experiments
           WHERE type_name = 'TUNING'""",
        )
    )
    table(
        *select(
            database,
            f"""SELECT generator_run_type_name AS chosen_as, count(*) AS trials,
                   round(min(mean), 3) AS worst_ratio, round(avg(mean), 3) AS mean_ratio
            FROM trials JOIN observations USING (id, trial_index)
            WHERE trials.experiment = '{NAME}' AND metric_name = 'ratio'
            GROUP BY generator_run_type""",
        )
    )


def show_row(database: Path, experiment: docstore.Experiment) -> None:
    """Print the row of the best trial, in the table that all documents are in."""
    heading("Nothing is hidden: the row of a trial")
    say("All documents stand in one table, in a row for each trial, and the body is JSON that a person can read:")
    path = f"/trials/{experiment.properties['best_trial']}"
    names, rows = select(
        database,
        f"""SELECT d.path, d.kind, d.status, d.version, d.digest, d.body
            FROM documents d JOIN experiments e USING (id)
            WHERE e.name = '{NAME}' AND d.path = '{path}'""",
    )
    for name, value in zip(names, rows[0], strict=True):
        text = f"{name:>7} = {shortened(str(value))}"
        quote(textwrap.wrap(text, WIDTH - 2, subsequent_indent=" " * 10, break_on_hyphens=False))


def show_file(store: docstore.Store, experiment: docstore.Experiment, path: Path) -> None:
    """Write the experiment to a file, and print that it is the same in every byte."""
    heading("The same in a JSON file")
    say(
        """A file holds the very text that the database holds. Send it to a colleague or put it beside a paper: the
        digest (SHA-256) tells whether it is still the same, wherever it is."""
    )
    save_experiment(experiment, path)
    copy = load_experiment(path)
    python(f'path = Path("{path.name}")', "save_experiment(experiment, path)", "copy = load_experiment(path)")
    python(f'store.history("{NAME}")[0].digest')
    quote([store.history(NAME)[0].digest])
    python("docstore.digest(copy)")
    quote([docstore.digest(copy)])
    python("docstore.dumps(copy) == docstore.dumps(experiment) == path.read_bytes()")
    quote([str(docstore.dumps(copy) == docstore.dumps(experiment) == path.read_bytes())])


def show_proof(store: docstore.Store, database: Path) -> None:
    """Print what verify finds, in the database and in a copy of it that was tampered with."""
    heading("Is everything still as it was saved?")
    python("store.verify()")
    quote([str(store.verify())])
    say(
        """An empty list says yes: every digest was computed again, every version rebuilt, every link of the history
        checked. Here is a copy of the database in which someone makes the result of trial 20 look better:"""
    )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        tamper(database, copy)
        with closing(docstore.connect(f"sqlite:///{copy}")) as tampered:
            python("tampered.verify()")
            for damage in tampered.verify():
                quote(textwrap.wrap(str(damage), WIDTH - 2))


def tamper(database: Path, copy: Path) -> None:
    """Copy *database*, and raise the ratio that was measured in trial 20."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    sql = """UPDATE documents SET body = json_set(body, '$.records[0].mean', 9.99)
             WHERE path = '/data/20'"""
    show_query(sql)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(sql)


def show_next(database: Path) -> None:
    """Print where to go from here."""
    heading("What to look at next")
    say(
        """Open lab.db with any database tool: its views are experiments, trials, arms, observations and more. Read
        examples/quickstart.py, which printed this, and then docs/tutorial.md. The files stay where they are:"""
    )
    quote(map(str, sorted(database.parent.iterdir())))


# --- printing ------------------------------------------------------------------------------------------------------


def heading(text: str) -> None:
    """Print *text*, underlined."""
    print(f"\n\n{text}\n{'=' * len(text)}")


def say(text: str) -> None:
    """Print a paragraph."""
    print(f"\n{textwrap.fill(' '.join(text.split()), WIDTH)}")


def python(*lines: str) -> None:
    """Print lines of Python, as they would be typed."""
    print()
    quote(f">>> {line}" for line in lines)


def quote(lines: Iterable[str]) -> None:
    """Print *lines*, indented."""
    for line in lines:
        print(f"  {line}")


def table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print *rows* under *names*, each column as wide as it must be."""
    cells = [list(map(str, row)) for row in (names, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    quote("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def show_query(sql: str) -> None:
    """Print *sql*, as it would be typed."""
    prompts = itertools.chain(["sqlite> "], itertools.repeat("   ...> "))
    print()
    quote(f"{prompt}{line.strip()}" for prompt, line in zip(prompts, f"{sql};".splitlines(), strict=False))


def select(database: Path, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Print *sql*, and return the names of the columns, and the rows."""
    show_query(sql)
    with closing(sqlite3.connect(database)) as connection:
        cursor = connection.execute(sql)
        return [column[0] for column in cursor.description], cursor.fetchall()


def shortened(text: str) -> str:
    """Return *text*, or, if it is long, its beginning and its end."""
    return text if len(text) < 600 else f"{text[:350]} [{len(text) - 600} characters left out] {text[-250:]}"


def main() -> None:
    """Run, then look from a second process; or only look."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files go; by default, a new temporary folder")
    parser.add_argument("--look", type=Path, metavar="DATABASE", help="only show what is in this database")
    arguments = parser.parse_args()
    # A terminal that lacks a character shows "?" in its place; and our lines come before those of the other process.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    if arguments.look:
        look(arguments.look)
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="docstore-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    database = folder.resolve() / "lab.db"
    run(database)
    sys.exit(subprocess.run([sys.executable, __file__, "--look", database]).returncode)


if __name__ == "__main__":
    main()
