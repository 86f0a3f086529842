"""Many rows into one table, by the driver's own connection.

The writer shares the interpreter with the event loop. A driver that runs a statement per row gives the interpreter lock
back and takes it again for every row, and each time may have to wait for the loop; one statement for many rows does so
once. SQLAlchemy's own insert would cost more than the row itself. Figures are in adr/0002.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import psycopg
from sqlalchemy import Connection

from voltbridge.storage.sql.schema import Row, Upsert

__all__ = ["insert_rows"]

_LARGEST = 64
"""Rows in one statement. Statements come in powers of two, so that few need to be prepared."""


def insert_rows(connection: Connection, upsert: Upsert, rows: Sequence[Row]) -> None:
    """Write the rows within the transaction that is open on the connection."""
    if not rows:
        return
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        _insert_sqlite(driver, upsert, rows)
    else:
        _insert_postgresql(driver, upsert, rows)


def _insert_sqlite(driver: sqlite3.Connection, upsert: Upsert, rows: Sequence[Row]) -> None:
    at, left, size = 0, len(rows), _LARGEST
    while left:
        while size > left:
            size >>= 1
        driver.execute(_statement(upsert, size, "?"), tuple(chain.from_iterable(rows[at : at + size])))
        at += size
        left -= size


def _insert_postgresql(driver: Any, upsert: Upsert, rows: Sequence[Row]) -> None:
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor() as cursor:
        cursor.executemany(upsert.sql(1, "%s"), rows)


@lru_cache(maxsize=256)
def _statement(upsert: Upsert, rows: int, mark: str) -> str:
    return upsert.sql(rows, mark)
