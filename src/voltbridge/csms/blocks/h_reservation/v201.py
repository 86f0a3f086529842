"""Reservation in the words of 2.0.1: what is only told becomes an event."""

from __future__ import annotations

from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201

__all__ = ["reservation_status_update"]


async def reservation_status_update(
    service: NotificationService, live: LiveStation, request: v201.ReservationStatusUpdateRequest
) -> v201.ReservationStatusUpdateResponse:
    """A reservation ended without being used (H01, H04)."""
    service.note(live, "reservation.status", request)
    return v201.ReservationStatusUpdateResponse()
