"""The system's clock, as the port of ``voltbridge.domain.clock``. Only ``app.py`` builds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from voltbridge.domain.clock import Cancel

__all__ = ["SystemClock"]


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
