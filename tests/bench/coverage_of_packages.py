"""Print how much of each package was reached, from coverage's data file: ``make coverage`` runs it.

With ``--missing``, the lines and branches of each file that nothing reached follow.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import coverage

COUNTED = ("num_statements", "missing_lines", "num_branches", "missing_branches")


def measured() -> dict[str, dict[str, object]]:
    """Return coverage's summary of each file, by its path below the checkout."""
    data = coverage.Coverage()
    data.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        data.json_report(outfile=str(report))
        files = json.loads(report.read_text())["files"]
    return {path[path.rindex("docstore/") :]: file for path, file in files.items()}


def line(name: str, statements: int, missed: int, branches: int, untaken: int) -> str:
    reached = 100 * (1 - (missed + untaken) / max(1, statements + branches))
    return f"{name:24}{statements:>11,}{missed:>9,}{branches:>10,}{untaken:>9,}{reached:>9.1f}%"


def main(*, missing: bool) -> None:
    files = measured()
    packages: dict[str, list[int]] = defaultdict(lambda: [0] * len(COUNTED))
    for path, file in files.items():
        package = path.split("/")[1]
        for name in (package, "all"):
            packages[name] = [sum(pair) for pair in zip(packages[name], map(file["summary"].get, COUNTED), strict=True)]
    print(f"{'':24}{'statements':>11}{'missed':>9}{'branches':>10}{'missed':>9}{'reached':>10}")
    for name in [*sorted(packages.keys() - {"all"}), "all"]:
        print(line(name, *packages[name]))
    if missing:
        for path, file in sorted(files.items()):
            if file["missing_lines"] or file["missing_branches"]:
                print(f"{path}: lines {file['missing_lines']}, branches {file['missing_branches']}")


if __name__ == "__main__":
    main(missing="--missing" in sys.argv)
