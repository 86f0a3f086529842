"""Reads by key that serve everybody who asks meanwhile with one query.

When ten thousand stations reconnect at once, each needs a handful of rows; asked one by one, most of the time would go
into making statements. So while one query runs, further keys gather for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from voltbridge.storage.sessions import Sessions
from voltbridge.storage.texts import is_storable

__all__ = ["GatheredReads", "ReadByKey"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MOST = 200
"""Keys in one query."""


class ReadByKey(Protocol[T_co]):
    """Reads many at once; the answer holds the keys it found."""

    def __call__(self, connection: Connection, keys: Collection[str]) -> Mapping[str, T_co]: ...


class GatheredReads(Generic[T]):
    """Calls ``read`` on a reading thread with the keys that gathered."""

    def __init__(self, sessions: Sessions, read: ReadByKey[T]) -> None:
        self._sessions = sessions
        self._read = read
        self._waiting: list[tuple[str, asyncio.Future[T | None]]] = []
        self._reader: asyncio.Task[None] | None = None

    async def get(self, key: str) -> T | None:
        """What ``read`` has for the key, read after this call began; raises StorageUnavailable."""
        if not is_storable(key):
            return None  # it would fail everybody's question
        waiter: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, waiter))
        if self._reader is None:
            self._reader = asyncio.create_task(self._serve())
        return await waiter

    async def _serve(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                keys = {key for key, _ in group}
                try:
                    found = await self._sessions.read(partial(self._read, keys=keys))
                except Exception as error:
                    for _, waiter in group:
                        if not waiter.done():
                            waiter.set_exception(error)
                else:
                    for key, waiter in group:
                        if not waiter.done():
                            waiter.set_result(found.get(key))
        finally:
            self._reader = None
