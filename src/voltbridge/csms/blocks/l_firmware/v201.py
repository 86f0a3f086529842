"""Firmware Management in the words of 2.0.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["firmware_status_notification", "publish_firmware_status_notification"]


async def firmware_status_notification(
    service: NotificationService, live: LiveStation, request: v201.FirmwareStatusNotificationRequest
) -> v201.FirmwareStatusNotificationResponse:
    """L01, L02."""
    service.note(live, "firmware.status", request)
    return v201.FirmwareStatusNotificationResponse()


async def publish_firmware_status_notification(
    service: NotificationService, live: LiveStation, request: v201.PublishFirmwareStatusNotificationRequest
) -> v201.PublishFirmwareStatusNotificationResponse:
    """How a local controller gets on with publishing (L03)."""
    service.note(live, "firmware.publish_status", request)
    return v201.PublishFirmwareStatusNotificationResponse()
