"""Durable state: SQLite by default, PostgreSQL by URL, one code path over SQLAlchemy Core.

``Storage.open`` gives every store the blocks' ports ask for. What handlers change goes through the grouped, ordered
commits of ``journal.py``; what they ask goes to a pool of reading threads. Nothing here blocks the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voltbridge.storage.store import Storage

__all__ = ["Storage"]


def __getattr__(name: str) -> Any:
    """SQLAlchemy and the drivers are imported by whoever opens a storage, not by a fleet of stations beside it."""
    if name != "Storage":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from voltbridge.storage.store import Storage

    return Storage
