"""What the parts of Voltbridge ask of the bus; ``local.py`` serves it in one process.

The contract is shaped for several nodes from the start: a station has one owner at a time, a call reaches the owner
wherever it is, an announcement reaches every node, and nobody holds on to an object of another node.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

from voltbridge.domain.events import Event, LiveEvent
from voltbridge.domain.station_calls import StationCall

__all__ = ["Answer", "Bus", "Ownership", "Subscription"]

Answer = Callable[[StationCall], Awaitable[bytes]]
"""The owner's side of a call: returns the response's JSON, or raises a ``CallFailed``."""


class Ownership(Protocol):
    """Held by the node whose connection serves the station."""

    def release(self) -> None:
        """Give it up; does nothing when a newer connection has taken over already."""


class Subscription(Protocol):
    """A reader of events with a bounded queue; a reader too slow loses the oldest and is told how many."""

    missed: int
    """How many events this reader lost since it began."""

    def __aiter__(self) -> AsyncIterator[Event | LiveEvent]: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Bus(Protocol):
    """Events out, calls to owners, announcements between nodes."""

    def publish(self, event: Event | LiveEvent) -> None:
        """Hand an event to every subscriber; never blocks, never raises for a subscriber's sake."""

    def subscribe(self, *, capacity: int = 1000, live: bool = True) -> Subscription:
        """Read events published from now on; only stored ones unless ``live``."""

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody listens for live events; lets the hot path skip making a LiveEvent."""

    async def own(self, station_id: str, answer: Answer, lost: Callable[[], None]) -> Ownership:
        """Become the owner; the former owner's ``lost`` is called, wherever it is (its connection must close)."""

    async def call(self, station_id: str, call: StationCall) -> bytes:
        """Have the owner send the call; returns the response's JSON.

        Raises StationNotConnected, CallTimedOut, TooManyCalls or CallRefused.
        """

    def is_connected(self, station_id: str) -> bool:
        """Whether some node owns a connection of the station, as far as this node knows."""

    def announce(self, topic: str, station_id: str) -> None:
        """Tell every node that something about a station changed (``settings``, ``deleted``, ``transaction``)."""

    def on_announcement(self, topic: str, react: Callable[[str], Awaitable[None]]) -> None:
        """Have ``react`` called with the station id of every announcement on the topic."""
