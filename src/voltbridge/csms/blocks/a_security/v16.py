"""Security events in the words of 1.6."""

from __future__ import annotations

from voltbridge.csms.blocks.a_security.events import SecurityEventService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16

__all__ = ["security_event_notification"]


async def security_event_notification(
    service: SecurityEventService, live: LiveStation, request: v16.SecurityEventNotificationRequest
) -> v16.SecurityEventNotificationResponse:
    """A04 of the security whitepaper."""
    await service.note(live, request)
    return v16.SecurityEventNotificationResponse()
