"""Who transfers what at the moment, whichever protocol they use: places, one delivery at a time, what has left.

The same one-time address serves HTTP, FTP and SFTP, so the rules that keep its file whole hold across them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

from voltbridge.csms.files.ranges import Coverage
from voltbridge.domain.files import FileGrant

__all__ = ["Displaced", "TooManyTransfers", "Traffic"]

_R = TypeVar("_R")

_PER_STATION: Final = 4
"""Transfers of one station at once, so that one that is slow on purpose leaves room for the others."""
_MOST_SENT: Final = 10_000
"""Files of which it is known what has left; of one that is forgotten the address lives until it expires."""


class TooManyTransfers(Exception):
    """Every place is taken; the station may come again."""


class Displaced(Exception):
    """A newer delivery to the same address has begun."""


class Traffic:
    """What is under way. ``at_once`` transfers have a place."""

    def __init__(self, at_once: int = 200) -> None:
        self.at_once = at_once
        self._running = 0
        self._per_station: Counter[str] = Counter()
        self._receiving: dict[str, asyncio.Task[Any]] = {}
        """By the hash of the address; a newer delivery takes the place of one that hangs."""
        self._sent: dict[str, Coverage] = {}

    @contextlib.contextmanager
    def place(self, grant: FileGrant) -> Iterator[None]:
        """A place for a transfer. Raises TooManyTransfers."""
        station = grant.station_id
        if self._running >= self.at_once or self._per_station[station] >= _PER_STATION:
            raise TooManyTransfers
        self._running += 1
        self._per_station[station] += 1
        try:
            yield
        finally:
            self._running -= 1
            self._per_station[station] -= 1
            if not self._per_station[station]:
                del self._per_station[station]

    async def alone(self, grant: FileGrant, receive: Callable[[bool], Awaitable[_R]]) -> _R:
        """Receive a file in the place of what still comes from elsewhere: ``receive`` is told whether something did.

        Raises Displaced when a newer delivery does the same to this one.
        """
        key = grant.token_hash
        older = self._receiving.get(key)

        async def run() -> _R:
            hangs = older is not None and not older.done()
            if older is not None and hangs:
                older.cancel()
                await _ended(older)
            return await receive(hangs)

        task = asyncio.create_task(run())
        self._receiving[key] = task
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Displaced from None
            task.cancel()
            await asyncio.wait([task])
            raise
        finally:
            if self._receiving.get(key) is task:
                del self._receiving[key]

    def sent(self, grant: FileGrant, size: int) -> Coverage:
        """What has left of a file by this address, over all its downloads."""
        coverage = self._sent.pop(grant.token_hash, None) or Coverage(size)
        self._sent[grant.token_hash] = coverage
        if len(self._sent) > _MOST_SENT:
            del self._sent[next(iter(self._sent))]
        return coverage

    def all_sent(self, grant: FileGrant) -> None:
        """Nothing of it needs to be remembered any more."""
        self._sent.pop(grant.token_hash, None)


async def _ended(task: asyncio.Task[Any]) -> None:
    """Return once it has ended, also when this is cancelled: who displaces us waits for us alone, and so for it too."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
