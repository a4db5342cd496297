"""A wire between a client and a server, which can be cut at a COMMIT: before the server has it, or after it did."""

from __future__ import annotations

import contextlib
import select
import socket
import threading

HOST = "127.0.0.1"

COMMITS = (b"Q\x00\x00\x00\x0bCOMMIT\x00", b"\x07\x00\x00\x00\x03COMMIT")
"""How psycopg2 and PyMySQL say it."""


class Proxy:
    """Takes connections at ``port`` for the server, until ``close``.

    Attributes:
        cut: what becomes of the next COMMIT; its connection is cut, and all works as before. ``"before"``: it never
            arrives. ``"after"``: it does, and the answer is lost. ``"late"``: it arrives when ``deliver`` is called.
            ``"silent before"``, ``"silent after"``: as those, but the connection stays open, and nothing is said on it.
        answer: what the next COMMIT is answered with, in place of the server, which does not have it.
        then_refuse: whether no connection is taken from then on, until ``listen``.
        then_hang_up: whether each connection from then on is taken and cut before anything is said.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.port = 0
        self.cut: str | None = None
        self.answer = b""
        self.then_refuse = False
        self.then_hang_up = False
        self._hangs_up = False
        self._late: tuple[socket.socket, bytes] | None = None
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self.listen()

    def listen(self) -> None:
        """Take connections, at the same port as before."""
        self._listening = socket.create_server((HOST, self.port))
        self.port = self._listening.getsockname()[1]
        self._start(self._accept, self._listening)

    def refuse(self) -> None:
        """Take no more connections; those that there are, are kept."""
        with contextlib.suppress(OSError):  # it listens no more
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def deliver(self) -> None:
        """Let the server have the COMMIT that was kept back, and wait until it is done."""
        assert self._late is not None
        (server, commit), self._late = self._late, None
        with server:
            server.sendall(commit)
            server.recv(1 << 16)

    def close(self) -> None:
        """Cut everything."""
        self.refuse()
        if self._late is not None:
            self._late[0].close()
        for each in tuple(self._open):
            with contextlib.suppress(OSError):  # it is closed
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _start(self, run: object, *arguments: object) -> None:
        self._threads.append(threading.Thread(target=run, args=arguments))
        self._threads[-1].start()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was told to refuse
            while True:
                client = listening.accept()[0]
                if self._hangs_up:
                    client.close()
                else:
                    self._start(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        """Carry what either side says to the other, until one has no more to say or the connection is to be cut."""
        with contextlib.suppress(OSError), client, socket.create_connection(self._server) as server:
            self._open |= {client, server}
            while True:
                for side in select.select([client, server], [], [])[0]:
                    said = side.recv(1 << 16)
                    is_commit = side is client and said in COMMITS
                    if is_commit and self.answer:
                        goes_on = self._answers(client)
                    elif is_commit and self.cut:
                        goes_on = self._cuts(client, server, said)
                    else:
                        (server if side is client else client).sendall(said)
                        goes_on = bool(said)
                    if not goes_on:
                        self._open -= {client, server}
                        return

    def _answers(self, client: socket.socket) -> bool:
        """Answer a COMMIT; return whether the connection goes on."""
        answer, self.answer = self.answer, b""
        client.sendall(answer)
        return not self._refuses()

    def _refuses(self) -> bool:
        """Take no connections from now on, if so it was told; return whether."""
        self._hangs_up = self.then_hang_up
        if self.then_refuse:
            self.refuse()
        return self.then_refuse or self.then_hang_up

    def _cuts(self, client: socket.socket, server: socket.socket, commit: bytes) -> bool:
        """Cut the connection at a COMMIT; return whether it goes on, which it does not."""
        how, self.cut = self.cut, None
        self._refuses()
        if how == "late":
            self._late = server.dup(), commit
        elif how in ("after", "silent after"):
            server.sendall(commit)
            server.recv(1 << 16)
        if how in ("silent before", "silent after"):
            while client.recv(1 << 16):
                pass  # until the client waits no more
        return False
