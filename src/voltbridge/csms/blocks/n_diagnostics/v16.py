"""Diagnostics in the words of 1.6: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16

__all__ = ["diagnostics_status_notification", "log_status_notification"]


async def diagnostics_status_notification(
    service: NotificationService, live: LiveStation, request: v16.DiagnosticsStatusNotificationRequest
) -> v16.DiagnosticsStatusNotificationResponse:
    """4.4."""
    service.note(live, "diagnostics.status", request)
    return v16.DiagnosticsStatusNotificationResponse()


async def log_status_notification(
    service: NotificationService, live: LiveStation, request: v16.LogStatusNotificationRequest
) -> v16.LogStatusNotificationResponse:
    """N01 of the security whitepaper."""
    service.note(live, "log.status", request)
    return v16.LogStatusNotificationResponse()
