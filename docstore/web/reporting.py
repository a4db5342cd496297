"""A report: one HTML file, with its style, its script and packed data in it, that needs no network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from docstore.progress import Progress, reporting
from docstore.web.pages.report import Step, report_page
from docstore.web.rendering import environment, static_files
from docstore.web.source import Source

if TYPE_CHECKING:
    from docstore.sql.version_names import When
    from docstore.store.store import Store

_POLICY: Final = "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
"""A browser loads nothing, and runs no script but the one of the file."""


def report(
    store: Store, name: str, version: When | None, *, with_json: bool, progress: bool | Callable[[Progress], None]
) -> bytes:
    """Return the report about an experiment; as ``docstore.web.report``."""
    with reporting(progress) as told:
        page = report_page(Source(store), name, version, told)
    style, script = _static("style.css"), _static("report.js")
    text = (
        environment()
        .get_template("report.html")
        .render(
            page=page,
            project=store.project,
            style=Markup(style),
            script=Markup(script),
            policy=Markup(_POLICY.format(style=_hash(style), script=_hash(script))),
            steps=_packed(_steps_text(page.steps)),
            document=_packed(page.document) if with_json else "",
            document_size=len(page.document),
        )
    )
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate cannot be written


def _static(name: str) -> str:
    return static_files()[name].decode()


def _hash(text: str) -> str:
    """Return how a policy names an inline style or script of this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _steps_text(steps: Sequence[Step]) -> bytes:
    """Return the steps as report.js reads them: ``[[number, since, [[subject, what, was, now], ...], more], ...]``."""
    found = [
        [step.number, step.since, [[line.subject, line.what, line.was, line.now] for line in step.lines], step.more]
        for step in steps
    ]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
