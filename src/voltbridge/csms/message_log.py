"""Reading the log of OCPP messages, up to the frame that was sent or received last."""

from __future__ import annotations

import contextlib
from typing import Protocol

from voltbridge.csms.journal import Journal, StorageUnavailable
from voltbridge.domain.messages import LoggedMessage, MessageFilter
from voltbridge.domain.paging import Page, PageRequest

__all__ = ["MessageBook", "MessageLog"]


class MessageBook(Protocol):
    """The stored messages."""

    async def list(self, wanted: MessageFilter, page: PageRequest) -> Page[LoggedMessage]:
        """Newest first. Raises InvalidCursor."""


class MessageLog:
    """Shows what was written down."""

    def __init__(self, book: MessageBook, journal: Journal) -> None:
        self._book = book
        self._journal = journal

    async def list(self, wanted: MessageFilter, page: PageRequest) -> Page[LoggedMessage]:
        """Newest first. Raises InvalidCursor and StorageUnavailable."""
        # Frames are put without waiting for their commit; whoever just saw an answer wants to find it here.
        with contextlib.suppress(StorageUnavailable):
            await self._journal.committed()
        return await self._book.list(wanted, page)
