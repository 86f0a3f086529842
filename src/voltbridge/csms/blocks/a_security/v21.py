"""Security events in the words of 2.1."""

from __future__ import annotations

from voltbridge.csms.blocks.a_security.events import SecurityEventService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["security_event_notification"]


async def security_event_notification(
    service: SecurityEventService, live: LiveStation, request: v21.SecurityEventNotificationRequest
) -> v21.SecurityEventNotificationResponse:
    """A04."""
    await service.note(live, request)
    return v21.SecurityEventNotificationResponse()
