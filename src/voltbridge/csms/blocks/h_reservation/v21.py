"""Reservation in the words of 2.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["reservation_status_update"]


async def reservation_status_update(
    service: NotificationService, live: LiveStation, request: v21.ReservationStatusUpdateRequest
) -> v21.ReservationStatusUpdateResponse:
    """A reservation ended without being used (H01, H04)."""
    service.note(live, "reservation.status", request)
    return v21.ReservationStatusUpdateResponse()
