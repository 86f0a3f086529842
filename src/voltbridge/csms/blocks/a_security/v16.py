"""Security events in the words of 1.6."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16

__all__ = ["security_event_notification"]


async def security_event_notification(
    service: NotificationService, live: LiveStation, request: v16.SecurityEventNotificationRequest
) -> v16.SecurityEventNotificationResponse:
    """A04 of the security whitepaper."""
    service.note(live, "security.event", request)
    return v16.SecurityEventNotificationResponse()
