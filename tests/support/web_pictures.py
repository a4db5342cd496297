"""Make the pictures of pages in the documentation: ``python tests/support/web_pictures.py``, or ``make picture``."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from large_lab import end, new_experiment
from playwright.sync_api import sync_playwright

import docstore
from docstore import (
    Experiment,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    OutcomeConstraint,
    TrialStatus,
    web,
)
from docstore.testing.experiments import observe
from docstore.web import serving

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

SHOWN = {
    "web-experiment": "/experiment?name=oven%207",
    "web-diff": "/diff?name=oven%207&a=12&b=13",
    "web-front": "/objective?name=oven%208",
}
"""The pages, by the names of the pictures."""


NIGHTS = 12


def add_night(experiment: Experiment, night: int, chance: random.Random) -> None:
    """Add the twenty trials of a night, nearer to the best parameters than those of the night before."""
    spread = 0.4 * (1 - night / NIGHTS) + 0.02
    for _ in range(20):
        x = min(max(0.3 + spread * chance.gauss(0, 1), 0.0), 1.0)
        y = 10 ** min(max(-2 + 4 * spread * chance.gauss(0, 1), -4.0), 0.0)
        trial = experiment.new_trial(parameters={"x": x, "y": y, "flour": chance.choice(["rye", "spelt", "wheat"])})
        end(experiment, trial, x, y, chance)


def fill(store: docstore.Store) -> None:
    """Save an experiment that three people worked on for twelve nights, and one with two objectives."""
    chance = random.Random(3)
    experiment = new_experiment("oven 7", experiment_type="SWEEP", description="Twelve nights on the stone")
    for night in range(NIGHTS):
        add_night(experiment, night, chance)
        store.save(experiment, author=("ada", "bob", "cy")[night % 3], message=f"night {night + 1}")
    store.tag("oven 7", "half way", 6)
    experiment.trials[7].properties["checked by"] = "ada"
    experiment.description = "Twelve nights on the stone, outliers checked"
    store.save(experiment, author="ada", message="looked at the outliers")
    both = new_experiment("oven 8", experiment_type="SWEEP")
    goals = MultiObjective([Objective("-loss"), Objective("-time")])
    both.optimization_config = MultiObjectiveOptimizationConfig(goals, [OutcomeConstraint("time <= 56")])
    for night in range(4):
        add_night(both, night, chance)
    for trial in both.trials.values():
        if trial.status is TrialStatus.COMPLETED:  # a small x takes less time than the one with the least loss
            x = trial.arms[0].parameters["x"]
            observe(both, trial.index, 40 + 25 * x**0.5 + chance.random(), "time")
    store.save(both, author="bob", message="a tray at a time")


def take(address: str, report: Path) -> None:
    """Write what the browser shows of each page, and of a report in which somebody compares two versions."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 880})
        for name, path in SHOWN.items():
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=str(PICTURES / f"{name}.png"))
        page.goto(report.as_uri())
        page.locator("input[name=a]").fill("12")
        page.get_by_role("button", name="Show").click()
        page.locator("#answer table").wait_for()
        page.evaluate("document.querySelector('#compare').closest('section').scrollIntoView()")
        page.screenshot(path=str(PICTURES / "web-report.png"))
        browser.close()


def main() -> None:
    """Make the pictures."""
    with (
        tempfile.TemporaryDirectory(prefix="docstore-tests-") as folder,
        closing(docstore.connect(Path(folder) / "lab.db")) as store,
        serving.listen("127.0.0.1", 0) as listening,
    ):
        fill(store)
        report = Path(folder) / "report.html"
        report.write_bytes(web.report(store, "oven 7"))
        server = serving.server_of(store, "127.0.0.1")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            take(f"http://127.0.0.1:{listening.getsockname()[1]}", report)
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
