"""Postgres through psycopg 3: its engine, and what database errors mean, of either database.

https://www.psycopg.org/psycopg3/docs/
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

_CONTENDED = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout: the transaction is undone, and may be done again."""
_GONE_CLASSES = ("08", "53")
_GONE = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25006"})
"""The server stops, starts, ended our session, or is a standby at the moment."""
_ADVICE: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "another program has locked it: end that one",
    sqlite3.SQLITE_LOCKED: "another program has locked it: end that one",
    sqlite3.SQLITE_READONLY: "it is read-only: let the server write to its file and folder",
    sqlite3.SQLITE_IOERR: "its disk refuses to be written: free space, or raise the limit on the size of files",
    sqlite3.SQLITE_FULL: "its disk is full: free space",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened: let the server read and write it and its folder",
}
_CONNECTING: Mapping[str, int] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def postgres_url(text: str) -> sa.URL:
    """A Postgres address for SQLAlchemy: `postgresql://user:password@host/name`, or `…@/name?host=/folder/of/socket`.

    Raises ValueError; its text quotes nothing of the address.
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise ValueError("is not an address such as postgresql://user:password@host:5432/name") from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ValueError("must begin with postgresql://")
    if not url.database:
        raise ValueError("must name a database: postgresql://user:password@host:5432/name")
    return url.set(drivername="postgresql+psycopg")


def connect_arguments(url: str) -> dict[str, Any]:
    """What psycopg itself is told to connect to this address."""
    address = postgres_url(url)
    return {**_CONNECTING, **address.translate_connect_args(database="dbname", username="user"), **address.query}


def postgres_engine(
    url: str,
    *,
    application_name: str,
    pool_size: int,
    isolation: str = "READ COMMITTED",
    lock_seconds: float = 0.0,
    idle_seconds: float = 10.0,
    pre_ping: bool = False,
) -> sa.Engine:
    """An engine whose sessions carry a name, so that a peer can end them.

    A lock is waited for no longer than `lock_seconds` (0: for ever); a process that is frozen inside a transaction
    holds its own no longer than `idle_seconds`.
    """
    engine = sa.create_engine(
        postgres_url(url),
        isolation_level=isolation,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=pre_ping,
        hide_parameters=True,  # an error in the log must not quote a prompt or a webhook's address
        connect_args={**_CONNECTING, "application_name": application_name},
    )
    wanted = (
        f"SET idle_in_transaction_session_timeout = '{round(idle_seconds * 1000)}ms'; "
        f"SET lock_timeout = '{round(lock_seconds * 1000)}ms'"
    )

    def connect(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(wanted)
        cursor.close()
        connection.commit()  # the pool's rollback would undo a bare SET

    sa.event.listen(engine, "connect", connect)
    return engine


def is_away(error: BaseException) -> bool:
    """Whether an error means that the database cannot be reached, or cannot be used for the moment."""
    if isinstance(error, sa.exc.TimeoutError):
        return True  # no connection became free
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _ADVICE
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or isinstance(error, sa.exc.OperationalError)
    return state.startswith(_GONE_CLASSES) or state in _GONE


def advice(error: BaseException) -> str:
    """What is wrong with a database that is away, and what its operator can do; names no path and no address."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return _ADVICE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF, "it fails: see the server's log")
    if is_contended(error):
        return "others hold its tables: end what does, such as a backup, or try again after it"
    if isinstance(error, sa.exc.TimeoutError):
        return "it answers too slowly: look at its load and its locks"
    return "it cannot be reached: see that it runs and takes connections"


def is_contended(error: BaseException) -> bool:
    """Whether an error means that another transaction was in the way; this one is undone and may be done again."""
    return isinstance(error, sa.exc.DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONTENDED
