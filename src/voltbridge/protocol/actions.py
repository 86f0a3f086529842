"""What an action is: its messages, who may send it, and which functional block it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Action", "Direction"]


class Direction(StrEnum):
    """Who sends the request."""

    FROM_STATION = "from station"
    FROM_CSMS = "from CSMS"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Action:
    """One action of one version."""

    name: str
    """The action on the wire, such as ``BootNotification``."""
    version: Version
    request: type[Payload]
    response: type[Payload] | None
    """None for an action sent with SEND, which is never answered (2.1)."""
    direction: Direction
    block: str
    """The letter of the functional block in 2.x; 1.6 actions have the letter of the block that took them over."""

    @property
    def from_station(self) -> bool:
        """A charging station may send the request."""
        return self.direction is not Direction.FROM_CSMS

    @property
    def from_csms(self) -> bool:
        """A CSMS may send the request."""
        return self.direction is not Direction.FROM_STATION
