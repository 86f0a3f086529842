"""Filling an empty database with the rows of a snapshot, of this release or an older one, as one transaction.

The schema is made at the revision that the rows come from, the rows go in, then the schema is brought up to date by
the same migrations that a running database sees. Whatever goes wrong, nothing has happened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Boolean, Connection, delete, func, inspect, select, table, text, update

from voltbridge.domain.errors import SchemaTooNew
from voltbridge.storage.database import open_database
from voltbridge.storage.migrations import HEAD, lock_out_others, migrate, revision_of
from voltbridge.storage.snapshot import OF_THE_PROCESS, TableColumns, tables_at
from voltbridge.storage.sql.counters import TOLD_TO_STATIONS, counters

__all__ = ["PASSED_OVER", "Loaded", "NotEmpty", "RowsDoNotFit", "is_empty", "load"]

PASSED_OVER: Final = 1_000_000
"""Numbers left out of each sequence that stations were given numbers of: those given after the snapshot was made keep
their meaning, since nobody gets them a second time."""

_ROWS: Final = 1000


class NotEmpty(Exception):
    """There is a database of Voltbridge already."""


class RowsDoNotFit(Exception):
    """The rows are not those of the tables; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was done."""

    rows: Mapping[str, int]
    """How many of each table."""
    replaced_texts: int
    """Texts with a NUL character, which PostgreSQL has no place for; it was replaced by a question mark."""


def is_empty(url: str) -> bool:
    """Whether the database has no table of ours. Raises ValueError and the driver's error."""
    database = open_database(url)
    try:
        with database.readers.connect() as connection:
            return not _present(connection)
    finally:
        database.dispose()


def load(
    url: str,
    revision: str,
    tables: Sequence[TableColumns],
    rows: Callable[[str], Iterable[Sequence[Any]]],
    *,
    replace: bool = False,
    progress: Callable[[str, int], None] = lambda table, count: None,
) -> Loaded:
    """Make the schema and put ``rows(table)`` into each of the tables; with ``replace``, in place of what is there.

    ``progress`` hears the table and how many of its rows went in since it was called last. Raises NotEmpty,
    SchemaTooNew, RowsDoNotFit, and the driver's error.
    """
    _check_columns(revision, tables)
    database = open_database(url)
    try:
        with database.writer.connect() as connection, connection.begin():
            lock_out_others(connection)
            present = _present(connection)
            if present and not replace:
                raise NotEmpty
            for name in present:
                connection.execute(text(f"DROP TABLE {name}"))
            migrate(connection, revision)
            put = _Sqlite(connection) if database.is_sqlite else _Postgresql(connection)
            counts = {}
            for each in tables:
                connection.execute(delete(table(each.name)))  # what a migration put there
                counts[each.name] = _put_all(put, each, rows(each.name), progress)
            for name, count in counts.items():
                stored = connection.execute(select(func.count()).select_from(table(name))).scalar_one()
                if stored != count:
                    raise RowsDoNotFit(f"{name}: {count} rows were written and {stored} are there")
            migrate(connection)
            connection.execute(
                update(counters)
                .where(counters.c.name.in_(TOLD_TO_STATIONS))
                .values(value=counters.c.value + PASSED_OVER)
            )
        return Loaded(counts, put.replaced_texts)
    finally:
        database.dispose()


def _present(connection: Connection) -> list[str]:
    """Tables of ours, of whatever release."""
    ours = {*(each.name for each in tables_at(HEAD)), *OF_THE_PROCESS}
    if (revision := revision_of(connection)) is not None:
        with suppress(SchemaTooNew):  # then what we know of it is all that can be replaced
            ours.update(each.name for each in tables_at(revision))
    return [name for name in inspect(connection).get_table_names() if name in ours]


def _check_columns(revision: str, tables: Sequence[TableColumns]) -> None:
    wanted = {each.name: each.columns for each in tables_at(revision)}
    given = {each.name: each.columns for each in tables}
    for name in sorted(wanted.keys() | given.keys()):
        if name not in given:
            raise RowsDoNotFit(f"there are no rows of the table {name}")
        if name not in wanted:
            raise RowsDoNotFit(f"schema {revision} has no table {name}")
        if wanted[name] != given[name]:
            raise RowsDoNotFit(f"the columns of {name} are not those of schema {revision}")


def _put_all(
    put: _Sqlite | _Postgresql,
    into: TableColumns,
    rows: Iterable[Sequence[Any]],
    progress: Callable[[str, int], None],
) -> int:
    iterator, count = iter(rows), 0
    put.begin(into)
    while part := list(islice(iterator, _ROWS)):
        for row in part:
            if len(row) != len(into.columns):
                raise RowsDoNotFit(f"{into.name}: a row has {len(row)} values for {len(into.columns)} columns")
        try:
            put.rows(part)
        except (sqlite3.Error, psycopg.DataError, psycopg.IntegrityError, OverflowError) as error:
            reason = " ".join(str(error).split())
            raise RowsDoNotFit(f"{into.name}: row {count + 1} or one of the {len(part)} there: {reason}") from error
        count += len(part)
        progress(into.name, len(part))
    return count


class _Sqlite:
    """Rows into SQLite."""

    replaced_texts = 0

    def __init__(self, connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver
        self._statement = ""

    def begin(self, into: TableColumns) -> None:
        marks = ", ".join("?" * len(into.columns))
        self._statement = f"INSERT INTO {into.name} ({', '.join(into.columns)}) VALUES ({marks})"

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        self._driver.executemany(self._statement, rows)


class _Postgresql:
    """Rows into PostgreSQL, which tells booleans from numbers and has no place for NUL."""

    def __init__(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self._driver = driver
        self._connection = connection
        self._statement = sql.Composed([])
        self._booleans: list[int] = []
        self.replaced_texts = 0

    def begin(self, into: TableColumns) -> None:
        columns = sql.SQL(", ").join(map(sql.Identifier, into.columns))
        self._statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(into.name), columns)
        types = {one["name"]: one["type"] for one in inspect(self._connection).get_columns(into.name)}
        self._booleans = [at for at, name in enumerate(into.columns) if isinstance(types[name], Boolean)]

    def rows(self, rows: Sequence[Sequence[Any]]) -> None:
        with self._driver.cursor() as cursor, cursor.copy(self._statement) as copy:
            for row in rows:
                copy.write_row(self._storable(row))

    def _storable(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for at in self._booleans:
            if values[at] is not None:
                values[at] = bool(values[at])
        for at, value in enumerate(values):
            if isinstance(value, str) and "\0" in value:
                values[at] = value.replace("\0", "?")
                self.replaced_texts += 1
        return values
