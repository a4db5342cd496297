"""What a browser is sent: docstore's pages beside optuna-dashboard, MLflow and Datasette, on one experiment.

Run it by ``.venv-peers/bin/python tests/bench/peers/bench_pages.py``; it needs the program ``chromium``. The trials of
``workload`` are saved, and exported to the others. Each server is started; then a new browser without a cache opens the
page of the experiment, until the server has sent nothing for two seconds. Printed are the bytes as they were
sent, the requests, and the seconds until the last of them ended: of a first visit, and of a second one by another such
browser.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1]))
from playwright.sync_api import Browser, sync_playwright
from report import machine
from workload import experiment

import docstore

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server")
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Face:
    """A server, by the command that starts it, and the path of the page of the experiment."""

    title: str
    command: Sequence[str]
    path: str


@dataclass(frozen=True)
class Visit:
    """What the browser was sent; *elsewhere* are other hosts that the page asked."""

    size: int
    requests: int
    seconds: float
    largest: str
    elsewhere: frozenset[str]


def of_docstore(folder: Path, port: int) -> Iterator[Face]:
    url = f"sqlite:///{folder}/docstore.db"
    serve = [sys.executable, "-c", f"import docstore.web; docstore.web.serve({url!r}, port={port})"]
    yield Face("docstore, the experiment", serve, "/experiment?name=bench")
    yield Face("docstore, its trials", serve, "/trials?name=bench")


def of_datasette(folder: Path, port: int) -> Iterator[Face]:
    datasette = [str(PROGRAMS / "datasette"), "serve", "--port", str(port), str(folder / "docstore.db")]
    yield Face("Datasette, its trials", datasette, "/docstore/trials")


def of_optuna(folder: Path, port: int) -> Iterator[Face]:
    from docstore.optuna import export_study

    url = f"sqlite:///{folder}/optuna.db"
    with docstore.connect(f"sqlite:///{folder}/docstore.db") as store:
        study = export_study(store, "bench", url)._study_id
    dashboard = [str(PROGRAMS / "optuna-dashboard"), "--port", str(port), url]
    yield Face("optuna-dashboard, the study", dashboard, f"/dashboard/studies/{study}")
    yield Face("optuna-dashboard, its trials", dashboard, f"/dashboard/studies/{study}/trials")


def of_mlflow(folder: Path, port: int) -> Iterator[Face]:
    from docstore.mlflow import export_experiment

    url = f"sqlite:///{folder}/mlflow.db"
    with docstore.connect(f"sqlite:///{folder}/docstore.db") as store:
        runs = export_experiment(store, "bench", url).experiment_id
    server = [str(PROGRAMS / "mlflow"), "server", "--port", str(port), "--backend-store-uri", url]
    yield Face("MLflow, the runs", server, f"/#/experiments/{runs}/runs")


FACES = {"docstore": of_docstore, "datasette": of_datasette, "optuna": of_optuna, "mlflow": of_mlflow}
"""What gives the pages of each, once its database has been made of that of docstore."""


@contextmanager
def started(face: Face, folder: Path, port: int) -> Iterator[None]:
    """Run the server until the block ends."""
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            face.command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            answers(port, server)
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)  # one that computes does not listen to SIGTERM
            server.wait()


def answers(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=60):
                return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"{server.args!r} does not answer")


def visit(browser: Browser, base: str, path: str) -> Visit:
    """Open a page in a browser without a cache, until the server has sent nothing for two seconds and owes nothing."""
    context = browser.new_context()
    page = context.new_page()
    watch = context.new_cdp_session(page)
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}
    elsewhere: set[str] = set()
    ended = began = time.perf_counter()

    def asked(event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if url.startswith(base):
            if ".worker." not in url:  # Chromium does not say when the script of a worker has arrived
                urls[event["requestId"]] = url
        elif url.startswith("http"):
            elsewhere.add(urlsplit(url).netloc)

    def answered(event: dict[str, Any]) -> None:
        nonlocal ended
        if event["requestId"] in urls:
            sizes[event["requestId"]] = int(event.get("encodedDataLength", 0))
            ended = time.perf_counter()

    watch.send("Network.enable")
    watch.on("Network.requestWillBeSent", asked)
    watch.on("Network.loadingFinished", answered)
    watch.on("Network.loadingFailed", answered)
    page.goto(f"{base}{path}", wait_until="commit", timeout=300_000)
    while (quiet := time.perf_counter() - ended) < 2 or (urls.keys() - sizes.keys() and quiet < 60):
        page.wait_for_timeout(100)
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=f"{shots}/{len(os.listdir(shots))}.png")
    context.close()
    largest = max(sizes, key=lambda each: sizes[each])
    shown = f"{urls[largest].removeprefix(base)}: {sizes[largest]:,}"
    return Visit(sum(sizes.values()), len(sizes), ended - began, shown, frozenset(elsewhere))


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--only", choices=FACES, nargs="*", default=[*FACES])
    arguments = parser.parse_args()
    trials = arguments.trials
    print(machine())
    with tempfile.TemporaryDirectory() as text, sync_playwright() as playwright:
        folder = Path(text)
        with docstore.connect(folder / "docstore.db") as store:
            store.save(experiment(trials))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        port = free_port()
        print(f"{f'n = {trials:,}':30}{'kB':>10}{'requests':>10}{'first, s':>10}{'second, s':>11}")
        for face in (face for name in arguments.only for face in FACES[name](folder, port)):
            with started(face, folder, port):
                first, second = (visit(browser, f"http://127.0.0.1:{port}", face.path) for _ in range(2))
            print(
                f"{face.title:30}{second.size / 1000:10,.0f}{second.requests:10}{first.seconds:10.2f}"
                f"{second.seconds:11.2f}  {second.largest}  {' '.join(first.elsewhere | second.elsewhere)}",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
