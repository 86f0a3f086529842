"""DataTransfer in the words of 1.6, where data is a text."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16

__all__ = ["data_transfer"]


async def data_transfer(
    service: DataTransferService, live: LiveStation, request: v16.DataTransferRequest
) -> v16.DataTransferResponse:
    """4.3. A handler's answer that is no text goes out as JSON."""
    outcome = await service.receive(live, request.vendor_id, given(request.message_id), given(request.data))
    data = outcome.data
    if data is not None and not isinstance(data, str):
        data = msgspec.json.encode(data).decode()
    return v16.DataTransferResponse(
        status=v16.DataTransferStatus(outcome.status.value), data=UNSET if data is None else data
    )
