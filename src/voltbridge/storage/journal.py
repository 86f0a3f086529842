"""Grouped, ordered, durable writes: one database transaction serves all that arrived while the one before committed.

Rules
1. Facts go into the open batch. It is handed to the writer's thread once that is idle and the event loop, which never
   pauses for it, has gone round twice without bringing anything more: what lies in the sockets already shares the
   commit. No time is waited for. One batch is under way at a time, so their order is kept.
2. An outage (database locked, disk full, connection lost) is answered by trying the same batch again, less and less
   often, until ``give_up_after_s`` have passed since it was handed over. Then the batch is lost.
3. A thread that does not come back in that time cannot be stopped. The batch is lost as far as anyone waiting is
   concerned, everything open is lost with it, and nothing more is taken in until the thread returns.
4. What is lost is told to the owners (``on_lost``) before anyone waiting learns it. A loss that nobody waited for is
   told to the station's next waiter. Log records are no state: losing them is counted and tells nobody.
5. A fact refused for its content loses the facts its station has in the batch, and nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.errors import NotStorable, StorageUnavailable
from voltbridge.domain.messages import DeviationCount, MessageRecord
from voltbridge.storage.durations import Durations
from voltbridge.storage.facts import Fact, station_of
from voltbridge.storage.failures import is_of_content
from voltbridge.storage.writer import Job, Written

__all__ = ["SqlJournal", "Writing"]

T = TypeVar("T")
_Waiter = asyncio.Future[None]

_QUIET_ROUNDS = 2
"""From a message's bytes to its facts it takes a round of the event loop to read it and one to handle it."""
_MOST_ROUNDS = 30
_LARGE_BATCH = 512
"""Facts beyond which a larger batch hardly makes each of them cheaper."""

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0

_log = structlog.get_logger(__name__)


class Writing(Protocol):
    """Who commits batches; called on a thread of its own, one batch at a time (``voltbridge.storage.writer``)."""

    def write(self, number: int, facts: Sequence[Fact], jobs: Sequence[Job]) -> Written:
        """Commit the facts and the jobs. After an exception it is called with the same batch again."""

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Batch:
    number: int
    facts: list[Fact] = field(default_factory=list)
    jobs: list[tuple[Job, asyncio.Future[Any]]] = field(default_factory=list)
    waiters: list[tuple[str | None, _Waiter]] = field(default_factory=list)
    attempts: int = 0
    handed_over_at: float = 0.0
    cancel_deadline: Cancel | None = None
    cancel_retry: Cancel | None = None
    given_up: bool = False
    after_loss: bool = False
    """Whether facts of the batch before were lost while this one was open."""

    @property
    def is_empty(self) -> bool:
        return not (self.facts or self.jobs)


