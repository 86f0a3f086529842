"""Reservation in the words of 2.0.1 (block H)."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.csms.blocks.given import optional
from voltbridge.csms.blocks.h_reservation.service import ReservationEnd, ReservationService
from voltbridge.csms.commands.kinds import Answer, Unsupported, answered
from voltbridge.csms.events import message_data
from voltbridge.domain.reservations import ReservationTerms
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import IdToken
from voltbridge.protocol import v201
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
    v201.ReservationUpdateStatusEnumType.EXPIRED: ReservationEnd.EXPIRED,
    v201.ReservationUpdateStatusEnumType.REMOVED: ReservationEnd.REMOVED,
}


async def reservation_status_update(
    service: ReservationService, live: LiveStation, request: v201.ReservationStatusUpdateRequest
) -> v201.ReservationStatusUpdateResponse:
    """A reservation ended at the station without a transaction (H01.FR.16, H01.FR.17, H04)."""
    end = _ENDS[request.reservation_update_status]
    await service.told(live.station_id, request.reservation_id, end, message_data(request))
    return v201.ReservationStatusUpdateResponse()


def reserve_request(id: int, terms: ReservationTerms) -> v201.ReserveNowRequest:
    """H01. Raises Unsupported for types that only other versions have."""
    return v201.ReserveNowRequest(
        id=id,
        expiry_date_time=DateTime.of(terms.expires_at),
        connector_type=UNSET if terms.connector_type is None else _connector_type(terms.connector_type),
        id_token=_id_token(terms.id_token),
        evse_id=optional(terms.evse_id),
        group_id_token=UNSET if terms.group_id_token is None else _id_token(terms.group_id_token),
    )


def reserve_answer(response: v201.ReserveNowResponse) -> Answer:
    """H01.FR.01 to H01.FR.14."""
    return answered(response)


def cancel_request(id: int) -> v201.CancelReservationRequest:
    """H02."""
    return v201.CancelReservationRequest(reservation_id=id)


def cancel_answer(response: v201.CancelReservationResponse) -> Answer:
    """H02.FR.01."""
    return answered(response)


def _connector_type(name: str) -> v201.ConnectorEnumType:
    try:
        return v201.ConnectorEnumType(name)
    except ValueError:
        known = ", ".join(kind.value for kind in v201.ConnectorEnumType)
        raise Unsupported(f"OCPP 2.0.1 has no connectors of type {name}; it has {known}") from None


def _id_token(id_token: IdToken) -> v201.IdTokenType:
    try:
        kind = v201.IdTokenEnumType(id_token.type or "")
    except ValueError:
        known = ", ".join(kind.value for kind in v201.IdTokenEnumType)
        raise Unsupported(f"OCPP 2.0.1 has no tokens of type {id_token.type}; it has {known}") from None
    return v201.IdTokenType(id_token=id_token.id_token, type=kind)
