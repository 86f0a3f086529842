"""The clock of one station: the process's clock, set by whatever tells the station the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from voltbridge.domain.clock import Cancel, Clock

__all__ = ["StationClock"]


class StationClock:
    """A clock that can be set without touching any other station's. Durations are those of the clock behind it."""

    __slots__ = ("_clock", "_offset")

    def __init__(self, clock: Clock, offset: timedelta = timedelta()) -> None:
        """``offset``: how wrong the station's own clock is before anybody sets it."""
        self._clock = clock
        self._offset = offset

    def set_to(self, moment: datetime) -> None:
        """From now on this is the time."""
        self._offset = moment - self._clock.now()

    def now(self) -> datetime:
        return self._clock.now() + self._offset

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._offset // timedelta(milliseconds=1)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        return self._clock.call_later(seconds, callback)
