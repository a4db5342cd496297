"""Which path shows which page: each as HTML, as JSON, and as CSV if it is a table."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from docstore import __version__
from docstore.documents.arguments import checked_iterable
from docstore.errors import DocstoreError, InvalidValueError
from docstore.model.artifact import sha256_of
from docstore.web import formats
from docstore.web.actions import ACTIONS
from docstore.web.failures import Failure, failure
from docstore.web.pages.artifacts import open_artifact
from docstore.web.pages.database import database_page
from docstore.web.pages.diff import Pair, diff_page
from docstore.web.pages.document import Look, document_page
from docstore.web.pages.experiment import experiment_page
from docstore.web.pages.history import history_page
from docstore.web.pages.listing import listing
from docstore.web.pages.live import news
from docstore.web.pages.objective import objective
from docstore.web.pages.trials import trial_page, trials_page
from docstore.web.rendering import assets, link, render, static_files
from docstore.web.security import HEADERS, Guard, Writers, attachment, is_from_here
from docstore.web.source import EXPERIMENT, Source

if TYPE_CHECKING:
    from docstore.store.store import Store


class Query:
    """The query of a request: texts and numbers by name."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text.

        Raises:
            InvalidValueError: it is not given, and there is no *default*.
        """
        value = self._given.get(key, default)
        if value is None:
            raise InvalidValueError(key, None, f"The address needs it: ?{key}=...")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """Return a number from 0; raises as ``text``."""
        text = self.text(key, None if default is None else str(default))
        number = formats.read_number(text)
        if number is None:
            raise InvalidValueError(key, text, "Give a number from 0.")
        return number

    def optional(self, *keys: str) -> dict[str, str]:
        """Return those of *keys* that are given, and not empty."""
        return {key: self._given[key] for key in keys if self._given.get(key)}

    @property
    def kind(self) -> str:
        """The kind of document: by default, experiments."""
        return self.text("kind", EXPERIMENT)


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page: its path, what makes it, and the template that shows it; its ``table`` is there as CSV."""

    path: str
    make: Callable[[Source, Query], Any]
    template: str


def _pair(query: Query) -> Pair:
    return Pair(query.text("a", ""), query.text("b", ""), query.text("other", ""), query.text("seal", ""))


def _look(query: Query) -> Look:
    pointer, version, seal = (query.text(key, "") for key in ("pointer", "version", "seal"))
    return Look(query.text("name"), query.kind, pointer, version, query.number("start", 0), seal)


_FILTERS: Final = ("type", "status", "owner", "prefix", "sort")

PAGES: Final = (
    PageRoute(
        "/list",
        lambda s, q: listing(s, q.text("kind", s.first_kind()), q.optional(*_FILTERS), q.text("after", "") or None),
        "listing",
    ),
    PageRoute("/experiment", lambda s, q: experiment_page(s, q.text("name"), q.text("version", "")), "experiment"),
    PageRoute("/objective", lambda s, q: objective(s, q.text("name"), q.text("version", "")), "objective"),
    PageRoute(
        "/trials",
        lambda s, q: trials_page(
            s, q.text("name"), q.number("start", 0), q.text("sort", "trial"), q.text("version", "")
        ),
        "trials",
    ),
    PageRoute("/trial", lambda s, q: trial_page(s, q.text("name"), q.number("index"), q.text("version", "")), "trial"),
    PageRoute(
        "/history",
        lambda s, q: history_page(
            s, q.text("name"), q.kind, q.number("before", 0) or None, with_branches=q.text("branches", "") == "yes"
        ),
        "history",
    ),
    PageRoute("/diff", lambda s, q: diff_page(s, q.text("name"), q.kind, _pair(q), q.number("start", 0)), "diff"),
    PageRoute("/json", lambda s, q: document_page(s, _look(q)), "document"),
    PageRoute("/store", lambda s, q: database_page(s), "database"),
)
"""Every page."""


