"""Databases that have rows of every table, values that are hard to carry among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Connection, Float, Integer, MetaData, SmallInteger, Text, insert
from tests.support.databases import BACKENDS, database

from voltbridge.storage.database import open_database
from voltbridge.storage.migrations import migrate
from voltbridge.storage.snapshot import snapshot, tables_at

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

TEXTS = ("plain", "ünïcödé 充電 🔌", 'quotes " and \\ and \t', "", "line\nbreak", "=1+1,;")


@pytest.fixture(params=BACKENDS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database to make a backup of."""
    (tmp_path / "source").mkdir()
    with database(request.param, tmp_path / "source") as url:
        yield url


@pytest.fixture(params=BACKENDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database to restore into; an embedded one is in ``target``."""
    (tmp_path / "target").mkdir(mode=0o700)
    with database(request.param, tmp_path / "target") as url:
        yield url


def fill(url: str, revision: str = "head", rows: int = 7) -> None:
    """Make the schema and put rows into every table."""
    opened = open_database(url)
    try:
        with opened.writer.connect() as connection, connection.begin():
            migrate(connection, revision)
            _fill(connection, rows)
    finally:
        opened.dispose()


def _fill(connection: Connection, rows: int) -> None:
    found = MetaData()
    found.reflect(connection)
    for name, table in found.tables.items():
        if name in ("alembic_version", "counters"):
            continue
        values = [{column.name: _value(column, row) for column in table.columns} for row in range(rows)]
        connection.execute(insert(table), values)
    connection.execute(found.tables["counters"].update().values(value=4711))


def _value(column: Column[Any], row: int) -> Any:
    key = column.primary_key or any(column.name in index.columns and index.unique for index in _indexes(column))
    if column.nullable and not key and row % 3 == 2:
        return None
    match column.type:
        case Boolean():
            return row % 2 == 0
        case SmallInteger():
            return row % 2
        case Integer() if key:
            return (2**62 if str(column.type) == "BIGINT" else 2**30) + row
        case Integer():
            return (2**63 - 1, -1, 0)[row % 3] if str(column.type) == "BIGINT" else row
        case Float():
            return (0.1, -1e300, 12345.678901234567, 3.0)[row % 4]
        case Text():
            return f"{TEXTS[row % len(TEXTS)]} {row}" if key else TEXTS[row % len(TEXTS)]
        case other:
            raise AssertionError(f"a backup does not know how to carry {other!r} of {column}")


def _indexes(column: Column[Any]) -> Any:
    return column.table.indexes


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables in the order of their keys, booleans as numbers."""
    with snapshot(url) as moment:
        return {
            table.name: sorted(
                (
                    tuple(int(value) if isinstance(value, bool) else value for value in row)
                    for part in moment.rows(table)
                    for row in part
                ),
                key=repr,
            )
            for table in moment.tables
        }


def counted_up(rows: dict[str, list[tuple[Any, ...]]], by: int) -> dict[str, list[tuple[Any, ...]]]:
    """The same content with the counters that stations were told of moved on."""
    from voltbridge.storage.sql.counters import TOLD_TO_STATIONS

    counters = [(name, value + by if name in TOLD_TO_STATIONS else value) for name, value in rows["counters"]]
    return {**rows, "counters": sorted(counters, key=repr)}


__all__ = ["NOW", "TEXTS", "content", "counted_up", "fill", "source", "tables_at", "target"]
