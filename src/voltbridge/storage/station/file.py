"""One SQLite file for all stations of a process.

What stations write is remembered at once and collected; one thread commits what came together (WAL, synchronous=FULL: a
charger loses its power without asking). Within a batch only the latest counts, so an item that was queued and told in
the meantime never reaches the disk.

A disk that does not take a batch fails those who wait for it (OSError); the batch is kept and tried again with what
comes later, less and less often.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final, Self

import structlog

from voltbridge.domain.clock import Cancel, Clock

__all__ = ["StationFile", "StationStore"]

_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE document (
    station TEXT NOT NULL, namespace TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (station, namespace, key)
) WITHOUT ROWID;
CREATE TABLE queue (
    station TEXT NOT NULL, number INTEGER NOT NULL, item BLOB NOT NULL,
    PRIMARY KEY (station, number)
) WITHOUT ROWID;
"""
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Batch:
    documents: dict[tuple[str, str, str], bytes | None] = field(default_factory=dict)
    """(station, namespace, key) -> value; None: deleted."""
    queued: dict[tuple[str, int], bytes] = field(default_factory=dict)
    changed: dict[tuple[str, int], bytes] = field(default_factory=dict)
    removed: set[tuple[str, int]] = field(default_factory=set)
    over: asyncio.Future[None] | None = None
    """Done when the batch is on disk, or has failed; made when somebody waits."""

    @property
    def is_empty(self) -> bool:
        return not (self.documents or self.queued or self.changed or self.removed)

    def append(self, name: tuple[str, int], item: bytes) -> None:
        self.queued[name] = item

    def replace(self, name: tuple[str, int], item: bytes) -> None:
        if name in self.queued:
            self.queued[name] = item
        elif name not in self.removed:
            self.changed[name] = item

    def remove(self, name: tuple[str, int]) -> None:
        if self.queued.pop(name, None) is None:
            self.changed.pop(name, None)
            self.removed.add(name)

    def follow(self, later: _Batch) -> None:
        """Add what came later. Whoever waits for it waits for this batch."""
        self.documents.update(later.documents)
        self.queued.update(later.queued)
        for name, item in later.changed.items():
            self.replace(name, item)
        for name in later.removed:
            self.remove(name)
        self.over = later.over


class StationFile:
    """The file, opened by one process only. Made by ``open``, ended by ``close``."""

    __slots__ = (
        "_cancel_retry",
        "_clock",
        "_connection",
        "_open_batch",
        "_path",
        "_pause_s",
        "_scheduled",
        "_thread",
        "_under_way",
        "damaged",
    )

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Clock, damaged: Path | None) -> None:
        self._path = path
        self._connection = connection
        self._clock = clock
        self.damaged = damaged
        """Where a file went that was no database any more, and in whose place this one was begun."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voltbridge-station-file")
        self._open_batch = _Batch()
        self._under_way: _Batch | None = None
        self._scheduled = False
        self._cancel_retry: Cancel | None = None
        self._pause_s = _FIRST_PAUSE_S

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Open the file, or make it. A damaged one is set aside, since a charger has to go on.

        Raises OSError with a sentence when it cannot be opened: no such directory, in use by another process, written
        by a later version.
        """
        try:
            return cls(path, _connect(path), clock, None)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise OSError(f"{path} is in use by another process") from error
            raise OSError(f"{path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            damaged = _set_aside(path)
            _log.error("the stations' file is damaged; a new one is begun", file=str(path), kept_as=str(damaged))
            try:
                return cls(path, _connect(path), clock, damaged)
            except sqlite3.Error:
                raise OSError(f"{path} is damaged and cannot be replaced: {error}") from error

    def store(self, station_id: str) -> StationStore:
        """What this station keeps. At most one at a time for each station."""
        documents: dict[str, dict[str, bytes]] = {}
        for namespace, key, value in self._read(
            "SELECT namespace, key, value FROM document WHERE station = ?", station_id
        ):
            documents.setdefault(namespace, {})[key] = value
        rows = list(self._read("SELECT number, item FROM queue WHERE station = ? ORDER BY number", station_id))
        return StationStore(self, station_id, documents, rows)

    def stations(self) -> Sequence[str]:
        """The stations that keep anything here, by name."""
        rows = self._read("SELECT station FROM document UNION SELECT station FROM queue ORDER BY station")
        return [station for (station,) in rows]

    async def committed(self) -> None:
        """Return when all that was written before is on disk. Raises OSError when it is not."""
        batch = self._under_way if self._open_batch.is_empty else self._open_batch
        if batch is None:
            return
        if batch.over is None:
            batch.over = asyncio.get_running_loop().create_future()
        await asyncio.shield(batch.over)

    async def close(self) -> None:
        """Commit what is open, and let the file go. Raises OSError when something could not be committed."""
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._begin()
        try:
            await self.committed()
        finally:
            if self._cancel_retry is not None:
                self._cancel_retry()
            self._thread.shutdown()
            self._connection.close()

    def batch(self) -> _Batch:
        """The batch that takes what is written now; it will be committed soon."""
        if not self._scheduled and self._under_way is None and self._cancel_retry is None:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._begin)
        return self._open_batch

    def _begin(self) -> None:
        self._scheduled = False
        self._cancel_retry = None
        batch, self._open_batch = self._open_batch, _Batch()
        if batch.is_empty:
            _end(batch, None)
            return
        self._under_way = batch
        try:
            writing = asyncio.get_running_loop().run_in_executor(self._thread, _write, self._connection, batch)
        except RuntimeError as error:  # closed meanwhile
            _end(batch, OSError(str(error)))
            return
        writing.add_done_callback(self._written)

    def _written(self, writing: asyncio.Future[None]) -> None:
        batch, self._under_way = self._under_way, None
        assert batch is not None
        error = writing.exception()
        if error is None:
            self._pause_s = _FIRST_PAUSE_S
            _end(batch, None)
            if not self._open_batch.is_empty:
                self.batch()
            return
        _log.error("the stations' file takes nothing", file=str(self._path), error=str(error))
        _end(batch, OSError(f"{self._path} cannot be written: {error}"))
        batch.follow(self._open_batch)
        self._open_batch = batch
        self._cancel_retry = self._clock.call_later(self._pause_s, self._begin)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _read(self, question: str, *values: str) -> Iterator[Any]:
        try:
            yield from self._connection.execute(question, values)
        except sqlite3.Error as error:
            raise OSError(f"{self._path} cannot be read: {error}") from error


