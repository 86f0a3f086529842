"""Transactions in the words of 2.1: TransactionEvent, as 2.0.1 for what is taken from it here."""

from __future__ import annotations

from msgspec import UNSET

from voltbridge.csms.blocks.c_authorization.v21 import id_token_info
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.e_transactions.v201 import update_of
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["transaction_event"]


async def transaction_event(
    service: TransactionService, live: LiveStation, request: v21.TransactionEventRequest
) -> v21.TransactionEventResponse:
    """E01 to E17. The answer tells of the token exactly when the event carries one (E01.FR.12)."""
    outcome = await service.apply(live, update_of(live.station_id, request))
    info = id_token_info(outcome.authorization) if outcome.authorization else UNSET
    return v21.TransactionEventResponse(id_token_info=info)
