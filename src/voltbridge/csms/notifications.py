"""Notifications: messages that only tell something and are answered with nothing but their receipt.

Their content is kept as an event of the station, which is where their effect is read. Blocks that make more of such a
message do that besides.
"""

from __future__ import annotations

from msgspec import Struct

from voltbridge.csms.events import EventLog, message_data
from voltbridge.csms.redaction import hide
from voltbridge.domain.stations import LiveStation

__all__ = ["NotificationService"]


class NotificationService:
    """Keeps what stations tell."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def note(self, live: LiveStation, type: str, message: Struct) -> None:
        """Keep a message as an event of this type, without the secrets it may tell."""
        data = message_data(message)
        hide(data)
        self._events.emit(type, live.station_id, **data)
