"""The clock of a live process: the machine's time, or another time at another pace.

``VOLTBRIDGE_CLOCK=2026-03-01T00:00:00Z×60`` begins on the first of March and lives an hour in a minute. What waits for
a disk or a network waits in seconds of the machine (``voltbridge.clock.MachineSeconds``): those no clock makes faster.

A process begins at the epoch when it starts, and again when it starts again. With ``2026-03-01T00:00:00Z@MOMENT×60``
the epoch was, or will be, at that moment of the machine, for every process and however often it starts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final

from voltbridge.domain.clock import Cancel

__all__ = ["PacedClock", "clock_from"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PacedClock:
    """Time that begins at ``start`` (None: now) and runs ``rate`` times as fast as the machine's."""

    __slots__ = ("_base", "_began", "_rate")

    def __init__(self, start: datetime | None = None, rate: float = 1.0) -> None:
        """Raises ValueError for a rate that is not positive and finite, or a start without a time zone."""
        if not 0 < rate < inf:
            raise ValueError(f"a clock's rate must be positive and finite: {rate!r}")
        if start is not None and start.tzinfo is None:
            raise ValueError("a clock's start needs a time zone")
        self._rate = rate
        self._began = time.monotonic()
        self._base = time.time() if start is None else (start - _EPOCH).total_seconds()

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self._base + self.monotonic())

    def now_ms(self) -> int:
        return int((self._base + self.monotonic()) * 1000)

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._rate

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        return asyncio.get_running_loop().call_later(max(0.0, seconds) / self._rate, callback).cancel


def clock_from(text: str | None) -> PacedClock:
    """The clock that VOLTBRIDGE_CLOCK asks for: ``epoch×rate``, ``epoch``, ``×rate`` or ``epoch@moment×rate``; None or
    empty: the machine's.

    Epoch and moment are date-times of RFC 3339 or seconds since 1970; ``x`` and ``*`` serve for ``×``. Raises
    ValueError with a sentence that names the setting.
    """
    plain = (text or "").strip()
    if not plain:
        return PacedClock()
    for sign in "x*":
        plain = plain.replace(sign, "×")
    epoch, _, given_rate = plain.partition("×")
    epoch, at, moment = epoch.partition("@")
    try:
        rate = float(given_rate) if given_rate.strip() else 1.0
        start = _start(epoch.strip())
        if at:
            anchor = _start(moment.strip())
            if start is None or anchor is None:
                raise ValueError("both sides of @ need a date-time")
            start += (datetime.now(UTC) - anchor) * rate
        return PacedClock(start, rate)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"VOLTBRIDGE_CLOCK must be like 2026-03-01T00:00:00Z×60, not {text!r}: {error}") from None


def _start(epoch: str) -> datetime | None:
    if not epoch:
        return None
    try:
        return _EPOCH + timedelta(seconds=float(epoch))
    except ValueError:
        moment = datetime.fromisoformat(epoch)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
