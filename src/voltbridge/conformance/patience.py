"""Waiting for no longer than so many seconds of a clock, which need not be the system's, and saying what for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from voltbridge.domain.clock import Clock

__all__ = ["Tell", "saying", "within"]

Tell = Callable[[str], None]
"""Says something to the person who watches a run."""

_SOON_S: Final = 1.0
"""What takes no longer than this is not worth a word."""


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


@contextmanager
def saying(tell: Tell | None, what: str, seconds: float, clock: Clock) -> Iterator[None]:
    """Say what is waited for, and how long at most, as soon as what is inside lasts so long that one wonders."""
    if tell is None or seconds <= _SOON_S:
        yield
        return
    cancel = clock.call_later(_SOON_S, lambda: tell(f"{what} (up to {seconds:g} s)"))
    try:
        yield
    finally:
        cancel()
