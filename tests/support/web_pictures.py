"""Make the pictures of the pages in the documentation: ``python tests/support/web_pictures.py``."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from large_lab import add_trials, new_experiment
from playwright.sync_api import sync_playwright

import docstore
from docstore import web
from docstore.web import serving

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"

SHOWN = {"web-experiment": "/experiment?name=oven%207", "web-diff": "/diff?name=oven%207&a=12&b=13"}
"""The pages, by the names of the pictures."""


def fill(store: docstore.Store) -> None:
    """Save an experiment that three people worked on for twelve nights."""
    chance = random.Random(3)
    experiment = new_experiment("oven 7", experiment_type="SWEEP", description="twelve nights")
    for night in range(12):
        add_trials(experiment, 20, chance)
        store.save(experiment, author=("ada", "bob", "cy")[night % 3], message=f"night {night + 1}")
    store.tag("oven 7", "half way", 6)
    experiment.trials[7].properties["checked by"] = "ada"
    experiment.description = "twelve nights, outliers checked"
    store.save(experiment, author="ada", message="looked at the outliers")


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
