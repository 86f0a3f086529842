"""Telling an outage, which time may heal, from a value the database refuses, which it will refuse again."""

from __future__ import annotations

import sqlite3
import sys

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

__all__ = ["driver_error", "is_lost_connection", "is_of_content", "is_outage"]

# The low byte of SQLite's extended result codes.
_SQLITE_OUTAGES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_SCHEMA,
    }
)

# Classes of SQLSTATE: connection, transaction rollback, resources, object state, operator intervention, system error.
_SQLSTATE_OUTAGES = frozenset({"08", "40", "53", "55", "57", "58", "25"})


def driver_error(error: BaseException) -> BaseException:
    """The driver's own error inside SQLAlchemy's, or the error itself."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def is_outage(error: BaseException) -> bool:
    """Whether the same work may succeed later."""
    if isinstance(error, PoolTimeout | OSError):
        return True
    cause = driver_error(error)
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            return isinstance(cause, sqlite3.OperationalError)
        return code & 0xFF in _SQLITE_OUTAGES
    psycopg = sys.modules.get("psycopg")  # who has not imported it has none of its errors, and starts sooner
    if psycopg is not None and isinstance(cause, psycopg.Error):
        # Without a SQLSTATE the server did not speak: the connection is gone.
        state: str | None = cause.sqlstate
        if state is None:
            return isinstance(cause, psycopg.OperationalError)
        return state[:2] in _SQLSTATE_OUTAGES
    return False


def is_lost_connection(error: BaseException) -> bool:
    """Whether the server ended the connection under the work, so that another connection may do at once."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_of_content(error: BaseException) -> bool:
    """Whether the values themselves can never be written: a NUL, a lone surrogate, a number too large."""
    cause = driver_error(error)
    if isinstance(cause, OverflowError | UnicodeError | sqlite3.DataError):
        return True
    psycopg = sys.modules.get("psycopg")
    return psycopg is not None and isinstance(cause, psycopg.DataError)
