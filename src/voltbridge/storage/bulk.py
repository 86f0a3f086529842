"""Many rows into one table, by the driver's own connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from voltbridge.storage.sql.schema import Row, Upsert

__all__ = ["insert_rows"]


def insert_rows(raw: Any, upsert: Upsert, rows: Sequence[Row]) -> None:
    """Insert the rows within the transaction that is open on the driver's connection."""
    mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
    raw.cursor().executemany(upsert.sql(1, mark), rows)
