"""Security events that stations tell (2.0.1 A04; A04 of the security whitepaper for 1.6).

Each is kept as an event. A station that got no answer tells it again, perhaps on another connection or to a program
that was started anew, and nothing in the message says so. So what is told again by the same station with the same
content, the time of the happening included, within a day is the same event. Two happenings of one kind that a station
cannot tell apart by time or text are therefore one event here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from voltbridge.csms.events import EventLog, message_data
from voltbridge.csms.journal import Fact, Journal
from voltbridge.csms.redaction import hide
from voltbridge.domain.clock import Clock
from voltbridge.domain.events import Event
from voltbridge.domain.stations import LiveStation

__all__ = ["SECURITY_EVENT", "EventBook", "SecurityEventService"]

SECURITY_EVENT: Final = "security.event"

_REMEMBERED: Final = timedelta(days=1)
_MOST: Final = 20_000
"""Of all stations, so that one which tells ever new ones cannot fill the memory."""

_encode = msgspec.json.Encoder().encode


class EventBook(Protocol):
    """The stored events."""

    async def of_type(self, type: str, since: datetime, limit: int) -> Sequence[Event]:
        """The newest of a type since a moment, oldest first."""


class SecurityEventService:
    """Keeps what stations tell, once."""

    def __init__(self, book: EventBook, journal: Journal, events: EventLog, clock: Clock) -> None:
        self._book = book
        self._events = events
        self._clock = clock
        self._told: OrderedDict[bytes, None] | None = None
        """Fingerprints of what was told, the oldest first; None until the stored ones are read."""
        self._reading = asyncio.Lock()
        journal.on_facts_lost(self._lose)

    async def note(self, live: LiveStation, message: Struct) -> None:
        """Keep a message as an event, unless it was kept before. Raises StorageUnavailable."""
        data = message_data(message)
        hide(data)
        mark = _mark(live.station_id, data)
        told = await self._all_told()
        if mark in told:
            return
        self._events.emit("security.event", live.station_id, **data)
        told[mark] = None
        if len(told) > _MOST:
            told.popitem(last=False)

    async def _all_told(self) -> OrderedDict[bytes, None]:
        async with self._reading:
            if self._told is None:
                since = self._clock.now() - _REMEMBERED
                stored = await self._book.of_type(SECURITY_EVENT, since, _MOST)
                self._told = OrderedDict((_mark(event.station_id, event.data), None) for event in stored)
            return self._told

    def _lose(self, facts: Sequence[Fact]) -> None:
        """What was given up was not confirmed to its station and will be told again."""
        for fact in facts if self._told is not None else ():
            if isinstance(fact, Event) and fact.type == SECURITY_EVENT and self._told is not None:
                self._told.pop(_mark(fact.station_id, fact.data), None)


def _mark(station_id: str | None, data: Mapping[str, Any]) -> bytes:
    return blake2b(_encode((station_id, data)), digest_size=16).digest()
