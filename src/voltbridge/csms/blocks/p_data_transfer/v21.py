"""DataTransfer in the words of 2.1, where data is any JSON value."""

from __future__ import annotations

from msgspec import UNSET

from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferService
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["data_transfer"]


async def data_transfer(
    service: DataTransferService, live: LiveStation, request: v21.DataTransferRequest
) -> v21.DataTransferResponse:
    """P02."""
    outcome = await service.receive(live, request.vendor_id, given(request.message_id), given(request.data))
    return v21.DataTransferResponse(
        status=v21.DataTransferStatusEnumType(outcome.status.value),
        data=UNSET if outcome.data is None else outcome.data,
    )
