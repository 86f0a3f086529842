"""What the station has sent during a case, in the order it came; a case takes what its steps want."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voltbridge.conformance.patience import within
from voltbridge.domain.clock import Clock

__all__ = ["Arrival", "Inbox"]


@dataclass(slots=True, eq=False)
class Arrival:
    """A request of the station."""

    action: str
    payload: Mapping[str, Any]
    at: datetime
    connection: int
    """Counts the connections of the case; a later one has a higher number."""
    taken: bool = False
    needed: bool = False
    """Whether a step could not do without it."""


@dataclass(slots=True)
class Inbox:
    """Every request since the case began."""

    clock: Clock
    arrivals: list[Arrival] = field(default_factory=list)
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def put(self, arrival: Arrival) -> None:
        """One more came."""
        self.arrivals.append(arrival)
        self.wake()

    def wake(self) -> None:
        """Have everybody who waits look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        """Forget all of it."""
        self.arrivals.clear()

    def first(self, wanted: Callable[[Arrival], bool]) -> Arrival | None:
        """The first one not taken yet that is wanted."""
        return next((one for one in self.arrivals if not one.taken and wanted(one)), None)

    async def wait(
        self, wanted: Callable[[Arrival], bool], seconds: float, ended: Callable[[], bool]
    ) -> Arrival | None:
        """Take the first one that is wanted, now or within these seconds; None: none came, or ``ended`` says stop."""
        try:
            async with within(seconds, self.clock):
                while True:
                    found = self.first(wanted)
                    if found is not None:
                        found.taken = True
                        return found
                    if ended():
                        return None
                    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.append(future)
                    await future
        except TimeoutError:
            return None
