"""The OCPP message log: every frame in both directions, and how stations deviated from the standard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

__all__ = [
    "DeviationCount",
    "DeviationFilter",
    "LoggedMessage",
    "MessageDirection",
    "MessageFilter",
    "MessageRecord",
]


class MessageDirection(StrEnum):
    """Seen from us."""

    RECEIVED = "received"
    SENT = "sent"


class MessageRecord(msgspec.Struct, frozen=True, gc=False):
    """A frame on its way into the log. ``action`` of a reply is the action of the call it answers, where known.

    ``frame`` is the text as it was on the wire, secrets replaced (see ``voltbridge.csms.redaction``).
    """

    station_id: str
    at_ms: int
    direction: MessageDirection
    kind: int
    """OCPP-J message type id: 2 CALL, 3 CALLRESULT, 4 CALLERROR, 5 CALLRESULTERROR, 6 SEND; 0 when unreadable."""
    message_id: str | None
    action: str | None
    frame: str


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A frame as read back from the log."""

    id: int
    station_id: str
    at: datetime
    direction: MessageDirection
    kind: int
    message_id: str | None
    action: str | None
    frame: str


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which frames of a station's log to list; what is None does not matter."""

    station_id: str
    action: str | None = None
    direction: MessageDirection | None = None
    message_id: str | None = None
    since: datetime | None = None
    """Not before this moment."""
    until: datetime | None = None
    """Before this moment."""


@dataclass(frozen=True, slots=True)
class DeviationCount:
    """How often messages of one kind of charger broke the standard in one way, forgiven or refused."""

    vendor: str
    model: str
    firmware_version: str
    action: str
    path: str
    kind: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    last_station_id: str
    example: str


@dataclass(frozen=True, slots=True)
class DeviationFilter:
    """Which deviations to list; what is None does not matter."""

    vendor: str | None = None
    model: str | None = None
