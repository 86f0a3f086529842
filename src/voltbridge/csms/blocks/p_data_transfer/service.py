"""Data of a vendor's own, from a station to its handler (2.0.1 P02; 1.6 4.3).

The way to a station needs no service: it is one message through the door to the stations.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from voltbridge.csms.blocks.p_data_transfer.vendors import VendorAnswer, VendorHandler, Vendors
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.stations import LiveStation

__all__ = ["DataTransferOutcome", "DataTransferService", "DataTransferStatus"]

_log = structlog.stdlib.get_logger(__name__)


class DataTransferStatus(StrEnum):
    """What a DataTransfer is answered."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE_ID = "UnknownMessageId"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"


@dataclass(frozen=True, slots=True)
class DataTransferOutcome:
    """The status, and the handler's data if it gave any."""

    status: DataTransferStatus
    data: Any = None


class DataTransferService:
    """Hands messages to the vendors' handlers."""

    def __init__(self, vendors: Vendors, events: EventLog, clock: Clock, *, handler_timeout_s: float = 10.0) -> None:
        self._vendors = vendors
        self._events = events
        self._clock = clock
        self._handler_timeout_s = handler_timeout_s

    async def receive(
        self, live: LiveStation, vendor_id: str, message_id: str | None, data: Any
    ) -> DataTransferOutcome:
        """The answer to a station's message. ``data`` is None when there is none."""
        outcome, problem = await self._outcome(live, vendor_id, message_id, data)
        self._events.emit(
            "data_transfer.received",
            live.station_id,
            vendor_id=vendor_id,
            message_id=message_id,
            data=data,
            status=outcome.status.value,
            problem=problem,
        )
        return outcome

    async def _outcome(
        self, live: LiveStation, vendor_id: str, message_id: str | None, data: Any
    ) -> tuple[DataTransferOutcome, str | None]:
        """The answer, and what went wrong with the handler."""
        handler = self._vendors.handler(vendor_id, message_id)
        if handler is None:
            known = self._vendors.knows(vendor_id)
            status = DataTransferStatus.UNKNOWN_MESSAGE_ID if known else DataTransferStatus.UNKNOWN_VENDOR_ID
            return DataTransferOutcome(status), None
        try:
            answer = await self._in_time(handler, live, data)
        except TimeoutError:
            return DataTransferOutcome(DataTransferStatus.REJECTED), "the handler took too long"
        except Exception as error:
            # A vendor's code must not cost the station its connection, nor the station's next message its turn.
            _log.exception("a data transfer handler failed", station=live.station_id, vendor_id=vendor_id)
            return DataTransferOutcome(DataTransferStatus.REJECTED), f"the handler failed: {type(error).__name__}"
        status = DataTransferStatus.ACCEPTED if answer.accepted else DataTransferStatus.REJECTED
        return DataTransferOutcome(status, answer.data), None

    async def _in_time(self, handler: VendorHandler, live: LiveStation, data: Any) -> VendorAnswer:
        """What the handler answers. Raises TimeoutError, what the handler raises, and for an answer that is none."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit:
            cancel = self._clock.call_later(self._handler_timeout_s, lambda: limit.reschedule(loop.time()))
            try:
                answer = await handler(live.report, data)
            finally:
                cancel()
        return VendorAnswer(answer.accepted, msgspec.to_builtins(answer.data))
