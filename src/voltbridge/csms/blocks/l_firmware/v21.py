"""Firmware management in the words of 2.1; they are those of ``v2``."""

from __future__ import annotations

from voltbridge.csms.blocks.l_firmware import v2
from voltbridge.csms.blocks.l_firmware.publishing import PublishingService
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = [
    "firmware_status_notification",
    "publish_firmware_status_notification",
    "publish_request",
    "unpublish_request",
    "update_answer",
    "update_request",
]

_WORDS = v2.Words(v21)

publish_request = _WORDS.publish_request
unpublish_request = _WORDS.unpublish_request
update_answer = _WORDS.update_answer
update_request = _WORDS.update_request


async def firmware_status_notification(
    service: FirmwareService, live: LiveStation, request: v21.FirmwareStatusNotificationRequest
) -> v21.FirmwareStatusNotificationResponse:
    """L01, L02."""
    await v2.told_of_update(service, live, request)
    return v21.FirmwareStatusNotificationResponse()


async def publish_firmware_status_notification(
    service: PublishingService, live: LiveStation, request: v21.PublishFirmwareStatusNotificationRequest
) -> v21.PublishFirmwareStatusNotificationResponse:
    """L03."""
    await v2.told_of_publishing(service, live, request)
    return v21.PublishFirmwareStatusNotificationResponse()
