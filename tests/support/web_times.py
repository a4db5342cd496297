"""What each page takes: ``python tests/support/web_times.py large.db``, on what ``tests/support/large_lab.py`` made.

Each page is asked for three times by an application of its own in this process: cold (nothing is in its cache), then
warm. Printed are the milliseconds of CPU and of the clock, the bytes, and the statements that the cold answer needed.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing

from counting import statements_of
from web_lab import Client

import docstore
from docstore import web

PAGES = (
    "/",
    "/list?sort=name",
    "/list?prefix=sweep%200500",
    "/experiment?name=large",
    "/objective?name=large",
    "/trials?name=large",
    "/trial?name=large&index=5000",
    "/history?name=large",
    "/diff?name=large&a=9&b=10",
    "/json?name=large",
    "/json?name=large&version=5",
    "/json?name=large&pointer=/trials/5000",
    "/json?name=large&pointer=/trials",
    "/store",
    "/changes?name=large&seen=10",
    "/experiment?name=larg",
)


def measured(client: Client, page: str) -> tuple[float, float, int]:
    """Return the milliseconds of CPU and of the clock of one answer, and its bytes."""
    cpu, clock = time.process_time(), time.perf_counter()
    answer = client.get(page)
    return (time.process_time() - cpu) * 1e3, (time.perf_counter() - clock) * 1e3, len(answer.content)


def main() -> None:
    """Print a line for each page."""
    with closing(docstore.connect(sys.argv[1], read_only=True)) as store:
        Client(web.app(store)).get("/store")
        print(f"{'page':42}{'cold CPU':>10}{'clock':>8}{'warm CPU':>10}{'bytes':>10}{'statements':>12}")
        for page in PAGES:
            client = Client(web.app(store))
            cold, clock, size = measured(client, page)
            warm = min(measured(client, page)[0] for _ in range(2))
            sent = len(statements_of(store.engine, Client(web.app(store)).get, page))
            print(f"{page:42}{cold:10.0f}{clock:8.0f}{warm:10.0f}{size:10,}{sent:12}")


if __name__ == "__main__":
    main()
