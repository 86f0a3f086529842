"""The system's clock, as the port of ``voltbridge.domain.clock``. Only ``process.py`` and ``app.py`` build it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from voltbridge.domain.clock import Cancel, Clock

__all__ = ["MachineSeconds", "SystemClock"]


class SystemClock:
    """Time as the machine tells it, scheduling on the running event loop."""

    __slots__ = ()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        return asyncio.get_running_loop().call_later(seconds, callback).cancel


class MachineSeconds(SystemClock):
    """The moments of another clock, but seconds as the machine has them.

    A clock that runs fast makes no disk and no network faster: what waits for those waits in these seconds.
    """

    __slots__ = ("_clock",)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def now_ms(self) -> int:
        return self._clock.now_ms()
