"""How often a file is fetched or delivered, and when again: until it has gone well, or no try is left that may help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from voltbridge.domain.clock import Clock

__all__ = ["RETRY_INTERVAL_S", "AttemptFailed", "attempt_numbers", "is_in_vain", "succeeds"]

RETRY_INTERVAL_S: Final = 60
"""The station's choice, where the CSMS leaves it to it."""

_MOST_RETRIES: Final = 100

AttemptFailed = Callable[[int, OSError], None]
"""Told of each attempt that failed: its number, from 1, and why."""


def attempt_numbers(retries: int) -> Iterator[int]:
    """1, 2 and so on: the first attempt, and as many again as the CSMS wants, in reason."""
    return iter(range(1, 2 + max(0, min(retries, _MOST_RETRIES))))


def is_in_vain(error: OSError) -> bool:
    """Another attempt would end as this one did, whatever the other side does meanwhile."""
    return bool(getattr(error, "lasting", False))


async def succeeds(
    attempt: Callable[[], Awaitable[None]], *, retries: int, interval_s: int, clock: Clock, failed: AttemptFailed
) -> bool:
    """Whether it went well in the end, with a pause behind each failure."""
    for number in attempt_numbers(retries):
        if number > 1:
            await clock.sleep(max(0, interval_s))
        try:
            await attempt()
        except OSError as error:
            failed(number, error)
            if is_in_vain(error):
                return False
        else:
            return True
    return False
