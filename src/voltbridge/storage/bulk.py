"""Many rows into one table, by the driver's own connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import Connection

from voltbridge.storage.sql.schema import Row, Upsert

__all__ = ["insert_rows"]


def insert_rows(connection: Connection, upsert: Upsert, rows: Sequence[Row]) -> None:
    """Write the rows within the transaction that is open on the connection."""
    if not rows:
        return
    raw = connection.connection.driver_connection
    assert raw is not None
    mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
    raw.cursor().executemany(upsert.sql(1, mark), rows)
