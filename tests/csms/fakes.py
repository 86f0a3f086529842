"""In-memory stand-ins for what the blocks ask of the rest: clock, journal, bus, stores and the calls to stations.

Each keeps what it was given in a public attribute, so that a test reads the effect there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Fact, StorageUnavailable
from voltbridge.domain.clock import Cancel
from voltbridge.domain.errors import AlreadyExists, NotFound
from voltbridge.domain.events import Event, LiveEvent
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.station_calls import CallFailed, StationNotConnected
from voltbridge.domain.stations import (
    LiveStation,
    RegistrationStatus,
    Station,
    StationFilter,
    StationReport,
    StationSettings,
)
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = [
    "START",
    "FakeBus",
    "FakeCalls",
    "FakeClock",
    "FakeConnected",
    "FakeJournal",
    "FakeStations",
    "World",
]

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Kind = TypeVar("Kind")


class FakeClock:
    """Time that moves only by ``advance``."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._made = 0

    def now(self) -> datetime:
        return self._now

    def now_ms(self) -> int:
        return int(self._now.timestamp() * 1000)

    def monotonic(self) -> float:
        return self._monotonic

    @property
    def timers(self) -> int:
        """How many wait for time to pass."""
        return len(self._timers)

    async def sleep(self, seconds: float) -> None:
        over = asyncio.Event()
        self.call_later(seconds, over.set)
        await over.wait()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        self._made += 1
        timer = (self._monotonic + seconds, self._made, callback)
        self._timers.append(timer)

        def cancel() -> None:
            if timer in self._timers:
                self._timers.remove(timer)

        return cancel

    def advance(self, seconds: float) -> None:
        """Let that much time pass, running the timers that fall due in their order."""
        end = self._monotonic + seconds
        while due := sorted(timer for timer in self._timers if timer[0] <= end):
            self._move(due[0][0])
            self._timers.remove(due[0])
            due[0][2]()
        self._move(end)

    def _move(self, monotonic: float) -> None:
        self._now += timedelta(seconds=monotonic - self._monotonic)
        self._monotonic = monotonic


