"""Display Message in the words of 2.0.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["notify_display_messages"]


async def notify_display_messages(
    service: NotificationService, live: LiveStation, request: v201.NotifyDisplayMessagesRequest
) -> v201.NotifyDisplayMessagesResponse:
    """A part of an answer to GetDisplayMessages (O03, O04)."""
    service.note(live, "display_messages.reported", request)
    return v201.NotifyDisplayMessagesResponse()
