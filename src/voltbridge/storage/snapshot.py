"""All rows of a database as they stood at one moment, read while others go on writing.

SQLite keeps the moment by its write-ahead log, PostgreSQL by its row versions; nobody waits for the reader. Rows come
in the order of their keys, so that what lies together is read together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, column, create_engine, inspect, select, table

from voltbridge.domain.errors import NotFound
from voltbridge.storage.database import open_database
from voltbridge.storage.migrations import VERSION_TABLE, migrate, revision_of

__all__ = ["OF_THE_PROCESS", "Snapshot", "TableColumns", "snapshot", "tables_at"]

OF_THE_PROCESS: Final = frozenset({VERSION_TABLE, "journal_marks"})
"""Tables that say something of a database or a process, and nothing of an operator."""

_ROWS: Final = 1000
"""Rows in memory at a time."""


@dataclass(frozen=True, slots=True)
class TableColumns:
    """A table and its columns, in the order in which rows have their values."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Snapshot:
    """One moment of a database. Made by ``snapshot``."""

    def __init__(self, connection: Connection, revision: str, backend: str) -> None:
        self._connection = connection
        self.revision = revision
        self.backend = backend
        """``sqlite`` or ``postgresql``."""
        self.tables = tables_at(revision)

    def rows(self, wanted: TableColumns) -> Iterator[Sequence[Sequence[Any]]]:
        """All rows of a table in the order of its key, some at a time."""
        source = table(wanted.name, *(column(name) for name in wanted.columns))
        query = select(*source.columns).order_by(*(source.columns[name] for name in wanted.key))
        result = self._connection.execution_options(stream_results=True).execute(query)
        for part in result.partitions(_ROWS):
            yield [tuple(row) for row in part]


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """The database of the URL as it stands now, until the block ends.

    Raises NotFound when there is no schema of ours, SchemaTooNew, and the driver's error when it cannot be opened.
    """
    database = open_database(url)
    try:
        with database.readers.connect() as connection:
            if not database.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                # This first question is also what fixes the moment.
                revision = revision_of(connection)
                if revision is None:
                    raise NotFound("database of Voltbridge at", database.url.render_as_string())
                yield Snapshot(connection, revision, database.url.get_backend_name())
    finally:
        database.dispose()


@cache
def tables_at(revision: str) -> tuple[TableColumns, ...]:
    """The tables that the schema has at a revision, by name. Raises SchemaTooNew."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            migrate(connection, revision)
            inspector = inspect(connection)
            return tuple(
                TableColumns(
                    name,
                    tuple(one["name"] for one in inspector.get_columns(name)),
                    tuple(inspector.get_pk_constraint(name)["constrained_columns"]),
                )
                for name in sorted(inspector.get_table_names())
                if name not in OF_THE_PROCESS
            )
    finally:
        engine.dispose()
