"""What files ask of the storage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from voltbridge.domain.files import FileFilter, FileGrant, StoredFile
from voltbridge.domain.paging import Page, PageRequest

__all__ = ["FileBook", "GrantBook"]


class FileBook(Protocol):
    """What is known of complete files. Everything raises StorageUnavailable."""

    async def add(self, file: StoredFile, delivered: FileGrant | None = None) -> None:
        """Keep a file, and in the same step the grant by which it was delivered, as it is now."""

    async def get(self, id: int) -> StoredFile | None: ...

    async def list(self, wanted: FileFilter, page: PageRequest) -> Page[StoredFile]:
        """Newest first. Raises InvalidCursor."""

    async def delete(self, id: int) -> bool:
        """Whether there was one."""

    async def known(self, ids: Collection[int]) -> set[int]:
        """Those of the ids that are kept."""

    async def delivered_before(self, moment: datetime, limit: int) -> Sequence[int]:
        """Ids of files that stations delivered before the moment, oldest first."""


class GrantBook(Protocol):
    """What stations may do at which address. Everything raises StorageUnavailable."""

    async def put(self, grant: FileGrant) -> None:
        """Add or replace it; one that was closed meanwhile stays closed."""

    async def get(self, token_hash: str) -> FileGrant | None: ...

    async def close(self, reference: str, at: datetime) -> None:
        """Close every grant of this reference that is open."""

    async def delivered(self, reference: str) -> int | None:
        """The id of a file that was delivered on this behalf, if any."""

    async def known(self, token_hashes: Collection[str]) -> set[str]:
        """Those that are kept."""

    async def prune(self, before: datetime) -> int:
        """Forget those that expired before the moment."""
