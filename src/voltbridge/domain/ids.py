"""Identifiers that we make ourselves: 63-bit integers that grow with time.

The upper 43 bits are milliseconds since the Unix epoch, the lower 20 bits a counter that starts at a random value
within each millisecond, so two nodes hardly ever meet and a table sorted by id is sorted by time. The API shows them
as strings, because they exceed what a JavaScript number holds.
"""

from __future__ import annotations

import secrets
from typing import Final

from voltbridge.domain.clock import Clock

__all__ = ["ID_BITS", "IdSource"]

ID_BITS: Final = 20
"""Below the milliseconds."""


class IdSource:
    """Hands out ever-growing ids; one per process."""

    __slots__ = ("_clock", "_last")

    def __init__(self, clock: Clock, *, after: int = 0) -> None:
        """``after``: an id that all are to be larger than, should the clock be behind it."""
        self._clock = clock
        self._last = after

    def next(self) -> int:
        """A new id, larger than every id this source gave before."""
        candidate = (self._clock.now_ms() << ID_BITS) | secrets.randbits(ID_BITS - 1)
        self._last = candidate if candidate > self._last else self._last + 1
        return self._last
