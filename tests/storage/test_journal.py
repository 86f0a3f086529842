"""The journal's rules, held with a writer that does what the test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from tests.csms.fakes import FakeClock
from tests.storage.nouns import deviation, event, message, meter_record

from voltbridge.domain.errors import NotStorable, StorageUnavailable
from voltbridge.storage.facts import Fact
from voltbridge.storage.journal import SqlJournal
from voltbridge.storage.writer import Job, Outage, Written

pytestmark = pytest.mark.anyio


class FakeWriter:
    """Keeps what it was given. ``gate`` holds it up; ``outages`` fail it; ``refused`` stations are refused."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.outages = 0
        self.refused: dict[str | None, Exception] = {}
        self.attempts: list[tuple[int, list[Fact]]] = []
        self.committed: list[list[Fact]] = []
        self.closed = False

    def write(self, number: int, facts: Sequence[Fact], jobs: Sequence[Job]) -> Written:
        self.attempts.append((number, list(facts)))
        self.entered.set()
        assert self.gate.wait(60)
        if self.outages:
            self.outages -= 1
            raise Outage("the disk is full")
        self.committed.append(list(facts))
        return Written(refused=self.refused, results=[_run(job) for job in jobs])

    def close(self) -> None:
        self.closed = True

    @property
    def stored(self) -> list[Fact]:
        return [fact for batch in self.committed for fact in batch]


def _run(job: Job) -> tuple[Any, Exception | None]:
    try:
        return job(None), None  # type: ignore[arg-type]
    except ValueError as error:
        return None, error


@pytest.fixture
def writer() -> FakeWriter:
    return FakeWriter()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def journal(writer: FakeWriter, clock: FakeClock) -> AsyncIterator[SqlJournal]:
    made = SqlJournal(writer, clock, give_up_after_s=10, capacity=100)
    yield made
    writer.gate.set()
    await asyncio.wait_for(made.close(), 30)


async def until(true: Callable[[], bool]) -> None:
    """Let the loop go round until something holds."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what happens on the other thread raises no event here
            await asyncio.sleep(0)


async def live(journal: SqlJournal, writer: FakeWriter, clock: FakeClock, seconds: float) -> None:
    """Let time pass, waiting for each attempt that it brings about."""
    for _ in range(round(seconds / 0.05)):
        clock.advance(0.05)
        await until(lambda: journal.attempts == journal.retries + journal.commits)


def outcome(waiting: asyncio.Future[None]) -> str:
    """What became of somebody who waited."""
    if not waiting.done():
        return "waits"
    return "lost" if isinstance(waiting.exception(), StorageUnavailable) else "committed"


def wait(journal: SqlJournal, station_id: str | None = None) -> asyncio.Task[None]:
    return asyncio.ensure_future(journal.committed(station_id))


async def test_a_fact_is_committed_without_anybody_asking(journal: SqlJournal, writer: FakeWriter) -> None:
    journal.put(event(1))
    await until(lambda: writer.stored == [event(1)])
    await journal.committed()
    assert (journal.depth, journal.commits, journal.facts_written) == (0, 1, 1)


async def test_nothing_to_wait_for(journal: SqlJournal, writer: FakeWriter) -> None:
    await journal.committed()
    await journal.committed("CS-1")
    assert writer.attempts == []


async def test_facts_put_together_share_a_commit(journal: SqlJournal, writer: FakeWriter) -> None:
    waiting = []
    for number in range(50):
        journal.put(event(number))
        waiting.append(wait(journal, f"CS-{number}"))
    await asyncio.gather(*waiting)
    assert len(writer.committed) == 1
    assert writer.stored == [event(number) for number in range(50)]


async def test_the_next_batch_gathers_while_one_commits(journal: SqlJournal, writer: FakeWriter) -> None:
    writer.gate.clear()
    journal.put(event(1))
    first = wait(journal)
    await until(writer.entered.is_set)
    for number in range(2, 7):
        journal.put(event(number))
        await asyncio.sleep(0)
    second = wait(journal)
    await asyncio.sleep(0)
    assert (outcome(first), outcome(second), journal.depth) == ("waits", "waits", 6)
    assert len(writer.attempts) == 1
    writer.gate.set()
    await first
    await second
    assert writer.committed == [[event(1)], [event(number) for number in range(2, 7)]]


async def test_waiting_covers_what_is_being_committed(journal: SqlJournal, writer: FakeWriter) -> None:
    writer.gate.clear()
    journal.put(event(1))
    await until(writer.entered.is_set)
    late = wait(journal, "CS-1")
    await asyncio.sleep(0)
    assert outcome(late) == "waits"
    writer.gate.set()
    await late
    assert writer.stored == [event(1)]


async def test_one_who_stops_waiting_leaves_the_others_waiting(journal: SqlJournal, writer: FakeWriter) -> None:
    writer.gate.clear()
    journal.put(event(1))
    impatient, patient = wait(journal, "CS-1"), wait(journal, "CS-1")
    await until(writer.entered.is_set)
    impatient.cancel()
    await asyncio.sleep(0)
    assert impatient.cancelled() and outcome(patient) == "waits"
    writer.gate.set()
    await patient


async def test_an_outage_is_outlasted(journal: SqlJournal, writer: FakeWriter, clock: FakeClock) -> None:
    writer.outages = 4
    journal.put(event(1))
    waiting = wait(journal)
    await until(lambda: journal.retries == 1)
    assert outcome(waiting) == "waits" and not journal.available
    journal.put(event(2))
    begun = clock.monotonic()
    pauses = []
    while writer.outages:
        before = journal.retries
        await live(journal, writer, clock, 0.05)
        if journal.retries > before:
            pauses.append(round(clock.monotonic() - begun, 2))
    assert pauses == pytest.approx([0.05, 0.15, 0.35], abs=0.06)
    await live(journal, writer, clock, 0.4)
    await waiting
    await journal.committed()
    assert [number for number, _ in writer.attempts] == [1, 1, 1, 1, 1, 2]
    assert writer.committed == [[event(1)], [event(2)]]
    assert journal.available


async def test_a_batch_is_given_up_in_the_end(journal: SqlJournal, writer: FakeWriter, clock: FakeClock) -> None:
    told: list[frozenset[str]] = []
    writer.outages = 10**6
    journal.put(event(1, "CS-1"))
    journal.put(message("CS-2"))
    waiting = wait(journal, "CS-1"), wait(journal), wait(journal, "CS-2")
    journal.on_lost(lambda stations: told.append(stations) if outcome(waiting[0]) == "waits" else None)
    await until(lambda: journal.retries == 1)
    await live(journal, writer, clock, 9.9)
    assert [outcome(one) for one in waiting] == ["waits", "waits", "waits"]
    await live(journal, writer, clock, 0.2)
    await asyncio.wait(waiting)
    assert [outcome(one) for one in waiting] == ["lost", "lost", "committed"]
    # CS-2 lost a log record only; nobody need forget anything for that. Owners learned it before the waiters.
    assert told == [frozenset({"CS-1"})]
    assert journal.facts_lost == 2
    writer.outages = 0
    journal.put(event(2))
    await journal.committed("CS-1")
    assert writer.stored == [event(2)]


async def test_a_thread_that_does_not_come_back(journal: SqlJournal, writer: FakeWriter, clock: FakeClock) -> None:
    told: list[frozenset[str]] = []
    journal.on_lost(told.append)
    writer.gate.clear()
    journal.put(event(1, "CS-1"))
    first = wait(journal, "CS-1")
    await until(writer.entered.is_set)
    journal.put(event(2, "CS-2"))
    second = wait(journal, "CS-2")
    job = asyncio.ensure_future(journal.write(lambda _: 1))
    await asyncio.sleep(0)
    clock.advance(9.9)
    await asyncio.sleep(0)
    assert outcome(first) == outcome(second) == "waits"
    clock.advance(0.2)
    await asyncio.wait([first, second, job])
    assert outcome(first) == outcome(second) == "lost"
    assert isinstance(job.exception(), StorageUnavailable)
    assert told == [frozenset({"CS-1"}), frozenset({"CS-2"})]
    assert not journal.available and journal.depth <= 1
    # Nothing more is taken in, so memory does not grow; log records are dropped and counted.
    with pytest.raises(StorageUnavailable):
        journal.put(event(3))
    with pytest.raises(StorageUnavailable):
        await journal.committed()
    with pytest.raises(StorageUnavailable):
        await journal.write(lambda _: 1)
    journal.put(message())
    assert journal.messages_dropped == 1
    # It came back after all.
    writer.gate.set()
    await until(lambda: journal.available)
    journal.put(event(4))
    await journal.committed()
    assert writer.stored == [event(1, "CS-1"), event(4)]


async def test_a_station_learns_of_a_loss_at_its_next_wait(
    journal: SqlJournal, writer: FakeWriter, clock: FakeClock
) -> None:
    writer.outages = 10**6
    journal.put(event(1, "CS-1"))
    journal.put(message("CS-2"))
    await until(lambda: journal.retries == 1)
    await live(journal, writer, clock, 10)
    assert journal.facts_lost == 2
    writer.outages = 0
    with pytest.raises(StorageUnavailable):
        await journal.committed("CS-1")
    await journal.committed("CS-1")
    await journal.committed("CS-2")
    await journal.committed()


async def test_a_wait_for_the_next_batch_covers_the_one_lost_before(
    journal: SqlJournal, writer: FakeWriter, clock: FakeClock
) -> None:
    writer.gate.clear()
    writer.outages = 1
    journal.put(event(1, "CS-1"))
    await until(writer.entered.is_set)
    journal.put(message("CS-1"))
    journal.put(event(2, "CS-2"))
    one, two, anybody = wait(journal, "CS-1"), wait(journal, "CS-2"), wait(journal)
    await asyncio.sleep(0)
    writer.gate.set()
    await until(lambda: journal.retries == 1)
    clock._timers.remove(min(clock._timers))  # so that it is not tried again in time
    clock.advance(10)
    await asyncio.wait([one, two, anybody])
    assert (outcome(one), outcome(two), outcome(anybody)) == ("lost", "committed", "lost")
    assert writer.stored == [message("CS-1"), event(2, "CS-2")]
    await journal.committed("CS-1")


async def test_a_refused_fact_concerns_its_station_alone(journal: SqlJournal, writer: FakeWriter) -> None:
    told: list[frozenset[str]] = []
    journal.on_lost(told.append)
    writer.refused = {"CS-1": ValueError("no")}
    for station_id in ("CS-1", "CS-2", "CS-3"):
        journal.put(meter_record(station_id))
    journal.put(deviation("CS-1"))
    one, two, anybody = wait(journal, "CS-1"), wait(journal, "CS-2"), wait(journal)
    await asyncio.wait([one, two, anybody])
    assert (outcome(one), outcome(two), outcome(anybody)) == ("lost", "committed", "lost")
    assert told == [frozenset({"CS-1"})]
    assert journal.facts_lost == 2
    writer.refused = {}
    journal.put(meter_record("CS-1"))
    await journal.committed("CS-1")


async def test_who_waits_hears_that_it_can_never_be_stored_as_it_is(journal: SqlJournal, writer: FakeWriter) -> None:
    for error, told in ((OverflowError("a number too large"), NotStorable), (ValueError("a mistake"), None)):
        writer.refused = {"CS-1": error}
        journal.put(meter_record("CS-1"))
        with pytest.raises(StorageUnavailable) as refusal:
            await journal.committed("CS-1")
        assert (refusal.type is NotStorable) == (told is NotStorable)


async def test_the_facts_that_are_lost_are_told_and_no_others(journal: SqlJournal, writer: FakeWriter) -> None:
    told: list[Fact] = []
    journal.on_facts_lost(told.extend)
    writer.refused = {"CS-1": ValueError("no")}
    lost, kept = meter_record("CS-1"), meter_record("CS-2")
    journal.put(lost)
    journal.put(kept)
    with pytest.raises(StorageUnavailable):
        await journal.committed("CS-1")
    assert told == [lost]


async def test_a_writer_that_hangs_loses_the_batch_behind_it_too_and_tells_so(
    journal: SqlJournal, writer: FakeWriter, clock: FakeClock
) -> None:
    told: list[Fact] = []
    journal.on_facts_lost(told.extend)
    writer.gate.clear()
    journal.put(event(1))
    await until(writer.entered.is_set)
    journal.put(event(2))
    clock.advance(10)
    assert told == [event(1), event(2)]


async def test_commits_are_timed(journal: SqlJournal, writer: FakeWriter, clock: FakeClock) -> None:
    writer.gate.clear()
    journal.put(event(1))
    await until(writer.entered.is_set)
    clock.advance(0.3)
    writer.gate.set()
    await journal.committed()
    took = journal.commit_durations
    assert (sum(took.counts), took.counts[took.bounds_s.index(0.5)]) == (1, 1)
    assert took.total_s == pytest.approx(0.3)


async def test_a_listener_that_fails_harms_nobody(journal: SqlJournal, writer: FakeWriter) -> None:
    told: list[frozenset[str]] = []

    def fail(stations: frozenset[str]) -> None:
        raise RuntimeError("oops")

    journal.on_lost(fail)
    journal.on_lost(told.append)
    writer.refused = {"CS-1": ValueError("no")}
    journal.put(meter_record("CS-1"))
    with pytest.raises(StorageUnavailable):
        await journal.committed("CS-1")
    assert told == [frozenset({"CS-1"})]


async def test_no_more_is_taken_in_than_there_is_room_for(journal: SqlJournal, writer: FakeWriter) -> None:
    writer.gate.clear()
    journal.put(event(0))
    await until(writer.entered.is_set)
    for number in range(1, 101):
        journal.put(event(number))
    with pytest.raises(StorageUnavailable):
        journal.put(event(101))
    journal.put(message())
    assert journal.messages_dropped == 1
    writer.gate.set()
    await journal.committed()
    assert writer.stored == [event(number) for number in range(101)]


async def test_work_runs_with_the_facts_put_before_it(journal: SqlJournal, writer: FakeWriter) -> None:
    def refuse(_: object) -> None:
        raise ValueError("no")

    journal.put(event(1))
    results = await asyncio.gather(
        journal.write(lambda _: 7), journal.write(refuse), journal.write(lambda _: 8), return_exceptions=True
    )
    assert results[0] == 7 and results[2] == 8
    assert isinstance(results[1], ValueError)
    assert writer.committed == [[event(1)]]


async def test_work_whose_asker_left_is_done(journal: SqlJournal, writer: FakeWriter) -> None:
    done = threading.Event()
    writer.gate.clear()
    asking = asyncio.ensure_future(journal.write(lambda _: done.set()))
    await until(writer.entered.is_set)
    asking.cancel()
    await asyncio.sleep(0)
    writer.gate.set()
    await until(done.is_set)
    assert await journal.write(lambda _: 1) == 1


async def test_closing_commits_what_was_put(writer: FakeWriter, clock: FakeClock) -> None:
    journal = SqlJournal(writer, clock)
    writer.gate.clear()
    journal.put(event(1))
    await until(writer.entered.is_set)
    journal.put(event(2))
    closing = asyncio.ensure_future(journal.close())
    await asyncio.sleep(0)
    with pytest.raises(StorageUnavailable):
        journal.put(event(3))
    writer.gate.set()
    await closing
    assert writer.stored == [event(1), event(2)] and writer.closed


async def test_closing_does_not_wait_for_ever(writer: FakeWriter, clock: FakeClock) -> None:
    journal = SqlJournal(writer, clock)
    writer.gate.clear()
    journal.put(event(1))
    await until(writer.entered.is_set)
    closing = asyncio.ensure_future(journal.close())
    await asyncio.sleep(0)
    assert not closing.done()
    clock.advance(10)
    await asyncio.wait_for(closing, 30)
    writer.gate.set()
