"""Battery Swapping in the words of 2.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["battery_swap"]


async def battery_swap(
    service: NotificationService, live: LiveStation, request: v21.BatterySwapRequest
) -> v21.BatterySwapResponse:
    """Batteries were put in or taken out (S03)."""
    service.note(live, "battery.swap", request)
    return v21.BatterySwapResponse()
