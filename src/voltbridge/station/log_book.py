"""The station's own logs: what it did, and what concerns security. No line has a token, a password or the content of a
message.

``RingLog`` keeps the last lines of each with the station's documents, for virtual stations of which there are many;
``log_files.FileLog`` writes files that rotate.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from voltbridge.domain.clock import Clock
from voltbridge.station.ports import Store

__all__ = ["LogBook", "RingLog", "line_of", "moment_of"]

_NAMESPACE: Final = "log"
_LINES: Final = 300
_SECURITY_LINES: Final = 100
_LONGEST: Final = 200


class LogBook(Protocol):
    """Both logs of one station."""

    def note(self, text: str) -> None:
        """Something was done."""

    def note_security(self, text: str) -> None:
        """Something happened that concerns security. It is in both logs, and does not wait for an end in order."""

    def keep(self) -> None:
        """The station stops in order: put everything on disk."""

    async def select(
        self, head: str, *, security: bool, oldest: datetime | None, latest: datetime | None
    ) -> bytes | Path | None:
        """The lines of that time behind a first line, oldest first; None when there is none.

        A file is the caller's to remove.
        """


class RingLog:
    """The oldest lines go. What concerns security is on disk at once; the rest is when the station stops in order."""

    __slots__ = ("_clock", "_lines", "_security", "_store")

    def __init__(self, clock: Clock, store: Store) -> None:
        self._clock = clock
        self._store = store
        kept = store.all(_NAMESPACE)
        self._lines = _ring(kept.get("diagnostics"), _LINES)
        self._security = _ring(kept.get("security"), _SECURITY_LINES)

    def note(self, text: str) -> None:
        self._lines.append((self._clock.now().timestamp(), text[:_LONGEST]))

    def note_security(self, text: str) -> None:
        self.note(text)
        self._security.append((self._clock.now().timestamp(), text[:_LONGEST]))
        self._store.put(_NAMESPACE, "security", msgspec.json.encode(list(self._security)))

    def keep(self) -> None:
        self._store.put(_NAMESPACE, "diagnostics", msgspec.json.encode(list(self._lines)))

    async def select(
        self, head: str, *, security: bool, oldest: datetime | None, latest: datetime | None
    ) -> bytes | None:
        first = oldest.timestamp() if oldest is not None else float("-inf")
        last = latest.timestamp() if latest is not None else float("inf")
        lines = [each for each in (self._security if security else self._lines) if first <= each[0] <= last]
        if not lines:
            return None
        return (head + "".join(line_of(datetime.fromtimestamp(at, UTC), text) for at, text in lines)).encode()


def line_of(at: datetime, text: str) -> str:
    """A line of a log: one, however many the text has."""
    return f"{moment_of(at)} {' '.join(text.split())[:_LONGEST]}\n"


def moment_of(at: datetime) -> str:
    """A moment as lines begin with it: always as long, and in the order of time."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ring(kept: bytes | None, size: int) -> deque[tuple[float, str]]:
    lines = msgspec.json.decode(kept, type=list[tuple[float, str]]) if kept else []
    return deque(lines, maxlen=size)
