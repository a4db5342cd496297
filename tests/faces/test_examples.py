"""The examples run for a stranger, in a folder of their own, and what the quickstart leaves behind is what it says."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import docstore
from docstore.json_store.load import load_experiment

REPOSITORY = Path(__file__).resolve().parents[2]
WITH_AX = ("ax_client.py", "move_from_ax.py", "sklearn_search.py", "torch_training.py")
"""They are run where Ax is installed, which brings scikit-learn and PyTorch, by tests/ax."""
EXAMPLES = sorted(path for path in (REPOSITORY / "examples").glob("*.py") if path.name not in WITH_AX)
QUICKSTART = REPOSITORY / "examples" / "quickstart.py"
NAME = "zlib-on-sources"


@dataclass(frozen=True)
class Ran:
    """An example that ended: what it printed, and where it put its files."""

    done: subprocess.CompletedProcess[str]
    folder: Path

    @property
    def databases(self) -> list[Path]:
        return sorted(self.folder.rglob("*.db"))


def run(example: Path, folder: Path, *arguments: str) -> Ran:
    """Run *example* with *folder*, that is empty and has a space in its name, as the place for temporary files."""
    environment = {
        **os.environ,
        "TMPDIR": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "error",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, str(example), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    return Ran(done, folder)


@pytest.fixture(scope="module")
def ran_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Ran]:
    """Give what an example did when it ran, in a folder of its own; each runs only once."""
    return cache(lambda example: run(example, tmp_path_factory.mktemp(f"the lab of {example.stem}")))


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def ran(request: pytest.FixtureRequest, ran_once: Callable[[Path], Ran]) -> Ran:
    """Each example, run."""
    return ran_once(request.param)


@pytest.fixture
def quickstart(ran_once: Callable[[Path], Ran]) -> Ran:
    """The quickstart, run to its end."""
    ran = ran_once(QUICKSTART)
    assert ran.done.returncode == 0, ran.done.stderr
    return ran


@pytest.fixture
def store(quickstart: Ran) -> Iterator[docstore.Store]:
    """A store on the database that the quickstart made."""
    with closing(docstore.connect(f"sqlite:///{quickstart.databases[0]}")) as store:
        yield store


@pytest.fixture
def experiment(store: docstore.Store) -> docstore.Experiment:
    loaded = store.load(NAME)
    assert isinstance(loaded, docstore.Experiment)
    return loaded


class TestEveryExample:
    """A stranger runs it without arguments, its output piped, every warning an error."""

    def test_ends_well_and_complains_of_nothing(self, ran: Ran) -> None:
        assert (ran.done.returncode, ran.done.stderr) == (0, "")

    def test_says_where_its_database_is(self, ran: Ran) -> None:
        assert ran.databases
        assert all(str(path) in ran.done.stdout for path in ran.databases)

    def test_fits_a_terminal_of_100_columns(self, ran: Ran) -> None:
        lines = [line for line in ran.done.stdout.splitlines() if str(ran.folder) not in line]

        assert max(map(len, lines)) <= 100


class TestWhatTheQuickstartMeasured:
    """Nothing is faked: what is in the database was measured."""

    def test_has_at_least_24_trials_each_ended(self, experiment: docstore.Experiment) -> None:
        assert experiment.num_trials >= 24
        assert {trial.status for trial in experiment.trials.values()} == {docstore.TrialStatus.COMPLETED}

    def test_tunes_parameters_of_three_kinds(self, experiment: docstore.Experiment) -> None:
        kinds = {type(parameter) for parameter in experiment.parameters.values()}

        assert kinds == {docstore.RangeParameter, docstore.ChoiceParameter, docstore.FixedParameter}

    def test_tries_no_settings_twice(self, experiment: docstore.Experiment) -> None:
        assert len({trial.arms[0].signature for trial in experiment.trials.values()}) == experiment.num_trials

    @pytest.mark.parametrize(("metric", "above"), [("ratio", 1.0), ("seconds", 0.0)])
    def test_has_a_mean_and_a_standard_error_for_every_trial(
        self, experiment: docstore.Experiment, metric: str, above: float
    ) -> None:
        records = experiment.data.filter(metric_names=[metric]).records

        assert [record["trial_index"] for record in records] == list(experiment.trials)
        assert all(type(record["mean"]) is float and above < record["mean"] < math.inf for record in records)
        assert all(type(record["sem"]) is float and 0 <= record["sem"] < math.inf for record in records)

    def test_measures_times_that_vary_and_ratios_that_do_not(self, experiment: docstore.Experiment) -> None:
        """Only a made-up time is the same three times over; zlib packs the same bytes in the same way."""
        sems = {
            metric: [r["sem"] for r in experiment.data.filter(metric_names=[metric]).records]
            for metric in ("ratio", "seconds")
        }

        assert any(sems["seconds"])
        assert not any(sems["ratio"])

    def test_concludes_with_the_best_trial_within_the_limit(self, experiment: docstore.Experiment) -> None:
        of = {(record["trial_index"], record["metric_name"]): record["mean"] for record in experiment.data.records}
        allowed = [index for index in experiment.trials if of[index, "seconds"] <= 1.5 * of[0, "seconds"]]

        assert experiment.properties["best_trial"] == max(allowed, key=lambda index: of[index, "ratio"])


class TestWhatTheQuickstartStored:
    """Each trial was saved when it started and when it ended."""

    def test_made_two_versions_of_each_trial_and_two_more(
        self, store: docstore.Store, experiment: docstore.Experiment
    ) -> None:
        numbers = [version.number for version in store.history(NAME)]

        assert numbers == list(range(2 * experiment.num_trials + 2, 0, -1))

    def test_each_version_holds_what_was_known_then(self, store: docstore.Store) -> None:
        started, ended = store.load(NAME, version=6), store.load(NAME, version=7)

        assert [trial.status.name for trial in started.trials.values()] == ["COMPLETED", "COMPLETED", "RUNNING"]
        assert [trial.status.name for trial in ended.trials.values()] == ["COMPLETED", "COMPLETED", "COMPLETED"]

    def test_is_undamaged(self, store: docstore.Store) -> None:
        assert store.verify() == []

    def test_has_one_digest_in_the_file_and_in_the_database(self, store: docstore.Store, quickstart: Ran) -> None:
        copy = load_experiment(quickstart.databases[0].with_name(f"{NAME}.json"))

        assert docstore.digest(copy) == store.history(NAME)[0].digest

    def test_has_the_same_bytes_in_the_file_and_from_the_database(
        self, experiment: docstore.Experiment, quickstart: Ran
    ) -> None:
        assert quickstart.databases[0].with_name(f"{NAME}.json").read_bytes() == docstore.dumps(experiment)

    @pytest.mark.parametrize(("kind", "names"), [("TUNING", [NAME]), ("PILOT", ["zlib-pilot"])])
    def test_finds_the_experiments_of_a_type_by_plain_sql(self, quickstart: Ran, kind: str, names: list[str]) -> None:
        with closing(sqlite3.connect(quickstart.databases[0])) as connection:
            rows = connection.execute("SELECT name FROM experiments WHERE type_name = ?", [kind]).fetchall()

        assert [name for (name,) in rows] == names


class TestWhatTheQuickstartShows:
    """A person who reads only the output learns what docstore is for."""

    def test_shows_the_digest_of_the_file_beside_that_of_the_database(
        self, store: docstore.Store, quickstart: Ran
    ) -> None:
        assert quickstart.done.stdout.count(f"  {store.history(NAME)[0].digest}\n") == 2

    @pytest.mark.parametrize("position", [0, -1])
    def test_shows_the_newest_and_the_oldest_version(
        self, store: docstore.Store, quickstart: Ran, position: int
    ) -> None:
        version = store.history(NAME)[position]

        row = rf"^  {version.number} +{version.created_at:%Y-%m-%d %H:%M:%S} UTC +.+ {len(version.changes)}$"
        assert re.search(row, quickstart.done.stdout, re.MULTILINE)

    def test_shows_a_difference_in_words(self, experiment: docstore.Experiment, quickstart: Ran) -> None:
        best = experiment.properties["best_trial"]

        assert f"  trial {best}: status RUNNING -> COMPLETED\n" in quickstart.done.stdout

    def test_shows_the_raw_json_of_a_trial(self, quickstart: Ran) -> None:
        assert '   body = {"__type":"Trial",' in quickstart.done.stdout

    def test_shows_that_the_bytes_are_equal_and_nothing_is_damaged(self, quickstart: Ran) -> None:
        assert "path.read_bytes()\n  True\n" in quickstart.done.stdout
        assert ">>> store.verify()\n  []\n" in quickstart.done.stdout

    def test_shows_that_a_copy_that_was_tampered_with_is_found_out(self, quickstart: Ran) -> None:
        assert f">>> tampered.verify()\n  experiment '{NAME}': table documents, /data/20:" in quickstart.done.stdout


def test_the_quickstart_run_again_in_its_folder_writes_nothing_new(quickstart: Ran, store: docstore.Store) -> None:
    """It resumes what is stored; and this is stored to the end."""
    before = store.history(NAME)

    again = run(QUICKSTART, quickstart.folder, "--folder", str(quickstart.databases[0].parent))

    assert (again.done.returncode, again.done.stderr) == (0, "")
    assert store.history(NAME) == before


def test_the_machines_of_a_folder_of_ones_own_are_merged(tmp_path: Path) -> None:
    """Under the names and the directions that their studies have."""
    for machine in ("oslo", "rome"):
        storage = JournalStorage(JournalFileBackend(str(tmp_path / f"{machine}.log")))
        study = optuna.create_study(storage=storage, study_name="net/a", direction="minimize")
        study.add_trial(optuna.trial.create_trial(value=float(machine == "rome")))

    ran = run(REPOSITORY / "examples" / "merge_machines.py", tmp_path, "--folder", str(tmp_path))

    assert (ran.done.returncode, ran.done.stderr) == (0, "")
    assert ran.done.stdout.splitlines()[-2:] == ["net/a of all machines: 2 trials", "The best, 0 with {}, is from oslo"]


class TestWhatTheExampleOfCustomClassesShows:
    @pytest.fixture
    def shown(self, ran_once: Callable[[Path], Ran]) -> Ran:
        return ran_once(REPOSITORY / "examples" / "custom_classes.py")

    def test_is_proved_stored_and_loaded(self, shown: Ran) -> None:
        assert shown.done.stdout.startswith("Proved:")
        assert "float32 array of shape (2, 2), setting Fraction(1, 3)" in shown.done.stdout

    def test_writes_one_place_for_one_change(self, shown: Ran) -> None:
        assert "('/state',)" in shown.done.stdout
        assert "('/readings/2',)" in shown.done.stdout

    def test_tells_what_is_refused_and_where(self, shown: Ran) -> None:
        assert "a class is no data" in shown.done.stdout
        assert "At loading: at /instrument/serial: " in shown.done.stdout

    def test_leaves_a_document_that_can_be_read_without_its_classes(self, shown: Ran) -> None:
        with docstore.connect(f"sqlite:///{shown.databases[0]}") as store:
            [found] = store.find(kind="calibration", type="REPAIR", status="done")

            assert store.verify() == []
            assert store.get(found.name, kind="calibration", pointer="/operator/badge") == 42
            assert len(store.get(found.name, kind="calibration", pointer="/readings")) == 3


class TestWhatTheExampleOfAClassThatChangesShows:
    @pytest.fixture
    def shown(self, ran_once: Callable[[Path], Ran]) -> Ran:
        return ran_once(REPOSITORY / "examples" / "change_a_class.py")

    def test_loads_what_the_first_release_wrote_and_rewrites_nothing(self, shown: Ran) -> None:
        assert "loaded release_2.Specimen(name='ore', celsius=100.0, state=<State.NEW: 1>)\n    1 version(s)" in (
            shown.done.stdout
        )

    def test_finds_by_the_present_name_of_a_member_what_was_stored_under_the_former(self, shown: Ran) -> None:
        assert "measured: ore, slag\n" in shown.done.stdout

    def test_loses_nothing_of_the_third_release_by_a_save_of_the_second(self, shown: Ran) -> None:
        with docstore.connect(f"sqlite:///{shown.databases[0]}") as store:
            last = store.get("ore", kind="specimen")

            assert store.history("ore", kind="specimen")[0].places == ("/celsius",)
            assert (last["__schema"], last["celsius"], last["readings"]) == (3, 98.5, [99.5])
            assert store.get("ore", kind="specimen", version=1, pointer="/fahrenheit") == 212.0
            assert store.verify() == []

    def test_refuses_in_the_first_what_the_third_wrote_with_both_numbers(self, shown: Ran) -> None:
        assert "has schema 3, and the class here has schema 1" in shown.done.stdout


class TestWhatTheExamplesOfManyWritersShow:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("two_writers", "Ada's is trial 13 now"),
            ("two_writers", "it was 'a stone oven', mine is 'an electric oven', theirs is 'a gas oven'"),
            ("two_writers", "It stands at 100"),
            ("branch_and_merge", "{0: 0.2, 1: 0.3, 2: 0.4, 3: 0.5, 4: 0.9}"),
            ("branch_and_merge", "Both changed /description: None became 'wood', and 'gas'."),
            ("branch_and_merge", "version 6, "),
        ],
    )
    def test_says_what_became_of_each_change(self, ran_once: Callable[[Path], Ran], name: str, shown: str) -> None:
        assert shown in ran_once(REPOSITORY / "examples" / f"{name}.py").done.stdout

    @pytest.mark.parametrize(
        ("name", "documents"), [("two_writers", {"bread"}), ("branch_and_merge", {"bread", "bread, with steam"})]
    )
    def test_leaves_a_database_without_damage(
        self, ran_once: Callable[[Path], Ran], name: str, documents: set[str]
    ) -> None:
        [database] = ran_once(REPOSITORY / "examples" / f"{name}.py").databases

        with closing(docstore.connect(f"sqlite:///{database}")) as store:
            assert {found.name for found in store.find()} == documents
            assert store.verify() == []
