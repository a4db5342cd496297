"""The command line with Ax's own files and databases: imported, looked at and edited."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.storage.json_store.save import save_experiment as save_json
from ax.storage.sqa_store.db import create_all_tables, get_engine, session_context
from ax.storage.sqa_store.save import save_experiment
from ax.utils.testing import core_stubs
from terminal import shown_on_terminal

import docstore
from docstore.cli.main import run

PROGRAM = """
import warnings
warnings.resetwarnings()
from docstore.__main__ import main
sys.exit(main())
"""


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database, in DOCSTORE_URL."""
    url = f"sqlite:///{tmp_path}/lab.db"
    docstore.connect(url).close()
    monkeypatch.setenv("DOCSTORE_URL", url)
    monkeypatch.chdir(tmp_path)
    return url


@pytest.fixture
def docstore_cli(capsys) -> Callable[[str], Ended]:
    def call(line: str) -> Ended:
        code = run(line.split())
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return call


def branin() -> Experiment:
    """Return an experiment with two trials that ran and have data."""
    experiment = Experiment(
        name="branin",
        search_space=core_stubs.get_branin_search_space(),
        optimization_config=core_stubs.get_branin_optimization_config(),
    )
    for x in (1.0, 2.0):
        trial = experiment.new_trial(GeneratorRun([Arm({"x1": x, "x2": 0.5})]))
        trial.mark_running(no_runner_required=True)
        row = {"trial_index": trial.index, "arm_name": trial.arm.name, "metric_name": "branin"}
        experiment.attach_data(Data(df=pd.DataFrame([{**row, "metric_signature": "branin", "mean": x, "sem": 0.1}])))
        trial.mark_completed()
    return experiment


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    save_json(branin(), str(tmp_path / "branin.json"))
    return tmp_path / "branin.json"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with session_context(url=f"sqlite:///{tmp_path}/ax.db"):
        create_all_tables(get_engine())
        save_experiment(branin())
    return tmp_path / "ax.db"


class TestAnImport:
    @pytest.mark.parametrize("source", ["file", "database"])
    def test_twice_is_once(self, docstore_cli, request, source):
        path = request.getfixturevalue(source)

        first, second = (docstore_cli(f"import --from ax {path} -o jsonl") for _ in range(2))

        assert (first.code, json.loads(first.out)["status"], first.err) == (
            0,
            "imported",
            "1 imported, 0 unchanged, 0 failed\n",
        )
        assert (second.code, json.loads(second.out)["status"]) == (0, "unchanged")
        assert docstore_cli("log branin -q").out == "1\n"

    def test_takes_a_url(self, docstore_cli, database):
        assert docstore_cli(f"import --from ax sqlite:///{database} --zone Europe/Vienna -q").out == "branin\n"

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("missing.json", "missing.json: there is no such file"),
            ("missing.db", "missing.db: there is no such database file"),
            ("lab.db", "lab.db is no database of Ax. It has no table 'experiment_v2'"),
            ("wrong.json", "wrong.json: Ax cannot read it: "),
        ],
    )
    def test_of_a_wrong_file_is_one_line(self, docstore_cli, tmp_path, source, told):
        (tmp_path / "wrong.json").write_text('{"__type": "Experiment"}')

        ended = docstore_cli(f"import --from ax {source}")

        assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
        assert told in ended.err

    def test_on_a_terminal_shows_how_far_it_is_and_nothing_of_what_ax_logs(self, database, lab):
        code, shown = shown_on_terminal(
            PROGRAM, "import", "--from", "ax", str(database), columns=120, environment={"DOCSTORE_URL": lab}
        )

        assert code == 0
        assert re.search(r"1/1\S* experiments", shown)
        assert ("INFO" in shown, "arning" in shown) == (False, False)


class TestWhatWasImported:
    @pytest.fixture(autouse=True)
    def _imported(self, docstore_cli, file, lab):
        assert docstore_cli(f"import --from ax {file}").code == 0

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("show branin -o json", '"COMPLETED": 2'),
            ("trials branin -o csv", "0,COMPLETED,0_0,1.0,0.5,1.0"),
            ("best branin -o csv", "2.0,1_0,1,true,2.0,0.5,2.0"),
            ("log branin /trials/1/status", "imported from Ax"),
            ("plot branin -o branin.svg", ""),
            ("report branin -o branin.html", ""),
        ],
    )
    def test_is_looked_at(self, docstore_cli, line, told):
        ended = docstore_cli(line)

        assert (ended.code, told in ended.out) == (0, True), ended

    def test_is_compared(self, docstore_cli, lab):
        with docstore.connect(lab) as store:
            experiment = store.load("branin")
            experiment.trials[0]._properties["note"] = "look at this one"
            store.save(experiment)

        assert "look at this one" in docstore_cli("diff branin 1").out

    def test_is_checked_by_ax_when_it_is_edited(self, docstore_cli, monkeypatch):
        monkeypatch.setenv("EDITOR", """sh -c 'grep -q "^#" "$1" || echo "\\"DONE\\"" > "$1"' sh""")

        ended = docstore_cli("edit branin /trials/0/status")

        assert ended.code == 3
        assert "at /trials/0/status: TrialStatus has no member 'DONE'" in ended.err
