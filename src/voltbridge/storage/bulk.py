"""Many rows into one table, by the driver's own connection.

The writer shares the interpreter with the event loop, so what counts is how little it does there. SQLite takes rows as
parameters of statements for many rows each: a statement per row would give the interpreter lock back and ask for it
again with every row. PostgreSQL takes all rows as one JSON text and spreads them out itself. SQLAlchemy's own insert
would cost more than the row. Figures are in adr/0002.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from voltbridge.storage.sql.schema import Row, Upsert

__all__ = ["insert_rows"]

_encode = msgspec.json.Encoder().encode
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]

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
    settled = [upsert.columns.index(name) for name in upsert.key_and_settled]
    at, left, size = 0, len(rows), _LARGEST
    while left:
        while size > left:
            size >>= 1
        some = rows[at : at + size]
        driver.execute(_values(upsert, size), tuple(chain.from_iterable(some)))
        if settled:
            driver.execute(_settling(upsert, size), tuple(row[column] for row in some for column in settled))
        at += size
        left -= size


def _insert_postgresql(driver: Any, upsert: Upsert, rows: Sequence[Row]) -> None:
    driver.execute(_spread(upsert), (_encode(rows).decode(),), prepare=True)


@lru_cache(maxsize=256)
def _values(upsert: Upsert, rows: int) -> str:
    return upsert.statement(_marks(len(upsert.columns), rows), settled=False)


@lru_cache(maxsize=256)
def _settling(upsert: Upsert, rows: int) -> str:
    return upsert.settling(_marks(len(upsert.key_and_settled), rows))


def _marks(columns: int, rows: int) -> str:
    row = "(" + ", ".join("?" * columns) + ")"
    return "VALUES " + ", ".join([row] * rows)


@lru_cache(maxsize=256)
def _spread(upsert: Upsert) -> str:
    types = [column.type.compile(_POSTGRESQL) for column in upsert.table.columns]
    columns = ", ".join(f"(row->>{number})::{type_}" for number, type_ in enumerate(types))
    return upsert.statement(f"SELECT {columns} FROM json_array_elements(%s::json) AS row")
