"""Headers of every answer, the names under which a server may be asked, and who may write."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore.errors import InvalidValueError

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_COOKIE: Final = "docstore_write"
_SHORTEST: Final = 16


class Guard:
    """Adds the headers to each answer, and refuses a request under another name than *hosts*, if there are any.

    A page of another site whose name leads to this machine (DNS rebinding) asks under that name. It cannot ask under an
    address in numbers, which is no name that a site could change: each of these is allowed.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        host = _host_name(Headers(scope=scope).get("host", ""))
        if self._hosts and host not in self._hosts and not _is_address(host):
            text = f"This server is not known as {host!r}. Open it by its address in numbers, or let it be known so: "
            answer = PlainTextResponse(f"{text}docstore serve --allowed-host, or hosts= in Python.\n", 421)
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine can connect to the address *host*."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_names(host: str) -> tuple[str, ...]:
    """Return the names of this machine, and *host*, the one that it listens under."""
    name = socket.gethostname()
    return "localhost", *filter(None, (host, name)), f"{name.partition('.')[0]}.local"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without its port; "" if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class Writers:
    """Knows by a cookie who has the token; nobody may write without one.

    The cookie holds a digest of the token. It is sent by pages of this site only (``SameSite=Strict``), and no script
    can read it.
    """

    def __init__(self, token: str | None) -> None:
        if token is not None and len(token) < _SHORTEST:
            raise InvalidValueError("token", "***", f"Give at least {_SHORTEST} characters, which nobody can guess.")
        self._token = token

    def may_write(self, request: Request) -> bool:
        """Return whether the browser has signed in."""
        given = request.cookies.get(_COOKIE, "")
        return self._token is not None and hmac.compare_digest(given.encode(), self._mark.encode())

    def sign_in(self, given: str, response: Response, *, secure: bool, path: str) -> bool:
        """Set the cookie in *response* if the token is *given*; return whether it was."""
        if self._token is None or not hmac.compare_digest(given.encode(), self._token.encode()):
            return False
        response.set_cookie(_COOKIE, self._mark, path=path or "/", secure=secure, httponly=True, samesite="strict")
        return True

    @property
    def _mark(self) -> str:
        return hashlib.sha256(f"docstore {self._token}".encode()).hexdigest()


def attachment(name: str) -> str:
    """Return the ``Content-Disposition`` (RFC 6266) by which a browser saves an answer under *name*, in no folder."""
    safe = "".join(each if each.isprintable() and each not in '/\\:"' else "_" for each in name)[:200].lstrip(".")
    plain = "".join(each if each.isascii() else "_" for each in safe)
    return f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(safe or 'file', safe='')}"


def is_from_here(request: Request) -> bool:
    """Return whether a page of this server made the request, as the browser says; a form of another site does not."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    _, is_address, host = request.headers.get("origin", "").partition("://")
    return bool(is_address) and host == request.headers.get("host")
