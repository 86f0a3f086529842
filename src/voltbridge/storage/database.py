"""Connections: one engine for the writer, one for the reading threads, on SQLite or PostgreSQL.

SQLite runs in WAL mode with ``synchronous=FULL``, so that a commit that returned survives the loss of power.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

if TYPE_CHECKING:
    import psycopg

__all__ = ["READING_THREADS", "Database", "open_database"]

READING_THREADS = 4

_BUSY_TIMEOUT_MS = 1000

_SILENT: Any = {"hide_parameters": True}
"""Errors end up in logs, and parameters of statements may be secret or personal."""
_WAL_LIMIT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Database:
    """Engines over one database."""

    url: URL
    writer: Engine
    readers: Engine

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite; otherwise it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    def dispose(self) -> None:
        """Close the connections that nobody holds."""
        self.readers.dispose()
        self.writer.dispose()


def open_database(url: str) -> Database:
    """Engines for the URL: ``sqlite:////path/file.db`` or ``postgresql://user@host/name``.

    Raises ValueError with one sentence when the URL is of neither kind.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed)
    if backend == "postgresql":
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    raise ValueError(f"the database URL must begin with sqlite: or postgresql:, not {backend}:")


def _open_sqlite(url: URL) -> Database:
    if not url.database or url.database == ":memory:":
        raise ValueError("the database URL must name a file, as in sqlite:////var/lib/voltbridge/voltbridge.db")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    url = url.set(drivername="sqlite+pysqlite")
    # Each connection is used by one thread at a time, but not always by the same one.
    arguments = {
        "check_same_thread": False,
        "isolation_level": None,
        "timeout": _BUSY_TIMEOUT_MS / 1000,
        "cached_statements": 512,  # the writer has several per table
    }
    writer = create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments, **_SILENT)
    readers = create_engine(url, pool_size=READING_THREADS, max_overflow=0, connect_args=arguments, **_SILENT)
    event.listen(writer, "connect", _prepare_writer)
    event.listen(readers, "connect", _prepare_reader)
    # The driver itself opens no transactions (isolation_level None). The writer takes the lock at once, since a
    # transaction that began by reading could not wait for it.
    event.listen(writer, "begin", _begin_immediate)
    event.listen(readers, "begin", _begin)
    return Database(url, writer, readers)


def _open_postgresql(url: URL) -> Database:
    writer = create_engine(url, pool_size=1, max_overflow=0, **_SILENT)
    event.listen(writer, "connect", _prepare_postgresql_writer)
    # A connection that the server closed while it lay in the pool is noticed and replaced before use.
    readers = create_engine(url, pool_size=READING_THREADS, max_overflow=0, pool_pre_ping=True, **_SILENT)
    return Database(url, writer, readers)


def _prepare_postgresql_writer(connection: psycopg.Connection, _record: Any) -> None:
    # What is acknowledged must survive the server's end, whatever its configuration prefers. Stricter settings stay.
    with connection.transaction():
        setting = connection.execute("SHOW synchronous_commit").fetchone()
        if setting == ("off",):
            connection.execute("SET synchronous_commit TO on")


def _prepare_writer(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # What a long reader made the log grow by is given back.
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    connection.execute("PRAGMA foreign_keys = ON")


def _prepare_reader(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA query_only = ON")


def _begin_immediate(connection: Connection) -> None:
    _driver(connection).execute("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    _driver(connection).execute("BEGIN")


def _driver(connection: Connection) -> sqlite3.Connection:
    # SQLAlchemy's own way of executing would take as long as inserting thirty rows.
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