class StationStore:
    """What one station keeps, in the file it shares with the others of its process."""

    __slots__ = ("_documents", "_file", "_last", "_owns_file", "_queue", "_station", "full")

    def __init__(
        self,
        file: StationFile,
        station: str,
        documents: dict[str, dict[str, bytes]],
        queue: Sequence[tuple[int, bytes]],
        *,
        owns_file: bool = False,
    ) -> None:
        self._file = file
        self._station = station
        self._documents = documents
        self._queue: Sequence[tuple[int, bytes]] = queue
        self._last = queue[-1][0] if queue else 0
        self._owns_file = owns_file
        self.full = False
        """As a disk that takes no more, for this station only."""

    @staticmethod
    def open(path: Path, station_id: str, clock: Clock) -> StationStore:
        """A file for one station alone, closed together with its store. Raises OSError as ``StationFile.open``."""
        store = StationFile.open(path, clock).store(station_id)
        store._owns_file = True
        return store

    def put(self, namespace: str, key: str, value: bytes) -> None:
        documents = self._documents.setdefault(namespace, {})
        if documents.get(key) != value:
            documents[key] = value
            self._file.batch().documents[self._station, namespace, key] = value

    def delete(self, namespace: str, key: str) -> None:
        if self._documents.get(namespace, {}).pop(key, None) is not None:
            self._file.batch().documents[self._station, namespace, key] = None

    def all(self, namespace: str) -> Mapping[str, bytes]:
        return dict(self._documents.get(namespace, {}))

    def append(self, item: bytes) -> int:
        self._last += 1
        self._file.batch().append((self._station, self._last), item)
        return self._last

    def queue(self) -> Sequence[tuple[int, bytes]]:
        """The queue as it was when the store was opened; asked once, since it is not kept in memory after that."""
        queue, self._queue = self._queue, ()
        return queue

    def replace(self, number: int, item: bytes) -> None:
        self._file.batch().replace((self._station, number), item)

    def remove(self, number: int) -> None:
        self._file.batch().remove((self._station, number))

    async def committed(self) -> None:
        if self.full:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        await self._file.committed()

    async def close(self) -> None:
        await (self._file.close() if self._owns_file else self._file.committed())


def _end(batch: _Batch, error: OSError | None) -> None:
    over, batch.over = batch.over, None
    if over is None or over.done():
        return
    if error is None:
        over.set_result(None)
    else:
        over.set_exception(error)
        over.exception()  # whoever waited may be gone


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        with _transaction(connection):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise OSError(f"{path} was written by a later version of this software")
            if version == 0:
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("SELECT 1 FROM document, queue LIMIT 1").fetchone()
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _write(connection: sqlite3.Connection, batch: _Batch) -> None:
    """On the thread."""
    with _transaction(connection):
        kept = [(*name, value) for name, value in batch.documents.items() if value is not None]
        gone = [name for name, value in batch.documents.items() if value is None]
        queued = [(*name, item) for name, item in batch.queued.items()]
        changed = [(item, *name) for name, item in batch.changed.items()]
        many = connection.executemany
        many("INSERT OR REPLACE INTO document (station, namespace, key, value) VALUES (?, ?, ?, ?)", kept)
        many("DELETE FROM document WHERE station = ? AND namespace = ? AND key = ?", gone)
        many("INSERT OR REPLACE INTO queue (station, number, item) VALUES (?, ?, ?)", queued)
        many("UPDATE queue SET item = ? WHERE station = ? AND number = ?", changed)
        many("DELETE FROM queue WHERE station = ? AND number = ?", batch.removed)
