"""Processes that race: they begin together, do their turns on one database, and report what they did and saw.

A racer runs ``main``. Its first line of stdin is its task, with the database's URL: among its arguments or in its
environment, others could read the password. It says when it is ready, which is when it has loaded what it begins with;
begins at its second line; and writes a line of JSON for each turn. A task that has no end of its own ends at its third
line, or with its stdin.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import random
import select
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import forked

import docstore
from docstore import ConflictError
from docstore.errors import DocumentExistsError, DocumentNotFoundError, OverwriteWarning
from docstore.testing.experiments import new_experiment

NAME = "cakes"
SECONDS = 300
"""How long a race may take until it is taken for stuck."""

Report = dict[str, Any]


# --- a racer's side ---------------------------------------------------------------------------------------------------


class Task:
    """What a racer is to do.

    Attributes:
        what: the name of a function in ``TASKS``.
        number: of this racer among those of the race.
        turns: how many; None to go on until told to stop.
        options: what else the function takes.
    """

    def __init__(self, what: str, number: int, turns: int | None, options: Mapping[str, Any]) -> None:
        self.what, self.number, self.turns, self.options = what, number, turns, options

    def each_turn(self) -> Iterator[int]:
        """Count the turns from 0, once all racers are ready."""
        print(json.dumps("ready"), flush=True)
        _line()
        for turn in itertools.count():
            if turn == self.turns or (self.turns is None and _is_told()):
                return
            yield turn


def _is_told() -> bool:
    """Return whether there is another line on stdin, or its end."""
    return bool(select.select([sys.stdin.buffer.raw], [], [], 0)[0])


def _timed(save: Callable[..., docstore.Version], *objects: object) -> Report:
    start = time.perf_counter()
    version = save(*objects)
    return {"version": version.number, "wait": time.perf_counter() - start}


def add_marked_trial(experiment: docstore.Experiment, mark: int) -> docstore.Trial:
    """Return a new trial, each number of whose parameters, metadata and data tells its *mark*."""
    trial = experiment.new_trial(parameters={"x": mark / 2**20, "flour": "rye"})
    trial.run_metadata["mark"] = mark
    trial.mark_running(no_runner_required=True).mark_completed()
    of = {"trial_index": trial.index, "arm_name": trial.arms[0].name}
    experiment.attach_data(
        docstore.Data.from_records(
            [
                {**of, "metric_name": "taste", "mean": mark / 7, "sem": mark / 11},
                {**of, "metric_name": "crust", "mean": -mark / 3, "sem": 0.25},
            ]
        )
    )
    return trial


def numbers_of(experiment: docstore.Experiment, index: int) -> list[Any]:
    """Return where a trial stands, and all that tells its mark: as ``numbers_marked`` if it is whole."""
    trial = experiment.trials[index]
    arm = trial.arms[0]
    measured = [
        [record["trial_index"], record["arm_name"] == arm.name, record["metric_name"], record["mean"], record["sem"]]
        for record in experiment.lookup_data([index]).records
    ]
    measured.sort(key=lambda each: each[2])
    return [index, trial.index, trial.run_metadata["mark"], arm.parameters["x"], trial.status.name, measured]


def numbers_marked(mark: int, index: int) -> list[Any]:
    """Return the numbers of a whole trial with this mark, under this index."""
    crust, taste = [index, True, "crust", -mark / 3, 0.25], [index, True, "taste", mark / 7, mark / 11]
    return [index, index, mark, mark / 2**20, "COMPLETED", [crust, taste]]


def add_trials(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Load, add a trial with its data, save; odd racers save the trial alone. All begin with the same version.

    Options:
        keep: go on with the object in hand, which does not know what others did, and load only once.
    """
    loaded = store.load(NAME)
    for turn in task.each_turn():
        experiment = store.load(NAME) if turn and not task.options.get("keep") else loaded
        trial = add_marked_trial(experiment, task.number * 10_000 + turn)
        made = trial.index
        in_part = task.number % 2
        saved = _timed(store.save_trial, experiment, trial) if in_part else _timed(store.save, experiment)
        in_hand = experiment.trials[trial.index] is trial and numbers_of(experiment, trial.index)
        yield {**saved, "mark": trial.run_metadata["mark"], "made": made, "index": trial.index, "in_hand": in_hand}


