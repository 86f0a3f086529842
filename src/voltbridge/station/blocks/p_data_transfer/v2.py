"""Data transfer in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Transferred
from voltbridge.station.context import Handling
from voltbridge.station.facts import DataTransferQuestion
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, optional

__all__ = ["data_transfer", "data_transfer_answer", "data_transfer_request"]


def data_transfer_request(words: Any, fact: DataTransferQuestion, speaker: Speaker) -> Payload:
    """P02."""
    del speaker
    request: Payload = words.DataTransferRequest(
        vendor_id=fact.vendor_id, message_id=optional(fact.message_id), data=optional(fact.data)
    )
    return request


def data_transfer_answer(response: Any, fact: DataTransferQuestion, speaker: Speaker) -> Transferred:
    """What the CSMS made of it."""
    del fact, speaker
    return Transferred(response.status.value, given(response.data))


async def data_transfer(services: Services, handling: Handling, request: Any) -> Payload:
    """P01."""
    words = messages(handling.version)
    done = await services.data_transfers.receive(request.vendor_id, given(request.message_id), given(request.data))
    response: Payload = words.DataTransferResponse(
        status=words.DataTransferStatusEnumType(done.status), data=optional(done.data)
    )
    return response
