"""Numbers for transactions of stations whose version lets the CSMS number them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

__all__ = ["TransactionNumbers"]

_BLOCK: Final = 100
"""A start needs a number at once and the storage gives them durably, so they are taken in blocks. What is left of a
block when the process ends is never given: gaps cost nothing, a number given twice would mix two transactions."""


class TransactionNumbers:
    """Hands out numbers from durable blocks."""

    def __init__(self, take: Callable[[int], Awaitable[range]]) -> None:
        self._take = take
        self._left: Iterator[int] = iter(())
        self._taking = asyncio.Lock()

    async def next(self) -> int:
        """A number never given before. Raises StorageUnavailable."""
        async with self._taking:
            number = next(self._left, None)
            if number is None:
                self._left = iter(await self._take(_BLOCK))
                number = next(self._left)
        return number
