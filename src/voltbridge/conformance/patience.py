"""Waiting for no longer than so many seconds of a clock, which need not be the system's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voltbridge.domain.clock import Clock

__all__ = ["within"]


@asynccontextmanager
async def within(seconds: float, clock: Clock) -> AsyncIterator[None]:
    """Raises TimeoutError when what is inside takes longer."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as scope:
        cancel = clock.call_later(seconds, lambda: scope.reschedule(loop.time()))
        try:
            yield
        finally:
            cancel()
