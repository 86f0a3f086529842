"""A station's store that ends with the process, for tests and for fleets nobody needs tomorrow."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from errno import ENOSPC

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps everything until it is forgotten itself; a second station made over it finds what the first one left."""

    __slots__ = ("_documents", "_last", "_queue", "full")

    def __init__(self) -> None:
        self._documents: dict[str, dict[str, bytes]] = {}
        self._queue: dict[int, bytes] = {}
        self._last = 0
        self.full = False
        """As a disk that takes no more."""

    def put(self, namespace: str, key: str, value: bytes) -> None:
        self._documents.setdefault(namespace, {})[key] = value

    def delete(self, namespace: str, key: str) -> None:
        self._documents.get(namespace, {}).pop(key, None)

    def all(self, namespace: str) -> Mapping[str, bytes]:
        return dict(self._documents.get(namespace, {}))

    def append(self, item: bytes) -> int:
        self._last += 1
        self._queue[self._last] = item
        return self._last

    def queue(self) -> Sequence[tuple[int, bytes]]:
        return list(self._queue.items())

    def replace(self, number: int, item: bytes) -> None:
        if number in self._queue:
            self._queue[number] = item

    def remove(self, number: int) -> None:
        self._queue.pop(number, None)

    async def committed(self) -> None:
        """Nothing is ever on a disk, so there is nothing to wait for."""
        if self.full:
            raise OSError(ENOSPC, os.strerror(ENOSPC))

    async def close(self) -> None:
        """Nothing to let go."""
