"""What was exchanged during a case, kept to show how a failure came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Entry", "Transcript", "Way"]


class Way(StrEnum):
    """Seen from the kit."""

    SENT = "->"
    RECEIVED = "<-"
    NOTE = "--"


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame as it was on the wire, or a note such as a handshake or a close."""

    at: datetime
    way: Way
    text: str

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S.%f} {self.way} {self.text}"


Transcript = list[Entry]
"""In the order of events."""
