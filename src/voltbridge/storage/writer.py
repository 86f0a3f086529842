"""The writing side of the journal: runs on its one thread and turns a batch into one database transaction.

A value the database refuses spoils the transaction it is in. The batch is then written again station by station, each
within a savepoint, so that only the facts of the station that sent it are given up.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from voltbridge.storage.batches import Fact, Rows, station_of, to_rows
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.database import Database
from voltbridge.storage.failures import is_outage
from voltbridge.storage.sql.deviations import deviation_upsert, journal_marks, mark_upsert

__all__ = ["Job", "Outage", "Writer", "Written"]

Job = Callable[[Connection], Any]


class Outage(Exception):
    """The database could not be reached or could not write; the batch may succeed later."""


@dataclass(slots=True)
class Written:
    """What became of a batch that was committed."""

    refused: dict[str | None, Exception] = field(default_factory=dict)
    """Stations whose facts the database refused, and why."""
    results: list[tuple[Any, Exception | None]] = field(default_factory=list)
    """Of each job: its result, or the exception it raised (its changes are undone)."""


class Writer:
    """Owns the writing connection. Every method runs on the journal's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._journal_id = secrets.randbits(63)

    def write(self, number: int, facts: list[Fact], jobs: list[Job], *, again: bool) -> Written:
        """Commit the facts, then the jobs, as one transaction.

        ``again`` says that an earlier attempt at the batch of this number ended in an outage, so that it may have been
        committed without our knowing. Raises Outage when nothing, as far as we know, was committed.
        """
        try:
            try:
                rows = to_rows(facts)
                return self._transact(number, jobs, again, lambda connection, written: self._insert(connection, rows))
            except Exception as error:
                if is_outage(error):
                    raise
                # Some fact was refused; find out whose.
                return self._transact(
                    number, jobs, again, lambda connection, written: self._insert_apart(connection, facts, written)
                )
        except Exception as error:
            self._discard()
            raise Outage(str(error)) from error

    def close(self) -> None:
        """Give the connection back."""
        self._discard()

    def _transact(
        self, number: int, jobs: list[Job], again: bool, insert: Callable[[Connection, Written], bool]
    ) -> Written:
        written = Written()
        connection = self._connect()
        with connection.begin():
            if not (again and self._is_marked(connection, number)):
                counted = insert(connection, written)
                if counted:
                    self._bulk(connection, [(mark_upsert, [(self._journal_id, number)])])
            for job in jobs:
                written.results.append(_run(job, connection))
        return written

    def _insert(self, connection: Connection, rows: Rows) -> bool:
        """Write the rows; whether any of them adds to a count."""
        self._bulk(connection, rows)
        return any(upsert is deviation_upsert for upsert, _ in rows)

    def _insert_apart(self, connection: Connection, facts: list[Fact], written: Written) -> bool:
        by_station: dict[str | None, list[Fact]] = {}
        for fact in facts:
            by_station.setdefault(station_of(fact), []).append(fact)
        counted = False
        for station_id, own in by_station.items():
            try:
                with connection.begin_nested():
                    counted |= self._insert(connection, to_rows(own))
            except Exception as error:
                if is_outage(error):
                    raise
                written.refused[station_id] = error
        return counted

    def _bulk(self, connection: Connection, rows: Rows) -> None:
        raw = connection.connection.driver_connection
        for upsert, values in rows:
            insert_rows(raw, upsert, values)

    def _is_marked(self, connection: Connection, number: int) -> bool:
        """Whether the batch of this number left its mark, which only batches that add to counts need."""
        found = connection.execute(
            journal_marks.select().where(journal_marks.c.journal_id == self._journal_id)
        ).one_or_none()
        return found is not None and found.batch >= number

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.writer.connect()
        return self._connection

    def _discard(self) -> None:
        """Close the connection for good, whatever state it is in; the next batch opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _run(job: Job, connection: Connection) -> tuple[Any, Exception | None]:
    try:
        with connection.begin_nested():
            return job(connection), None
    except Exception as error:
        if is_outage(error):
            raise
        return None, error
