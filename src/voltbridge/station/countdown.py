"""One timer that is started, stopped and started again."""

from __future__ import annotations

from collections.abc import Callable

from voltbridge.domain.clock import Cancel, Clock

__all__ = ["Countdown"]


class Countdown:
    """Calls once, when its seconds have passed without a stop."""

    __slots__ = ("_callback", "_cancel", "_clock")

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._callback = callback
        self._cancel: Cancel | None = None

    @property
    def running(self) -> bool:
        """It will still call."""
        return self._cancel is not None

    def start(self, seconds: float) -> None:
        """Count from now, whatever was counted before."""
        self.stop()
        self._cancel = self._clock.call_later(seconds, self._over)

    def stop(self) -> None:
        """Do not call."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def _over(self) -> None:
        self._cancel = None
        self._callback()
