"""Durable state: SQLite by default, PostgreSQL by URL, one code path over SQLAlchemy Core.

``Storage.open`` gives every store the blocks' ports ask for. What handlers change goes through the grouped, ordered
commits of ``journal.py``; what they ask goes to a pool of reading threads. Nothing here blocks the event loop.
"""

from voltbridge.storage.store import Storage

__all__ = ["Storage"]
