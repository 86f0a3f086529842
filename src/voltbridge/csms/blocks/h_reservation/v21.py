"""Reservation in the words of 2.1 (block H)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.csms.blocks.given import optional
from voltbridge.csms.blocks.h_reservation.service import ReservationEnd, ReservationService
from voltbridge.csms.commands.kinds import Answer, answered
from voltbridge.csms.events import message_data
from voltbridge.domain.reservations import ReservationTerms
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import IdToken
from voltbridge.protocol import v21
from voltbridge.protocol.datetimes import DateTime

__all__ = [
    "TELLS_THE_END",
    "cancel_answer",
    "cancel_request",
    "reservation_status_update",
    "reserve_answer",
    "reserve_request",
]

TELLS_THE_END: Final = True

_ENDS: Final = {
    v21.ReservationUpdateStatusEnumType.EXPIRED: ReservationEnd.EXPIRED,
    v21.ReservationUpdateStatusEnumType.REMOVED: ReservationEnd.REMOVED,
    v21.ReservationUpdateStatusEnumType.NO_TRANSACTION: ReservationEnd.NO_TRANSACTION,
}


async def reservation_status_update(
    service: ReservationService, live: LiveStation, request: v21.ReservationStatusUpdateRequest
) -> v21.ReservationStatusUpdateResponse:
    """A reservation ended at the station without a transaction (H01.FR.16, H01.FR.17, H04; 2.1 H03.FR.11)."""
    end = _ENDS[request.reservation_update_status]
    await service.told(live.station_id, request.reservation_id, end, message_data(request))
    return v21.ReservationStatusUpdateResponse()


def reserve_request(id: int, terms: ReservationTerms) -> v21.ReserveNowRequest:
    """H01."""
    return v21.ReserveNowRequest(
        id=id,
        expiry_date_time=DateTime.of(terms.expires_at),
        connector_type=optional(terms.connector_type),
        id_token=_id_token(terms.id_token),
        evse_id=optional(terms.evse_id),
        group_id_token=UNSET if terms.group_id_token is None else _id_token(terms.group_id_token),
    )


def reserve_answer(response: v21.ReserveNowResponse) -> Answer:
    """H01.FR.01 to H01.FR.14."""
    return answered(response)


def cancel_request(id: int) -> v21.CancelReservationRequest:
    """H02."""
    return v21.CancelReservationRequest(reservation_id=id)


def cancel_answer(response: v21.CancelReservationResponse) -> Answer:
    """H02.FR.01."""
    return answered(response)


def _id_token(id_token: IdToken) -> v21.IdTokenType:
    return v21.IdTokenType(id_token=id_token.id_token, type=id_token.type or "")
