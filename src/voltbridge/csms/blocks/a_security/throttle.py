"""Telling of repeated trouble now and then instead of each time."""

from __future__ import annotations

from voltbridge.domain.clock import Clock

__all__ = ["Throttle"]


class Throttle:
    """Lets each key through once per window, and only so many keys; what is held back is counted.

    Memory is bounded by ``keys`` whatever the peers do.
    """

    def __init__(self, clock: Clock, *, window_s: float = 60.0, keys: int = 100) -> None:
        self._clock = clock
        self._window_s = window_s
        self._keys = keys
        self._opened_at = clock.monotonic()
        self._held_back: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def let_through(self, key: str) -> int | None:
        """None when it must be held back, else how many of this key were held back in the window before."""
        now = self._clock.monotonic()
        if now - self._opened_at >= self._window_s:
            recent = now - self._opened_at < 2 * self._window_s
            self._before = self._held_back if recent else {}
            self._held_back = {}
            self._opened_at = now
        if key in self._held_back:
            self._held_back[key] += 1
            return None
        if len(self._held_back) >= self._keys:
            return None
        self._held_back[key] = 0
        return self._before.get(key, 0)
