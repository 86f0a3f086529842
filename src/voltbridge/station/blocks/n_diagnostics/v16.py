"""Uploads of logs in the words of 1.6."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.protocol.structs import Payload
from voltbridge.station.blocks.n_diagnostics.logs import LogAnswer, LogRequest
from voltbridge.station.context import Handling
from voltbridge.station.facts import LogStatusFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, moment

__all__ = ["get_diagnostics", "get_log", "log_status_action", "log_status_request"]

_STATUSES: Final = {each.value: each for each in v16.DiagnosticsStatus}


def log_status_action(fact: LogStatusFact) -> str:
    """GetDiagnostics and GetLog (security whitepaper) have a message each."""
    return "DiagnosticsStatusNotification" if fact.diagnostics else "LogStatusNotification"


def log_status_request(fact: LogStatusFact, speaker: Speaker) -> Payload | None:
    """4.4; N01 of the whitepaper. What went wrong with diagnostics is UploadFailed, whatever it was.

    An upload that is given up for another has no word in 1.6.
    """
    del speaker
    if fact.status == "AcceptedCanceled":
        return None
    if fact.diagnostics:
        status = _STATUSES.get(fact.status, v16.DiagnosticsStatus.UPLOAD_FAILED)
        return v16.DiagnosticsStatusNotificationRequest(status=status)
    return v16.LogStatusNotificationRequest(
        status=v16.UploadLogStatusEnumType(fact.status),
        request_id=UNSET if fact.request_id is None else fact.request_id,
    )


async def get_diagnostics(
    services: Services, handling: Handling, request: v16.GetDiagnosticsRequest
) -> v16.GetDiagnosticsResponse:
    """6.3. Without a name of a file there is nothing of that time."""
    answer, name = await services.log_uploads.request(
        LogRequest(
            location=str(request.location),
            oldest=moment(request.start_time),
            latest=moment(request.stop_time),
            retries=given(request.retries) or 0,
            retry_interval_s=given(request.retry_interval),
        )
    )
    if answer is LogAnswer.REJECTED:
        return v16.GetDiagnosticsResponse()
    handling.after_answer(services.log_uploads.begin())
    return v16.GetDiagnosticsResponse(file_name=name)


async def get_log(services: Services, handling: Handling, request: v16.GetLogRequest) -> v16.GetLogResponse:
    """Security whitepaper N01."""
    answer, name = await services.log_uploads.request(
        LogRequest(
            location=request.log.remote_location,
            security=request.log_type is v16.LogEnumType.SECURITY_LOG,
            request_id=request.request_id,
            oldest=moment(request.log.oldest_timestamp),
            latest=moment(request.log.latest_timestamp),
            retries=given(request.retries) or 0,
            retry_interval_s=given(request.retry_interval),
        )
    )
    status = v16.LogStatusEnumType(answer.value)
    if answer is LogAnswer.REJECTED:
        return v16.GetLogResponse(status=status)
    handling.after_answer(services.log_uploads.begin())
    return v16.GetLogResponse(status=status, filename=name)
