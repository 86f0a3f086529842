"""Firmware Management in the words of 1.6: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16

__all__ = ["firmware_status_notification", "signed_firmware_status_notification"]


async def firmware_status_notification(
    service: NotificationService, live: LiveStation, request: v16.FirmwareStatusNotificationRequest
) -> v16.FirmwareStatusNotificationResponse:
    """4.5."""
    service.note(live, "firmware.status", request)
    return v16.FirmwareStatusNotificationResponse()


async def signed_firmware_status_notification(
    service: NotificationService, live: LiveStation, request: v16.SignedFirmwareStatusNotificationRequest
) -> v16.SignedFirmwareStatusNotificationResponse:
    """L01 of the security whitepaper; the same event, here with the id of the request."""
    service.note(live, "firmware.status", request)
    return v16.SignedFirmwareStatusNotificationResponse()
