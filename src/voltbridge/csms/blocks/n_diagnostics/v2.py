"""Logs in the words of 2.0.1 and 2.1, which differ in which logs there are."""

from __future__ import annotations

from typing import Any

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import LogOrder
from voltbridge.csms.commands.kinds import Answer, answered
from voltbridge.domain.station_logs import UploadStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = ["log_answer", "log_request", "plain_request", "told_of_log"]

_ACCEPTED = frozenset({"Accepted", "AcceptedCanceled"})


def log_request(messages: Any, order: LogOrder) -> Payload:
    """N01; ``messages`` are the message types of a version."""
    request: Payload = messages.GetLogRequest(
        log_type=messages.LogEnumType(order.log_type.value),
        request_id=order.request_id,
        retries=optional(order.retries),
        retry_interval=optional(order.retry_interval_s),
        log=messages.LogParametersType(
            remote_location=order.location,
            oldest_timestamp=optional(None if order.oldest_at is None else DateTime.of(order.oldest_at)),
            latest_timestamp=optional(None if order.latest_at is None else DateTime.of(order.latest_at)),
        ),
    )
    return request


def plain_request(order: LogOrder) -> Payload | None:
    """Only 1.6 has an older message."""
    return None


def log_answer(response: Any) -> Answer:
    """N01.FR.01, N01.FR.05, N01.FR.12."""
    return answered(response, _ACCEPTED)


async def told_of_log(service: LogService, live: LiveStation, request: Any) -> None:
    """N01: how far a log is."""
    await service.told(live, UploadStatus(request.status.value), given(request.request_id), "log.status", request)
