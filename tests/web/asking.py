"""Requests to an application in this process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

HOST = "http://127.0.0.1"


class Client:
    """Asks an ASGI application; keeps its cookies."""

    def __init__(self, app: Any, host: str = HOST) -> None:
        self.app, self.host = app, host
        self.cookies = httpx.Cookies()

    def get(self, path: str, headers: Mapping[str, str] | None = None, /, **query: Any) -> httpx.Response:
        """Return the answer to a GET; a redirect is not followed."""
        return asyncio.run(self._ask("GET", path, params=query or None, headers=headers))

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Return the answer to a form, which a page of this server sent unless *headers* say otherwise."""
        given = {"Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return asyncio.run(self._ask("POST", path, data=form, headers=given))

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.host, cookies=self.cookies) as client:
            answer = await client.request(method, path, **request)
            self.cookies = client.cookies
            return answer