class FakeJournal:
    """Commits at once, unless ``held``: then when ``commit`` or ``lose`` is called."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.held = False
        self._waiting: list[asyncio.Future[None]] = []
        self._tell: list[Callable[[frozenset[str]], None]] = []
        self._tell_facts: list[Callable[[Sequence[Fact]], None]] = []
        self._settled = 0

    def put(self, fact: Fact) -> None:
        self.facts.append(fact)

    async def committed(self, station_id: str | None = None) -> None:
        if self.held:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def on_lost(self, tell: Callable[[frozenset[str]], None]) -> None:
        self._tell.append(tell)

    def on_facts_lost(self, tell: Callable[[Sequence[Fact]], None]) -> None:
        self._tell_facts.append(tell)

    def commit(self) -> None:
        """Let everyone who waits know that the facts are durable."""
        self._settled = len(self.facts)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.set_result(None)

    def lose(self, *station_ids: str) -> None:
        """Give up what these stations put since the last ``commit`` or ``lose``."""
        lost = [fact for fact in self.facts[self._settled :] if getattr(fact, "station_id", None) in station_ids]
        self._settled = len(self.facts)
        for tell_facts in self._tell_facts:
            tell_facts(lost)
        for tell in self._tell:
            tell(frozenset(station_ids))
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.set_exception(StorageUnavailable("the disk is gone"))

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The facts of one type, oldest first."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


class FakeBus:
    """Keeps what was published and announced; announcements reach their listeners by ``deliver``."""

    def __init__(self) -> None:
        self.published: list[Event | LiveEvent] = []
        self.announced: list[tuple[str, str]] = []
        self.connected: set[str] = set()
        self.has_subscribers = True
        self._listeners: dict[str, list[Callable[[str], Awaitable[None]]]] = {}

    def publish(self, event: Event | LiveEvent) -> None:
        self.published.append(event)

    def is_connected(self, station_id: str) -> bool:
        return station_id in self.connected

    def announce(self, topic: str, station_id: str) -> None:
        self.announced.append((topic, station_id))

    def on_announcement(self, topic: str, react: Callable[[str], Awaitable[None]]) -> None:
        self._listeners.setdefault(topic, []).append(react)

    async def deliver(self) -> None:
        """Have every announcement made so far heard."""
        announced, self.announced = self.announced, []
        for topic, station_id in announced:
            for react in self._listeners.get(topic, []):
                await react(station_id)


@dataclass
class World:
    """The parts every block is built on."""

    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    bus: FakeBus = field(default_factory=FakeBus)
    ids: IdSource = field(init=False)
    events: EventLog = field(init=False)

    def __post_init__(self) -> None:
        self.ids = IdSource(self.clock)
        self.events = EventLog(self.journal, self.bus, self.ids, self.clock)

    def emitted(self, type: str) -> list[dict[str, Any]]:
        """The data of the stored events of one type, oldest first."""
        return [dict(event.data) for event in self.journal.of(Event) if event.type == type]


class FakeStations:
    """The stations' book: settings and reports by identity."""

    def __init__(self) -> None:
        self.settings: dict[str, StationSettings] = {}
        self.reports: dict[str, StationReport] = {}

    async def get(self, station_id: str) -> Station | None:
        settings = self.settings.get(station_id)
        if settings is None:
            return None
        return Station(settings, self.reports.get(station_id, StationReport(station_id)))

    async def add(self, settings: StationSettings) -> None:
        if settings.station_id in self.settings:
            raise AlreadyExists("station", settings.station_id)
        self.settings[settings.station_id] = settings

    async def save_settings(self, settings: StationSettings) -> None:
        if settings.station_id not in self.settings:
            raise NotFound("station", settings.station_id)
        self.settings[settings.station_id] = settings

    async def delete(self, station_id: str) -> None:
        if self.settings.pop(station_id, None) is None:
            raise NotFound("station", station_id)
        self.reports.pop(station_id, None)

    async def waiting(self) -> int:
        return sum(_is_waiting(settings) for settings in self.settings.values())

    async def list(self, wanted: StationFilter, page: PageRequest) -> Page[Station]:
        ids = [
            station_id
            for station_id, settings in sorted(self.settings.items())
            if (wanted.registration is None or settings.registration is wanted.registration)
            and (wanted.among is None or station_id in wanted.among)
            and (wanted.not_among is None or station_id not in wanted.not_among)
        ]
        return await self._page(ids, page)

    async def inbox(self, page: PageRequest) -> Page[Station]:
        waiting = [settings for settings in self.settings.values() if _is_waiting(settings)]
        waiting.sort(key=lambda settings: settings.created_at, reverse=True)
        return await self._page([settings.station_id for settings in waiting], page)

    async def _page(self, ids: Sequence[str], page: PageRequest) -> Page[Station]:
        start = int(page.cursor or 0)
        stations = [await self.get(station_id) for station_id in ids[start : start + page.limit]]
        more = start + page.limit < len(ids)
        return Page(tuple(station for station in stations if station), str(start + page.limit) if more else None)


def _is_waiting(settings: StationSettings) -> bool:
    return settings.registration is RegistrationStatus.PENDING and settings.adopted_at is None


class FakeConnected:
    """The stations connected to this node."""

    def __init__(self) -> None:
        self.stations: dict[str, LiveStation] = {}
        self.changes: list[str] = []
        """The stations of which it was said that they were changed."""

    def get(self, station_id: str) -> LiveStation | None:
        return self.stations.get(station_id)

    def ids(self) -> frozenset[str]:
        return frozenset(self.stations)

    def changed(self, station_id: str) -> None:
        self.changes.append(station_id)


class FakeCalls:
    """The door to the stations: answers by request type, or fails."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Version, Payload]] = []
        self.answers: dict[type[Payload], Payload | CallFailed] = {}

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        station_id = station if isinstance(station, str) else station.station_id
        self.sent.append((station_id, version, request))
        answer = self.answers.get(type(request), StationNotConnected(station_id))
        if isinstance(answer, CallFailed):
            raise answer
        return answer
