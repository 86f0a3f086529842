"""Reservations in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from voltbridge.protocol.structs import Payload
from voltbridge.station.blocks.h_reservation.service import Reservation
from voltbridge.station.context import Handling
from voltbridge.station.facts import ReservationFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, id_token_of, messages, status_info

__all__ = ["cancel_reservation", "reservation_request", "reserve_now"]


async def reserve_now(services: Services, handling: Handling, request: Any) -> Payload:
    """H01."""
    words = messages(handling.version)
    token = id_token_of(request.id_token)
    group_token = given(request.group_id_token)
    group = None if group_token is None else id_token_of(group_token)
    connector_type = given(request.connector_type)
    wanted = Reservation(
        id=request.id,
        expires_at=request.expiry_date_time.moment,
        id_token=token.id_token,
        token_type=token.type,
        group=None if group is None else group.id_token,
        group_type=None if group is None else group.type,
        evse_id=given(request.evse_id) or 0,
        connector_type="" if connector_type is None else str(getattr(connector_type, "value", connector_type)),
    )
    status = await services.reservations.reserve(wanted)
    handling.after_answer(_apply(services))
    response: Payload = words.ReserveNowResponse(
        status=words.ReserveNowStatusEnumType(status.value),
        status_info=status_info(words, "NotEnabled" if status.value == "Rejected" else ""),
    )
    return response


async def cancel_reservation(services: Services, handling: Handling, request: Any) -> Payload:
    """H02."""
    words = messages(handling.version)
    known = await services.reservations.cancel(request.reservation_id)
    handling.after_answer(_apply(services))
    response: Payload = words.CancelReservationResponse(
        status=words.CancelReservationStatusEnumType("Accepted" if known else "Rejected"),
        status_info=status_info(words, "" if known else "NotFound"),
    )
    return response


def reservation_request(words: Any, fact: ReservationFact, speaker: Speaker) -> Payload:
    """H04.FR.01, H01.FR.16, FR.17."""
    del speaker
    request: Payload = words.ReservationStatusUpdateRequest(
        reservation_id=fact.reservation_id,
        reservation_update_status=words.ReservationUpdateStatusEnumType(fact.status),
    )
    return request


async def _apply(services: Services) -> None:
    services.reservations.apply()
