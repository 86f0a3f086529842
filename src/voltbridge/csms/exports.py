"""Taking whole logs out: in parts, as fast as they are taken and no faster, for a few readers at a time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final, Protocol

from voltbridge.csms.journal import Journal, StorageUnavailable
from voltbridge.domain.exports import ExportedReadings, ExportRange
from voltbridge.domain.messages import LoggedMessage

__all__ = ["ExportService", "ExportStore", "TooManyExports"]

_PART: Final = 500


class ExportStore(Protocol):
    """What an export asks of the storage."""

    async def meter_values(
        self, wanted: ExportRange, after: ExportedReadings | None, limit: int
    ) -> Sequence[ExportedReadings]:
        """Readings after the one given, in the order of their moments; empty at the end."""

    async def messages(
        self, wanted: ExportRange, after: int | None, limit: int
    ) -> tuple[Sequence[LoggedMessage], int | None]:
        """Frames after the one of the id, and after which id to go on; None at the end."""


class TooManyExports(Exception):
    """As many are under way as may be."""


class ExportService:
    """Reads logs from their beginning. ``running`` counts the exports under way."""

    def __init__(self, store: ExportStore, journal: Journal, at_once: int = 4) -> None:
        self._store = store
        self._journal = journal
        self._at_once = at_once
        self.running = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place among those that may export at a time. Raises TooManyExports."""
        if self.running >= self._at_once:
            raise TooManyExports
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    async def meter_values(self, wanted: ExportRange) -> AsyncGenerator[Sequence[ExportedReadings]]:
        """All readings, in the order of their moments. Raises StorageUnavailable."""
        await self._settled()
        part = await self._store.meter_values(wanted, None, _PART)
        while part:
            yield part
            part = await self._store.meter_values(wanted, part[-1], _PART)

    async def messages(self, wanted: ExportRange) -> AsyncGenerator[Sequence[LoggedMessage]]:
        """All frames, in the order in which they were logged. Raises StorageUnavailable."""
        await self._settled()
        part, last = await self._store.messages(wanted, None, _PART)
        yield part
        while last is not None:
            part, last = await self._store.messages(wanted, last, _PART)
            yield part

    async def _settled(self) -> None:
        """What was said a moment ago shall be there."""
        with contextlib.suppress(StorageUnavailable):
            await self._journal.committed()
