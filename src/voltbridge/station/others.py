"""What a station has to say beside its transactions: in memory, in order, one state per connector while it waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from voltbridge.station.answers import Answer
from voltbridge.station.facts import BootFact, Fact, HeartbeatFact, StatusFact

__all__ = ["Others", "Waiting"]

_MOST: Final = 200
"""Facts that wait; beyond these the oldest are dropped."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A fact that waits."""

    fact: Fact
    ordinal: int
    """Its place among all that was told."""
    triggered: bool
    """The CSMS asked for it."""
    answer: asyncio.Future[Answer] | None = None
    """For a question; None: somebody told it and went on."""
    interrupted: bool = False
    """The connection ended before it was told."""


class Others:
    """Facts in the order they were told."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def first(self, may_leave: Callable[[Fact, bool], bool]) -> Waiting | None:
        """The first that may leave; it stays."""
        return next((each for each in self._waiting if may_leave(each.fact, each.triggered)), None)

    def remove(self, waiting: Waiting) -> None:
        """It leaves."""
        self._waiting.remove(waiting)

    def add(self, waiting: Waiting, *, now: bool) -> Waiting | None:
        """Put a fact behind all others; what had to be dropped for it. ``now``: it may leave at once.

        What cannot leave is not worth keeping if it is a heartbeat or a boot; of the states of a connector only the
        last is (1.6 4.9). A state that was not told before the connection ended is history once the present one is.
        """
        if not now and isinstance(waiting.fact, HeartbeatFact | BootFact):
            return None
        old = self._about(waiting.fact)
        if old is not None and (not now or old.interrupted):
            self._collapse(waiting, old)
        self._waiting.append(waiting)
        return self._waiting.popleft() if len(self._waiting) > _MOST else None

    def put_back(self, waiting: Waiting) -> None:
        """It was not answered for no fault of its own: tell it again, unless there is newer news."""
        if not isinstance(waiting.fact, HeartbeatFact | BootFact) and self._about(waiting.fact) is None:
            waiting.interrupted = True
            self._waiting.appendleft(waiting)

    def interrupt(self) -> None:
        """The connection has ended."""
        for waiting in self._waiting:
            waiting.interrupted = True

    def _collapse(self, newest: Waiting, old: Waiting) -> None:
        """The newest takes the place of what waits about the same connector, and knows what was told before that."""
        assert isinstance(newest.fact, StatusFact)
        assert isinstance(old.fact, StatusFact)
        self._waiting.remove(old)
        previous = None if newest.fact.previous_status is None else old.fact.previous_status
        newest.fact = msgspec.structs.replace(newest.fact, previous_status=previous)
        newest.triggered = newest.triggered or old.triggered

    def _about(self, fact: Fact) -> Waiting | None:
        """What waits about the same connector as this state does."""
        if not isinstance(fact, StatusFact):
            return None
        place = (fact.evse_id, fact.connector_id)
        for waiting in self._waiting:
            other = waiting.fact
            if isinstance(other, StatusFact) and (other.evse_id, other.connector_id) == place:
                return waiting
        return None
