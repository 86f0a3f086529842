"""Reading events without a gap: those stored after a given one, then live ones, each stored event exactly once.

A reader is subscribed before the storage is asked, so nothing falls between the two; what comes twice is recognised by
its id, which only grows. A reader too slow for the bus's bounded queue loses events there and is given them from the
storage instead. Live-only events (``LiveEvent``) are not stored and are lost to such a reader.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from enum import Enum
from typing import Final, Protocol

from voltbridge.bus.ports import Bus, Subscription
from voltbridge.csms.journal import Journal, StorageUnavailable
from voltbridge.domain.clock import Clock
from voltbridge.domain.events import Event, EventFilter, LiveEvent
from voltbridge.domain.paging import Page, PageRequest

__all__ = ["EventStore", "EventStream", "Mark"]

_BATCH: Final = 500
_QUEUE: Final = 1000


class EventStore(Protocol):
    """What the stream asks of the storage."""

    async def after(self, id: int, limit: int) -> Sequence[Event]:
        """Stored events with larger ids, in the order of their ids."""

    async def last_id(self) -> int:
        """The id of the newest stored event; 0 when there is none."""

    async def list(self, wanted: EventFilter, page: PageRequest) -> Page[Event]:
        """Stored events, newest first. Raises InvalidCursor."""


class Mark(Enum):
    """What a reader is told besides events."""

    LISTENING = "listening"
    """From now on it will miss nothing."""
    QUIET = "quiet"
    """Nothing happened for a while; lets it see whether its peer is still there."""


class EventStream:
    """Serves any number of readers; ``close`` ends them all."""

    def __init__(
        self, store: EventStore, journal: Journal, bus: Bus, clock: Clock, *, quiet_after_s: float = 15.0
    ) -> None:
        self._store = store
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._quiet_after_s = quiet_after_s
        self._closing = asyncio.Event()
        self.readers = 0
        """How many readers there are now."""

    def close(self) -> None:
        """End every reader's stream, and those begun later at once."""
        self._closing.set()

    async def page(self, wanted: EventFilter, page: PageRequest) -> Page[Event]:
        """Stored events, newest first. Raises InvalidCursor."""
        await self._settled()
        return await self._store.list(wanted, page)

    async def after(self, id: int, wanted: EventFilter, limit: int) -> list[Event]:
        """The first stored events after the given id, oldest first."""
        await self._settled()
        found: list[Event] = []
        while stored := await self._store.after(id, _BATCH):
            for event in stored:
                if wanted.takes(event):
                    found.append(event)
                    if len(found) == limit:
                        return found
            id = stored[-1].id
        return found

    async def follow(self, after: int | None, wanted: EventFilter) -> AsyncIterator[Event | LiveEvent | Mark]:
        """Events after the given id, or from now on without one; never ends by itself before ``close``.

        The first item is ``Mark.LISTENING``.
        """
        if self._closing.is_set():
            return
        last = await self._store.last_id() if after is None else after
        self.readers += 1
        try:
            async with self._bus.subscribe(capacity=_QUEUE) as subscription, self._pump(subscription) as pump:
                yield Mark.LISTENING
                missed: int | None = None  # as if something had been lost: begin with the storage
                while not self._closing.is_set():
                    if missed != subscription.missed:
                        missed = subscription.missed
                        while (stored := await self._store.after(last, _BATCH)) and not self._closing.is_set():
                            for event in stored:
                                last = event.id
                                if wanted.takes(event):
                                    yield event
                    item = await pump.next()
                    if item is None:
                        return
                    if isinstance(item, Event):
                        if item.id <= last or missed != subscription.missed:
                            continue  # seen already, or about to be read from the storage in its turn
                        last = item.id
                    if isinstance(item, Mark) or wanted.takes(item):
                        yield item
        finally:
            self.readers -= 1

    async def _settled(self) -> None:
        """Events are emitted without waiting for their commit; whoever made one happen wants to find it."""
        with contextlib.suppress(StorageUnavailable):
            await self._journal.committed()

    @contextlib.asynccontextmanager
    async def _pump(self, subscription: Subscription) -> AsyncIterator[_Pump]:
        pump = _Pump(subscription, self._closing, self._clock, self._quiet_after_s)
        try:
            yield pump
        finally:
            await pump.close()


class _Pump:
    """Waits for the next event, the end, or silence, without losing an event to a wait that was given up."""

    def __init__(self, subscription: Subscription, closing: asyncio.Event, clock: Clock, quiet_after_s: float) -> None:
        self._events = aiter(subscription)
        self._closing = asyncio.ensure_future(closing.wait())
        self._clock = clock
        self._quiet_after_s = quiet_after_s
        self._next: asyncio.Future[Event | LiveEvent] | None = None

    async def next(self) -> Event | LiveEvent | Mark | None:
        """The next event, QUIET after a silence, or None at the end."""
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._events))
        if not self._next.done():
            silence = asyncio.ensure_future(self._clock.sleep(self._quiet_after_s))
            try:
                await asyncio.wait((self._next, self._closing, silence), return_when=asyncio.FIRST_COMPLETED)
            finally:
                silence.cancel()
        if self._closing.done():
            return None
        if not self._next.done():
            return Mark.QUIET
        taken, self._next = self._next, None
        try:
            return taken.result()
        except StopAsyncIteration:
            return None  # the bus has closed

    async def close(self) -> None:
        waiting = [task for task in (self._next, self._closing) if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
