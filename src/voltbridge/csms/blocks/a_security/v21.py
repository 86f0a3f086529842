"""Security events in the words of 2.1."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["security_event_notification"]


async def security_event_notification(
    service: NotificationService, live: LiveStation, request: v21.SecurityEventNotificationRequest
) -> v21.SecurityEventNotificationResponse:
    """A04."""
    service.note(live, "security.event", request)
    return v21.SecurityEventNotificationResponse()
