"""Reservation in the words of 2.0.1 and 2.1 (block H), which differ in what a token and a connector may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voltbridge.csms.blocks.given import optional
from voltbridge.csms.blocks.h_reservation.service import ReservationEnd, ReservationService
from voltbridge.csms.commands.kinds import Answer, answered
from voltbridge.csms.events import message_data
from voltbridge.domain.reservations import ReservationTerms
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import IdToken
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = ["Words", "cancel_answer", "reserve_answer", "told_end"]


class Words:
    """Makes requests of the message types of one version, which are those of a module of ``protocol``."""

    def __init__(
        self, messages: Any, *, type_of: Callable[[str], Any] = str, connector_of: Callable[[str], Any] = str
    ) -> None:
        """``type_of`` and ``connector_of`` give the wire's types of tokens and connectors; they raise Unsupported."""
        self._messages = messages
        self._type_of = type_of
        self._connector_of = connector_of

    def reserve_request(self, id: int, terms: ReservationTerms) -> Payload:
        """H01. Raises Unsupported for types that only other versions have."""
        connector, group = terms.connector_type, terms.group_id_token
        request: Payload = self._messages.ReserveNowRequest(
            id=id,
            expiry_date_time=DateTime.of(terms.expires_at),
            connector_type=optional(None if connector is None else self._connector_of(connector)),
            id_token=self._id_token(terms.id_token),
            evse_id=optional(terms.evse_id),
            group_id_token=optional(None if group is None else self._id_token(group)),
        )
        return request

    def cancel_request(self, id: int) -> Payload:
        """H02."""
        request: Payload = self._messages.CancelReservationRequest(reservation_id=id)
        return request

    def _id_token(self, id_token: IdToken) -> Any:
        return self._messages.IdTokenType(id_token=id_token.id_token, type=self._type_of(id_token.type or ""))


def reserve_answer(response: Any) -> Answer:
    """H01.FR.01 to H01.FR.14."""
    return answered(response)


def cancel_answer(response: Any) -> Answer:
    """H02.FR.01."""
    return answered(response)


async def told_end(service: ReservationService, live: LiveStation, request: Any) -> None:
    """A reservation ended at the station without a transaction (H01.FR.16, H01.FR.17, H04; 2.1 H03.FR.11)."""
    end = ReservationEnd(request.reservation_update_status.value)
    await service.told(live.station_id, request.reservation_id, end, message_data(request))
