"""The bus within one process: plain calls and bounded queues, no copies.

It is held to the contract that an implementation over several nodes is held to (``tests/bus/contract.py``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from voltbridge.bus.ports import Answer
from voltbridge.domain.events import Event, LiveEvent
from voltbridge.domain.station_calls import StationCall, StationNotConnected

__all__ = ["LocalBus", "LocalOwnership", "LocalSubscription"]

_log = structlog.stdlib.get_logger(__name__)


class LocalSubscription:
    """A reader with a queue of its own; iterate it inside ``async with``."""

    __slots__ = ("_bus", "_queue", "_waiter", "missed")

    def __init__(self, bus: LocalBus, capacity: int) -> None:
        self._bus: LocalBus | None = bus
        self._queue: deque[Event | LiveEvent] = deque(maxlen=capacity)
        self._waiter: asyncio.Future[None] | None = None
        self.missed = 0

    def put(self, event: Event | LiveEvent) -> None:
        """Queue an event; the oldest makes room when the queue is full."""
        if len(self._queue) == self._queue.maxlen:
            self.missed += 1
        self._queue.append(event)
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | LiveEvent:
        while not self._queue:
            if self._bus is None:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._queue.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bus is not None:
            self._bus.unsubscribe(self)
            self._bus = None
        self._queue.clear()
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class LocalOwnership:
    """The right to answer for a station, until released or taken over."""

    __slots__ = ("_bus", "answer", "lost", "station_id")

    def __init__(self, bus: LocalBus, station_id: str, answer: Answer, lost: Callable[[], None]) -> None:
        self._bus = bus
        self.station_id = station_id
        self.answer = answer
        self.lost = lost

    def release(self) -> None:
        self._bus.disown(self)


class LocalBus:
    """Events, calls and announcements within this process."""

    def __init__(self) -> None:
        self._subscriptions: set[LocalSubscription] = set()
        self._live: set[LocalSubscription] = set()
        """Those that want live events too; every message asks whether there are any."""
        self._owners: dict[str, LocalOwnership] = {}
        self._reactions: dict[str, list[Callable[[str], Awaitable[None]]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def publish(self, event: Event | LiveEvent) -> None:
        for subscription in self._subscriptions if isinstance(event, Event) else self._live:
            subscription.put(event)

    def subscribe(self, *, capacity: int = 1000, live: bool = True) -> LocalSubscription:
        subscription = LocalSubscription(self, capacity)
        self._subscriptions.add(subscription)
        if live:
            self._live.add(subscription)
        return subscription

    def unsubscribe(self, subscription: LocalSubscription) -> None:
        """End a subscription; leaving its ``async with`` does so."""
        self._subscriptions.discard(subscription)
        self._live.discard(subscription)

    @property
    def has_subscribers(self) -> bool:
        return bool(self._live)

    async def own(self, station_id: str, answer: Answer, lost: Callable[[], None]) -> LocalOwnership:
        former = self._owners.get(station_id)
        ownership = self._owners[station_id] = LocalOwnership(self, station_id, answer, lost)
        if former is not None:
            former.lost()
        return ownership

    def disown(self, ownership: LocalOwnership) -> None:
        """Take an ownership back, unless a newer one has replaced it."""
        if self._owners.get(ownership.station_id) is ownership:
            del self._owners[ownership.station_id]

    async def call(self, station_id: str, call: StationCall) -> bytes:
        owner = self._owners.get(station_id)
        if owner is None:
            raise StationNotConnected(station_id)
        return await owner.answer(call)

    def is_connected(self, station_id: str) -> bool:
        return station_id in self._owners

    def announce(self, topic: str, station_id: str) -> None:
        for react in self._reactions.get(topic, ()):
            task = asyncio.ensure_future(self._react(react, topic, station_id))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def on_announcement(self, topic: str, react: Callable[[str], Awaitable[None]]) -> None:
        self._reactions.setdefault(topic, []).append(react)

    async def close(self) -> None:
        """Let the reactions that have begun finish; for an orderly stop."""
        while self._running:
            await asyncio.wait(self._running)

    async def _react(self, react: Callable[[str], Awaitable[None]], topic: str, station_id: str) -> None:
        try:
            await react(station_id)
        except Exception:
            _log.exception("a reaction to an announcement failed", topic=topic, station_id=station_id)
