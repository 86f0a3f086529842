"""Logs in the words of 1.6: GetDiagnostics, and GetLog of the security whitepaper."""

from __future__ import annotations

from typing import Any

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.n_diagnostics.logs_parameters import LogOrder
from voltbridge.csms.commands.kinds import Answer, Unsupported, answered
from voltbridge.domain.station_logs import LogType, UploadStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = [
    "diagnostics_status_notification",
    "log_answer",
    "log_request",
    "log_status_notification",
    "plain_request",
]

_ACCEPTED = frozenset({"Accepted", "AcceptedCanceled"})


def log_request(order: LogOrder) -> Payload:
    """N01 of the whitepaper."""
    if order.log_type is LogType.DATA_COLLECTOR:
        raise Unsupported("OCPP 1.6 has no DataCollectorLog; ask for the DiagnosticsLog or the SecurityLog")
    return v16.GetLogRequest(
        log_type=v16.LogEnumType(order.log_type.value),
        request_id=order.request_id,
        retries=optional(order.retries),
        retry_interval=optional(order.retry_interval_s),
        log=v16.LogParametersType(
            remote_location=order.location,
            oldest_timestamp=optional(None if order.oldest_at is None else DateTime.of(order.oldest_at)),
            latest_timestamp=optional(None if order.latest_at is None else DateTime.of(order.latest_at)),
        ),
    )


def plain_request(order: LogOrder) -> Payload | None:
    """5.9."""
    return v16.GetDiagnosticsRequest(
        location=order.location,
        retries=optional(order.retries),
        retry_interval=optional(order.retry_interval_s),
        start_time=optional(None if order.oldest_at is None else DateTime.of(order.oldest_at)),
        stop_time=optional(None if order.latest_at is None else DateTime.of(order.latest_at)),
    )


def log_answer(response: Any) -> Answer:
    """Without a name of the file there are no diagnostics (5.9)."""
    if not isinstance(response, v16.GetDiagnosticsResponse):
        return answered(response, _ACCEPTED)
    name = given(response.file_name)
    if not name:
        return Answer(False, "NoDiagnostics", "the station named no file, so it has no diagnostics")
    return Answer(True, "Accepted", None, {"filename": str(name)})


async def diagnostics_status_notification(
    service: LogService, live: LiveStation, request: v16.DiagnosticsStatusNotificationRequest
) -> v16.DiagnosticsStatusNotificationResponse:
    """4.4. It names no request."""
    failed = request.status is v16.DiagnosticsStatus.UPLOAD_FAILED
    status = UploadStatus.UPLOAD_FAILURE if failed else UploadStatus(request.status.value)
    await service.told(live, status, None, "diagnostics.status", request)
    return v16.DiagnosticsStatusNotificationResponse()


async def log_status_notification(
    service: LogService, live: LiveStation, request: v16.LogStatusNotificationRequest
) -> v16.LogStatusNotificationResponse:
    """N01 of the security whitepaper."""
    await service.told(live, UploadStatus(request.status.value), given(request.request_id), "log.status", request)
    return v16.LogStatusNotificationResponse()