class SqlJournal:
    """The journal over one ``Writer``. All methods belong to the event loop it was made on."""

    def __init__(self, writer: Writing, clock: Clock, *, give_up_after_s: float = 10.0, capacity: int = 50_000) -> None:
        self._writer = writer
        self._clock = clock
        self._give_up_after_s = give_up_after_s
        self._capacity = capacity
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voltbridge-writer")
        self._open = _Batch(1)
        self._facts = self._open.facts
        self._running: _Batch | None = None
        self._kicked = False
        self._stuck = False
        self._failing = False
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._fact_listeners: list[Callable[[Sequence[Fact]], None]] = []
        self._lost_untold: set[str] = set()
        self.attempts = 0
        """Times a batch was handed to the writer."""
        self.commits = 0
        """Batches committed."""
        self.retries = 0
        """Attempts that ended in an outage."""
        self.commit_durations = Durations()
        """Of each batch, from when it was handed to the writer until it was durable, failed attempts included."""
        self.facts_written = 0
        self.facts_lost = 0
        self.messages_dropped = 0
        """Log records that were not taken in because the storage had been out of reach for too long."""

    @property
    def available(self) -> bool:
        """Whether the last attempt to write succeeded, or none was made."""
        return not self._failing

    @property
    def depth(self) -> int:
        """Facts not yet committed."""
        return len(self._facts) + (len(self._running.facts) if self._running else 0)

    def put(self, fact: Fact) -> None:
        """See ``voltbridge.csms.journal.Journal``."""
        facts = self._facts
        if self._stuck or self._closing or len(facts) >= self._capacity:
            self._refuse(fact)
            return
        facts.append(fact)
        if not self._kicked:
            self._kick()

    async def committed(self, station_id: str | None = None) -> None:
        """See ``voltbridge.csms.journal.Journal``."""
        if self._stuck:
            raise StorageUnavailable("the storage is out of reach")
        if station_id is not None and station_id in self._lost_untold:
            self._lost_untold.discard(station_id)
            raise StorageUnavailable("what was put before was given up")
        if self._facts:
            batch = self._open
        elif self._running is not None:
            batch = self._running
        else:
            return
        # A future for each waiter, since one that is cancelled must not cancel the others.
        waiter: _Waiter = self._loop.create_future()
        batch.waiters.append((station_id, waiter))
        await waiter

    def on_lost(self, tell: Callable[[frozenset[str]], None]) -> None:
        """See ``voltbridge.csms.journal.Journal``."""
        self._listeners.append(tell)

    def on_facts_lost(self, tell: Callable[[Sequence[Fact]], None]) -> None:
        """See ``voltbridge.csms.journal.Journal``."""
        self._fact_listeners.append(tell)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run the work inside the next commit, after the facts put before; its result once that is durable.

        What the work raises undoes the work alone and is raised here; raises StorageUnavailable when given up.
        """
        if self._stuck or self._closing:
            raise StorageUnavailable("the storage is out of reach")
        done: asyncio.Future[T] = self._loop.create_future()
        self._open.jobs.append((work, done))
        if not self._kicked:
            self._kick()
        return await done

    async def close(self) -> None:
        """Commit everything put so far, within the time after which it would be given up, and end the thread."""
        self._closing = True
        await self._idle.wait()
        if self._stuck:
            self._thread.shutdown(wait=False)
            return
        await self._loop.run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()

    def _refuse(self, fact: Fact) -> None:
        if type(fact) is MessageRecord:
            self.messages_dropped += 1
            return
        raise StorageUnavailable("the storage is out of reach")

    def _kick(self) -> None:
        self._kicked = True
        if self._running is None:
            self._idle.clear()
            self._loop.call_soon(self._gather, 0, 0, 0)

    def _gather(self, facts: int, rounds: int, quiet: int) -> None:
        """Hand the open batch over when the event loop brings nothing more to it, or when it is large enough."""
        now = len(self._facts)
        quiet = quiet + 1 if now == facts else 0
        if quiet < _QUIET_ROUNDS and rounds < _MOST_ROUNDS and now < _LARGE_BATCH:
            self._loop.call_soon(self._gather, now, rounds + 1, quiet)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        batch = self._open
        if batch.is_empty:
            self._kicked = False
            self._idle.set()
            return
        self._open = _Batch(batch.number + 1)
        self._facts = self._open.facts
        self._kicked = False
        self._running = batch
        batch.handed_over_at = self._clock.monotonic()
        batch.cancel_deadline = self._clock.call_later(self._give_up_after_s, partial(self._give_up, batch))
        self._attempt(batch)

    def _attempt(self, batch: _Batch) -> None:
        batch.cancel_retry = None
        batch.attempts += 1
        self.attempts += 1
        jobs = [job for job, _ in batch.jobs]
        attempt = partial(self._writer.write, batch.number, batch.facts, jobs)
        self._loop.run_in_executor(self._thread, attempt).add_done_callback(partial(self._attempted, batch))

    def _attempted(self, batch: _Batch, attempt: asyncio.Future[Written]) -> None:
        error = attempt.exception()
        if batch.given_up:
            # The thread came back after all; whatever it did, its stations were told to come again.
            self._stuck = False
            self._failing = error is not None
            self._next()
        elif error is None:
            self._finish(batch, attempt.result())
        else:
            self.retries += 1
            self._failing = True
            if batch.attempts == 1:
                _log.warning("storage.outage", error=str(error), facts=len(batch.facts))
            pause = min(_FIRST_PAUSE_S * 2 ** (batch.attempts - 1), _LONGEST_PAUSE_S)
            batch.cancel_retry = self._clock.call_later(pause, partial(self._attempt, batch))

    def _finish(self, batch: _Batch, written: Written) -> None:
        self.commits += 1
        self.commit_durations.add(self._clock.monotonic() - batch.handed_over_at)
        self.facts_written += len(batch.facts)
        if self._failing:
            self._failing = False
            _log.info("storage.recovered", attempts=batch.attempts)
        if batch.cancel_deadline is not None:
            batch.cancel_deadline()
        for (_, done), (result, error) in zip(batch.jobs, written.results, strict=True):
            if done.done():
                continue
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)
        if written.refused:
            self._lose(batch, written.refused)
        elif self._lost_untold or batch.after_loss:
            self._wake(batch, batch.after_loss, ())
        else:
            for _, waiter in batch.waiters:
                if not waiter.done():
                    waiter.set_result(None)
        self._next()

    def _next(self) -> None:
        self._running = None
        # Through the loop, so that those just woken put their replies into the next batch rather than the one after.
        self._kicked = True
        self._loop.call_soon(self._gather, len(self._facts), 0, 0)

    def _give_up(self, batch: _Batch) -> None:
        batch.given_up = True
        self._failing = True
        _log.error("storage.given_up", facts=len(batch.facts), attempts=batch.attempts)
        if batch.cancel_retry is not None:
            batch.cancel_retry()
            self._lose(batch, None)
            self._next()
            return
        # The thread is still at it.
        self._stuck = True
        opened, self._open = self._open, _Batch(self._open.number + 1)
        self._facts = self._open.facts
        self._lose(batch, None)
        self._lose(opened, None)
        self._idle.set()

    def _lose(self, batch: _Batch, refused: dict[str | None, Exception] | None) -> None:
        """Tell of the facts of a batch that are lost: all, or those of the stations that were refused."""
        lost = [fact for fact in batch.facts if refused is None or station_of(fact) in refused]
        self.facts_lost += len(lost)
        stations = _stations_of(lost)
        if refused:
            for station_id, error in refused.items():
                _log.error("storage.refused", station_id=station_id, error=str(error))
        for tell_facts in self._fact_listeners:
            _told(tell_facts, lost)
        for tell_stations in self._listeners:
            _told(tell_stations, frozenset(stations))
        # Whoever waits for the open batch already meant these facts too.
        self._open.after_loss = bool(lost and self._open.waiters)
        self._lost_untold |= stations
        self._wake(batch, bool(lost) or batch.after_loss, _of_content(refused or {}))
        if refused is None:
            for _, done in batch.jobs:
                if not done.done():
                    done.set_exception(StorageUnavailable("the storage is out of reach"))

    def _wake(self, batch: _Batch, any_lost: bool, unstorable: Container[str | None]) -> None:
        """Let those who wait for the batch go on, telling them of losses now and before."""
        untold = self._lost_untold
        for station_id, waiter in batch.waiters:
            if waiter.done():
                continue
            if station_id is not None and station_id in unstorable:
                waiter.set_exception(NotStorable("what was put was refused for its content"))
            elif any_lost if station_id is None else station_id in untold:
                waiter.set_exception(StorageUnavailable("what was put could not be made durable and was given up"))
            else:
                waiter.set_result(None)
        untold.difference_update(station_id for station_id, _ in batch.waiters if station_id is not None)


def _told(tell: Callable[[T], None], what: T) -> None:
    """One listener's trouble is not the others'."""
    try:
        tell(what)
    except Exception:
        _log.exception("storage.listener_failed")


def _stations_of(facts: Iterable[Fact]) -> set[str]:
    """Stations that lose more than log records or counts."""
    return {
        fact.station_id
        for fact in facts
        if not isinstance(fact, MessageRecord | DeviationCount) and fact.station_id is not None
    }


def _of_content(refused: Mapping[str | None, Exception]) -> frozenset[str | None]:
    """The stations whose facts can never be written as they are."""
    return frozenset(station_id for station_id, error in refused.items() if is_of_content(error))
