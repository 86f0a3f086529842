"""Reservation in the words of 1.6 (5.1, 5.13). A connector is an EVSE of its own; connector 0 stands for any.

A charge point tells when a reservation was used, by StartTransaction, and never when it ended otherwise.
"""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.given import optional
from voltbridge.csms.commands.kinds import Answer, Unsupported, answered
from voltbridge.domain.reservations import ReservationTerms
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime

__all__ = ["TELLS_THE_END", "cancel_answer", "cancel_request", "reserve_answer", "reserve_request"]

TELLS_THE_END: Final = False


def reserve_request(id: int, terms: ReservationTerms) -> v16.ReserveNowRequest:
    """5.13; connector 0 needs ReserveConnectorZeroSupported, else the charge point answers Rejected."""
    if terms.connector_type is not None:
        raise Unsupported(
            "OCPP 1.6 cannot reserve by the type of connector; give an evse_id, or neither for any connector"
        )
    return v16.ReserveNowRequest(
        connector_id=terms.evse_id or 0,
        expiry_date=DateTime.of(terms.expires_at),
        id_tag=terms.id_token.id_token,
        parent_id_tag=optional(terms.group_id_token.id_token if terms.group_id_token else None),
        reservation_id=id,
    )


def reserve_answer(response: v16.ReserveNowResponse) -> Answer:
    """7.40."""
    return answered(response)


def cancel_request(id: int) -> v16.CancelReservationRequest:
    """5.1."""
    return v16.CancelReservationRequest(reservation_id=id)


def cancel_answer(response: v16.CancelReservationResponse) -> Answer:
    """7.5."""
    return answered(response)
