"""How long something takes, counted in buckets: what a histogram of Prometheus is made from."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

__all__ = ["BOUNDS_S", "Durations"]

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets in seconds; one more bucket takes what is longer."""


class Durations:
    """Counts durations. ``counts`` has a number for each of ``BOUNDS_S``, then one for what was longer."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    @property
    def bounds_s(self) -> tuple[float, ...]:
        """Upper ends of the buckets, in seconds."""
        return BOUNDS_S

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds
