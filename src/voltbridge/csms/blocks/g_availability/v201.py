"""Availability in the words of 2.0.1; they are those of ``v2``."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.g_availability import v2
from voltbridge.csms.blocks.g_availability.service import AvailabilityService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201
from voltbridge.protocol.datetimes import DateTime

__all__ = ["change_availability", "heartbeat", "status_notification"]

_WORDS: Final = v2.Words(v201)

change_availability = _WORDS.change_availability


async def heartbeat(
    service: AvailabilityService, live: LiveStation, request: v201.HeartbeatRequest
) -> v201.HeartbeatResponse:
    """G02.FR.03."""
    return v201.HeartbeatResponse(current_time=DateTime.of(service.heartbeat(live)))


async def status_notification(
    service: AvailabilityService, live: LiveStation, request: v201.StatusNotificationRequest
) -> v201.StatusNotificationResponse:
    """G01."""
    v2.told_status(service, live, request)
    return v201.StatusNotificationResponse()
