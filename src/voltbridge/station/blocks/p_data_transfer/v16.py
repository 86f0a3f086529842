"""Data transfer in the words of 1.6."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.station.answers import Transferred
from voltbridge.station.context import Handling
from voltbridge.station.facts import DataTransferQuestion
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given

__all__ = ["data_transfer", "data_transfer_answer", "data_transfer_request", "text_of"]


def text_of(data: Any) -> str:
    """1.6 carries texts; anything else travels as JSON in one."""
    return data if isinstance(data, str) else msgspec.json.encode(data).decode()


def data_transfer_request(fact: DataTransferQuestion, speaker: Speaker) -> v16.DataTransferRequest:
    """4.3."""
    del speaker
    return v16.DataTransferRequest(
        vendor_id=fact.vendor_id,
        message_id=UNSET if fact.message_id is None else fact.message_id,
        data=UNSET if fact.data is None else text_of(fact.data),
    )


def data_transfer_answer(
    response: v16.DataTransferResponse, fact: DataTransferQuestion, speaker: Speaker
) -> Transferred:
    """What the CSMS made of it."""
    del fact, speaker
    return Transferred(response.status.value, given(response.data))


async def data_transfer(
    services: Services, handling: Handling, request: v16.DataTransferRequest
) -> v16.DataTransferResponse:
    """5.6."""
    del handling
    done = await services.data_transfers.receive(request.vendor_id, given(request.message_id), given(request.data))
    return v16.DataTransferResponse(
        status=v16.DataTransferStatus(done.status), data=UNSET if done.data is None else text_of(done.data)
    )
