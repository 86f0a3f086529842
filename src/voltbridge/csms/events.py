"""The event log: what happened is stored first and told to listeners after.

``emit`` puts an event into the journal with everything else the message changed, so the event exists exactly when the
change does. The bus hears of it once that batch is committed, in the order of the events' ids; events of a batch that
was given up are never told. ``emit_live`` is for what nobody reads later: it is told at once, and only if someone
listens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog
from msgspec import UNSET, Struct

from voltbridge.csms.journal import Fact, Journal, StorageUnavailable
from voltbridge.domain.clock import Clock
from voltbridge.domain.events import Event, LiveEvent
from voltbridge.domain.ids import IdSource

__all__ = ["EventLog", "Publisher", "message_data"]


_log = structlog.stdlib.get_logger(__name__)

_LOGGED: Final = frozenset({"station.awaiting_adoption", "station.refused"})
"""Whoever sets up a charger looks here first."""


class Publisher(Protocol):
    """The part of the bus that events leave through."""

    def publish(self, event: Event | LiveEvent) -> None: ...

    @property
    def has_subscribers(self) -> bool: ...


class EventLog:
    """Where every part of the CSMS says what happened."""

    def __init__(self, journal: Journal, bus: Publisher, ids: IdSource, clock: Clock) -> None:
        self._journal = journal
        self._bus = bus
        self._ids = ids
        self._clock = clock
        self._stored: list[Event] = []
        """In the journal, not yet told."""
        self._teller: asyncio.Task[None] | None = None
        self._lost: set[int] = set()
        """Ids of events that were given up and stand in line to be told."""
        journal.on_facts_lost(self._lose)

    def emit(self, type: str, station_id: str | None, /, **data: Any) -> Event:
        """Store an event with the current batch, and tell it to listeners once that is committed.

        ``data`` are JSON values. Needs a running event loop. Raises StorageUnavailable when the journal takes nothing.
        """
        event = Event(self._ids.next(), type, self._clock.now(), station_id, data)
        self._journal.put(event)
        if type in _LOGGED:
            _log.info(type, station_id=station_id, **data)
        self._stored.append(event)
        if self._teller is None:
            self._teller = asyncio.get_running_loop().create_task(self._tell())
        return event

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody listens; where data for ``emit_live`` is costly to make, ask first."""
        return self._bus.has_subscribers

    def emit_live(self, type: str, station_id: str | None, /, **data: Any) -> None:
        """Tell those who listen now."""
        if self._bus.has_subscribers:
            self._bus.publish(LiveEvent(type, self._clock.now(), station_id, data))

    async def told(self) -> None:
        """Return once every event emitted so far was told or given up."""
        if self._teller is not None:
            await asyncio.shield(self._teller)

    def _lose(self, facts: Sequence[Fact]) -> None:
        self._lost.update(fact.id for fact in facts if isinstance(fact, Event))

    async def _tell(self) -> None:
        try:
            while self._stored:
                batch, self._stored = self._stored, []
                # Which of them were lost is known by their ids; whose waiting it fails says less.
                with contextlib.suppress(StorageUnavailable):
                    await self._journal.committed()
                for event in batch:
                    if event.id not in self._lost:
                        self._bus.publish(event)
            self._lost.clear()
        finally:
            # Nothing awaits between the check above and this line, so no event can be left behind.
            self._teller = None


def message_data(message: Struct) -> dict[str, Any]:
    """A message as an event's data: snake_case names, plain JSON values, absent fields left out.

    ``customData`` and other objects of a vendor's own keep their keys as they came.
    """
    return {name: _plain(value) for name, value in _fields(message)}


def _fields(value: Struct) -> list[tuple[str, Any]]:
    present = []
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if field is not UNSET:
            present.append((name, field))
    return present


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _plain(inner) for name, inner in _fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return msgspec.to_builtins(value)
    return value
