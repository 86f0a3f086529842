"""Time as a port, so that a test or a virtual clock can run a week in seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

__all__ = ["Cancel", "Clock"]

Cancel = Callable[[], None]
"""Calling it makes sure the scheduled callback does not run; harmless when it already ran."""


class Clock(Protocol):
    """What the product may know of time. Only ``app.py`` builds one over the system's clock."""

    def now(self) -> datetime:
        """The moment, timezone-aware, in UTC."""

    def now_ms(self) -> int:
        """The moment as whole milliseconds since the Unix epoch; what tables store."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; for time-outs."""

    async def sleep(self, seconds: float) -> None:
        """Return once that many seconds of this clock have passed."""

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Cancel:
        """Run the callback on the event loop after that many seconds of this clock."""
