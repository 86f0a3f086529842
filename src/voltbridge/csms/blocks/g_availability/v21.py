"""Availability in the words of 2.1; they are those of ``v2``."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.g_availability import v2
from voltbridge.csms.blocks.g_availability.service import AvailabilityService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21
from voltbridge.protocol.datetimes import DateTime

__all__ = ["change_availability", "heartbeat", "status_notification"]

_WORDS: Final = v2.Words(v21)

change_availability = _WORDS.change_availability


async def heartbeat(
    service: AvailabilityService, live: LiveStation, request: v21.HeartbeatRequest
) -> v21.HeartbeatResponse:
    """G02.FR.03."""
    return v21.HeartbeatResponse(current_time=DateTime.of(service.heartbeat(live)))


async def status_notification(
    service: AvailabilityService, live: LiveStation, request: v21.StatusNotificationRequest
) -> v21.StatusNotificationResponse:
    """G01."""
    v2.told_status(service, live, request)
    return v21.StatusNotificationResponse()
