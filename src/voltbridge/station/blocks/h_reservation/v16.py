"""Reservations in the words of 1.6, which tells of their end by the status of the connector alone."""

from __future__ import annotations

from voltbridge.protocol import v16
from voltbridge.station.blocks.h_reservation.service import Reservation, ReserveStatus
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import given

__all__ = ["cancel_reservation", "reserve_now"]


async def reserve_now(services: Services, handling: Handling, request: v16.ReserveNowRequest) -> v16.ReserveNowResponse:
    """5.13: connector 0 reserves any."""
    place = services.context.configuration.connector_at(request.connector_id)
    if place is None:
        return v16.ReserveNowResponse(status=v16.ReservationStatus.REJECTED)
    wanted = Reservation(
        id=request.reservation_id,
        expires_at=request.expiry_date.moment,
        id_token=request.id_tag,
        token_type="ISO14443",
        group=given(request.parent_id_tag),
        group_type="ISO14443",
        evse_id=place[0],
        connector_id=place[1],
    )
    status: ReserveStatus = await services.reservations.reserve(wanted)
    handling.after_answer(_apply(services))
    return v16.ReserveNowResponse(status=v16.ReservationStatus(status.value))


async def cancel_reservation(
    services: Services, handling: Handling, request: v16.CancelReservationRequest
) -> v16.CancelReservationResponse:
    """5.3."""
    known = await services.reservations.cancel(request.reservation_id)
    handling.after_answer(_apply(services))
    return v16.CancelReservationResponse(
        status=v16.CancelReservationStatus.ACCEPTED if known else v16.CancelReservationStatus.REJECTED
    )


async def _apply(services: Services) -> None:
    services.reservations.apply()