def count(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Load a counter, raise it by 1, save it if nobody else has saved since, or else again. All begin with the same.

    Options:
        on_conflict: the policy.
    """
    loaded = store.load(NAME)
    for turn in task.each_turn():
        tries = [_raise_by_one(store, store.load(NAME) if turn else loaded, task.options["on_conflict"])]
        while tries[-1]["version"] is None:
            tries.append(_raise_by_one(store, store.load(NAME), task.options["on_conflict"]))
        yield {**tries[-1], "wait": max(each["wait"] for each in tries), "retries": len(tries) - 1}


def _raise_by_one(store: docstore.Store, experiment: Any, policy: Any) -> Report:
    experiment.properties["count"] += 1
    version = None
    start = time.perf_counter()
    with contextlib.suppress(ConflictError):
        version = store.save(experiment, on_conflict=policy).number
    return {"version": version, "wait": time.perf_counter() - start}


def create(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Save a new experiment under a name that all racers use in the same turn."""
    for turn in task.each_turn():
        name = f"{NAME}-{turn}"
        try:
            version = store.save(new_experiment(name, trials=2, properties={"by": task.number}))
        except DocumentExistsError as error:
            yield {"name": name, "refused": error.head}
        else:
            yield {"name": name, "created": version.number}


def number_all(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Write one number, used by no other turn, in the head and in each part; odd racers overwrite, the others merge."""
    policy: Any = "overwrite" if task.number % 2 else "merge"
    warnings.simplefilter("ignore", OverwriteWarning)
    for turn in task.each_turn():
        experiment = store.load(NAME)
        number = task.number + 1 + turn * 100
        experiment.properties["n"] = number
        for trial in experiment.trials.values():
            trial.run_metadata["n"] = number
        try:
            yield {"n": number, "version": store.save(experiment, on_conflict=policy).number}
        except ConflictError as error:
            yield {"n": number, "refused": [place.pointer for place in error.places]}


def _numbers_in(experiment: docstore.Experiment) -> list[int]:
    return [experiment.properties["n"], *(trial.run_metadata["n"] for trial in experiment.trials.values())]


def read(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Look at the document in every way that there is."""
    for turn in task.each_turn():
        before = store.find(name=NAME)[0].version
        raw = store.get(NAME)
        got = [raw["properties"]["n"], *(trial["run_metadata"]["n"] for trial in raw["trials"].values())]
        history = [version.number for version in store.history(NAME)]
        earlier = random.Random(turn).randint(1, before)
        yield {
            "get": got,
            "load": _numbers_in(store.load(NAME)),
            "earlier": [earlier, _numbers_in(store.load(NAME, version=earlier))],
            "history": history == list(range(len(history), 0, -1)) and len(history),
            "found": [before, store.find(name=NAME)[0].version],
        }


@contextlib.contextmanager
def _noted() -> Iterator[Report]:
    """A report, in which an error that is told to a user is noted by its name; any other ends the racer."""
    report: Report = {}
    try:
        yield report
    except (ConflictError, DocumentExistsError, DocumentNotFoundError) as error:
        report["error"] = type(error).__name__


def edit(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Load and save, whatever others do with the document, until it is saved; where there is none, make one.

    All begin with the same version, and change one place of it: all but one of these saves are refused.
    """
    loaded = store.load(NAME)
    for turn in task.each_turn():
        tries = [_edit(store, task.number, turn, None if turn else loaded)]
        while "saved" not in tries[-1]:
            tries.append(_edit(store, task.number, turn))
        yield {**tries[-1], "errors": [each["error"] for each in tries[:-1]]}


def _edit(store: docstore.Store, number: int, turn: int, experiment: docstore.Experiment | None = None) -> Report:
    with _noted() as report:
        try:
            experiment = experiment or store.load(NAME)
        except DocumentNotFoundError:
            experiment = new_experiment(NAME, trials=1)
        experiment.properties[str(number)] = turn
        if not turn:
            experiment.properties["first"] = number
        report["saved"] = store.save(experiment).number
    return report


def rename(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Load, and save under another name, which makes a new document; and delete it, so that the name is free again."""
    for turn in task.each_turn():
        with _noted() as report:
            experiment = store.load(NAME)
            experiment.name = f"{NAME}-{turn % 3}"
            report["saved"] = store.save(experiment, as_new=True).number
            store.delete(experiment.name)
        yield report


def hide(store: docstore.Store, task: Task) -> Iterator[Report]:
    """Delete, and bring back."""
    for _ in task.each_turn():
        for act in (store.delete, store.undelete):
            with _noted() as report:
                act(NAME)
                report["done"] = act.__name__
            yield report


TASKS: Mapping[str, Callable[[docstore.Store, Task], Iterator[Report]]] = {
    task.__name__: task for task in (add_trials, count, create, number_all, read, edit, rename, hide)
}


def main() -> None:
    """Be a racer."""
    tell = json.loads(_line())
    url = tell.pop("url")
    task = Task(**tell)
    with docstore.connect(url) as store:
        for report in TASKS[task.what](store, task):
            print(json.dumps(report), flush=True)


def _line() -> str:
    """Return the next line of stdin, and take no more from it: whether there is more, the system knows."""
    return sys.stdin.buffer.raw.readline().decode()


# --- the side of who starts them --------------------------------------------------------------------------------------


class RacerError(Exception):
    """A racer failed, or took too long; the message ends with what it wrote to stderr."""


class Racer:
    """A process with a task, that begins when it is told to."""

    def __init__(self, what: str, deadline: float, **task: Any) -> None:
        self.what, self._deadline = what, deadline
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  # until close
        task_of, given = os.pipe()
        told, reports_of = os.pipe()
        files = {"stdin": task_of, "stdout": reports_of, "stderr": self._complaints.fileno()}
        self._process = forked.start("import racing; racing.main()", **files)
        os.close(task_of)
        os.close(reports_of)
        self._stdin, self._stdout = open(given, "wb"), open(told, "rb")  # noqa: SIM115  # until close
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # A racer must not wait until someone listens.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._say(json.dumps({"what": what, **task}))

    def _listen(self) -> None:
        for line in self._stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _say(self, line: str) -> None:
        # One that has ended tells why when its reports are asked for.
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(f"{line}\n".encode())
            self._stdin.flush()

    def begin(self) -> None:
        """Let it begin."""
        self._say("begin")

    def stop(self) -> None:
        """Let it end after the turn that it is in."""
        self._say("stop")

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self._process.kill()
        self._process.join()

    def reports(self) -> Iterator[Any]:
        """Give what it reports, as it comes, until it ends.

        Raises:
            RacerError: it failed, or the race takes too long.
        """
        while line := self._next():
            yield json.loads(line)
        self._process.join(SECONDS)
        if (code := self._process.exitcode) != 0 or self._said():
            raise RacerError(f"{self.what} ended with {code}. It wrote:\n{self._said()}")

    def reports_until_killed(self) -> list[Any]:
        """Return all that it reported before it was killed; of a line that it had not written whole, nothing."""
        lines = list(iter(self._next, b""))
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def _next(self) -> bytes:
        try:
            return self._lines.get(timeout=max(0, self._deadline - time.monotonic()))
        except queue.Empty:
            raise RacerError(f"{self.what} said nothing for too long. It wrote:\n{self._said()}") from None

    def _said(self) -> str:
        # Not read(): the place in the file is also the racer's.
        return os.pread(self._complaints.fileno(), 1_000_000, 0).decode(errors="replace")[-10_000:]

    def close(self) -> None:
        """Kill it, if it still runs."""
        self.kill()
        self._listener.join()
        for file in (self._stdin, self._stdout, self._complaints):
            with contextlib.suppress(BrokenPipeError):  # of what it was told and did not read
                file.close()


class Race:
    """Racers on one database; what still runs at the end of the ``with`` block is killed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._deadline = time.monotonic() + SECONDS
        self._racers: list[Racer] = []

    def enter(self, what: str, *, racers: int = 1, turns: int | None = None, **options: Any) -> list[Racer]:
        """Return so many new racers with one task; with ``turns=None``, they go on until they are told to stop."""
        first = len(self._racers)
        task = {"url": self._url, "turns": turns, "options": options}
        self._racers += [Racer(what, self._deadline, number=first + n, **task) for n in range(racers)]
        return self._racers[first:]

    def begin(self) -> None:
        """Let all begin, when all are ready."""
        for racer in self._racers:
            assert next(racer.reports()) == "ready"
        for racer in self._racers:
            racer.begin()

    def run(self) -> list[list[Report]]:
        """Let all begin, and return as ``reports``."""
        self.begin()
        return self.reports()

    def reports(self) -> list[list[Report]]:
        """Return what each reports, when all have ended by themselves."""
        return [list(racer.reports()) for racer in self._racers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for racer in self._racers:
            racer.close()
