"""What charging stations keep over a restart: documents by name, and a queue. In one file per process, or in memory.

Light on purpose, plain sqlite3: a fleet of a thousand stations imports neither SQLAlchemy nor a driver of a server.
"""

from __future__ import annotations

from voltbridge.storage.station.file import StationFile, StationStore
from voltbridge.storage.station.memory import MemoryStore

__all__ = ["MemoryStore", "StationFile", "StationStore"]
