"""The writing side of the journal: runs on its one thread and turns a batch into one database transaction.

A value the database refuses spoils the transaction it is in. The batch is then written again station by station, each
within a savepoint, so that only the facts of the station that sent it are given up.

When the connection breaks during a commit, nobody knows whether it happened. So each batch leaves its number in
``journal_marks``, and a batch that is tried again looks there first.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, delete, select

from voltbridge.domain.messages import MessageRecord
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.database import Database
from voltbridge.storage.facts import Fact, FactTables, station_of
from voltbridge.storage.failures import is_outage
from voltbridge.storage.sql.messages import storable
from voltbridge.storage.sql.schema import Upsert, metadata

__all__ = ["Job", "Outage", "Writer", "Written", "journal_marks"]

Job = Callable[[Connection], Any]

journal_marks = Table(
    "journal_marks",
    metadata,
    Column("journal_id", BigInteger, primary_key=True, autoincrement=False),
    Column("batch", BigInteger, nullable=False),
)

_mark = Upsert.replacing(journal_marks)


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
        self._tables = FactTables()
        self._journal_id = secrets.randbits(62)
        self._doubtful: tuple[int, Written] | None = None
        """The batch whose commit failed: it may have happened nevertheless."""

    def write(self, number: int, facts: Sequence[Fact], jobs: Sequence[Job]) -> Written:
        """Commit the facts, then the jobs, as one transaction.

        Raises Outage when nothing, as far as we know, was committed; then call it again with the same batch.
        """
        try:
            connection = self._connect()
            if (known := self._settle(connection, number)) is not None:
                return known
            try:
                return self._transact(connection, number, facts, jobs, self._insert)
            except Exception as error:
                if is_outage(error):
                    raise
                # Some fact was refused; find out whose.
                self._tables.abandon()
                return self._transact(connection, number, facts, jobs, self._insert_apart)
        except Exception as error:
            self._discard()
            raise Outage(str(error)) from error

    def close(self) -> None:
        """Give the connection back. A mark that cannot be removed any more stays, as it does after a kill."""
        if self._connection is None:
            return
        try:
            with self._connection.begin():
                self._connection.execute(delete(journal_marks).where(journal_marks.c.journal_id == self._journal_id))
        except Exception as error:
            if not is_outage(error):
                raise
        finally:
            self._discard()

    def _transact(
        self,
        connection: Connection,
        number: int,
        facts: Sequence[Fact],
        jobs: Sequence[Job],
        insert: Callable[[Connection, Sequence[Fact], Written], None],
    ) -> Written:
        written = Written()
        with connection.begin() as transaction:
            insert(connection, facts, written)
            for job in jobs:
                written.results.append(_run(job, connection))
            insert_rows(connection, _mark, [(self._journal_id, number)])
            self._doubtful = (number, written)
            transaction.commit()
        self._doubtful = None
        return written

    def _settle(self, connection: Connection, number: int) -> Written | None:
        """What the batch of this number came to when its commit was in doubt and had happened."""
        if self._doubtful is None:
            return None
        doubtful, written = self._doubtful
        with connection.begin():
            query = select(journal_marks.c.batch).where(journal_marks.c.journal_id == self._journal_id)
            marked = connection.execute(query).scalar_one_or_none()
        self._doubtful = None
        return written if marked == doubtful == number else None

    def _insert(self, connection: Connection, facts: Sequence[Fact], written: Written) -> None:
        self._tables.write(connection, facts)

    def _insert_apart(self, connection: Connection, facts: Sequence[Fact], written: Written) -> None:
        by_station: dict[str | None, list[Fact]] = {}
        for fact in facts:
            by_station.setdefault(station_of(fact), []).append(fact)
        for station_id, own in by_station.items():
            error = self._try(connection, own)
            if error is not None:
                # It may be a frame of garbage that only the log has; the log can do with less than the letter.
                error = self._try(connection, [storable(fact) if type(fact) is MessageRecord else fact for fact in own])
            if error is not None:
                written.refused[station_id] = error

    def _try(self, connection: Connection, facts: Sequence[Fact]) -> Exception | None:
        """Write the facts, or none of them and return why they were refused."""
        try:
            with connection.begin_nested():
                self._tables.write(connection, facts)
        except Exception as error:
            if is_outage(error):
                raise
            self._tables.abandon()
            return error
        return None

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.writer.connect()
        return self._connection

    def _discard(self) -> None:
        """Close the connection for good, whatever state it is in; the next batch opens another."""
        self._tables.abandon()
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
