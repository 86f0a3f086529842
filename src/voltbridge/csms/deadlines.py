"""Deadlines by the id of what they are for: at most one each, the last that was set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.errors import StorageUnavailable

__all__ = ["Deadlines"]

_log = structlog.stdlib.get_logger(__name__)
_AGAIN_S = 10.0


class Deadlines:
    """Runs ``overdue(key)`` when a deadline is reached, again after a while when the storage was out of reach."""

    def __init__(self, clock: Clock, overdue: Callable[[int], Awaitable[None]]) -> None:
        self._clock = clock
        self._overdue = overdue
        self._pending: dict[int, Cancel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def set(self, key: int, at: datetime) -> None:
        """Set the deadline of a key, in the place of the one it had."""
        self.drop(key)
        if not self._closed:
            self._after(key, max(0.0, (at - self._clock.now()).total_seconds()))

    def drop(self, key: int) -> None:
        """Forget the deadline of a key; it need not have one."""
        cancel = self._pending.pop(key, None)
        if cancel is not None:
            cancel()

    async def close(self) -> None:
        """Let nothing fall due any more, and return when what has fallen due is done."""
        self._closed = True
        for key in list(self._pending):
            self.drop(key)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _after(self, key: int, seconds: float) -> None:
        self._pending[key] = self._clock.call_later(seconds, lambda: self._fall_due(key))

    def _fall_due(self, key: int) -> None:
        self._pending.pop(key, None)
        task = asyncio.create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: int) -> None:
        try:
            await self._overdue(key)
        except StorageUnavailable as error:
            _log.warning("a deadline waits for the storage", id=key, error=str(error))
            if key not in self._pending and not self._closed:
                self._after(key, _AGAIN_S)