class Site:
    """The pages of one store, as handlers of requests."""

    def __init__(self, store: Store, writers: Writers, *, write: bool) -> None:
        self.source = Source(store, writable=write)
        self.writers = writers

    def routes(self) -> list[BaseRoute]:
        """Return the routes of all pages, of the static files, and of what may be changed."""
        found: list[BaseRoute] = [Route("/", self._first_page), Route("/changes", self._changes)]
        for page in PAGES:
            for form in ("", ".json", ".csv"):
                found.append(Route(page.path + form, partial(self._page, page, form)))
        found.append(Route("/artifact", self._artifact))
        found.append(Route("/static/{file}", _static))
        found.append(Route("/sign-in", self._sign_in, methods=["GET", "POST"]))
        found += [Route(path, partial(self._act, path), methods=["POST"]) for path in ACTIONS]
        return found

    # --- reading -----------------------------------------------------------------------------------------------------

    def _first_page(self, request: Request) -> Response:
        return self._page(PAGES[0], "", request)

    def _page(self, route: PageRoute, form: str, request: Request) -> Response:
        query = Query(request.query_params)
        try:
            page = route.make(self.source, query)
        except DocstoreError as error:
            return self._failed(
                request, form, failure(self.source, error, request.query_params.get("kind", EXPERIMENT))
            )
        headers = self._headers(request, route, form, getattr(page, "stamp", None))
        if headers.get("ETag") in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if form == ".json":
            return Response(formats.to_json(page), headers=headers, media_type="application/json")
        if form == ".csv":
            return Response(formats.to_csv(page.table), headers=headers, media_type="text/csv; charset=utf-8")
        return self._html(request, f"{route.template}.html", {"page": page, "path": route.path}, headers=headers)

    def _headers(self, request: Request, route: PageRoute, form: str, stamp: formats.Stamp | None) -> dict[str, str]:
        """Return the headers that say how long an answer is true."""
        if stamp is None:
            return {"Cache-Control": "no-cache", "Vary": "Cookie, HX-Request"}
        parts = (stamp.made_of, route.path, form, str(request.query_params), request.headers.get("hx-request", ""))
        state = (__version__, assets(), str(self.writers.may_write(request)), *parts)
        tag = hashlib.sha256("\n".join(state).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        age = "private, max-age=31536000, immutable" if stamp.is_fixed else "no-cache"
        return {"ETag": f'"{tag}"', "Cache-Control": age, "Vary": "Cookie, HX-Request"}

    def _html(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        frame = {
            "is_part": request.headers.get("hx-request") == "true",
            "query": dict(request.query_params),
            "writable": self.source.writable,
            "may_write": self.writers.may_write(request),
            "project": self.source.store.project,
        }
        body = render(template, request.scope.get("root_path", ""), {**frame, **values})
        return Response(body, status, dict(headers or {"Cache-Control": "no-store"}), "text/html; charset=utf-8")

    def _failed(self, request: Request, form: str, found: Failure) -> Response:
        if form:
            headers = {"Cache-Control": "no-store"}
            return Response(formats.to_json(found), found.status, headers, "application/json")
        return self._html(request, "failure.html", {"page": found, "path": ""}, found.status)

    def not_found(self, request: Request, error: Exception) -> Response:
        """Return the page for a path that is none."""
        listed = ", ".join(page.path for page in PAGES)
        return self._failed(request, "", Failure(404, "No such page", f"The pages are {listed}."))

    def broken(self, request: Request, error: Exception) -> Response:
        """Return the page for an error that nobody expected; the server writes it to its log. ``Guard`` is inside."""
        text = f"The server met an error that it did not expect ({type(error).__name__}). Its log says where."
        answer = self._failed(request, "", Failure(500, "It went wrong", text))
        answer.headers.update(HEADERS)
        return answer

    def _changes(self, request: Request) -> Response:
        """Answer what changed since a page was made: nothing (204), or a sentence with links."""
        query = Query(request.query_params)
        try:
            found = news(self.source, query.kind, query.text("name", ""), query.text("seen", ""))
        except DocstoreError as error:
            return self._failed(request, "", failure(self.source, error, query.kind))
        if found is None:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return self._html(request, "news.html", {"page": found})

    def _artifact(self, request: Request) -> Response:
        """Send a file that a document refers to, for the browser to save and never to show: anybody may have put it."""
        query = Query(request.query_params)
        try:
            number = query.number("version", 0) or None
            name, pointer = query.text("name"), query.text("pointer")
            artifact, file = open_artifact(self.source, name, query.kind, pointer, number)
        except DocstoreError as error:
            return self._failed(request, "", failure(self.source, error, query.kind))
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        headers = {
            "Content-Disposition": attachment(artifact.name or "file"),
            "Content-Length": str(size),
            "ETag": f'"{sha256_of(artifact.digest)}"',
            "Cache-Control": "no-cache",
        }
        if headers["ETag"] in _tags(request.headers.get("if-none-match", "")):
            file.close()
            return Response(status_code=304, headers={"ETag": headers["ETag"]})
        return StreamingResponse(_chunks(file), headers=headers, media_type="application/octet-stream")

    # --- writing -----------------------------------------------------------------------------------------------------

    async def _act(self, path: str, request: Request) -> Response:
        if not self.writers.may_write(request) or not is_from_here(request):
            remedy = "Sign in with the token that the server printed." if self.source.writable else "It is read only."
            return self._failed(request, "", Failure(403, "Nothing was changed", remedy))
        form = await _form(request)
        if form is None:
            remedy = "The form is too large. Go back: your text is still there."
            return self._failed(request, "", Failure(413, "Nothing was changed", remedy))
        try:
            conflict = await run_in_threadpool(ACTIONS[path], self.source, form)
        except DocstoreError as error:
            found = await run_in_threadpool(failure, self.source, error, form["kind"])
            return self._failed(request, "", found)
        if conflict is not None:
            return self._html(request, "note_conflict.html", {"page": conflict, "path": path}, 409)
        page = "/experiment" if path == "/note" else "/history"
        back = link(page, name=form["name"], kind=form["kind"])
        return RedirectResponse(request.scope.get("root_path", "") + back, 303)

    async def _sign_in(self, request: Request) -> Response:
        given = request.query_params.get("token")
        if request.method == "POST":
            given = (await _form(request) or {}).get("token", "")
        root = request.scope.get("root_path", "")
        if given is not None:
            answer = RedirectResponse(f"{root}/", 303)
            if self.writers.sign_in(given.strip(), answer, secure=request.url.scheme == "https", path=root):
                return answer
        values = {"page": None, "path": "/sign-in", "is_wrong": given is not None}
        return self._html(request, "sign_in.html", values, 403 if given is not None else 200)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(1 << 18):
            yield chunk


def _tags(header: str) -> set[str | None]:
    return {each.strip().removeprefix("W/") for each in header.split(",") if each.strip()}


_LARGEST_FORM: Final = 1 << 20
"""Bytes of a form: a note of 50,000 characters may be encoded as 9 bytes for each."""


async def _form(request: Request) -> dict[str, str] | None:
    """Return the fields of a form; None for one that is larger than a form of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            return None
    found = {"kind": EXPERIMENT, "name": "", "tag": ""}
    with suppress(UnicodeDecodeError, ValueError):
        found |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    return found


_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def _static(request: Request) -> Response:
    name = request.path_params["file"]
    media = _TYPES.get(name[name.rfind(".") :])
    text = static_files().get(name)
    if media is None or text is None:
        return Response("There is no such file.\n", 404, media_type="text/plain")
    is_fixed = request.query_params.get("v") == assets()
    age = "public, max-age=31536000, immutable" if is_fixed else "no-cache"
    return Response(text, 200, {"Cache-Control": age}, f"{media}; charset=utf-8")


def make_app(store: Store, *, write: bool, token: str | None, hosts: Collection[str]) -> Starlette:
    """Return the application; as ``docstore.web.app``."""
    if write != (token is not None):
        remedy = "Give both write=True and a token, or neither: whoever has the token may write."
        raise InvalidValueError("write", write, remedy)
    checked_iterable("hosts", hosts, "app(store, hosts=['lab.example.org'])")
    site = Site(store, Writers(token), write=write)
    return Starlette(
        routes=site.routes(),
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={404: site.not_found, Exception: site.broken},
    )
