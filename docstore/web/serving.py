"""The server of ``docstore.web.serve``: uvicorn on a socket of its own."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection
from contextlib import closing, nullcontext, suppress
from errno import EADDRNOTAVAIL
from os import PathLike
from typing import TYPE_CHECKING
from urllib.parse import quote

import uvicorn

from docstore.documents.arguments import checked_iterable
from docstore.errors import InvalidValueError
from docstore.store.connect import connect
from docstore.store.store import Store
from docstore.web.routes import make_app
from docstore.web.security import is_loopback, own_names

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine


def serve(
    store_or_url: Store | str | PathLike[str] | URL | Engine,
    host: str,
    port: int,
    write: bool,
    token: str | None,
    hosts: Collection[str],
) -> None:
    """Show a store until Ctrl-C; as ``docstore.web.serve``."""
    if token is not None and not write:
        raise InvalidValueError("token", "***", "It is for writing: give write=True as well.")
    token = (token or secrets.token_urlsafe(24)) if write else None
    with listen(host, port) as listening:
        given = isinstance(store_or_url, Store)
        store = store_or_url if isinstance(store_or_url, Store) else connect(store_or_url, read_only=not write)
        with nullcontext() if given else closing(store):
            server = server_of(store, host, hosts, write=write, token=token)
            print(greeting(host, listening.getsockname()[1], token), flush=True)
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listening])


def server_of(
    store: Store, host: str, hosts: Collection[str] = (), *, write: bool = False, token: str | None = None
) -> uvicorn.Server:
    """Return the server of a store, not started: ``run(sockets=[listen(...)])`` does, until ``should_exit`` is set."""
    names = (*own_names(host), *checked_iterable("hosts", hosts, "serve(url, hosts=['lab.example.org'])"))
    app = make_app(store, write=write, token=token, hosts=names)
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, lifespan="off"))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InvalidValueError: the address is not this machine's, or another program listens there.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        if isinstance(error, (socket.gaierror, UnicodeError)) or getattr(error, "errno", None) == EADDRNOTAVAIL:
            remedy = f"{problem}. Give an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has."
            raise InvalidValueError("host", host, remedy) from error
        raise InvalidValueError("port", port, f"Cannot listen on {host}: {problem}. Give another, or 0.") from error


def greeting(host: str, port: int, token: str | None) -> str:
    """Return what is printed: the address, and with a token, the link that signs a browser in."""
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    lines = [f"docstore is at {address}  (Ctrl-C ends it)"]
    if token is not None:
        lines.append(f"To write, open {address}sign-in?token={quote(token, safe='')}")
    if not is_loopback(host):
        lines.append("Everybody who can reach this address can read all documents.")
    return "\n".join(lines)
