"""The timer that ends reservations: it sleeps until the next one expires, not from second to second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.errors import StorageUnavailable

__all__ = ["ExpiryTimer"]

_log = structlog.stdlib.get_logger(__name__)

_LONGEST_S: Final = 3600.0
"""It looks at the clock at least this often: clocks are put right, and timers do not notice."""
_SHORTEST_S: Final = 0.01
_RETRY_S: Final = 5.0


class ExpiryTimer:
    """Calls ``work`` when something is due; it says when the next thing is."""

    def __init__(self, work: Callable[[], Awaitable[datetime | None]], clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._wake_at: datetime | None = None
        self._cancel: Cancel | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Look at once. Needs a running event loop."""
        self.wake_by(self._clock.now())

    def wake_by(self, moment: datetime) -> None:
        """Something is due at this moment."""
        if self._closed or (self._wake_at is not None and self._wake_at <= moment):
            return
        self._wake_at = moment
        if self._task is None:
            self._arm()

    async def close(self) -> None:
        """Return once nothing is under way and nothing will be."""
        self._closed = True
        if self._cancel is not None:
            self._cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _arm(self) -> None:
        assert self._wake_at is not None
        if self._cancel is not None:
            self._cancel()
        left_s = (self._wake_at - self._clock.now()).total_seconds()
        self._cancel = self._clock.call_later(min(max(left_s, _SHORTEST_S), _LONGEST_S), self._wake)

    def _wake(self) -> None:
        self._wake_at = None
        self._cancel = None
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            due = await self._work()
        except StorageUnavailable as error:
            _log.warning("reservations could not be looked through", error=str(error))
            due = self._clock.now() + timedelta(seconds=_RETRY_S)
        except Exception:
            _log.exception("looking through reservations failed")
            due = self._clock.now() + timedelta(seconds=_RETRY_S)
        self._task = None
        if due is not None and (self._wake_at is None or due < self._wake_at):
            self._wake_at = due
        if self._wake_at is not None and not self._closed:
            self._arm()
