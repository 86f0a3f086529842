"""Reservation in the words of 2.1 (block H); they are those of ``v2``."""

from __future__ import annotations

from typing import Final

from voltbridge.csms.blocks.h_reservation import v2
from voltbridge.csms.blocks.h_reservation.service import ReservationService
from voltbridge.csms.blocks.h_reservation.v2 import cancel_answer, reserve_answer
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = [
    "TELLS_THE_END",
    "cancel_answer",
    "cancel_request",
    "reservation_status_update",
    "reserve_answer",
    "reserve_request",
]

TELLS_THE_END: Final = True

_WORDS: Final = v2.Words(v21)

cancel_request = _WORDS.cancel_request
reserve_request = _WORDS.reserve_request


async def reservation_status_update(
    service: ReservationService, live: LiveStation, request: v21.ReservationStatusUpdateRequest
) -> v21.ReservationStatusUpdateResponse:
    """H01, H04."""
    await v2.told_end(service, live, request)
    return v21.ReservationStatusUpdateResponse()
